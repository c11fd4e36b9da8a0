/* Who asks, as far as it can be verified: credential.h, gate/standing.h. */
#include "front/front.h"

#include "front/keys.h"
#include "gate/cookie.h"
#include "gate/puzzle.h"
#include "gate/ticket.h"

enum { TICKET_RETRY_SECONDS = 15 }; /* of a network whose budget for tickets is spent */

/* ---- What the request says ------------------------------------------------------------------- */

static struct text header_named(ngx_http_request_t *r, const char *name, size_t length)
{
    for (const ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next) {
        const ngx_table_elt_t *header = part->elts;
        for (ngx_uint_t i = 0; i < part->nelts; i++)
            if (header[i].key.len == length && memcmp(header[i].lowcase_key, name, length) == 0)
                return front_text(header[i].value);
    }
    return (struct text){NULL, 0};
}

static bool takes_html(const ngx_http_request_t *r)
{
    static const char html[] = "text/html";
    const ngx_table_elt_t *accept = r->headers_in.accept;
    return (r->method & (NGX_HTTP_GET | NGX_HTTP_POST)) && accept &&
           accept->value.len >= sizeof html - 1 &&
           memmem(accept->value.data, accept->value.len, html, sizeof html - 1) != NULL;
}

bool front_is_secure(ngx_http_request_t *r)
{
#if (NGX_HTTP_SSL)
    if (r->connection->ssl)
        return true;
#endif
    /* From a proxy that ends TLS. Who makes it up gets a cookie that his browser does not keep. */
    return text_is(header_named(r, "x-forwarded-proto", 17), "https");
}

/* ---- Where it is from ------------------------------------------------------------------------ */

/* The hashes of its networks, kept for each connection that asks again. What they are of stands
 * beside them: another request on its place finds its own or makes them. */
static void place_in_networks(ngx_http_request_t *r, struct caller *caller)
{
    enum { PLACES = 1024 };
    static struct {
        struct hash_key salt;
        uint8_t address[16];
        uint64_t network;
        uint32_t wide;
    } known[PLACES];
    const struct keyring *ring = keys_ring();
    if (!ring->count) {
        caller->network = caller->wide = 0;
        return;
    }
    unsigned at = (unsigned)r->connection->fd % PLACES;
    if (!known[at].network || known[at].salt.k0 != ring->salt.k0 ||
        known[at].salt.k1 != ring->salt.k1 ||
        memcmp(known[at].address, caller->address, sizeof caller->address) != 0) {
        known[at].salt = ring->salt;
        memcpy(known[at].address, caller->address, sizeof caller->address);
        known[at].network = keyring_near(ring, caller->address);
        known[at].wide = keyring_wide(ring, caller->address);
    }
    caller->network = known[at].network;
    caller->wide = known[at].wide;
}

/* ---- What is shown --------------------------------------------------------------------------- */

struct show_call {
    ngx_http_request_t *request;
    struct front_credential *out;
    struct text key, method, target; /* of a client's signature; key empty: none was shown */
    struct cookies cookies;
    enum token_fault refused[4]; /* of each that was shown */
    unsigned refusals;
    bool observed;
    int64_t wall;
    nanos_t now;
};

static void refuse(struct show_call *call, enum token_fault fault)
{
    call->out->caller.fault = fault;
    call->refused[call->refusals++] = fault;
}

static bool is_struck(uint64_t pass, nanos_t now)
{
    struct cells *strikes = front_ledger() ? ledger_strikes(front_ledger()) : NULL;
    return strikes && cells_count(strikes, pass, STRIKE_EACH, now) >= STRIKES_OUT;
}

static void take_up(struct show_call *call, enum standing standing, uint64_t hash)
{
    struct caller *caller = &call->out->caller;
    if (is_struck(hash, call->now)) {
        refuse(call, TOKEN_STRUCK);
        return;
    }
    caller->standing = standing;
    caller->pass = hash;
}

