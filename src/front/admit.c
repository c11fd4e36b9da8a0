#include "front/forwarded.h"
#include "front/front.h"

/* Then a delayed request is refused: it holds a connection meanwhile. A window of 10 s may free its
 * first place a sixtieth later. */
#define LONGEST_WAIT     (11 * NANOS_SECOND)
#define LONGEST_SLEEP_MS 1000
enum {
    POLITE_REFUSALS = 500
}; /* a second and worker; more of them are a flood, and not read by anyone */

/* ---- A request's own context ----------------------------------------------------------------- */

static void context_end(void *data)
{
    const struct front_context *context = data;
    if (context->waits_until)
        front.waiting--;
}

struct front_context *front_context_find(ngx_http_request_t *r)
{
    struct front_context *context = ngx_http_get_module_ctx(r, ngx_http_ecluse_module);
    if (context || !r->internal)
        return context;
    /* An internal redirect has wiped the modules' contexts; the request's pool still has ours. */
    for (ngx_pool_cleanup_t *cleanup = r->pool->cleanup; cleanup; cleanup = cleanup->next)
        if (cleanup->handler == context_end)
            return cleanup->data;
    return NULL;
}

struct front_context *front_context_take(ngx_http_request_t *r)
{
    struct front_context *context = front_context_find(r);
    if (context)
        return context;
    ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(r->pool, sizeof *context);
    if (!cleanup)
        return NULL;
    context = cleanup->data;
    ngx_memzero(context, sizeof *context);
    context->route = -1;
    cleanup->handler = context_end;
    ngx_http_set_ctx(r, context, ngx_http_ecluse_module);
    return context;
}

/* ---- Who is charged, and for what ------------------------------------------------------------ */

void front_peer_address(const ngx_connection_t *connection, uint8_t address[16])
{
    static const uint8_t loopback[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1};
    const struct sockaddr *peer = connection->sockaddr;
    memcpy(address, loopback, 16); /* a unix socket: somebody on this machine */
    if (peer->sa_family == AF_INET6) {
        memcpy(address, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr, 16);
    } else if (peer->sa_family == AF_INET) {
        memcpy(address + 12, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, 4);
    }
}

void front_client_address(ngx_http_request_t *r, uint8_t address[16])
{
    enum { MOST_HEADERS = 16 };
    struct text headers[MOST_HEADERS];
    uint8_t peer[16];
    front_peer_address(r->connection, peer);
    memcpy(address, peer, 16);
    ngx_uint_t count = r->headers_in.x_forwarded_for.nelts;
    if (count == 0 || front.contract->trusted_proxies.count == 0)
        return;
    ngx_table_elt_t *const *line = r->headers_in.x_forwarded_for.elts;
    ngx_uint_t first =
        count > MOST_HEADERS ? count - MOST_HEADERS : 0; /* the right end is what counts */
    for (ngx_uint_t i = first; i < count; i++)
        headers[i - first] = front_text(line[i]->value);
    forwarded_client(&front.contract->trusted_proxies, peer, headers, count - first, address);
}

struct charge_call {
    uint64_t budgets;
    enum mode mode;
    const uint64_t *thing;
    const struct caller *caller;
    bool asks; /* only whether there is room */
    struct charge_result result;
};

static void charge_now(void *argument)
{
    struct charge_call *call = argument;
    struct charge_who who;
    charge_who(front.contract, call->caller, &who);
    budget_set_mode(front.budgets, call->mode);
    call->result = call->asks ? charge_ask(front.budgets, front.contract, call->budgets, &who,
                                           clock_boot())
                              : charge_all(front.budgets, front.contract, call->budgets, &who,
                                           call->thing, clock_boot());
}

static struct charge_result charge(ngx_http_request_t *r, const struct front_location *location,
                                   struct charge_call *call)
{
    if (!call->budgets || !front.budgets)
        return call->result;
    call->mode = location->enabled == FRONT_OBSERVE ? MODE_OBSERVE : front_mode();
    call->caller = front_payer(r);
    if (call->caller->standing == STANDING_LANE) /* what staff do is not the public's to spend */
        return (struct charge_result){.paid = call->budgets};
    if (!front_guarded(charge_now, call))
        return (struct charge_result){.paid = call->budgets};
    return call->result;
}

struct charge_result front_charge(ngx_http_request_t *r, const struct front_location *location,
                                  uint64_t budgets, const uint64_t *thing)
{
    struct charge_call call = {.budgets = budgets, .thing = thing};
    return charge(r, location, &call);
}

/* Whether who asks may still fail to sign in; what failed is charged when the origin has said so
 * (measure.c). */
static struct charge_result ask_logins(ngx_http_request_t *r, const struct front_location *location,
                                       int route)
{
    struct charge_call call = {.budgets = front.charges.logins[route + 1], .asks = true};
    return charge(r, location, &call);
}

