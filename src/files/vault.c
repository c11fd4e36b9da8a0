#include "files/unlocked.h"
#include "files/vault_internal.h"

#include "files/attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

const char *vault_kind_name(enum vault_kind kind)
{
    return kind == VAULT_CLONES ? "clones" : kind == VAULT_COPIES ? "copies" : "none";
}

nanos_t vault_window(const struct contract *contract)
{
    nanos_t longest = 0;
    for (uint32_t i = 0; i < contract->budget_count; i++) {
        const struct budget_rule *rule = &contract->budget[i];
        for (uint32_t k = 0; rule->meter == METER_FILES_REWRITTEN && k < rule->window_count; k++)
            if (rule->window[k].span > longest)
                longest = rule->window[k].span;
    }
    return longest ? longest : NANOS_HOUR;
}

struct vault_limits vault_limits_of(const struct contract *contract, unsigned share)
{
    return (struct vault_limits){
        .at_most = contract->vault.at_most,
        .per_user = contract->vault.per_user,
        .keep = contract->vault.keep,
        .window = vault_window(contract),
        .copy_up_to = share < contract->share_count ? contract->share[share].copy_up_to : 0,
    };
}

/* ---- Opening --------------------------------------------------------------------------------- */

struct loading {
    struct history *history;
    int status;
};

static bool load_one(void *context, const struct log_record *record)
{
    struct loading *l = context;
    l->status = history_apply(l->history, record);
    return l->status == 0;
}

int vault_load(const struct vault_log *log, struct history **out, uint64_t *whole, long *damaged)
{
    struct loading l = {0};
    int status = history_new(log->key, &l.history);
    if (status < 0)
        return status;
    long found = vault_log_read(log, 0, load_one, &l, whole);
    if (found < 0 || l.status < 0) {
        history_free(l.history);
        return found < 0 ? (int)found : l.status;
    }
    *damaged = found;
    *out = l.history;
    return 0;
}

static int lock(struct vault *v, struct error *error)
{
    v->lock_file = openat(v->place.store, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (v->lock_file < 0)
        return error_set(error, -errno, "the vault cannot be locked: %s", strerror(errno));
    if (flock(v->lock_file, LOCK_EX | LOCK_NB) != 0)
        return error_set(error, errno == EWOULDBLOCK ? -EBUSY : -errno,
                         "another process keeps this vault: is `ecluse run` up?");
    return 0;
}

/* Our predecessor may still wait for the file that it was to clone, with both locked: to remove
 * this one would wait as well. False: left to be removed another time. */
static bool remove_orphan(const struct vault *v, uint64_t id)
{
    int clone = clone_open(v->place.store, id);
    bool free = clone < 0 || unlocked_now(clone);
    if (clone >= 0)
        close(clone);
    if (free)
        clone_remove(v->place.store, id);
    return free;
}

/* Clones that were made and not yet written down when the process was killed have numbers beyond
 * the last that was; and those that were to go may still be there. */
static void remove_orphans(struct vault *v)
{
    uint64_t last = v->history->highest;
    for (uint64_t id = last + 1; id <= last + 64; id++)
        if (!remove_orphan(v, id))
            v->next_id = id + 1;
    for (uint64_t id = last; id > 0 && id + 64 > last; id--)
        if (history_version(v->history, id) == HISTORY_NONE)
            (void)remove_orphan(v, id);
    size_t looked = 0;
    for (size_t i = v->history->version_count; i-- > 0 && looked < 65536;) {
        if (!v->history->version[i].gone)
            continue;
        clone_remove(v->place.store, v->history->version[i].id);
        looked++;
    }
}

static void default_limits(struct vault *v)
{
    struct statvfs fs;
    if (v->limits.at_most == 0 && fstatvfs(v->place.store, &fs) == 0)
        v->limits.at_most = (uint64_t)fs.f_blocks * fs.f_frsize / 5;
    if (v->limits.per_user == 0)
        v->limits.per_user = v->limits.at_most / 4;
    if (v->limits.keep < v->limits.window)
        v->limits.keep = v->limits.window;
}

static int open_log(struct vault *v, struct error *error)
{
    int status = vault_log_open(v->place.store, VAULT_LOG, true, hash_key_random(), &v->log);
    if (status < 0)
        return error_set(error, status,
                         status == -EUCLEAN ? "the vault's log is damaged or of another version"
                                            : "the vault's log cannot be opened: %s",
                         strerror(-status));
    uint64_t whole;
    long damaged;
    status = vault_load(&v->log, &v->history, &whole, &damaged);
    if (status == 0)
        status = vault_log_cut(&v->log, whole);
    if (status < 0)
        return error_set(error, status, "the vault's log cannot be read: %s", strerror(-status));
    if (damaged)
        log_line(LOG_LEVEL_WARNING,
                 "a vault's log is damaged in %ld places; what stands there is "
                 "kept anew",
                 damaged);
    v->next_id = v->history->highest + 1;
    remove_orphans(v);
    return 0;
}

int vault_open(const char *share, int root, const struct vault_limits *limits, nanos_t now,
               struct vault **out, struct error *error)
{
    struct vault *v = calloc(1, sizeof *v);
    if (v == NULL)
        return error_set(error, -ENOMEM, "no memory for the vault");
    *v = (struct vault){.lock_file = -1,
                        .own = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC),
                        .log.fd = -1,
                        .place = {.share = -1, .store = -1},
                        .limits = *limits,
                        .swept = now};
    pthread_mutex_init(&v->mutex, NULL);
    int length = snprintf(v->share, sizeof v->share, "%s", share);
    while (length > 1 && v->share[length - 1] == '/')
        v->share[--length] = 0;
    v->share_length = (size_t)length;
    int status = vault_place_open(share, root, true, &v->place, error);
    if (status == 0)
        status = lock(v, error);
    if (status == 0)
        status = open_log(v, error);
    if (status < 0) {
        vault_close(v);
        return status;
    }
    default_limits(v);
    vault_take_reserve(v);
    *out = v;
    return 0;
}

