#include "cli/reload.h"

#include "cli/last_contract.h"
#include "cli/record.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const nanos_t answer_within = 2 * NANOS_SECOND;
static const nanos_t silent_after = 3 * NANOS_SECOND;

static struct file_stamp stamp_of(const char *file)
{
    struct stat status;
    if (stat(file, &status) != 0)
        return (struct file_stamp){0};
    return (struct file_stamp){status.st_mtim, status.st_ino, (uint64_t)status.st_size};
}

static bool stamp_equal(const struct file_stamp *a, const struct file_stamp *b)
{
    return a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec &&
           a->inode == b->inode && a->size == b->size;
}

static bool is_live(const struct guard_process *p, nanos_t now)
{
    return now - p->heartbeat < silent_after && (kill(p->pid, 0) == 0 || errno == EPERM);
}

__attribute__((format(printf, 2, 3))) static void refuse(struct reload *r, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(r->bulletin->reason, sizeof r->bulletin->reason, format, arguments);
    va_end(arguments);
    r->bulletin->refused = clock_wall();
    r->told = true;
    if (r->chronicle)
        chronicle_say(r->chronicle, ACT_CONTRACT_REFUSED, "contract",
                      "stays at number %" PRIu64 ": %.150s", r->generation, r->bulletin->reason);
    log_line(LOG_LEVEL_ERROR, "the contract stays at number %" PRIu64 ": %s", r->generation,
             r->bulletin->reason);
}

static void refuse_problems(struct reload *r, const struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *p = &problems->problem[i];
        log_line(LOG_LEVEL_ERROR, "%s:%" PRIu32 ":%" PRIu32 ": %s", r->file, p->line, p->column,
                 p->text);
    }
    const struct problem *first = &problems->problem[0];
    refuse(r, "%zu mistake%s, the first at %s:%" PRIu32 ":%" PRIu32 ": %.300s", problems->count,
           problems->count == 1 ? "" : "s", r->file, first->line, first->column, first->text);
}

/* NULL after having said why. */
static struct contract *read_file(struct reload *r)
{
    struct contract *c = calloc(1, sizeof *c);
    if (c == NULL) {
        refuse(r, "no memory for another contract");
        return NULL;
    }
    struct problems problems = {0};
    struct error error = {""};
    int code = contract_read(r->file, c, &problems, &error);
    if (code < 0 && problems.count)
        refuse_problems(r, &problems);
    else if (code < 0)
        refuse(r, "%s", error.text);
    else if (strcmp(c->state, r->live->state) != 0 || strcmp(c->runtime, r->live->runtime) != 0)
        refuse(r, "`state` and `runtime` cannot change while running; restart `ecluse run` for it");
    problems_free(&problems);
    if (r->told && r->bulletin->refused) {
        free(c);
        return NULL;
    }
    return c;
}

static void taken(struct reload *r)
{
    r->bulletin->taken = clock_wall();
    r->bulletin->refused = 0;
    r->bulletin->reason[0] = 0;
    r->told = true;
    log_line(LOG_LEVEL_INFO, "contract %" PRIu64 " is in force", r->generation);
}

/* The file says what is in force already: after an undone edit, say. */
static void unchanged(struct reload *r)
{
    if (r->bulletin->refused) {
        r->bulletin->refused = 0;
        r->bulletin->reason[0] = 0;
        r->told = true;
    }
    log_line(LOG_LEVEL_INFO, "the contract's file says what is in force already");
}

/* What allows more is put on the record when it is offered, and committed once that is durable. */
static bool reserve_record(struct reload *r, const struct contract *c)
{
    contract_difference(r->live, c, &r->difference);
    r->recorded = 0;
    if (!r->difference.loosens || !r->chronicle)
        return true;
    struct act act =
        record_act(ACT_CONTRACT, "supervisor", "contract offered", "%s", r->difference.text);
    act_number(&act, "number", (int64_t)r->last + 1);
    act_number(&act, "loosened", r->difference.loosened);
    r->recorded = chronicle_reserve(r->chronicle, &act);
    return r->recorded != 0;
}

static bool is_recorded(const struct reload *r)
{
    return r->recorded == 0 || handover_is_durable(r->chronicle->ring, r->recorded);
}

static void offer(struct reload *r, struct contract *c, nanos_t now)
{
    struct error error;
    uint64_t number = r->last + 1;
    if (!reserve_record(r, c)) {
        refuse(r,
               "it allows more (%.150s), and cannot be put on the record first; `ecluse status` "
               "says why",
               r->difference.text);
        free(c);
        return;
    }
    if (contract_publish(r->live->runtime, number, c, &error) < 0) {
        refuse(r, "it cannot be published: %.500s", error.text);
        free(c);
        return;
    }
    r->last = number;
    r->next = c;
    r->deadline = now + answer_within;
    control_set_offered(r->control, number);
    log_line(LOG_LEVEL_INFO, "contract %" PRIu64 " is offered to the guards", number);
}

static enum reload_result commit(struct reload *r)
{
    uint64_t old = r->generation;
    r->generation = r->last;
    control_set_live(r->control, r->generation);
    free(r->live);
    r->live = r->next;
    r->next = NULL;
    /* The one before stays, for a process that looks at its number just now. */
    if (old > 1)
        contract_unpublish(r->live->runtime, old - 1);
    last_contract_keep(r->file, r->live);
    taken(r);
    if (r->chronicle) {
        struct act act =
            record_act(ACT_CONTRACT, "supervisor", "contract in force", "%s", r->difference.text);
        act_number(&act, "number", (int64_t)r->generation);
        act_number(&act, "loosened", r->difference.loosened);
        act_number(&act, "tightened", r->difference.tightened);
        act_number(&act, "changed", r->difference.other);
        handover_act(r->chronicle->ring, &act);
    }
    return RELOAD_TAKEN;
}

