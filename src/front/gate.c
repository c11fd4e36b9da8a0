/* The gate held to nginx (gate/gate.h): who goes on to the origin, who waits, who is asked for
 * proof. All of a request's judgement is one call of the core; what nginx does about it is outside
 * of it. */
#include "front/front.h"
#include "front/gate_worker.h"

/* ---- Judgement ------------------------------------------------------------------------------- */

struct judge_call {
    const struct caller *caller;
    unsigned route, origin;
    bool wave_known, observed;
    struct gate_decision decision;
};

static void judge_now(void *argument)
{
    struct judge_call *call = argument;
    struct gate_origin *origin = gate.origin[call->origin];
    const struct gate_question question = {
        .standing = call->caller->standing,
        .html = call->caller->html,
        .route_challenges = demand_challenges(&gate.ledger->route[call->route]),
        .wave_known = call->wave_known,
        .has_room = gate_has_room(origin),
    };
    call->decision = gate_decide(&question);
    if (!question.has_room && call->observed)
        origin->short_of[call->route] = true; /* nobody waits there: this stands for it */
}

static bool challenges(unsigned route)
{
    return demand_challenges(&gate.ledger->route[route]);
}

static struct gate_decision judge(ngx_http_request_t *r, struct judge_call *call, int route)
{
    call->wave_known = call->caller->standing < STANDING_FRESH && !challenges(call->route) &&
                       front_wave_known(r, route);
    if (!front_guarded(judge_now, call))
        call->decision = (struct gate_decision){.verdict = GATE_PASS};
    return call->decision;
}

void front_gate_count(enum gate_rule rule, enum standing standing, bool observed)
{
    if (gate.ledger)
        ledger_count(gate.ledger, front_ledger_slot(), rule, standing, observed);
}

/* ---- A place taken, given back, waited for ----------------------------------------------------
 */

static void place_end(void *data)
{
    struct front_context *context = data;
    struct front_place *place = &context->place;
    if (place->state == PLACE_WAITING)
        gate_leave(place);
    else if (place->state == PLACE_HELD)
        gate_give(place);
    place->state = PLACE_BACK;
}

/* Ends with the request, or as soon as it is terminated: not when its memory goes, which is later.
 */
static bool place_begin(ngx_http_request_t *r, struct front_context *context,
                        const struct judge_call *call)
{
    struct front_place *place = &context->place;
    place->standing = call->caller->standing;
    place->network = call->caller->network ? call->caller->network : gate_network(r);
    place->pass = call->caller->pass;
    place->origin = (uint8_t)call->origin;
    place->route = (uint8_t)call->route;
    place->request = r;
    if (place->ending)
        return true;
    ngx_http_cleanup_t *cleanup = ngx_http_cleanup_add(r, 0);
    if (!cleanup)
        return false;
    cleanup->handler = place_end;
    cleanup->data = context;
    place->ending = true;
    return true;
}

