/* Keeping one version: a clone, what is known of the file, and a record. */
#include "files/vault_internal.h"

#include "files/attributes.h"
#include "files/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { TRIES = 3, EXTENTS = 32, CLONE_BLOCK = 4096 };

static int64_t nanos_of(struct timespec t)
{
    return t.tv_sec * NANOS_SECOND + t.tv_nsec;
}

uint64_t vault_mark(struct hash_key key, const struct stat *status)
{
    return history_mark(key, status->st_ino, nanos_of(status->st_ctim), (uint64_t)status->st_size);
}

struct vault_file vault_identity(int fd, const struct stat *status)
{
    int generation = 0;
    if (ioctl(fd, FS_IOC_GETVERSION, &generation) != 0)
        generation = 0;
    return (struct vault_file){status->st_ino, (uint32_t)generation};
}

/* ---- Where it is ----------------------------------------------------------------------------- */

static bool within_share(const struct vault *v, char *path, size_t length)
{
    if (length <= v->share_length || memcmp(path, v->share, v->share_length) != 0)
        return false;
    size_t skip = v->share_length;
    if (v->share_length > 1 && path[skip++] != '/')
        return false;
    memmove(path, path + skip, length - skip + 1);
    return path[0] != 0;
}

/* As /proc says it: a removed file's path ends in " (deleted)". */
bool vault_find_path(const struct vault *v, int fd, const struct stat *status,
                     char out[VAULT_PATH_SIZE])
{
    static const char deleted[] = " (deleted)";
    char link[16];
    snprintf(link, sizeof link, "%d", fd);
    ssize_t got = readlinkat(v->own, link, out, VAULT_PATH_SIZE - 1);
    if (got <= 0 || got == VAULT_PATH_SIZE - 1)
        return false;
    size_t length = (size_t)got, suffix = sizeof deleted - 1;
    out[length] = 0;
    if (status->st_nlink == 0 && length > suffix && strcmp(out + length - suffix, deleted) == 0)
        out[length -= suffix] = 0;
    return within_share(v, out, length);
}

static bool in_vault(const char *path)
{
    size_t length = sizeof VAULT_FOLDER - 1;
    return strncmp(path, VAULT_FOLDER, length) == 0 && (path[length] == 0 || path[length] == '/');
}

/* ---- The clone ------------------------------------------------------------------------------- */

static int copy_data(int from, int to, uint64_t size)
{
    off_t at = 0, end = (off_t)size;
    while (at < end) {
        off_t data = lseek(from, at, SEEK_DATA);
        if (data < 0)
            break; /* holes up to the end */
        off_t hole = lseek(from, data, SEEK_HOLE);
        if (hole < 0 || hole > end)
            hole = end;
        off_t in = data, out = data;
        while (in < hole) {
            ssize_t n = copy_file_range(from, &in, to, &out, (size_t)(hole - in), 0);
            if (n < 0)
                return -errno;
            if (n == 0)
                break;
        }
        at = hole;
    }
    return ftruncate(to, end) == 0 ? 0 : -errno;
}

static int fill_clone(const struct vault *v, int from, int to, const struct stat *status)
{
    if (v->place.kind == VAULT_CLONES)
        return ioctl(to, FICLONE, from) == 0 ? 0 : -errno;
    return copy_data(from, to, (uint64_t)status->st_size);
}

struct taking {
    struct stat status;
    struct vault_file identity;
    uint64_t id, bytes; /* the clone's on disk: a file being written to has more, for a while */
    uint8_t flags;
};

static bool is_settled(int fd, struct stat *status)
{
    struct stat after;
    if (fstat(fd, &after) != 0)
        return false;
    bool same =
        after.st_size == status->st_size && nanos_of(after.st_ctim) == nanos_of(status->st_ctim);
    *status = after;
    return same;
}

