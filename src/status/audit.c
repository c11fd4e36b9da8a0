/* How the audit log does, from the page that its writer keeps (audit/handover.h). */
#include "status/figure.h"
#include "status/status.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>

static const nanos_t silent_after = 5 * NANOS_SECOND, unwitnessed_after = 10 * NANOS_MINUTE;

bool recorder_lives(const struct handover_state *a, nanos_t now)
{
    return a->writer > 0 && (kill(a->writer, 0) == 0 || errno == EPERM) &&
           now - a->heartbeat < silent_after;
}

bool recorder_is_up(const struct status *st)
{
    return st->has_audit && recorder_lives(&st->audit, st->s.now.boot);
}

static uint64_t sum(const uint64_t count[HANDOVER_COUNT])
{
    uint64_t all = 0;
    for (enum handover_name name = 0; name < HANDOVER_COUNT; name++)
        all += count[name];
    return all;
}

void audit_alarms(struct status *st)
{
    char when[FIGURE_SIZE];
    st->has_audit = handover_status(st->s.runtime, &st->audit) == 0;
    if (!st->has_audit || !st->s.supervised)
        return; /* who is not supervised has that as an alarm already */
    const struct handover_state *a = &st->audit;
    if (!recorder_is_up(st) && st->s.now.wall - st->bulletin.started > silent_after)
        alarm_add(
            &st->alarms, ALARM_RECORDER_DOWN, "nothing was written since %s; %" PRIu64 " acts wait",
            a->heartbeat ? figure_wall(wall_of(&st->s.now, a->heartbeat), st->s.now.wall, when)
                         : "the start",
            sum(a->waiting));
    if (sum(a->lost))
        alarm_add(&st->alarms, ALARM_RECORD_LOST,
                  "%" PRIu64 " acts could not be taken since the rings were made", sum(a->lost));
    if (st->s.contract->audit.witness_count && a->witnessed_size < a->log_size &&
        st->s.now.boot - a->witnessed_at > unwitnessed_after &&
        st->s.now.wall - st->bulletin.started > unwitnessed_after)
        alarm_add(&st->alarms, ALARM_NOT_WITNESSED,
                  "%" PRIu64 " of %" PRIu64 " entries are cosigned", a->witnessed_size,
                  a->log_size);
}

json_t *audit_state_json(const struct status *st)
{
    const struct handover_state *a = &st->audit;
    char when[CLOCK_TEXT_SIZE];
    if (!st->has_audit)
        return json_null();
    json_t *waiting = json_object(), *lost = json_object();
    for (enum handover_name name = 0; name < HANDOVER_COUNT; name++) {
        if (a->waiting[name])
            json_object_set_new(waiting, handover_name(name),
                                json_integer((json_int_t)a->waiting[name]));
        if (a->lost[name])
            json_object_set_new(lost, handover_name(name), json_integer((json_int_t)a->lost[name]));
    }
    bool up = recorder_is_up(st);
    return json_pack(
        "{s:b,s:i,s:o,s:I,s:I,s:i,s:o,s:o}", "running", (int)up, "pid", (int)a->writer,
        "down_since",
        up || !a->heartbeat ? json_null()
                            : json_string(clock_text(wall_of(&st->s.now, a->heartbeat), when)),
        "entries", (json_int_t)a->log_size, "witnessed", (json_int_t)a->witnessed_size, "witnesses",
        (int)st->s.contract->audit.witness_count, "waiting", waiting, "lost", lost);
}
