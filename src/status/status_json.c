#include "status/figure.h"
#include "status/status.h"

#include <errno.h>
#include <string.h>

static json_t *integer(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *wall_text(nanos_t wall)
{
    char text[CLOCK_TEXT_SIZE];
    return wall > 0 ? json_string(clock_text(wall, text)) : json_null();
}

static json_t *alarms_json(const struct status *st)
{
    json_t *list = json_array();
    for (size_t i = 0; i < st->alarms.count; i++) {
        const struct alarm *alarm = &st->alarms.alarm[i];
        json_array_append_new(list, json_pack("{s:s,s:o,s:s}", "kind", alarm_name(alarm->kind),
                                              "text", json_safe(alarm->text), "to_do",
                                              alarm_to_do(alarm)));
    }
    return list;
}

static json_t *promise_json(const struct status *st, unsigned at)
{
    const struct promise_rule *rule = &st->s.contract->promise[at];
    json_t *object = json_pack(
        "{s:o,s:o,s:o,s:I,s:I}", "name", json_safe(rule->name), "route",
        rule->route < 0 ? json_null() : json_safe(st->s.contract->route[rule->route].name),
        "promised", rule->statement ? json_null() : json_real(rule->success / 1e6), "within_ms",
        rule->within / NANOS_MILLISECOND, "over_s", rule->over / NANOS_SECOND);
    bool measured = rule->route >= 0 && st->s.guard[GUARD_FRONT];
    json_object_set_new(object, "measured", json_boolean(measured));
    if (!measured)
        return object;
    struct promise_state state;
    promise_state(st->s.guard[GUARD_FRONT], at, st->s.now.boot, &state);
    json_t *figures =
        json_pack("{s:o,s:o,s:f,s:o,s:b,s:I,s:I}", "answers", integer(state.answers), "kept",
                  integer(state.kept), "share", state.share / 1e6, "left", integer(state.left),
                  "broken", (int)state.broken, "p50_ms", state.p50 / NANOS_MILLISECOND, "p99_ms",
                  state.p99 / NANOS_MILLISECOND);
    json_object_update_new(object, figures);
    return object;
}

static json_t *windows_json(const struct budget_rule *rule)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < rule->window_count; i++)
        json_array_append_new(list,
                              json_pack("{s:I,s:o}", "span_s", rule->window[i].span / NANOS_SECOND,
                                        "limit", integer(rule->window[i].limit)));
    return list;
}

static json_t *verdicts_json(const struct budget_state *state)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "charged",
                     integer(state->charged), "allowed", integer(state->allowed), "slowed",
                     integer(state->slowed), "challenged", integer(state->challenged), "refused",
                     integer(state->refused), "would_slow", integer(state->would_slow),
                     "would_challenge", integer(state->would_challenge), "would_hold",
                     integer(state->would_hold), "to_network", integer(state->to_network),
                     "to_others", integer(state->to_others), "no_slot", integer(state->no_slot),
                     "not_remembered", integer(state->not_remembered));
}

static json_t *worst_json(const struct budget_state *state, const struct budget_rule *rule)
{
    if (!state->has_worst || state->worst.window >= rule->window_count)
        return json_null();
    char who[PRINCIPAL_TEXT_SIZE];
    return json_pack("{s:o,s:I,s:o,s:o}", "principal",
                     json_safe(principal_text(&state->worst.principal, who)), "span_s",
                     rule->window[state->worst.window].span / NANOS_SECOND, "used",
                     integer(state->worst.used), "limit", integer(state->worst.limit));
}

static json_t *budget_json(const struct status *st, unsigned at)
{
    const struct budget_rule *rule = &st->s.contract->budget[at];
    enum guard guard = meter_guard(rule->meter);
    json_t *object = json_pack(
        "{s:o,s:s,s:s,s:s,s:s,s:s,s:b,s:o}", "name", json_safe(rule->name), "meter",
        meter_name(rule->meter), "per", principal_name(rule->per), "over", over_name(rule->over),
        "mode", mode_name(budget_mode_shown(st, rule)), "guard", guard_name(guard), "guarded",
        (int)rule_is_enforced(rule), "windows", windows_json(rule));
    if (!rule_is_enforced(rule)) {
        json_object_set_new(object, "note", json_string("no guard for this budget yet"));
        return object;
    }
    const struct budgets *budgets = situation_budgets(&st->s, at);
    if (budgets == NULL)
        return object;
    if (guard_never_began(st, guard))
        json_object_set_new(
            object, "note", json_sprintf("the guard %s has not started", guard_name(guard)));
    struct budget_state state;
    budget_state(budgets, at, st->s.now.boot, &state);
    json_object_set_new(object, "principals", integer(state.principals));
    json_object_set_new(object, "held", integer(state.held));
    json_object_set_new(object, "breaker_open", json_boolean(state.breaker_open));
    json_object_set_new(object, "worst", worst_json(&state, rule));
    json_object_set_new(object, "verdicts", verdicts_json(&state));
    return object;
}

static json_t *guard_json(const struct status *st, enum guard which)
{
    const struct guard_look *look = &st->guard[which];
    const struct moment *now = &st->s.now;
    json_t *processes = json_array(), *counters = json_object();
    for (size_t i = 0; i < look->count; i++) {
        const struct guard_process *p = &look->process[i];
        json_array_append_new(processes, json_pack("{s:i,s:b,s:o,s:I,s:o,s:o}", "pid", (int)p->pid,
                                                   "alive", (int)look->live[i], "started",
                                                   wall_text(wall_of(now, p->started)), "silent_ms",
                                                   (now->boot - p->heartbeat) / NANOS_MILLISECOND,
                                                   "generation", integer(p->running), "refused",
                                                   integer(p->refused)));
    }
    const struct budgets *budgets = st->s.guard[which];
    for (enum guard_counter i = 0; budgets && i < COUNTER_COUNT; i++)
        if (which == GUARD_FRONT || guard_counter_read(budgets, i))
            json_object_set_new(counters, counter_name(i), integer(guard_counter_read(budgets, i)));
    return json_pack("{s:s,s:s,s:o,s:o,s:o}", "name", guard_name(which), "state",
                     st->s.code[which] == -EACCES ? "unseen"
                     : look->alive                ? "up"
                                                  : "down",
                     "since", look->since ? wall_text(wall_of(now, look->since)) : json_null(),
                     "processes", processes, "counters", counters);
}