/* Before Linux 6.13 a file's times go by ticks (4 ms on Debian): what is written in the tick in
 * which it is cloned may leave its ctime as it was, and would be taken for what the vault has. */
static bool may_be_unseen(const struct stat *status)
{
    return nanos_of(status->st_ctim) >= clock_tick();
}

static uint64_t bytes_of(int clone)
{
    struct stat status;
    return fstat(clone, &status) == 0 ? (uint64_t)status.st_blocks * 512 : 0;
}

/* The clone is of one moment, and the status of the same: or it is torn, and said so. */
static int take_clone(struct vault *v, int fd, struct taking *t)
{
    int clone = clone_create(v->place.store, t->id);
    if (clone < 0)
        return clone;
    int status = 0;
    bool settled = false, unseen = may_be_unseen(&t->status);
    for (int i = 0; i < TRIES && status == 0 && !settled; i++) {
        if (i > 0 && ftruncate(clone, 0) != 0)
            status = -errno;
        if (status == 0)
            status = fill_clone(v, fd, clone, &t->status);
        settled = status == 0 && is_settled(fd, &t->status);
    }
    if (status == 0 && (!settled || unseen))
        t->flags |= LOG_TORN;
    t->bytes = bytes_of(clone);
    close(clone);
    if (status < 0)
        clone_remove(v->place.store, t->id);
    return status;
}

union extents { /* room for what lies behind the struct */
    struct fiemap map;
    char room[sizeof(struct fiemap) + EXTENTS * sizeof(struct fiemap_extent)];
};

static bool extents_of(int fd, uint64_t size, union extents *e)
{
    memset(e, 0, sizeof *e);
    e->map = (struct fiemap){.fm_length = size, .fm_extent_count = EXTENTS};
    if (ioctl(fd, FS_IOC_FIEMAP, &e->map) != 0 || e->map.fm_mapped_extents >= EXTENTS)
        return false;
    for (uint32_t i = 0; i < e->map.fm_mapped_extents; i++)
        if (e->map.fm_extents[i].fe_flags &
            (FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_DATA_INLINE))
            return false;
    return true;
}

bool vault_same_blocks(int one, int other, uint64_t size)
{
    union extents a, b;
    bool same = extents_of(one, size, &a) && extents_of(other, size, &b) &&
                a.map.fm_mapped_extents == b.map.fm_mapped_extents;
    for (uint32_t i = 0; same && i < a.map.fm_mapped_extents; i++)
        same = a.map.fm_extents[i].fe_logical == b.map.fm_extents[i].fe_logical &&
               a.map.fm_extents[i].fe_physical == b.map.fm_extents[i].fe_physical &&
               a.map.fm_extents[i].fe_length == b.map.fm_extents[i].fe_length;
    return same;
}

/* Then nothing but the name, rights or times changed, and the older one costs nothing. Times alone
 * would tell nothing, since anyone sets them. */
static bool same_blocks(const struct vault *v, uint64_t one, uint64_t other, uint64_t size)
{
    int first = clone_open(v->place.store, one), second = clone_open(v->place.store, other);
    bool same = first >= 0 && second >= 0 && vault_same_blocks(first, second, size);
    if (first >= 0)
        close(first);
    if (second >= 0)
        close(second);
    return same;
}

/* ---- The record ------------------------------------------------------------------------------ */

/* With the mutex held: the file's newest version, or HISTORY_NONE. */
static uint32_t newest_of(const struct vault *v, struct vault_file identity)
{
    uint32_t file = history_file(v->history, identity);
    return file == HISTORY_NONE ? HISTORY_NONE : v->history->file[file].newest;
}

static bool is_kept(const struct vault *v, const struct taking *t, uint64_t mark)
{
    uint32_t newest = newest_of(v, t->identity);
    return newest != HISTORY_NONE && v->history->version[newest].mark == mark &&
           !v->history->version[newest].gone && !v->history->version[newest].past_at;
}

