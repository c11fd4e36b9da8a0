/* `ecluse audit verify`: a log judged by nobody's word. */
#include "cli/audit_view.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "status/figure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum { GAPS = 16, KEYS = 64 };

struct gap {
    char from[16];
    uint64_t missing, after; /* numbers, and the entry before which they are missing */
};

/* What the entries themselves say: each ring numbers its acts. */
struct numbers {
    struct {
        char from[16];
        uint64_t last;
    } ring[HANDOVER_COUNT];
    size_t rings;
    uint64_t gap_count, missing, repeated, unreadable;
    struct gap gap[GAPS];
    struct progress progress;
};

static uint64_t *last_of(struct numbers *n, const char *from)
{
    for (size_t i = 0; i < n->rings; i++)
        if (strcmp(n->ring[i].from, from) == 0)
            return &n->ring[i].last;
    if (n->rings == HANDOVER_COUNT)
        return NULL;
    snprintf(n->ring[n->rings].from, sizeof n->ring[0].from, "%s", from);
    return &n->ring[n->rings++].last;
}

static void look_at_entry(void *context, uint64_t index, struct text text)
{
    struct numbers *n = context;
    struct entry entry;
    if (entry_parse(text, &entry) != 0) {
        n->unreadable++;
        return;
    }
    uint64_t *last = entry.number ? last_of(n, entry.from) : NULL; /* 0: of the recorder itself */
    if (!last)
        return;
    if (entry.number > *last + 1) {
        if (n->gap_count < GAPS) {
            struct gap *gap = &n->gap[n->gap_count];
            *gap = (struct gap){.missing = entry.number - *last - 1, .after = index};
            snprintf(gap->from, sizeof gap->from, "%s", entry.from);
        }
        n->gap_count++;
        n->missing += entry.number - *last - 1;
    }
    /* From 1 again is a ring made anew, after a restart of the machine; a number again is an act
     * taken twice by a recorder that was killed. */
    if (entry.number <= *last && entry.number != 1)
        n->repeated++;
    *last = entry.number;
}

static void show(void *context, uint64_t done, uint64_t size)
{
    struct numbers *n = context;
    n->progress.total = size;
    progress_show(&n->progress, done, done, clock_boot());
}

/* ---- What was found -----------------------------------------------------------------------------
 */

static json_t *gaps_json(const struct numbers *n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < GAPS && i < n->gap_count; i++)
        json_array_append_new(list, json_pack("{s:s,s:I,s:I}", "from", n->gap[i].from, "missing",
                                              (json_int_t)n->gap[i].missing, "before_entry",
                                              (json_int_t)n->gap[i].after));
    return list;
}

static int tell_json(const struct verify_report *report, const struct numbers *n)
{
    bool sound = report->finding == VERIFY_SOUND;
    output_json(json_pack("{s:b,s:s,s:o,s:I,s:b,s:b,s:I,s:o,s:o,s:I,s:I,s:I}", "sound", (int)sound,
                          "finding", verify_finding_text(report->finding), "place",
                          json_safe(report->place), "entries", (json_int_t)report->size,
                          "key_authenticated", (int)report->key_authenticated, "rollback_excluded",
                          (int)report->rollback_excluded, "cosigned_entries",
                          (json_int_t)report->cosigned_size, "key", json_safe(report->key_text),
                          "gaps", gaps_json(n), "missing", (json_int_t)n->missing, "repeated",
                          (json_int_t)n->repeated, "unreadable", (json_int_t)n->unreadable));
    return sound ? EXIT_DONE : EXIT_PARTLY;
}

static void tell_numbers(const struct numbers *n)
{
    for (size_t i = 0; i < GAPS && i < n->gap_count; i++)
        printf("gap:      %" PRIu64 " acts of %s are missing before entry %" PRIu64
               "; an entry `lost` says why, or nobody did\n",
               n->gap[i].missing, n->gap[i].from, n->gap[i].after);
    if (n->gap_count > GAPS)
        printf("gap:      and %" PRIu64 " gaps more\n", n->gap_count - GAPS);
    if (n->gap_count == 0)
        puts("gaps:     none in the guards' numbers");
    if (n->repeated)
        printf("repeated: %" PRIu64 " acts stand twice, taken again after a recorder was killed\n",
               n->repeated);
    if (n->unreadable)
        printf("unread:   %" PRIu64 " entries are not of a form that this version knows\n",
               n->unreadable);
}

