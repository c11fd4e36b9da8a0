#include "front/front.h"

enum { BLIND_ASKS_A_SECOND = 20, NOTICE_RETRY_SECONDS = 30 };

/* ---- From the store to a page ----------------------------------------------------------------------- */

struct look_call {
    const struct parcel_number *parcel;
    enum answer_form form;
    enum language language;
    struct text base;
    bool origin_down;
    bool tell;             /* render what is found */
    enum sight sight;      /* out */
    bool stale;            /* out */
    struct front_answer *out;
};

static struct answer_request request_of(const struct look_call *call)
{
    return (struct answer_request){
        .kind = ANSWER_FOUND,
        .form = call->form,
        .language = call->language,
        .contract = front.contract,
        .parcel = call->parcel,
        .origin_down = call->origin_down,
        .now = ngx_time(),
        .base = call->base,
    };
}

static bool is_stale(const struct history *history, int64_t now)
{
    nanos_t after = front.contract->tracking.stale_after;
    return after > 0 && now - history->changed > after / NANOS_SECOND &&
           !step_is_final(history->event[history->count - 1].step);
}

/* The history borrows from the store, so what is told of it is rendered before the store is left. */
static void look_now(void *argument)
{
    static struct history history; /* 6 kB: not on the stack of every request, and never read after this call */
    struct look_call *call = argument;
    struct shield shield = front_shield();
    call->sight = shield_look(&shield, call->parcel, &history);
    if (call->sight != SIGHT_FOUND)
        return;
    if (call->tell) {
        struct answer_request request = request_of(call);
        request.history = &history;
        answer_render(&request, front.page, ANSWER_SIZE, &call->out->about);
        call->out->body = (struct text){front.page, call->out->about.length};
        call->out->lasting = false;
        call->stale = is_stale(&history, request.now);
    }
    shield_done(&shield);
}

/* Where our JSON says that the page is: what the reader calls us. */
static struct text base_of(ngx_http_request_t *r)
{
    const ngx_table_elt_t *host = r->headers_in.host;
    if (!host)
        return TEXT("");
#if (NGX_HTTP_SSL)
    bool secure = r->connection->ssl != NULL;
#else
    bool secure = false;
#endif
    size_t size = sizeof "https://" + host->value.len;
    u_char *text = ngx_pnalloc(r->pool, size);
    if (!text)
        return TEXT("");
    u_char *end = ngx_snprintf(text, size, "%s%V", secure ? "https://" : "http://", &host->value);
    return (struct text){(const char *)text, (size_t)(end - text)};
}

static bool origin_is_down(void)
{
    return front.origin.down && health_is_down(&front.origin, clock_boot());
}

static enum sight look(ngx_http_request_t *r, struct front_location *location, const struct parcel_number *parcel,
                       bool tell, struct front_answer *out)
{
    struct look_call call = {.parcel = parcel, .tell = tell, .sight = SIGHT_BLIND, .out = out};
    if (tell) {
        call.form = front_form(r, location);
        call.language = front_language(r);
        call.origin_down = origin_is_down();
        call.base = call.form == ANSWER_JSON ? base_of(r) : TEXT("");
    }
    if (!front_guarded(look_now, &call))
        return SIGHT_BLIND;
    if (call.stale)
        front_count(COUNTER_STALE_ANSWERS);
    return call.sight;
}

/* ---- What was typed --------------------------------------------------------------------------------- */

static ngx_int_t typed_text(ngx_http_request_t *r, const struct front_location *location, char *buffer, size_t size,
                            struct text *out)
{
    ngx_str_t value = ngx_null_string;
    if (location->typed_variable != NGX_ERROR) {
        const ngx_http_variable_value_t *v = ngx_http_get_indexed_variable(r, (ngx_uint_t)location->typed_variable);
        if (v && !v->not_found)
            value = (ngx_str_t){v->len, v->data};
    } else if (ngx_http_complex_value(r, location->typed, &value) != NGX_OK) {
        return NGX_ERROR;
    }
    *out = front_text(value);
    if (value.len && (memchr(value.data, '%', value.len) || memchr(value.data, '+', value.len)))
        *out = shield_unescape(*out, buffer, size);
    return NGX_OK;
}

struct form_call {
    struct text typed;
    struct parcel_number parcel;
    enum sight sight;
};

static void form_now(void *argument)
{
    struct form_call *call = argument;
    struct shield shield = front_shield();
    call->sight = shield_form(&shield, call->typed, &call->parcel);
}

/* ---- Answers that say no ---------------------------------------------------------------------------- */

static ngx_int_t tell(ngx_http_request_t *r, struct front_location *location, enum answer_kind kind)
{
    struct front_answer answer;
    front_static(kind, front_form(r, location), front_language(r), &answer);
    if (kind == ANSWER_NOTICE) {
        answer.about.retry_after = NOTICE_RETRY_SECONDS;
        front_count(COUNTER_NOTICES);
    }
    return front_send(r, &answer);
}

struct mistyped_call {
    struct answer_request request;
    struct front_answer *out;
};

