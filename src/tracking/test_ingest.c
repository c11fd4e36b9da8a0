#include "tracking/filter.h"
#include "tracking/ingest.h"
#include "tracking/journal.h"
#include "tracking/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { NOW = 1763600000 };

static char directory[64];
static struct contract *contract;

static void shell(const char *format, const char *path)
{
    char command[512];
    snprintf(command, sizeof command, format, path);
    assert_int_equal(system(command), 0);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/ecluse-ingest-XXXXXX");
    contract = calloc(1, sizeof *contract);
    if (!contract || !mkdtemp(directory))
        return -1;
    snprintf(contract->state, sizeof contract->state, "%s/state", directory);
    struct tracking_rules *rules = &contract->tracking;
    rules->present = true;
    rules->format_count = 1;
    rules->format[0] = (struct parcel_format){.kind = FORMAT_DIGITS, .shortest = 12, .longest = 12};
    rules->ahead = 15 * NANOS_MINUTE;
    rules->before = 60 * NANOS_DAY;
    contract->keep.tracking = 180 * NANOS_DAY;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)umount(contract->state); /* where a test that failed left it */
    free(contract);
    shell("rm -rf %s", directory);
    return 0;
}

/* ---- inputs --------------------------------------------------------------------------------- */

static void put_event(FILE *to, unsigned parcel, int64_t at, const char *source)
{
    char time[CLOCK_TEXT_SIZE];
    fprintf(to,
            "{\"parcel\":\"%012u\",\"at\":\"%s\",\"code\":\"ET1\",\"place\":\"Place "
            "%u\",\"country\":\"FR\"",
            parcel, clock_text(at * NANOS_SECOND, time), parcel % 89);
    if (source)
        fprintf(to, ",\"source\":\"%s\"", source);
    fputs("}\n", to);
}

