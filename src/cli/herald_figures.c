#include "cli/herald_figures.h"
#include "cli/herald_files.h"

#include <stdio.h>

static double seconds_of(nanos_t nanos)
{
    return (double)nanos / (double)NANOS_SECOND;
}

static void write_whole(const struct status *st, struct metric_page *page)
{
    const struct contract *c = st->s.contract;
    metric_family(page, METRIC_BUILD);
    metric_sample(page, 1, ECLUSE_VERSION, NULL);
    metric_single(page, METRIC_SUPERVISOR_UP, st->s.supervised);
    if (st->has_bulletin)
        metric_single(page, METRIC_STARTED, seconds_of(st->bulletin.started));
    metric_single(page, METRIC_LOOKED, seconds_of(st->s.now.wall));
    metric_single(page, METRIC_GENERATION, (double)st->s.generation);
    metric_single(page, METRIC_CONTRACT_REFUSED, st->has_bulletin && st->bulletin.refused);
    metric_single(page, METRIC_OBSERVES, st->panic || c->mode == MODE_OBSERVE);
    metric_single(page, METRIC_PANIC, st->panic);
    metric_family(page, METRIC_ALARMS);
    for (int kind = 0; kind < ALARM_KIND_COUNT; kind++) {
        unsigned count = 0;
        for (size_t i = 0; i < st->alarms.count; i++)
            count += st->alarms.alarm[i].kind == (enum alarm_kind)kind;
        metric_sample(page, count, alarm_name((enum alarm_kind)kind), NULL);
    }
    metric_single(page, METRIC_HOLDS, (double)st->holds);
    if (st->disk_free >= 0)
        metric_single(page, METRIC_DISK_FREE, st->disk_free);
}

static void write_guards(const struct status *st, struct metric_page *page)
{
    metric_family(page, METRIC_GUARD_UP);
    for (enum guard guard = 0; guard < GUARD_COUNT; guard++)
        if (guard_is_shown(st, guard))
            metric_sample(page, st->guard[guard].alive > 0, guard_name(guard), NULL);
    metric_family(page, METRIC_GUARD_PROCESSES);
    for (enum guard guard = 0; guard < GUARD_COUNT; guard++)
        if (guard_is_shown(st, guard))
            metric_sample(page, (double)st->guard[guard].alive, guard_name(guard), NULL);
    if (st->has_bulletin && st->bulletin.keeper.wanted)
        metric_single(page, METRIC_KEEPER_UP, st->s.supervised && st->bulletin.keeper.pid);
    const struct budgets *front = st->s.guard[GUARD_FRONT];
    for (int i = 0; front && i < COUNTER_COUNT; i++)
        metric_single(page, (enum metric)(METRIC_FRONT_LOOKUPS + i),
                      (double)guard_counter_read(front, (enum guard_counter)i));
}

static double promise_figure(const struct promise_rule *rule, const struct promise_state *state,
                             enum metric metric)
{
    switch (metric) {
    case METRIC_PROMISE_BROKEN:
        return state->broken;
    case METRIC_PROMISE_KEPT:
        return state->share / 1e6;
    case METRIC_PROMISE_PROMISED:
        return rule->success / 1e6;
    case METRIC_PROMISE_ANSWERS:
        return (double)state->answers;
    default:
        return (double)state->left;
    }
}

static void write_promises(const struct status *st, struct metric_page *page)
{
    static const enum metric families[] = {METRIC_PROMISE_BROKEN,   METRIC_PROMISE_KEPT,
                                           METRIC_PROMISE_PROMISED, METRIC_PROMISE_ANSWERS,
                                           METRIC_PROMISE_LEFT,     METRIC_PROMISE_DELAY};
    const struct contract *c = st->s.contract;
    for (size_t f = 0; st->s.guard[GUARD_FRONT] && f < sizeof families / sizeof families[0]; f++) {
        metric_family(page, families[f]);
        for (unsigned i = 0; i < c->promise_count; i++) {
            const struct promise_rule *rule = &c->promise[i];
            struct promise_state state;
            if (rule->route < 0)
                continue;
            promise_state(st->s.guard[GUARD_FRONT], i, st->s.now.boot, &state);
            if (families[f] != METRIC_PROMISE_DELAY) {
                metric_sample(page, promise_figure(rule, &state, families[f]), rule->name, NULL);
            } else if (state.answers) {
                metric_sample(page, seconds_of(state.p50), rule->name, "0.5", NULL);
                metric_sample(page, seconds_of(state.p99), rule->name, "0.99", NULL);
            }
        }
    }
}

