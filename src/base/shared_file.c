#include "base/shared_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int fill_new(int fd, size_t size, int group, void (*fill)(void *data, void *argument),
                    void *argument)
{
    if (fchmod(fd, group >= 0 ? 0660 : 0600) < 0 ||
        (group >= 0 && fchown(fd, (uid_t)-1, (gid_t)group) < 0))
        return -errno;
    int full = posix_fallocate(fd, 0, (off_t)size);
    if (full)
        return -full;
    void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED)
        return -errno;
    if (fill)
        fill(data, argument);
    int code = msync(data, size, MS_SYNC) < 0 ? -errno : 0;
    munmap(data, size);
    return code;
}

void sync_folder_of(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (!slash || (size_t)(slash - path) >= sizeof folder)
        return;
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = 0;
    int fd = open(*folder ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

int shared_file_make(const char *path, size_t size, int group,
                     void (*fill)(void *data, void *argument), void *argument, struct error *error)
{
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof temporary, "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof temporary)
        return error_set(error, -ENAMETOOLONG, "%s: too long", path);
    if (unlink(temporary) < 0 && errno != ENOENT)
        return error_set(error, -errno, "%s: %s", temporary, strerror(errno));
    int fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set(error, -errno, "%s: %s", temporary, strerror(errno));
    int code = fill_new(fd, size, group, fill, argument);
    close(fd);
    if (code == 0 && rename(temporary, path) < 0)
        code = -errno;
    if (code < 0) {
        unlink(temporary);
        return error_set(error, code, "%s: %s", path, strerror(-code));
    }
    sync_folder_of(path);
    return 0;
}

int shared_file_map(const char *path, size_t size, bool read_only, void **out, struct error *error)
{
    int fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    struct stat status;
    int code = fstat(fd, &status) < 0 ? -errno : 0;
    if (code == 0 && (!S_ISREG(status.st_mode) || (size_t)status.st_size != size))
        code = -EUCLEAN;
    void *data = MAP_FAILED;
    if (code == 0) {
        data = mmap(NULL, size, read_only ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        code = data == MAP_FAILED ? -errno : 0;
    }
    close(fd);
    if (code < 0)
        return error_set(error, code, "%s: %s", path,
                         code == -EUCLEAN ? "of another size than this version's"
                                          : strerror(-code));
    *out = data;
    return 0;
}

void shared_file_unmap(void *data, size_t size)
{
    if (data)
        munmap(data, size);
}
