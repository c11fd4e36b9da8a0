/* stage CONTRACT: what `ecluse run` does for the front, small enough for a test to hold in its
 * hand.
 *
 * Publishes the contract, then takes one command a line on standard input and answers each with one
 * line of JSON:
 *
 *   contract FILE   offered, then live once every worker has prepared it; or rolled back
 *   offer FILE      only offered        live         makes the offered one live
 *   panic on|off    counters            budgets      holds        release ID      processes
 *   origin (down or not)
 *   gate (rules counted, done and observed; routes that challenge; places)
 *   promises        freeze (no more heartbeats)      quit
 *   challenge ROUTE it begins to challenge
 *   feed FILE       NDJSON events into the contract's store
 *   pass puzzle ticket key revoke rotate faults   (stage_tokens.h)
 */
#include "budget/guard.h"
#include "budget/promise.h"
#include "contract/publish.h"
#include "gate/ledger.h"
#include "stage_tokens.h"
#include "tracking/ingest.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct contract *current;
static struct control *control;
static struct budgets *budgets;
static struct ledger *ledger;
static uint64_t generation;

static void fail(const char *what, const struct error *error)
{
    printf("{\"error\":\"%s: %s\"}\n", what, error ? error->text : "");
    fflush(stdout);
    exit(2);
}

static struct contract *read_file(const char *path)
{
    struct contract *contract = malloc(sizeof *contract);
    struct problems problems = {0};
    struct error error = {""};
    if (!contract)
        abort();
    if (contract_read(path, contract, &problems, &error) != 0) {
        for (size_t i = 0; i < problems.count; i++)
            fprintf(stderr, "%s:%u:%u: %s\n", path, problems.problem[i].line,
                    problems.problem[i].column, problems.problem[i].text);
        fail("contract", &error);
    }
    return contract;
}

static void look_at_segment(void)
{
    struct error error = {""};
    budget_close(budgets);
    if (budget_open(current, GUARD_FRONT, true, &budgets, &error) != 0)
        fail("segment", &error);
}

static void offer(const char *path)
{
    struct contract *next = read_file(path);
    struct error error = {""};
    if (contract_publish(next->runtime, ++generation, next, &error) != 0)
        fail("publish", &error);
    control_set_offered(control, generation);
    free(next);
}

/* -1 until every process has said something, then whether all have prepared it. */
static int all_prepared(void)
{
    struct guard_process process[GUARD_MAX_PROCESSES];
    size_t count = guard_processes(budgets, process, GUARD_MAX_PROCESSES);
    int result = 1;
    for (size_t i = 0; i < count; i++) {
        if (process[i].pid == 0 || kill(process[i].pid, 0) != 0)
            continue;
        if (process[i].refused == generation)
            return 0;
        if (process[i].prepared != generation)
            result = -1;
    }
    return result;
}

static void change(const char *path)
{
    uint64_t old = control_live(control);
    offer(path);
    int prepared = -1;
    for (int turns = 0; turns < 60 && prepared < 0; turns++) {
        usleep(50 * 1000);
        control_beat(control, clock_boot());
        prepared = all_prepared();
    }
    if (prepared == 1)
        control_set_live(control, generation);
    else
        control_set_offered(control, old);
    printf("{\"generation\":%lu,\"live\":%s}\n", (unsigned long)generation,
           prepared == 1 ? "true" : "false");
}

static void tell_counters(void)
{
    putchar('{');
    for (int i = 0; i < COUNTER_COUNT; i++)
        printf("%s\"%s\":%lu", i ? "," : "", counter_name((enum guard_counter)i),
               (unsigned long)guard_counter_read(budgets, (enum guard_counter)i));
    puts("}");
}

/* Slots are given to budgets and promises by the first process that may write: looked at anew, they
 * are seen. */
static void tell_budgets(void)
{
    look_at_segment();
    putchar('{');
    for (unsigned i = 0; i < current->budget_count; i++) {
        struct budget_state s;
        budget_state(budgets, i, clock_boot(), &s);
        printf("%s\"%s\":{\"charged\":%lu,\"allowed\":%lu,\"slowed\":%lu,\"refused\":%lu,\"would_"
               "hold\":%lu,"
               "\"would_slow\":%lu,\"held\":%u}",
               i ? "," : "", current->budget[i].name, (unsigned long)s.charged,
               (unsigned long)s.allowed, (unsigned long)s.slowed, (unsigned long)s.refused,
               (unsigned long)s.would_hold, (unsigned long)s.would_slow, s.held);
    }
    puts("}");
}