struct route_call {
    struct text method, path;
    struct front_location *location;
    int route;
};

static void route_now(void *argument)
{
    struct route_call *call = argument;
    struct front_location *location = call->location;
    if (!location->route.data) {
        call->route = contract_route(front.contract, call->method, call->path);
        return;
    }
    location->route_index = contract_route_named(front.contract, front_text(location->route));
    location->route_generation = front.running;
    call->route = location->route_index;
}

/* The route of a path that was looked for last: one request asks for it three times over. */
static struct {
    uint64_t generation;
    size_t method_length, path_length;
    int route;
    char method[16], path[128];
} last_route;

static bool is_last_route(const struct route_call *call)
{
    return last_route.generation == front.running &&
           last_route.path_length == call->path.length &&
           last_route.method_length == call->method.length &&
           memcmp(last_route.method, call->method.data, call->method.length) == 0 &&
           memcmp(last_route.path, call->path.data, call->path.length) == 0;
}

static void remember_route(const struct route_call *call)
{
    if (call->method.length > sizeof last_route.method || !call->method.length ||
        call->path.length > sizeof last_route.path || !call->path.length)
        return;
    last_route.generation = front.running;
    last_route.method_length = call->method.length;
    last_route.path_length = call->path.length;
    last_route.route = call->route;
    memcpy(last_route.method, call->method.data, call->method.length);
    memcpy(last_route.path, call->path.data, call->path.length);
}

int front_route(ngx_http_request_t *r, struct front_location *location)
{
    if (location->route.data && location->route_generation == front.running)
        return location->route_index;
    struct route_call call = {front_text(r->method_name), front_text(r->uri), location, -1};
    if (!location->route.data && is_last_route(&call))
        return last_route.route;
    if (!front_guarded(route_now, &call))
        return -1;
    if (!location->route.data)
        remember_route(&call);
    return call.route;
}

/* ---- Over a budget --------------------------------------------------------------------------- */

static void wait_is_over(ngx_http_request_t *r)
{
    ngx_event_t *write = r->connection->write;
    if (write->delayed) {
        if (ngx_handle_write_event(write, 0) != NGX_OK)
            ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }
    if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }
    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r);
}

static ngx_msec_t sleep_for(nanos_t until, nanos_t now)
{
    nanos_t wait = until > now ? (until - now) / NANOS_MILLISECOND : 0;
    wait += 1 + (nanos_t)((ngx_uint_t)ngx_random() %
                          16); /* those who wait for the same moment do not come as one */
    return wait < LONGEST_SLEEP_MS ? (ngx_msec_t)wait : LONGEST_SLEEP_MS;
}

/* NGX_AGAIN: the phase is entered again when the wait is over, and charges again: what has become
 * free in the meantime is shared among those who wait. NGX_BUSY: it has waited enough, or too many
 * wait already. */
ngx_int_t front_wait(ngx_http_request_t *r, struct front_context *context, nanos_t until)
{
    nanos_t now = clock_boot();
    nanos_t end = context->waits_until ? context->waits_until : now + LONGEST_WAIT;
    if (until > end)
        return NGX_BUSY; /* a wait that ends in a refusal is no courtesy */
    if (!context->waits_until) {
        if (front.waiting >= ngx_cycle->connection_n / 4)
            return NGX_BUSY;
        front.waiting++;
        context->waits_until = end;
        front_count(COUNTER_SLOWED);
    } else if (now >= context->waits_until) {
        return NGX_BUSY;
    }
    if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    r->read_event_handler = ngx_http_test_reading; /* who hangs up is not waited for */
    r->write_event_handler = wait_is_over;
    r->connection->write->delayed = 1;
    ngx_add_timer(r->connection->write, sleep_for(until, now));
    return NGX_AGAIN;
}

static uint32_t seconds_until(nanos_t until)
{
    nanos_t wait = until - clock_boot();
    if (wait < NANOS_SECOND)
        return 1;
    return wait > NANOS_DAY ? 86400 : (uint32_t)((wait + NANOS_SECOND - 1) / NANOS_SECOND);
}

struct held_call {
    enum answer_form form;
    enum language language;
    uint32_t retry_after;
    struct front_answer *out;
};

static void held_now(void *argument)
{
    struct held_call *call = argument;
    struct answer_request request = {.kind = ANSWER_HELD,
                                     .form = call->form,
                                     .language = call->language,
                                     .contract = front.contract,
                                     .now = ngx_time(),
                                     .retry_after = call->retry_after};
    answer_render(&request, front.page, ANSWER_SIZE, &call->out->about);
    call->out->body = (struct text){front.page, call->out->about.length};
    call->out->lasting = false;
}

