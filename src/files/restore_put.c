/* Putting one file back: made whole inside the vault, then brought to its place by one rename. */
#include "files/restore_parts.h"

#include "files/attributes.h"
#include "files/beneath.h"
#include "files/unlocked.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static struct timespec time_of(int64_t nanos)
{
    struct timespec t = {nanos / NANOS_SECOND, nanos % NANOS_SECOND};
    if (t.tv_nsec < 0) { /* before 1970 */
        t.tv_nsec += NANOS_SECOND;
        t.tv_sec--;
    }
    return t;
}

/* ---- What the vault is told ------------------------------------------------------------------ */

/* Ours, unless another process keeps it. */
static void take_vault(struct restore *r)
{
    struct vault_limits limits = {.at_most = UINT64_MAX / 2,
                                  .per_user = UINT64_MAX / 2,
                                  .keep = NANOS_FOREVER / 2,
                                  .window = NANOS_FOREVER / 2,
                                  .copy_up_to = UINT64_MAX / 2};
    char link[40], share[CONTRACT_PATH_SIZE];
    if (r->vault_tried)
        return;
    r->vault_tried = true;
    snprintf(link, sizeof link, "/proc/self/fd/%d", r->place.share);
    ssize_t length = readlink(link, share, sizeof share - 1);
    if (length <= 0)
        return;
    share[length] = 0;
    if (vault_open(share, -1, &limits, clock_wall(), &r->vault, NULL) < 0)
        r->vault = NULL;
}

