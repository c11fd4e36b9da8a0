#include "files/vault_internal.h"

#include "files/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Only who has CAP_LINUX_IMMUTABLE takes this off again, and nobody renames or removes the folder,
 * or makes anything in it, as long as it is on. What lies in its folders changes freely. */
static int make_immutable(int fd)
{
    int flags = 0;
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0)
        return -errno;
    if (flags & FS_IMMUTABLE_FL)
        return 0;
    flags |= FS_IMMUTABLE_FL;
    return ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0 ? 0 : -errno;
}

/* Without such flags (tmpfs), the share's root must keep strangers from renaming what is in it. */
static bool root_keeps_strangers_out(int share)
{
    struct stat status;
    return fstat(share, &status) == 0 && status.st_uid == geteuid() &&
           ((status.st_mode & 022) == 0 || (status.st_mode & S_ISVTX));
}

static int check_owner(int folder, struct error *error)
{
    struct stat status;
    if (fstat(folder, &status) == 0 && status.st_uid == geteuid() &&
        (status.st_mode & 07777) == 0700)
        return 0;
    return error_set(error, -EPERM,
                     "%s in the share is not the vault: it is not root's alone (0700); look at it, "
                     "and move it away",
                     VAULT_FOLDER);
}

static int protect_folder(int share, int folder, struct error *error)
{
    struct stat status, named;
    int flagged = make_immutable(folder);
    if (flagged < 0 && !root_keeps_strangers_out(share))
        return error_set(error, flagged == -ENOTTY || flagged == -EOPNOTSUPP ? -EPERM : flagged,
                         "the vault cannot be protected from being renamed by who may write the "
                         "share's root: %s",
                         strerror(-flagged));
    if (fstat(folder, &status) != 0 ||
        fstatat(share, VAULT_FOLDER, &named, AT_SYMLINK_NOFOLLOW) != 0 ||
        named.st_ino != status.st_ino || named.st_dev != status.st_dev)
        return error_set(error, -EPERM, "the vault was moved away while it was made");
    return 0;
}

static enum vault_kind find_kind(int store)
{
    enum vault_kind kind = VAULT_COPIES;
    char block[4096] = "a block";
    int from = openat(store, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    int to = openat(store, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (from >= 0 && to >= 0 && write(from, block, sizeof block) == (ssize_t)sizeof block &&
        ioctl(to, FICLONE, from) == 0)
        kind = VAULT_CLONES;
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    return kind;
}

int vault_probe(const char *share, enum vault_kind *out)
{
    int folder = open(share, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int made = folder < 0 ? -1 : openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    int status = made < 0 ? -errno : 0;
    if (status == 0)
        *out = find_kind(folder);
    if (made >= 0)
        close(made);
    if (folder >= 0)
        close(folder);
    return status;
}

static int open_store(int share, bool make, int *out, struct error *error)
{
    if (make && mkdirat(share, VAULT_FOLDER, 0700) != 0 && errno != EEXIST)
        return error_set(error, -errno, "the vault cannot be made: %s", strerror(errno));
    int folder = beneath_open(share, VAULT_FOLDER, O_RDONLY | O_DIRECTORY, 0);
    if (folder == -ENOENT)
        return error_set(error, folder, "the share has no vault; `ecluse run` makes it");
    if (folder < 0)
        return error_set(error, folder == -EACCES ? folder : -EPERM,
                         "%s in the share is not the vault: %s", VAULT_FOLDER, strerror(-folder));
    int status = check_owner(folder, error);
    if (status == 0 && make && mkdirat(folder, VAULT_STORE, 0700) != 0 && errno != EEXIST &&
        errno != EPERM)
        status = error_set(error, -errno, "the vault cannot be made: %s", strerror(errno));
    if (status == 0 && make)
        status = protect_folder(share, folder, error);
    int store = status == 0 ? beneath_open(folder, VAULT_STORE, O_RDONLY | O_DIRECTORY, 0) : -1;
    if (status == 0 && store < 0)
        status =
            error_set(error, store, "the vault has no `%s`: %s", VAULT_STORE, strerror(-store));
    close(folder);
    *out = store;
    return status;
}

int vault_place_open(const char *share, int root, bool make, struct vault_place *out,
                     struct error *error)
{
    struct vault_place place = {.share =
                                    openat(root >= 0 ? root : AT_FDCWD, root >= 0 ? "." : share,
                                           O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (place.share < 0)
        return error_set(error, -errno, "the share %.200s cannot be opened: %s", share,
                         strerror(errno));
    int status = open_store(place.share, make, &place.store, error);
    if (status < 0) {
        close(place.share);
        return status;
    }
    struct stat folder;
    if (fstat(place.store, &folder) == 0)
        place.device = folder.st_dev;
    if (make)
        place.kind = find_kind(place.store);
    *out = place;
    return 0;
}

void vault_place_close(struct vault_place *place)
{
    if (place->share >= 0)
        close(place->share);
    if (place->store >= 0)
        close(place->store);
    place->share = place->store = -1;
}

/* ---- Clones ---------------------------------------------------------------------------------- */

static void bucket_name(uint64_t id, char out[VAULT_NAME_SIZE])
{
    snprintf(out, VAULT_NAME_SIZE, "%llx", (unsigned long long)(id / VAULT_BUCKET));
}

char *clone_name(uint64_t id, char out[VAULT_NAME_SIZE])
{
    snprintf(out, VAULT_NAME_SIZE, "%llx/%llx", (unsigned long long)(id / VAULT_BUCKET),
             (unsigned long long)(id % VAULT_BUCKET));
    return out;
}

int clone_create(int store, uint64_t id)
{
    char name[VAULT_NAME_SIZE], bucket[VAULT_NAME_SIZE];
    int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
    int fd = openat(store, clone_name(id, name), flags, 0600);
    if (fd < 0 && errno == ENOENT) {
        bucket_name(id, bucket);
        if (mkdirat(store, bucket, 0700) != 0 && errno != EEXIST)
            return -errno;
        fd = openat(store, name, flags, 0600);
    }
    return fd < 0 ? -errno : fd;
}

int clone_open(int store, uint64_t id)
{
    char name[VAULT_NAME_SIZE];
    int fd = openat(store, clone_name(id, name), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

bool clone_is_there(int store, uint64_t id)
{
    char name[VAULT_NAME_SIZE];
    return faccessat(store, clone_name(id, name), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

void clone_remove(int store, uint64_t id)
{
    char name[VAULT_NAME_SIZE];
    if (unlinkat(store, clone_name(id, name), 0) == 0 && id % 64 == 0) {
        bucket_name(id, name); /* now and then: most are not empty */
        (void)unlinkat(store, name, AT_REMOVEDIR);
    }
}