static void tell_holds(void)
{
    static struct hold hold[64];
    size_t count = holds_list(budgets, clock_boot(), hold, 64);
    putchar('[');
    for (size_t i = 0; i < count; i++)
        printf("%s{\"id\":%lu,\"observed\":%s}", i ? "," : "", (unsigned long)hold[i].id,
               hold[i].observed ? "true" : "false");
    puts("]");
}

static void tell_origin(void)
{
    printf("{\"down\":%s}\n", guard_origin_down_since(budgets, clock_boot()) ? "true" : "false");
}

static void tell_processes(void)
{
    struct guard_process process[GUARD_MAX_PROCESSES];
    size_t count = guard_processes(budgets, process, GUARD_MAX_PROCESSES);
    putchar('[');
    for (size_t i = 0; i < count; i++)
        printf("%s{\"pid\":%d,\"running\":%lu,\"in_store\":%s}", i ? "," : "", process[i].pid,
               (unsigned long)process[i].running, process[i].in_store ? "true" : "false");
    puts("]");
}

static void tell_routes(void)
{
    bool first = true;
    for (unsigned i = 0; i < GATE_ROUTES; i++) {
        char name[CONTRACT_NAME_SIZE];
        struct demand_view view;
        demand_view(&ledger->route[i], clock_boot(), &view);
        if (!view.since && !view.begun)
            continue;
        printf("%s\"%s\":{\"challenges\":%s,\"begun\":%lu,\"took\":%u}", first ? "" : ",",
               ledger_name_text(&ledger->route_name[i], name), view.since ? "true" : "false",
               (unsigned long)view.begun, view.took);
        first = false;
    }
}

static void tell_gate(void)
{
    unsigned long limit = 0, in_flight = 0, waiting = 0;
    for (unsigned i = 0; i < LEDGER_WORKERS; i++) {
        if (!ledger->worker[i].pid)
            continue;
        limit += ledger->worker[i].origin[0].limit;
        in_flight += ledger->worker[i].origin[0].in_flight;
        waiting += ledger->worker[i].origin[0].waiting;
    }
    printf("{\"limit\":%lu,\"in_flight\":%lu,\"waiting\":%lu,\"good_refused\":%lu,\"routes\":{",
           limit, in_flight, waiting, (unsigned long)ledger_good_refused(ledger));
    tell_routes();
    printf("}");
    for (unsigned mode = 0; mode < LEDGER_MODES; mode++) {
        printf(",\"%s\":{", mode == LEDGER_DONE ? "done" : "would");
        for (enum gate_rule rule = 0; rule < GATE_RULE_COUNT; rule++)
            printf("%s\"%s\":%lu", rule ? "," : "", gate_rule_name(rule),
                   (unsigned long)(ledger_counted(ledger, rule, mode, LEDGER_ANYONE) +
                                   ledger_counted(ledger, rule, mode, LEDGER_GOOD)));
        printf("}");
    }
    puts("}");
}

static void tell_promises(void)
{
    look_at_segment();
    putchar('{');
    for (unsigned i = 0; i < current->promise_count; i++) {
        struct promise_state s;
        promise_state(budgets, i, clock_boot(), &s);
        printf("%s\"%s\":{\"answers\":%lu,\"kept\":%lu}", i ? "," : "", current->promise[i].name,
               (unsigned long)s.answers, (unsigned long)s.kept);
    }
    puts("}");
}

static void release(const char *id)
{
    struct error error = {""};
    int result = release_request(current->runtime, GUARD_FRONT, strtoull(id, NULL, 10), &error);
    printf("{\"result\":%d}\n", result);
}

/* As if requests for the route had waited long; it lasts for 30 s at least. */
static void challenge(const char *route)
{
    struct ledger *own;
    struct error error = {""};
    if (ledger_open(current->runtime, false, &own, &error) != 0)
        fail("ledger", &error);
    bool begun =
        demand_begin(&own->route[ledger_route(own, text_of(route))], NANOS_SECOND, clock_boot());
    ledger_close(own);
    printf("{\"begun\":%s}\n", begun ? "true" : "false");
}

