#include "outputs/event_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct event_file {
    char path[400];
    int descriptor; /* -1: closed */
    bool torn;      /* half a line could not be taken back */
};

int event_file_new(const char *path, struct event_file **out, struct error *error)
{
    struct event_file *f = calloc(1, sizeof *f);
    if (f == NULL)
        return error_set(error, -ENOMEM, "out of memory");
    snprintf(f->path, sizeof f->path, "%s", path);
    f->descriptor = -1;
    *out = f;
    return 0;
}

void event_file_reopen(struct event_file *f)
{
    if (f->descriptor >= 0)
        close(f->descriptor);
    f->descriptor = -1;
    f->torn = false;
}

void event_file_free(struct event_file *file)
{
    if (file == NULL)
        return;
    event_file_reopen(file);
    free(file);
}

void event_file_look(struct event_file *f)
{
    struct stat named, ours;
    if (f->descriptor < 0)
        return;
    if (stat(f->path, &named) != 0 || fstat(f->descriptor, &ours) != 0 ||
        named.st_dev != ours.st_dev || named.st_ino != ours.st_ino)
        event_file_reopen(f);
}

/* Whoever wrote last may have been killed in the middle of a line. */
static bool ends_torn(int descriptor, off_t size)
{
    char last = '\n';
    return size > 0 && pread(descriptor, &last, 1, size - 1) == 1 && last != '\n';
}

/* "nobody", or "65534": whose rights were not enough. */
static const char *own_name(char *out, size_t size)
{
    struct passwd entry, *found = NULL;
    char fields[1024];
    if (getpwuid_r(geteuid(), &entry, fields, sizeof fields, &found) == 0 && found)
        snprintf(out, size, "%s", found->pw_name);
    else
        snprintf(out, size, "%u", (unsigned)geteuid());
    return out;
}

static int cannot_open(const struct event_file *f, int code, struct error *error)
{
    char name[64];
    if (code != EACCES)
        return error_set(error, -code, "%s: %s", f->path, strerror(code));
    return error_set(error, -code, "%s: user %s, who writes it, may not; the folder must be theirs",
                     f->path, own_name(name, sizeof name));
}

static int open_now(struct event_file *f, struct error *error)
{
    struct stat status;
    int descriptor =
        open(f->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
             0640);
    if (descriptor < 0)
        return cannot_open(f, errno, error);
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(descriptor);
        return error_set(error, -EINVAL, "%s is not a regular file", f->path);
    }
    f->descriptor = descriptor;
    f->torn = ends_torn(descriptor, status.st_size);
    return 0;
}

static int append(struct event_file *f, struct text line)
{
    struct stat before;
    if (fstat(f->descriptor, &before) != 0)
        return -errno;
    ssize_t written = write(f->descriptor, line.data, line.length);
    if (written == (ssize_t)line.length)
        return 0;
    int code = written < 0 ? -errno : -ENOSPC;
    if (written > 0 && ftruncate(f->descriptor, before.st_size) != 0)
        f->torn = true;
    return code;
}

int event_file_append(struct event_file *f, struct text line, struct error *error)
{
    int code = f->descriptor >= 0 ? 0 : open_now(f, error);
    if (code < 0)
        return code;
    if (f->torn)
        code = append(f, TEXT("\n"));
    if (code == 0) {
        f->torn = false;
        code = append(f, line);
    }
    return code < 0 ? error_set(error, code, "%s: %s", f->path, strerror(-code)) : 0;
}