static json_t *child_json(const struct status *st, const struct bulletin_child *child)
{
    if (!st->has_bulletin)
        return json_null();
    return json_pack("{s:b,s:b,s:i,s:o,s:i}", "wanted", (int)child->wanted, "running",
                     st->s.supervised && child->pid, "pid", child->pid, "since",
                     wall_text(child->since), "deaths", (int)child->deaths);
}

static json_t *supervisor_json(const struct status *st)
{
    const struct bulletin *j = &st->bulletin;
    json_t *object = json_pack("{s:b,s:i}", "running", (int)st->s.supervised, "pid",
                               st->s.supervised ? (int)control_supervisor(st->s.control) : 0);
    json_object_set_new(object, "started", st->has_bulletin ? wall_text(j->started) : json_null());
    json_object_set_new(object, "keeper", child_json(st, &j->keeper));
    json_object_set_new(object, "desk", child_json(st, &j->desk));
    return object;
}

static json_t *contract_json(const struct status *st)
{
    const struct contract *c = st->s.contract;
    json_t *object = json_pack("{s:o,s:s,s:o,s:o,s:o}", "organisation", json_safe(c->organisation),
                               "mode", mode_name(c->mode), "generation", integer(st->s.generation),
                               "state", json_safe(c->state), "runtime", json_safe(st->s.runtime));
    static const char *const of_bulletin[] = {"file", "since", "refused"};
    for (size_t i = 0; i < sizeof of_bulletin / sizeof of_bulletin[0]; i++)
        json_object_set_new(object, of_bulletin[i], json_null());
    if (!st->has_bulletin)
        return object;
    json_object_set_new(object, "file", json_safe(st->bulletin.file));
    json_object_set_new(object, "since", wall_text(st->bulletin.taken));
    json_object_set_new(object, "refused",
                        st->bulletin.refused
                            ? json_pack("{s:o,s:o}", "at", wall_text(st->bulletin.refused),
                                        "reason", json_safe(st->bulletin.reason))
                            : json_null());
    return object;
}

static json_t *feeds_json(const struct status *st)
{
    json_t *list = json_array();
    for (size_t i = 0; i < st->store.feed_count; i++) {
        const struct feed_source_state *feed = &st->store.feed[i];
        json_array_append_new(list, json_pack("{s:o,s:o,s:o,s:o,s:b,s:b,s:b}", "source",
                                              json_safe(feed->name), "last",
                                              wall_text(feed->last * NANOS_SECOND), "this_hour",
                                              integer(feed->this_hour), "usual_per_hour",
                                              integer(feed->usual_per_hour), "silent",
                                              (int)feed->silent, "flooding", (int)feed->flooding,
                                              "unseen", (int)feed->unseen));
    }
    return list;
}

static json_t *store_json(const struct status *st)
{
    const struct store_look *look = &st->store;
    if (!st->s.contract->tracking.present)
        return json_null();
    json_t *object = json_pack("{s:b,s:b}", "exists", (int)look->exists, "readable",
                               (int)(look->exists && look->readable));
    if (look->exists && look->readable)
        json_object_update_new(object,
                               json_pack("{s:o,s:o,s:o}", "parcels", integer(look->store.parcels),
                                         "bytes_used", integer(look->store.bytes_used),
                                         "bytes_file", integer(look->store.bytes_file)));
    json_object_set_new(object, "filter",
                        look->filter_open
                            ? json_pack("{s:o,s:o,s:f,s:o,s:b}", "numbers",
                                        integer(look->filter.numbers), "delta",
                                        integer(look->filter.delta), "bits_per_number",
                                        (double)look->filter.bits_per_number_milli / 1000, "built",
                                        wall_text(look->filter.built * NANOS_SECOND), "usable",
                                        (int)look->filter.usable)
                            : json_null());
    if (st->disk_free >= 0)
        json_object_set_new(object, "disk_free", json_real(st->disk_free));
    return object;
}

json_t *status_json(const struct status *st)
{
    json_t *promises = json_array(), *budgets = json_array();
    for (unsigned i = 0; i < st->s.contract->promise_count; i++)
        json_array_append_new(promises, promise_json(st, i));
    for (unsigned i = 0; i < st->s.contract->budget_count; i++)
        json_array_append_new(budgets, budget_json(st, i));
    json_t *guards = json_array();
    for (enum guard guard = 0; guard < GUARD_COUNT; guard++)
        if (guard_is_shown(st, guard))
            json_array_append_new(guards, guard_json(st, guard));
    return json_pack("{s:s,s:o,s:b,s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",
                     "ecluse", ECLUSE_VERSION, "at", wall_text(st->s.now.wall), "panic",
                     (int)st->panic, "alarms", alarms_json(st), "contract", contract_json(st),
                     "supervisor", supervisor_json(st), "promises", promises, "budgets", budgets,
                     "holds", (json_int_t)st->holds, "noticed", (json_int_t)st->noticed, "guards",
                     guards, "feeds", feeds_json(st), "store", store_json(st), "audit",
                     audit_state_json(st), "outputs", outputs_json(st), "files", files_json(st),
                     "gate", gate_json(st));
}
