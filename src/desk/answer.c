#include "desk/answer.h"

#include <errno.h>
#include <stdio.h>

static enum MHD_Result (*const functions[ROUTE_COUNT])(struct exchange *x) = {
#define X(constant, ...) answer_##constant,
    ROUTES(X)
#undef X
};

struct session *answer_session(struct exchange *x, bool active)
{
    x->session = x->token.length
                     ? session_find(&x->desk->sessions, x->token, x->browser, active, x->now)
                     : NULL;
    return x->session;
}

/* Routes that whoever must change the password may use until it is changed. */
static bool route_is_of_password(enum route_id id)
{
    return id == ROUTE_PASSWORD_PAGE || id == ROUTE_PASSWORD || id == ROUTE_SIGN_OUT ||
           id == ROUTE_API_ME || id == ROUTE_API_PASSWORD || id == ROUTE_API_SIGN_OUT;
}

static bool csrf_is_right(const struct exchange *x)
{
    char given[SESSION_TOKEN_TEXT_SIZE];
    struct text body = {x->body, x->body_length};
    if (x->api)
        return session_csrf_is_right(x->session, exchange_header(x, "X-CSRF-Token"));
    return form_field(body, "csrf", given, sizeof given) == 0 &&
           session_csrf_is_right(x->session, text_of(given));
}

static enum MHD_Result refuse_unknown(struct exchange *x)
{
    if (x->api)
        return reply_error(x, MHD_HTTP_UNAUTHORIZED, "signed_out",
                           "nobody is signed in, or not any more: sign in first");
    return reply_see(x, "/sign-in");
}

/* True when the route's function may be called; else *result is the answer that was given. */
static bool may(struct exchange *x, enum MHD_Result *result)
{
    const struct route *route = x->route;
    bool passive = route->id == ROUTE_EVENTS || route->id == ROUTE_API_EVENTS;
    answer_session(x, !passive);
    if (route->need == NEED_NOTHING)
        return true;
    if (!x->session) {
        *result = refuse_unknown(x);
    } else if (x->session->must_change && !route_is_of_password(route->id)) {
        *result = x->api ? reply_error(x, MHD_HTTP_FORBIDDEN, "password_must_change",
                                       "your password was set by somebody else: change it first "
                                       "(PUT /api/me/password)")
                         : reply_see(x, "/password");
    } else if ((int)x->session->role < (int)route->need - NEED_SEE) {
        char text[160];
        snprintf(text, sizeof text,
                 "your role is `%s`; this needs `%s`: ask an operator who administers",
                 role_name(x->session->role),
                 role_name((enum operator_role)(route->need - NEED_SEE)));
        *result = reply_error(x, MHD_HTTP_FORBIDDEN, "role", text);
    } else if (route_changes(route) && !csrf_is_right(x)) {
        *result = reply_error(x, MHD_HTTP_FORBIDDEN, "csrf",
                              "the request lacks this session's token (X-CSRF-Token, from GET "
                              "/api/me): reload the page");
    } else {
        return true;
    }
    return false;
}

static bool is_from_ours(const struct exchange *x)
{
    const struct provenance from = {.origin = exchange_header(x, "Origin"),
                                    .fetch_site = exchange_header(x, "Sec-Fetch-Site"),
                                    .host = exchange_header(x, "Host"),
                                    .address = text_of(x->desk->setup->address),
                                    .https = x->https};
    return provenance_is_ours(&from);
}

enum MHD_Result answer(struct exchange *x)
{
    enum MHD_Result result;
    if (x->back) {
        answer_session(x, false);
        return functions[x->route->id](x);
    }
    if (!host_is_ours(exchange_header(x, "Host"), text_of(x->desk->setup->address)))
        return reply_error(
            x, MHD_HTTP_MISDIRECTED_REQUEST, "host",
            "the desk does not answer to this name: use the one in the contract's `desk: address`");
    enum route_found found =
        route_find(text_of(x->method), text_of(x->path), &x->route, &x->argument);
    if (found == ROUTE_NOT_FOUND)
        return reply_error(x, MHD_HTTP_NOT_FOUND, "not_found",
                           "there is nothing of this name here");
    if (found == ROUTE_OTHER_METHOD)
        return reply_error(x, MHD_HTTP_METHOD_NOT_ALLOWED, "method",
                           "this cannot be asked for in this way");
    if (x->too_long)
        return reply_error(x, MHD_HTTP_CONTENT_TOO_LARGE, "too_long", "a request has at most 8 kB");
    if (route_changes(x->route) && !is_from_ours(x))
        return reply_error(x, MHD_HTTP_FORBIDDEN, "other_site",
                           "this was sent by a page of another site, and is refused");
    return may(x, &result) ? functions[x->route->id](x) : result;
}

bool answer_fields(struct exchange *x, const struct wanted *fields, size_t count,
                   struct error *error)
{
    struct text body = {x->body, x->body_length};
    if (x->api) {
        struct json_field form[8];
        must(count <= 8);
        for (size_t i = 0; i < count; i++)
            form[i] = (struct json_field){fields[i].name, fields[i].out, fields[i].size,
                                          fields[i].required};
        return json_body(body, form, count, error) == 0;
    }
    for (size_t i = 0; i < count; i++) {
        int failed = form_field(body, fields[i].name, fields[i].out, fields[i].size);
        if (failed && (fields[i].required || failed != -ENOENT)) {
            error_set(error, failed,
                      failed == -ENAMETOOLONG ? "`%s` is too long" : "`%s` is missing or not text",
                      fields[i].name);
            return false;
        }
    }
    return true;
}

/* ---- Acts ------------------------------------------------------------------------------------ */

struct act act_of(const struct exchange *x, enum act_kind kind)
{
    struct act act = {.at = clock_wall(), .kind = (uint8_t)kind};
    char actor[ACT_NAME_SIZE];
    snprintf(actor, sizeof actor, "operator %s", x->session ? x->session->name : "");
    act_text(act.actor, sizeof act.actor, text_of(actor));
    act_text(act.object, sizeof act.object, TEXT("desk"));
    return act;
}

void act_tell(struct exchange *x, const struct act *act)
{
    handover_act(x->desk->handover, act);
}

int act_durably(struct work *work)
{
    static const nanos_t patience = 2 * NANOS_SECOND;
    if (!work->handover)
        return 0;
    int failed = handover_durably(work->handover, &work->act, patience);
    if (failed == -ETIMEDOUT) /* it stays in the ring, and is written later */
        act_take_back(work, "it was not on the record in time");
    return failed;
}

void act_take_back(struct work *work, const char *why)
{
    struct act not_done = act_not_done(&work->act, clock_wall(), why);
    handover_act(work->handover, &not_done);
}
