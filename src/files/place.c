#include "files/place.h"

#include "files/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif
#ifndef CIFS_SUPER_MAGIC
#define CIFS_SUPER_MAGIC 0xff534d42
#endif
#ifndef SMB2_SUPER_MAGIC
#define SMB2_SUPER_MAGIC 0xfe534d42
#endif

/* File systems whose files others change unseen, or where looking at a file asks somebody who may
 * not answer; and those that are no place for files. */
static const struct {
    long magic;
    const char *name;
} unfit[] = {
    {NFS_SUPER_MAGIC, "NFS"},           {FUSE_SUPER_MAGIC, "FUSE"}, {CIFS_SUPER_MAGIC, "CIFS"},
    {SMB2_SUPER_MAGIC, "SMB"},          {V9FS_MAGIC, "9p"},         {AFS_SUPER_MAGIC, "AFS"},
    {OVERLAYFS_SUPER_MAGIC, "overlay"}, {PROC_SUPER_MAGIC, "proc"}, {SYSFS_MAGIC, "sysfs"},
    {CGROUP2_SUPER_MAGIC, "cgroup"},
};

static const char *unfit_name(int fd)
{
    struct statfs status;
    if (fstatfs(fd, &status) != 0)
        return "an unknown file system";
    for (size_t i = 0; i < sizeof unfit / sizeof *unfit; i++)
        if (status.f_type == (__fsword_t)unfit[i].magic)
            return unfit[i].name;
    return NULL;
}

static uint64_t device_of(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? status.st_dev : 0;
}

static bool is_mount(int fd)
{
    struct statx status;
    return statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &status) == 0 &&
           status.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

static int check_device(const struct contract *c, const struct share_rule *share, uint64_t device,
                        struct error *error)
{
    if (device == device_of("/"))
        return error_set(error, -EBUSY,
                         "share %s: %s lies on the file system of `/`, where every program of the "
                         "machine would wait for the guard; give the share a file system of its "
                         "own (a partition, a volume or an image file) and mount it there",
                         share->name, share->path);
    if (device == device_of(c->state) || device == device_of(c->runtime))
        return error_set(error, -EBUSY,
                         "share %s: %s lies on the same file system as `%s`, where Ecluse itself "
                         "writes, and would wait for itself; move one of them to a file system of "
                         "its own",
                         share->name, share->path,
                         device == device_of(c->state) ? "state" : "runtime");
    return 0;
}

static int check_place(const struct contract *c, unsigned at, int fd, const struct place *others,
                       unsigned count, uint64_t *device, struct error *error)
{
    const struct share_rule *share = &c->share[at];
    struct stat status;
    if (fstat(fd, &status) != 0)
        return error_set(error, -errno, "share %s: %s cannot be read", share->name, share->path);
    int code = check_device(c, share, status.st_dev, error);
    if (code)
        return code;
    if (!is_mount(fd))
        return error_set(error, -EXDEV,
                         "share %s: nothing is mounted at %s; mount the share's file system there "
                         "(`findmnt --target %s` shows where it is now)",
                         share->name, share->path, share->path);
    const char *kind = unfit_name(fd);
    if (kind)
        return error_set(error, -EOPNOTSUPP,
                         "share %s: %s is %s; guard it on the machine that has the disk, on XFS "
                         "or btrfs (or ext4, without clones)",
                         share->name, share->path, kind);
    for (unsigned i = 0; i < count; i++)
        if (i != at && others[i].device == status.st_dev)
            return error_set(error, -EEXIST,
                             "share %s: %s is on the same file system as the share %s; the guard "
                             "tells shares apart by file system, so list it once",
                             share->name, share->path, c->share[i].name);
    *device = status.st_dev;
    return 0;
}

int place_open(const struct contract *c, unsigned share, const struct place *others, unsigned count,
               struct place *out, struct error *error)
{
    const char *path = c->share[share].path;
    uint64_t device = 0;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, -errno, "share %s: %s: %s", c->share[share].name, path,
                         strerror(errno));
    int code = check_place(c, share, fd, others, count, &device, error);
    if (code) {
        close(fd);
        return code;
    }
    *out = (struct place){.device = device, .mount = fd, .quiet = -1};
    return 0;
}

void place_make_quiet(struct place *place)
{
    place->quiet = open_tree(place->mount, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
}

void place_close(struct place *place)
{
    if (place->device)
        close(place->mount);
    if (place->device && place->quiet >= 0)
        close(place->quiet);
    *place = (struct place){.mount = -1, .quiet = -1};
}

bool place_moved(const struct contract *c, unsigned share, const struct place *place)
{
    return device_of(c->share[share].path) != place->device;
}

int files_place_check(const struct contract *c, unsigned share, struct error *error)
{
    struct place place[CONTRACT_MAX_SHARES] = {{0}};
    struct error other;
    int code = 0;
    for (unsigned i = 0; i <= share; i++)
        code = place_open(c, i, place, i, &place[i], i == share ? error : &other);
    for (unsigned i = 0; i <= share; i++)
        place_close(&place[i]);
    return code;
}
