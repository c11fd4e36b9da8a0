/* `ecluse audit export`: entries with their proofs in one file, for somebody who trusts nothing of
 * ours. */
#include "cli/audit_view.h"
#include "cli/audit_wish.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/record.h"
#include "status/figure.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct chosen {
    uint64_t *index;
    size_t count, room;
};

/* From the log itself, never by the index, which is no evidence of what is not there. */
static int choose(const struct audit_wish *w, struct audit_reader *reader, struct chosen *out,
                  struct error *error)
{
    uint64_t size = audit_reader_size(reader);
    struct progress progress = progress_begin(size, "entries", clock_boot());
    struct text text;
    int failed = 0;
    for (uint64_t i = 0; i < size && !failed; i++) {
        failed = audit_reader_entry(reader, i, &text);
        if (failed || !audit_wished(w, text))
            continue;
        if (out->count == out->room) {
            out->room = out->room ? out->room * 2 : 1024;
            uint64_t *larger = realloc(out->index, out->room * sizeof *larger);
            must(larger != NULL);
            out->index = larger;
        }
        out->index[out->count++] = i;
        if (i % 4096 == 0)
            progress_show(&progress, i, i, clock_boot());
    }
    progress_end(&progress);
    return failed
               ? error_set(
                     error, failed,
                     "the log cannot be read whole; `ecluse audit verify` says where it is wrong")
               : 0;
}

static int write_proofs(struct audit_reader *reader, const struct chosen *chosen, const char *path,
                        struct error *error)
{
    bool standard = strcmp(path, "-") == 0;
    int descriptor = standard
                         ? dup(STDOUT_FILENO)
                         : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    char *buffer = malloc(PROOF_SIZE_MAX);
    must(buffer != NULL);
    struct progress progress = progress_begin(chosen->count, "proofs", clock_boot());
    int failed = file ? 0 : -errno;
    for (size_t i = 0; i < chosen->count && !failed; i++) {
        struct writer w = writer_on(buffer, PROOF_SIZE_MAX);
        failed = audit_reader_proof(reader, chosen->index[i], &w);
        if (!failed && fwrite(w.data, 1, w.length, file) != w.length)
            failed = -EIO;
        progress_show(&progress, i, i, clock_boot());
    }
    progress_end(&progress);
    if (file && (fflush(file) != 0 || (!standard && fsync(descriptor) != 0)))
        failed = failed ? failed : -errno;
    if (file && fclose(file) != 0 && !failed)
        failed = -errno;
    free(buffer);
    return failed ? error_set(error, failed, "%s could not be written: %s", path, strerror(-failed))
                  : 0;
}

/* Who takes entries out is on the record before they have them. Not where the log is a copy, which
 * has no recorder. */
static int record_export(const struct arguments *a, const struct audit_place *place,
                         const struct audit_wish *w, const struct chosen *chosen)
{
    char actor[ACT_NAME_SIZE];
    if (!place->runtime[0])
        return EXIT_DONE;
    record_actor(actor);
    struct act act = record_act(ACT_EXPORT, actor,
                                w->kind < 0 ? "every kind" : act_kind_name((enum act_kind)w->kind),
                                "entries with their proofs were written to a file");
    if (w->hold)
        act_text(act.hold, sizeof act.hold, text_of(w->hold));
    act_number(&act, "count", (int64_t)chosen->count);
    act_number(&act, "first", (int64_t)chosen->index[0]);
    act_number(&act, "last", (int64_t)chosen->index[chosen->count - 1]);
    return record_durably(a, place->runtime, &act, "the export");
}

int audit_do_export(const struct arguments *a)
{
    bool json = a->option[OPTION_JSON] != NULL;
    struct audit_place place;
    struct audit_reader *reader = NULL;
    struct chosen chosen = {.count = 0};
    struct audit_wish w;
    struct error error;
    if (!a->option[OPTION_OUTPUT])
        return could_not(json, "say where to write with -o FILE");
    int status = audit_wish_read(a, &w);
    if (status == EXIT_DONE)
        status = audit_view_open(a, &place, &reader);
    if (status == EXIT_DONE && choose(&w, reader, &chosen, &error) != 0)
        status = could_not(json, "%s", error.text);
    if (status == EXIT_DONE && chosen.count == 0)
        status = could_not(json, "no entry is as you say, so nothing was written");
    if (status == EXIT_DONE)
        status = record_export(a, &place, &w, &chosen);
    if (status == EXIT_DONE && write_proofs(reader, &chosen, a->option[OPTION_OUTPUT], &error) != 0)
        status = could_not(json, "%s", error.text);
    bool standard = status == EXIT_DONE && strcmp(a->option[OPTION_OUTPUT], "-") == 0;
    char figure[FIGURE_SIZE];
    if (status == EXIT_DONE && json && !standard)
        output_json(json_pack("{s:I,s:I,s:o}", "entries", (json_int_t)chosen.count, "log_size",
                              (json_int_t)audit_reader_size(reader), "file",
                              json_safe(a->option[OPTION_OUTPUT])));
    else if (status == EXIT_DONE && !standard)
        printf("%s entries with their proofs in %s. Whoever gets it checks it with:\n  "
               "check-export.py %s --key NAME+ID+KEY\n",
               figure_count(chosen.count, figure), a->option[OPTION_OUTPUT],
               a->option[OPTION_OUTPUT]);
    audit_reader_close(reader);
    free(chosen.index);
    return status;
}
