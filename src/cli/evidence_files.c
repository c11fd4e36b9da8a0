#include "cli/evidence_files.h"

#include "cli/output.h"
#include "files/evidence.h"
#include "status/status.h"

#include <errno.h>
#include <inttypes.h>

enum { SHOWN = 40 }; /* more are for programs: --json */

struct reading {
    json_t *head, *files;
};

static void take_line(void *context, const char *text, size_t length)
{
    struct reading *r = context;
    json_t *line = json_loadb(text, length, 0, NULL);
    if (!line)
        return;
    if (!r->head)
        r->head = line;
    else
        json_array_append_new(r->files, line);
}

static long read_for(const struct situation *s, uint64_t hold, struct reading *out)
{
    char name[HOLD_NAME_SIZE];
    *out = (struct reading){.files = json_array()};
    long code =
        files_evidence_read(s->contract->state, hold_name(GUARD_FILES, hold, name), take_line, out);
    if (code >= 0 && out->head)
        return 0;
    json_decref(out->head);
    json_decref(out->files);
    return code < 0 ? code : -ENOENT;
}

static const char *text_in(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void row(struct table *table, const json_t *file)
{
    table_row(table);
    table_cell(table, TONE_DIM, "%.19s", text_in(file, "at"));
    table_cell(table, TONE_PLAIN, "%s", text_in(file, "act"));
    table_cell(table, TONE_PLAIN, "%s", text_in(file, "ground"));
    table_cell(table, TONE_PLAIN, "%s", text_in(file, "share"));
    table_cell(table, TONE_PLAIN, "%s", text_in(file, "path"));
}

/* What was rewritten first, since that is what has to be put back. */
static size_t rows(struct table *table, const json_t *files, bool rewritten, size_t shown)
{
    size_t index;
    json_t *file;
    json_array_foreach(files, index, file)
    {
        if (shown < SHOWN && (strcmp(text_in(file, "act"), "rewritten") == 0) == rewritten) {
            row(table, file);
            shown++;
        }
    }
    return shown;
}

void evidence_files_print(const struct situation *s, uint64_t hold)
{
    static const char *const titles[] = {"when", "", "", "share", "file"};
    struct reading r;
    char name[HOLD_NAME_SIZE];
    long code = read_for(s, hold, &r);
    if (code == -EACCES)
        puts("Which files it is about is root's to see.");
    if (code < 0)
        return;
    size_t count = json_array_size(r.files);
    printf("\n%zu file%s, by the process tree \"%s\"%s%s.\n", count, count == 1 ? "" : "s",
           text_in(r.head, "tree"), *text_in(r.head, "reason") ? ": " : "",
           text_in(r.head, "reason"));
    struct table table = table_of(5, titles);
    size_t shown = rows(&table, r.files, true, 0);
    shown = rows(&table, r.files, false, shown);
    if (shown)
        table_print(&table, stdout);
    if (shown < count)
        printf("... and %zu more: ecluse why %s --json\n", count - shown,
               hold_name(GUARD_FILES, hold, name));
    json_decref(r.head);
    json_decref(r.files);
}

json_t *evidence_files_json(const struct situation *s, uint64_t hold)
{
    struct reading r;
    if (read_for(s, hold, &r) < 0)
        return json_null();
    json_object_set_new(r.head, "list", r.files);
    return r.head;
}