static struct log_record record_of(const struct taking *t, struct vault_who who,
                                   enum vault_when when, nanos_t now)
{
    const struct stat *s = &t->status;
    return (struct log_record){
        .type = LOG_KEPT,
        .body.KEPT = {.id = t->id,
                      .inode = t->identity.inode,
                      .generation = t->identity.generation,
                      .mode = s->st_mode,
                      .owner = s->st_uid,
                      .group = s->st_gid,
                      .links = (uint32_t)s->st_nlink,
                      .when = (uint8_t)when,
                      .flags = t->flags,
                      .accessed = nanos_of(s->st_atim),
                      .modified = nanos_of(s->st_mtim),
                      .changed = nanos_of(s->st_ctim),
                      .size = (uint64_t)s->st_size,
                      .bytes = t->bytes,
                      .tree = who.tree,
                      .user = who.user,
                      .at = now},
    };
}

/* Appends unless another thread was faster. */
static enum vault_result write_down(struct vault *v, int fd, struct taking *t, const char *path,
                                    struct vault_who who, enum vault_when when, nanos_t now)
{
    char attributes[VAULT_XATTR_MOST];
    unsigned missing = 0;
    size_t length = attributes_read(fd, attributes, sizeof attributes, &missing);
    uint64_t mark = vault_mark(v->log.key, &t->status);
    pthread_mutex_lock(&v->mutex);
    uint32_t newest = newest_of(v, t->identity);
    uint64_t older = newest != HISTORY_NONE ? v->history->version[newest].id : 0;
    struct vault_who wrote = {.user = VAULT_NOBODY};
    if (older)
        wrote = (struct vault_who){v->history->version[newest].writer,
                                   v->history->version[newest].writer_tree};
    bool maybe_same = older && !v->history->version[newest].past_at &&
                      !v->history->version[newest].gone &&
                      v->history->version[newest].size == (uint64_t)t->status.st_size;
    pthread_mutex_unlock(&v->mutex);
    if (maybe_same && v->place.kind == VAULT_CLONES &&
        same_blocks(v, older, t->id, (uint64_t)t->status.st_size))
        t->flags |= LOG_SAME;
    /* Who opens a file has not written it; if only names or rights changed, the last writer did. */
    if (when == VAULT_BEFORE || when == VAULT_FOUND)
        who = t->flags & LOG_SAME ? wrote : (struct vault_who){.user = VAULT_NOBODY};
    struct log_record record = record_of(t, who, when, now);
    record.first = text_of(path);
    record.second = (struct text){attributes, length};
    pthread_mutex_lock(&v->mutex);
    enum vault_result result = VAULT_ALREADY;
    uint64_t before = newest != HISTORY_NONE ? v->history->version[newest].mark : 0;
    if (!is_kept(v, t, mark)) {
        int status = vault_note(v, &record);
        result = status == 0 ? VAULT_KEPT : status == -ENOSPC ? VAULT_REFUSED : VAULT_FAILED;
        if (result == VAULT_KEPT && v->watcher && before)
            v->watcher(v->watcher_context, before, false);
        if (result == VAULT_KEPT && v->watcher && !(t->flags & LOG_TORN))
            v->watcher(v->watcher_context, mark, true);
    }
    v->failed += missing > 0 && result == VAULT_KEPT;
    pthread_mutex_unlock(&v->mutex);
    return result;
}

static enum vault_result keep_clone(struct vault *v, int fd, struct taking *t)
{
    t->id = atomic_fetch_add(&v->next_id, 1);
    if (t->status.st_size == 0) {
        t->flags |= LOG_NO_CLONE;
        return VAULT_KEPT;
    }
    int status = take_clone(v, fd, t);
    if (status == -ENOSPC || status == -EDQUOT) {
        pthread_mutex_lock(&v->mutex);
        bool more = vault_give_up_reserve(v);
        pthread_mutex_unlock(&v->mutex);
        if (more)
            status = take_clone(v, fd, t);
    }
    if (status == -ENOSPC || status == -EDQUOT)
        return VAULT_REFUSED;
    return status < 0 ? VAULT_FAILED : VAULT_KEPT;
}

