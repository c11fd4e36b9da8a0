#include "front/front.h"

enum { BLIND_ASKS_A_SECOND = 20 };

/* ---- From what was typed to an answer -------------------------------------------------------- */

/* One call of the core, and one way out of it if a mistake of ours is met: looks, and makes ready
 * what is to be told if nobody else is asked. */
struct look_call {
    struct text typed;
    struct parcel_number parcel; /* given when it was read before */
    struct front_wish wish;
    enum answer_form form;
    struct text host;
    bool secure, origin_down;
    bool known_number;                 /* in: `parcel` is given */
    bool tell_found;                   /* in: render what is found */
    bool redirects;                    /* in: a right number is not looked up */
    bool early;                        /* in: in preaccess, where the origin is not asked yet */
    enum sight sight;                  /* out */
    bool stale;                        /* out */
    const struct front_answer *answer; /* out: `made`, or a prepared one */
    struct front_answer made;
};

static void make_static(struct look_call *call, enum answer_kind kind)
{
    call->answer = front_prepared(kind, call->form, front_choose(&call->wish));
}

static bool origin_is_down(void)
{
    if (front.budgets) /* what any worker saw: most answers of `first` are given by who asked
                          nothing */
        return guard_origin_down_since(front.budgets, front_loop_time()) != 0;
    return front.origin.down && health_is_down(&front.origin, front_loop_time());
}

static void make_rendered(struct look_call *call, enum answer_kind kind,
                          const struct history *history)
{
    char base[512]; /* where our JSON says that the page is: what the reader calls us */
    struct writer w = writer_on(base, sizeof base);
    if (call->form == ANSWER_JSON && call->host.length) {
        write_string(&w, call->secure ? "https://" : "http://");
        write_text(&w, call->host);
    }
    struct answer_request request = {
        .kind = kind,
        .form = call->form,
        .language = front_choose(&call->wish),
        .contract = front.contract,
        .history = history,
        .parcel = &call->parcel,
        .typed = call->typed,
        .origin_down = call->origin_down || origin_is_down(),
        .now = ngx_time(),
        .base = {base, w.overflow ? 0 : w.length},
    };
    answer_render(&request, front.page, ANSWER_SIZE, &call->made.about);
    call->made.body = (struct text){front.page, call->made.about.length};
    call->made.lasting = false;
    call->answer = &call->made;
}

/* The prepared answer with the number where it has an empty one: its last three bytes close it. A
 * number in canonical form has nothing to escape (tracking/parcel.h). */
static void make_unknown_json(struct look_call *call)
{
    const struct front_answer *prepared =
        front_prepared(ANSWER_NOT_KNOWN_YET, ANSWER_JSON, front_choose(&call->wish));
    const size_t tail = sizeof "\"}\n" - 1;
    struct text body = prepared->body;
    struct writer w = writer_on(front.page, ANSWER_SIZE);
    must(body.length > tail);
    write_bytes(&w, body.data, body.length - tail);
    write_bytes(&w, call->parcel.text, call->parcel.length);
    write_bytes(&w, body.data + body.length - tail, tail);
    call->made.about = prepared->about;
    call->made.about.length = w.length;
    call->made.body = (struct text){front.page, w.length};
    call->made.lasting = false;
    call->answer = &call->made;
}

static bool is_stale(const struct history *history, int64_t now)
{
    nanos_t after = front.contract->tracking.stale_after;
    return after > 0 && now - history->changed > after / NANOS_SECOND &&
           !step_is_final(history->event[history->count - 1].step);
}

/* The history borrows from the store, so what is told of it is rendered before the store is left.
 */
static void look_up(struct look_call *call, const struct shield *shield)
{
    static struct history
        history; /* 6 kB: not on the stack of every request, and never read after this call */
    call->sight = shield_look(shield, &call->parcel, &history);
    if (call->sight == SIGHT_UNKNOWN && call->form == ANSWER_JSON) { /* programs look for it */
        make_unknown_json(call);
        return;
    }
    if (call->sight != SIGHT_FOUND) {
        make_static(call, call->sight == SIGHT_UNKNOWN ? ANSWER_NOT_KNOWN_YET : ANSWER_NOTICE);
        return;
    }
    if (call->tell_found) {
        call->stale = is_stale(&history, ngx_time());
        make_rendered(call, ANSWER_FOUND, &history);
    }
    shield_done(shield);
}