static int open_lines(const char *lines)
{
    FILE *file = tmpfile();
    fputs(lines, file);
    fflush(file);
    int fd = dup(fileno(file));
    fclose(file);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

/* 3 events for each of `parcels`, scattered: the order of a live feed. */
static int open_feed(unsigned parcels)
{
    FILE *file = tmpfile();
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < parcels; i++)
            put_event(file, (unsigned)((i * 7919ull) % parcels),
                      NOW - 90000 + (int64_t)round * 3000, NULL);
    fflush(file);
    int fd = dup(fileno(file));
    fclose(file);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

struct asked {
    size_t batch;
    FILE *rejects;
    void (*progress)(void *context, const struct ingest_totals *totals);
    void *context;
};

static int run(int fd, struct asked asked, struct ingest_totals *totals, struct error *error)
{
    struct ingest_options options = {.contract = contract,
                                     .now = NOW,
                                     .batch_events = asked.batch,
                                     .rejects = asked.rejects,
                                     .progress = asked.progress,
                                     .context = asked.context};
    struct ingest *ingest;
    int code = ingest_begin(&options, &ingest, error);
    if (code != 0)
        return code;
    lseek(fd, 0, SEEK_SET);
    (void)ingest_input(ingest, "feed", fd, error); /* the end says it again */
    return ingest_end(ingest, totals, error);
}

static struct ingest_totals run_lines(const char *lines, FILE *rejects)
{
    struct ingest_totals totals;
    struct error error;
    int fd = open_lines(lines);
    assert_int_equal(run(fd, (struct asked){.rejects = rejects}, &totals, &error), 0);
    close(fd);
    return totals;
}

/* Everything that the store says, as one number; every parcel must be in the filter. */
struct content {
    uint64_t parcels, events, sum, missed;
};

static int sum_number(void *context, struct text number)
{
    void **both = context;
    struct content *content = both[0];
    struct parcel_number parcel = {.length = (uint8_t)number.length};
    memcpy(parcel.text, number.data, number.length);
    content->sum = hash_checksum(content->sum, number.data, number.length);
    content->missed += !filter_has(both[1], &parcel);
    content->parcels++;
    return 0;
}

static struct content content_of_store(void)
{
    static struct history history;
    struct content content = {0};
    struct store *s;
    struct filter *f;
    struct error error;
    assert_int_equal(store_open(contract->state, true, &s, &error), 0);
    assert_int_equal(filter_open(contract->state, &f, &error), 0);
    void *both[2] = {&content, f};
    assert_int_equal(store_each_number(s, sum_number, both), 0);
    for (unsigned i = 0; i < 60000; i++) {
        struct parcel_number parcel = {.length = 12};
        snprintf(parcel.text, sizeof parcel.text, "%012u", i % 1000000);
        enum store_result result = store_get(s, &parcel, &history);
        assert_true(result == STORE_FOUND || result == STORE_ABSENT);
        for (uint32_t k = 0; result == STORE_FOUND && k < history.count; k++, content.events++)
            content.sum = hash_checksum(content.sum + (uint64_t)history.event[k].at,
                                        history.event[k].place.data, history.event[k].place.length);
    }
    filter_close(f);
    store_close(s);
    return content;
}

/* ---- what is taken and what is refused ------------------------------------------------------ */

#define GOOD                                                                                       \
    "{\"parcel\":\"000000000001\",\"at\":\"2025-11-19T10:00:00Z\",\"code\":\"ET1\",\"place\":"     \
    "\"Lyon\"}\n"

static void the_same_input_twice_adds_nothing(void **state)
{
    (void)state;
    struct ingest_totals totals = run_lines(GOOD GOOD, NULL);
    assert_int_equal(totals.events, 2);
    assert_int_equal(totals.added, 1);
    assert_int_equal(totals.repeated, 1);
    assert_int_equal(totals.parcels, 1);
    assert_int_equal(totals.committed, 2);
    totals = run_lines(GOOD, NULL);
    assert_int_equal(totals.added, 0);
    assert_int_equal(totals.repeated, 1);
    struct content content = content_of_store();
    assert_int_equal(content.events, 1);
    assert_int_equal(content.missed, 0);
}

static void refused_lines_are_told_by_place_and_reason_never_by_content(void **state)
{
    (void)state;
    char text[1024] = "";
    FILE *rejects = fmemopen(text, sizeof text, "w");
    struct ingest_totals totals = run_lines(
        GOOD "SECRET\n"
             "{\"parcel\":\"000000000002\",\"at\":\"2027-01-01T00:00:00Z\",\"code\":\"ET1\"}\n"
             "{\"parcel\":\"000000000003\",\"at\":\"2024-01-01T00:00:00Z\",\"code\":\"ET1\"}\n"
             "{\"parcel\":\"000000000001\",\"at\":\"2025-08-01T00:00:00Z\",\"code\":\"SECRET\"}\n",
        rejects);
    fclose(rejects);
    assert_int_equal(totals.added, 1);
    assert_int_equal(totals.rejected[FEED_SYNTAX], 1);
    assert_int_equal(totals.rejected[FEED_FUTURE], 1);
    assert_int_equal(totals.rejected[FEED_EXPIRED], 1);
    assert_int_equal(totals.rejected[FEED_TOO_EARLY], 1);
    assert_non_null(strstr(text, "feed:2: is not well-formed"));
    assert_non_null(
        strstr(text, "feed:3: is dated further in the future than the contract allows"));
    assert_non_null(strstr(text, "feed:4: is older than the contract keeps"));
    assert_non_null(strstr(text, "feed:5: is dated too long before the parcel's first event"));
    assert_null(strstr(text, "SECRET"));
}

static void a_source_that_the_contract_does_not_list_is_refused(void **state)
{
    (void)state;
    contract->tracking.source_count = 1;
    strcpy(contract->tracking.source[0].name, "depots");
    struct ingest_totals totals = run_lines(
        "{\"parcel\":\"000000000001\",\"at\":\"2025-11-19T10:00:00Z\",\"code\":\"ET1\",\"source\":"
        "\"depots\"}\n"
        "{\"parcel\":\"000000000002\",\"at\":\"2025-11-19T10:00:00Z\",\"code\":\"ET1\",\"source\":"
        "\"other\"}\n"
        "{\"parcel\":\"000000000003\",\"at\":\"2025-11-19T10:00:00Z\",\"code\":\"ET1\"}\n",
        NULL);
    assert_int_equal(totals.added, 1);
    assert_int_equal(totals.rejected[FEED_SOURCE], 1);
    assert_int_equal(totals.rejected[FEED_NO_SOURCE], 1);
    struct feed_source_state sources[4];
    assert_int_equal(feed_sources(contract, NOW, sources, 4), 1);
    assert_string_equal(sources[0].name, "depots");
    assert_int_equal(sources[0].this_hour, 1);
    assert_int_equal(sources[0].last, NOW);
}

static void a_pause_of_the_feed_commits_what_came(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct ingest_totals totals;
        struct error error;
        close(ends[1]);
        _exit(run(ends[0], (struct asked){0}, &totals, &error) ? 1 : 0);
    }
    close(ends[0]);
    assert_int_equal(write(ends[1], GOOD, sizeof GOOD - 1), sizeof GOOD - 1);
    bool found = false;
    for (int i = 0; i < 100 && !found; i++) { /* while the feed is still open */
        struct store *s;
        static struct history history;
        struct parcel_number parcel = {.length = 12, .text = "000000000001"};
        usleep(50000);
        if (store_open(contract->state, true, &s, NULL) != 0)
            continue;
        found = store_get(s, &parcel, &history) == STORE_FOUND;
        store_close(s);
    }
    assert_true(found);
    close(ends[1]);
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

/* ---- the journal ---------------------------------------------------------------------------- */

static void whoever_may_not_see_what_came_is_told_so_and_not_of_silence(void **state)
{
    (void)state;
    struct feed_source_state source;
    contract->tracking.source_count = 1;
    strcpy(contract->tracking.source[0].name, "depots");
    contract->tracking.source[0].silent_after = NANOS_HOUR;
    run_lines(GOOD, NULL);
    uid_t before = geteuid();
    assert_int_equal(chmod(directory, before ? 0 : 0700), 0);
    if (before == 0)
        assert_int_equal(seteuid(65534), 0);
    size_t count = feed_sources(contract, NOW + 2 * 3600, &source, 1);
    assert_int_equal(seteuid(before), 0);
    assert_int_equal(chmod(directory, 0700), 0);
    assert_int_equal(count, 1);
    assert_true(source.unseen && !source.silent);
    feed_sources(contract, NOW + 2 * 3600, &source, 1);
    assert_true(!source.unseen && source.silent);
}

static void alarms_follow_from_the_journal(void **state)
{
    (void)state;
    enum { HOUR = 3600 };
    struct tracking_rules *rules = &contract->tracking;
    struct feed_source_state sources[4];
    rules->source_count = 2;
    strcpy(rules->source[0].name, "depots");
    rules->source[0].silent_after = 2 * NANOS_HOUR;
    strcpy(rules->source[1].name, "partner");
    assert_int_equal(feed_sources(contract, NOW, sources, 4), 2);
    assert_true(sources[0].silent); /* it never came */
    assert_false(sources[1].silent || sources[1].flooding);

    run_lines(GOOD, NULL); /* makes the directory */
    static struct journal journal;
    for (int hour = 0; hour < 48; hour++) {
        journal_count(journal_source(&journal, "depots"), NOW + hour * HOUR, 100);
        if (hour % 24 == 3)
            journal_count(journal_source(&journal, "partner"), NOW + hour * HOUR, 5000);
    }
    assert_int_equal(journal_write(contract->state, &journal), 0);
    int64_t now = NOW + 48 * HOUR;
    feed_sources(contract, now, sources, 4);
    assert_false(sources[0].silent || sources[0].flooding);
    assert_int_equal(sources[0].usual_per_hour, 100);
    assert_int_equal(sources[1].usual_per_hour, 5000); /* once a day is usual for it */
    feed_sources(contract, now + 2 * HOUR, sources, 4);
    assert_true(sources[0].silent);

    journal_count(journal_source(&journal, "depots"), now, 1000);
    journal_write(contract->state, &journal);
    feed_sources(contract, now, sources, 4);
    assert_false(sources[0].flooding);
    journal_count(journal_source(&journal, "depots"), now, 1);
    journal_write(contract->state, &journal);
    feed_sources(contract, now, sources, 4);
    assert_true(sources[0].flooding);
    feed_sources(contract, now + 8 * 24 * HOUR, sources, 4); /* 7 days on, nothing is remembered */
    assert_int_equal(sources[0].usual_per_hour, 0);
}

/* ---- being killed --------------------------------------------------------------------------- */

static void tell_committed(void *context, const struct ingest_totals *totals)
{
    *(_Atomic uint64_t *)context = totals->committed;
}

static uint64_t run_until_killed(int fd, size_t batch, unsigned microseconds,
                                 _Atomic uint64_t *committed)
{
    pid_t child = fork();
    *committed = 0;
    if (child == 0) {
        struct ingest_totals totals;
        struct error error;
        struct asked asked = {batch, NULL, tell_committed, (void *)committed};
        _exit(run(fd, asked, &totals, &error) ? 1 : 0);
    }
    usleep(microseconds);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return *committed;
}

/* The feed is in an order in which the first `committed` events are known: each must be there. */
static uint64_t missing_of(uint64_t committed, unsigned parcels)
{
    static struct history history;
    struct store *s;
    struct filter *f;
    uint64_t missing = 0;
    if (committed == 0)
        return 0;
    assert_int_equal(store_open(contract->state, true, &s, NULL), 0);
    assert_int_equal(filter_open(contract->state, &f, NULL), 0);
    for (uint64_t i = 0; i < committed; i++) {
        struct parcel_number parcel = {.length = 12};
        snprintf(parcel.text, sizeof parcel.text, "%012u",
                 (unsigned)((i % parcels * 7919ull) % parcels));
        missing += !filter_has(f, &parcel) || store_get(s, &parcel, &history) != STORE_FOUND ||
                   history.count <= i / parcels;
    }
    filter_close(f);
    store_close(s);
    return missing;
}

static void being_killed_at_any_moment_loses_nothing_that_was_reported(void **state)
{
    (void)state;
    enum { PARCELS = 20011, ROUNDS = 36 };
    int fd = open_feed(PARCELS);
    struct ingest_totals totals;
    struct error error;
    nanos_t start = clock_boot();
    assert_int_equal(run(fd, (struct asked){.batch = 400}, &totals, &error), 0);
    unsigned took = (unsigned)((clock_boot() - start) / 1000);
    struct content undisturbed = content_of_store();
    assert_int_equal(undisturbed.parcels, PARCELS);
    assert_int_equal(undisturbed.events, 3 * PARCELS);

    FILE *shared = tmpfile();
    assert_int_equal(ftruncate(fileno(shared), 4096), 0);
    _Atomic uint64_t *committed =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(shared), 0);
    uint64_t reported = 0, most = 0;
    unsigned draw = 7;
    for (int round = 0; round < ROUNDS; round++) {
        if (round % 4 == 0) {
            shell("rm -rf %s", contract->state);
            most = 0;
        }
        draw = draw * 1103515245 + 12345;
        uint64_t now = run_until_killed(fd, 400, 1000 + (draw >> 8) % (took + took / 8), committed);
        most = now > most ? now : most;
        reported += now > 0;
        assert_int_equal(missing_of(most, PARCELS), 0);
        if (round % 4 == 3) {
            assert_int_equal(run(fd, (struct asked){0}, &totals, &error), 0);
            struct content content = content_of_store();
            assert_int_equal(content.missed, 0);
            assert_true(content.sum == undisturbed.sum && content.events == undisturbed.events);
        }
    }
    print_message("%d kills, %llu of them after something was reported\n", ROUNDS,
                  (unsigned long long)reported);
    assert_true(reported > 3);
    munmap((void *)committed, 4096);
    fclose(shared);
    close(fd);
}

