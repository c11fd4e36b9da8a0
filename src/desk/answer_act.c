/* What loosens containment: a release, a panic. On the record first, or not at all. */
#include "desk/answer.h"

#include "desk/page.h"
#include "status/panic.h"

#include <errno.h>
#include <stdio.h>

static const char not_recorded[] =
    "the audit log cannot take this now, so it was not done: look at the audit log's guard and at "
    "the disk. Root on "
    "the machine can do it meanwhile: `ecluse release`, `ecluse panic`";

static bool reason_take(struct exchange *x, struct error *error)
{
    const struct wanted fields[] = {{"reason", x->work.reason, sizeof x->work.reason, true}};
    if (!answer_fields(x, fields, 1, error))
        return false;
    struct text reason = text_of(x->work.reason);
    for (size_t i = 0; i < reason.length; i++)
        if (x->work.reason[i] == '\n' || x->work.reason[i] == '\r' || x->work.reason[i] == '\t')
            x->work.reason[i] = ' ';
    if (reason.length == strspn(x->work.reason, " ")) {
        error_set(error, -EINVAL, "%s", word(x->language, WORD_REASON_NEEDED));
        return false;
    }
    return true;
}

static void work_begin(struct exchange *x, enum act_kind kind)
{
    x->work.state = x->desk->setup->state;
    x->work.runtime = x->desk->setup->runtime;
    x->work.handover = x->desk->handover;
    x->work.act = act_of(x, kind);
    act_text(x->work.act.reason, sizeof x->work.act.reason, text_of(x->work.reason));
}

/* ---- Releases -------------------------------------------------------------------------------- */

static void run_release(struct job *job)
{
    struct work *work = &((struct exchange *)job)->work;
    work->result = act_durably(work);
    if (work->result == 0)
        work->result = release_request(work->runtime, (enum guard)work->hold.guard, work->hold.id,
                                       &work->error);
    else
        error_set(&work->error, work->result, "%s", not_recorded);
}

static enum MHD_Result refuse_release(struct exchange *x, unsigned status, const char *code,
                                      const char *text)
{
    struct hold hold;
    if (x->api || !x->session || !snapshot_hold(x->desk->snapshot, x->argument, &hold))
        return reply_error(x, status, code, text);
    return page_hold(x, status, &hold, text);
}

static enum MHD_Result finish_release(struct exchange *x)
{
    if (x->work.result < 0)
        return refuse_release(x, MHD_HTTP_SERVICE_UNAVAILABLE, "not_recorded", x->work.error.text);
    if (!x->api)
        return reply_see(x, x->work.in_force ? "/?said=release" : "/?said=asked");
    return reply_json(x, x->work.in_force ? MHD_HTTP_OK : MHD_HTTP_ACCEPTED,
                      json_pack("{s:s,s:b,s:b}", "hold", x->work.act.hold, "released",
                                (int)x->work.in_force, "recorded",
                                (int)(x->work.handover != NULL)));
}

static enum MHD_Result release(struct exchange *x)
{
    struct error error;
    char name[HOLD_NAME_SIZE], who[PRINCIPAL_TEXT_SIZE];
    if (x->back)
        return finish_release(x);
    if (!snapshot_hold(x->desk->snapshot, x->argument, &x->work.hold))
        return reply_error(x, MHD_HTTP_NOT_FOUND, "no_hold",
                           "no hold of this name is in force: it may have ended by itself");
    if (!reason_take(x, &error))
        return refuse_release(x, MHD_HTTP_BAD_REQUEST, "reason", error.text);
    const struct hold *hold = &x->work.hold;
    const struct contract *c = snapshot_contract(x->desk->snapshot);
    work_begin(x, ACT_RELEASE);
    struct act *act = &x->work.act;
    act_text(act->hold, sizeof act->hold,
             text_of(hold_name((enum guard)hold->guard, hold->id, name)));
    act_text(act->subject, sizeof act->subject, text_of(principal_text(&hold->principal, who)));
    if (hold->budget >= 0 && (uint32_t)hold->budget < c->budget_count)
        act_text(act->object, sizeof act->object, text_of(c->budget[hold->budget].name));
    act_number(act, "used", (int64_t)hold->used);
    act_number(act, "limit", (int64_t)hold->limit);
    act_number(act, "refused", (int64_t)hold->refused);
    return exchange_away(x, x->desk->acts, run_release);
}

enum MHD_Result answer_HOLD_RELEASE(struct exchange *x)
{
    return release(x);
}

enum MHD_Result answer_API_RELEASE(struct exchange *x)
{
    return release(x);
}

/* ---- Panic ----------------------------------------------------------------------------------- */

static void run_panic(struct job *job)
{
    struct work *work = &((struct exchange *)job)->work;
    work->result = act_durably(work);
    if (work->result == 0)
        work->result = panic_request(work->runtime, work->on, &work->error);
    else
        error_set(&work->error, work->result, "%s", not_recorded);
}

static enum MHD_Result finish_panic(struct exchange *x)
{
    if (x->work.result < 0)
        return x->api || !x->session
                   ? reply_error(x, MHD_HTTP_SERVICE_UNAVAILABLE, "not_recorded",
                                 x->work.error.text)
                   : page_panic(x, MHD_HTTP_SERVICE_UNAVAILABLE, x->work.error.text);
    if (!x->api)
        return reply_see(x, !x->work.in_force ? "/?said=asked"
                            : x->work.on      ? "/?said=panic"
                                              : "/?said=panic-off");
    return reply_json(x, x->work.in_force ? MHD_HTTP_OK : MHD_HTTP_ACCEPTED,
                      json_pack("{s:b,s:b,s:b}", "panic", (int)x->work.on, "in_force",
                                (int)x->work.in_force, "recorded",
                                (int)(x->work.handover != NULL)));
}

static enum MHD_Result panic(struct exchange *x, bool on)
{
    struct error error;
    if (x->back)
        return finish_panic(x);
    if (!reason_take(x, &error))
        return x->api ? reply_error(x, MHD_HTTP_BAD_REQUEST, "reason", error.text)
                      : page_panic(x, MHD_HTTP_BAD_REQUEST, error.text);
    x->work.on = on;
    work_begin(x, on ? ACT_PANIC : ACT_PANIC_OFF);
    return exchange_away(x, x->desk->acts, run_panic);
}

enum MHD_Result answer_PANIC_FORM(struct exchange *x)
{
    return panic(x, MHD_lookup_connection_value_n(x->connection, MHD_GET_ARGUMENT_KIND, "off", 3,
                                                  NULL, NULL) == MHD_NO);
}

enum MHD_Result answer_API_PANIC(struct exchange *x)
{
    return panic(x, true);
}

enum MHD_Result answer_API_PANIC_OFF(struct exchange *x)
{
    return panic(x, false);
}