static void roll_back(struct reload *r)
{
    control_set_offered(r->control, r->generation);
    contract_unpublish(r->live->runtime, r->last);
    free(r->next);
    r->next = NULL;
}

enum guard_answer { ANSWER_READY, ANSWER_WAITING, ANSWER_REFUSED };

struct answer {
    enum guard_answer answer;
    enum guard guard;
    int pid; /* who refused, or is waited for */
};

/* Adds what the processes of one guard say to the offer. */
static void ask(const struct reload *r, const struct guard_segments *guards, enum guard guard,
                nanos_t now, struct answer *all)
{
    struct guard_process process[GUARD_MAX_PROCESSES];
    const struct budgets *b = guards->of[guard];
    size_t count = b ? guard_processes(b, process, GUARD_MAX_PROCESSES) : 0;
    for (size_t i = 0; i < count && all->answer != ANSWER_REFUSED; i++) {
        const struct guard_process *p = &process[i];
        /* Who has not beaten since the offer is leaving after an nginx reload, or hangs: it is
         * waited for, but cannot veto. If it comes back, it takes up what is in force, whole. */
        bool silent = p->heartbeat < r->deadline - answer_within;
        if (!is_live(p, now))
            continue;
        if (p->refused == r->last)
            *all = (struct answer){ANSWER_REFUSED, guard, p->pid};
        else if (p->prepared < r->last && !(silent && now >= r->deadline))
            *all = (struct answer){ANSWER_WAITING, guard, p->pid};
    }
}

enum reload_result reload_step(struct reload *r, const struct guard_segments *guards, nanos_t now)
{
    if (r->next == NULL)
        return RELOAD_NOTHING;
    struct answer all = {.answer = ANSWER_READY};
    for (enum guard guard = 0; guard < GUARD_COUNT; guard++)
        ask(r, guards, guard, now, &all);
    if (all.answer == ANSWER_READY && is_recorded(r))
        return commit(r);
    if (all.answer == ANSWER_REFUSED) {
        refuse(r, "process %d of the guard %s cannot take contract %" PRIu64 "; its log says why",
               all.pid, guard_name(all.guard), r->last);
        roll_back(r);
    } else if (all.answer == ANSWER_READY && now >= r->deadline) {
        refuse(r,
               "it allows more (%.150s), and the audit log could not be written within 2 s; "
               "`ecluse status` says why. Save the "
               "file again once it can",
               r->difference.text);
        roll_back(r);
    } else if (now >= r->deadline) {
        refuse(r, "process %d of the guard %s did not answer to contract %" PRIu64 " within 2 s",
               all.pid, guard_name(all.guard), r->last);
        roll_back(r);
    }
    return RELOAD_NOTHING;
}

enum reload_result reload_look(struct reload *r, const struct guard_segments *guards,
                               bool now_please, nanos_t now)
{
    if (r->next)
        return reload_step(r, guards, now);
    struct file_stamp stamp = stamp_of(r->file);
    bool moved = !stamp_equal(&stamp, &r->stamp);
    r->stamp = stamp;
    /* An editor may still be writing: what changed is read once it has rested from one look to the
     * next. */
    if (moved && !now_please) {
        r->wanted = true;
        return RELOAD_NOTHING;
    }
    if (!r->wanted && !now_please)
        return RELOAD_NOTHING;
    r->wanted = false;
    struct contract *c = read_file(r);
    if (c == NULL)
        return RELOAD_NOTHING;
    if (memcmp(c, r->live, sizeof *c) == 0) {
        free(c);
        unchanged(r);
        return RELOAD_NOTHING;
    }
    offer(r, c, now);
    return reload_step(r, guards, now);
}

/* What an earlier `ecluse run` left in force: its guards still work by it, so the file must be
 * offered to them, not imposed. */
static bool take_over(struct reload *r, const struct contract *from_file)
{
    uint64_t live = control_live(r->control);
    if (live == 0)
        return false;
    struct contract *c = calloc(1, sizeof *c);
    must(c != NULL);
    struct error error;
    if (contract_published(from_file->runtime, live, c, &error) < 0 ||
        strcmp(c->state, from_file->state) != 0) {
        free(c);
        return false;
    }
    r->live = c;
    r->generation = live;
    control_set_offered(r->control, live);
    return true;
}

int reload_begin(struct reload *r, struct contract *from_file, struct error *error)
{
    r->stamp = stamp_of(r->file);
    r->last = control_offered(r->control);
    if (control_live(r->control) > r->last)
        r->last = control_live(r->control);
    /* A number that was rolled back just before the restart may be remembered as refused. */
    r->last += 1;
    r->bulletin->taken = clock_wall();
    if (take_over(r, from_file)) {
        r->wanted = r->wanted || memcmp(r->live, from_file, sizeof *from_file) != 0;
        free(from_file);
        last_contract_keep(r->file, r->live);
        return 0;
    }
    int code = contract_publish(from_file->runtime, r->last, from_file, error);
    if (code < 0)
        return code;
    r->live = from_file;
    r->generation = r->last;
    control_set_offered(r->control, r->generation);
    control_set_live(r->control, r->generation);
    last_contract_keep(r->file, r->live);
    return 0;
}

void reload_end(struct reload *r)
{
    free(r->live);
    free(r->next);
    r->live = r->next = NULL;
}