static void show_pass(struct show_call *call)
{
    struct front_credential *out = call->out;
    enum token_fault fault =
        pass_read(keys_ring(), call->cookies.pass, out->caller.wide, call->wall, &out->pass);
    if (fault != TOKEN_NONE) {
        refuse(call, fault);
        return;
    }
    out->has_pass = true;
    pass_principal(out->pass.id, out->caller.id);
    take_up(call, pass_standing(&out->pass, call->wall), pass_hash(out->pass.id));
}

/* A proof or ticket is one pass, however often it is shown; long after the first time it is none.
 * It has no history, whatever other pass it comes with: else one that has grown nearly old would
 * make any number that are, and one with strikes would lose them. */
static void redeem(struct show_call *call, enum redeemed what, const uint8_t id[PASS_ID_SIZE])
{
    struct front_credential *out = call->out;
    struct ledger *ledger = front_ledger();
    struct cells *redeemed = ledger ? ledger_redeemed(ledger) : NULL;
    struct cells *issues = ledger ? ledger_issues(ledger) : NULL;
    nanos_t ago =
        redeemed ? cells_seen(redeemed, pass_hash(id), REDEEMED_KEEP, call->now) : (nanos_t)0;
    if (ago > REDEEMED_GRACE) {
        refuse(call, TOKEN_REPLAYED);
        return;
    }
    if (ago == 0 && issues)
        cells_add(issues, out->caller.network, 1, ISSUE_EACH, call->now);
    pass_begin(&out->pass, id, PASS_PROVEN, out->caller.wide, call->wall);
    out->has_pass = true;
    out->redeemed = what;
    pass_principal(id, out->caller.id);
    take_up(call, pass_standing(&out->pass, call->wall), pass_hash(id));
}

static void show_proof(struct show_call *call)
{
    uint8_t id[PASS_ID_SIZE];
    enum token_fault fault =
        puzzle_redeem(keys_ring(), call->cookies.proof, call->out->caller.wide, call->wall, id);
    if (fault == TOKEN_NONE)
        redeem(call, REDEEMED_PROOF, id);
    else
        refuse(call, fault);
}

static bool network_has_tickets_left(uint64_t network, nanos_t now)
{
    struct cells *issues = front_ledger() ? ledger_issues(front_ledger()) : NULL;
    return !issues || cells_count(issues, network, ISSUE_EACH, now) < ISSUE_BUDGET;
}

static void show_ticket(struct show_call *call)
{
    struct front_credential *out = call->out;
    uint8_t id[PASS_ID_SIZE];
    enum token_fault fault = ticket_redeem(keys_ring(), call->cookies.ticket, out->caller.wide,
                                           call->wall, id, &out->lacks);
    if (fault == TOKEN_NONE && network_has_tickets_left(out->caller.network, call->now))
        redeem(call, REDEEMED_TICKET, id);
    else if (fault == TOKEN_NONE)
        out->lacks = TICKET_RETRY_SECONDS; /* it keeps its place */
    else if (fault != TOKEN_UNRIPE)
        refuse(call, fault);
}

static void show_key(struct show_call *call)
{
    struct caller *caller = &call->out->caller;
    const struct client_key *key;
    uint64_t hash;
    enum token_fault fault =
        client_key_check(keys_clients(), call->key, call->method, call->target, call->wall, &key);
    if (fault != TOKEN_NONE) {
        refuse(call, fault);
        return;
    }
    client_key_principal(key, caller->id, &hash);
    memcpy(caller->lane, key->lane, sizeof caller->lane);
    take_up(call, STANDING_KNOWN, hash);
}

static void show_now(void *argument)
{
    struct show_call *call = argument;
    const struct keyring *ring = keys_ring();
    struct caller *caller = &call->out->caller;
    place_in_networks(call->request, caller);
    if (call->key.length)
        show_key(call);
    if (ring->count == 0 || caller->standing >= STANDING_KNOWN)
        return;
    if (call->cookies.pass.length)
        show_pass(call);
    if (call->cookies.proof.length && caller->standing < STANDING_FRESH)
        show_proof(call);
    if (call->cookies.ticket.length && caller->standing < STANDING_FRESH)
        show_ticket(call);
    if (caller->standing >= STANDING_FRESH)
        caller->fault = TOKEN_NONE;
}

