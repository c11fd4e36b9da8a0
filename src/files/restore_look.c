/* What is there now, who made it so, and so whether it may be replaced; and plans for paths. */
#include "files/restore_parts.h"

#include "files/beneath.h"
#include "files/unlocked.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* The vault is told of a rewrite a moment after it; what changed later than that, nobody saw. */
#define MOMENT (2 * NANOS_SECOND)

static int64_t nanos_of(struct timespec t)
{
    return t.tv_sec * NANOS_SECOND + t.tv_nsec;
}

static bool is_held(const struct restore *r, uint32_t user, uint64_t tree)
{
    return r->request.hold && (r->held.user == VAULT_NOBODY || r->held.user == user) &&
           (r->held.tree == 0 || r->held.tree == tree);
}

/* What the log knows of who wrote what is there: the version, or HISTORY_NONE. */
static uint32_t known_version(const struct restore *r, const struct stat *status)
{
    const struct history *h = r->history;
    uint64_t mark = vault_mark(r->log.key, status);
    size_t low = 0, high = r->marked_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (h->version[r->marked[middle]].mark < mark)
            low = middle + 1;
        else
            high = middle;
    }
    return low < r->marked_count && h->version[r->marked[low]].mark == mark ? r->marked[low]
                                                                            : HISTORY_NONE;
}

/* Whose what is there is. Spoilt, when it is his who is held, or who destroyed what was there. */
static enum restore_state judge_present(const struct restore *r, const struct target *target,
                                        const struct version *wanted, const struct stat *status)
{
    const struct history *h = r->history;
    uint32_t known = known_version(r, status);
    uint32_t by = target->at ? target->by : wanted->past_by;
    uint64_t tree = target->at ? target->tree : wanted->past_tree;
    bool counts = wanted->ground != LOG_UNJUDGED &&
                  rewrite_ground_verdict((enum rewrite_ground)wanted->ground) == REWRITE_COUNTS;
    if (known != HISTORY_NONE) {
        const struct version *there = &h->version[known];
        if (r->request.hold)
            return is_held(r, there->writer, there->writer_tree) ? RESTORE_SPOILT : RESTORE_CHANGED;
        bool same_hand = there->writer == by && there->writer_tree == tree && tree != 0;
        return counts && same_hand ? RESTORE_SPOILT : RESTORE_CHANGED;
    }
    /* Not seen closed: it is his, if it did not change after the last that was heard of him. */
    nanos_t last = wanted->past_at > r->held_at ? wanted->past_at : r->held_at;
    bool his = r->request.hold ? target->at && is_held(r, by, tree) : counts;
    return his && nanos_of(status->st_ctim) <= last + MOMENT ? RESTORE_SPOILT : RESTORE_CHANGED;
}

static int by_mark(const void *one, const void *other, void *versions)
{
    const struct version *v = versions;
    uint64_t a = v[*(const uint32_t *)one].mark, b = v[*(const uint32_t *)other].mark;
    return a < b ? -1 : a > b;
}

/* A file's generation is told only to who opens it, and opening waits for whoever guards it: so
 * what lies on disk is found by its mark. */
int restore_index(struct restore *r)
{
    const struct history *h = r->history;
    r->marked = malloc((h->version_count + 1) * sizeof *r->marked);
    if (r->marked == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < h->version_count; i++)
        r->marked[r->marked_count++] = i;
    qsort_r(r->marked, r->marked_count, sizeof *r->marked, by_mark, h->version);
    return 0;
}

/* Put back already, by a run of which the vault has not heard yet. */
static bool is_restored(const struct restore *r, const struct version *wanted, const char *path,
                        const struct stat *status)
{
    char *room = malloc(LOG_RECORD_MOST);
    struct log_record record;
    const struct log_version *b = &record.body.KEPT;
    bool same = wanted->size == (uint64_t)status->st_size && room &&
                vault_log_at(&r->log, wanted->offset, room, &record) == 0 &&
                record.type == LOG_KEPT && b->mode == status->st_mode &&
                b->owner == status->st_uid && b->group == status->st_gid &&
                b->modified == nanos_of(status->st_mtim);
    free(room);
    if (!same || wanted->size == 0)
        return same;
    int there = beneath_open(r->place.share, path, O_RDONLY | O_NONBLOCK, 0);
    int clone = clone_open(r->place.store, wanted->id);
    same = there >= 0 && clone >= 0 && unlocked_now(there) &&
           vault_same_blocks(there, clone, wanted->size);
    if (there >= 0)
        close(there);
    if (clone >= 0)
        close(clone);
    return same;
}

static bool is_ordinary(const struct restore *r, const struct version *wanted)
{
    return !r->request.hold && wanted->past_at && wanted->ground != LOG_UNJUDGED &&
           rewrite_ground_verdict((enum rewrite_ground)wanted->ground) == REWRITE_BENIGN;
}

