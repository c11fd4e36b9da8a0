/* What the outputs told, from the tally that the herald writes (outputs/tally.h). */
#include "status/figure.h"
#include "status/status.h"

static const nanos_t failing_after = 5 * NANOS_MINUTE, silent_after = 30 * NANOS_SECOND;

void outputs_look(struct status *st)
{
    char path[CONTRACT_PATH_SIZE + 32], when[FIGURE_SIZE];
    snprintf(path, sizeof path, "%s/outputs/tally.json", st->s.runtime);
    st->has_outputs = tally_read(path, st->output, &st->outputs_at) == 0;
    nanos_t now = st->s.now.wall;
    if (!st->s.supervised || !st->has_bulletin || now - st->bulletin.started < silent_after)
        return; /* who is not supervised has that as an alarm already */
    if (!st->has_outputs || now - st->outputs_at > silent_after) {
        alarm_add(&st->alarms, ALARM_HERALD_DOWN, "nothing is heard of it since %s",
                  st->has_outputs ? figure_wall(st->outputs_at, now, when) : "the start");
        return;
    }
    for (enum output i = 0; i < OUTPUT_COUNT; i++) {
        const struct output_state *s = &st->output[i];
        if (s->wanted && s->failing && now - s->failing_since > failing_after)
            alarm_add(&st->alarms, ALARM_OUTPUT_FAILING, "%s, since %s: %s", output_name(i),
                      figure_wall(s->failing_since, now, when), s->reason);
    }
}

static json_t *wall_or_null(int64_t wall)
{
    char text[CLOCK_TEXT_SIZE];
    return wall > 0 ? json_string(clock_text(wall, text)) : json_null();
}

json_t *outputs_json(const struct status *st)
{
    if (!st->has_outputs)
        return json_null();
    json_t *object = json_object();
    for (enum output i = 0; i < OUTPUT_COUNT; i++) {
        const struct output_state *s = &st->output[i];
        if (s->wanted)
            json_object_set_new(
                object, output_name(i),
                json_pack("{s:b,s:I,s:I,s:I,s:I,s:o,s:o,s:o}", "failing", (int)s->failing, "told",
                          (json_int_t)s->told, "failures", (json_int_t)s->failures, "skipped",
                          (json_int_t)s->skipped, "behind", (json_int_t)s->behind, "last_told",
                          wall_or_null(s->last_told), "failing_since",
                          wall_or_null(s->failing_since), "reason", json_safe(s->reason)));
    }
    return object;
}
