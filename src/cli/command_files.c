/* `ecluse files`: what the vaults keep. */
#include "cli/files_view.h"
#include "cli/output.h"
#include "cli/situation.h"
#include "cli/typed_time.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIST_MOST = 1000, HOLDS_MOST = 100, VERSIONS_MOST = 200 };

/* ---- What is asked for ----------------------------------------------------------------------- */

/* Which share a path lies in: as it is typed, and as it is without links above the share. */
static int path_read(struct files_wish *wish, const char *typed)
{
    char whole[PATH_MAX];
    if (*typed == '/')
        snprintf(whole, sizeof whole, "%s", typed);
    else if (getcwd(whole, sizeof whole / 2))
        snprintf(whole + strlen(whole), sizeof whole - strlen(whole), "/%s", typed);
    else
        return could_not(wish->json, "%s", strerror(errno));
    size_t length = strlen(whole);
    while (length > 1 && whole[length - 1] == '/')
        whole[--length] = 0;
    for (unsigned i = 0; i < wish->contract->share_count; i++) {
        const char *share = wish->contract->share[i].path;
        size_t skip = strlen(share);
        if (strncmp(whole, share, skip) != 0 || (whole[skip] != '/' && whole[skip] != 0))
            continue;
        wish->share = (int)i;
        snprintf(wish->path, sizeof wish->path, "%s", whole[skip] ? whole + skip + 1 : "");
        return EXIT_DONE;
    }
    return could_not(wish->json, "%s lies in no share of the contract", typed);
}

int files_wish_read(const struct arguments *a, struct files_wish *out)
{
    const char *since = a->option[OPTION_SINCE], *path = a->option[OPTION_PATH];
    *out = (struct files_wish){.json = a->option[OPTION_JSON] != NULL,
                               .yes = a->option[OPTION_YES] != NULL,
                               .dry_run = a->option[OPTION_DRY_RUN] != NULL,
                               .hold = a->option[OPTION_HOLD],
                               .to = a->option[OPTION_TO],
                               .now = clock_wall(),
                               .share = -1};
    if (since && !typed_time_past(since, out->now, &out->since))
        return could_not(out->json,
                         "--since %.40s: a time is 2026-11-20T14:03:00Z, 14:03 (UTC), or 2h ago",
                         since);
    if (out->hold && out->since)
        return could_not(out->json, "either --hold or --since: a hold knows its time");
    if (geteuid() != 0)
        return could_not(out->json, "only root may look into a vault: it holds every user's files");
    out->contract = contract_load(contract_file(a), out->json);
    if (out->contract == NULL)
        return EXIT_COULD_NOT;
    int status = EXIT_DONE;
    if (out->contract->share_count == 0)
        status = could_not(out->json, "the contract has no shares (`files`)");
    else if (path)
        status = path_read(out, path);
    if (status != EXIT_DONE)
        files_wish_free(out);
    return status;
}

void files_wish_free(struct files_wish *wish)
{
    free(wish->contract);
    wish->contract = NULL;
}

bool files_request(const struct files_wish *wish, unsigned share, struct restore_request *out)
{
    if (wish->share >= 0 && (unsigned)wish->share != share)
        return false;
    *out = (struct restore_request){
        .hold = wish->hold, .since = wish->since, .path = wish->share >= 0 ? wish->path : NULL};
    return true;
}

/* ---- How it is shown ------------------------------------------------------------------------- */

char *files_user(uint32_t user, char out[FILES_USER_SIZE])
{
    const struct passwd *known = user == VAULT_NOBODY ? NULL : getpwuid(user);
    if (user == VAULT_NOBODY)
        snprintf(out, FILES_USER_SIZE, "somebody");
    else if (known)
        snprintf(out, FILES_USER_SIZE, "%.40s (%u)", known->pw_name, user);
    else
        snprintf(out, FILES_USER_SIZE, "%u", user);
    return out;
}

const char *files_ground(uint8_t ground)
{
    return ground < REWRITE_GROUND_COUNT ? rewrite_ground_text((enum rewrite_ground)ground) : "";
}

static json_t *user_json(uint32_t user)
{
    return user == VAULT_NOBODY ? json_null() : json_integer(user);
}

static json_t *time_json(nanos_t wall)
{
    char text[CLOCK_TEXT_SIZE];
    return wall ? json_string(clock_text(wall, text)) : json_null();
}

json_t *files_item_json(const struct restore_item *item)
{
    return json_pack("{s:o,s:s,s:I,s:o,s:o,s:o,s:o}", "path", json_safe(item->path), "state",
                     restore_state_name((enum restore_state)item->state), "size",
                     (json_int_t)item->size, "version", time_json(item->closed), "destroyed",
                     time_json(item->ended), "by", user_json(item->by), "ground",
                     item->ground < REWRITE_GROUND_COUNT
                         ? json_string(rewrite_ground_name((enum rewrite_ground)item->ground))
                         : json_null());
}