void restore_look(struct restore *r, const struct target *target, struct restore_item *item,
                  struct seen *seen)
{
    const struct version *wanted = &r->history->version[history_version(r->history, item->version)];
    const char *name;
    struct stat status;
    *seen = (struct seen){0};
    if (wanted->gone ||
        (!(wanted->flags & LOG_NO_CLONE) && !clone_is_there(r->place.store, wanted->id))) {
        item->state = RESTORE_LOST;
        return;
    }
    int parent = beneath_parent(r->place.share, item->path, &name);
    if (parent < 0) {
        item->state = parent == -ENOENT ? RESTORE_MISSING : RESTORE_BLOCKED;
        return;
    }
    int found = fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW);
    close(parent);
    if (found != 0) {
        item->state = errno != ENOENT          ? RESTORE_BLOCKED
                      : is_ordinary(r, wanted) ? RESTORE_CHANGED
                                               : RESTORE_MISSING;
        return;
    }
    *seen = (struct seen){.there = true,
                          .inode = status.st_ino,
                          .size = (uint64_t)status.st_size,
                          .modified = nanos_of(status.st_mtim)};
    if (S_ISDIR(status.st_mode) || status.st_dev != r->place.device)
        item->state = RESTORE_BLOCKED;
    else if (!S_ISREG(status.st_mode))
        item->state = RESTORE_CHANGED; /* the link itself would be replaced */
    else if ((wanted->mark && vault_mark(r->log.key, &status) == wanted->mark) ||
             is_restored(r, wanted, item->path, &status))
        item->state = RESTORE_SAME;
    else
        item->state = (uint8_t)judge_present(r, target, wanted, &status);
}

/* ---- Of a path: the newest version that is not there now ------------------------------------- */

/* mark: of what is there; 0: nothing is, and a version that stands for nothing that was there when
 * it was kept has 0 as well. */
static bool may_be_wanted(const struct restore *r, uint32_t i, uint64_t mark)
{
    const struct version *v = &r->history->version[i];
    return !v->gone && (!mark || v->mark != mark) && v->ground != REWRITE_UNCHANGED;
}

static bool is_newest(const struct history *h, uint32_t path, uint64_t mark)
{
    uint32_t file = h->path[path].file;
    uint32_t newest = file != HISTORY_NONE ? h->file[file].newest : h->path[path].newest;
    return mark && newest != HISTORY_NONE && h->version[newest].mark == mark;
}

int restore_plan_paths(struct restore *r)
{
    const struct history *h = r->history;
    int status = 0;
    for (uint32_t i = 0; i < h->path_count && status == 0; i++) {
        const char *path = history_name(h, i), *name;
        if (*path == 0 || !restore_within(path, r->request.path))
            continue;
        struct stat there;
        uint64_t mark = 0;
        int parent = beneath_parent(r->place.share, path, &name);
        if (parent >= 0 && fstatat(parent, name, &there, AT_SYMLINK_NOFOLLOW) == 0)
            mark = vault_mark(r->log.key, &there);
        if (parent >= 0)
            close(parent);
        uint32_t file = h->path[i].file;
        bool itself = strcmp(path, r->request.path) == 0;
        if (!itself && is_newest(h, i, mark))
            continue; /* in a folder, what stands as it was last kept is left alone */
        uint32_t version = file != HISTORY_NONE ? h->file[file].newest : h->path[i].newest;
        while (version != HISTORY_NONE && !may_be_wanted(r, version, mark))
            version =
                file != HISTORY_NONE ? h->version[version].older : h->version[version].older_here;
        if (version == HISTORY_NONE && file != HISTORY_NONE)
            for (version = h->path[i].newest;
                 version != HISTORY_NONE && !may_be_wanted(r, version, mark);)
                version = h->version[version].older_here;
        struct target target = {.version = version, .path = i, .by = VAULT_NOBODY};
        if (version != HISTORY_NONE)
            status = restore_add(r, &target);
    }
    return status;
}

/* ---- Of a time: what happened and nobody told ------------------------------------------------ */

/* A file that stood at the time by all that is known, and is not there or was changed later than
 * that: emptied while no guard was up, and not passed over since. */
static bool is_untold(const struct restore *r, const struct version *v, const char *path)
{
    const char *name;
    struct stat there;
    int parent = beneath_parent(r->place.share, path, &name);
    int found = parent < 0 ? parent : fstatat(parent, name, &there, AT_SYMLINK_NOFOLLOW);
    bool gone = parent == -ENOENT || (parent >= 0 && found != 0 && errno == ENOENT);
    if (parent >= 0)
        close(parent);
    if (gone || found != 0)
        return gone;
    return S_ISREG(there.st_mode) && vault_mark(r->log.key, &there) != v->mark &&
           nanos_of(there.st_ctim) > r->request.since;
}

