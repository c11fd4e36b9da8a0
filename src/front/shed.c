/* Who is closed, and how: shed.h. */
#include "front/shed.h"
#include "front/front.h"
#include "front/shed_look.h"

#include <ngx_http_v2_module.h>

enum {
    SCORES = 256, /* slowness in tenths of a second, and a hoarder's surcharge */
    SURCHARGE = 64,
    SHARES = 4096,    /* counters of clients and of networks */
    CLIENT_PART = 64, /* of all connections, in times of pressure: one in ... */
    NETWORK_PART = 8,
    CLIENT_LEAST = 16,
    LEAST_A_TICK = 16
};

static const struct {
    enum gate_rule rule;
    ngx_msec_t grace;
    ngx_uint_t rate;
} steps[] = {
#define X(constant, rule, grace, rate) [SHED_##constant] = {GATE_RULE_##rule, grace, rate},
    SHED_STEPS(X)
#undef X
};

/* ---- What a connection is at ------------------------------------------------------------------
 */

/* What stands first in c->data tells: a request's signature, an HTTP/2 connection's way back to us,
 * or else it is a connection between requests or before its first. */
enum holds { HOLDS_NOTHING, HOLDS_REQUEST, HOLDS_STREAMS };

struct found {
    ngx_connection_t *connection; /* or an HTTP/2 stream's own */
    ngx_http_request_t *request;  /* NULL: none, or its head is not read yet */
    ngx_event_t *event;           /* whose time-out is to come */
    enum shed_step step;
    unsigned score;
    bool hoarded;
};

static enum holds holds(const ngx_connection_t *c)
{
    if (*(ngx_connection_t *const *)c->data == c)
        return HOLDS_STREAMS;
    return *(const uint32_t *)c->data == NGX_HTTP_MODULE ? HOLDS_REQUEST : HOLDS_NOTHING;
}

static const ngx_http_connection_t *http_of(const ngx_connection_t *c)
{
    switch (holds(c)) {
    case HOLDS_REQUEST:
        return ((const ngx_http_request_t *)c->data)->http_connection;
    case HOLDS_STREAMS:
        return ((const ngx_http_v2_connection_t *)c->data)->http_connection;
    case HOLDS_NOTHING:
        break;
    }
    return c->data;
}

/* A client's, of a server that has `ecluse on` (or observe: then it is only counted). */
static bool is_ours(const ngx_connection_t *c, bool *observed)
{
    if (c->fd == (ngx_socket_t)-1 || !c->listening || c->read->accept || !c->data || c->close ||
        c->listening->handler != ngx_http_init_connection)
        return false;
    const ngx_http_connection_t *hc = http_of(c);
    if (!hc || !hc->conf_ctx)
        return false;
    const struct front_location *location =
        ngx_http_get_module_loc_conf(hc->conf_ctx, ngx_http_ecluse_module);
    if (location->enabled != FRONT_ON && location->enabled != FRONT_OBSERVE)
        return false;
    *observed = location->enabled == FRONT_OBSERVE || front_mode() == MODE_OBSERVE;
    return true;
}

static ngx_msec_t request_age(const ngx_http_request_t *r)
{
    const ngx_time_t *now = ngx_timeofday();
    ngx_msec_int_t age = (ngx_msec_int_t)(now->sec - r->start_sec) * 1000 +
                         ((ngx_msec_int_t)now->msec - (ngx_msec_int_t)r->start_msec);
    return age > 0 ? (ngx_msec_t)age : 0;
}

static ngx_msec_t idle_age(const ngx_connection_t *c)
{
    if (c->requests == 0)
        return ngx_current_msec - c->start_time;
    const ngx_http_connection_t *hc = http_of(c);
    const ngx_http_core_loc_conf_t *core =
        ngx_http_get_module_loc_conf(hc->conf_ctx, ngx_http_core_module);
    ngx_msec_int_t left =
        c->read->timer_set ? (ngx_msec_int_t)(c->read->timer.key - ngx_current_msec) : 0;
    ngx_msec_int_t age = (ngx_msec_int_t)core->keepalive_timeout - left;
    return age > 0 ? (ngx_msec_t)age : 0;
}