static int tell_text(const struct verify_report *report, const struct numbers *n)
{
    char figure[FIGURE_SIZE];
    if (report->finding != VERIFY_SOUND) {
        output_tone(stdout, TONE_BAD, "NOT SOUND");
        printf(" %s: %s\n", report->place, verify_finding_text(report->finding));
        return EXIT_PARTLY;
    }
    output_tone(stdout, TONE_GOOD, "sound");
    printf("     %s entries: %s\n", figure_count(report->size, figure),
           verify_finding_text(report->finding));
    if (report->key_authenticated)
        printf("key:      signed by %s\n", report->key_text);
    else
        printf("key:      not authenticated: the checkpoint claims %s; give --key FILE, from "
               "whoever keeps the log's key\n",
               report->key_text);
    if (report->rollback_excluded)
        printf("rollback: excluded up to entry %s, by the checkpoint that was kept elsewhere\n",
               figure_count(report->cosigned_size, figure));
    else
        puts("rollback: not excluded: an older state of this log would look the same; give "
             "--cosigned FILE, a checkpoint\n"
             "          that was kept elsewhere, or ask a witness for it");
    tell_numbers(n);
    return EXIT_DONE;
}

/* ---- What is asked ------------------------------------------------------------------------------
 */

struct asked {
    struct verifier_key key[KEYS], witness[KEYS];
    char cosigned[NOTE_SIZE_MAX];
};

static int read_cosigned(const char *path, struct asked *asked, struct text *out,
                         struct error *error)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    *out = (struct text){asked->cosigned, fread(asked->cosigned, 1, sizeof asked->cosigned, file)};
    int failed = ferror(file) || out->length == 0
                     ? error_set(error, -EIO, "%s: cannot be read, or is empty", path)
                     : 0;
    fclose(file);
    return failed;
}

/* Verifier keys of the log: any of them may have signed it. */
static int read_asked(const struct arguments *a, struct asked *asked,
                      struct verify_options *options, struct error *error)
{
    const char *key = a->option[OPTION_KEY], *witness = a->option[OPTION_WITNESS],
               *cosigned = a->option[OPTION_COSIGNED];
    long keys = key ? verifier_keys_load(key, asked->key, KEYS, error) : 0;
    if (keys < 0 || (key && keys == 0))
        return keys < 0 ? (int)keys : error_set(error, -EINVAL, "%s: has no key in it", key);
    if (keys > 0) {
        options->key = &asked->key[0];
        options->former = &asked->key[1];
        options->former_count = (size_t)keys - 1;
    }
    long witnesses = witness ? verifier_keys_load(witness, asked->witness, KEYS, error) : 0;
    if (witnesses < 0)
        return (int)witnesses;
    if (witness && !cosigned)
        return error_set(
            error, -EINVAL,
            "--witness FILE says whose cosignature counts on --cosigned FILE, which is missing");
    options->witnesses = asked->witness;
    options->witness_count = (size_t)witnesses;
    return cosigned ? read_cosigned(cosigned, asked, &options->cosigned, error) : 0;
}

static int verify_folder(const struct arguments *a, const char *folder)
{
    bool json = a->option[OPTION_JSON] != NULL;
    struct error error = {""};
    struct asked *asked = calloc(1, sizeof *asked);
    must(asked != NULL);
    struct numbers n = {.progress = progress_begin(1, "entries", clock_boot())};
    struct verify_options options = {.entry = look_at_entry, .progress = show, .context = &n};
    struct verify_report report;
    int status = EXIT_DONE;
    if (read_asked(a, asked, &options, &error) != 0)
        status = could_not(json, "%s", error.text);
    int failed = status == EXIT_DONE ? audit_verify(folder, &options, &report) : 0;
    progress_end(&n.progress);
    if (failed)
        status = could_not(json, "%s: %s%s", folder, strerror(-failed), audit_who_may(failed));
    else if (status == EXIT_DONE)
        status = (json ? tell_json : tell_text)(&report, &n);
    free(asked);
    return status;
}

int audit_do_verify(const struct arguments *a)
{
    struct audit_place place;
    if (a->operand_count > 1)
        return verify_folder(a, a->operand[1]);
    int status = audit_place_find(a, &place);
    return status == EXIT_DONE ? verify_folder(a, place.log) : status;
}
