/* What passes the gate, or does not, told to the memory of floods (gate/wave.h). */
#include "audit/act.h"
#include "front/front.h"

#include <stdio.h>

static struct waves *waves;

/* ---- Shapes ---------------------------------------------------------------------------------- */

static bool is_form(const ngx_table_elt_t *type)
{
    static const char form[] = "application/x-www-form-urlencoded";
    return type && type->value.len >= sizeof form - 1 &&
           ngx_strncasecmp(type->value.data, (u_char *)(uintptr_t)form, sizeof form - 1) == 0;
}

static bool takes_html(const ngx_table_elt_t *accept)
{
    static const char html[] = "text/html";
    return accept && accept->value.len >= sizeof html - 1 &&
           memmem(accept->value.data, accept->value.len, html, sizeof html - 1) != NULL;
}

static unsigned headers_of(const ngx_http_request_t *r)
{
    const ngx_http_headers_in_t *in = &r->headers_in;
    return (in->accept ? SHAPE_HAS(ACCEPT) : 0) | (takes_html(in->accept) ? SHAPE_HAS(HTML) : 0) |
           (in->accept_language ? SHAPE_HAS(LANGUAGE) : 0) |
           (in->accept_encoding ? SHAPE_HAS(ENCODING) : 0) |
           (in->user_agent ? SHAPE_HAS(AGENT) : 0) | (in->referer ? SHAPE_HAS(REFERER) : 0) |
           (in->cookies.nelts ? SHAPE_HAS(COOKIE) : 0) |
           (is_form(in->content_type) ? SHAPE_HAS(FORM) : 0) |
           (in->content_length_n > 0 || in->chunked ? SHAPE_HAS(BODY) : 0);
}

static struct shape shape_now(ngx_http_request_t *r, int route)
{
    struct shape_request request = {.method = front_text(r->method_name),
                                    .path = front_text(r->uri),
                                    .query = front_text(r->args),
                                    .route = route,
                                    .version = r->http_version == NGX_HTTP_VERSION_20   ? 20
                                               : r->http_version == NGX_HTTP_VERSION_11 ? 11
                                                                                        : 10,
                                    .headers = headers_of(r)};
    return shape_of(waves_key(waves), &request);
}

/* ---- For the other phases -------------------------------------------------------------------- */

struct wave_call {
    ngx_http_request_t *request;
    const struct caller *caller;
    int route;
    enum wave_fate fate;
    bool proven, known;
};

static void know_now(void *argument)
{
    struct wave_call *call = argument;
    struct shape shape = shape_now(call->request, call->route);
    call->known = waves_know(waves, shape.id, ngx_time());
}

bool front_wave_known(ngx_http_request_t *r, int route)
{
    struct wave_call call = {.request = r, .route = route};
    return waves && front_guarded(know_now, &call) && call.known;
}

static void see_now(void *argument)
{
    const struct wave_call *call = argument;
    struct shape shape = shape_now(call->request, call->route);
    uint64_t source =
        siphash(waves_key(waves), call->caller->address, sizeof call->caller->address);
    waves_see(waves, &shape, call->fate, source, call->caller->network);
}

void front_wave_see(ngx_http_request_t *r, const struct caller *caller, int route,
                    enum wave_fate fate)
{
    struct wave_call call = {.request = r, .caller = caller, .route = route, .fate = fate};
    if (waves && caller->standing < STANDING_KNOWN)
        front_guarded(see_now, &call);
}

static void spare_now(void *argument)
{
    const struct wave_call *call = argument;
    struct shape shape = shape_now(call->request, call->route);
    waves_spare(waves, &shape, call->proven);
}

void front_wave_spare(ngx_http_request_t *r, const struct caller *caller, int route)
{
    struct wave_call call = {
        .request = r, .route = route, .proven = caller->standing >= STANDING_KNOWN};
    if (waves)
        front_guarded(spare_now, &call);
}

/* ---- Each second ----------------------------------------------------------------------------- */

static void open_waves(nanos_t now)
{
    static nanos_t said;
    struct error error = {""};
    if (waves_open(front.contract->state, false, &waves, &error) == 0)
        return;
    waves = NULL;
    if (said == 0 || now - said >= NANOS_MINUTE)
        log_line(LOG_LEVEL_ERROR, "floods are not remembered: %s", error.text);
    said = now;
}

static void tell(const struct wave *wave, struct act *act)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < WAVE_FATE_COUNT; i++)
        total += wave->count[i];
    *act = (struct act){.at = clock_wall(), .kind = ACT_WAVE, .actor = "guard front"};
    snprintf(act->object, sizeof act->object, "wave %llu", (unsigned long long)wave->number);
    snprintf(act->evidence, sizeof act->evidence, "ecluse waves");
    snprintf(act->reason, sizeof act->reason,
             "%llu requests in %lld s, at most %llu a second, of about %llu networks; %llu reached "
             "the origin; %u shapes learned%s",
             (unsigned long long)total, (long long)(wave->end - wave->begin),
             (unsigned long long)wave->most_a_second, (unsigned long long)wave->networks,
             (unsigned long long)wave->count[WAVE_ORIGIN], wave->learned,
             wave->known ? "; recognised when it began" : "");
    act_number(act, "requests", (int64_t)total);
    act_number(act, "sources", (int64_t)wave->sources);
    for (unsigned i = 0; i < WAVE_FATE_COUNT; i++)
        act_number(act, wave_fate_name((enum wave_fate)i), (int64_t)wave->count[i]);
}

bool front_wave_beat(uint64_t challenged, nanos_t now, struct act *ended)
{
    static struct wave wave;
    if (!waves)
        open_waves(now);
    if (!waves || !waves_tick(waves, challenged, now, ngx_time(), &wave))
        return false;
    tell(&wave, ended);
    return true;
}

void front_wave_close(void)
{
    waves_close(waves);
    waves = NULL;
}
