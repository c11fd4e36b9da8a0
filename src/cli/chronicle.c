#include "cli/chronicle.h"

#include "cli/record.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>

static const nanos_t silent_after = 5 * NANOS_SECOND, jump_over = 2 * NANOS_SECOND;

void chronicle_open(struct chronicle *c, const char *runtime)
{
    struct error error;
    *c = (struct chronicle){.boot = clock_boot(), .wall = clock_wall()};
    if (handover_open(runtime, HANDOVER_RUN, &c->ring, &error) != 0)
        log_line(LOG_LEVEL_ERROR, "nothing is put on the record: %s", error.text);
}

void chronicle_close(struct chronicle *c)
{
    handover_close(c->ring);
    c->ring = NULL;
}

void chronicle_say(struct chronicle *c, enum act_kind kind, const char *object, const char *format,
                   ...)
{
    char reason[ACT_REASON_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    struct act act = record_act(kind, "supervisor", object, "%s", reason);
    handover_act(c->ring, &act);
}

uint64_t chronicle_reserve(struct chronicle *c, const struct act *act)
{
    return handover_reserved(c->ring, act);
}

/* ---- The front's processes ----------------------------------------------------------------------
 */

static const struct guard_process *process_of(const struct guard_process *all, size_t count,
                                              int32_t pid)
{
    for (size_t i = 0; i < count; i++)
        if (all[i].pid == pid)
            return &all[i];
    return NULL;
}

static void look_at_front(struct chronicle *c, const struct budgets *front, nanos_t boot)
{
    struct guard_process all[GUARD_MAX_PROCESSES];
    int32_t live[GUARD_MAX_PROCESSES];
    size_t count = front ? guard_processes(front, all, GUARD_MAX_PROCESSES) : 0, alive = 0;
    if (!front)
        return;
    for (size_t i = 0; i < count; i++)
        if (boot - all[i].heartbeat < silent_after && (kill(all[i].pid, 0) == 0 || errno == EPERM))
            live[alive++] = all[i].pid;
    for (size_t i = 0; i < c->worker_count; i++) {
        const struct guard_process *there = process_of(all, count, c->worker[i]);
        bool lives = false;
        for (size_t j = 0; j < alive; j++)
            lives = lives || live[j] == c->worker[i];
        if (!lives && there) /* whoever leaves in order gives its slot back */
            chronicle_say(c, ACT_GUARD_DOWN, "front",
                          "nginx worker %d died or hangs%s; %zu others go on", c->worker[i],
                          there->in_store ? ", inside the store" : "", alive);
    }
    if (alive && !c->front_up)
        chronicle_say(c, ACT_GUARD_UP, "front", "%zu nginx workers with the module", alive);
    if (!alive && c->front_up)
        chronicle_say(c, ACT_GUARD_DOWN, "front", "no nginx worker with the module is left");
    c->front_up = alive > 0;
    c->worker_count = alive;
    memcpy(c->worker, live, alive * sizeof *live);
}

static void look_for_hangs(struct chronicle *c, const struct budgets *b, enum guard guard,
                           nanos_t boot)
{
    struct guard_process all[GUARD_MAX_PROCESSES];
    size_t count = b ? guard_processes(b, all, GUARD_MAX_PROCESSES) : 0;
    const struct guard_process *silent = NULL;
    for (size_t i = 0; i < count; i++)
        if (boot - all[i].heartbeat >= silent_after && (kill(all[i].pid, 0) == 0 || errno == EPERM))
            silent = &all[i];
    if (silent && !c->hangs[guard])
        chronicle_say(c, ACT_GUARD_DOWN, guard_name(guard), "process %d hangs: no beat for %lld s",
                      silent->pid, (long long)((boot - silent->heartbeat) / NANOS_SECOND));
    else if (!silent && c->hangs[guard] && count)
        chronicle_say(c, ACT_GUARD_UP, guard_name(guard), "it beats again");
    c->hangs[guard] = silent != NULL;
}

void chronicle_look(struct chronicle *c, struct budgets *const guards[GUARD_COUNT], nanos_t boot,
                    nanos_t wall)
{
    nanos_t jump = (wall - c->wall) - (boot - c->boot);
    c->boot = boot;
    c->wall = wall;
    if (jump > jump_over || jump < -jump_over) {
        struct act act = record_act(
            ACT_CLOCK_JUMP, "supervisor", "wall clock", "the wall clock jumped %s by %lld s",
            jump > 0 ? "ahead" : "back", (long long)(jump > 0 ? jump : -jump) / NANOS_SECOND);
        act_number(&act, "jump_ms", jump / NANOS_MILLISECOND);
        handover_act(c->ring, &act);
    }
    look_at_front(c, guards[GUARD_FRONT], boot);
    for (enum guard guard = GUARD_FRONT + 1; guard < GUARD_COUNT; guard++)
        look_for_hangs(c, guards[guard], guard, boot);
}