int restore_plan_untold(struct restore *r)
{
    const struct history *h = r->history;
    int status = 0;
    for (uint32_t i = 0; i < h->file_count && status == 0; i++) {
        const struct file *f = &h->file[i];
        if (f->removed || f->newest == HISTORY_NONE || f->path == HISTORY_NONE ||
            r->target[i].version != HISTORY_NONE)
            continue;
        const struct version *v = &h->version[f->newest];
        const char *path = history_name(h, f->path);
        struct target target = {.version = f->newest, .path = f->path, .by = VAULT_NOBODY};
        if (!v->gone && !v->past_at && v->mark && v->at <= r->request.since && *path &&
            restore_within(path, r->request.path) && is_untold(r, v, path))
            status = restore_add(r, &target);
    }
    return status;
}

/* ---- Looking at a vault ---------------------------------------------------------------------- */

struct restore_view {
    struct vault_place place;
    struct vault_log log;
    struct history *history;
    struct restore_hold *hold;
    size_t hold_count;
    int status;
};

static bool take(void *context, const struct log_record *record)
{
    struct restore_view *view = context;
    if (record->type == LOG_HELD) {
        const struct log_held *b = &record->body.HELD;
        struct restore_hold *more =
            realloc(view->hold, (view->hold_count + 1) * sizeof *view->hold);
        if (more == NULL) {
            view->status = -ENOMEM;
            return false;
        }
        view->hold = more;
        more[view->hold_count] =
            (struct restore_hold){.who = {b->user, b->tree}, .from = b->from, .at = b->at};
        memcpy(more[view->hold_count].hold, b->hold, sizeof b->hold);
        more[view->hold_count++].hold[sizeof b->hold - 1] = 0;
    }
    view->status = history_apply(view->history, record);
    return view->status == 0;
}

int restore_view_open(const char *share, struct restore_view **out, struct error *error)
{
    struct restore_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return error_set(error, -ENOMEM, "no memory");
    view->place = (struct vault_place){.share = -1, .store = -1};
    view->log.fd = -1;
    uint64_t whole;
    int status = vault_place_open(share, -1, false, &view->place, error);
    if (status == 0) {
        status = vault_log_open(view->place.store, VAULT_LOG, false, (struct hash_key){0, 0},
                                &view->log);
        if (status == 0)
            status = history_new(view->log.key, &view->history);
        if (status == 0) {
            long found = vault_log_read(&view->log, 0, take, view, &whole);
            status = found < 0 ? (int)found : view->status;
        }
        if (status < 0)
            error_set(error, status, "the vault's log cannot be read: %s", strerror(-status));
    }
    if (status < 0) {
        restore_view_close(view);
        return status;
    }
    *out = view;
    return 0;
}

void restore_view_close(struct restore_view *view)
{
    if (view == NULL)
        return;
    history_free(view->history);
    vault_log_close(&view->log);
    vault_place_close(&view->place);
    free(view->hold);
    free(view);
}

size_t restore_view_versions(const struct restore_view *view, const char *path,
                             struct restore_version *out, size_t most)
{
    const struct history *h = view->history;
    uint32_t p = history_path(h, text_of(path));
    uint32_t i = p != HISTORY_NONE ? h->path[p].newest : HISTORY_NONE;
    size_t count = 0;
    for (; i != HISTORY_NONE && count < most; i = h->version[i].older_here) {
        const struct version *v = &h->version[i];
        if (v->gone)
            continue;
        out[count++] = (struct restore_version){
            .version = v->id,
            .size = v->size,
            .closed = v->at,
            .ended = v->past_at,
            .writer = v->writer,
            .by = v->past_by,
            .ground = v->ground,
            .is_there = (v->flags & LOG_NO_CLONE) || clone_is_there(view->place.store, v->id)};
    }
    return count;
}

size_t restore_view_holds(const struct restore_view *view, struct restore_hold *out, size_t most)
{
    size_t count = 0;
    for (size_t i = view->hold_count; i-- > 0 && count < most;)
        out[count++] = view->hold[i];
    return count;
}

bool restore_view_next(const struct restore_view *view, const char *folder, size_t *cursor,
                       const char **path)
{
    const struct history *h = view->history;
    while (*cursor < h->path_count) {
        const struct path *p = &h->path[(*cursor)++];
        uint32_t i = p->newest;
        while (i != HISTORY_NONE && h->version[i].gone)
            i = h->version[i].older_here;
        if (i == HISTORY_NONE || !restore_within(p->name, folder))
            continue;
        *path = p->name;
        return true;
    }
    return false;
}

void restore_view_state(const struct restore_view *view, struct vault_state *out)
{
    *out = (struct vault_state){.files = view->history->current,
                                .versions = view->history->kept,
                                .past_bytes = view->history->past_bytes,
                                .log_bytes = view->log.length};
}
