#include "front/front.h"
#include "front/shed.h"

/* What the origin did, as nginx's upstream saw it: a reader who went away says nothing about the
 * origin. */
static void see_origin(ngx_http_request_t *r, nanos_t now)
{
    const ngx_http_upstream_state_t *state = r->upstream_states->elts;
    ngx_uint_t status = state[r->upstream_states->nelts - 1].status;
    front_count(COUNTER_ORIGIN_REQUESTS);
    if (status == 0 || status == NGX_HTTP_CLIENT_CLOSED_REQUEST)
        return;
    bool failed = status >= 500;
    if (failed)
        front_count(COUNTER_ORIGIN_FAILED);
    if (!front.budgets) {
        health_saw(&front.origin, failed, now);
        return;
    }
    bool told_down = guard_origin_down_since(front.budgets, now) != 0;
    enum health_news news = health_saw_among(&front.origin, failed, told_down, now);
    if (news != HEALTH_NO_NEWS)
        guard_origin_say(front.budgets, news == HEALTH_IS_DOWN, now);
}

/* The route that was charged. Where the location names it, it needs no context. */
static int route_of(ngx_http_request_t *r, const struct front_location *location)
{
    const struct front_context *context = front_context_find(r);
    if (context && context->generation == front.running)
        return context->route;
    return location->route.data && location->route_generation == front.running
               ? location->route_index
               : -1;
}

struct measure_call {
    ngx_http_request_t *request;
    int route;
};

static void measure_now(void *argument)
{
    const struct measure_call *call = argument;
    ngx_http_request_t *r = call->request;
    nanos_t now = front_loop_time();
    if (r->upstream_states && r->upstream_states->nelts)
        see_origin(r, now);
    if (call->route < 0 || !front.budgets)
        return;
    const ngx_time_t *time = ngx_timeofday();
    nanos_t delay = ((nanos_t)(time->sec - r->start_sec) * 1000 +
                     ((nanos_t)time->msec - (nanos_t)r->start_msec)) *
                    NANOS_MILLISECOND;
    ngx_uint_t status = r->err_status ? r->err_status : r->headers_out.status;
    promise_record(front.budgets, call->route, (unsigned)status, delay > 0 ? delay : 0, now);
}

static bool origin_refused(const ngx_http_request_t *r)
{
    if (!r->upstream_states || r->upstream_states->nelts == 0)
        return false;
    const ngx_http_upstream_state_t *state = r->upstream_states->elts;
    ngx_uint_t status = state[r->upstream_states->nelts - 1].status;
    return status == NGX_HTTP_UNAUTHORIZED || status == NGX_HTTP_FORBIDDEN || status == 422;
}

/* A sign-in that the origin refused, as it said so itself, whatever nginx made of its answer and
 * wherever it went on for that: to the route and the mode of where the request came in. A budget
 * that had no room when it was asked has counted it as refused by then, though in observe it went
 * on to the origin. */
static void charge_login(ngx_http_request_t *r)
{
    const struct front_context *context = origin_refused(r) ? front_context_find(r) : NULL;
    if (context && context->came_in && context->generation == front.running)
        front_charge(r, context->came_in,
                     front.charges.logins[context->route + 1] & ~context->told, NULL);
}

/* What reached the origin, and what it said, for the memory of floods. A number that nobody sent
 * costs a lookup: that is no costly route. */
static void remember(ngx_http_request_t *r)
{
    const struct front_context *context = front_context_find(r);
    if (front.off || (context && context->asked))
        return;
    ngx_uint_t status = r->err_status ? r->err_status : r->headers_out.status;
    int route = front_route(r, front_location_of(r));
    const struct caller *caller = front_caller(r);
    front_wave_see(r, caller, route, WAVE_ORIGIN);
    if (status >= 200 && status < 400)
        front_wave_spare(r, caller, route);
}

ngx_int_t front_measure(ngx_http_request_t *r)
{
    const struct front_location *location = front_location_of(r);
    if (r != r->main || !front_ready())
        return NGX_OK;
    charge_login(r);
    if (location->enabled == NGX_CONF_UNSET_UINT || location->enabled == FRONT_OFF)
        return NGX_OK;
    if (r->stream)
        shed_saw_stream(r);
    struct measure_call call = {r, route_of(r, location)};
    if (call.route >= 0 && !(front.charges.promised >> call.route & 1))
        call.route = -1;
    if (call.route >= 0 || r->upstream_states)
        front_guarded(measure_now, &call);
    if (r->upstream_states && r->upstream_states->nelts)
        remember(r);
    return NGX_OK;
}
