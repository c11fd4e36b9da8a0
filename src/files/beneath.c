#include "files/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int beneath_open(int folder, const char *path, int flags, mode_t mode)
{
    struct open_how how = {.flags = (unsigned)(flags | O_CLOEXEC | O_NOFOLLOW),
                           .mode = mode,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
    for (int tries = 0; tries < 100; tries++) { /* EAGAIN: something was renamed meanwhile */
        long fd = syscall(SYS_openat2, folder, path, &how, sizeof how);
        if (fd >= 0)
            return (int)fd;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
    }
    return -EAGAIN;
}

int beneath_parent(int folder, const char *path, const char **name)
{
    const char *slash = strrchr(path, '/');
    *name = slash ? slash + 1 : path;
    if (**name == 0 || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0)
        return -EINVAL;
    if (slash == NULL)
        return beneath_open(folder, ".", O_PATH | O_DIRECTORY, 0);
    char parent[4096];
    size_t length = (size_t)(slash - path);
    if (length == 0 || length >= sizeof parent)
        return -EINVAL;
    memcpy(parent, path, length);
    parent[length] = 0;
    return beneath_open(folder, parent, O_PATH | O_DIRECTORY, 0);
}
