#include "cli/status_text.h"
#include "cli/gate_text.h"
#include "cli/output.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { FILTER_OF_NOTE = 100000 };

static void heading(const char *text)
{
    putchar('\n');
    output_tone(stdout, TONE_BOLD, text);
    putchar('\n');
}

void status_alarms_text(const struct status *st)
{
    if (st->alarms.count == 0) {
        output_tone(stdout, TONE_GOOD, "No alarm.");
        putchar('\n');
        return;
    }
    static const char *const titles[] = {"", ""};
    struct table table = table_of(2, titles);
    for (size_t i = 0; i < st->alarms.count; i++) {
        const struct alarm *alarm = &st->alarms.alarm[i];
        table_row(&table);
        table_cell(&table, TONE_BAD, "ALARM %s", alarm_name(alarm->kind));
        table_cell(&table, TONE_PLAIN, "%s", alarm->text);
        table_row(&table);
        table_cell(&table, TONE_PLAIN, "%s", "");
        table_cell(&table, TONE_DIM, "to do: %s", alarm_to_do(alarm));
    }
    table_print(&table, stdout);
}

static void head_text(const struct status *st)
{
    const struct situation *s = &st->s;
    char when[FIGURE_SIZE];
    printf("%s%s", s->contract->organisation, *s->contract->organisation ? ", " : "");
    printf("%s", st->panic ? "PANIC (observe)" : mode_name(s->contract->mode));
    if (s->generation)
        printf(", contract %" PRIu64, s->generation);
    if (st->has_bulletin)
        printf(" since %s, from %s", figure_wall(st->bulletin.taken, s->now.wall, when),
               st->bulletin.file);
    putchar('\n');
}

static void promises_text(const struct status *st)
{
    static const char *const titles[] = {"promise", "route",   ">promised", ">kept", ">answers",
                                         ">margin", ">median", ">p99",      ""};
    const struct contract *c = st->s.contract;
    if (c->promise_count == 0)
        return;
    heading("Promises");
    struct table table = table_of(9, titles);
    for (unsigned i = 0; i < c->promise_count; i++) {
        const struct promise_rule *rule = &c->promise[i];
        char one[FIGURE_SIZE], two[FIGURE_SIZE], three[FIGURE_SIZE];
        table_row(&table);
        table_cell(&table, TONE_PLAIN, "%s", rule->name);
        table_cell(&table, TONE_PLAIN, "%s", rule->route < 0 ? "-" : c->route[rule->route].name);
        if (rule->route < 0 || st->s.guard[GUARD_FRONT] == NULL) {
            table_cell(&table, TONE_DIM, "%s", "-");
            table_cell(&table, TONE_DIM, "%s", rule->route < 0 ? "not measured yet" : "no guard");
            continue;
        }
        struct promise_state state;
        promise_state(st->s.guard[GUARD_FRONT], i, st->s.now.boot, &state);
        table_cell(&table, TONE_PLAIN, "%s in %s", figure_share(rule->success, one),
                   figure_span(rule->within, two));
        table_cell(&table, state.broken ? TONE_BAD : TONE_GOOD, "%s",
                   state.answers ? figure_share(state.share, one) : "-");
        table_cell(&table, TONE_PLAIN, "%s in %s", figure_count(state.answers, one),
                   figure_span(rule->over, three));
        if (state.answers == 0 || state.broken)
            table_cell(&table, TONE_PLAIN, "%s", "-");
        else
            table_cell(&table, TONE_PLAIN, "%s may fail", figure_count(state.left, one));
        table_cell(&table, TONE_PLAIN, "%s", state.answers ? figure_span(state.p50, one) : "-");
        table_cell(&table, TONE_PLAIN, "%s", state.answers ? figure_span(state.p99, one) : "-");
        table_cell(&table, state.broken ? TONE_BAD : TONE_PLAIN, "%s",
                   state.broken ? "BROKEN" : "");
    }
    table_print(&table, stdout);
}

