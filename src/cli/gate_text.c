#include "cli/gate_text.h"
#include "cli/output.h"
#include "gate/keyring.h"

#include <inttypes.h>

/* ---- status ---------------------------------------------------------------------------------- */

static const char *named(const char *name, const char *without)
{
    return *name ? name : without;
}

static void routes_text(const struct status *st)
{
    static const char *const titles[] = {"route",          "asks strangers for proof", ">asked/s",
                                         ">let through/s", ">origin took/s",           ">begun"};
    struct table table = table_of(6, titles);
    for (size_t i = 0; i < st->gate.routes; i++) {
        const struct gate_route_look *route = &st->gate.route[i];
        const struct demand_view *v = &route->view;
        char figure[FIGURE_SIZE];
        table_row(&table);
        table_cell(&table, TONE_PLAIN, "%s", named(route->name, "(none)"));
        if (v->since)
            table_cell(&table, TONE_WARNING, "since %s",
                       figure_wall(wall_of(&st->s.now, v->since), st->s.now.wall, figure));
        else
            table_cell(&table, TONE_GOOD, "no");
        table_cell(&table, TONE_PLAIN, "%s", figure_count(v->asked, figure));
        table_cell(&table, TONE_PLAIN, "%s", figure_count(v->given, figure));
        table_cell(&table, TONE_PLAIN, "%s", v->took ? figure_count(v->took, figure) : "-");
        table_cell(&table, TONE_PLAIN, "%s", figure_count(v->begun, figure));
    }
    if (table.count)
        table_print(&table, stdout);
}

static void origins_text(const struct gate_look *gate)
{
    for (size_t i = 0; i < gate->origins; i++) {
        const struct gate_origin_look *origin = &gate->origin[i];
        char span[FIGURE_SIZE];
        printf("origin %s: %" PRIu64 " in flight of at most %" PRIu64 ", %" PRIu64 " wait",
               named(origin->name, "(the one without a name)"), origin->in_flight, origin->limit,
               origin->waiting);
        printf(origin->baseline ? "; at best it answers in %s\n" : "\n",
               figure_span(origin->baseline, span));
    }
}

static void connections_text(const struct gate_look *gate)
{
    char used[FIGURE_SIZE], most[FIGURE_SIZE], lag[FIGURE_SIZE];
    const char *text;
    printf("connections: %s of %s; %" PRIu64 " wait to be accepted; event loop late by %s at most",
           figure_count(gate->connections, used), figure_count(gate->connections_most, most),
           gate->backlog, figure_span(gate->lag, lag));
    for (unsigned i = 0; (text = gate_shedding_text(gate->shedding, i)) != NULL; i++)
        printf("%s%s", i ? ", " : "; the slowest are closed: short of ", text);
    putchar('\n');
}

static void rules_text(const struct gate_look *gate)
{
    static const char *const titles[] = {"rule", ">done", ">would", ">to the known", ""};
    struct table table = table_of(5, titles);
    for (enum gate_rule rule = 0; rule < GATE_RULE_COUNT; rule++) {
        const uint64_t *done = gate->rule[rule][LEDGER_DONE];
        const uint64_t *would = gate->rule[rule][LEDGER_WOULD];
        uint64_t all = done[LEDGER_ANYONE] + done[LEDGER_GOOD];
        uint64_t observed = would[LEDGER_ANYONE] + would[LEDGER_GOOD];
        char figure[FIGURE_SIZE];
        if (all + observed == 0)
            continue;
        bool bad = gate_rule_refuses(rule) && done[LEDGER_GOOD];
        table_row(&table);
        table_cell(&table, TONE_PLAIN, "%s", gate_rule_name(rule));
        table_cell(&table, TONE_PLAIN, "%s", figure_count(all, figure));
        table_cell(&table, TONE_PLAIN, "%s", figure_count(observed, figure));
        table_cell(&table, bad ? TONE_BAD : TONE_PLAIN, "%s",
                   figure_count(done[LEDGER_GOOD], figure));
        table_cell(&table, TONE_DIM, "%s", gate_rule_meaning(rule));
    }
    if (table.count)
        table_print(&table, stdout);
}

void gate_text(const struct status *st)
{
    const struct gate_look *gate = &st->gate;
    char figure[FIGURE_SIZE];
    if (!gate->here || gate->workers == 0)
        return;
    putchar('\n');
    output_tone(stdout, TONE_BOLD, "Gate");
    putchar('\n');
    routes_text(st);
    origins_text(gate);
    connections_text(gate);
    rules_text(gate);
    printf("known callers refused: ");
    output_tone(stdout, gate->good_refused ? TONE_BAD : TONE_GOOD,
                figure_count(gate->good_refused, figure));
    printf("; let through: ");
    for (enum standing standing = 0; standing < STANDING_COUNT; standing++)
        printf("%s%s %s", standing ? ", " : "", standing_name(standing),
               figure_count(gate->admitted[standing], figure));
    putchar('\n');
}

/* ---- why ------------------------------------------------------------------------------------- */

