/* audit.c: the audit log under load, and when it is long.
 *
 *   bench-audit append [SECONDS [RATE]]   hands acts over at RATE a second (100,000) with 5 ms
 * injected into every fsync, and measures from hand-over to durable bench-audit long [ENTRIES] a
 * log of so many entries (10,000,000): verify, open, why
 *
 * fsync is this program's own here: 5 ms, then the real one. Folders are made below TMPDIR, and
 * removed.
 */
#include "audit/audit.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_bool slow;
static char state[64], runtime[64];

int fsync(int file);
int fdatasync(int file);

static void wait_as_a_disk(void)
{
    if (atomic_load(&slow))
        nanosleep(&(struct timespec){.tv_nsec = 5 * NANOS_MILLISECOND}, NULL);
}

int fsync(int file)
{
    wait_as_a_disk();
    return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file)
{
    wait_as_a_disk();
    return (int)syscall(SYS_fdatasync, file);
}

static void fail(const struct error *error)
{
    fprintf(stderr, "bench-audit: %s\n", error->text);
    exit(1);
}

static double seconds_since(nanos_t began)
{
    return (double)(clock_boot() - began) / (double)NANOS_SECOND;
}

static struct act hold_act(uint64_t number)
{
    struct act act = {
        .at = clock_wall(), .kind = ACT_HOLD, .actor = "guard front", .object = "logins"};
    snprintf(act.subject, sizeof act.subject, "198.51.%u.%u", (unsigned)(number >> 8 & 255),
             (unsigned)(number & 255));
    snprintf(act.hold, sizeof act.hold, "hold-%llx-front", (unsigned long long)number);
    snprintf(act.reason, sizeof act.reason, "61 of 60 requests in 3600 s");
    act_number(&act, "used", 61);
    act_number(&act, "limit", 60);
    return act;
}

/* ---- append -------------------------------------------------------------------------------------
 */

enum { SAMPLES = 1 << 16 };

struct load {
    struct handover *ring;
    uint64_t rate, total, lost;
    _Atomic uint64_t given; /* the last number handed over */
    nanos_t *handed;        /* when each was */
    atomic_bool done;
};

static void *produce(void *argument)
{
    struct load *load = argument;
    nanos_t began = clock_boot();
    for (uint64_t i = 0; i < load->total; i++) {
        nanos_t due = began + (nanos_t)((double)i * (double)NANOS_SECOND / (double)load->rate);
        while (clock_boot() < due)
            nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
        struct act act = hold_act(i);
        load->handed[i] = clock_boot();
        if (handover_act(load->ring, &act) == 0)
            load->lost++;
        else
            atomic_fetch_add(&load->given, 1);
    }
    atomic_store(&load->done, true);
    return NULL;
}

static int by_time(const void *a, const void *b)
{
    nanos_t x = *(const nanos_t *)a, y = *(const nanos_t *)b;
    return x < y ? -1 : x > y;
}