static void worst_cell(struct table *table, const struct budget_rule *rule,
                       const struct budget_state *state)
{
    if (!state->has_worst || state->worst.window >= rule->window_count) {
        table_cell(table, TONE_DIM, "%s", "-");
        return;
    }
    char who[PRINCIPAL_TEXT_SIZE], used[FIGURE_SIZE], limit[FIGURE_SIZE], span[FIGURE_SIZE];
    const struct budget_worst *worst = &state->worst;
    enum meter_unit unit = meter_unit(rule->meter);
    bool over = worst->used >= worst->limit;
    table_cell(table, over ? TONE_WARNING : TONE_PLAIN, "%s: %s of %s in %s",
               principal_text(&worst->principal, who), figure_amount(unit, worst->used, used),
               figure_amount(unit, worst->limit, limit),
               figure_span(rule->window[worst->window].span, span));
}

static void budget_row(const struct status *st, struct table *table, unsigned at)
{
    const struct budget_rule *rule = &st->s.contract->budget[at];
    char figure[FIGURE_SIZE];
    table_row(table);
    table_cell(table, TONE_PLAIN, "%s", rule->name);
    table_cell(table, TONE_PLAIN, "%s", meter_name(rule->meter));
    table_cell(table, TONE_PLAIN, "%s", principal_name(rule->per));
    enum guard guard = meter_guard(rule->meter);
    if (!rule_is_enforced(rule)) {
        table_cell(table, TONE_DIM, "%s", over_name(rule->over));
        table_cell(table, TONE_DIM, "%s", "-");
        table_cell(table, TONE_DIM, "%s", "-");
        if (guard == GUARD_FRONT)
            table_cell(table, TONE_DIM, "%s", "no guard for this budget yet");
        else
            table_cell(table, TONE_DIM, "no guard for this budget yet (%s)", guard_name(guard));
        return;
    }
    bool observes = budget_mode_shown(st, rule) == MODE_OBSERVE;
    const struct budgets *budgets = st->s.guard[guard];
    if (budgets == NULL || guard_never_began(st, guard)) {
        table_cell(table, TONE_PLAIN, "%s%s", over_name(rule->over), observes ? " (observe)" : "");
        table_cell(table, TONE_DIM, "%s", "-");
        table_cell(table, TONE_DIM, "%s", "-");
        if (st->s.code[guard] == -EACCES)
            table_cell(table, TONE_DIM, "%s", "not yours to see");
        else
            table_cell(table, TONE_DIM, "the guard %s has not started", guard_name(guard));
        return;
    }
    struct budget_state state;
    budget_state(budgets, at, st->s.now.boot, &state);
    observes = observes || state.breaker_open;
    table_cell(table, TONE_PLAIN, "%s%s", over_name(rule->over), observes ? " (observe)" : "");
    table_cell(table, state.held ? TONE_WARNING : TONE_PLAIN, "%" PRIu32, state.held);
    uint64_t against = observes ? state.would_slow + state.would_challenge + state.would_hold
                                : state.slowed + state.challenged + state.refused;
    table_cell(table, TONE_PLAIN, "%s%s", figure_count(against, figure),
               observes && against ? " would be" : "");
    worst_cell(table, rule, &state);
}

static void budgets_text(const struct status *st)
{
    static const char *const titles[] = {
        "budget", "meter", "per", "over", ">held", ">refused", "nearest to its limit"};
    if (st->s.contract->budget_count == 0)
        return;
    heading("Budgets");
    struct table table = table_of(7, titles);
    for (unsigned i = 0; i < st->s.contract->budget_count; i++)
        budget_row(st, &table, i);
    table_print(&table, stdout);
    bool some = false;
    for (enum guard guard = 0; guard < GUARD_COUNT; guard++) {
        some = some || st->s.guard[guard];
        if (!st->s.guard[guard] && contract_wants(st->s.contract, guard))
            printf("The counts of the guard %s cannot be read: %s\n", guard_name(guard),
                   st->s.error[guard].text);
    }
    if (!some)
        return;
    printf("%zu held now", st->holds);
    if (st->noticed)
        printf(", %zu would be", st->noticed);
    puts(st->holds + st->noticed ? "; `ecluse holds` lists them" : "");
}

