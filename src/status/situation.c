#include "status/situation.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static bool supervisor_lives(const struct control *control, nanos_t now)
{
    nanos_t heartbeat = control_heartbeat(control);
    int32_t pid = control_supervisor(control);
    if (pid <= 0 || heartbeat <= 0 || now - heartbeat > SUPERVISOR_SILENT_AFTER * NANOS_SECOND)
        return false;
    return kill(pid, 0) == 0 || errno == EPERM;
}

bool situation_supervised(const char *runtime)
{
    const struct control *control;
    struct error error;
    if (control_open(runtime, &control, &error) < 0)
        return false;
    bool lives = supervisor_lives(control, clock_boot());
    control_close(control);
    return lives;
}

bool situation_nobody_records(const char *runtime)
{
    struct handover_state audit;
    if (situation_supervised(runtime))
        return false;
    return handover_status(runtime, &audit) < 0 || !recorder_lives(&audit, clock_boot());
}

static bool take_published(struct situation *s)
{
    uint64_t live = s->control ? control_live(s->control) : 0;
    if (live == 0)
        return false;
    struct contract *c = calloc(1, sizeof *c);
    must(c != NULL);
    struct error error;
    if (contract_published(s->runtime, live, c, &error) < 0) {
        free(c);
        return false;
    }
    s->contract = c;
    s->generation = live;
    return true;
}

int situation_begin(const char *runtime, struct situation *out, struct error *error)
{
    struct situation s = {.now = moment_now()};
    if (snprintf(s.runtime, sizeof s.runtime, "%s", runtime) >= (int)sizeof s.runtime)
        return error_set(error, -ENAMETOOLONG, "%.100s...: too long for a folder's name", runtime);
    int opened = control_open(s.runtime, &s.control, error);
    if (opened < 0)
        s.control = NULL;
    if (opened < 0 && opened != -ENOENT)
        return opened;
    take_published(&s);
    *out = s;
    return 0;
}

static void open_guard(struct situation *s, enum guard guard)
{
    budget_close(s->guard[guard]);
    s->guard[guard] = NULL;
    s->code[guard] = -ENOENT;
    if (guard != GUARD_FRONT && !contract_wants(s->contract, guard))
        return;
    s->code[guard] = budget_open(s->contract, guard, true, &s->guard[guard], &s->error[guard]);
    if (s->code[guard] < 0)
        s->guard[guard] = NULL;
}

void situation_guards(struct situation *s)
{
    s->supervised = s->control && supervisor_lives(s->control, s->now.boot);
    for (enum guard guard = 0; guard < GUARD_COUNT; guard++)
        open_guard(s, guard);
}

void situation_again(struct situation *s)
{
    struct error error;
    s->now = moment_now();
    if (!s->control || control_replaced(s->control, s->runtime)) {
        control_close(s->control);
        if (control_open(s->runtime, &s->control, &error) < 0)
            s->control = NULL;
    }
    struct contract *before = s->contract;
    bool another = s->control && control_live(s->control) != s->generation && take_published(s);
    for (enum guard guard = 0; guard < GUARD_COUNT; guard++)
        if (another || !s->guard[guard] || budget_is_replaced(s->guard[guard]))
            open_guard(s, guard);
    if (another)
        free(before); /* not before the segments that were open with it are closed */
    s->supervised = s->control && supervisor_lives(s->control, s->now.boot);
}

void situation_close(struct situation *s)
{
    for (enum guard guard = 0; guard < GUARD_COUNT; guard++)
        budget_close(s->guard[guard]);
    control_close(s->control);
    free(s->contract);
    *s = (struct situation){0};
}

const struct budgets *situation_budgets(const struct situation *s, unsigned budget)
{
    return s->guard[meter_guard(s->contract->budget[budget].meter)];
}

static int newest_first(const void *a, const void *b)
{
    nanos_t left = ((const struct hold *)a)->since, right = ((const struct hold *)b)->since;
    return left < right ? 1 : left > right ? -1 : 0;
}

size_t situation_holds(const struct situation *s, struct hold *out, size_t most)
{
    size_t count = 0, guards = 0;
    for (enum guard guard = 0; guard < GUARD_COUNT && count < most; guard++) {
        size_t more = s->guard[guard]
                          ? holds_list(s->guard[guard], s->now.boot, out + count, most - count)
                          : 0;
        guards += more > 0;
        count += more;
    }
    if (guards > 1)
        qsort(out, count, sizeof *out, newest_first);
    return count;
}

bool situation_hold(const struct situation *s, enum guard guard, uint64_t id, struct hold *out)
{
    struct hold hold;
    if ((unsigned)guard >= GUARD_COUNT || !s->guard[guard] ||
        !hold_find(s->guard[guard], id, &hold) || hold.until <= clock_boot())
        return false;
    *out = hold;
    return true;
}