/* The pass, or an opener, was faster than who tells that it was closed, and by whom. */
static void learn_writer(struct vault *v, const struct taking *t, struct vault_who who, nanos_t now)
{
    uint32_t newest = newest_of(v, t->identity);
    if (v->history->version[newest].writer != VAULT_NOBODY || who.user == VAULT_NOBODY)
        return;
    struct log_record record = {
        .type = LOG_WRITER,
        .body.WRITER = {
            .id = v->history->version[newest].id, .tree = who.tree, .at = now, .user = who.user}};
    v->failed += vault_note(v, &record) < 0;
}

/* Whether there is anything to do: VAULT_KEPT means yes. */
static enum vault_result look(struct vault *v, int fd, struct taking *t, enum vault_when when,
                              struct vault_who who, nanos_t now)
{
    if (fstat(fd, &t->status) != 0)
        return VAULT_FAILED;
    if (!S_ISREG(t->status.st_mode) || t->status.st_dev != v->place.device ||
        (t->status.st_size == 0 && when == VAULT_BEFORE))
        return VAULT_NOTHING;
    t->identity = vault_identity(fd, &t->status);
    pthread_mutex_lock(&v->mutex);
    bool kept = is_kept(v, t, vault_mark(v->log.key, &t->status));
    if (kept && when == VAULT_CLOSED)
        learn_writer(v, t, who, now);
    bool room = when != VAULT_BEFORE || vault_make_room(v, who.user, now);
    pthread_mutex_unlock(&v->mutex);
    if (!room)
        return VAULT_REFUSED;
    if (kept)
        return VAULT_ALREADY;
    if (v->place.kind == VAULT_COPIES && when != VAULT_BEFORE)
        return VAULT_NOTHING;
    if (v->place.kind == VAULT_COPIES && (uint64_t)t->status.st_blocks * 512 > v->limits.copy_up_to)
        return VAULT_NOT_COVERED;
    return VAULT_KEPT;
}

static void keep_folders(struct vault *v, const char *path, nanos_t now);

/* The end of every keeping: VAULT_KEPT says that the clone stands, and its record is owed. */
static enum vault_result put_down(struct vault *v, int fd, struct taking *t, const char *path,
                                  struct vault_who who, enum vault_when when, nanos_t now,
                                  enum vault_result result)
{
    if (result == VAULT_KEPT) {
        result = write_down(v, fd, t, path, who, when, now);
        if (result != VAULT_KEPT)
            clone_remove(v->place.store, t->id);
        else
            keep_folders(v, path, now);
    }
    v->not_covered += result == VAULT_NOT_COVERED;
    v->failed += result == VAULT_FAILED;
    v->refused += result == VAULT_REFUSED;
    return result;
}

enum vault_result vault_keep(struct vault *v, int fd, const char *path, struct vault_who who,
                             enum vault_when when, nanos_t now)
{
    struct taking t = {0};
    char found[VAULT_PATH_SIZE];
    enum vault_result result = look(v, fd, &t, when, who, now);
    if (result == VAULT_KEPT && path == NULL)
        path = vault_find_path(v, fd, &t.status, found) ? found : "";
    if (result == VAULT_KEPT && in_vault(path))
        result = VAULT_NOTHING;
    if (result == VAULT_KEPT)
        result = keep_clone(v, fd, &t);
    return put_down(v, fd, &t, path, who, when, now, result);
}