static void append(double seconds, uint64_t rate)
{
    struct error error;
    struct recorder *recorder;
    pthread_t thread;
    struct load load = {.rate = rate, .total = (uint64_t)(seconds * (double)rate)};
    load.handed = calloc(load.total, sizeof *load.handed);
    nanos_t *took = calloc(load.total, sizeof *took);
    must(load.handed && took);
    if (handover_create(runtime, HANDOVER_FRONT, -1, &error) != 0 ||
        handover_open(runtime, HANDOVER_FRONT, &load.ring, &error) != 0 ||
        recorder_open(state, runtime, "bench.example/log", &recorder, &error) != 0)
        fail(&error);
    struct follower *follower = follower_start(state);
    atomic_store(&slow, true);
    nanos_t began = clock_boot();
    pthread_create(&thread, NULL, produce, &load);
    uint64_t durable = 0, commits = 0;
    struct rusage use;
    while (!atomic_load(&load.done) || durable < atomic_load(&load.given)) {
        long done = recorder_step(recorder, clock_boot(), clock_wall(), &error);
        if (done < 0)
            fail(&error);
        nanos_t now = clock_boot();
        for (long i = 0; i < done; i++, durable++)
            took[durable] = now - load.handed[durable];
        commits += done > 0;
        if (done == 0)
            nanosleep(&(struct timespec){.tv_nsec = NANOS_MILLISECOND}, NULL);
    }
    double whole = seconds_since(began);
    pthread_join(thread, NULL);
    atomic_store(&slow, false);
    getrusage(RUSAGE_SELF, &use);
    qsort(took, durable, sizeof *took, by_time);
    printf("append: %llu entries in %.2f s: %.0f/s, %llu commits, %llu lost; hand-over to durable: "
           "median %.1f ms, 99 %% %.1f ms, "
           "99.9 %% %.1f ms, largest %.1f ms; CPU %.2f s\n",
           (unsigned long long)durable, whole, (double)durable / whole, (unsigned long long)commits,
           (unsigned long long)load.lost, (double)took[durable / 2] / 1e6,
           (double)took[durable / 100 * 99] / 1e6, (double)took[durable / 1000 * 999] / 1e6,
           (double)took[durable - 1] / 1e6,
           (double)use.ru_utime.tv_sec + (double)use.ru_stime.tv_sec +
               (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
    follower_stop(follower);
    recorder_close(recorder);
    handover_close(load.ring);
    free(load.handed);
    free(took);
}

/* ---- long ---------------------------------------------------------------------------------------
 */

static void make_log(uint64_t entries, const char *folder)
{
    struct error error;
    struct signer_key key;
    struct audit_log *log;
    if (audit_key_load(state, "bench.example/log", &key, &error) != 0 ||
        audit_log_open(folder, &key, &log, &error) != 0)
        fail(&error);
    nanos_t began = clock_boot();
    for (uint64_t i = 0; i < entries; i++) {
        char buffer[ENTRY_SIZE];
        struct writer w = writer_on(buffer, sizeof buffer);
        struct entry_salts salts;
        struct handed_over handed = {.from = HANDOVER_FRONT, .number = i + 1, .act = hold_act(i)};
        entry_write(&handed, &w, &salts);
        if (audit_log_stage(log, (struct text){buffer, w.length}) < 0)
            exit(1);
        if (audit_log_staged(log) == 16000 && audit_log_commit(log, &error) != 0)
            fail(&error);
    }
    if (audit_log_commit(log, &error) != 0)
        fail(&error);
    printf("long: %llu entries written in %.1f s\n", (unsigned long long)entries,
           seconds_since(began));
    audit_log_close(log);
}

static void measure_open(const char *folder)
{
    struct error error;
    struct signer_key key;
    struct audit_log *log;
    nanos_t began = clock_boot();
    if (audit_key_load(state, "bench.example/log", &key, &error) != 0 ||
        audit_log_open(folder, &key, &log, &error) != 0)
        fail(&error);
    printf("open: %.1f ms\n", seconds_since(began) * 1e3);
    audit_log_close(log);
}

static void measure_verify(const char *folder, uint64_t entries)
{
    struct verify_report report;
    struct verify_options options = {.key = NULL};
    nanos_t began = clock_boot();
    struct timespec before, after;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    if (audit_verify(folder, &options, &report) != 0 || report.finding != VERIFY_SOUND)
        exit(1);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    double cpu =
        (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
    printf("verify: %.1f s, %.0f entries/s; of CPU alone %.0f entries/s\n", seconds_since(began),
           (double)entries / seconds_since(began), (double)entries / cpu);
}

static void measure_why(const char *folder, uint64_t entries)
{
    struct error error;
    struct index *index;
    struct audit_reader *reader;
    char path[160];
    nanos_t began = clock_boot();
    snprintf(path, sizeof path, "%s/record", state);
    if (audit_reader_open(folder, &reader, &error) != 0 ||
        index_open(index_path(state, path, sizeof path), &index, &error) != 0)
        fail(&error);
    while (index_size(index) < entries)
        if (index_follow(index, reader, 65536, &error) <= 0)
            fail(&error);
    printf("index: built in %.1f s (%.0f entries/s)\n", seconds_since(began),
           (double)entries / seconds_since(began));
    index_close(index);
    audit_reader_close(reader);
    nanos_t worst = 0;
    for (unsigned round = 0; round < 50;
         round++) { /* as `ecluse why` does it: everything opened anew */
        char hold[40];
        uint64_t found[32];
        struct text text;
        struct entry entry;
        snprintf(hold, sizeof hold, "hold-%llx-front", (unsigned long long)(entries / 50 * round));
        began = clock_boot();
        struct index_query query = {.hold = hold, .kind = -1};
        if (index_open(index_path(state, path, sizeof path), &index, &error) != 0 ||
            index_find(index, &query, found, 32) != 1 ||
            audit_reader_open(folder, &reader, &error) != 0 ||
            audit_reader_entry(reader, found[0], &text) != 0 || entry_parse(text, &entry) != 0)
            fail(&error);
        index_close(index);
        audit_reader_close(reader);
        worst = clock_boot() - began > worst ? clock_boot() - began : worst;
    }
    printf("why: the slowest of 50 took %.2f ms\n", (double)worst / 1e6);
}

int main(int argc, char **argv)
{
    const char *where = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    char folder[128], command[300];
    snprintf(state, sizeof state, "%.40s/bench-audit-XXXXXX", where);
    strcpy(runtime, "/dev/shm/bench-audit-XXXXXX");
    if (argc < 2 || !mkdtemp(state) || !mkdtemp(runtime)) {
        fputs("bench-audit append [SECONDS [RATE]] | long [ENTRIES]\n", stderr);
        return 2;
    }
    snprintf(folder, sizeof folder, "%s/audit", state);
    snprintf(command, sizeof command, "mkdir -p %s/record; rm -rf %s/nothing", state, state);
    if (system(command) != 0)
        return 2;
    if (strcmp(argv[1], "append") == 0) {
        append(argc > 2 ? atof(argv[2]) : 10, argc > 3 ? strtoull(argv[3], NULL, 10) : 100000);
    } else {
        uint64_t entries = argc > 2 ? strtoull(argv[2], NULL, 10) : 10000000;
        make_log(entries, folder);
        measure_open(folder);
        measure_verify(folder, entries);
        measure_why(folder, entries);
    }
    snprintf(command, sizeof command, "rm -rf %s %s", state, runtime);
    return system(command) == 0 ? 0 : 1;
}