static void feed(const char *path)
{
    struct ingest_options options = {
        .contract = current, .format = FEED_NDJSON, .now = clock_wall() / NANOS_SECOND};
    struct ingest_totals totals;
    struct ingest *ingest;
    struct error error = {""};
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || ingest_begin(&options, &ingest, &error) != 0)
        fail("feed", &error);
    int result = ingest_input(ingest, path, descriptor, &error);
    close(descriptor);
    if (ingest_end(ingest, &totals, &error) != 0 || result != 0)
        fail("feed", &error);
    printf("{\"added\":%lu,\"parcels\":%lu}\n", (unsigned long)totals.added,
           (unsigned long)totals.parcels);
}

static bool frozen;

static bool obey(char *line)
{
    char *argument = strchr(line, ' ');
    if (argument)
        *argument++ = 0;
    if (strcmp(line, "quit") == 0)
        return false;
    if (strcmp(line, "contract") == 0 && argument)
        change(argument);
    else if (strcmp(line, "panic") == 0 && argument)
        control_set_panic(control, strcmp(argument, "on") == 0), puts("{}");
    else if (strcmp(line, "counters") == 0)
        tell_counters();
    else if (strcmp(line, "budgets") == 0)
        tell_budgets();
    else if (strcmp(line, "holds") == 0)
        tell_holds();
    else if (strcmp(line, "origin") == 0)
        tell_origin();
    else if (strcmp(line, "processes") == 0)
        tell_processes();
    else if (strcmp(line, "gate") == 0)
        tell_gate();
    else if (strcmp(line, "promises") == 0)
        tell_promises();
    else if (strcmp(line, "release") == 0 && argument)
        release(argument);
    else if (strcmp(line, "challenge") == 0 && argument)
        challenge(argument);
    else if (strcmp(line, "feed") == 0 && argument)
        feed(argument);
    else if (strcmp(line, "offer") == 0 && argument)
        offer(argument), puts("{}");
    else if (strcmp(line, "live") == 0)
        control_set_live(control, generation), puts("{}");
    else if (strcmp(line, "freeze") == 0)
        frozen = true, puts("{}");
    else if (!tokens_obey(current, ledger, line, argument))
        puts("{\"error\":\"no such command\"}");
    return true;
}

static void serve(void)
{
    char line[1024];
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    for (;;) {
        if (!frozen)
            control_beat(control, clock_boot());
        if (poll(&input, 1, 500) == 0)
            continue;
        size_t length = 0;
        char c;
        while (length < sizeof line - 1 && read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
            line[length++] = c;
        line[length] = 0;
        if (length == 0 || !obey(line))
            return;
        fflush(stdout);
    }
}

int main(int count, char **arguments)
{
    if (count != 2)
        return 2;
    struct error error = {""};
    const struct group *group = getgrnam("www-data");
    current = read_file(arguments[1]);
    int created = budget_create(current, GUARD_FRONT, NULL, moment_now(),
                                group ? (int)group->gr_gid : -1, &error);
    if (created < 0)
        fail("create", &error);
    if (ledger_create(current->runtime, group ? (int)group->gr_gid : -1, &error) < 0 ||
        ledger_open(current->runtime, true, &ledger, &error) < 0)
        fail("ledger", &error);
    if (tokens_begin(current, group ? (int)group->gr_gid : -1, &error) < 0)
        fail("keys", &error);
    if (control_create(current->runtime, &control, &error) != 0)
        fail("control", &error);
    generation = control_live(control);
    if (contract_publish(current->runtime, ++generation, current, &error) != 0)
        fail("publish", &error);
    control_beat(control, clock_boot());
    control_set_offered(control, generation);
    control_set_live(control, generation);
    look_at_segment();
    printf("{\"ready\":%lu,\"created\":%d}\n", (unsigned long)generation, created);
    fflush(stdout);
    serve();
    control_stop(control);
    control_close(control);
    budget_close(budgets);
    free(current);
    return 0;
}
