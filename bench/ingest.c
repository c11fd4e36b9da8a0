/* Ingest from files or standard input, as `ecluse ingest` does it, with what it cost.
 *
 *   build/bench/make-parcels --count 20000000 --seed 1 --events 3 > sorted.ndjson
 *   build/bench/make-parcels --count 20000000 --seed 1 --events 1 --skip 3 --shuffle --limit
 *   10000000 > updates.ndjson taskset -c 0 build/bench/bench-ingest --state DIR sorted.ndjson
 *   taskset -c 0 build/bench/bench-ingest --state DIR updates.ndjson
 */
#include "tracking/ingest.h"
#include "tracking/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static unsigned long anonymous_most; /* kB */

static unsigned long anonymous_memory(void)
{
    char line[128];
    unsigned long kilobytes = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "RssAnon: %lu kB", &kilobytes) == 1)
            break;
    if (status)
        fclose(status);
    return kilobytes;
}

static void watch(void *context, const struct ingest_totals *totals)
{
    unsigned long now = anonymous_memory();
    (void)context;
    (void)totals;
    anonymous_most = now > anonymous_most ? now : anonymous_most;
}

static struct contract *make_contract(const char *state)
{
    struct contract *c = calloc(1, sizeof *c);
    if (!c || strlen(state) >= sizeof c->state)
        return NULL;
    strcpy(c->state, state);
    static const struct parcel_format formats[] = {
        {.kind = FORMAT_S10}, {.kind = FORMAT_COLISSIMO}, {.kind = FORMAT_SSCC}};
    memcpy(c->tracking.format, formats, sizeof formats);
    c->tracking.present = true;
    c->tracking.format_count = sizeof formats / sizeof *formats;
    c->tracking.ahead = 15 * NANOS_MINUTE;
    c->tracking.before = 60 * NANOS_DAY;
    c->keep.tracking = 3650 * NANOS_DAY;
    return c;
}

static double cpu_seconds(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void report(const struct contract *c, const struct ingest_totals *t, double seconds,
                   double inputs)
{
    struct store *store;
    struct filter *filter;
    struct store_figures s;
    struct filter_figures f;
    struct error error;
    printf("events %llu added %llu repeated %llu parcels %llu\n", (unsigned long long)t->events,
           (unsigned long long)t->added, (unsigned long long)t->repeated,
           (unsigned long long)t->parcels);
    for (int i = 1; i < FEED_REASON_COUNT; i++)
        if (t->rejected[i])
            printf("rejected %llu %s\n", (unsigned long long)t->rejected[i],
                   feed_reason_name((enum feed_reason)i));
    printf("wall %.2f s (inputs %.2f, end %.2f), cpu %.2f s, %.0f events/s, %.1f MB/s\n", seconds,
           inputs, seconds - inputs, cpu_seconds(), (double)t->events / seconds,
           (double)t->bytes / seconds / 1e6);
    printf("memory of its own at most %lu MB (seen at progress)\n", anonymous_most / 1024);
    if (store_open(c->state, true, &store, &error) != 0 || store_figures(store, &s) != 0)
        return;
    printf("store: %llu parcels, file %.3f GB, in use %.3f GB, %.1f bytes a parcel\n",
           (unsigned long long)s.parcels, (double)s.bytes_file / 1e9, (double)s.bytes_used / 1e9,
           (double)s.bytes_file / (double)s.parcels);
    store_close(store);
    if (filter_open(c->state, &filter, &error) != 0)
        return;
    filter_figures(filter, &f);
    printf("filter: %s, %llu numbers (delta %llu of %llu), %.2f bits a number\n",
           f.usable ? "usable" : "NOT usable", (unsigned long long)f.numbers,
           (unsigned long long)f.delta, (unsigned long long)f.delta_room,
           (double)f.bits_per_number_milli / 1000);
    filter_close(filter);
}

int main(int argc, char **argv)
{
    struct error error = {""};
    if (argc < 3 || strcmp(argv[1], "--state") != 0) {
        fprintf(stderr, "usage: ingest --state DIR [FILE...]\n");
        return 2;
    }
    struct contract *c = make_contract(argv[2]);
    if (!c)
        return 2;
    struct ingest_options options = {
        .contract = c, .now = clock_wall() / NANOS_SECOND, .progress = watch};
    struct ingest *ingest = NULL;
    struct ingest_totals totals;
    nanos_t start = clock_boot();
    int code = ingest_begin(&options, &ingest, &error);
    for (int i = 3; i < argc && code == 0; i++) {
        int fd = open(argv[i], O_RDONLY);
        code = fd < 0 ? -errno : ingest_input(ingest, argv[i], fd, &error);
        close(fd);
    }
    if (argc == 3 && code == 0)
        code = ingest_input(ingest, "-", STDIN_FILENO, &error);
    nanos_t inputs = clock_boot();
    int ended = ingest ? ingest_end(ingest, &totals, &error) : code;
    if (code || ended) {
        fprintf(stderr, "ingest: %s\n", error.text);
        return 2;
    }
    report(c, &totals, (double)(clock_boot() - start) / 1e9, (double)(inputs - start) / 1e9);
    free(c);
    return 0;
}
