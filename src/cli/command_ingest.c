/* `ecluse ingest`: feeds of parcel events into the store.
 *
 * Inputs and the rejects file are opened first, with the rights of whoever asked; then all rights
 * but those on `state/tracking` are given up, and only then is a byte of a feed read.
 */
#include "cli/directories.h"
#include "cli/inputs.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/record.h"
#include "cli/situation.h"

#include "tracking/ingest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

struct intake {
    const struct arguments *a;
    bool json;
    struct contract *contract;
    struct inputs inputs;
    FILE *rejects;
    struct progress progress;
    struct ingest_totals totals;
    enum feed_format format;
    struct handover *record; /* NULL: `ecluse run` has not made the log's rings here yet */
    nanos_t began;
};

static bool format_of(const char *named, enum feed_format *out)
{
    static const enum feed_format all[] = {FEED_AUTO, FEED_NDJSON, FEED_CSV, FEED_EPCIS,
                                           FEED_SUIVI};
    *out = FEED_AUTO;
    for (size_t i = 0; named && i < sizeof all / sizeof all[0]; i++) {
        *out = all[i];
        if (strcmp(named, feed_format_name(all[i])) == 0)
            return true;
    }
    return named == NULL;
}

static int rejects_open(struct intake *k)
{
    const char *name = k->a->option[OPTION_REJECTS];
    if (name == NULL)
        return EXIT_DONE;
    k->rejects = fopen(name, "we");
    if (k->rejects == NULL)
        return could_not(k->json, "%s cannot be written: %s; name another with --rejects", name,
                         strerror(errno));
    return EXIT_DONE;
}

static int give_up_rights(struct intake *k)
{
    struct error error;
    struct account account = account_of_service(k->contract->state);
    if (directories_for_ingest(k->contract, &account, group_of_workers(), &error) < 0)
        return could_not(k->json, "%s", error.text);
    if (rights_drop(&account, &error) < 0)
        return could_not(k->json, "%s", error.text);
    char tracking[CONTRACT_PATH_SIZE + 32], closed[CONTRACT_PATH_SIZE + 32];
    snprintf(tracking, sizeof tracking, "%s/tracking", k->contract->state);
    if (path_first_closed(tracking, closed, sizeof closed))
        return could_not(k->json,
                         "user %s may not enter %s, which is on the way to the store; "
                         "say chmod o+x %s, or choose another `state:`",
                         *account.name ? account.name : "(this one)", closed, closed);
    const struct rights_paths paths = {.writable = tracking,
                                       .readable = {"/proc/sys/kernel/random"}};
    const char *partly;
    if (rights_confine(&paths, &partly, &error) < 0)
        return could_not(k->json, "%s", error.text);
    return EXIT_DONE;
}

static void show_progress(void *context, const struct ingest_totals *totals)
{
    struct intake *k = context;
    uint64_t rejected = 0;
    for (int i = 1; i < FEED_REASON_COUNT; i++)
        rejected += totals->rejected[i];
    progress_show(&k->progress, totals->bytes, totals->events + rejected, clock_boot());
}

/* LMDB calls a write that was cut short by a full disk an input/output error. */
static bool disk_is_full(const char *state)
{
    struct statvfs disk;
    return statvfs(state, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize < UINT64_C(1)
                                                                                       << 20;
}

static int read_inputs(struct intake *k, enum feed_format format)
{
    struct error error = {""};
    const struct ingest_options options = {
        .contract = k->contract,
        .format = format,
        .rejects = k->rejects,
        .now = clock_wall() / NANOS_SECOND,
        .progress = show_progress,
        .context = k,
    };
    struct ingest *ingest;
    if (ingest_begin(&options, &ingest, &error) < 0)
        return could_not(k->json, "%s", error.text);
    int code = 0;
    for (size_t i = 0; i < k->inputs.count && code == 0; i++)
        code = ingest_input(ingest, k->inputs.input[i].name, k->inputs.input[i].descriptor,
                            &error);
    struct error ending = {""};
    int ended = ingest_end(ingest, &k->totals, &ending);
    progress_end(&k->progress);
    if (code < 0 || ended < 0)
        return could_not(
            k->json,
            "%s%s; %" PRIu64 " events are in the store; the same feed again "
            "completes it",
            code < 0 ? error.text : ending.text,
            disk_is_full(k->contract->state) ? " (No space left on the disk: make room)" : "",
            k->totals.committed);
    return EXIT_DONE;
}

static uint64_t rejected_in_all(const struct ingest_totals *t)
{
    uint64_t sum = 0;
    for (int i = 1; i < FEED_REASON_COUNT; i++)
        sum += t->rejected[i];
    return sum;
}

/* One entry a run, whatever it took in; the files' names may be personal, so their number stands
 * for them. */
static void put_on_record(const struct intake *k, int status)
{
    const struct ingest_totals *t = &k->totals;
    char actor[ACT_NAME_SIZE];
    record_actor(actor);
    struct act act = record_act(ACT_INGEST, actor, feed_format_name(k->format), "%s",
                                status == EXIT_DONE ? "read to its end" : "ended before its time");
    act_number(&act, "inputs", (int64_t)k->inputs.count);
    act_number(&act, "events", (int64_t)t->events);
    act_number(&act, "added", (int64_t)t->added);
    act_number(&act, "rejected", (int64_t)rejected_in_all(t));
    act_number(&act, "parcels", (int64_t)t->parcels);
    act_number(&act, "bytes", (int64_t)t->bytes);
    handover_act(k->record, &act);
}

static void summary_json(const struct intake *k, double seconds)
{
    const struct ingest_totals *t = &k->totals;
    json_t *reasons = json_object();
    for (int i = 1; i < FEED_REASON_COUNT; i++)
        if (t->rejected[i])
            json_object_set_new(reasons, feed_reason_name((enum feed_reason)i),
                                json_integer((json_int_t)t->rejected[i]));
    output_json(json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:b,s:b,s:f,s:o}", "events",
                          (json_int_t)t->events, "added", (json_int_t)t->added, "repeated",
                          (json_int_t)t->repeated, "parcels", (json_int_t)t->parcels, "committed",
                          (json_int_t)t->committed, "rejected", (json_int_t)rejected_in_all(t),
                          "dropped_fields", (json_int_t)t->dropped, "bytes", (json_int_t)t->bytes,
                          "filter_failed", (int)t->filter_failed, "journal_failed",
                          (int)t->journal_failed, "seconds", seconds, "reasons", reasons));
}

