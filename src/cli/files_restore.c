/* `ecluse files restore`: asks what is to be asked, puts files back, and says what it did. */
#include "cli/files_view.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SAID_MOST = 20 };

struct plan { /* of one share */
    unsigned share;
    struct restore *restore;
    uint64_t state[RESTORE_STATES], bytes;
};

struct tally {
    uint64_t total, done, same, skipped, moved, failed, removed;
    unsigned unset;
    json_t *files; /* NULL unless asked for */
};

static void count_states(struct plan *p)
{
    for (size_t i = 0; i < restore_count(p->restore); i++) {
        const struct restore_item *item = restore_at(p->restore, i);
        p->state[item->state]++;
        if (item->state <= RESTORE_CHANGED)
            p->bytes += item->size;
    }
}

/* The plans of all shares that know anything of what is asked; 0 with none is said. */
static size_t plans_open(const struct files_wish *wish, struct plan *plan, struct error *error)
{
    size_t count = 0;
    for (unsigned i = 0; i < wish->contract->share_count; i++) {
        struct restore_request request;
        struct error why;
        if (!files_request(wish, i, &request))
            continue;
        struct plan *p = &plan[count];
        *p = (struct plan){.share = i};
        if (restore_open(wish->contract->share[i].path, &request, &p->restore, &why) < 0) {
            error_set(error, -ENOENT, "share %s: %s", wish->contract->share[i].name, why.text);
            continue;
        }
        count_states(p);
        count++;
    }
    return count;
}

/* ---- Questions ------------------------------------------------------------------------------- */

static bool asks(const struct files_wish *wish)
{
    return !wish->json && isatty(STDIN_FILENO) == 1;
}

__attribute__((format(printf, 2, 3))) static bool confirmed(const struct files_wish *wish,
                                                            const char *format, ...)
{
    char answer[16] = "";
    if (wish->yes)
        return true;
    if (!asks(wish))
        return false;
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputs(" [y/N] ", stderr);
    if (fgets(answer, sizeof answer, stdin) == NULL)
        return false;
    return *answer == 'y' || *answer == 'Y';
}

/* ---- Doing it -------------------------------------------------------------------------------- */