/* ---- a full disk ---------------------------------------------------------------------------- */

static void a_full_disk_is_said_and_ingest_goes_on_once_there_is_room(void **state)
{
    (void)state;
    enum { PARCELS = 60000 };
    struct ingest_totals totals;
    struct error error = {""};
    assert_int_equal(mkdir(contract->state, 0750), 0);
    if (mount("none", contract->state, "tmpfs", 0, "size=3m") != 0) {
        print_message("no right to mount: skipped\n");
        skip();
    }
    int fd = open_feed(PARCELS), small = open_feed(1000);
    assert_int_equal(run(small, (struct asked){0}, &totals, &error), 0);
    int code = run(fd, (struct asked){.batch = 5000}, &totals, &error);
    assert_int_equal(code, -ENOSPC);
    assert_non_null(strstr(error.text, "No space left on device"));
    struct content content = content_of_store();
    assert_true(content.parcels >= 1000 && content.parcels < PARCELS);
    assert_int_equal(content.missed, 0);
    assert_int_equal(missing_of(totals.committed, PARCELS), 0);
    assert_int_equal(mount("none", contract->state, "tmpfs", MS_REMOUNT, "size=64m"), 0);
    assert_int_equal(run(fd, (struct asked){.batch = 5000}, &totals, &error), 0);
    content = content_of_store();
    assert_int_equal(content.parcels, PARCELS);
    assert_int_equal(content.missed, 0);
    close(fd);
    close(small);
    assert_int_equal(umount(contract->state), 0);
}

