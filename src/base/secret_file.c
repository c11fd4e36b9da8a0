#include "base/secret_file.h"
#include "base/shared_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOO_OPEN = 037 }; /* group may read; nobody else anything */

ssize_t secret_file_read(const char *path, char *out, size_t size, struct error *error)
{
    struct stat about;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    ssize_t length = -1;
    int failed = fstat(file, &about) < 0 ? -errno : 0;
    if (!failed && !S_ISREG(about.st_mode))
        failed = error_set(error, -EBADMSG, "%s is no file", path);
    else if (!failed && (about.st_mode & TOO_OPEN))
        failed = error_set(error, -EPERM,
                           "%s may be read or changed by others (its mode is %04o): say chmod 0640 "
                           "%s, and think about who may have read it",
                           path, about.st_mode & 07777, path);
    else if (!failed && about.st_size > (off_t)size)
        failed = error_set(error, -EFBIG, "%s is larger than %zu bytes", path, size);
    if (!failed && (length = read(file, out, size)) < 0)
        failed = error_set(error, -errno, "%s cannot be read: %s", path, strerror(errno));
    close(file);
    return failed ? failed : length;
}

static int write_all(int file, int group, const char *data, size_t length)
{
    if (group >= 0 && fchown(file, (uid_t)-1, (gid_t)group) < 0)
        return -errno;
    if (group >= 0 && fchmod(file, 0640) < 0)
        return -errno;
    while (length) {
        ssize_t written = write(file, data, length);
        if (written < 0)
            return -errno;
        data += written;
        length -= (size_t)written;
    }
    return fsync(file) < 0 ? -errno : 0;
}

int secret_file_write(const char *path, int group, const char *data, size_t length,
                      struct error *error)
{
    char temporary[PATH_MAX];
    int size = snprintf(temporary, sizeof temporary, "%s.new", path);
    if (size < 0 || (size_t)size >= sizeof temporary)
        return error_set(error, -ENAMETOOLONG, "%s: too long", path);
    unlink(temporary);
    int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return error_set(error, -errno, "%s cannot be made: %s", temporary, strerror(errno));
    int failed = write_all(file, group, data, length);
    close(file);
    if (!failed && rename(temporary, path) < 0)
        failed = -errno;
    if (failed) {
        unlink(temporary);
        return error_set(error, failed, "%s cannot be written: %s", path, strerror(-failed));
    }
    sync_folder_of(path);
    return 0;
}

bool secret_file_is_given(const char *path, int group)
{
    struct stat about;
    if (lstat(path, &about) < 0)
        return false;
    return group < 0 || ((about.st_mode & 0777) == 0640 && about.st_gid == (gid_t)group);
}