static enum sight read_number(struct look_call *call, const struct shield *shield, char *unescaped,
                              size_t size)
{
    const struct tracking_rules *rules = &front.contract->tracking;
    struct text typed = call->typed;
    if (parcel_parse(rules->format, rules->format_count, typed, &call->parcel, NULL) ==
        PARCEL_VALID)
        return SIGHT_BLIND;
    bool escaped = typed.length > 0 &&
                   (memchr(typed.data, '%', typed.length) || memchr(typed.data, '+', typed.length));
    if (escaped)
        call->typed = shield_unescape(typed, unescaped, size);
    return shield_form(shield, call->typed, &call->parcel);
}

static bool has_comma(struct text typed)
{
    return typed.length && memchr(typed.data, ',', typed.length);
}

static void look_now(void *argument)
{
    struct look_call *call = argument;
    struct shield shield = front_shield();
    char unescaped[PARCEL_INPUT_MAX +
                   1]; /* one more than a number may have: what is cut is still too long */
    if (!call->known_number)
        call->sight = read_number(call, &shield, unescaped, sizeof unescaped);
    if (call->known_number || (call->sight == SIGHT_BLIND && !call->redirects))
        look_up(call, &shield);
    else if (call->sight == SIGHT_WRONG_CHECK) /* who mistyped a digit sees what was typed */
        make_rendered(call, ANSWER_WRONG_CHECK, NULL);
    else if (call->form == ANSWER_JSON && call->sight == SIGHT_WRONG_FORM && has_comma(call->typed))
        make_static(call, ANSWER_SEVERAL);
    else if (call->sight == SIGHT_WRONG_FORM)
        make_static(call, call->typed.length == 0 && call->form == ANSWER_HTML ? ANSWER_HOME
                                                                               : ANSWER_WRONG_FORM);
}

static void look_prepare(ngx_http_request_t *r, const struct front_location *location,
                         struct look_call *call)
{
    call->wish = front_wish(r);
    call->form = front_form(r, location);
    call->sight = SIGHT_BLIND;
    if (r->headers_in.host)
        call->host = front_text(r->headers_in.host->value);
#if (NGX_HTTP_SSL)
    call->secure = r->connection->ssl != NULL;
#endif
}

static ngx_int_t typed_text(ngx_http_request_t *r, const struct front_location *location,
                            struct text *out)
{
    ngx_str_t value = ngx_null_string;
    if (location->typed_variable != NGX_ERROR) {
        const ngx_http_variable_value_t *v =
            ngx_http_get_indexed_variable(r, (ngx_uint_t)location->typed_variable);
        if (v && !v->not_found)
            value = (ngx_str_t){v->len, v->data};
    } else if (ngx_http_complex_value(r, location->typed, &value) != NGX_OK) {
        return NGX_ERROR;
    }
    *out = front_text(value);
    return NGX_OK;
}

static bool goes_on(struct text rest)
{
    return rest.length && memchr(rest.data, '/', rest.length);
}

bool front_goes_on(ngx_http_request_t *r, const struct front_location *location)
{
    struct text rest;
    return location->rest && location->origin && typed_text(r, location, &rest) == NGX_OK &&
           goes_on(rest);
}

/* ---- Answers that are not of the store ------------------------------------------------------- */

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
    bool chosen =
        r->args.len && ngx_http_arg(r, (u_char *)"lang", 4, &asked) == NGX_OK && asked.len;
    size_t size = location->redirect.len + parcel->length + sizeof "?lang=xx";
    u_char *target = ngx_pnalloc(r->pool, size);
    if (!target)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    u_char *end = ngx_cpymem(target, location->redirect.data, location->redirect.len);
    end = ngx_cpymem(end, parcel->text, parcel->length);
    if (chosen)
        end = ngx_sprintf(end, "?lang=%s", language_code[front_language(r)]);
    /* Not r->headers_out.location, which nginx makes absolute with the scheme it sees: behind a
     * proxy that ends TLS, the wrong one. */
    if (front_push_header(r, "Location", 8,
                          (struct text){(const char *)target, (size_t)(end - target)}) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    return NGX_HTTP_SEE_OTHER;
}

/* ---- To the origin --------------------------------------------------------------------------- */

struct stranger_call {
    uint64_t budgets;
    const struct caller *caller;
    bool may;
};