static void a_filter_or_journal_that_cannot_be_written_is_told(void **state)
{
    (void)state;
    struct ingest_totals totals;
    struct error error = {""};
    int fd = open_feed(10);
    assert_int_equal(run(fd, (struct asked){0}, &totals, &error), 0);
    assert_false(totals.filter_failed || totals.journal_failed);
    shell("rm %s/state/tracking/live.filter", directory); /* so that it is to be built */
    shell("mkdir %s/state/tracking/live.filter.new", directory);
    assert_int_equal(run(fd, (struct asked){0}, &totals, &error), 0);
    assert_true(totals.filter_failed);
    assert_false(totals.journal_failed);
    shell("rmdir %s/state/tracking/live.filter.new", directory);
    shell("mkdir %s/state/tracking/feeds.new", directory);
    assert_int_equal(run(fd, (struct asked){0}, &totals, &error), 0);
    assert_false(totals.filter_failed);
    assert_true(totals.journal_failed);
    close(fd);
}

/* What happens when the dictionary is full: the bound is met in a run of many places. */
static void more_places_than_the_dictionary_holds_are_kept_in_the_records(void **state)
{
    (void)state;
    enum { PLACES = 70000 };
    static struct history history;
    FILE *file = tmpfile();
    char time[CLOCK_TEXT_SIZE];
    clock_text((NOW - 1000) * NANOS_SECOND, time);
    for (unsigned i = 0; i < PLACES; i++)
        fprintf(file, "{\"parcel\":\"%012u\",\"at\":\"%s\",\"code\":\"ET1\",\"place\":\"P%u\"}\n",
                i, time, i);
    fflush(file);
    struct ingest_totals totals;
    struct error error;
    for (int round = 0; round < 2; round++) {
        assert_int_equal(run(fileno(file), (struct asked){0}, &totals, &error), 0);
        assert_int_equal(totals.added, round ? 0 : PLACES);
    }
    fclose(file);
    struct store *s;
    assert_int_equal(store_open(contract->state, true, &s, &error), 0);
    for (unsigned i = 0; i < PLACES; i += 999) {
        struct parcel_number parcel = {.length = 12};
        char place[16];
        snprintf(parcel.text, sizeof parcel.text, "%012u", i);
        snprintf(place, sizeof place, "P%u", i);
        assert_int_equal(store_get(s, &parcel, &history), STORE_FOUND);
        assert_true(text_is(history.event[0].place, place));
    }
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define X(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        X(the_same_input_twice_adds_nothing),
        X(refused_lines_are_told_by_place_and_reason_never_by_content),
        X(a_source_that_the_contract_does_not_list_is_refused),
        X(a_pause_of_the_feed_commits_what_came),
        X(alarms_follow_from_the_journal),
        X(whoever_may_not_see_what_came_is_told_so_and_not_of_silence),
        X(being_killed_at_any_moment_loses_nothing_that_was_reported),
        X(a_filter_or_journal_that_cannot_be_written_is_told),
        X(a_full_disk_is_said_and_ingest_goes_on_once_there_is_room),
        X(more_places_than_the_dictionary_holds_are_kept_in_the_records),
#undef X
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