static void summary_text(const struct intake *k, double seconds)
{
    const struct ingest_totals *t = &k->totals;
    char figure[FIGURE_SIZE], rate[FIGURE_SIZE], span[FIGURE_SIZE], added[FIGURE_SIZE];
    uint64_t taken = t->added + t->repeated, rejected = rejected_in_all(t), read = taken + rejected;
    printf("%s event%s read", figure_count(read, figure), read == 1 ? "" : "s");
    printf(" in %s (%s/s)", figure_span((nanos_t)(seconds * (double)NANOS_SECOND), span),
           figure_count(seconds > 0 ? (uint64_t)((double)read / seconds) : read, rate));
    printf(": %s taken (%s new", figure_count(taken, figure), figure_count(t->added, added));
    printf(", %s already there), ", figure_count(t->repeated, figure));
    printf("%s rejected\n", figure_count(rejected, figure));
    static const char *const titles[] = {">", ""};
    struct table table = table_of(2, titles);
    const struct {
        uint64_t count;
        const char *what;
        enum tone tone;
    } lines[] = {{t->parcels, "parcels new to the store", TONE_PLAIN},
                 {t->dropped, "personal fields left out", TONE_PLAIN},
                 {rejected, "rejected:", TONE_WARNING}};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (lines[i].count == 0 && i >= 1)
            continue;
        table_row(&table);
        table_cell(&table, lines[i].tone, "  %s", figure_count(lines[i].count, figure));
        table_cell(&table, lines[i].tone, "%s", lines[i].what);
    }
    for (int i = 1; i < FEED_REASON_COUNT; i++) {
        if (t->rejected[i] == 0)
            continue;
        table_row(&table);
        table_cell(&table, TONE_WARNING, "  %s", figure_count(t->rejected[i], figure));
        table_cell(&table, TONE_PLAIN, "  %s", feed_reason_text((enum feed_reason)i));
    }
    table_print(&table, stdout);
    if (t->filter_failed)
        puts("The filter of live numbers could not be written: lookups are slower, not wrong. "
             "Any feed builds it.");
    if (t->journal_failed)
        puts("The journal of feeds could not be written: the alarms of `sources` do not "
             "know of this run.");
    if (rejected && k->a->option[OPTION_REJECTS] == NULL)
        puts("--rejects FILE would tell where each of them is.");
}

/* What was buffered may not have fitted: a full disk shows only when the file is closed. */
static int rejects_close(struct intake *k)
{
    if (k->rejects == NULL)
        return EXIT_DONE;
    bool failed = ferror(k->rejects) != 0;
    failed = fclose(k->rejects) != 0 || failed;
    k->rejects = NULL;
    if (failed)
        return could_not(k->json,
                         "%s could not be written whole: %s; the events themselves are in "
                         "the store; the same feed again tells the rejects again",
                         k->a->option[OPTION_REJECTS], strerror(errno ? errno : ENOSPC));
    return EXIT_DONE;
}

static int ingest_all(struct intake *k)
{
    enum feed_format format;
    if (!format_of(k->a->option[OPTION_FORMAT], &format))
        return could_not(k->json, "--format is %s", "auto, epcis, ndjson, csv or suivi");
    k->contract = contract_load(contract_file(k->a), k->json);
    if (k->contract == NULL)
        return EXIT_COULD_NOT;
    if (!k->contract->tracking.present)
        return could_not(k->json, "the contract has no `tracking:` section, so there is no store; "
                                  "add one with the formats of your parcel numbers");
    k->format = format;
    handover_open(k->contract->runtime, HANDOVER_INGEST, &k->record, NULL);
    int status = inputs_open(k->a, k->json, &k->inputs);
    k->progress = progress_begin(k->inputs.total, "events", clock_boot());
    if (status == EXIT_DONE)
        status = rejects_open(k);
    if (status == EXIT_DONE)
        status = give_up_rights(k);
    if (status == EXIT_DONE)
        status = read_inputs(k, format);
    put_on_record(k, status);
    if (status != EXIT_DONE)
        return status;
    status = rejects_close(k);
    if (status != EXIT_DONE)
        return status;
    double seconds = (double)(clock_boot() - k->began) / (double)NANOS_SECOND;
    if (k->json)
        summary_json(k, seconds);
    else
        summary_text(k, seconds);
    const struct ingest_totals *t = &k->totals;
    bool all = !rejected_in_all(t) && !t->filter_failed && !t->journal_failed;
    return !all ? EXIT_PARTLY : EXIT_DONE;
}

int command_ingest(const struct arguments *a)
{
    struct intake k = {.a = a, .json = a->option[OPTION_JSON] != NULL, .began = clock_boot()};
    int status = ingest_all(&k);
    if (k.rejects)
        fclose(k.rejects);
    handover_close(k.record);
    inputs_close(&k.inputs);
    free(k.contract);
    return status;
}