static void say_failed(const struct files_wish *wish, const struct tally *t, const char *path,
                       const char *why)
{
    uint64_t said = t->failed + t->moved;
    char shown[512]; /* names are users': no control characters to a terminal */
    snprintf(shown, sizeof shown, "%s", path);
    for (char *c = shown; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    if (!wish->json && said <= SAID_MOST)
        fprintf(stderr, "ecluse: %s: %s\n", shown, why);
    if (!wish->json && said == SAID_MOST)
        fprintf(stderr, "ecluse: further ones are counted only; --json names them\n");
}

static void put_one(const struct files_wish *wish, struct plan *p, size_t i, bool overwrite, int to,
                    struct tally *t)
{
    static const char *const results[] = {[RESTORE_DONE] = "restored",
                                          [RESTORE_SKIPPED] = "skipped",
                                          [RESTORE_MOVED] = "changed",
                                          [RESTORE_FAILED] = "failed"};
    const struct restore_item *item = restore_at(p->restore, i);
    struct error error = {""};
    enum restore_result result = restore_put(p->restore, i, overwrite, to, &t->unset, &error);
    t->done += result == RESTORE_DONE;
    t->moved += result == RESTORE_MOVED;
    t->failed += result == RESTORE_FAILED;
    t->same += result == RESTORE_SKIPPED && item->state == RESTORE_SAME;
    t->skipped += result == RESTORE_SKIPPED && item->state != RESTORE_SAME;
    if (result == RESTORE_MOVED)
        say_failed(wish, t, item->path,
                   to >= 0 ? "there is a file of that name already" : "it changed just now");
    else if (result == RESTORE_FAILED)
        say_failed(wish, t, item->path, error.text);
    if (t->files) {
        json_t *object = files_item_json(item);
        json_object_set_new(object, "result", json_string(results[result]));
        if (result == RESTORE_FAILED)
            json_object_set_new(object, "error", json_safe(error.text));
        json_array_append_new(t->files, object);
    }
}

static void put_all(const struct files_wish *wish, struct plan *plan, size_t plans, bool overwrite,
                    int to, struct tally *t)
{
    struct progress progress = progress_begin(t->total, "files", clock_boot());
    uint64_t seen = 0;
    for (size_t p = 0; p < plans; p++) {
        for (size_t i = 0; i < restore_count(plan[p].restore); i++) {
            put_one(wish, &plan[p], i, overwrite, to, t);
            if (++seen % 64 == 0)
                progress_show(&progress, seen, seen, clock_boot());
        }
    }
    progress_end(&progress);
}

static void remove_left(const struct files_wish *wish, struct plan *plan, size_t plans,
                        struct tally *t)
{
    uint64_t left = 0;
    for (size_t p = 0; p < plans; p++)
        left += restore_left_count(plan[p].restore);
    if (left == 0 ||
        !confirmed(wish, "Remove the %llu files that who was held made?", (unsigned long long)left))
        return;
    for (size_t p = 0; p < plans; p++) {
        for (size_t i = 0; i < restore_left_count(plan[p].restore); i++) {
            struct error error = {""};
            enum restore_result result = restore_remove_left(plan[p].restore, i, &error);
            t->removed += result == RESTORE_DONE;
            t->failed += result == RESTORE_FAILED;
        }
    }
}

/* What is done stands on the record before it is done; how many it were, when it is. */
static void record(const struct files_wish *wish, const struct tally *t, bool over)
{
    char actor[ACT_NAME_SIZE];
    record_actor(actor);
    struct act act = record_act(ACT_RESTORE, actor, "vault", "%s from the vault %s",
                                over ? "files were put back" : "files are to be put back",
                                wish->hold    ? "as they were before a hold"
                                : wish->since ? "as they were at a time"
                                              : "at a path");
    if (wish->hold)
        act_text(act.hold, sizeof act.hold, text_of(wish->hold));
    act_number(&act, "files", (int64_t)t->total);
    if (over) {
        act_number(&act, "restored", (int64_t)t->done);
        act_number(&act, "left_alone", (int64_t)(t->skipped + t->moved));
        act_number(&act, "failed", (int64_t)t->failed);
        act_number(&act, "removed", (int64_t)t->removed);
    }
    record_say(wish->contract->runtime, HANDOVER_COMMAND, &act);
}

/* ---- Telling --------------------------------------------------------------------------------- */

static json_t *left_json(const struct plan *plan, size_t plans)
{
    json_t *list = json_array();
    for (size_t p = 0; p < plans; p++)
        for (size_t i = 0; i < restore_left_count(plan[p].restore); i++)
            json_array_append_new(list, json_safe(restore_left_at(plan[p].restore, i)->path));
    return list;
}

static void tell(const struct files_wish *wish, const struct plan *plan, size_t plans,
                 struct tally *t)
{
    if (wish->json) {
        output_json(json_pack(
            "{s:b,s:I,s:I,s:I,s:I,s:I,s:o,s:o}", "dry_run", (int)wish->dry_run, "restored",
            (json_int_t)t->done, "skipped", (json_int_t)(t->skipped + t->moved), "failed",
            (json_int_t)t->failed, "removed", (json_int_t)t->removed, "unset_attributes",
            (json_int_t)t->unset, "files", t->files, "left", left_json(plan, plans)));
        return;
    }
    char done[FIGURE_SIZE], other[FIGURE_SIZE];
    if (t->same && t->same == t->total)
        printf("nothing to put back: all %s stand as they were", figure_count(t->same, other));
    else
        printf("%s files put back", figure_count(t->done, done));
    if (t->same && t->same < t->total)
        printf(", %s stand as they were already", figure_count(t->same, other));
    if (t->skipped + t->moved)
        printf(", %s left alone", figure_count(t->skipped + t->moved, other));
    if (t->failed)
        printf(", %s failed", figure_count(t->failed, other));
    if (t->removed)
        printf(", %s removed that who was held had made", figure_count(t->removed, other));
    puts("");
    if (t->unset)
        printf("%u attributes could not be set\n", t->unset);
    if (t->skipped)
        puts("`--dry-run` says which were left alone, and why; `--yes` overwrites what changed.");
}

/* Of a dry run, and of `files list --hold`. */
static int tell_plan(const struct files_wish *wish, const struct plan *plan, size_t plans)
{
    if (!wish->json) {
        for (size_t p = 0; p < plans; p++)
            files_plan_print(wish, plan[p].share, plan[p].restore);
        return EXIT_DONE;
    }
    struct tally t = {.files = json_array()};
    for (size_t p = 0; p < plans; p++)
        for (size_t i = 0; i < restore_count(plan[p].restore); i++)
            json_array_append_new(t.files, files_item_json(restore_at(plan[p].restore, i)));
    tell(wish, plan, plans, &t);
    return EXIT_DONE;
}

static int restore_all(const struct files_wish *wish, struct plan *plan, size_t plans)
{
    struct tally t = {.files = wish->json ? json_array() : NULL};
    uint64_t changed = 0, bytes = 0;
    int to = -1;
    char size[FIGURE_SIZE];
    for (size_t p = 0; p < plans; p++) {
        t.total += restore_count(plan[p].restore);
        changed += plan[p].state[RESTORE_CHANGED];
        bytes += plan[p].bytes;
    }
    if (wish->to && mkdir(wish->to, 0700) != 0 && errno != EEXIST)
        return could_not(wish->json, "--to %.200s: %s", wish->to, strerror(errno));
    if (wish->to && (to = open(wish->to, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return could_not(wish->json, "--to %.200s: %s", wish->to, strerror(errno));
    if (!wish->json)
        fprintf(stderr, "%llu files, %s to put back\n", (unsigned long long)t.total,
                figure_bytes(bytes, size));
    bool overwrite = wish->yes;
    if (changed && to < 0)
        overwrite = confirmed(wish,
                              "%llu of them were changed since by others, or in an ordinary way. "
                              "Put these back too?",
                              (unsigned long long)changed);
    record(wish, &t, false);
    put_all(wish, plan, plans, overwrite, to, &t);
    if (to < 0)
        remove_left(wish, plan, plans, &t);
    record(wish, &t, true);
    tell(wish, plan, plans, &t);
    if (to >= 0)
        close(to);
    return t.failed || t.skipped || t.moved ? EXIT_PARTLY : EXIT_DONE;
}

int files_restore(const struct files_wish *wish)
{
    static struct plan plan[CONTRACT_MAX_SHARES];
    struct error error = {"no share is meant"};
    size_t plans = plans_open(wish, plan, &error);
    int status = plans == 0      ? could_not(wish->json, "%s", error.text)
                 : wish->dry_run ? tell_plan(wish, plan, plans)
                                 : restore_all(wish, plan, plans);
    for (size_t p = 0; p < plans; p++)
        restore_close(plan[p].restore);
    return status;
}
