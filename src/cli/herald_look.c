#include "cli/herald_look.h"

#include "cli/herald_figures.h"
#include "cli/store_look.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MAGIC UINT64_C(0x316b6f6f6c657568)

/*    alarms that begin with   are of this area */
#define LOOK_AREAS(X)                                                                              \
    X("promise_", "service")                                                                       \
    X("breaker_", "service")                                                                       \
    X("no_hold_slot", "service")                                                                   \
    X("things_full", "service")                                                                    \
    X("pass_keys", "service")                                                                      \
    X("feed_", "feeds")                                                                            \
    X("store_", "store")                                                                           \
    X("records_damaged", "store")                                                                  \
    X("filter_", "store")                                                                          \
    X("disk_", "disk")                                                                             \
    X("panic", "contract")                                                                         \
    X("contract_", "contract")                                                                     \
    X("output", "outputs")                                                                         \
    X("recorder_", "record")                                                                       \
    X("record_", "record")                                                                         \
    X("not_witnessed", "record")

const char *look_area(const char *alarm)
{
#define X(beginning, area)                                                                         \
    if (strncmp(alarm, beginning, sizeof(beginning) - 1) == 0)                                     \
        return area;
    LOOK_AREAS(X)
#undef X
    return "guards";
}

static void look_at_alarms(const struct status *st, struct look *out)
{
    for (size_t i = 0; i < st->alarms.count && out->signs < LOOK_SIGNS; i++) {
        struct sign *sign = &out->sign[out->signs++];
        const struct alarm *alarm = &st->alarms.alarm[i];
        const char *name = alarm_name(alarm->kind);
        snprintf(sign->kind, sizeof sign->kind, "%s", name);
        snprintf(sign->area, sizeof sign->area, "%s", look_area(name));
        snprintf(sign->text, sizeof sign->text, "%s", alarm->text);
    }
}

/* A guard without which the contract is not kept; GUARD_COUNT: all that are needed are there. */
static enum guard first_down(const struct status *st)
{
    const struct contract *c = st->s.contract;
    bool needed[GUARD_COUNT] = {[GUARD_FRONT] = c->promise_count > 0};
    for (unsigned i = 0; i < c->budget_count; i++)
        needed[meter_guard(c->budget[i].meter)] = true;
    for (enum guard guard = 0; guard < GUARD_COUNT; guard++)
        if (needed[guard] && contract_wants(c, guard) && st->guard[guard].alive == 0)
            return guard;
    return GUARD_COUNT;
}

/* What the dead man's switch hears of: whether Ecluse itself works, not whether all is quiet. */
static void look_whether_well(const struct status *st, struct look *out)
{
    out->well = false;
    if (!st->s.supervised)
        snprintf(out->not_well, sizeof out->not_well, "`ecluse run` does not run");
    else if (!recorder_is_up(st))
        snprintf(out->not_well, sizeof out->not_well, "the audit log does not become durable");
    else if (first_down(st) != GUARD_COUNT)
        snprintf(out->not_well, sizeof out->not_well, "the guard %s is down",
                 guard_name(first_down(st)));
    else
        out->well = true;
}

static void look_once(struct status *st, struct look *out)
{
    memset(out, 0, sizeof *out);
    out->magic = LOOK_MAGIC;
    look_at_alarms(st, out);
    look_whether_well(st, out);
    for (unsigned form = 0; form < 2; form++) {
        struct writer w = writer_on(out->page[form], LOOK_PAGE_SIZE);
        struct metric_page page = metric_page_on(&w, form == 1);
        figures_write(st, &page);
        out->length[form] = w.overflow ? 0 : (uint32_t)w.length;
    }
}

static bool write_all(int to, const void *data, size_t length)
{
    const char *at = data;
    while (length > 0) {
        ssize_t written = write(to, at, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        at += written;
        length -= (size_t)written;
    }
    return true;
}

/* What status_look() fills anew each time; the situation stays open. */
static void forget(struct status *st)
{
    struct situation s = st->s;
    memset(st, 0, sizeof *st);
    st->s = s;
}

_Noreturn void look_main(const char *runtime, pid_t parent, int to)
{
    struct error error = {""};
    struct status *st = calloc(1, sizeof *st);
    struct look *look = calloc(1, sizeof *look);
    signal(SIGPIPE, SIG_IGN);
    if (!st || !look || situation_begin(runtime, &st->s, &error) < 0 || !st->s.contract) {
        log_line(LOG_LEVEL_ERROR, "herald: no contract is in force in %s %s", runtime, error.text);
        _exit(EXIT_FAILURE);
    }
    situation_guards(&st->s);
    while (getppid() == parent) {
        situation_again(&st->s);
        forget(st);
        if (st->s.contract->tracking.present)
            store_look(st->s.contract, st->s.now.wall, &st->store);
        status_look(st);
        look_once(st, look);
        if (!write_all(to, look, sizeof *look))
            break;
        nanosleep(&(struct timespec){.tv_sec = LOOK_SECONDS}, NULL);
    }
    _exit(EXIT_SUCCESS);
}

bool look_is_sound(struct look *look)
{
    if (look->magic != LOOK_MAGIC || look->signs > LOOK_SIGNS || look->length[0] > LOOK_PAGE_SIZE ||
        look->length[1] > LOOK_PAGE_SIZE)
        return false;
    look->not_well[sizeof look->not_well - 1] = 0;
    for (uint32_t i = 0; i < look->signs; i++) {
        struct sign *sign = &look->sign[i];
        sign->area[sizeof sign->area - 1] = 0;
        sign->kind[sizeof sign->kind - 1] = 0;
        sign->text[sizeof sign->text - 1] = 0;
    }
    return true;
}
