/* From the log: who did what to which file first, and what stood before. */
#include "files/restore_parts.h"

#include "files/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

const char *restore_state_name(enum restore_state state)
{
    static const char *const names[RESTORE_STATES] = {"missing", "spoilt",  "changed",
                                                      "same",    "blocked", "lost"};
    return state < RESTORE_STATES ? names[state] : "unknown";
}

bool restore_within(const char *path, const char *folder)
{
    if (folder == NULL || *folder == 0)
        return true;
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == 0 || path[length] == '/');
}

/* ---- While the log is read ------------------------------------------------------------------- */

static bool is_act(const struct restore *r, uint32_t user, uint64_t tree, nanos_t at)
{
    return at >= r->from && (r->held.user == VAULT_NOBODY || r->held.user == user) &&
           (r->held.tree == 0 || r->held.tree == tree);
}

static int room_for(struct restore *r, size_t files)
{
    if (files <= r->target_room)
        return 0;
    size_t room = files < 1024 ? 1024 : files * 2;
    struct target *target = realloc(r->target, room * sizeof *target);
    if (target == NULL)
        return -ENOMEM;
    r->target = target;
    bool *made = realloc(r->made, room * sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    r->made = made;
    for (size_t i = r->target_room; i < room; i++) {
        r->target[i] = (struct target){.version = HISTORY_NONE, .path = HISTORY_NONE};
        r->made[i] = false;
    }
    r->target_room = room;
    return 0;
}

/* The first act on a file tells what stood before; later ones change nothing of that. */
static void touched(struct restore *r, uint32_t file, uint32_t version, uint32_t user,
                    uint64_t tree, nanos_t at)
{
    if (file == HISTORY_NONE || version == HISTORY_NONE || r->made[file] ||
        r->target[file].version != HISTORY_NONE)
        return;
    r->target[file] = (struct target){.version = version,
                                      .path = r->history->file[file].path,
                                      .by = user,
                                      .tree = tree,
                                      .at = at};
}

static void see_kept(struct restore *r, const struct log_record *record)
{
    const struct log_version *b = &record->body.KEPT;
    const struct history *h = r->history;
    if (!is_act(r, b->user, b->tree, b->at) || b->when == VAULT_RESTORED)
        return;
    uint32_t file = history_file(h, (struct vault_file){b->inode, b->generation});
    uint32_t path = history_path(h, record->first);
    bool known = file != HISTORY_NONE && h->file[file].newest != HISTORY_NONE;
    if (known && !(b->flags & LOG_SAME))
        touched(r, file, h->file[file].newest, b->user, b->tree, b->at);
    if (path != HISTORY_NONE && h->path[path].file != HISTORY_NONE && h->path[path].file != file)
        touched(r, h->path[path].file, h->file[h->path[path].file].newest, b->user, b->tree, b->at);
}

/* After it was applied: a file that nobody had before is the held principal's own. */
static void see_made(struct restore *r, const struct log_record *record)
{
    const struct log_version *b = &record->body.KEPT;
    uint32_t file = history_file(r->history, (struct vault_file){b->inode, b->generation});
    if (b->when == VAULT_CLOSED && is_act(r, b->user, b->tree, b->at) &&
        r->target[file].version == HISTORY_NONE &&
        r->history->version[r->history->file[file].newest].older == HISTORY_NONE)
        r->made[file] = true;
}

static void see_moved(struct restore *r, const struct log_record *record)
{
    const struct log_moved *b = &record->body.MOVED;
    const struct history *h = r->history;
    if (!is_act(r, b->user, b->tree, b->at))
        return;
    uint32_t from = history_path(h, record->first), to = history_path(h, record->second);
    uint32_t file = from != HISTORY_NONE ? h->path[from].file : HISTORY_NONE;
    if (file != HISTORY_NONE)
        touched(r, file, h->file[file].newest, b->user, b->tree, b->at);
    if (to != HISTORY_NONE && h->path[to].file != HISTORY_NONE)
        touched(r, h->path[to].file, h->file[h->path[to].file].newest, b->user, b->tree, b->at);
    for (size_t i = 0; file == HISTORY_NONE && b->folder && i < h->path_count; i++) {
        const struct path *p = &h->path[i];
        if (p->file != HISTORY_NONE && p->length > record->first.length &&
            p->name[record->first.length] == '/' &&
            memcmp(p->name, record->first.data, record->first.length) == 0)
            touched(r, p->file, h->file[p->file].newest, b->user, b->tree, b->at);
    }
}

static void see_end(struct restore *r, uint64_t id, uint32_t user, uint64_t tree, nanos_t at)
{
    uint32_t version = history_version(r->history, id);
    if (version != HISTORY_NONE && is_act(r, user, tree, at))
        touched(r, r->history->version[version].file, version, user, tree, at);
}

static bool see(void *context, const struct log_record *record)
{
    struct restore *r = context;
    switch (record->type) {
    case LOG_KEPT:
        see_kept(r, record);
        break;
    case LOG_MOVED:
        see_moved(r, record);
        break;
    case LOG_PAST:
        if (record->body.PAST.ground != REWRITE_UNCHANGED)
            see_end(r, record->body.PAST.id, record->body.PAST.user, record->body.PAST.tree,
                    record->body.PAST.at);
        break;
    case LOG_NAMELESS:
        see_end(r, record->body.NAMELESS.id, record->body.NAMELESS.user, record->body.NAMELESS.tree,
                record->body.NAMELESS.at);
        break;
    default:
        break;
    }
    r->status = history_apply(r->history, record);
    if (r->status == 0)
        r->status = room_for(r, r->history->file_count + 1);
    if (r->status == 0 && record->type == LOG_KEPT)
        see_made(r, record);
    return r->status == 0;
}

/* ---- The plan -------------------------------------------------------------------------------- */

static int by_path(const void *one, const void *other)
{
    return strcmp(((const struct restore_item *)one)->path,
                  ((const struct restore_item *)other)->path);
}

int restore_add(struct restore *r, const struct target *target)
{
    if (r->item_count == r->item_room) {
        size_t room = r->item_room ? r->item_room * 2 : 256;
        struct restore_item *item = realloc(r->item, room * sizeof *item);
        if (item == NULL)
            return -ENOMEM;
        r->item = item;
        r->item_room = room;
    }
    const struct version *v = &r->history->version[target->version];
    r->item[r->item_count++] = (struct restore_item){
        .path = history_name(r->history, target->path),
        .version = v->id,
        .size = v->size,
        .closed = v->at,
        .ended = target->at ? target->at : v->past_at,
        .by = target->at ? target->by : v->past_by,
        .ground = v->ground,
    };
    return 0;
}

int restore_add_left(struct restore *r, const char *path, uint64_t size)
{
    if (r->left_count == r->left_room) {
        size_t room = r->left_room ? r->left_room * 2 : 64;
        struct restore_left *left = realloc(r->left, room * sizeof *left);
        if (left == NULL)
            return -ENOMEM;
        r->left = left;
        r->left_room = room;
    }
    r->left[r->left_count++] = (struct restore_left){path, size};
    return 0;
}

/* Where a file was moved to, and still is: what is put back at its old place would be there twice.
 */
static int plan_file(struct restore *r, uint32_t i)
{
    const struct history *h = r->history;
    const struct file *f = &h->file[i];
    const struct target *target = &r->target[i];
    const char *now = f->removed ? "" : history_name(h, f->path);
    const char *path = target->version != HISTORY_NONE ? history_name(h, target->path) : now;
    if (*path == 0 || !restore_within(path, r->request.path))
        return 0;
    uint64_t size = f->newest != HISTORY_NONE ? h->version[f->newest].size : 0;
    int status = 0;
    if (target->version != HISTORY_NONE)
        status = restore_add(r, target);
    bool elsewhere = target->version != HISTORY_NONE && f->path != target->path;
    if (status == 0 && r->request.hold && *now && (r->made[i] || elsewhere))
        status = restore_add_left(r, now, size);
    return status;
}

/* What was left at a place to which something is put back is replaced by that; and what is not
 * there any more needs no mention. */
static void drop_replaced(struct restore *r)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->left_count; i++) {
        struct restore_item here = {.path = r->left[i].path};
        const char *name;
        int parent = beneath_parent(r->place.share, here.path, &name);
        bool there = parent >= 0 && faccessat(parent, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
        if (parent >= 0)
            close(parent);
        if (there &&
            !(r->item_count && bsearch(&here, r->item, r->item_count, sizeof *r->item, by_path)))
            r->left[kept++] = r->left[i];
    }
    r->left_count = kept;
}