/* Shorter while hardly any connection is left, and for who has more than a share of them. */
static ngx_msec_t grace_of(enum shed_step step, bool hoarded)
{
    ngx_uint_t used = ngx_cycle->connection_n - ngx_cycle->free_connection_n;
    bool hardly_any = used * 16 > ngx_cycle->connection_n * 15;
    return steps[step].grace / (hoarded ? 8 : hardly_any ? 4 : 1);
}

/* Since its answer was last taken a part of: the timer begins anew with each. What was sent says
 * little, since the kernel holds megabytes of it. */
static ngx_msec_t stalled(ngx_http_request_t *r, const ngx_connection_t *c)
{
    const ngx_http_core_loc_conf_t *core = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    ngx_msec_int_t left = (ngx_msec_int_t)(c->write->timer.key - ngx_current_msec);
    ngx_msec_int_t age = (ngx_msec_int_t)core->send_timeout - left;
    return age > 0 ? (ngx_msec_t)age : 0;
}

static bool is_too_slow(enum shed_step step, ngx_msec_t age, off_t bytes, bool hoarded)
{
    if (age < grace_of(step, hoarded))
        return false;
    return steps[step].rate == 0 ||
           (ngx_uint_t)bytes * 1000 / age < steps[step].rate; /* bytes a second */
}

/* A request that waits for its client: event NULL when it does not. */
static void look_at_request(ngx_http_request_t *r, ngx_connection_t *c, bool hoarded,
                            struct found *out)
{
    ngx_msec_t age = request_age(r);
    bool head = r->write_event_handler == NULL;
    *out = (struct found){.connection = c, .request = head ? NULL : r, .hoarded = hoarded};
    if (head) {
        out->step = SHED_HEADERS;
        if (c->read->timer_set && is_too_slow(SHED_HEADERS, age, 0, hoarded))
            out->event = c->read;
    } else if ((r->request_body && r->request_body->rest > 0) || r->discard_body) {
        out->step = SHED_BODY;
        if (c->read->timer_set && is_too_slow(SHED_BODY, age, r->request_length, hoarded))
            out->event = c->read;
    } else if (r->header_sent && c->write->timer_set && !c->write->delayed) {
        out->step = SHED_READER;
        age = stalled(r, c);
        if (is_too_slow(SHED_READER, age, 0, hoarded))
            out->event = c->write;
    }
    out->score = (unsigned)(age / 100);
}

static void look_at_idle(ngx_connection_t *c, bool hoarded, struct found *out)
{
    bool shaking = false;
#if (NGX_HTTP_SSL)
    shaking = c->ssl && !c->ssl->handshaked;
#endif
    ngx_msec_t age = shaking ? ngx_current_msec - c->start_time : idle_age(c);
    *out = (struct found){
        .connection = c, .step = shaking ? SHED_HANDSHAKE : SHED_IDLE, .hoarded = hoarded};
    if (c->read->timer_set && is_too_slow(out->step, age, 0, hoarded))
        out->event = c->read;
    out->score = (unsigned)(age / (shaking || c->requests == 0 ? 100 : 400));
}

/* ---- Shares ---------------------------------------------------------------------------------- */

static uint16_t by_client[SHARES], by_network[SHARES];
static struct hash_key shares_key;

struct share {
    uint16_t *client, *network;
};

struct share_call {
    uint8_t address[16];
    struct share share;
};

static void share_now(void *argument)
{
    struct share_call *call = argument;
    if (prefix_list_covers(&front.contract->trusted_proxies, call->address))
        return;
    const struct principal client = principal_client(front.contract, call->address);
    const struct principal network = principal_network(front.contract, call->address);
    call->share.client = &by_client[siphash(shares_key, client.id, 16) % SHARES];
    call->share.network = &by_network[siphash(shares_key, network.id, 16) % SHARES];
}