/* The prepared page says "a few moments"; one that says how many minutes is made for its reader. */
static void held_page(ngx_http_request_t *r, struct front_location *location, uint32_t retry_after,
                      struct front_answer *out)
{
    enum { MOMENTS = 60 };
    struct held_call call = {front_form(r, location), front_language(r), retry_after, out};
    if (retry_after <= MOMENTS || !front_guarded(held_now, &call))
        front_static(ANSWER_HELD, call.form, call.language, out);
    out->about.retry_after = retry_after;
}

/* 429 with when to come back; while a flood is on, the connection is closed instead. */
ngx_int_t front_refuse(ngx_http_request_t *r, struct front_location *location, nanos_t until)
{
    struct front_answer answer = {.lasting = false};
    front_count(COUNTER_REFUSED);
    if (front_ledger())
        front_gate_count(GATE_RULE_OVER_BUDGET, front_standing(r), false);
    if (++front.refused_lately > POLITE_REFUSALS)
        return NGX_HTTP_CLOSE;
    ngx_int_t rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK)
        return rc;
    held_page(r, location, seconds_until(until), &answer);
    return front_send(r, &answer);
}

static uint64_t budgets_of(ngx_http_request_t *r, const struct front_location *location, int route)
{
    const ngx_http_core_loc_conf_t *core = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    uint64_t set = front.charges.requests[route + 1];
    uint64_t origin = front.charges.origin[route + 1];
    if (!origin || !core->handler || location->page != NGX_CONF_UNSET_UINT)
        return set;
    if (!location->typed || front_goes_on(r, location))
        set |= origin; /* lookups ask for themselves, and rarely */
    return set;
}

static struct front_context *context_for(ngx_http_request_t *r,
                                         const struct front_location *location, int route)
{
    struct front_context *context = front_context_take(r);
    if (context) {
        context->route = route;
        context->came_in = location;
        context->generation = front.running;
    }
    return context;
}

static ngx_int_t over(ngx_http_request_t *r, struct front_location *location,
                      struct front_context *context, struct charge_result result)
{
    if (result.verdict == VERDICT_CHALLENGE) {
        ngx_int_t rc = front_gate_over(r, location, context && context->waits_until);
        if (rc != NGX_DECLINED)
            return rc;
    }
    if (result.verdict != VERDICT_HOLD) {
        if (!context && !(context = context_for(r, location, front_route(r, location))))
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        context->paid |= result.paid;
        ngx_int_t rc = front_wait(r, context, result.until);
        if (rc != NGX_BUSY)
            return rc;
    }
    ngx_http_finalize_request(r, front_refuse(r, location, result.until));
    return NGX_DONE;
}

/* Whether its route must be known when it ends: a location that names it may be left by then. */
static bool is_measured(const struct front_location *location, int route)
{
    return front.charges.logins[route + 1] ||
           (route >= 0 && (front.charges.promised >> route & 1) && !location->route.data);
}

/* NGX_DECLINED: admitted. */
static ngx_int_t admit(ngx_http_request_t *r, struct front_location *location)
{
    int route = front_route(r, location);
    struct front_context *context = NULL;
    if (is_measured(location, route) && !(context = context_for(r, location, route)))
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    uint64_t budgets = budgets_of(r, location, route);
    if (budgets && !context)
        context = front_context_find(r);
    if (context)
        budgets &= ~context->paid;
    struct charge_result result = {.verdict = VERDICT_ALLOW};
    if (budgets)
        result = front_charge(r, location, budgets, NULL);
    if (result.verdict == VERDICT_ALLOW && front.charges.logins[route + 1]) {
        uint64_t paid = result.paid;
        result = ask_logins(r, location, route);
        result.paid = paid;
        context->told = result.told; /* is_measured() has made one */
    }
    return result.verdict == VERDICT_ALLOW ? NGX_DECLINED : over(r, location, context, result);
}

/* Budgets are charged once, where the request came in; its place at the origin is sought where it
 * is sent there, which may be after an internal redirect (try_files). */
ngx_int_t front_admit(ngx_http_request_t *r)
{
    struct front_location *location = front_location_of(r);
    if (location->enabled == NGX_CONF_UNSET_UINT || location->enabled == FRONT_OFF ||
        r != r->main || !front_ready())
        return NGX_DECLINED;
    if (location->lane.len && !r->internal && front_lane_shut(r, location))
        return NGX_DONE;
    if (r->internal || front_gate_knows(front_context_find(r)))
        return front_gate(r, location);
    ngx_int_t rc = admit(r, location);
    if (rc != NGX_DECLINED || front.off)
        return rc;
    if (!location->early)
        return front_gate(r, location);
    rc = front_lookup_early(r);
    if (rc == NGX_DECLINED)
        return front.off ? rc : front_gate(r, location);
    ngx_http_finalize_request(r, rc);
    return NGX_DONE;
}