static int look_at_all(struct restore *r)
{
    if (r->item_count)
        qsort(r->item, r->item_count, sizeof *r->item, by_path);
    r->seen = calloc(r->item_count + 1, sizeof *r->seen);
    r->made_folder = malloc(RESTORE_FOLDERS * sizeof *r->made_folder);
    if (r->seen == NULL || r->made_folder == NULL || restore_index(r) < 0)
        return -ENOMEM;
    drop_replaced(r);
    for (size_t i = 0; i < r->item_count; i++) {
        uint32_t version = history_version(r->history, r->item[i].version);
        uint32_t file = r->history->version[version].file;
        struct target none = {.version = version, .at = 0, .by = VAULT_NOBODY};
        const struct target *target = file < r->target_room ? &r->target[file] : &none;
        restore_look(r, target->version == version ? target : &none, &r->item[i], &r->seen[i]);
    }
    return 0;
}

struct finding {
    struct restore *restore;
    const char *hold;
    bool found;
};

static bool find_hold(void *context, const struct log_record *record)
{
    struct finding *f = context;
    const struct log_held *b = &record->body.HELD;
    if (record->type == LOG_HELD && strncmp(b->hold, f->hold, sizeof b->hold) == 0) {
        f->restore->held = (struct vault_who){b->user, b->tree};
        f->restore->from = b->from;
        f->restore->held_at = b->at;
        f->found = true;
    }
    return !f->found;
}