struct gate_facts {
    struct gate_look look;
    int32_t strikes; /* of the pass */
    int32_t issued;  /* passes given to the network; -1: the keys are not ours to read */
};

static void find_facts(const struct situation *s, const struct gate_asked *asked,
                       struct gate_facts *out)
{
    struct ledger *ledger;
    struct keyring ring;
    char path[KEYRING_PATH_SIZE];
    *out = (struct gate_facts){.issued = -1};
    gate_look_at(s->runtime, s->now.boot, &out->look);
    if (ledger_open(s->runtime, true, &ledger, NULL) != 0)
        return;
    struct cells *strikes = ledger_strikes(ledger), *issues = ledger_issues(ledger);
    if (asked->pass && strikes)
        out->strikes = cells_count(strikes, asked->pass, STRIKE_EACH, s->now.boot);
    if (asked->address && issues && keyring_path(s->contract, path) == 0 &&
        keyring_read(path, &ring, NULL) == 0) {
        out->issued =
            cells_count(issues, keyring_near(&ring, asked->address), ISSUE_EACH, s->now.boot);
        keyring_wipe(&ring);
    }
    ledger_close(ledger);
}

static enum standing standing_now(const struct gate_asked *asked, const struct gate_facts *facts)
{
    return facts->strikes >= STRIKES_OUT ? STANDING_STRANGER : asked->standing;
}

static void verdict_text(const struct situation *s, const struct gate_route_look *route,
                         enum standing standing)
{
    const struct demand_view *v = &route->view;
    char since[FIGURE_SIZE], wait[FIGURE_SIZE];
    if (!v->since) {
        printf("Route %s asks nobody for proof.\n", named(route->name, "(none)"));
        return;
    }
    printf("Route %s asks strangers for proof since %s: requests had waited up to %s for its "
           "origin, which took %u a second; now %u a second are asked for, %u let through. ",
           named(route->name, "(none)"),
           figure_wall(wall_of(&s->now, v->since), s->now.wall, since),
           figure_span(v->longest, wait), v->took, v->asked, v->given);
    puts(standing < STANDING_FRESH ? "It is asked: a page with a puzzle, a waiting room without "
                                     "JavaScript, 503 with Retry-After for a program."
                                   : "It goes on: proof was shown.");
}

static const char *mode_note(const struct situation *s)
{
    return situation_panic(s) || s->contract->mode == MODE_OBSERVE ? " (observe: counted, not done)"
                                                                   : "";
}

void gate_why_text(const struct situation *s, const struct gate_asked *asked)
{
    static struct gate_facts facts;
    find_facts(s, asked, &facts);
    if (!facts.look.here || facts.look.workers == 0)
        return;
    enum standing standing = standing_now(asked, &facts);
    printf("\nGate%s: it ranks as %s.\n", mode_note(s), standing_name(standing));
    if (asked->pass)
        printf("Strikes: %d of %d; each counts for an hour%s.\n", (int)facts.strikes, STRIKES_OUT,
               facts.strikes >= STRIKES_OUT ? ", and until then it counts for nothing" : "");
    if (facts.issued >= 0)
        printf("Its network was given %d passes of late (usual: up to %d an hour; beyond that each "
               "costs more work).\n",
               (int)facts.issued, ISSUE_BUDGET);
    for (size_t i = 0; i < facts.look.routes; i++)
        verdict_text(s, &facts.look.route[i], standing);
    for (size_t i = 0; i < facts.look.origins; i++) {
        const struct gate_origin_look *o = &facts.look.origin[i];
        printf("Origin%s%s: %" PRIu64 " in flight of at most %" PRIu64 ", %" PRIu64 " wait%s.\n",
               o->name[0] ? " " : "", o->name, o->in_flight, o->limit, o->waiting,
               o->waiting ? " (1.5 s at most; by standing, then network, then pass)" : "");
    }
}

json_t *gate_why_json(const struct situation *s, const struct gate_asked *asked)
{
    static struct gate_facts facts;
    find_facts(s, asked, &facts);
    if (!facts.look.here)
        return json_null();
    json_t *challenges = json_array();
    enum standing standing = standing_now(asked, &facts);
    for (size_t i = 0; i < facts.look.routes; i++) {
        const struct gate_route_look *route = &facts.look.route[i];
        char since[CLOCK_TEXT_SIZE];
        if (!route->view.since)
            continue;
        clock_text(wall_of(&s->now, route->view.since), since);
        json_array_append_new(
            challenges,
            json_pack("{s:o,s:s,s:i,s:i,s:i,s:I,s:b}", "route", json_safe(route->name), "since",
                      since, "asked_a_second", (int)route->view.asked, "given_a_second",
                      (int)route->view.given, "took_a_second", (int)route->view.took,
                      "longest_wait_ms", route->view.longest / NANOS_MILLISECOND, "asks_this_one",
                      standing < STANDING_FRESH));
    }
    return json_pack("{s:s,s:i,s:o,s:o}", "standing", standing_name(standing), "strikes",
                     (int)facts.strikes, "passes_of_network",
                     facts.issued < 0 ? json_null() : json_integer(facts.issued), "challenges",
                     challenges);
}
