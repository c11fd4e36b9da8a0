/* marked: see marked.h. */
#include "marked.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MARK_TEXT = 128 };

static int beneath(int directory, const char *path, int flags)
{
    struct open_how how = {.flags = (unsigned)(flags | O_CLOEXEC),
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
                                      RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV};
    long fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
    return fd < 0 ? -errno : (int)fd;
}

/* What the mark of a directory says: copied elsewhere, it does not fit. */
static int mark_text(int directory, const char *id, char out[MARK_TEXT])
{
    struct stat s;
    if (fstat(directory, &s) != 0)
        return -errno;
    snprintf(out, MARK_TEXT, "%s %llu %llu\n", id, (unsigned long long)s.st_dev,
             (unsigned long long)s.st_ino);
    return 0;
}

static bool same_file_system(const char *path, dev_t device)
{
    struct stat s;
    return stat(path, &s) == 0 && s.st_dev == device;
}

/* True when nobody keeps anything there that is not the test's own. */
static bool file_system_is_apart(int directory)
{
    struct stat s;
    if (fstat(directory, &s) != 0 || same_file_system("/", s.st_dev) ||
        same_file_system("/home", s.st_dev) || same_file_system("/root", s.st_dev))
        return false;
    bool apart = true;
    setpwent();
    for (const struct passwd *p = getpwent(); p && apart; p = getpwent())
        apart = !same_file_system(p->pw_dir, s.st_dev);
    endpwent();
    return apart;
}

int marked_prepare(const char *path, char id[MARK_ID + 1])
{
    if (sodium_init() < 0)
        return -ENOSYS;
    if (mkdir(path, 0755) != 0)
        return -errno; /* EEXIST as well: what was there before is not ours to destroy */
    int directory = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0)
        return -errno;
    unsigned char random[MARK_ID / 2];
    char hex[MARK_ID + 1], text[MARK_TEXT];
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(hex, sizeof hex, random, sizeof random);
    int result = file_system_is_apart(directory) ? mark_text(directory, hex, text) : -EPERM;
    if (result == 0) {
        int mark = openat(directory, MARK_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
        if (mark < 0 || write(mark, text, strlen(text)) != (ssize_t)strlen(text))
            result = errno ? -errno : -EIO;
        if (mark >= 0)
            close(mark);
    }
    close(directory);
    if (result != 0)
        rmdir(path);
    else
        memcpy(id, hex, sizeof hex);
    return result;
}

static int check_mark(int directory, const char *id)
{
    char expected[MARK_TEXT], found[MARK_TEXT] = "";
    int result = mark_text(directory, id, expected);
    if (result != 0)
        return result;
    int mark = beneath(directory, MARK_FILE, O_RDONLY);
    if (mark < 0)
        return -EPERM;
    ssize_t length = read(mark, found, sizeof found - 1);
    close(mark);
    return length > 0 && strcmp(found, expected) == 0 ? 0 : -EPERM;
}

int marked_open(struct marked *m, const char *path, const char *id)
{
    if (strlen(id) != MARK_ID || strspn(id, "0123456789abcdef") != MARK_ID)
        return -EPERM;
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0)
        return -errno;
    int result = file_system_is_apart(directory) ? check_mark(directory, id) : -EPERM;
    if (result != 0) {
        close(directory);
        return result;
    }
    m->directory = directory;
    memcpy(m->id, id, MARK_ID + 1);
    return 0;
}

int target_find(const struct marked *m, const char *path, struct target *out)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 1;
    if (length >= sizeof folder)
        return -ENAMETOOLONG;
    memcpy(folder, slash ? path : ".", length);
    folder[length] = '\0';
    struct target t = {.name = slash ? slash + 1 : path, .path = path, .file = -1};
    if (strcmp(t.name, MARK_FILE) == 0)
        return -EPERM;
    t.parent = beneath(m->directory, folder, O_PATH | O_DIRECTORY);
    if (t.parent < 0)
        return t.parent;
    t.file = beneath(t.parent, t.name, O_PATH | O_NOFOLLOW);
    struct stat s = {0};
    int result = t.file < 0 ? t.file : fstat(t.file, &s) != 0 ? -errno : 0;
    if (result == 0 && (!S_ISREG(s.st_mode) || s.st_nlink != 1))
        result = -EPERM;
    if (result != 0) {
        target_leave(&t);
        return result;
    }
    t.size = s.st_size;
    t.mode = s.st_mode & 0777;
    *out = t;
    return 0;
}

void target_leave(struct target *t)
{
    if (t->file >= 0)
        close(t->file);
    if (t->parent >= 0)
        close(t->parent);
    t->file = t->parent = -1;
}

struct target_path target_path(const struct target *t)
{
    struct target_path path;
    snprintf(path.text, sizeof path.text, "/proc/self/fd/%d", t->file);
    return path;
}

int target_open(const struct target *t, int flags)
{
    struct target_path path = target_path(t);
    int fd = open(path.text, flags | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}