static int list_begin(struct restore *r)
{
    static unsigned lists;
    snprintf(r->list_name, sizeof r->list_name, ".list.%d.%u", (int)getpid(), lists++);
    r->list = openat(r->place.store, r->list_name,
                     O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    r->listed = 0;
    return r->list < 0 ? -errno : 0;
}

/* Its other name is what the vault's process looks for: it never sees half a list. */
static void list_end(struct restore *r)
{
    char name[80];
    if (r->list < 0)
        return;
    close(r->list);
    r->list = -1;
    snprintf(name, sizeof name, "restored%s", r->list_name + 5);
    if (renameat(r->place.store, r->list_name, r->place.store, name) != 0)
        (void)unlinkat(r->place.store, r->list_name, 0);
}

static void tell_restored(struct restore *r, const char *path)
{
    take_vault(r);
    if (r->vault) {
        int fd = beneath_open(r->place.share, path, O_RDONLY | O_NONBLOCK, 0);
        if (fd >= 0)
            (void)vault_keep(r->vault, fd, path, (struct vault_who){.user = 0}, VAULT_RESTORED,
                             clock_wall());
        if (fd >= 0)
            close(fd);
        return;
    }
    if (r->list < 0 && list_begin(r) < 0)
        return;
    if (write(r->list, path, strlen(path) + 1) > 0 && ++r->listed >= RESTORE_LIST_MOST)
        list_end(r);
}

/* ---- Making it whole ------------------------------------------------------------------------- */

static int copy_all(int from, int to, uint64_t size)
{
    off_t at = 0, end = (off_t)size;
    while (at < end) {
        off_t data = lseek(from, at, SEEK_DATA);
        if (data < 0)
            break;
        off_t hole = lseek(from, data, SEEK_HOLE);
        for (off_t in = data, out = data; in < hole;) {
            ssize_t n = copy_file_range(from, &in, to, &out, (size_t)(hole - in), 0);
            if (n < 0 && errno == EXDEV) { /* another file system */
                char bytes[65536];
                n = pread(from, bytes, sizeof bytes, in);
                n = n > 0 ? pwrite(to, bytes, (size_t)n, out) : n;
                in += n > 0 ? n : 0;
                out += n > 0 ? n : 0;
            }
            if (n <= 0)
                return n == 0 ? -EIO : -errno;
        }
        at = hole;
    }
    return ftruncate(to, end) == 0 ? 0 : -errno;
}

static int fill(const struct restore *r, const struct version *v, int to)
{
    if (v->flags & LOG_NO_CLONE)
        return ftruncate(to, 0) == 0 ? 0 : -errno;
    int from = clone_open(r->place.store, v->id);
    if (from < 0)
        return from;
    struct stat status, before;
    int done = fstat(from, &status) == 0 && fstat(to, &before) == 0 ? 0 : -errno;
    /* Not afterwards: to cut within a block would give it blocks of its own. */
    if (done == 0 && before.st_size > status.st_size && ftruncate(to, 0) != 0)
        done = -errno;
    if (done == 0 && ioctl(to, FICLONE, from) != 0)
        done = copy_all(from, to, (uint64_t)status.st_size);
    close(from);
    return done;
}

/* Owner first, since changing it takes rights away; then attributes, ACL among them; the mode; and
 * the times last, since all else changes them. */
static int dress(int fd, const struct log_record *record, unsigned *unset)
{
    const struct log_version *b = &record->body.KEPT;
    if (fchown(fd, b->owner, b->group) != 0)
        return -errno;
    unsigned failed = attributes_write(fd, record->second);
    if (unset)
        *unset += failed;
    struct timespec times[2] = {time_of(b->accessed), time_of(b->modified)};
    if (fchmod(fd, b->mode & 07777) != 0 || futimens(fd, times) != 0)
        return -errno;
    return 0;
}

/* What is in `fd` becomes what the version was. */
static int make_whole(struct restore *r, const struct version *v, int fd, unsigned *unset)
{
    char *room = malloc(LOG_RECORD_MOST);
    struct log_record record;
    int status = room ? vault_log_at(&r->log, v->offset, room, &record) : -ENOMEM;
    if (status == 0 && record.type != LOG_KEPT)
        status = -EBADMSG;
    if (status == 0)
        status = fill(r, v, fd);
    if (status == 0)
        status = dress(fd, &record, unset);
    free(room);
    return status;
}

/* ---- Folders --------------------------------------------------------------------------------- */

static void dress_folder(struct restore *r, int fd, uint32_t known, bool times_only)
{
    char *room = malloc(LOG_RECORD_MOST);
    struct log_record record;
    if (room && vault_log_at(&r->log, r->history->path[known].folder_at, room, &record) == 0 &&
        record.type == LOG_FOLDER) {
        const struct log_folder *b = &record.body.FOLDER;
        struct timespec times[2] = {time_of(b->accessed), time_of(b->modified)};
        if (!times_only && fchown(fd, b->owner, b->group) == 0) {
            (void)attributes_write(fd, record.second);
            (void)!fchmod(fd, b->mode & 07777);
        }
        (void)!futimens(fd, times);
    }
    free(room);
}

static bool folder_is_known(const struct restore *r, const char *path, uint32_t *known)
{
    *known = history_path(r->history, text_of(path));
    return *known != HISTORY_NONE && r->history->path[*known].folder_at;
}

/* As it was, if that is known; root's alone otherwise: who may enter is then for a person to say.
 * It is made where no user comes, so that it is surely the one that gets its owner and mode. */
static int make_folder(struct restore *r, int share, const char *path)
{
    const char *name;
    uint32_t known;
    int parent = beneath_parent(share, path, &name);
    if (parent < 0)
        return parent;
    bool here = share == r->place.share;
    int place = here ? r->place.store : parent;
    const char *made = here ? "folder" : name;
    if (here)
        (void)unlinkat(place, made, AT_REMOVEDIR); /* of a run that was killed */
    int status = mkdirat(place, made, 0700) == 0 ? 0 : -errno;
    int fd = status == 0 && here ? beneath_open(place, made, O_RDONLY | O_DIRECTORY, 0) : -1;
    if (fd >= 0 && folder_is_known(r, path, &known))
        dress_folder(r, fd, known, false);
    if (fd >= 0)
        close(fd);
    if (status == 0 && here && renameat2(place, made, parent, name, RENAME_NOREPLACE) != 0) {
        status = -errno;
        (void)unlinkat(place, made, AT_REMOVEDIR);
    }
    close(parent);
    if (status == 0 && here && r->made_count < RESTORE_FOLDERS)
        r->made_folder[r->made_count++] = history_path(r->history, text_of(path));
    return status == -EEXIST ? 0 : status;
}

/* What was put into them changed their times. */
static void fix_folder_times(struct restore *r)
{
    for (size_t i = r->made_count; i-- > 0;) {
        uint32_t known = r->made_folder[i];
        if (known == HISTORY_NONE || !r->history->path[known].folder_at)
            continue;
        int fd = beneath_open(r->place.share, history_name(r->history, known),
                              O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0)
            continue;
        dress_folder(r, fd, known, true);
        close(fd);
    }
    r->made_count = 0;
}

/* The folder for a path below `share`; made, with those above it, when it is not there. */
static int parent_of(struct restore *r, int share, const char *path, const char **name)
{
    int parent = beneath_parent(share, path, name);
    if (parent != -ENOENT)
        return parent;
    char folder[VAULT_PATH_SIZE];
    snprintf(folder, sizeof folder, "%s", path);
    for (char *slash = strchr(folder, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        int made = make_folder(r, share, folder);
        *slash = '/';
        if (made < 0)
            return made;
    }
    return beneath_parent(share, path, name);
}

void restore_close(struct restore *r)
{
    if (r == NULL)
        return;
    fix_folder_times(r);
    list_end(r);
    vault_close(r->vault);
    history_free(r->history);
    vault_log_close(&r->log);
    vault_place_close(&r->place);
    free(r->target);
    free(r->made);
    free(r->marked);
    free(r->made_folder);
    free(r->item);
    free(r->seen);
    free(r->left);
    free(r);
}

/* ---- To its place ---------------------------------------------------------------------------- */

static bool is_as_seen(int folder, const char *name, const struct seen *seen)
{
    struct stat s;
    if (fstatat(folder, name, &s, AT_SYMLINK_NOFOLLOW) != 0)
        return !seen->there && errno == ENOENT;
    return seen->there && s.st_ino == seen->inode && (uint64_t)s.st_size == seen->size &&
           s.st_mtim.tv_sec * NANOS_SECOND + s.st_mtim.tv_nsec == seen->modified;
}

/* What is replaced must be in the vault. Nobody may have told it: the guard was down, say. */
static int keep_replaced(struct restore *r, int parent, const char *name, const char *path)
{
    take_vault(r);
    if (r->vault == NULL)
        return 0; /* its process sees what is renamed and removed, and has what was closed */
    int fd = openat(parent, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ELOOP ? 0 : -errno;
    enum vault_result kept = vault_keep(
        r->vault, fd, path, (struct vault_who){.user = VAULT_NOBODY}, VAULT_BEFORE, clock_wall());
    close(fd);
    return kept == VAULT_REFUSED || kept == VAULT_FAILED ? -ENOSPC : 0;
}

/* After an exchange, what stood there is in our hand: if it is not what was seen, it goes back. */
static int exchange(struct restore *r, const char *made, int parent, const char *name,
                    const struct seen *seen)
{
    if (!seen->there)
        return renameat2(r->place.store, made, parent, name, RENAME_NOREPLACE) == 0
                   ? 0
                   : -(errno == EEXIST ? EAGAIN : errno);
    if (renameat2(r->place.store, made, parent, name, RENAME_EXCHANGE) != 0)
        return -(errno == ENOENT ? EAGAIN : errno);
    if (is_as_seen(r->place.store, made, seen))
        return 0;
    (void)renameat2(r->place.store, made, parent, name, RENAME_EXCHANGE);
    return -EAGAIN;
}

static int put_in_share(struct restore *r, const struct version *v, const char *path,
                        const struct seen *seen, unsigned *unset)
{
    char made[48];
    const char *name;
    snprintf(made, sizeof made, "restoring.%llx", (unsigned long long)v->id);
    (void)unlinkat(r->place.store, made, 0); /* of a run that was killed */
    int fd = openat(r->place.store, made, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int status = make_whole(r, v, fd, unset);
    close(fd);
    int parent = status == 0 ? parent_of(r, r->place.share, path, &name) : -1;
    if (status == 0 && parent < 0)
        status = parent;
    if (status == 0 && !is_as_seen(parent, name, seen))
        status = -EAGAIN;
    if (status == 0 && seen->there)
        status = keep_replaced(r, parent, name, path);
    if (status == 0)
        status = exchange(r, made, parent, name, seen);
    (void)unlinkat(r->place.store, made, 0);
    if (parent >= 0)
        close(parent);
    return status;
}

/* A file with several names keeps them: it is filled where it is. */
static int put_in_place(struct restore *r, const struct version *v, const char *path,
                        const struct seen *seen, unsigned *unset)
{
    const char *name;
    int parent = beneath_parent(r->place.share, path, &name);
    if (parent < 0)
        return parent;
    int status = is_as_seen(parent, name, seen) ? keep_replaced(r, parent, name, path) : -EAGAIN;
    int fd = status == 0 ? beneath_open(r->place.share, path, O_RDWR | O_NONBLOCK, 0) : -1;
    struct stat there;
    if (status == 0 && fd < 0)
        status = fd;
    if (status == 0 &&
        (fstat(fd, &there) != 0 || there.st_ino != seen->inode ||
         vault_identity(fd, &there).generation != r->history->file[v->file].identity.generation))
        status = -EAGAIN;
    if (status == 0)
        status = make_whole(r, v, fd, unset);
    if (fd >= 0)
        close(fd);
    close(parent);
    return status;
}

static int put_below(struct restore *r, const struct version *v, const char *path, int to,
                     unsigned *unset)
{
    const char *name;
    int parent = parent_of(r, to, path, &name);
    if (parent < 0)
        return parent;
    int fd = openat(parent, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int status = fd < 0 ? -(errno == EEXIST ? EAGAIN : errno) : make_whole(r, v, fd, unset);
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && status < 0)
        (void)unlinkat(parent, name, 0);
    close(parent);
    return status;
}

static enum restore_result result_of(int status, struct error *error)
{
    if (status == 0)
        return RESTORE_DONE;
    if (status == -EAGAIN)
        return RESTORE_MOVED;
    if (status == -EBUSY)
        error_set(error, status,
                  "somebody writes to it and keeps it locked: end that process (fuser names it), "
                  "and restore again");
    else
        error_set(error, status, "%s", strerror(-status));
    return RESTORE_FAILED;
}

/* To rename or remove what is locked would wait for ever, and could not be interrupted. */
static bool is_locked(const struct restore *r, const char *path)
{
    int there = beneath_open(r->place.share, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOATIME, 0);
    bool locked = there >= 0 && !unlocked_now(there);
    if (there >= 0)
        close(there);
    return locked;
}

enum restore_result restore_put(struct restore *r, size_t i, bool overwrite, int to,
                                unsigned *unset, struct error *error)
{
    const struct restore_item *item = &r->item[i];
    const struct version *v = &r->history->version[history_version(r->history, item->version)];
    const struct seen *seen = &r->seen[i];
    if (item->state == RESTORE_LOST)
        return RESTORE_SKIPPED;
    if (to >= 0)
        return result_of(put_below(r, v, item->path, to, unset), error);
    if (item->state == RESTORE_SAME || item->state == RESTORE_BLOCKED ||
        (item->state == RESTORE_CHANGED && !overwrite))
        return RESTORE_SKIPPED;
    if (seen->there && is_locked(r, item->path))
        return result_of(-EBUSY, error);
    bool same_inode =
        seen->there && v->links > 1 && r->history->file[v->file].identity.inode == seen->inode;
    int status = same_inode ? put_in_place(r, v, item->path, seen, unset)
                            : put_in_share(r, v, item->path, seen, unset);
    if (status == 0)
        tell_restored(r, item->path);
    return result_of(status, error);
}

/* Moved into the vault first, so that what is removed is what was looked at. */
enum restore_result restore_remove_left(struct restore *r, size_t i, struct error *error)
{
    const struct restore_left *left = &r->left[i];
    const char *name;
    struct stat status;
    char taken[48];
    if (is_locked(r, left->path))
        return result_of(-EBUSY, error);
    int parent = beneath_parent(r->place.share, left->path, &name);
    if (parent < 0)
        return result_of(parent == -ENOENT ? -EAGAIN : parent, error);
    int done = fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : -EAGAIN;
    if (done == 0 && !S_ISREG(status.st_mode))
        done = -EAGAIN;
    if (done == 0)
        done = keep_replaced(r, parent, name, left->path);
    snprintf(taken, sizeof taken, "removing.%llx", (unsigned long long)status.st_ino);
    if (done == 0 && renameat2(parent, name, r->place.store, taken, RENAME_NOREPLACE) != 0)
        done = -errno;
    if (done == 0)
        (void)unlinkat(r->place.store, taken, 0);
    close(parent);
    return result_of(done, error);
}
