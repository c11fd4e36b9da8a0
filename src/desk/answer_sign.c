/* Signing in and out, and one's own password. */
#include "desk/answer.h"

#include "desk/page.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>

static void forget(struct work *work)
{
    sodium_memzero(work->password, sizeof work->password);
    sodium_memzero(work->new_password, sizeof work->new_password);
    sodium_memzero(work->code, sizeof work->code);
}

static enum MHD_Result refuse_sign_in(struct exchange *x, unsigned status, const char *code,
                                      const char *text)
{
    return x->api ? reply_error(x, status, code, text) : page_sign_in(x, status, text);
}

/* ---- In the thread --------------------------------------------------------------------------- */

static int check_one(void *context, struct operators *operators)
{
    struct work *work = context;
    struct operator* found;
    if (!operator_check(operators, text_of(work->name), text_of(work->password),
                        text_of(work->code), clock_wall() / NANOS_SECOND, &found))
        return -EACCES;
    work->operator= * found;
    return 0;
}

static void run_sign_in(struct job *job)
{
    struct work *work = &((struct exchange *)job)->work;
    work->result = operators_change(work->state, check_one, work, &work->error);
    forget(work);
}

static int change_own(void *context, struct operators *operators)
{
    struct work *work = context;
    struct operator* own = operators_find(operators, text_of(work->name));
    if (!own || !operator_password_is_right(own, text_of(work->password)))
        return error_set(&work->error, -EACCES, "the present password is not that");
    int failed = operator_set_password(own, text_of(work->new_password), &work->error);
    if (!failed)
        own->must_change = false;
    return failed;
}

static void run_password(struct job *job)
{
    struct work *work = &((struct exchange *)job)->work;
    work->result = operators_change(work->state, change_own, work, &work->error);
    forget(work);
}

/* ---- Signing in ------------------------------------------------------------------------------ */

/* Refusals are told together, at most one entry in ten seconds: a flood of them is one line with a
 * count. */
static void tell_failed(struct exchange *x)
{
    struct desk *desk = x->desk;
    desk->failed_sign_ins++;
    limits_failed(desk->limits, x->address, text_of(x->work.name), x->now);
}

static enum MHD_Result signed_in(struct exchange *x)
{
    struct desk *desk = x->desk;
    char token[SESSION_TOKEN_TEXT_SIZE];
    if (x->session)
        session_end(x->session); /* a sign-in begins anew, and leaves no session behind */
    x->session = session_begin(&desk->sessions, &x->work.operator, x->browser, x->now, token);
    sodium_memzero(&x->work.operator, sizeof x->work.operator);
    if (!x->session)
        return refuse_sign_in(x, MHD_HTTP_SERVICE_UNAVAILABLE, "sessions",
                              "too many are signed in: try again in a while");
    struct act act = act_of(x, ACT_SIGN_IN);
    act_tell(x, &act);
    reply_with_cookie(x, token);
    sodium_memzero(token, sizeof token);
    return x->api ? answer_API_ME(x) : reply_see(x, "/");
}

static enum MHD_Result finish_sign_in(struct exchange *x)
{
    if (x->work.result == 0)
        return signed_in(x);
    if (x->work.result != -EACCES && x->work.result != -ENOENT)
        log_line(LOG_LEVEL_ERROR, "desk: %s", x->work.error.text);
    tell_failed(x);
    if (x->work.result == -ENOENT)
        return refuse_sign_in(x, MHD_HTTP_FORBIDDEN, "no_operators", x->work.error.text);
    return refuse_sign_in(x, MHD_HTTP_FORBIDDEN, "sign_in", word(x->language, WORD_REFUSED));
}

