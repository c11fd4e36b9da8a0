#include "cli/evidence_files.h"

#include "cli/output.h"
#include "files/evidence.h"
#include "files/rewrite.h"
#include "status/status.h"

#include <errno.h>
#include <inttypes.h>

enum { SHOWN = 40 }; /* more are for programs: --json */

struct reading {
    json_t *head;
    json_t *files; /* a line for each act: of one file, several */
};

enum what { WHAT_TOUCHED, WHAT_DESTROYED };

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

static void take_head(void *context, const char *text, size_t length)
{
    json_t **head = context;
    if (!*head)
        *head = json_loadb(text, length, 0, NULL);
}

json_t *evidence_files_head(const struct situation *s, uint64_t hold)
{
    char name[HOLD_NAME_SIZE];
    json_t *head = NULL;
    files_evidence_read(s->contract->state, hold_name(GUARD_FILES, hold, name), take_head, &head);
    return head;
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

/* Whether the judge counted it as destroyed. */
static bool is_destroyed(const json_t *line)
{
    const char *ground = text_in(line, "ground");
    for (int i = 0; i < REWRITE_GROUND_COUNT; i++)
        if (strcmp(ground, rewrite_ground_name((enum rewrite_ground)i)) == 0)
            return rewrite_ground_verdict((enum rewrite_ground)i) == REWRITE_COUNTS;
    return false;
}

/* How many different files the lines are about; `share` NULL: on any share. */
static size_t files_in(const json_t *lines, enum what what, const char *share)
{
    json_t *seen = json_object(), *line;
    char key[CONTRACT_NAME_SIZE + TRACE_PATH_SIZE * 3 + 2];
    size_t index;
    json_array_foreach(lines, index, line)
    {
        const char *on = text_in(line, "share");
        if ((what == WHAT_DESTROYED && !is_destroyed(line)) || (share && strcmp(share, on) != 0))
            continue;
        snprintf(key, sizeof key, "%s/%s", on, text_in(line, "path"));
        json_object_set_new(seen, key, json_true());
    }
    size_t count = json_object_size(seen);
    json_decref(seen);
    return count;
}

/* How many files more than its limit a budget of rewrites let go: those that were under way when it
 * was spent. Of several windows the list does not say which file fell into which. */
static size_t past_the_limit(const struct situation *s, const struct reading *r, uint64_t *limit)
{
    const char *name = text_in(r->head, "budget");
    for (uint32_t i = 0; i < s->contract->budget_count; i++) {
        const struct budget_rule *rule = &s->contract->budget[i];
        if (strcmp(rule->name, name) != 0 || rule->meter != METER_FILES_REWRITTEN ||
            rule->window_count != 1)
            continue;
        const char *share = rule->share >= 0 ? s->contract->share[rule->share].name : NULL;
        size_t count = files_in(r->files, WHAT_DESTROYED, share);
        *limit = rule->window[0].limit;
        return count > *limit ? (size_t)(count - *limit) : 0;
    }
    return 0;
}

static void counts_print(const struct situation *s, const struct reading *r)
{
    size_t acts = json_array_size(r->files), count = files_in(r->files, WHAT_TOUCHED, NULL);
    char one[FIGURE_SIZE], two[FIGURE_SIZE];
    printf("\n%s file%s", figure_count(count, one), count == 1 ? "" : "s");
    if (acts != count)
        printf(" (read, opened or rewritten %s times)", figure_count(acts, two));
    printf(", by the process tree \"%s\"%s%s.\n", text_in(r->head, "tree"),
           *text_in(r->head, "reason") ? ": " : "", text_in(r->head, "reason"));
    uint64_t limit;
    size_t more = past_the_limit(s, r, &limit);
    if (more)
        printf("%s more than the %s allowed: a rewrite is judged when its file is closed, a "
               "removal when it is done, and what was under way by then went on.\n",
               figure_count(more, one), figure_count(limit, two));
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
    counts_print(s, &r);
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
    json_int_t files = (json_int_t)files_in(r.files, WHAT_TOUCHED, NULL);
    json_object_set_new(r.head, "files", json_integer(files));
    json_object_set_new(r.head, "acts", json_integer((json_int_t)json_array_size(r.files)));
    json_object_set_new(r.head, "list", r.files);
    return r.head;
}
