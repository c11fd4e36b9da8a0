/* The operators: who there are, added, changed, removed. Each change is on the record first. */
#include "desk/answer.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum MHD_Result answer_API_OPERATORS(struct exchange *x)
{
    struct operators *operators = calloc(1, sizeof *operators);
    struct error error;
    must(operators != NULL);
    int failed = operators_load(x->desk->setup->state, operators, &error);
    json_t *list = json_array();
    for (size_t i = 0; !failed && i < operators->count; i++) {
        const struct operator* o = & operators->operator[i];
        json_array_append_new(list,
                              json_pack("{s:s,s:s,s:b}", "name", o->name, "role",
                                        role_name(o->role), "must_change", (int)o->must_change));
    }
    sodium_memzero(operators, sizeof *operators);
    free(operators);
    if (failed) {
        json_decref(list);
        return reply_error(x, MHD_HTTP_INTERNAL_SERVER_ERROR, "operators", error.text);
    }
    return reply_json(x, MHD_HTTP_OK, json_pack("{s:o}", "operators", list));
}

/* ---- In the thread --------------------------------------------------------------------------- */

static size_t administrators(const struct operators *operators)
{
    size_t count = 0;
    for (size_t i = 0; i < operators->count; i++)
        count += operators->operator[i].role == ROLE_ADMINISTER;
    return count;
}

static struct operator* other_of(struct work *work, struct operators *operators)
{
    struct operator* other = operators_find(operators, text_of(work->other));
    if (!other)
        error_set(&work->error, -ENOENT, "there is no operator of that name");
    return other;
}

static int change_add(void *context, struct operators *operators)
{
    struct work *work = context;
    int failed = operator_add(operators, text_of(work->other), work->role,
                              text_of(work->new_password), &work->error);
    if (failed)
        return failed;
    struct operator* added = operators_find(operators, text_of(work->other));
    added->must_change = true;
    work->operator= * added;
    return 0;
}

/* The last one who administers cannot be lost by a slip: root on the machine can do it. */
static int keep_one(struct work *work, const struct operators *operators)
{
    return administrators(operators)
               ? 0
               : error_set(&work->error, -EPERM, "nobody would be left who administers");
}

static int change_role(void *context, struct operators *operators)
{
    struct work *work = context;
    struct operator* other = other_of(work, operators);
    if (!other)
        return -ENOENT;
    other->role = work->role;
    return keep_one(work, operators);
}

static int change_password(void *context, struct operators *operators)
{
    struct work *work = context;
    struct operator* other = other_of(work, operators);
    int failed =
        other ? operator_set_password(other, text_of(work->new_password), &work->error) : -ENOENT;
    if (!failed)
        other->must_change = true;
    return failed;
}

static int change_totp(void *context, struct operators *operators)
{
    struct work *work = context;
    struct operator* other = other_of(work, operators);
    if (!other)
        return -ENOENT;
    totp_secret_new(other->totp);
    other->totp_last = 0;
    work->operator= * other;
    return 0;
}

static int change_remove(void *context, struct operators *operators)
{
    struct work *work = context;
    struct operator* other = other_of(work, operators);
    if (!other)
        return -ENOENT;
    *other = operators->operator[--operators->count];
    return keep_one(work, operators);
}

/* On the record before it is saved, and only what can be done: both under the operators' lock. */
static int change_on_record(void *context, struct operators *operators)
{
    struct work *work = context;
    int failed = work->change(work, operators);
    if (failed)
        return failed;
    failed = act_durably(work);
    work->recorded = failed == 0;
    return failed ? error_set(&work->error, failed,
                              "the audit log cannot take this now, so it was not done")
                  : 0;
}

static void run_change(struct work *work, int (*change)(void *context, struct operators *operators))
{
    work->change = change;
    work->recorded = false;
    work->result = operators_change(work->state, change_on_record, work, &work->error);
    if (work->result < 0 && work->recorded)
        act_take_back(work, "it could not be saved");
    sodium_memzero(work->new_password, sizeof work->new_password);
}

