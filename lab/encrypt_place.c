/* encrypt_place: see encrypt.h. What any user may do where user name spaces are allowed. */
#include "encrypt.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static int write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t put = write(fd, text, strlen(text));
    int result = put == (ssize_t)strlen(text) ? 0 : -errno;
    close(fd);
    return result;
}

/* Its own copy of every mount, in which it is root; outside it stays who it was. */
static int own_namespace(void)
{
    unsigned user = getuid(), group = getgid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return -errno;
    char map[64];
    int result = write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "%u %u 1", user, user);
    if (result == 0)
        result = write_file("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "%u %u 1", group, group);
    return result == 0 ? write_file("/proc/self/gid_map", map) : result;
}

/* As an overlay: its upper layer is what is to be destroyed, and a write there opens the file
 * underneath, from the kernel's own copy of the mount. Layers must not lie in each other, so the
 * files are those of DIR/files. Else bound: the same files under names that are not theirs. */
static int mount_beside(struct marked *m, bool overlay)
{
    static const char *const folders[] = {".lower", ".work", ".merged"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        if (mkdirat(m->directory, folders[i], 0700) != 0 && errno != EEXIST)
            return -errno;
    }
    if (fchdir(m->directory) != 0 ||
        (overlay ? mount("overlay", ".merged", "overlay", 0,
                         "lowerdir=.lower,upperdir=files,workdir=.work,userxattr")
                 : mount("files", ".merged", NULL, MS_BIND, NULL)) != 0)
        return -errno;
    int merged = open(".merged", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (merged < 0)
        return -errno;
    close(m->directory);
    m->directory = merged;
    return 0;
}

int place_enter(struct marked *m, const char *path, enum place place)
{
    if (place == PLACE_PLAIN)
        return 0;
    int result = own_namespace();
    if (result != 0)
        return result;
    struct marked here; /* the descriptor of before leads to the mount of before */
    result = marked_open(&here, path, m->id);
    if (result != 0)
        return result;
    close(m->directory);
    *m = here;
    return place == PLACE_NAMESPACE ? 0 : mount_beside(m, place == PLACE_OVERLAY);
}