/* What waits is woken by gate_wake(): its state has changed by then. */
static void place_ready(ngx_http_request_t *r)
{
    const struct front_context *context = front_context_find(r);
    if (context && context->place.state == PLACE_WAITING) {
        if (ngx_handle_write_event(r->connection->write, 0) != NGX_OK)
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

static ngx_int_t answer(ngx_http_request_t *r, struct front_location *location,
                        const struct caller *caller, enum gate_rule rule)
{
    front_gate_count(rule, caller->standing, false);
    ngx_http_finalize_request(r, front_challenge(r, location, rule));
    return NGX_DONE;
}

static ngx_int_t wait_for(ngx_http_request_t *r, struct front_location *location,
                          struct front_context *context, const struct caller *caller)
{
    if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    if (!gate_enter(&context->place)) {
        context->place.state = PLACE_BACK;
        return answer(r, location, caller, GATE_RULE_PUSHED_OUT);
    }
    front_gate_count(GATE_RULE_QUEUED, caller->standing, false);
    r->read_event_handler = ngx_http_test_reading; /* who hangs up is not waited for */
    r->write_event_handler = place_ready;
    return NGX_AGAIN;
}

struct strike_call {
    uint64_t pass;
    nanos_t now;
};

static void strike_now(void *argument)
{
    const struct strike_call *call = argument;
    struct cells *strikes = ledger_strikes(gate.ledger);
    if (strikes)
        cells_add(strikes, call->pass, 1, STRIKE_EACH, call->now);
}

ngx_int_t front_gate_over(ngx_http_request_t *r, struct front_location *location, bool already)
{
    if (!gate.ledger)
        return NGX_DECLINED;
    const struct caller *caller = front_caller(r);
    if (caller->standing < STANDING_FRESH) {
        front_wave_see(r, caller, front_route(r, location),
                       caller->html ? WAVE_CHALLENGED : WAVE_REFUSED);
        return answer(r, location, caller,
                      caller->html ? GATE_RULE_CHALLENGED_BUDGET : GATE_RULE_PROGRAM_BUDGET);
    }
    struct strike_call call = {caller->pass, clock_boot()};
    if (!already && caller->pass && caller->standing < STANDING_LANE) {
        front_gate_count(GATE_RULE_STRUCK, caller->standing, false);
        front_guarded(strike_now, &call);
    }
    return NGX_DECLINED;
}

/* ---- The body first -------------------------------------------------------------------------- */

/* The first member of a proxying module's configuration is its upstream's. */
static const ngx_http_upstream_conf_t *upstream_conf(const ngx_http_request_t *r,
                                                     const ngx_module_t *module)
{
    return r->loc_conf[module->ctx_index];
}

/* That a body is a stream is believed only where a stream can go: else who writes it in his
 * Content-Type would hold a place at the origin for half a request. */
static bool is_streamed(ngx_http_request_t *r)
{
    static const char grpc[] = "application/grpc";
    extern ngx_module_t ngx_http_proxy_module, ngx_http_grpc_module;
    const ngx_table_elt_t *type = r->headers_in.content_type;
    if (upstream_conf(r, &ngx_http_grpc_module)->upstream)
        return type && type->value.len >= sizeof grpc - 1 &&
               ngx_strncasecmp(type->value.data, (u_char *)(uintptr_t)grpc, sizeof grpc - 1) == 0;
    return !upstream_conf(r, &ngx_http_proxy_module)->request_buffering;
}

static bool owes_body(ngx_http_request_t *r)
{
    return (r->headers_in.content_length_n > 0 || r->headers_in.chunked) && !r->request_body &&
           !r->discard_body && !is_streamed(r);
}

static void body_is_read(ngx_http_request_t *r)
{
    r->preserve_body = 1;
    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r);
}

/* As nginx's mirror module does: the phase is entered again when the body is there. */
static ngx_int_t read_body(ngx_http_request_t *r, struct front_context *context)
{
    context->place.state = PLACE_READING;
    ngx_int_t rc = ngx_http_read_client_request_body(r, body_is_read);
    if (rc >= NGX_HTTP_SPECIAL_RESPONSE)
        return rc;
    ngx_http_finalize_request(r, NGX_DONE);
    return NGX_DONE;
}

/* ---- Preaccess ------------------------------------------------------------------------------- */

static void observe(ngx_http_request_t *r, const struct judge_call *call,
                    struct front_context *context)
{
    if (call->decision.verdict != GATE_PASS)
        front_gate_count(call->decision.rule, call->caller->standing, true);
    if (place_begin(r, context, call))
        gate_take(&context->place);
}

static ngx_int_t proceed(ngx_http_request_t *r, struct front_location *location,
                         const struct judge_call *call, int route)
{
    enum gate_verdict verdict = call->decision.verdict;
    if (verdict == GATE_CHALLENGE || verdict == GATE_BUSY) {
        front_wave_see(r, call->caller, route,
                       verdict == GATE_BUSY ? WAVE_REFUSED : WAVE_CHALLENGED);
        return answer(r, location, call->caller, call->decision.rule);
    }
    struct front_context *context = front_context_take(r);
    if (!context || !place_begin(r, context, call))
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    if (owes_body(r))
        return read_body(r, context);
    if (verdict == GATE_WAIT)
        return wait_for(r, location, context, call->caller);
    gate_take(&context->place);
    return NGX_DECLINED;
}

static ngx_int_t begin(ngx_http_request_t *r, struct front_location *location,
                       struct front_context *context)
{
    int route = front_route(r, location);
    struct judge_call call = {.caller = front_caller(r),
                              .route = gate_route(route),
                              .origin = (unsigned)location->behind,
                              .observed = location->enabled == FRONT_OBSERVE ||
                                          front_mode() == MODE_OBSERVE};
    if (!context || context->place.state == PLACE_NONE)
        gate.origin[call.origin]->asked[call.route]++;
    judge(r, &call, route);
    if (front.off)
        return NGX_DECLINED;
    if (!call.observed)
        return proceed(r, location, &call, route);
    if (context || (context = front_context_take(r)))
        observe(r, &call, context);
    return NGX_DECLINED;
}

static ngx_int_t in_vain(ngx_http_request_t *r, struct front_location *location,
                         struct front_context *context)
{
    const struct caller *caller = front_caller(r);
    context->place.state = PLACE_BACK;
    front_wave_see(r, caller, front_route(r, location), WAVE_REFUSED);
    return answer(r, location, caller,
                  context->place.pushed ? GATE_RULE_PUSHED_OUT : GATE_RULE_WAITED_OUT);
}

static bool goes_to_origin(ngx_http_request_t *r, const struct front_location *location)
{
    const ngx_http_core_loc_conf_t *core = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    return core->handler && location->page == NGX_CONF_UNSET_UINT &&
           (!location->typed || front_goes_on(r, location));
}

bool front_gate_knows(const struct front_context *context)
{
    return context && context->place.state != PLACE_NONE;
}

ngx_int_t front_gate(ngx_http_request_t *r, struct front_location *location)
{
    if (!gate.ledger || !goes_to_origin(r, location))
        return NGX_DECLINED;
    struct front_context *context = front_context_find(r);
    switch (context ? context->place.state : PLACE_NONE) {
    case PLACE_NONE:
    case PLACE_READING:
        return begin(r, location, context);
    case PLACE_WAITING:
        return NGX_AGAIN;
    case PLACE_VAIN:
        return in_vain(r, location, context);
    case PLACE_HELD:
    case PLACE_BACK:
        break;
    }
    return NGX_DECLINED;
}

/* ---- Lookups, filters ------------------------------------------------------------------------ */

bool front_gate_room(ngx_http_request_t *r, struct front_location *location)
{
    if (!gate.ledger)
        return true;
    struct front_context *context = front_context_take(r);
    if (!context || context->place.state != PLACE_NONE)
        return true;
    int route = front_route(r, location);
    struct judge_call call = {.caller = front_caller(r),
                              .route = gate_route(route),
                              .origin = (unsigned)location->behind};
    bool observed = location->enabled == FRONT_OBSERVE || front_mode() == MODE_OBSERVE;
    struct gate_origin *origin = gate.origin[call.origin];
    if (!gate_has_room(origin) && call.caller->standing != STANDING_LANE) {
        front_gate_count(GATE_RULE_LOOKUP_KEPT, STANDING_STRANGER, observed);
        if (!observed)
            return false;
    }
    if (place_begin(r, context, &call))
        gate_take(&context->place);
    return true;
}

void front_gate_head(ngx_http_request_t *r, struct front_context *context)
{
    struct front_place *place = &context->place;
    bool back = place->state == PLACE_BACK; /* it was mute; how long it took is known only now */
    if ((place->state != PLACE_HELD && !back) || place->seen || !r->upstream ||
        !r->upstream->state || r->cached)
        return;
    const ngx_http_upstream_state_t *state = r->upstream->state;
    ngx_uint_t status = state->status;
    bool failed = status >= NGX_HTTP_BAD_GATEWAY && status <= NGX_HTTP_GATEWAY_TIME_OUT;
    bool answered = !failed && status && state->header_time != (ngx_msec_t)-1;
    place->seen = true;
    place->head = front_loop_time();
    if (failed || answered)
        gate_saw(place, failed ? PRESSURE_FAILED : PRESSURE_ANSWERED,
                 failed ? 0 : (nanos_t)state->header_time * NANOS_MILLISECOND);
}

void front_gate_end(struct front_context *context)
{
    if (context->place.state != PLACE_HELD)
        return;
    gate_give(&context->place);
    context->place.state = PLACE_BACK;
}