void vault_close(struct vault *v)
{
    if (v == NULL)
        return;
    if (v->log.fd >= 0)
        (void)fdatasync(v->log.fd);
    vault_log_close(&v->log);
    history_free(v->history);
    vault_place_close(&v->place);
    if (v->lock_file >= 0)
        close(v->lock_file);
    if (v->own >= 0)
        close(v->own);
    pthread_mutex_destroy(&v->mutex);
    free(v);
}

void vault_abandon(struct vault *v)
{
    pthread_mutex_lock(&v->mutex); /* for ever */
    (void)fdatasync(v->log.fd);
    (void)flock(v->lock_file, LOCK_UN);
}

void vault_set_limits(struct vault *v, const struct vault_limits *limits)
{
    pthread_mutex_lock(&v->mutex);
    v->limits = *limits;
    default_limits(v);
    pthread_mutex_unlock(&v->mutex);
}

enum vault_kind vault_kind(const struct vault *v)
{
    return v->place.kind;
}

struct hash_key vault_key(const struct vault *v)
{
    return v->log.key;
}

void vault_watch(struct vault *v, vault_watcher watcher, void *context)
{
    pthread_mutex_lock(&v->mutex);
    v->watcher = watcher;
    v->watcher_context = context;
    for (size_t i = 0; watcher && i < v->history->version_count; i++) {
        const struct version *version = &v->history->version[i];
        if (!version->past_at && !version->gone && version->mark)
            watcher(context, version->mark, true);
    }
    pthread_mutex_unlock(&v->mutex);
}

int vault_sync(struct vault *v)
{
    return fdatasync(v->log.fd) == 0 ? 0 : -errno;
}

int vault_note(struct vault *v, struct log_record *record)
{
    if (v->broken)
        return -ENOMEM;
    int status = vault_log_append(&v->log, record);
    if (status == -ENOSPC && vault_give_up_reserve(v))
        status = vault_log_append(&v->log, record);
    if (status < 0)
        return status;
    status = history_apply(v->history, record);
    v->broken = status < 0;
    return status;
}