static void stranger_now(void *argument)
{
    struct stranger_call *call = argument;
    struct charge_who who;
    charge_who(front.contract, call->caller, &who);
    call->may =
        charge_stranger_may(front.budgets, front.contract, call->budgets, &who, clock_boot());
}

/* History, or a key: what a flood cannot make by the thousand for a little work each. */
static bool has_proven(ngx_http_request_t *r)
{
    return front_standing(r) >= STANDING_KNOWN;
}

/* Whether the origin may be asked for a number, and if so charged. Without a budget the origin is
 * asked for everything in `fallback`, where it has the word; in `first` only for want of a store,
 * and then little. */
static bool may_ask(ngx_http_request_t *r, struct front_location *location, enum sight sight)
{
    uint64_t budgets = front.charges.origin[front_route(r, location) + 1];
    bool observed = location->enabled == FRONT_OBSERVE || front_mode() == MODE_OBSERVE;
    if (!location->origin)
        return false;
    if (!budgets || !front.budgets) {
        if (location->order == FRONT_FALLBACK || observed)
            return true;
        return sight == SIGHT_BLIND && front.blind_asks++ < BLIND_ASKS_A_SECOND;
    }
    if (sight != SIGHT_FOUND && !observed && !has_proven(r)) {
        struct stranger_call call = {.budgets = budgets, .caller = front_payer(r)};
        if (front_guarded(stranger_now, &call) && !call.may)
            return false;
    }
    return front_charge(r, location, budgets, NULL).verdict == VERDICT_ALLOW;
}

/* In preaccess the request goes on through nginx's access rules first: they are about the origin's
 * answers at the least. */
static ngx_int_t to_origin(ngx_http_request_t *r, const struct front_location *location, bool early)
{
    return early ? NGX_DECLINED : location->origin(r);
}

static ngx_int_t ask(ngx_http_request_t *r, struct front_location *location,
                     const struct look_call *call)
{
    struct front_context *context = front_context_take(r);
    if (!context)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    context->asked = !call->early;
    context->cleared = location;
    context->parcel = call->parcel;
    if (call->sight == SIGHT_UNKNOWN)
        front_count(COUNTER_UNKNOWN_ASKED);
    return to_origin(r, location, call->early);
}

/* Looked up and charged in preaccess, and let through by what came between. */
static bool is_cleared(ngx_http_request_t *r, const struct front_location *location)
{
    if (!location->early || r->internal)
        return false;
    struct front_context *context = front_context_find(r);
    if (!context || context->cleared != location)
        return false;
    context->asked = true;
    return true;
}

static ngx_int_t without_us(ngx_http_request_t *r, const struct front_location *location,
                            bool early)
{
    if (location->origin)
        return to_origin(r, location, early);
    return location->enabled == FRONT_OFF ? NGX_DECLINED : NGX_HTTP_SERVICE_UNAVAILABLE;
}

/* ---- The handler ----------------------------------------------------------------------------- */

static struct charge_result charge_parcel(ngx_http_request_t *r, struct front_location *location,
                                          const struct parcel_number *parcel)
{
    uint64_t budgets = front.charges.parcels[front_route(r, location) + 1];
    uint64_t thing = hash_checksum(0, parcel->text, parcel->length);
    const struct front_context *context = budgets ? front_context_find(r) : NULL;
    return front_charge(r, location, budgets & ~(context ? context->paid : 0), &thing);
}

/* A parcel was found for one who may not read so many. NGX_DONE: this handler runs again after a
 * wait. */