static enum MHD_Result sign_in(struct exchange *x)
{
    if (x->back)
        return finish_sign_in(x);
    struct work *work = &x->work;
    const struct wanted fields[] = {{"name", work->name, sizeof work->name, true},
                                    {"password", work->password, sizeof work->password, true},
                                    {"code", work->code, sizeof work->code, true}};
    struct error error;
    if (!answer_fields(x, fields, 3, &error))
        return refuse_sign_in(x, MHD_HTTP_BAD_REQUEST, "fields", error.text);
    nanos_t until = limits_wait(x->desk->limits, x->address, text_of(work->name), x->now);
    if (until) {
        char text[160], span[SAY_SIZE];
        snprintf(text, sizeof text, "%s %s.", word(x->language, WORD_TOO_OFTEN),
                 say_span(x->language, until - x->now + NANOS_SECOND, span));
        forget(work);
        return x->api
                   ? reply_later(x, MHD_HTTP_TOO_MANY_REQUESTS, until - x->now, "too_often", text)
                   : page_sign_in(x, MHD_HTTP_TOO_MANY_REQUESTS, text);
    }
    work->state = x->desk->setup->state;
    return exchange_away(x, x->desk->sign_ins, run_sign_in);
}

enum MHD_Result answer_SIGN_IN(struct exchange *x)
{
    return sign_in(x);
}

enum MHD_Result answer_API_SIGN_IN(struct exchange *x)
{
    return sign_in(x);
}

static void end_session(struct exchange *x)
{
    session_end(x->session);
    x->session = NULL;
    reply_with_cookie(x, "");
}

enum MHD_Result answer_SIGN_OUT(struct exchange *x)
{
    end_session(x);
    return reply_see(x, "/sign-in?said=out");
}

enum MHD_Result answer_API_SIGN_OUT(struct exchange *x)
{
    end_session(x);
    return reply_json(x, MHD_HTTP_OK, json_pack("{s:b}", "signed_out", 1));
}

/* ---- One's own password ---------------------------------------------------------------------- */

static enum MHD_Result finish_password(struct exchange *x)
{
    if (x->work.result < 0) {
        if (x->work.result == -EACCES)
            limits_failed(x->desk->limits, x->address, text_of(x->work.name), x->now);
        if (!x->session && !x->api)
            return reply_see(x, "/sign-in");
        return x->api ? reply_error(x, MHD_HTTP_BAD_REQUEST, "password", x->work.error.text)
                      : page_password(x, MHD_HTTP_BAD_REQUEST, x->work.error.text);
    }
    if (x->session) {
        struct act act = act_of(x, ACT_OPERATOR);
        act_text(act.reason, sizeof act.reason, TEXT("changed the own password"));
        act_tell(x, &act);
    }
    sessions_end_of(&x->desk->sessions, text_of(x->work.name));
    x->session = NULL;
    reply_with_cookie(x, "");
    return x->api ? reply_json(x, MHD_HTTP_OK, json_pack("{s:b}", "changed", 1))
                  : reply_see(x, "/sign-in?said=password");
}

static enum MHD_Result password(struct exchange *x)
{
    if (x->back)
        return finish_password(x);
    struct work *work = &x->work;
    const struct wanted fields[] = {{"password", work->password, sizeof work->password, true},
                                    {"new", work->new_password, sizeof work->new_password, true}};
    struct error error;
    if (!answer_fields(x, fields, 2, &error))
        return reply_error(x, MHD_HTTP_BAD_REQUEST, "fields", error.text);
    snprintf(work->name, sizeof work->name, "%s", x->session->name);
    if (limits_wait(x->desk->limits, x->address, text_of(work->name), x->now))
        return reply_error(x, MHD_HTTP_TOO_MANY_REQUESTS, "too_often",
                           word(x->language, WORD_TOO_OFTEN));
    work->state = x->desk->setup->state;
    return exchange_away(x, x->desk->sign_ins, run_password);
}

enum MHD_Result answer_PASSWORD(struct exchange *x)
{
    return password(x);
}

enum MHD_Result answer_API_PASSWORD(struct exchange *x)
{
    return password(x);
}
