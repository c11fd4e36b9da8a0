/* What a charge costs: nanoseconds, medians of 7 runs, 1,000,000 principals in random order, keyed
 * hash. */
#include "budget/budget.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PRINCIPALS_COUNT = 1000000, HOSTS_COUNT = 4000, RUNS = 7 };

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
        .meter = meter, .per = per, .over = OVER_SLOW, .route = -1, .share = -1, .trusted = -1,
        .class = -1};
    snprintf(rule->name, sizeof rule->name, "%s", name);
    return rule;
}

static void window_add(struct budget_rule *rule, nanos_t span, uint64_t limit)
{
    rule->window[rule->window_count++] = (struct window){span, limit};
}

/* Who comes at step i. A guard has the principal at hand when it charges, so none is read from a
 * table here: an array of a million of them would cost misses of its own. */
typedef struct principal (*principal_at)(uint64_t i);

/* A bijection of 32 bits (Murmur3's finalizer, Appleby): a million different addresses in random
 * order. */
static struct principal address_at(uint64_t i)
{
    uint32_t n = (uint32_t)i;
    n = (n ^ n >> 16) * 0x85ebca6bu;
    n = (n ^ n >> 13) * 0xc2b2ae35u;
    n ^= n >> 16;
    struct principal p = {.kind = PRINCIPAL_CLIENT, .protected_by = -1};
    uint64_t low = UINT64_C(0xffff) << 16 | (uint64_t)n << 32;
    memcpy(p.id + 8, &low, sizeof low);
    low &= UINT64_C(0x00ffffffffffffff);
    memcpy(p.network + 8, &low, sizeof low);
    return p;
}

static struct principal host_at(uint64_t i)
{
    uint64_t host = (i * UINT64_C(0x9e3779b97f4a7c15) >> 32) * HOSTS_COUNT >> 32;
    struct principal p = {.kind = PRINCIPAL_HOST, .proven = 1, .protected_by = -1};
    uint64_t name[2] = {host, UINT64_C(8) << 56};
    memcpy(p.id, name, sizeof name);
    return p;
}

static void measure(struct budgets *b, unsigned budget, principal_at at, const char *what)
{
    enum { COUNT = PRINCIPALS_COUNT };
    double result[RUNS];
    uint64_t own = 0;
    nanos_t now = clock_boot();
    for (int run = -1; run < RUNS; run++) { /* the first fills the table and is not counted */
        nanos_t begin = processor_time();
        for (uint64_t i = 0; i < COUNT; i++) {
            struct principal p = at(i);
            struct outcome o = budget_charge(b, budget, &p, 1, now + (nanos_t)i);
            own += o.verdict == VERDICT_ALLOW && o.charged_to == CHARGED_SELF;
        }
        now += COUNT;
        if (run >= 0)
            result[run] = (double)(processor_time() - begin) / COUNT;
    }
    qsort(result, RUNS, sizeof *result, smaller);
    printf("%-58s %6.1f ns  (%.1f to %.1f; %.2f %% in places of their own)\n", what,
           result[RUNS / 2], result[0], result[RUNS - 1],
           100.0 * (double)own / ((double)COUNT * (RUNS + 1)));
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

static const struct bench_case {
    const char *what;
    principal_at at;
    uint32_t cells; /* two thirds of them are used */
} cases[] = {
    {"one rate cell", address_at, 3 << 19},
    {"two windows, two rate cells", address_at, 3 << 20},
    {"two windows, a rate cell and a ring's first quarter", address_at, 3 << 20},
    {"one ring, 4,000 proven hosts", host_at, 3 << 19},
    {"two rings, 4,000 proven hosts", host_at, 3 << 19},
};

enum { CASES = sizeof cases / sizeof *cases };

/* Each case in new files: the tables of another would be in its way. */
static void run(struct contract *c, unsigned i)
{
    struct budget_sizes sizes = {.cells = cases[i].cells, .rings = 1 << 16};
    char path[CONTRACT_PATH_SIZE + 32];
    struct budgets *b = opened(c, &sizes);
    measure(b, i, cases[i].at, cases[i].what);
    budget_close(b);
    snprintf(path, sizeof path, "%s/front.segment", c->runtime);
    unlink(path);
    snprintf(path, sizeof path, "%s/budget/front.rings", c->state);
    unlink(path);
}

int main(int argc, char **argv)
{
    char folder[] = "/dev/shm/ecluse-bench-XXXXXX", command[64];
    struct contract *c = calloc(1, sizeof *c);
    if (!c || !mkdtemp(folder))
        return 2;
    prepare(c, folder);
    unsigned only = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    for (unsigned i = 0; i < CASES; i++)
        if (only == 0 || only == i + 1)
            run(c, i);
    struct budget_sizes defaults = {0};
    printf("a rate cell: 8 bytes, 12 a principal at a load of two thirds; both files by default "
           "%.1f MB\n",
           (double)budget_footprint(c, &defaults) / 1e6);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    int status = system(command);
    free(c);
    return status ? 2 : 0;
}