static int write_clone(const struct vault *v, struct taking *t, const char *bytes)
{
    int clone = clone_create(v->place.store, t->id);
    if (clone < 0)
        return clone;
    size_t length = (size_t)t->status.st_size, at = 0;
    while (at < length) {
        ssize_t put = write(clone, bytes + at, length - at);
        if (put <= 0)
            break;
        at += (size_t)put;
    }
    int status = at == length ? 0 : errno ? -errno : -EIO;
    t->bytes = (length + CLONE_BLOCK - 1) / CLONE_BLOCK * CLONE_BLOCK;
    close(clone);
    if (status < 0)
        clone_remove(v->place.store, t->id);
    return status;
}

enum vault_result vault_keep_read(struct vault *v, int fd, const struct stat *status,
                                  const char *bytes, struct vault_who who, nanos_t now)
{
    struct taking t = {/* of what is no more, and stands for nothing that is there */
                       .flags = LOG_TORN,
                       .status = *status,
                       .identity = vault_identity(fd, status)};
    char path[VAULT_PATH_SIZE];
    struct stat is;
    if (v->place.kind != VAULT_CLONES || status->st_size == 0 || fstat(fd, &is) != 0)
        return VAULT_NOTHING;
    if (!vault_find_path(v, fd, &is, path))
        path[0] = 0;
    if (in_vault(path))
        return VAULT_NOTHING;
    t.id = atomic_fetch_add(&v->next_id, 1);
    int code = write_clone(v, &t, bytes);
    enum vault_result result = code == -ENOSPC || code == -EDQUOT ? VAULT_REFUSED
                               : code < 0                         ? VAULT_FAILED
                                                                  : VAULT_KEPT;
    return put_down(v, fd, &t, path, who, VAULT_CLOSED, now, result);
}

enum vault_result vault_room(struct vault *v, struct vault_who who, nanos_t now)
{
    pthread_mutex_lock(&v->mutex);
    bool room = vault_make_room(v, who.user, now);
    pthread_mutex_unlock(&v->mutex);
    v->refused += !room;
    return room ? VAULT_ALREADY : VAULT_REFUSED;
}

/* ---- Folders --------------------------------------------------------------------------------- */

void vault_keep_folder(struct vault *v, int fd, const char *path, nanos_t now)
{
    char attributes[VAULT_XATTR_MOST];
    struct stat s;
    unsigned missing = 0;
    if (fstat(fd, &s) != 0 || !S_ISDIR(s.st_mode) || s.st_dev != v->place.device || in_vault(path))
        return;
    struct log_record record = {
        .type = LOG_FOLDER,
        .body.FOLDER = {.inode = s.st_ino,
                        .accessed = nanos_of(s.st_atim),
                        .modified = nanos_of(s.st_mtim),
                        .at = now,
                        .mode = s.st_mode,
                        .owner = s.st_uid,
                        .group = s.st_gid},
        .first = text_of(path),
        .second = {attributes, attributes_read(fd, attributes, sizeof attributes, &missing)},
    };
    uint64_t mark = history_folder_mark(&record);
    pthread_mutex_lock(&v->mutex);
    uint32_t known = history_path(v->history, record.first);
    if (known == HISTORY_NONE || v->history->path[known].folder_mark != mark)
        v->failed += vault_note(v, &record) < 0;
    pthread_mutex_unlock(&v->mutex);
}

/* The folders that a path lies in, from the innermost, until one is known. */
static void keep_folders(struct vault *v, const char *path, nanos_t now)
{
    char folder[VAULT_PATH_SIZE];
    size_t length = strlen(path);
    if (length >= sizeof folder)
        return;
    memcpy(folder, path, length + 1);
    for (char *slash = strrchr(folder, '/'); slash; slash = strrchr(folder, '/')) {
        *slash = 0;
        pthread_mutex_lock(&v->mutex);
        uint32_t known = history_path(v->history, text_of(folder));
        bool there = known != HISTORY_NONE && v->history->path[known].folder_at;
        pthread_mutex_unlock(&v->mutex);
        if (there)
            return;
        int fd = beneath_open(v->place.share, folder, O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0)
            return;
        vault_keep_folder(v, fd, folder, now);
        close(fd);
    }
}