#define RUN(name)                                                                                  \
    static void run_##name(struct job *job)                                                        \
    {                                                                                              \
        run_change(&((struct exchange *)job)->work, change_##name);                                \
    }
RUN(add)
RUN(role)
RUN(password)
RUN(totp)
RUN(remove)

/* ---- Answers --------------------------------------------------------------------------------- */

static unsigned status_of(int failed)
{
    return failed == -ENOENT   ? MHD_HTTP_NOT_FOUND
           : failed == -EEXIST ? MHD_HTTP_CONFLICT
           : failed == -EINVAL ? MHD_HTTP_BAD_REQUEST
           : failed == -EPERM  ? MHD_HTTP_CONFLICT
                               : MHD_HTTP_SERVICE_UNAVAILABLE;
}

/* `secret`: its one-time secret is shown, once. */
static enum MHD_Result finish(struct exchange *x, bool ends_sessions, bool secret)
{
    struct work *work = &x->work;
    if (work->result < 0)
        return reply_error(x, status_of(work->result), "operator", work->error.text);
    if (ends_sessions)
        sessions_end_of(&x->desk->sessions, text_of(work->other));
    json_t *object = json_pack("{s:s}", "name", work->other);
    if (secret) {
        char base32[TOTP_SECRET_TEXT_SIZE], uri[TOTP_URI_SIZE];
        const char *organisation = snapshot_contract(x->desk->snapshot)->organisation;
        json_object_set_new(object, "totp_secret",
                            json_string(totp_secret_text(work->operator.totp, base32)));
        json_object_set_new(object, "totp_uri",
                            json_string(totp_uri(work->operator.totp, text_of(organisation),
                                                 text_of(work->other), uri)));
        sodium_memzero(&work->operator, sizeof work->operator);
    }
    return reply_json(x, MHD_HTTP_OK, object);
}

static enum MHD_Result begin(struct exchange *x, const char *what, void (*run)(struct job *))
{
    struct work *work = &x->work;
    work->state = x->desk->setup->state;
    work->handover = x->desk->handover;
    work->act = act_of(x, ACT_OPERATOR);
    act_text(work->act.subject, sizeof work->act.subject, text_of(work->other));
    act_text(work->act.reason, sizeof work->act.reason, text_of(what));
    return exchange_away(x, x->desk->acts, run);
}

static bool take_other(struct exchange *x)
{
    if (!operator_name_is_allowed(x->argument))
        return false;
    memcpy(x->work.other, x->argument.data, x->argument.length);
    x->work.other[x->argument.length] = 0;
    return true;
}

static enum MHD_Result refuse_name(struct exchange *x)
{
    return reply_error(x, MHD_HTTP_NOT_FOUND, "operator", "there is no operator of that name");
}

static enum MHD_Result refuse_role(struct exchange *x)
{
    return reply_error(x, MHD_HTTP_BAD_REQUEST, "role", "`role` is see, release or administer");
}

enum MHD_Result answer_API_OPERATOR_ADD(struct exchange *x)
{
    struct work *work = &x->work;
    char role[16];
    const struct wanted fields[] = {
        {"name", work->other, sizeof work->other, true},
        {"role", role, sizeof role, true},
        {"password", work->new_password, sizeof work->new_password, true}};
    if (x->back)
        return finish(x, false, true);
    if (!answer_fields(x, fields, 3, &work->error))
        return reply_error(x, MHD_HTTP_BAD_REQUEST, "fields", work->error.text);
    return role_named(text_of(role), &work->role) ? begin(x, "adds an operator", run_add)
                                                  : refuse_role(x);
}

enum MHD_Result answer_API_OPERATOR_ROLE(struct exchange *x)
{
    char role[16];
    const struct wanted fields[] = {{"role", role, sizeof role, true}};
    if (x->back)
        return finish(x, true, false);
    if (!take_other(x))
        return refuse_name(x);
    if (!answer_fields(x, fields, 1, &x->work.error))
        return reply_error(x, MHD_HTTP_BAD_REQUEST, "fields", x->work.error.text);
    return role_named(text_of(role), &x->work.role)
               ? begin(x, "changes an operator's role", run_role)
               : refuse_role(x);
}

enum MHD_Result answer_API_OPERATOR_PASSWORD(struct exchange *x)
{
    const struct wanted fields[] = {
        {"password", x->work.new_password, sizeof x->work.new_password, true}};
    if (x->back)
        return finish(x, true, false);
    if (!take_other(x))
        return refuse_name(x);
    if (!answer_fields(x, fields, 1, &x->work.error))
        return reply_error(x, MHD_HTTP_BAD_REQUEST, "fields", x->work.error.text);
    return begin(x, "sets an operator's password", run_password);
}

enum MHD_Result answer_API_OPERATOR_TOTP(struct exchange *x)
{
    if (x->back)
        return finish(x, true, true);
    return take_other(x) ? begin(x, "makes a new one-time secret for an operator", run_totp)
                         : refuse_name(x);
}

enum MHD_Result answer_API_OPERATOR_REMOVE(struct exchange *x)
{
    if (x->back)
        return finish(x, true, false);
    return take_other(x) ? begin(x, "removes an operator", run_remove) : refuse_name(x);
}
