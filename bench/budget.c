/* What a charge costs: nanoseconds, medians of 7 runs, 1,000,000 principals in random order, keyed hash. */
#include "budget/budget.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PRINCIPALS_COUNT = 1000000, RUNS = 7 };

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* Time on the processor, so that what else the machine does is not counted as ours. */
static nanos_t processor_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (nanos_t)t.tv_sec * NANOS_SECOND + t.tv_nsec;
}

static int smaller(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static struct budget_rule *rule_add(struct contract *c, const char *name, enum meter meter,
                                    enum principal_kind per)
{
    struct budget_rule *rule = &c->budget[c->budget_count++];
    *rule = (struct budget_rule){
        .meter = meter, .per = per, .over = OVER_SLOW, .route = -1, .share = -1, .class = -1};
    snprintf(rule->name, sizeof rule->name, "%s", name);
    return rule;
}

static void window_add(struct budget_rule *rule, nanos_t span, uint64_t limit)
{
    rule->window[rule->window_count++] = (struct window){span, limit};
}

static void measure(struct budgets *b, unsigned budget, const struct principal *p, size_t count,
                    const char *what)
{
    double result[RUNS];
    uint64_t allowed = 0;
    nanos_t now = clock_boot();
    for (int run = -1; run < RUNS; run++) { /* the first fills the table and is not counted */
        nanos_t begin = processor_time();
        for (size_t i = 0; i < count; i++)
            allowed += budget_charge(b, budget, &p[i], 1, now + (nanos_t)i).verdict == VERDICT_ALLOW;
        now += (nanos_t)count;
        if (run >= 0)
            result[run] = (double)(processor_time() - begin) / (double)count;
    }
    qsort(result, RUNS, sizeof *result, smaller);
    printf("%-62s %6.1f ns  (%.1f to %.1f; %.1f %% admitted)\n", what, result[RUNS / 2], result[0],
           result[RUNS - 1], 100.0 * (double)allowed / (double)(count * (RUNS + 1)));
}

static void prepare(struct contract *c, char *folder)
{
    snprintf(c->state, sizeof c->state, "%s", folder);
    snprintf(c->runtime, sizeof c->runtime, "%s", folder);
    window_add(rule_add(c, "one cell", METER_REQUESTS, PRINCIPAL_CLIENT), 10 * NANOS_SECOND, 50);
    struct budget_rule *two = rule_add(c, "two cells", METER_REQUESTS, PRINCIPAL_CLIENT);
    window_add(two, 10 * NANOS_SECOND, 50);
    window_add(two, NANOS_MINUTE, 100);
    struct budget_rule *mixed = rule_add(c, "cell and ring", METER_REQUESTS, PRINCIPAL_CLIENT);
    window_add(mixed, 10 * NANOS_SECOND, 50);
    window_add(mixed, NANOS_HOUR, 600);
    struct budget_rule *ring = rule_add(c, "one ring", METER_BYTES_OUT, PRINCIPAL_HOST);
    window_add(ring, NANOS_HOUR, 1000000000);
    struct budget_rule *rings = rule_add(c, "two rings", METER_BYTES_OUT, PRINCIPAL_HOST);
    window_add(rings, NANOS_HOUR, 1000000000);
    window_add(rings, NANOS_DAY, 10000000000);
}

static struct budgets *opened(struct contract *c, struct budget_sizes *sizes)
{
    struct error error = {""};
    struct budgets *b = NULL;
    if (budget_create(c, GUARD_FRONT, sizes, moment_now(), -1, &error) < 0 ||
        budget_open(c, GUARD_FRONT, false, &b, &error) < 0) {
        fprintf(stderr, "budget bench: %s\n", error.text);
        exit(2);
    }
    return b;
}

int main(void)
{
    char folder[] = "/dev/shm/ecluse-bench-XXXXXX", path[64];
    struct contract *c = calloc(1, sizeof *c);
    struct principal *p = calloc(PRINCIPALS_COUNT, sizeof *p);
    if (!c || !p || !mkdtemp(folder))
        return 2;
    prepare(c, folder);
    uint64_t state = 1;
    for (size_t i = 0; i < PRINCIPALS_COUNT; i++) {
        uint8_t address[16] = {[10] = 0xff, [11] = 0xff};
        uint64_t n = random_next(&state);
        memcpy(address + 12, &n, 4);
        p[i] = principal_client(c, address);
    }
    struct budget_sizes sizes = {.cells = 3 << 19, .rings = 1 << 16};
    static const char *const what[] = {"one rate cell", "two windows, two rate cells",
                                       "two windows, a rate cell and the first quarter of a ring"};
    for (unsigned i = 0; i < 3; i++) {
        struct budgets *b = opened(c, &sizes);
        measure(b, i, p, PRINCIPALS_COUNT, what[i]);
        budget_close(b);
        snprintf(path, sizeof path, "%s/front.segment", folder);
        unlink(path);
        sizes.cells = 3 << 20; /* two cells a principal */
    }
    struct budgets *b = opened(c, &sizes);
    enum { HOSTS = 4000 };
    for (size_t i = 0; i < HOSTS; i++) {
        char name[16];
        int length = snprintf(name, sizeof name, "host%zu", i);
        p[i] = principal_named(PRINCIPAL_HOST, (struct text){name, (size_t)length});
    }
    for (size_t i = HOSTS; i < PRINCIPALS_COUNT; i++)
        p[i] = p[random_next(&state) % HOSTS];
    measure(b, 3, p, PRINCIPALS_COUNT, "one ring, 4,000 proven hosts");
    measure(b, 4, p, PRINCIPALS_COUNT, "two rings, 4,000 proven hosts");
    budget_close(b);
    struct budget_sizes defaults = {0};
    printf("a rate cell: 16 bytes, 24 a principal at a load of two thirds; both files by default %.1f MB\n",
           (double)budget_footprint(c, &defaults) / 1e6);
    snprintf(path, sizeof path, "rm -rf %s", folder);
    int status = system(path);
    free(p);
    free(c);
    return status ? 2 : 0;
}