static void write_verdicts(const struct budget_state *s, const char *name, struct metric_page *page)
{
    const struct {
        const char *verdict;
        uint64_t count;
    } verdicts[] = {{"allowed", s->allowed},       {"slowed", s->slowed},
                    {"challenged", s->challenged}, {"refused", s->refused},
                    {"would_slow", s->would_slow}, {"would_challenge", s->would_challenge},
                    {"would_hold", s->would_hold}};
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++)
        metric_sample(page, (double)verdicts[i].count, name, verdicts[i].verdict, NULL);
}

static void write_budget(const struct budget_state *s, const char *name, enum metric metric,
                         struct metric_page *page)
{
    switch (metric) {
    case METRIC_BUDGET_VERDICTS:
        write_verdicts(s, name, page);
        break;
    case METRIC_BUDGET_WIDER:
        metric_sample(page, (double)s->to_network, name, "network", NULL);
        metric_sample(page, (double)s->to_others, name, "others", NULL);
        break;
    case METRIC_BUDGET_NO_SLOT:
        metric_sample(page, (double)s->no_slot, name, NULL);
        break;
    case METRIC_BUDGET_PRINCIPALS:
        metric_sample(page, s->principals, name, NULL);
        break;
    case METRIC_BUDGET_HELD:
        metric_sample(page, s->held, name, NULL);
        break;
    case METRIC_BUDGET_BREAKER:
        metric_sample(page, s->breaker_open, name, NULL);
        break;
    default:
        metric_sample(
            page,
            s->has_worst && s->worst.limit ? (double)s->worst.used / (double)s->worst.limit : 0,
            name, NULL);
    }
}

static void write_budgets(const struct status *st, struct metric_page *page)
{
    static const enum metric families[] = {METRIC_BUDGET_VERDICTS, METRIC_BUDGET_WIDER,
                                           METRIC_BUDGET_NO_SLOT,  METRIC_BUDGET_PRINCIPALS,
                                           METRIC_BUDGET_HELD,     METRIC_BUDGET_WORST,
                                           METRIC_BUDGET_BREAKER};
    enum { FAMILIES = sizeof families / sizeof families[0] };
    const struct contract *c = st->s.contract;
    static struct budget_state states[CONTRACT_MAX_BUDGETS];
    for (unsigned i = 0; i < c->budget_count; i++)
        if (situation_budgets(&st->s, i))
            budget_state(situation_budgets(&st->s, i), i, st->s.now.boot, &states[i]);
    for (size_t f = 0; f < FAMILIES; f++) {
        metric_family(page, families[f]);
        for (unsigned i = 0; i < c->budget_count; i++)
            if (situation_budgets(&st->s, i))
                write_budget(&states[i], c->budget[i].name, families[f], page);
    }
}

static void write_store(const struct status *st, struct metric_page *page)
{
    const struct store_look *look = &st->store;
    if (!st->s.contract->tracking.present || look->unseen)
        return;
    metric_single(page, METRIC_STORE_UP, look->exists && look->readable);
    if (look->exists && look->readable) {
        metric_single(page, METRIC_STORE_PARCELS, (double)look->store.parcels);
        metric_single(page, METRIC_STORE_USED, (double)look->store.bytes_used);
        metric_single(page, METRIC_STORE_FILE, (double)look->store.bytes_file);
        metric_single(page, METRIC_FILTER_UP, look->filter_open && look->filter.usable);
    }
    metric_family(page, METRIC_FEED_LAST);
    for (size_t i = 0; i < look->feed_count; i++)
        if (look->feed[i].last)
            metric_sample(page, (double)look->feed[i].last, look->feed[i].name, NULL);
    metric_family(page, METRIC_FEED_HOUR);
    for (size_t i = 0; i < look->feed_count; i++)
        metric_sample(page, (double)look->feed[i].this_hour, look->feed[i].name, NULL);
}