static void count_refusals(const struct show_call *call)
{
    struct ledger *ledger = front_ledger();
    unsigned mode = call->observed ? LEDGER_WOULD : LEDGER_DONE;
    for (unsigned i = 0; ledger && i < call->refusals; i++)
        atomic_fetch_add_explicit(&ledger->token_fault[call->refused[i]][mode], 1,
                                  memory_order_relaxed);
}

static void make(ngx_http_request_t *r, struct front_credential *out)
{
    struct show_call call = {
        .request = r, .out = out, .wall = ngx_time(), .now = front_loop_time()};
    out->made = true;
    out->caller.html = takes_html(r);
    front_client_address(r, out->caller.address);
    ngx_table_elt_t *const *line = r->headers_in.cookies.elts;
    for (ngx_uint_t i = 0; i < r->headers_in.cookies.nelts; i++)
        cookies_read(front_text(line[i]->value), &call.cookies);
    if (client_keys_count(keys_clients()))
        call.key = header_named(r, "ecluse-key", 10);
    call.observed = front_location_of(r)->enabled == FRONT_OBSERVE || front_mode() == MODE_OBSERVE;
    call.method = front_text(r->method_name);
    call.target = front_text(r->unparsed_uri);
    if (front_guarded(show_now, &call) && call.refusals)
        count_refusals(&call);
    front_lane_raise(r, &out->caller);
}

/* ---- Who shows nothing ----------------------------------------------------------------------- */

/* Most of a flood: nothing is to be verified, and nothing to be kept until its answer. So it takes
 * no memory of its request, and is made anew whenever it is asked for. */
static bool shows_nothing(ngx_http_request_t *r)
{
    return r->headers_in.cookies.nelts == 0 && front_location_of(r)->lane.len == 0 &&
           (client_keys_count(keys_clients()) == 0 || !header_named(r, "ecluse-key", 10).length);
}

/* False: it shows something, or has a context already. */
static bool is_bare(ngx_http_request_t *r, const struct front_context *context, struct caller *out)
{
    if (context || !shows_nothing(r))
        return false;
    out->html = takes_html(r);
    front_client_address(r, out->address);
    return true;
}

/* ---- For the phases -------------------------------------------------------------------------- */

const struct caller *front_payer(ngx_http_request_t *r)
{
    static struct caller bare = {.standing = STANDING_STRANGER};
    return is_bare(r, front_context_find(r), &bare) ? &bare : front_caller(r);
}

enum standing front_standing(ngx_http_request_t *r)
{
    return !front_context_find(r) && shows_nothing(r) ? STANDING_STRANGER
                                                      : front_caller(r)->standing;
}

const struct caller *front_caller(ngx_http_request_t *r)
{
    static const struct caller stranger = {.standing = STANDING_STRANGER};
    static struct caller bare = {.standing = STANDING_STRANGER};
    struct front_context *context = front_context_find(r);
    if (is_bare(r, context, &bare)) {
        place_in_networks(r, &bare);
        return &bare;
    }
    if (!context && !(context = front_context_take(r)))
        return &stranger;
    if (context->credential.made)
        return &context->credential.caller;
    make(r, &context->credential);
    if (context->credential.redeemed != REDEEMED_NOTHING) {
        front_wave_see(r, &context->credential.caller, front_route(r, front_location_of(r)),
                       WAVE_SOLVED);
    }
    return &context->credential.caller;
}

/* ---- For the pages --------------------------------------------------------------------------- */

const struct keyring *front_keyring(void)
{
    return keys_ring();
}

unsigned front_puzzle_bits(const struct caller *caller)
{
    struct cells *issues = front_ledger() ? ledger_issues(front_ledger()) : NULL;
    int32_t given = issues && caller->network
                        ? cells_count(issues, caller->network, ISSUE_EACH, front_loop_time())
                        : 0;
    return puzzle_bits((uint32_t)given, ISSUE_BUDGET);
}

unsigned front_ticket_lacks(ngx_http_request_t *r)
{
    const struct front_context *context = front_context_find(r);
    return context ? context->credential.lacks : 0;
}