static struct share share_of(const ngx_connection_t *c)
{
    struct share_call call = {.share = {NULL, NULL}};
    front_peer_address(c, call.address);
    if (!front_guarded(share_now, &call))
        return (struct share){NULL, NULL};
    return call.share;
}

static void add(uint16_t *count, ngx_uint_t amount)
{
    *count = (uint16_t)(*count + amount < UINT16_MAX ? *count + amount : UINT16_MAX);
}

static bool hoards(const struct share *share)
{
    ngx_uint_t client = ngx_cycle->connection_n / CLIENT_PART;
    if (client < CLIENT_LEAST)
        client = CLIENT_LEAST;
    return share->client &&
           (*share->client > client || *share->network > ngx_cycle->connection_n / NETWORK_PART);
}

/* ---- Two walks: how slow they are, then the slowest -------------------------------------------
 */

struct walk {
    unsigned pressure;
    ngx_uint_t too_many;
    unsigned least;      /* score of the second walk's candidates */
    ngx_uint_t of_least; /* so many of that very score */
    ngx_uint_t count[SCORES];
};

static void each_stream(const ngx_http_v2_connection_t *h2c,
                        void (*visit)(ngx_http_request_t *r, void *argument), void *argument)
{
    const ngx_http_v2_srv_conf_t *conf =
        ngx_http_get_module_srv_conf(h2c->http_connection->conf_ctx, ngx_http_v2_module);
    ngx_uint_t size = conf->streams_index_mask + 1;
    if (!h2c->streams_index || !h2c->pool)
        return;
    for (ngx_uint_t i = 0; i < size; i++)
        for (ngx_http_v2_node_t *node = h2c->streams_index[i], *next; node; node = next) {
            next = node->index;
            if (node->stream && node->stream->request)
                visit(node->stream->request, argument);
        }
}

static void slower_stream(ngx_http_request_t *r, void *argument)
{
    struct found *slowest = argument, found;
    look_at_request(r, r->connection, slowest->hoarded, &found);
    if (found.event && (!slowest->event || found.score > slowest->score))
        *slowest = found;
}

/* The slowest thing that the connection waits for; event NULL: nothing. One stream a tick. */
static void look_at(ngx_connection_t *c, const struct walk *walk, struct found *out)
{
    enum holds what = holds(c);
    const struct share share = share_of(c);
    bool hoarded = hoards(&share);
    *out = (struct found){.connection = c, .hoarded = hoarded};
    if (what == HOLDS_REQUEST)
        look_at_request(c->data, c, hoarded, out);
    else if (what == HOLDS_STREAMS && ((ngx_http_v2_connection_t *)c->data)->processing)
        each_stream(c->data, slower_stream, out);
    else
        look_at_idle(c, hoarded, out);
    if (out->step == SHED_IDLE && !(walk->pressure & (SHED_FOR_CONNECTIONS | SHED_FOR_BACKLOG)))
        out->event = NULL; /* it costs nobody anything */
    out->score += hoarded ? SURCHARGE : 0;
    if (out->score >= SCORES)
        out->score = SCORES - 1;
}

static void count_one(ngx_connection_t *c)
{
    const struct share share = share_of(c);
    if (!share.client)
        return;
    ngx_uint_t amount = 1;
    if (holds(c) == HOLDS_STREAMS)
        amount += ((const ngx_http_v2_connection_t *)c->data)->processing;
    add(share.client, amount);
    add(share.network, amount);
}

static void count_shares(void)
{
    bool observed;
    memset(by_client, 0, sizeof by_client);
    memset(by_network, 0, sizeof by_network);
    for (ngx_uint_t i = 0; i < ngx_cycle->connection_n; i++)
        if (is_ours(&ngx_cycle->connections[i], &observed))
            count_one(&ngx_cycle->connections[i]);
}