static int read_log(struct restore *r, struct error *error)
{
    uint64_t whole;
    r->held = (struct vault_who){.user = VAULT_NOBODY};
    r->from = r->request.hold || r->request.since ? r->request.since : NANOS_FOREVER;
    if (r->request.hold) {
        struct finding finding = {r, r->request.hold, false};
        long found = vault_log_read(&r->log, 0, find_hold, &finding, &whole);
        if (found < 0)
            return error_set(error, (int)found, "the vault's log cannot be read: %s",
                             strerror((int)-found));
        if (!finding.found)
            return error_set(error, -ENOENT, "this vault knows no %s", r->request.hold);
    }
    int status = history_new(r->log.key, &r->history);
    if (status == 0)
        status = room_for(r, 1);
    long found = status == 0 ? vault_log_read(&r->log, 0, see, r, &whole) : status;
    status = found < 0 ? (int)found : r->status;
    return status < 0
               ? error_set(error, status, "the vault's log cannot be read: %s", strerror(-status))
               : 0;
}

static int make_plan(struct restore *r, struct error *error)
{
    int status = read_log(r, error);
    if (status < 0)
        return status;
    if (!r->request.hold && !r->request.since)
        status = restore_plan_paths(r);
    for (uint32_t i = 0; status == 0 && i < r->history->file_count; i++)
        status = plan_file(r, i);
    if (status == 0 && r->request.since)
        status = restore_plan_untold(r);
    if (status == 0)
        status = look_at_all(r);
    return status < 0 ? error_set(error, status, "no memory for the plan") : 0;
}

int restore_open(const char *share, const struct restore_request *request, struct restore **out,
                 struct error *error)
{
    if (!request->hold && !request->since && !request->path)
        return error_set(error, -EINVAL, "say what: a hold, a time, or a path");
    struct restore *r = calloc(1, sizeof *r);
    if (r == NULL)
        return error_set(error, -ENOMEM, "no memory for the plan");
    *r = (struct restore){
        .place = {.share = -1, .store = -1}, .log.fd = -1, .list = -1, .request = *request};
    int status = vault_place_open(share, -1, false, &r->place, error);
    if (status == 0) {
        status = vault_log_open(r->place.store, VAULT_LOG, false, (struct hash_key){0, 0}, &r->log);
        if (status < 0)
            error_set(error, status, "the vault's log cannot be read: %s", strerror(-status));
    }
    if (status == 0)
        status = make_plan(r, error);
    if (status < 0) {
        restore_close(r);
        return status;
    }
    *out = r;
    return 0;
}

size_t restore_count(const struct restore *r)
{
    return r->item_count;
}

const struct restore_item *restore_at(const struct restore *r, size_t i)
{
    return i < r->item_count ? &r->item[i] : NULL;
}

size_t restore_left_count(const struct restore *r)
{
    return r->left_count;
}

const struct restore_left *restore_left_at(const struct restore *r, size_t i)
{
    return i < r->left_count ? &r->left[i] : NULL;
}