void vault_state(struct vault *v, struct vault_state *out)
{
    pthread_mutex_lock(&v->mutex);
    *out = (struct vault_state){
        .kind = (uint8_t)v->place.kind,
        .full = !v->reserved,
        .files = v->history->current,
        .versions = v->history->kept,
        .past_bytes = v->history->past_bytes,
        .log_bytes = v->log.length,
        .not_covered = v->not_covered,
        .failed = v->failed,
        .refused = v->refused,
        .evicted = v->evicted,
        .expired = v->expired,
        .at_most = v->limits.at_most,
        .per_user = v->limits.per_user,
    };
    pthread_mutex_unlock(&v->mutex);
}

/* ---- What happened --------------------------------------------------------------------------- */

static uint32_t newest_there(const struct history *h, uint32_t first, uint64_t before, bool by_path)
{
    uint32_t i = first;
    while (i != HISTORY_NONE && (h->version[i].gone || (before && h->version[i].id >= before)))
        i = by_path ? h->version[i].older_here : h->version[i].older;
    return i;
}

/* With the mutex held. The clone is opened without it: its number is never another's. */
static struct vault_old old_of(const struct vault *v, uint32_t i, uint8_t *flags)
{
    const struct history *h = v->history;
    if (i == HISTORY_NONE || h->version[i].gone)
        return (struct vault_old){.fd = -1};
    const struct version *found = &h->version[i];
    *flags = found->flags;
    return (struct vault_old){
        .version = found->id,
        .fd = -1,
        .size = found->size,
        .bytes = found->bytes,
        .writer = {found->writer, found->writer_tree},
        .closed = found->at,
        .past = found->past_at,
        .file = h->file[found->file].identity,
        .mark = found->mark,
        .links = found->links,
    };
}

static void open_old(const struct vault *v, struct vault_old *old, uint8_t flags)
{
    if (old->version && !(flags & LOG_NO_CLONE))
        old->fd = clone_open(v->place.store, old->version);
    if (old->fd < 0)
        old->fd = -1;
}

struct vault_old vault_version(struct vault *v, uint64_t version)
{
    uint8_t flags = 0;
    pthread_mutex_lock(&v->mutex);
    struct vault_old old = old_of(v, history_version(v->history, version), &flags);
    pthread_mutex_unlock(&v->mutex);
    open_old(v, &old, flags);
    return old;
}

struct vault_old vault_newest(struct vault *v, struct vault_file file, const char *path,
                              uint64_t before)
{
    uint8_t flags = 0;
    pthread_mutex_lock(&v->mutex);
    const struct history *h = v->history;
    uint32_t f = HISTORY_NONE, i = HISTORY_NONE;
    uint32_t p = file.inode ? HISTORY_NONE : history_path(h, text_of(path));
    if (file.inode)
        f = history_file(h, file);
    else if (p != HISTORY_NONE)
        f = h->path[p].file;
    if (f != HISTORY_NONE)
        i = newest_there(h, h->file[f].newest, before, false);
    else if (p != HISTORY_NONE)
        i = newest_there(h, h->path[p].newest, before, true);
    struct vault_old old = old_of(v, i, &flags);
    pthread_mutex_unlock(&v->mutex);
    open_old(v, &old, flags);
    return old;
}

char *vault_path_of(struct vault *v, uint64_t version, char out[VAULT_PATH_SIZE])
{
    pthread_mutex_lock(&v->mutex);
    uint32_t i = history_version(v->history, version);
    snprintf(out, VAULT_PATH_SIZE, "%s",
             i == HISTORY_NONE ? "" : history_name(v->history, v->history->version[i].path));
    pthread_mutex_unlock(&v->mutex);
    return out;
}