static void score_all(struct walk *walk)
{
    struct found found;
    bool observed;
    for (ngx_uint_t i = 0; i < ngx_cycle->connection_n; i++) {
        ngx_connection_t *c = &ngx_cycle->connections[i];
        if (!is_ours(c, &observed))
            continue;
        look_at(c, walk, &found);
        if (found.event)
            walk->count[found.score]++;
    }
    ngx_uint_t left = walk->too_many;
    for (walk->least = SCORES - 1; walk->least > 0; walk->least--) {
        if (walk->count[walk->least] >= left)
            break;
        left -= walk->count[walk->least];
    }
    walk->of_least = left;
}

/* ---- Closed ---------------------------------------------------------------------------------- */

/* As ngx_event_expire_timers() does it. */
static void time_out(ngx_event_t *event)
{
    if (event->timer_set)
        ngx_del_timer(event);
    event->timedout = 1;
    event->handler(event);
}

static void known_stream(ngx_http_request_t *r, void *argument)
{
    bool *known = argument;
    if (r->write_event_handler && front_caller(r)->standing >= STANDING_KNOWN)
        *known = true;
}

static bool works_for_the_known(const struct found *found)
{
    bool known = false;
    if (found->request)
        known_stream(found->request, &known);
    return known;
}

static void close_found(const struct found *found, bool observed)
{
    enum gate_rule rule = steps[found->step].rule;
    if (rule == GATE_RULE_SHED_IDLE && found->hoarded)
        rule = GATE_RULE_SHED_HOARD;
    front_gate_count(rule, STANDING_STRANGER, observed);
    if (!observed)
        time_out(found->event);
}

static void close_slowest(struct walk *walk)
{
    struct found found;
    bool observed;
    for (ngx_uint_t i = 0; i < ngx_cycle->connection_n && !front.off; i++) {
        ngx_connection_t *c = &ngx_cycle->connections[i];
        if (!is_ours(c, &observed))
            continue;
        look_at(c, walk, &found);
        if (!found.event || found.score < walk->least)
            continue;
        if (found.score == walk->least && walk->of_least == 0)
            continue;
        if (works_for_the_known(&found))
            continue;
        walk->of_least -= found.score == walk->least;
        close_found(&found, observed);
    }
}

/* ---- HTTP/2 streams opened and reset ----------------------------------------------------------
 */

static void close_resetters(void)
{
    ngx_connection_t *c;
    bool observed;
    while ((c = shed_next_resetter()) != NULL) {
        bool known = false;
        if (!is_ours(c, &observed) || holds(c) != HOLDS_STREAMS)
            continue;
        each_stream(c->data, known_stream, &known);
        if (known)
            continue;
        front_gate_count(GATE_RULE_SHED_STREAMS, STANDING_STRANGER, observed);
        if (observed)
            continue;
        c->error = 1; /* no lingering, during which it could go on sending */
        time_out(c->read);
    }
}

/* ---- Each tick ------------------------------------------------------------------------------- */

static ngx_uint_t too_many(void)
{
    ngx_uint_t used = ngx_cycle->connection_n - ngx_cycle->free_connection_n;
    ngx_uint_t wanted = ngx_cycle->connection_n / 2;
    return used > wanted + LEAST_A_TICK ? used - wanted : LEAST_A_TICK;
}

unsigned shed_tick(nanos_t lag, nanos_t now)
{
    static nanos_t
        observed_at; /* what would be closed is there at each tick: counted once a second */
    unsigned pressure = shed_pressure(lag, now);
    if (pressure == 0 || front.off || !front_ready())
        return pressure;
    if (shares_key.k0 == 0)
        shares_key = hash_key_random();
    if (pressure & (SHED_FOR_STREAMS | SHED_FOR_LAG))
        close_resetters();
    if (front_mode() == MODE_OBSERVE && now - observed_at < NANOS_SECOND)
        return pressure;
    observed_at = now;
    struct walk walk = {.pressure = pressure, .too_many = too_many()};
    count_shares();
    score_all(&walk);
    close_slowest(&walk);
    return pressure;
}
