#include "outputs/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_file(int file, const char *path, struct error *error)
{
    struct stat status;
    if (fstat(file, &status) != 0)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return error_set(error, -EINVAL, "%s is not a regular file", path);
    if (status.st_uid != 0 && status.st_uid != geteuid())
        return error_set(error, -EPERM,
                         "%s belongs to user %u; it must be root's: say chown root %s", path,
                         status.st_uid, path);
    if (status.st_mode & 077)
        return error_set(error, -EPERM, "%s may be read by others; say chmod 600 %s", path, path);
    return 0;
}

static bool is_address(const char *text, size_t length)
{
    static const char *const schemes[] = {"https://", "http://"};
    bool begins = false;
    for (size_t i = 0; i < 2; i++)
        begins = begins ||
                 (length > strlen(schemes[i]) && memcmp(text, schemes[i], strlen(schemes[i])) == 0);
    for (size_t i = 0; begins && i < length; i++)
        begins = text[i] > ' ' && text[i] < 0x7f;
    return begins;
}

int secret_address_read(const char *path, char out[SECRET_SIZE], struct error *error)
{
    char text[SECRET_SIZE];
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    int code = check_file(file, path, error);
    ssize_t length = code == 0 ? read(file, text, sizeof text - 1) : -1;
    close(file);
    if (code < 0)
        return code;
    if (length < 0)
        return error_set(error, -EIO, "%s cannot be read", path);
    text[length] = 0;
    size_t line = strcspn(text, "\r\n");
    if (!is_address(text, line)) {
        sodium_memzero(text, sizeof text);
        return error_set(error, -EINVAL,
                         "%s: its first line is not an address that begins with https:// or "
                         "http://, of at most %d bytes",
                         path, SECRET_SIZE - 1);
    }
    memset(out, 0, SECRET_SIZE);
    memcpy(out, text, line);
    sodium_memzero(text, sizeof text);
    return 0;
}

struct secret_look secret_look(const char *path)
{
    struct stat status;
    if (lstat(path, &status) != 0)
        return (struct secret_look){.code = -errno};
    return (struct secret_look){
        .device = status.st_dev,
        .file = status.st_ino,
        .mode = status.st_mode,
        .owner = status.st_uid,
        .size = (uint64_t)status.st_size,
        .changed = status.st_ctim.tv_sec * NANOS_SECOND + status.st_ctim.tv_nsec,
    };
}

bool secret_looks_alike(const struct secret_look *one, const struct secret_look *other)
{
    return one->code == other->code && one->device == other->device && one->file == other->file &&
           one->mode == other->mode && one->owner == other->owner && one->size == other->size &&
           one->changed == other->changed;
}
