#include "files/files_parts.h"

#include "budget/guard.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

/* Rings for the trees and users of a day; a million things, since each file is one for every budget
 * that counts it. 35 MB in all. */
const struct budget_sizes FILES_SIZES = {
    .cells = 1 << 10, .rings = 1 << 12, .holds = 1024, .things = 1 << 20};

void files_say(struct files *f, enum files_event event, const char *object, const char *format, ...)
{
    struct files_news *news = &f->news[(f->news_first + f->news_count) % NEWS_MOST];
    if (f->news_count == NEWS_MOST)
        return;
    f->news_count++;
    news->event = event;
    snprintf(news->object, sizeof news->object, "%s", object);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(news->text, sizeof news->text, format, arguments);
    va_end(arguments);
}

bool files_news(struct files *f, struct files_news *out)
{
    if (!f->news_count)
        return false;
    *out = f->news[f->news_first];
    f->news_first = (f->news_first + 1) % NEWS_MOST;
    f->news_count--;
    return true;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static int make_folder(const struct contract *c, struct error *error)
{
    char path[CONTRACT_PATH_SIZE + 16];
    snprintf(path, sizeof path, "%s/evidence", c->state);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    return 0;
}

static int begin(struct files *f, struct error *error)
{
    int code = make_folder(f->contract, error);
    if (code == 0)
        code = budget_open(f->contract, GUARD_FILES, false, &f->budgets, error);
    if (code == 0)
        code = state_open(f, error);
    if (code < 0)
        return code;
    budget_set_mode(f->budgets, f->mode);
    f->slot = guard_register(f->budgets, f->moment.boot);
    f->board = board_new();
    f->held = calloc(HOLDS_MOST, sizeof *f->held);
    f->poll = epoll_create1(EPOLL_CLOEXEC);
    if (!f->board || !f->held || f->poll < 0 || freezer_open(&f->freezer, f->contract->runtime) < 0)
        return error_set(error, -ENOMEM, "no memory for the guard of files");
    if (ended_open(&f->ended, error) < 0)
        log_line(LOG_LEVEL_WARNING, "files: %s: what they removed or emptied counts for the share",
                 error->text);
    code = crew_begin(f);
    return code < 0 ? error_set(error, code, "the watchdog cannot be begun") : 0;
}

static enum mode mode_for(const struct contract *c, enum mode mode)
{
    return c->mode == MODE_OBSERVE ? MODE_OBSERVE : mode;
}

int files_open(const struct contract *contract, enum mode mode, struct moment moment,
               struct files **out, struct error *error)
{
    struct files *f = calloc(1, sizeof *f);
    if (!f)
        return error_set(error, -ENOMEM, "no memory for the guard of files");
    f->contract = contract;
    f->mode = mode_for(contract, mode);
    f->moment = moment;
    f->poll = f->freezer.proc = -1;
    f->slot = -1;
    f->down_since = moment.boot;
    for (unsigned i = 0; i < CONTRACT_MAX_SHARES; i++)
        f->share[i] = (struct share_crew){.place = {.mount = -1}, .socket = -1};
    for (unsigned i = 0; i < SEATS; i++)
        f->listener[i].control = -1;
    int code = begin(f, error);
    if (code < 0) {
        files_close(f);
        return code;
    }
    *out = f;
    return 0;
}

void files_close(struct files *f)
{
    if (!f)
        return;
    if (f->board)
        crew_release_children(f, true);
    if (f->freezer.frozen)
        freezer_close(&f->freezer);
    if (f->budgets && f->slot >= 0)
        guard_leave(f->budgets, f->slot);
    budget_close(f->budgets);
    state_close(f);
    board_free(f->board);
    ended_close(f->ended);
    free(f->held);
    if (f->poll >= 0)
        close(f->poll);
    free(f);
}

int files_descriptor(const struct files *f)
{
    return f->poll;
}

struct budgets *files_budgets(struct files *f)
{
    return f->budgets;
}

void files_set_mode(struct files *f, enum mode mode)
{
    enum mode wanted = mode_for(f->contract, mode);
    budget_set_mode(f->budgets, wanted);
    f->renew |= wanted != f->mode;
    f->mode = wanted;
}

/* ---- Contracts ------------------------------------------------------------------------------- */

int files_prepare(struct files *f, const struct contract *next, struct error *error)
{
    return budget_prepare(f->budgets, next, error);
}

void files_rollback(struct files *f)
{
    budget_rollback(f->budgets);
}

static bool is_same_share(const struct contract *one, const struct contract *other, unsigned i)
{
    return i < one->share_count && i < other->share_count &&
           strcmp(one->share[i].name, other->share[i].name) == 0 &&
           strcmp(one->share[i].path, other->share[i].path) == 0;
}

/* Shares keep their place in the list, or are let go and found anew. */
static void move_shares(struct files *f, const struct contract *next)
{
    for (unsigned i = 0; i < CONTRACT_MAX_SHARES; i++) {
        if (is_same_share(f->contract, next, i))
            crew_limit(f, i, next);
        else
            crew_lose(f, i);
    }
}

void files_commit(struct files *f, const struct contract *next)
{
    budget_commit(f->budgets);
    move_shares(f, next);
    f->contract = next;
    for (unsigned i = 0; i < HOLDS_MOST; i++) /* they point into the old one */
        f->held[i].evidence.budget = "";
    f->mode = mode_for(next, f->mode);
    f->renew = true;
    f->second = 0;
}

void files_tell(struct files *f, uint64_t prepared, uint64_t running, uint64_t refused)
{
    f->generation[0] = prepared;
    f->generation[1] = running;
    f->generation[2] = refused;
    if (f->slot >= 0)
        guard_set_generation(f->budgets, f->slot, prepared, running, refused);
}

/* ---- Ticks ----------------------------------------------------------------------------------- */

static void tell_overflows(struct files *f)
{
    uint64_t overflows = atomic_load(&f->board->count[BOARD_OVERFLOWS]);
    if (overflows != f->overflows_told)
        files_say(f, FILES_ALARM, "queue",
                  "the kernel's queue of notices overflowed: some removals and renames were not "
                  "seen");
    f->overflows_told = overflows;
}

static void each_second(struct files *f)
{
    nanos_t now = f->moment.boot;
    if (f->slot < 0)
        f->slot = guard_register(f->budgets, now);
    if (f->slot >= 0) {
        guard_beat(f->budgets, f->slot, now);
        guard_set_generation(f->budgets, f->slot, f->generation[0], f->generation[1],
                             f->generation[2]);
    }
    release_apply(f->budgets, f->contract->runtime, now);
    budget_tick(f->budgets, now);
    crew_places(f);
    tell_overflows(f);
    answering_tick(f);
    canaries_look(f);
}

static void each_minute(struct files *f)
{
    files_evidence_expire(f->contract->state, f->budgets, f->contract->keep.holds, f->moment.boot,
                          f->moment.wall);
    opened_look(f, false);
}

static void take_notes(struct files *f)
{
    struct epoll_event ready[SEATS];
    int count = epoll_wait(f->poll, ready, SEATS, 0);
    for (int i = 0; i < count; i++)
        if (ready[i].data.u64 < SEATS && f->listener[ready[i].data.u64].control >= 0)
            answering_notes(f, (unsigned)ready[i].data.u64);
}

void files_tick(struct files *f, struct moment moment)
{
    bool was_up = crew_is_up(f);
    f->moment = moment;
    take_notes(f);
    if (moment.boot - f->second >= NANOS_SECOND) {
        f->second = moment.boot;
        each_second(f);
    }
    freezer_resume(&f->freezer, moment.boot);
    crew_tick(f);
    if (!was_up && crew_is_up(f))
        opened_look(f, true); /* what is open by now was opened unasked */
    if (crew_is_up(f) && moment.boot - f->minute >= NANOS_MINUTE) {
        f->minute = moment.boot;
        each_minute(f);
    }
    state_write(f);
}