static void write_record(const struct status *st, struct metric_page *page)
{
    const struct handover_state *record = &st->audit;
    metric_single(page, METRIC_RECORDER_UP, recorder_is_up(st));
    if (!st->has_audit)
        return;
    metric_single(page, METRIC_AUDIT_ENTRIES, (double)record->log_size);
    metric_single(page, METRIC_AUDIT_WITNESSED, (double)record->witnessed_size);
    metric_family(page, METRIC_AUDIT_WAITING);
    for (enum handover_name name = 0; name < HANDOVER_COUNT; name++)
        metric_sample(page, (double)record->waiting[name], handover_name(name), NULL);
    metric_family(page, METRIC_AUDIT_LOST);
    for (enum handover_name name = 0; name < HANDOVER_COUNT; name++)
        metric_sample(page, (double)record->lost[name], handover_name(name), NULL);
}

static void write_origins(const struct gate_look *gate, struct metric_page *page)
{
    static const enum metric families[] = {METRIC_GATE_LIMIT, METRIC_GATE_IN_FLIGHT,
                                           METRIC_GATE_WAITING};
    for (size_t f = 0; f < sizeof families / sizeof families[0]; f++) {
        metric_family(page, families[f]);
        for (size_t i = 0; i < gate->origins; i++) {
            const struct gate_origin_look *origin = &gate->origin[i];
            const uint64_t figures[] = {origin->limit, origin->in_flight, origin->waiting};
            metric_sample(page, (double)figures[f], origin->name, NULL);
        }
    }
}

static void write_gate(const struct status *st, struct metric_page *page)
{
    const struct gate_look *gate = &st->gate;
    if (!gate->here)
        return;
    metric_family(page, METRIC_GATE_VERDICTS);
    for (enum gate_rule rule = 0; rule < GATE_RULE_COUNT; rule++)
        for (unsigned mode = 0; mode < LEDGER_MODES; mode++)
            metric_sample(page,
                          (double)(gate->rule[rule][mode][LEDGER_ANYONE] +
                                   gate->rule[rule][mode][LEDGER_GOOD]),
                          gate_rule_name(rule), mode == LEDGER_DONE ? "done" : "would", NULL);
    metric_single(page, METRIC_GATE_KNOWN_REFUSED, (double)gate->good_refused);
    metric_family(page, METRIC_GATE_LET_THROUGH);
    for (enum standing standing = 0; standing < STANDING_COUNT; standing++)
        metric_sample(page, (double)gate->admitted[standing], standing_name(standing), NULL);
    metric_family(page, METRIC_GATE_TOKENS);
    for (unsigned fault = TOKEN_NONE + 1; fault < TOKEN_FAULT_COUNT; fault++)
        metric_sample(page, (double)gate->token_fault[fault][LEDGER_DONE],
                      token_fault_name((enum token_fault)fault), NULL);
    metric_family(page, METRIC_GATE_CHALLENGES);
    for (size_t i = 0; i < gate->routes; i++)
        metric_sample(page, gate->route[i].view.since != 0, gate->route[i].name, NULL);
    write_origins(gate, page);
    metric_single(page, METRIC_GATE_LAG, seconds_of(gate->lag));
    if (gate->connections_most)
        metric_single(page, METRIC_GATE_CONNECTIONS,
                      (double)gate->connections / (double)gate->connections_most);
}

void figures_write(const struct status *st, struct metric_page *page)
{
    write_whole(st, page);
    write_guards(st, page);
    write_promises(st, page);
    write_budgets(st, page);
    write_store(st, page);
    write_record(st, page);
    write_gate(st, page);
    figures_of_files(st, page);
}

void figures_of_outputs(const struct output_state states[OUTPUT_COUNT], struct metric_page *page)
{
    static const enum metric families[] = {METRIC_OUTPUT_UP, METRIC_OUTPUT_TOLD,
                                           METRIC_OUTPUT_FAILED, METRIC_OUTPUT_SKIPPED,
                                           METRIC_OUTPUT_BEHIND};
    for (size_t f = 0; f < sizeof families / sizeof families[0]; f++) {
        metric_family(page, families[f]);
        for (enum output i = 0; i < OUTPUT_COUNT; i++) {
            const struct output_state *s = &states[i];
            const double figures[] = {!s->failing, (double)s->told, (double)s->failures,
                                      (double)s->skipped, (double)s->behind};
            if (s->wanted)
                metric_sample(page, figures[f], output_name(i), NULL);
        }
    }
}
