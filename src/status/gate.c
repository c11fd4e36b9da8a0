#include "status/gate.h"
#include "status/figure.h"
#include "status/status.h"

#define SILENT_AFTER (5 * NANOS_SECOND)

static uint64_t load(const demand_word *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* ---- Out of the ledger ----------------------------------------------------------------------- */

static void look_at_routes(const struct ledger *ledger, nanos_t now, struct gate_look *out)
{
    for (unsigned i = 0; i < GATE_ROUTES; i++) {
        struct gate_route_look *route = &out->route[out->routes];
        demand_view(&ledger->route[i], now, &route->view);
        ledger_name_text(&ledger->route_name[i], route->name);
        if (route->view.asked || route->view.begun || route->view.since)
            out->routes++;
    }
}

static void add_worker(const struct ledger_worker *worker, struct gate_look *out)
{
    nanos_t lag = (nanos_t)load(&worker->lag);
    uint64_t backlog = load(&worker->backlog);
    out->workers++;
    out->lag = lag > out->lag ? lag : out->lag;
    out->backlog = backlog > out->backlog ? backlog : out->backlog;
    out->connections += load(&worker->connections);
    out->connections_most += load(&worker->connections_most);
    out->shedding |= load(&worker->shedding);
    for (unsigned i = 0; i < LEDGER_ORIGINS; i++) {
        struct gate_origin_look *origin = &out->origin[i];
        nanos_t baseline = (nanos_t)load(&worker->origin[i].baseline);
        origin->limit += load(&worker->origin[i].limit);
        origin->in_flight += load(&worker->origin[i].in_flight);
        origin->waiting += load(&worker->origin[i].waiting);
        if (baseline > 0 && (origin->baseline == 0 || baseline < origin->baseline))
            origin->baseline = baseline;
    }
}

static void look_at_workers(const struct ledger *ledger, nanos_t now, struct gate_look *out)
{
    for (unsigned i = 0; i < LEDGER_WORKERS; i++) {
        const struct ledger_worker *worker = &ledger->worker[i];
        nanos_t silent = now - (nanos_t)load(&worker->beat);
        if (load(&worker->pid) && silent < SILENT_AFTER)
            add_worker(worker, out);
    }
    for (unsigned i = 0; i < LEDGER_ORIGINS; i++) {
        ledger_name_text(&ledger->origin_name[i], out->origin[i].name);
        if (i == 0 || out->origin[i].name[0])
            out->origins = i + 1;
    }
}

static void look_at_counts(const struct ledger *ledger, struct gate_look *out)
{
    for (enum gate_rule rule = 0; rule < GATE_RULE_COUNT; rule++)
        for (unsigned mode = 0; mode < LEDGER_MODES; mode++)
            for (unsigned kind = 0; kind < LEDGER_KINDS; kind++)
                out->rule[rule][mode][kind] = ledger_counted(ledger, rule, mode, kind);
    for (enum standing standing = 0; standing < STANDING_COUNT; standing++)
        out->admitted[standing] = ledger_admitted(ledger, standing);
    for (unsigned fault = 0; fault < TOKEN_FAULT_COUNT; fault++)
        for (unsigned mode = 0; mode < LEDGER_MODES; mode++)
            out->token_fault[fault][mode] = load(&ledger->token_fault[fault][mode]);
    out->good_refused = ledger_good_refused(ledger);
}

void gate_look_at(const char *runtime, nanos_t now, struct gate_look *out)
{
    struct ledger *ledger;
    *out = (struct gate_look){.here = false};
    if (ledger_open(runtime, true, &ledger, NULL) != 0)
        return;
    out->here = true;
    look_at_routes(ledger, now, out);
    look_at_workers(ledger, now, out);
    look_at_counts(ledger, out);
    ledger_close(ledger);
}

void gate_look(struct status *st)
{
    struct gate_look *gate = &st->gate;
    gate_look_at(st->s.runtime, st->s.now.boot, gate);
    for (size_t i = 0; gate->workers && i < gate->routes; i++) {
        const struct gate_route_look *route = &gate->route[i];
        char since[FIGURE_SIZE];
        if (route->view.since)
            alarm_add(&st->alarms, ALARM_FLOOD,
                      "route %s asks strangers for proof since %s: asked for %u a second, its "
                      "origin took %u",
                      route->name[0] ? route->name : "(none)",
                      figure_wall(wall_of(&st->s.now, route->view.since), st->s.now.wall, since),
                      route->view.asked, route->view.took);
    }
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *integer(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *wall_json(const struct status *st, nanos_t boot)
{
    char text[CLOCK_TEXT_SIZE];
    return boot ? json_string(clock_text(wall_of(&st->s.now, boot), text)) : json_null();
}

const char *gate_shedding_text(uint64_t shedding, unsigned at)
{
    static const char *const names[] = {"connections", "event loop", "accept queue", "streams"};
    for (unsigned bit = 0; bit < sizeof names / sizeof names[0]; bit++)
        if (shedding >> bit & 1 && at-- == 0)
            return names[bit];
    return NULL;
}

static json_t *routes_json(const struct status *st)
{
    json_t *list = json_array();
    for (size_t i = 0; i < st->gate.routes; i++) {
        const struct gate_route_look *route = &st->gate.route[i];
        const struct demand_view *v = &route->view;
        json_array_append_new(
            list,
            json_pack("{s:o,s:b,s:o,s:o,s:i,s:i,s:i,s:I,s:I}", "route",
                      route->name[0] ? json_safe(route->name) : json_null(), "challenges",
                      v->since != 0, "since", wall_json(st, v->since), "ended",
                      wall_json(st, v->ended), "asked_a_second", (int)v->asked, "given_a_second",
                      (int)v->given, "took_a_second", (int)v->took, "longest_wait_ms",
                      v->longest / NANOS_MILLISECOND, "begun", (json_int_t)v->begun));
    }
    return list;
}

static json_t *origins_json(const struct status *st)
{
    json_t *list = json_array();
    for (size_t i = 0; i < st->gate.origins; i++) {
        const struct gate_origin_look *origin = &st->gate.origin[i];
        json_array_append_new(
            list,
            json_pack("{s:o,s:o,s:o,s:o,s:I}", "origin",
                      origin->name[0] ? json_safe(origin->name) : json_null(), "limit",
                      integer(origin->limit), "in_flight", integer(origin->in_flight), "waiting",
                      integer(origin->waiting), "answers_in_us", origin->baseline / 1000));
    }
    return list;
}

static json_t *rules_json(const struct gate_look *gate)
{
    json_t *object = json_object();
    for (enum gate_rule rule = 0; rule < GATE_RULE_COUNT; rule++) {
        const uint64_t(*c)[LEDGER_KINDS] = gate->rule[rule];
        json_object_set_new(
            object, gate_rule_name(rule),
            json_pack("{s:o,s:o,s:o}", "done",
                      integer(c[LEDGER_DONE][LEDGER_ANYONE] + c[LEDGER_DONE][LEDGER_GOOD]), "would",
                      integer(c[LEDGER_WOULD][LEDGER_ANYONE] + c[LEDGER_WOULD][LEDGER_GOOD]),
                      "known", integer(c[LEDGER_DONE][LEDGER_GOOD])));
    }
    return object;
}

static json_t *tokens_json(const struct gate_look *gate)
{
    json_t *object = json_object();
    for (unsigned fault = TOKEN_NONE + 1; fault < TOKEN_FAULT_COUNT; fault++)
        json_object_set_new(object, token_fault_name((enum token_fault)fault),
                            integer(gate->token_fault[fault][LEDGER_DONE] +
                                    gate->token_fault[fault][LEDGER_WOULD]));
    return object;
}

json_t *gate_json(const struct status *st)
{
    const struct gate_look *gate = &st->gate;
    if (!gate->here)
        return json_null();
    json_t *admitted = json_object(), *shedding = json_array();
    for (enum standing standing = 0; standing < STANDING_COUNT; standing++)
        json_object_set_new(admitted, standing_name(standing), integer(gate->admitted[standing]));
    const char *text;
    for (unsigned i = 0; (text = gate_shedding_text(gate->shedding, i)) != NULL; i++)
        json_array_append_new(shedding, json_string(text));
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:o,s:o,s:o,s:o}", "known_refused",
                     integer(gate->good_refused), "routes", routes_json(st), "origins",
                     origins_json(st), "rules", rules_json(gate), "admitted", admitted,
                     "tokens_refused", tokens_json(gate), "lag_us", gate->lag / 1000, "backlog",
                     integer(gate->backlog), "connections", integer(gate->connections),
                     "connections_most", integer(gate->connections_most), "short_of", shedding);
}