static void recorder_row(const struct status *st, struct table *table)
{
    char figure[FIGURE_SIZE], when[FIGURE_SIZE], witnessed[FIGURE_SIZE];
    if (!st->has_audit)
        return;
    bool up = recorder_is_up(st);
    table_row(table);
    table_cell(table, TONE_PLAIN, "%s", "recorder");
    table_cell(table, up ? TONE_GOOD : TONE_BAD, "%s", up ? "up" : "down");
    table_cell(table, TONE_PLAIN, "%s",
               up ? "-"
                  : figure_wall(wall_of(&st->s.now, st->audit.heartbeat), st->s.now.wall, when));
    table_cell(table, TONE_PLAIN, "%s entries%s%s", figure_count(st->audit.log_size, figure),
               st->s.contract->audit.witness_count ? ", witnessed up to " : "",
               st->s.contract->audit.witness_count
                   ? figure_count(st->audit.witnessed_size, witnessed)
                   : "");
}

static void guard_row(const struct status *st, enum guard guard, struct table *table)
{
    const struct guard_look *look = &st->guard[guard];
    const struct moment *now = &st->s.now;
    char when[FIGURE_SIZE];
    table_row(table);
    table_cell(table, TONE_PLAIN, "%s", guard_name(guard));
    if (st->s.code[guard] == -EACCES)
        table_cell(table, TONE_DIM, "%s", "not yours to see");
    else
        table_cell(table, look->alive ? TONE_GOOD : TONE_BAD, "%s", look->alive ? "up" : "down");
    table_cell(table, TONE_PLAIN, "%s",
               look->since ? figure_wall(wall_of(now, look->since), now->wall, when) : "never");
    table_cell(table, TONE_PLAIN, "%zu %s", look->alive,
               guard_processes_name(guard, look->alive));
}

static void child_row(const struct status *st, const char *name,
                      const struct bulletin_child *child, struct table *table)
{
    char when[FIGURE_SIZE], span[FIGURE_SIZE];
    const nanos_t now = st->s.now.wall;
    if (!st->has_bulletin || !child->wanted)
        return;
    bool up = st->s.supervised && child->pid;
    table_row(table);
    table_cell(table, TONE_PLAIN, "%s", name);
    table_cell(table, up ? TONE_GOOD : TONE_BAD, "%s", up ? "up" : "down");
    table_cell(table, TONE_PLAIN, "%s",
               child->since ? figure_wall(child->since, now, when) : "never");
    table_cell(table, TONE_PLAIN, "%u restarts, %s %s", child->deaths, up ? "up" : "down",
               child->since ? figure_span(now - child->since, span) : "ever since");
}

static void guards_text(const struct status *st)
{
    static const char *const titles[] = {"guard", "", "since", ""};
    char when[FIGURE_SIZE];
    const struct moment *now = &st->s.now;
    heading("Guards");
    struct table table = table_of(4, titles);
    for (enum guard guard = 0; guard < GUARD_COUNT; guard++)
        if (guard_is_shown(st, guard))
            guard_row(st, guard, &table);
    table_row(&table);
    table_cell(&table, TONE_PLAIN, "%s", "supervisor");
    table_cell(&table, st->s.supervised ? TONE_GOOD : TONE_BAD, "%s",
               st->s.supervised ? "up" : "down");
    table_cell(&table, TONE_PLAIN, "%s",
               st->has_bulletin && st->s.supervised
                   ? figure_wall(st->bulletin.started, now->wall, when)
                   : "-");
    table_cell(&table, TONE_PLAIN, "%s", st->s.supervised ? "ecluse run" : "");
    child_row(st, "keeper", &st->bulletin.keeper, &table);
    child_row(st, "desk", &st->bulletin.desk, &table);
    recorder_row(st, &table);
    table_print(&table, stdout);
}

static void counters_text(const struct status *st)
{
    if (st->s.guard[GUARD_FRONT] == NULL || st->guard[GUARD_FRONT].count == 0)
        return;
    heading("Front, since its segment was made");
    static const char *const titles[] = {"", ">"};
    struct table table = table_of(2, titles);
    char figure[FIGURE_SIZE];
    for (int i = 0; i < COUNTER_COUNT; i++) {
        uint64_t count = guard_counter_read(st->s.guard[GUARD_FRONT], (enum guard_counter)i);
        if (count == 0)
            continue;
        table_row(&table);
        table_cell(&table, TONE_PLAIN, "%s", counter_name((enum guard_counter)i));
        table_cell(&table, TONE_PLAIN, "%s", figure_count(count, figure));
    }
    table_print(&table, stdout);
}