static void mistyped_now(void *argument)
{
    struct mistyped_call *call = argument;
    answer_render(&call->request, front.page, ANSWER_SIZE, &call->out->about);
    call->out->body = (struct text){front.page, call->out->about.length};
}

/* Who mistyped a digit sees what was typed; noise gets the page that is ready. */
static ngx_int_t tell_mistyped(ngx_http_request_t *r, struct front_location *location, struct text typed)
{
    struct front_answer answer = {.lasting = false};
    struct mistyped_call call = {
        .request = {.kind = ANSWER_WRONG_CHECK,
                    .form = front_form(r, location),
                    .language = front_language(r),
                    .contract = front.contract,
                    .typed = typed,
                    .now = ngx_time()},
        .out = &answer,
    };
    if (!front_guarded(mistyped_now, &call))
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    return front_send(r, &answer);
}

static ngx_int_t refuse_method(ngx_http_request_t *r)
{
    if (front_push_header(r, "Allow", 5, TEXT("GET, HEAD")) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    return NGX_HTTP_NOT_ALLOWED;
}

static ngx_int_t redirect(ngx_http_request_t *r, const struct front_location *location,
                          const struct parcel_number *parcel)
{
    static const char *const language_code[LANGUAGE_COUNT] = {
        [LANGUAGE_FR] = "fr", [LANGUAGE_NL] = "nl", [LANGUAGE_DE] = "de", [LANGUAGE_EN] = "en"};
    ngx_str_t asked;
    bool chosen = r->args.len && ngx_http_arg(r, (u_char *)"lang", 4, &asked) == NGX_OK && asked.len;
    size_t size = location->redirect.len + parcel->length + sizeof "?lang=xx";
    u_char *target = ngx_pnalloc(r->pool, size);
    if (!target)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    u_char *end = ngx_cpymem(target, location->redirect.data, location->redirect.len);
    end = ngx_cpymem(end, parcel->text, parcel->length);
    if (chosen)
        end = ngx_sprintf(end, "?lang=%s", language_code[front_language(r)]);
    /* Not r->headers_out.location, which nginx makes absolute with the scheme it sees: behind a proxy that ends TLS, the
     * wrong one. */
    if (front_push_header(r, "Location", 8, (struct text){(const char *)target, (size_t)(end - target)}) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    return NGX_HTTP_SEE_OTHER;
}

/* ---- To the origin ---------------------------------------------------------------------------------- */

struct stranger_call {
    uint64_t budgets;
    uint8_t address[16];
    bool may;
};

static void stranger_now(void *argument)
{
    struct stranger_call *call = argument;
    struct charge_who who;
    charge_who(front.contract, call->address, &who);
    call->may = charge_stranger_may(front.budgets, front.contract, call->budgets, &who, clock_boot());
}

/* Nobody has proven anything before there are passes and lanes: this is where they will be let through. */
static bool has_proven(ngx_http_request_t *r)
{
    (void)r;
    return false;
}

/* Whether the origin may be asked for a number, and if so charged. Without a budget the origin is asked for everything in
 * `fallback`, where it has the word; in `first` only for want of a store, and then little. */
static bool may_ask(ngx_http_request_t *r, struct front_location *location, enum sight sight)
{
    uint64_t budgets = front.charges.origin[front_route(r, location) + 1];
    bool observed = location->enabled == FRONT_OBSERVE || front.mode == MODE_OBSERVE;
    if (!location->origin)
        return false;
    if (!budgets || !front.budgets) {
        if (location->order == FRONT_FALLBACK || observed)
            return true;
        return sight == SIGHT_BLIND && front.blind_asks++ < BLIND_ASKS_A_SECOND;
    }
    if (sight != SIGHT_FOUND && !observed && !has_proven(r)) {
        struct stranger_call call = {.budgets = budgets};
        front_client_address(r, call.address);
        if (front_guarded(stranger_now, &call) && !call.may)
            return false;
    }
    return front_charge(r, location, budgets, NULL).verdict == VERDICT_ALLOW;
}

static ngx_int_t ask(ngx_http_request_t *r, struct front_location *location, const struct parcel_number *parcel,
                     enum sight sight)
{
    struct front_context *context = front_context_take(r);
    if (!context)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    context->asked = true;
    context->known = sight == SIGHT_FOUND;
    context->parcel = *parcel;
    if (sight == SIGHT_UNKNOWN)
        front_count(COUNTER_UNKNOWN_ASKED);
    return location->origin(r);
}

static ngx_int_t without_us(ngx_http_request_t *r, const struct front_location *location)
{
    if (location->origin)
        return location->origin(r);
    return location->enabled == FRONT_OFF ? NGX_DECLINED : NGX_HTTP_SERVICE_UNAVAILABLE;
}

/* ---- The handler ------------------------------------------------------------------------------------ */

static struct charge_result charge_parcel(ngx_http_request_t *r, struct front_location *location,
                                          const struct parcel_number *parcel)
{
    uint64_t budgets = front.charges.parcels[front_route(r, location) + 1];
    uint64_t thing = hash_checksum(0, parcel->text, parcel->length);
    const struct front_context *context = budgets ? front_context_find(r) : NULL;
    return front_charge(r, location, budgets & ~(context ? context->paid : 0), &thing);
}

/* A parcel was found for one who may not read so many. NGX_DONE: this handler runs again after a wait. */
static ngx_int_t over_parcels(ngx_http_request_t *r, struct front_location *location, struct charge_result result)
{
    if (result.verdict != VERDICT_HOLD) {
        struct front_context *context = front_context_take(r);
        if (!context)
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        context->paid |= result.paid;
        ngx_int_t rc = front_wait(r, context, result.until);
        if (rc == NGX_AGAIN) {
            r->main->count++;
            return NGX_DONE;
        }
        if (rc != NGX_BUSY)
            return rc;
    }
    return front_refuse(r, location, result.until);
}

static ngx_int_t answer_number(ngx_http_request_t *r, struct front_location *location,
                               const struct parcel_number *parcel)
{
    struct front_answer answer;
    bool store_first = location->order != FRONT_FALLBACK;
    enum sight sight = look(r, location, parcel, store_first, &answer);
    if (sight == SIGHT_FOUND && front.budgets) {
        struct charge_result result = charge_parcel(r, location, parcel);
        if (result.verdict != VERDICT_ALLOW)
            return over_parcels(r, location, result);
    }
    if (sight == SIGHT_FOUND && store_first) {
        front_count(COUNTER_STORE_ANSWERS);
        return front_send(r, &answer);
    }
    if (may_ask(r, location, sight))
        return ask(r, location, parcel, sight);
    if (sight == SIGHT_FOUND && look(r, location, parcel, true, &answer) == SIGHT_FOUND) {
        front_count(COUNTER_STORE_ANSWERS);
        return front_send(r, &answer);
    }
    return tell(r, location, sight == SIGHT_UNKNOWN ? ANSWER_NOT_KNOWN_YET : ANSWER_NOTICE);
}

ngx_int_t front_lookup(ngx_http_request_t *r)
{
    struct front_location *location = front_location_of(r);
    char unescaped[PARCEL_INPUT_MAX + 1]; /* one more than a number may have: what is cut is still too long */
    struct form_call call = {.sight = SIGHT_BLIND};
    if (location->enabled == FRONT_OFF || !front_ready())
        return without_us(r, location);
    bool observe = location->enabled == FRONT_OBSERVE && location->origin;
    if (!observe && !(r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)))
        return refuse_method(r);
    if (typed_text(r, location, unescaped, sizeof unescaped, &call.typed) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    front_count(COUNTER_LOOKUPS);
    if (!front_guarded(form_now, &call))
        return without_us(r, location);
    if (observe) {
        if (call.sight == SIGHT_BLIND && look(r, location, &call.parcel, false, NULL) == SIGHT_FOUND)
            charge_parcel(r, location, &call.parcel);
        return location->origin(r);
    }
    if (call.sight != SIGHT_BLIND && location->origin && front.mode == MODE_OBSERVE)
        return location->origin(r); /* nothing is refused in observe */
    if (!location->origin || location->order != FRONT_FALLBACK || call.sight != SIGHT_BLIND) {
        ngx_int_t rc = ngx_http_discard_request_body(r);
        if (rc != NGX_OK)
            return rc;
    }
    if (call.typed.length == 0)
        return tell(r, location, front_form(r, location) == ANSWER_HTML ? ANSWER_HOME : ANSWER_WRONG_FORM);
    if (call.sight == SIGHT_WRONG_FORM)
        return tell(r, location, ANSWER_WRONG_FORM);
    if (call.sight == SIGHT_WRONG_CHECK)
        return tell_mistyped(r, location, call.typed);
    if (location->redirect.len)
        return redirect(r, location, &call.parcel);
    return answer_number(r, location, &call.parcel);
}

/* ---- In the origin's place -------------------------------------------------------------------------- */

bool front_stand_in(ngx_http_request_t *r, struct front_location *location, const struct front_context *context,
                    struct front_answer *out)
{
    enum answer_kind kind = ANSWER_NOTICE;
    if (context && context->asked) {
        struct look_call call = {.parcel = &context->parcel,
                                 .form = front_form(r, location),
                                 .language = front_language(r),
                                 .origin_down = true,
                                 .tell = true,
                                 .sight = SIGHT_BLIND,
                                 .out = out};
        call.base = call.form == ANSWER_JSON ? base_of(r) : TEXT("");
        if (front_guarded(look_now, &call) && call.sight == SIGHT_FOUND) {
            front_count(COUNTER_FALLBACK_ANSWERS);
            if (call.stale)
                front_count(COUNTER_STALE_ANSWERS);
            return true;
        }
        if (call.sight == SIGHT_UNKNOWN && location->order != FRONT_FALLBACK)
            kind = ANSWER_NOT_KNOWN_YET; /* here the store has the word, and it does not know the number */
    }
    front_static(kind, front_form(r, location), front_language(r), out);
    if (kind == ANSWER_NOTICE) {
        out->about.retry_after = NOTICE_RETRY_SECONDS;
        front_count(COUNTER_NOTICES);
    }
    return !front.off;
}