static const char *state_text(const struct restore_item *item)
{
    switch (item->state) {
    case RESTORE_MISSING:
        return "to be put back";
    case RESTORE_SPOILT:
        return "to be put back over what is there";
    case RESTORE_CHANGED:
        return "asked for: changed since";
    case RESTORE_SAME:
        return "there already";
    case RESTORE_BLOCKED:
        return "something stands in the way";
    default:
        return "not in the vault any more";
    }
}

void files_plan_print(const struct files_wish *wish, unsigned share, const struct restore *plan)
{
    static const char *const titles[] = {"file", ">size", "version of", "what became of it",
                                         "by",   "now"};
    struct table table = table_of(6, titles);
    size_t count = restore_count(plan);
    for (size_t i = 0; i < count && i < LIST_MOST; i++) {
        const struct restore_item *item = restore_at(plan, i);
        char size[FIGURE_SIZE], when[FIGURE_SIZE], user[FILES_USER_SIZE];
        table_row(&table);
        table_cell(&table, TONE_BOLD, "%s", item->path);
        table_cell(&table, TONE_PLAIN, "%s", figure_bytes(item->size, size));
        table_cell(&table, TONE_PLAIN, "%s", figure_wall(item->closed, wish->now, when));
        table_cell(&table, TONE_PLAIN, "%s", files_ground(item->ground));
        table_cell(&table, TONE_PLAIN, "%s", files_user(item->by, user));
        table_cell(&table, item->state <= RESTORE_SPOILT ? TONE_GOOD : TONE_WARNING, "%s",
                   state_text(item));
    }
    printf("Share %s: %zu files\n", wish->contract->share[share].name, count);
    table_print(&table, stdout);
    if (count > LIST_MOST)
        printf("... and %zu more; --json has them all\n", count - LIST_MOST);
    size_t left = restore_left_count(plan);
    for (size_t i = 0; i < left && i < LIST_MOST; i++)
        printf("%s%s\n", i ? "  " : "Made by who was held, and left there:\n  ",
               restore_left_at(plan, i)->path);
}

/* ---- list ------------------------------------------------------------------------------------ */

static json_t *version_json(const struct restore_version *v)
{
    return json_pack("{s:o,s:I,s:o,s:o,s:o,s:o,s:b}", "kept", time_json(v->closed), "size",
                     (json_int_t)v->size, "writer", user_json(v->writer), "ended",
                     time_json(v->ended), "by", v->ended ? user_json(v->by) : json_null(), "ground",
                     v->ended && v->ground < REWRITE_GROUND_COUNT
                         ? json_string(rewrite_ground_name((enum rewrite_ground)v->ground))
                         : json_null(),
                     "present", (int)v->is_there);
}

static void versions_print(const struct files_wish *wish, const char *path,
                           const struct restore_version *version, size_t count)
{
    static const char *const titles[] = {"kept",  ">size", "written by",
                                         "until", "by",    "what became of it"};
    struct table table = table_of(6, titles);
    printf("%s\n", path);
    for (size_t i = 0; i < count; i++) {
        char text[2][FIGURE_SIZE], size[FIGURE_SIZE], user[2][FILES_USER_SIZE];
        const struct restore_version *v = &version[i];
        table_row(&table);
        table_cell(&table, TONE_PLAIN, "%s", figure_wall(v->closed, wish->now, text[0]));
        table_cell(&table, TONE_PLAIN, "%s", figure_bytes(v->size, size));
        table_cell(&table, TONE_PLAIN, "%s", files_user(v->writer, user[0]));
        table_cell(&table, v->ended ? TONE_PLAIN : TONE_GOOD, "%s",
                   v->ended ? figure_wall(v->ended, wish->now, text[1]) : "now");
        table_cell(&table, TONE_PLAIN, "%s", v->ended ? files_user(v->by, user[1]) : "");
        table_cell(&table, v->is_there ? TONE_PLAIN : TONE_BAD, "%s",
                   !v->is_there ? "lost"
                   : v->ended   ? files_ground(v->ground)
                                : "");
    }
    table_print(&table, stdout);
}

/* Of a path: its versions; of a folder: those of all paths below it. */
static void list_paths(const struct files_wish *wish, const struct restore_view *view, json_t *out)
{
    static struct restore_version version[VERSIONS_MOST];
    size_t cursor = 0, shown = 0;
    for (const char *path; restore_view_next(view, wish->path, &cursor, &path); shown++) {
        if (!wish->json && shown >= LIST_MOST)
            continue;
        size_t count = restore_view_versions(view, path, version, VERSIONS_MOST);
        if (!wish->json) {
            versions_print(wish, path, version, count);
            continue;
        }
        json_t *versions = json_array();
        for (size_t i = 0; i < count; i++)
            json_array_append_new(versions, version_json(&version[i]));
        json_array_append_new(
            out, json_pack("{s:o,s:o}", "path", json_safe(path), "versions", versions));
    }
    if (!wish->json && shown > LIST_MOST)
        printf("... and %zu more paths; name a folder, or --json\n", shown - LIST_MOST);
    if (!wish->json && shown == 0)
        puts("The vault has nothing there.");
}