bool vault_next(struct vault *v, size_t *cursor, uint64_t *version, char path[VAULT_PATH_SIZE])
{
    bool found = false;
    pthread_mutex_lock(&v->mutex);
    const struct history *h = v->history;
    while (!found && *cursor < h->file_count) {
        const struct file *f = &h->file[(*cursor)++];
        if (f->removed || f->newest == HISTORY_NONE || f->path == HISTORY_NONE ||
            h->version[f->newest].gone || h->version[f->newest].past_at)
            continue;
        *version = h->version[f->newest].id;
        snprintf(path, VAULT_PATH_SIZE, "%s", history_name(h, f->path));
        found = *path != 0;
    }
    pthread_mutex_unlock(&v->mutex);
    return found;
}

enum { OWN_STEPS = 64 };

static bool chain_is_own(const struct history *h, uint32_t i, bool by_path, struct vault_who who,
                         nanos_t since)
{
    for (int step = 0; i != HISTORY_NONE; step++) {
        const struct version *v = &h->version[i];
        if (step == OWN_STEPS || v->when != VAULT_CLOSED || v->writer != who.user ||
            v->writer_tree != who.tree || v->at < since)
            return false;
        i = by_path ? v->older_here : v->older;
    }
    return true;
}

bool vault_is_own(struct vault *v, uint64_t version, struct vault_who who, nanos_t since)
{
    if (who.tree == 0)
        return false;
    pthread_mutex_lock(&v->mutex);
    const struct history *h = v->history;
    uint32_t i = history_version(h, version);
    bool own = i != HISTORY_NONE && chain_is_own(h, i, false, who, since) &&
               chain_is_own(h, h->path[h->version[i].path].newest, true, who, since);
    pthread_mutex_unlock(&v->mutex);
    return own;
}

void vault_past(struct vault *v, uint64_t version, struct vault_who who,
                const struct rewrite_figures *figures, nanos_t now)
{
    struct log_record record = {
        .type = LOG_PAST,
        .body.PAST = {.id = version,
                      .tree = who.tree,
                      .at = now,
                      .size_after = figures->size_after,
                      .user = who.user,
                      .ground = figures->ground,
                      .before = figures->before,
                      .after = figures->after,
                      .entropy_before = figures->entropy_before,
                      .entropy_after = figures->entropy_after,
                      .read = figures->read,
                      .changed = figures->changed,
                      .risen = figures->risen},
    };
    pthread_mutex_lock(&v->mutex);
    if (history_version(v->history, version) != HISTORY_NONE && vault_note(v, &record) < 0)
        v->failed++;
    pthread_mutex_unlock(&v->mutex);
}

void vault_gone(struct vault *v, uint64_t version, struct vault_who who, nanos_t now)
{
    struct log_record record = {
        .type = LOG_NAMELESS,
        .body.NAMELESS = {.id = version, .tree = who.tree, .at = now, .user = who.user},
    };
    pthread_mutex_lock(&v->mutex);
    if (history_version(v->history, version) != HISTORY_NONE && vault_note(v, &record) < 0)
        v->failed++;
    pthread_mutex_unlock(&v->mutex);
}

int vault_moved(struct vault *v, const char *from, const char *to, bool folder,
                struct vault_who who, nanos_t now)
{
    struct log_record record = {
        .type = LOG_MOVED,
        .body.MOVED = {.tree = who.tree, .at = now, .user = who.user, .folder = folder},
        .first = text_of(from),
        .second = text_of(to),
    };
    pthread_mutex_lock(&v->mutex);
    int status = vault_note(v, &record);
    pthread_mutex_unlock(&v->mutex);
    return status;
}

void vault_held(struct vault *v, const char *hold, struct vault_who who, nanos_t from, nanos_t now)
{
    struct log_record record = {
        .type = LOG_HELD,
        .body.HELD = {.tree = who.tree, .from = from, .at = now, .user = who.user},
    };
    snprintf(record.body.HELD.hold, sizeof record.body.HELD.hold, "%s", hold);
    pthread_mutex_lock(&v->mutex);
    if (vault_note(v, &record) < 0)
        v->failed++;
    pthread_mutex_unlock(&v->mutex);
}