static ngx_int_t over_parcels(ngx_http_request_t *r, struct front_location *location,
                              struct charge_result result)
{
    if (result.verdict != VERDICT_HOLD) {
        struct front_context *context = front_context_take(r);
        if (!context)
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        context->paid |= result.paid;
        if (location->early) /* the wait ends in preaccess again, where these have been charged */
            context->paid |= front.charges.requests[front_route(r, location) + 1];
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

static ngx_int_t tell(ngx_http_request_t *r, struct look_call *call)
{
    if (call->sight == SIGHT_FOUND)
        front_count(COUNTER_STORE_ANSWERS);
    if (call->stale)
        front_count(COUNTER_STALE_ANSWERS);
    if (call->sight == SIGHT_BLIND)
        front_count(COUNTER_NOTICES);
    ngx_int_t rc = ngx_http_discard_request_body(r);
    return rc == NGX_OK ? front_send(r, call->answer) : rc;
}

static ngx_int_t answer_number(ngx_http_request_t *r, struct front_location *location,
                               struct look_call *call)
{
    if (call->sight == SIGHT_FOUND && front.budgets) {
        struct charge_result result = charge_parcel(r, location, &call->parcel);
        if (result.verdict != VERDICT_ALLOW)
            return over_parcels(r, location, result);
    }
    bool told = call->sight == SIGHT_FOUND && call->tell_found;
    if (!told && may_ask(r, location, call->sight) && front_gate_room(r, location))
        return ask(r, location, call);
    if (!told &&
        call->sight ==
            SIGHT_FOUND) { /* the origin has no room for it: what the store has is told now */
        call->tell_found = call->known_number = true;
        if (!front_guarded(look_now, call))
            return without_us(r, location, call->early);
    }
    return tell(r, call);
}

/* Nothing is changed: the origin answers as if we were not there, and what would have been done is
 * counted. */
static ngx_int_t observe(ngx_http_request_t *r, struct front_location *location,
                         struct look_call *call)
{
    if (front_guarded(look_now, call) && call->sight == SIGHT_FOUND)
        charge_parcel(r, location, &call->parcel);
    front_gate_room(r, location);
    return location->origin(r);
}

static ngx_int_t lookup(ngx_http_request_t *r, struct front_location *location, bool early)
{
    struct look_call call;
    memset(&call, 0, offsetof(struct look_call, made));
    call.early = early;
    look_prepare(r, location, &call);
    if (typed_text(r, location, &call.typed) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    if (location->rest && location->origin && goes_on(call.typed))
        return to_origin(r, location, early);
    front_count(COUNTER_LOOKUPS);
    if (location->enabled == FRONT_OBSERVE && location->origin)
        return observe(r, location, &call);
    if (!(r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)))
        return refuse_method(r);
    call.tell_found = location->order != FRONT_FALLBACK;
    call.redirects = location->redirect.len > 0;
    if (!front_guarded(look_now, &call))
        return without_us(r, location, early);
    bool right = call.sight != SIGHT_WRONG_FORM && call.sight != SIGHT_WRONG_CHECK;
    if (!right && location->origin && front_mode() == MODE_OBSERVE)
        return location->origin(r); /* nothing is refused in observe */
    if (right && call.redirects)
        return redirect(r, location, &call.parcel);
    if (right)
        return answer_number(r, location, &call);
    return tell(r, &call);
}

ngx_int_t front_lookup(ngx_http_request_t *r)
{
    struct front_location *location = front_location_of(r);
    if (location->enabled == FRONT_OFF || !front_ready())
        return without_us(r, location, false);
    return is_cleared(r, location) ? location->origin(r) : lookup(r, location, false);
}

ngx_int_t front_lookup_early(ngx_http_request_t *r)
{
    struct front_location *location = front_location_of(r);
    bool observed = location->enabled == FRONT_OBSERVE || front_mode() == MODE_OBSERVE;
    if (observed && location->origin)
        return NGX_DECLINED; /* nothing is refused, nor answered otherwise than without `early` */
    return lookup(r, location, true);
}

/* ---- In the origin's place ------------------------------------------------------------------- */

bool front_stand_in(ngx_http_request_t *r, struct front_location *location,
                    const struct front_context *context, struct front_answer *out)
{
    if (context && context->asked) {
        struct look_call call = {
            .parcel = context->parcel, .known_number = true, .tell_found = true};
        look_prepare(r, location, &call);
        call.origin_down = true;
        bool looked = front_guarded(look_now, &call);
        if (looked && call.answer)
            *out = *call.answer;
        if (looked && call.sight == SIGHT_FOUND) {
            front_count(COUNTER_FALLBACK_ANSWERS);
            if (call.stale)
                front_count(COUNTER_STALE_ANSWERS);
            return true;
        }
        if (looked && call.sight == SIGHT_UNKNOWN && location->order != FRONT_FALLBACK)
            return true; /* here the store has the word, and it does not know the number */
    }
    if (front.off)
        return false;
    front_static(ANSWER_NOTICE, front_form(r, location), front_language(r), out);
    front_count(COUNTER_NOTICES);
    return !front.off;
}