static void feeds_text(const struct status *st)
{
    if (st->store.feed_count == 0)
        return;
    heading("Feeds");
    static const char *const titles[] = {"source", "last", ">this hour", ">usual", ""};
    struct table table = table_of(5, titles);
    for (size_t i = 0; i < st->store.feed_count; i++) {
        const struct feed_source_state *feed = &st->store.feed[i];
        char figure[FIGURE_SIZE];
        table_row(&table);
        table_cell(&table, TONE_PLAIN, "%s", *feed->name ? feed->name : "(not named)");
        if (feed->unseen) {
            table_cell(&table, TONE_DIM, "%s", "not yours to see");
            continue;
        }
        table_cell(&table, TONE_PLAIN, "%s",
                   feed->last ? figure_wall(feed->last * NANOS_SECOND, st->s.now.wall, figure)
                              : "never");
        table_cell(&table, TONE_PLAIN, "%s", figure_count(feed->this_hour, figure));
        table_cell(&table, TONE_PLAIN, "%s",
                   feed->usual_per_hour ? figure_count(feed->usual_per_hour, figure) : "-");
        table_cell(&table, TONE_BAD, "%s",
                   feed->silent     ? "SILENT"
                   : feed->flooding ? "FLOODING"
                                    : "");
    }
    table_print(&table, stdout);
}

static void store_text(const struct status *st)
{
    if (!st->s.contract->tracking.present)
        return;
    heading("Store");
    char count[FIGURE_SIZE], used[FIGURE_SIZE], file[FIGURE_SIZE];
    const struct store_look *look = &st->store;
    if (!look->exists) {
        puts("empty; `ecluse ingest` fills it");
        return;
    }
    if (look->unseen) {
        puts("not yours to see");
        return;
    }
    if (look->readable)
        printf("%s parcels, %s used of a file of %s\n", figure_count(look->store.parcels, count),
               figure_bytes(look->store.bytes_used, used),
               figure_bytes(look->store.bytes_file, file));
    char bits[FIGURE_SIZE] = "";
    if (look->filter.numbers >= FILTER_OF_NOTE) /* below, the smallest filter is shared by few */
        snprintf(bits, sizeof bits, " %" PRIu64 ".%02" PRIu64 " bits each,",
                 look->filter.bits_per_number_milli / 1000,
                 look->filter.bits_per_number_milli % 1000 / 10);
    if (look->filter_open)
        printf("filter: %s numbers,%s built %s%s\n", figure_count(look->filter.numbers, count),
               bits, figure_wall(look->filter.built * NANOS_SECOND, st->s.now.wall, used),
               look->filter.usable ? "" : ", UNUSABLE");
    if (st->disk_free >= 0)
        printf("disk: %.0f %% free\n", st->disk_free * 100);
}

static void outputs_text(const struct status *st)
{
    bool some = false;
    for (enum output i = 0; i < OUTPUT_COUNT; i++)
        some = some || (i != OUTPUT_RECORD && st->output[i].wanted);
    if (!st->has_outputs || !some)
        return;
    heading("Outputs");
    static const char *const titles[] = {"output",  ">told",       ">failures",
                                         ">behind", ">never told", ""};
    struct table table = table_of(6, titles);
    for (enum output i = 0; i < OUTPUT_COUNT; i++) {
        const struct output_state *s = &st->output[i];
        char figure[FIGURE_SIZE];
        if (!s->wanted)
            continue;
        table_row(&table);
        table_cell(&table, TONE_PLAIN, "%s", output_name(i));
        table_cell(&table, TONE_PLAIN, "%s", figure_count(s->told, figure));
        table_cell(&table, TONE_PLAIN, "%s", figure_count(s->failures, figure));
        table_cell(&table, TONE_PLAIN, "%s", figure_count(s->behind, figure));
        table_cell(&table, s->skipped ? TONE_WARNING : TONE_PLAIN, "%s",
                   figure_count(s->skipped, figure));
        table_cell(&table, TONE_BAD, "%s", s->failing ? s->reason : "");
    }
    table_print(&table, stdout);
}

void status_text(const struct status *st)
{
    head_text(st);
    status_alarms_text(st);
    promises_text(st);
    budgets_text(st);
    guards_text(st);
    counters_text(st);
    gate_text(st);
    feeds_text(st);
    store_text(st);
    outputs_text(st);
}