static void list_holds(const struct files_wish *wish, const struct restore_view *view, json_t *out)
{
    static struct restore_hold hold[HOLDS_MOST];
    static const char *const titles[] = {"hold", "who", "from", "held"};
    struct table table = table_of(4, titles);
    size_t count = restore_view_holds(view, hold, HOLDS_MOST);
    for (size_t i = 0; i < count; i++) {
        char user[FILES_USER_SIZE], from[FIGURE_SIZE], at[FIGURE_SIZE];
        if (wish->json) {
            json_array_append_new(out,
                                  json_pack("{s:o,s:o,s:o,s:o}", "hold", json_safe(hold[i].hold),
                                            "user", user_json(hold[i].who.user), "from",
                                            time_json(hold[i].from), "at", time_json(hold[i].at)));
            continue;
        }
        table_row(&table);
        table_cell(&table, TONE_BOLD, "%s", hold[i].hold);
        table_cell(&table, TONE_PLAIN, "%s",
                   hold[i].who.user != VAULT_NOBODY ? files_user(hold[i].who.user, user)
                   : hold[i].who.tree               ? "one process tree"
                                                    : "everybody");
        table_cell(&table, TONE_PLAIN, "%s", figure_wall(hold[i].from, wish->now, from));
        table_cell(&table, TONE_PLAIN, "%s", figure_wall(hold[i].at, wish->now, at));
    }
    if (!wish->json && count) {
        table_print(&table, stdout);
        puts("`ecluse files list --hold HOLD` says what it did, `restore --hold HOLD` undoes it.");
    }
}

static json_t *list_share(const struct files_wish *wish, unsigned share,
                          const struct restore_view *view)
{
    struct vault_state state;
    char bytes[FIGURE_SIZE], files[FIGURE_SIZE], versions[FIGURE_SIZE];
    json_t *paths = json_array(), *holds = json_array();
    restore_view_state(view, &state);
    const char *name = wish->contract->share[share].name;
    if (!wish->json)
        printf("Share %s: the last version of %s files, %s versions in all, %s of them past\n",
               name, figure_count(state.files, files), figure_count(state.versions, versions),
               figure_bytes(state.past_bytes, bytes));
    if (wish->share >= 0)
        list_paths(wish, view, paths);
    else
        list_holds(wish, view, holds);
    return json_pack("{s:o,s:I,s:I,s:I,s:o,s:o}", "share", json_safe(name), "files",
                     (json_int_t)state.files, "versions", (json_int_t)state.versions, "past_bytes",
                     (json_int_t)state.past_bytes, "paths", paths, "holds", holds);
}

static int list(const struct files_wish *wish)
{
    json_t *shares = json_array();
    int status = EXIT_DONE;
    for (unsigned i = 0; i < wish->contract->share_count; i++) {
        struct restore_view *view;
        struct error error;
        if (wish->share >= 0 && (unsigned)wish->share != i)
            continue;
        if (restore_view_open(wish->contract->share[i].path, &view, &error) < 0) {
            fprintf(stderr, "ecluse: share %s: %s\n", wish->contract->share[i].name, error.text);
            status = EXIT_PARTLY;
            continue;
        }
        json_array_append_new(shares, list_share(wish, i, view));
        restore_view_close(view);
    }
    if (wish->json)
        output_json(json_pack("{s:o}", "shares", shares));
    else
        json_decref(shares);
    return status;
}

int command_files(const struct arguments *a)
{
    bool json = a->option[OPTION_JSON] != NULL;
    bool restores = strcmp(a->operand[0], "restore") == 0;
    struct files_wish wish;
    bool canaries = strcmp(a->operand[0], "canaries") == 0;
    bool opened = strcmp(a->operand[0], "opened") == 0;
    if (!restores && !canaries && !opened && strcmp(a->operand[0], "list") != 0)
        return could_not(json,
                         "`files %.40s`: it is `files list`, `restore`, `canaries` or `opened`",
                         a->operand[0]);
    if (a->operand_count > 1 && !canaries)
        return could_not(json, "`files %s` takes options, and no `%.40s`", a->operand[0],
                         a->operand[1]);
    int status = files_wish_read(a, &wish);
    if (status != EXIT_DONE)
        return status;
    if (canaries || opened) {
        status = opened ? files_opened_print(&wish)
                        : files_canaries(&wish, a->operand_count > 1 ? a->operand[1] : NULL);
        files_wish_free(&wish);
        return status;
    }
    bool plan = wish.hold || wish.since;
    if (restores && !plan && wish.share < 0)
        status =
            could_not(json, "say what: --hold HOLD, --since TIME or --path PATH; `ecluse files "
                            "list` shows the holds");
    else if (restores || plan) {
        wish.dry_run = wish.dry_run || !restores; /* a list is what a dry run says */
        status = files_restore(&wish);
    } else {
        status = list(&wish);
    }
    files_wish_free(&wish);
    return status;
}
