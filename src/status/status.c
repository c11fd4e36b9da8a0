#include "status/status.h"

#include "status/figure.h"
#include "status/front_process.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

enum { GUARD_SILENT_AFTER = 5, GUARD_BEHIND_AFTER = 5 };

nanos_t wall_of(const struct moment *now, nanos_t boot)
{
    return now->wall - (now->boot - boot);
}

enum mode budget_mode_shown(const struct status *st, const struct budget_rule *rule)
{
    if (st->panic || st->s.contract->mode == MODE_OBSERVE)
        return MODE_OBSERVE;
    return rule->mode;
}

/* ---- Guards ---------------------------------------------------------------------------------- */

static const struct {
    const char *process, *processes, *gone, *never, *to_do;
} guard_words[GUARD_COUNT] = {
#define X(guard, process, processes, gone, never, to_do)                                           \
    [GUARD_##guard] = {process, processes, gone, never, to_do},
    GUARDS(X)
#undef X
};

const char *guard_processes_name(enum guard guard, size_t count)
{
    return count == 1 ? guard_words[guard].process : guard_words[guard].processes;
}

const char *guard_to_do(enum guard guard)
{
    return guard_words[guard].to_do;
}

bool guard_never_began(const struct status *st, enum guard guard)
{
    return !st->guard[guard].since;
}

bool guard_is_shown(const struct status *st, enum guard guard)
{
    return contract_wants(st->s.contract, guard) || st->guard[guard].alive > 0;
}

void guard_look_at(const struct situation *s, enum guard guard, struct guard_look *look)
{
    *look = (struct guard_look){0};
    if (s->guard[guard] == NULL)
        return;
    look->count = guard_processes(s->guard[guard], look->process, GUARD_MAX_PROCESSES);
    nanos_t first = 0;
    for (size_t i = 0; i < look->count; i++) {
        const struct guard_process *p = &look->process[i];
        bool there = kill(p->pid, 0) == 0 || errno == EPERM;
        look->live[i] = there && s->now.boot - p->heartbeat < GUARD_SILENT_AFTER * NANOS_SECOND;
        if (look->live[i]) {
            look->alive++;
            if (first == 0 || p->started < first)
                first = p->started;
        }
    }
    look->since = look->alive ? first : guard_last_heard(s->guard[guard]);
}

const char *guard_gone_text(const struct situation *s, const struct bulletin *bulletin,
                            enum guard guard, const struct guard_look *look,
                            char out[GUARD_GONE_SIZE])
{
    char since[FIGURE_SIZE];
    if (guard == GUARD_EGRESS && s->supervised && bulletin && bulletin->interface_missing)
        snprintf(out, GUARD_GONE_SIZE,
                 "the guard %s waits: there is no interface \"%s\" (`network.interface`), and "
                 "nothing is counted or stopped until it comes",
                 guard_name(guard), s->contract->network.interface);
    else if (look->since)
        snprintf(out, GUARD_GONE_SIZE, "the guard %s is down since %s: %s", guard_name(guard),
                 figure_wall(wall_of(&s->now, look->since), s->now.wall, since),
                 guard_words[guard].gone);
    else
        snprintf(out, GUARD_GONE_SIZE, "the guard %s has not started: %s", guard_name(guard),
                 guard_words[guard].never);
    return out;
}

/* Who is started by `ecluse run` is not started again by itself while that is away. */
static const char *to_do_of(const struct status *st, enum guard guard)
{
    if (guard != GUARD_FRONT && !st->s.supervised)
        return "start `ecluse run`, which starts it";
    if (guard == GUARD_EGRESS && st->has_bulletin && st->bulletin.interface_missing)
        return "`ip link` lists what there is: correct `network.interface`, or bring it up; the "
               "guard begins by itself, at the latest within seconds";
    return guard_to_do(guard);
}

/* Guards look once a second: at each change they are behind for a moment. */
static bool is_settled(const struct status *st)
{
    return !st->has_bulletin ||
           st->s.now.wall - st->bulletin.taken >= GUARD_BEHIND_AFTER * NANOS_SECOND;
}

static void guard_is_down(struct status *st, enum guard guard)
{
    char text[GUARD_GONE_SIZE];
    pid_t other = guard == GUARD_FRONT ? front_process_find("/proc") : 0;
    if (other)
        alarm_add(&st->alarms, ALARM_GUARD_DOWN,
                  "nginx runs with the module (process %d), but no worker of it counts here: the "
                  "front runs another version than this one (" ECLUSE_VERSION
                  "), or another `runtime`; its error log says which",
                  (int)other);
    else
        alarm_add(&st->alarms, ALARM_GUARD_DOWN, "%s",
                  guard_gone_text(&st->s, st->has_bulletin ? &st->bulletin : NULL, guard,
                                  &st->guard[guard], text));
    if (!other)
        alarm_say_to_do(&st->alarms, to_do_of(st, guard));
}

static void guard_alarms(struct status *st, enum guard guard)
{
    const struct guard_look *look = &st->guard[guard];
    if (!guard_is_shown(st, guard) || st->s.code[guard] == -EACCES)
        return; /* whoever asks may not see it: that says nothing about the guard */
    if (look->alive == 0)
        guard_is_down(st, guard);
    for (size_t i = 0; i < look->count; i++)
        if (look->live[i] && st->s.generation && is_settled(st) &&
            look->process[i].running != st->s.generation)
            alarm_add(&st->alarms, ALARM_GUARD_BEHIND,
                      "process %d of the guard %s runs contract %" PRIu64 ", in force is %" PRIu64,
                      look->process[i].pid, guard_name(guard), look->process[i].running,
                      st->s.generation);
}

static void front_alarms(struct status *st)
{
    const struct budgets *front = st->s.guard[GUARD_FRONT];
    char since[FIGURE_SIZE];
    if (front == NULL)
        return;
    if (guard_store_is_off(front))
        alarm_add(&st->alarms, ALARM_STORE_OFF,
                  "two workers died while reading the store within "
                  "a minute; lookups go to the origin");
    uint64_t damaged = guard_counter_read(front, COUNTER_RECORD_DAMAGED);
    if (damaged)
        alarm_add(&st->alarms, ALARM_RECORDS_DAMAGED,
                  "%" PRIu64 " records were damaged, and were given to nobody", damaged);
    nanos_t down = guard_origin_down_since(front, st->s.now.boot);
    if (down)
        alarm_add(&st->alarms, ALARM_ORIGIN_DOWN, "the origin is down since %s",
                  figure_wall(wall_of(&st->s.now, down), st->s.now.wall, since));
    uint64_t off = guard_counter_read(front, COUNTER_SELF_OFF);
    if (off)
        alarm_add(&st->alarms, ALARM_SELF_OFF,
                  "workers switched the module off %" PRIu64 " times after a mistake of ours", off);
}

/* ---- Everything else ------------------------------------------------------------------------- */

const char *supervisor_gone(const struct contract *c)
{
    if (!contract_wants(c, GUARD_FILES))
        return "guards go on with what they last had";
    return contract_wants(c, GUARD_FRONT) || contract_wants(c, GUARD_EGRESS)
               ? "guards go on with what they last had, but for files: shares are read and written "
                 "without a limit"
               : "shares are read and written without a limit";
}

static void child_alarm(struct status *st, enum alarm_kind kind, const char *name,
                        const struct bulletin_child *child)
{
    char when[FIGURE_SIZE];
    if (child->wanted && child->pid == 0 && child->since)
        alarm_add(&st->alarms, kind, "the %s is down since %s (%u deaths)", name,
                  figure_wall(child->since, st->s.now.wall, when), child->deaths);
    else if (child->wanted && child->pid == 0)
        alarm_add(&st->alarms, kind, "the %s has not started", name);
}

static void supervisor_alarms(struct status *st)
{
    char when[FIGURE_SIZE];
    if (st->panic)
        alarm_add(&st->alarms, ALARM_PANIC, "everything is in observe: nobody is refused");
    if (!st->s.supervised)
        alarm_add(&st->alarms, ALARM_SUPERVISOR_DOWN,
                  "`ecluse run` does not run in %.150s; %s", st->s.runtime,
                  supervisor_gone(st->s.contract));
    if (!st->has_bulletin || !st->s.supervised)
        return;
    const struct bulletin *j = &st->bulletin;
    if (j->refused)
        alarm_add(&st->alarms, ALARM_CONTRACT_REFUSED, "the change of %s was not taken up: %.220s",
                  figure_wall(j->refused, st->s.now.wall, when), j->reason);
    child_alarm(st, ALARM_KEEPER_DOWN, "keeper", &j->keeper);
    child_alarm(st, ALARM_DESK_DOWN, "desk", &j->desk);
}

static void promise_alarms(struct status *st)
{
    const struct budgets *front = st->s.guard[GUARD_FRONT];
    for (unsigned i = 0; front && i < st->s.contract->promise_count; i++) {
        const struct promise_rule *rule = &st->s.contract->promise[i];
        if (rule->route < 0)
            continue;
        struct promise_state state;
        promise_state(front, i, st->s.now.boot, &state);
        char share[FIGURE_SIZE], promised[FIGURE_SIZE];
        if (state.broken) {
            st->broken++;
            alarm_add(&st->alarms, ALARM_PROMISE_BROKEN,
                      "%s: %s of %" PRIu64 " answers, promised %s", rule->name,
                      figure_share(state.share, share), state.answers,
                      figure_share(rule->success, promised));
        }
    }
}

static void budget_alarms(struct status *st)
{
    for (unsigned i = 0; i < st->s.contract->budget_count; i++) {
        const struct budget_rule *rule = &st->s.contract->budget[i];
        const struct budgets *budgets = situation_budgets(&st->s, i);
        if (budgets == NULL)
            continue;
        struct budget_state state;
        budget_state(budgets, i, st->s.now.boot, &state);
        if (state.breaker_open)
            alarm_add(&st->alarms, ALARM_BREAKER_OPEN,
                      "%s stops only who is four times over: it would have held too many who were "
                      "good clients yesterday, or attackers who came as such",
                      rule->name);
        if (state.no_slot)
            alarm_add(&st->alarms, ALARM_NO_HOLD_SLOT, "%s: %" PRIu64 " holds found no free slot",
                      rule->name, state.no_slot);
        if (state.not_remembered)
            alarm_add(&st->alarms, ALARM_THINGS_FULL,
                      "%s: %" PRIu64 " distinct things were counted and not remembered", rule->name,
                      state.not_remembered);
    }
}

static void keys_alarms(struct status *st)
{
    if (st->has_bulletin && st->s.supervised && st->bulletin.keys[0])
        alarm_add(&st->alarms, ALARM_PASS_KEYS, "%s", st->bulletin.keys);
}

static void tracking_alarms(struct status *st)
{
    if (!st->s.contract->tracking.present)
        return;
    char when[FIGURE_SIZE];
    for (size_t i = 0; i < st->store.feed_count; i++) {
        const struct feed_source_state *feed = &st->store.feed[i];
        if (feed->silent)
            alarm_add(&st->alarms, ALARM_FEED_SILENT, "%s: nothing since %s", feed->name,
                      feed->last ? figure_wall(feed->last * NANOS_SECOND, st->s.now.wall, when)
                                 : "the beginning");
        if (feed->flooding)
            alarm_add(&st->alarms, ALARM_FEED_FLOODING,
                      "%s: %" PRIu64 " events this hour, usually %" PRIu64, feed->name,
                      feed->this_hour, feed->usual_per_hour);
    }
    if (st->store.exists && !st->store.readable && !st->store.unseen)
        alarm_add(&st->alarms, ALARM_STORE_UNREADABLE, "%s", st->store.reason);
    if (st->store.exists && st->store.readable && st->store.store.parcels &&
        !(st->store.filter_open && st->store.filter.usable))
        alarm_add(&st->alarms, ALARM_FILTER_UNUSABLE, "the filter of live numbers cannot be used");
}

static void disk_look(struct status *st)
{
    struct statvfs disk;
    st->disk_free = -1;
    if (statvfs(st->s.contract->state, &disk) != 0 || disk.f_blocks == 0)
        return;
    st->disk_free = (double)disk.f_bavail / (double)disk.f_blocks;
    if (st->disk_free < 0.05)
        alarm_add(&st->alarms, ALARM_DISK_FULL, "%.1f %% of the disk under %.200s is free",
                  st->disk_free * 100, st->s.contract->state);
}

void status_look(struct status *st)
{
    st->has_bulletin = bulletin_read(st->s.runtime, &st->bulletin) == 0;
    st->panic = situation_panic(&st->s);
    for (enum guard guard = 0; guard < GUARD_COUNT; guard++)
        guard_look_at(&st->s, guard, &st->guard[guard]);
    struct hold *holds = calloc(STATUS_MAX_HOLDS, sizeof *holds);
    must(holds != NULL);
    size_t count = situation_holds(&st->s, holds, STATUS_MAX_HOLDS);
    for (size_t i = 0; i < count; i++)
        st->noticed += holds[i].observed;
    st->holds = count - st->noticed;
    free(holds);
    supervisor_alarms(st);
    audit_alarms(st);
    promise_alarms(st);
    for (enum guard guard = 0; guard < GUARD_COUNT; guard++)
        guard_alarms(st, guard);
    front_alarms(st);
    budget_alarms(st);
    keys_alarms(st);
    tracking_alarms(st);
    gate_look(st);
    files_look(st);
    outputs_look(st);
    disk_look(st);
}
