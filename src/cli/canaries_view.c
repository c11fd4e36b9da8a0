/* `ecluse files canaries`: files that nobody has a reason to open, laid out and removed; and
 * `ecluse files opened`: what was open for writing before the guard. */
#include "cli/files_view.h"
#include "cli/output.h"
#include "files/canary.h"
#include "files/files.h"

#include <string.h>
#include <unistd.h>

struct telling {
    const struct files_wish *wish;
    struct table *table;
    json_t *list;
};

static void tell(void *context, const struct canary *canary)
{
    struct telling *t = context;
    bool there = access(canary->path, F_OK) == 0;
    if (t->wish->json) {
        json_array_append_new(t->list,
                              json_pack("{s:o,s:o,s:b}", "share", json_safe(canary->share), "path",
                                        json_safe(canary->path), "there", (int)there));
        return;
    }
    table_row(t->table);
    table_cell(t->table, TONE_PLAIN, "%s", canary->share);
    table_cell(t->table, TONE_PLAIN, "%s", canary->path);
    table_cell(t->table, TONE_BAD, "%s", there ? "" : "gone");
}

static int list(const struct files_wish *wish)
{
    static const char *const titles[] = {"share", "canary", ""};
    struct table table = table_of(3, titles);
    struct telling t = {wish, &table, json_array()};
    long count = canaries_list(wish->contract->state, tell, &t);
    if (wish->json)
        output_json(json_pack("{s:o}", "canaries", t.list));
    else
        json_decref(t.list);
    if (!wish->json && count > 0)
        table_print(&table, stdout);
    else if (!wish->json)
        puts("None are laid out; `ecluse files canaries place` does.");
    return EXIT_DONE;
}

/* Of every share, or the one that --path names. */
static int change(const struct files_wish *wish, bool place)
{
    struct error error = {""};
    json_t *shares = json_array();
    int status = EXIT_DONE;
    for (unsigned i = 0; i < wish->contract->share_count; i++) {
        if (wish->share >= 0 && (unsigned)wish->share != i)
            continue;
        const char *name = wish->contract->share[i].name;
        long count = place ? canaries_place(wish->contract, i, wish->now, &error)
                           : canaries_remove(wish->contract, i, &error);
        if (count < 0) {
            fprintf(stderr, "ecluse: %s\n", error.text);
            status = EXIT_COULD_NOT;
            continue;
        }
        json_array_append_new(
            shares, json_pack("{s:o,s:I}", "share", json_safe(name), "files", (json_int_t)count));
        if (!wish->json)
            printf("share %s: %ld %s\n", name, count, place ? "laid out" : "removed");
    }
    if (wish->json)
        output_json(json_pack("{s:o}", place ? "placed" : "removed", shares));
    else
        json_decref(shares);
    return status;
}

int files_canaries(const struct files_wish *wish, const char *what)
{
    if (!what)
        return list(wish);
    if (strcmp(what, "place") == 0 || strcmp(what, "remove") == 0)
        return change(wish, *what == 'p');
    return could_not(wish->json,
                     "`files canaries %.40s`: it is `files canaries`, with `place` or `remove`",
                     what);
}

/* ---- opened ---------------------------------------------------------------------------------- */

static void tell_opened(void *context, int process, const char *path)
{
    struct telling *t = context;
    if (t->wish->json) {
        json_array_append_new(t->list,
                              json_pack("{s:i,s:o}", "process", process, "path", json_safe(path)));
        return;
    }
    table_row(t->table);
    table_cell(t->table, TONE_PLAIN, "%d", process);
    table_cell(t->table, TONE_PLAIN, "%s", path);
}

int files_opened_print(const struct files_wish *wish)
{
    static const char *const titles[] = {">process", "file"};
    struct table table = table_of(2, titles);
    struct telling t = {wish, &table, json_array()};
    long count = files_opened(wish->contract->runtime, tell_opened, &t);
    if (wish->json)
        output_json(json_pack("{s:o}", "opened", t.list));
    else
        json_decref(t.list);
    if (count < 0 && !wish->json)
        return could_not(false, "no guard of files has run here");
    if (!wish->json && count > 0)
        table_print(&table, stdout);
    else if (!wish->json)
        puts("Nothing is open for writing since before the guard began.");
    return EXIT_DONE;
}
