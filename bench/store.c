/* A random record out of a store that `bench-ingest` or `ecluse ingest` filled: what one lookup
 * costs.
 *
 *   taskset -c 0 build/bench/bench-store STATE [LOOKUPS]
 */
#include "tracking/store.h"
#include "tracking/filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { ROUNDS = 5 };

struct numbers {
    struct parcel_number *number;
    size_t count, room, seen, step;
};

static int take(void *context, struct text text)
{
    struct numbers *n = context;
    if (n->seen++ % n->step || n->count == n->room)
        return 0;
    struct parcel_number *parcel = &n->number[n->count++];
    parcel->length = (uint8_t)text.length;
    memcpy(parcel->text, text.data, text.length);
    return 0;
}

static void shuffle(struct numbers *n)
{
    uint64_t draw = 88172645463325252u;
    for (size_t i = n->count; i > 1; i--) {
        draw ^= draw << 13;
        draw ^= draw >> 7;
        draw ^= draw << 17;
        size_t other = draw % i;
        struct parcel_number kept = n->number[i - 1];
        n->number[i - 1] = n->number[other];
        n->number[other] = kept;
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *figures)
{
    qsort(figures, ROUNDS, sizeof *figures, compare);
    return figures[ROUNDS / 2];
}

/* Processor time: what others do on the machine counts less than on a clock. */
static double spent_ns(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return ((double)use.ru_utime.tv_sec + (double)use.ru_stime.tv_sec) * 1e9 +
           ((double)use.ru_utime.tv_usec + (double)use.ru_stime.tv_usec) * 1e3;
}

static void measure(struct store *s, struct filter *f, struct numbers *n)
{
    static struct history history;
    double get[ROUNDS], has[ROUNDS], miss[ROUNDS];
    uint64_t found = 0, live = 0, wrong = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double start = spent_ns();
        for (size_t i = 0; i < n->count; i++)
            found += store_get(s, &n->number[i], &history) == STORE_FOUND;
        get[round] = (spent_ns() - start) / (double)n->count;
        start = spent_ns();
        for (size_t i = 0; i < n->count; i++)
            live += filter_has(f, &n->number[i]);
        has[round] = (spent_ns() - start) / (double)n->count;
        start = spent_ns();
        for (size_t i = 0; i < n->count; i++) {
            struct parcel_number unknown = n->number[i];
            unknown.text[0] = '_';
            wrong += filter_has(f, &unknown);
        }
        miss[round] = (spent_ns() - start) / (double)n->count;
    }
    printf("%zu random lookups, median of %d: store_get %.0f ns, filter_has of a live number %.0f "
           "ns, of another "
           "%.0f ns\n",
           n->count, ROUNDS, median(get), median(has), median(miss));
    printf("found %.4f %%, live %.4f %%, false positives %.5f %%\n",
           100 * (double)found / (double)n->count / ROUNDS,
           100 * (double)live / (double)n->count / ROUNDS,
           100 * (double)wrong / (double)n->count / ROUNDS);
}

int main(int argc, char **argv)
{
    struct store *s;
    struct filter *f;
    struct error error;
    struct store_figures figures;
    struct numbers n = {.room = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000000};
    if (argc < 2 || n.room == 0) {
        fprintf(stderr, "usage: bench-store STATE [LOOKUPS]\n");
        return 2;
    }
    if (store_open(argv[1], true, &s, &error) != 0 || filter_open(argv[1], &f, &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    n.number = calloc(n.room, sizeof *n.number);
    if (!n.number || store_figures(s, &figures) != 0 || figures.parcels == 0)
        return 2;
    n.step = figures.parcels > n.room ? (size_t)(figures.parcels / n.room) : 1;
    nanos_t start = clock_boot();
    if (store_each_number(s, take, &n) != 0)
        return 2;
    printf("%llu parcels walked in %.2f s\n", (unsigned long long)figures.parcels,
           (double)(clock_boot() - start) / 1e9);
    shuffle(&n);
    measure(s, f, &n);
    free(n.number);
    filter_close(f);
    store_close(s);
    return 0;
}
