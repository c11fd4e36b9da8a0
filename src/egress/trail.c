#include "egress/trail.h"

#include "budget/budget.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRAIL_MAGIC UINT64_C(0x31646e6576656c63)

enum { PATH_SIZE = CONTRACT_PATH_SIZE + 32 };

static uint64_t check_of(const struct trail *e)
{
    const size_t after = offsetof(struct trail, hold);
    return hash_checksum(5, (const char *)e + after, sizeof *e - after);
}

void trail_seal(struct trail *e)
{
    e->magic = TRAIL_MAGIC;
    e->check = check_of(e);
}

static int open_folder(const char *state)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/egress/holds", state);
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return folder < 0 ? -errno : folder;
}

static int make_folder(const char *state)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/egress/holds", state);
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : open_folder(state);
}

static int write_file(int folder, const char *name, const struct trail *e)
{
    static const char temporary[] = "next";
    unlinkat(folder, temporary, 0);
    int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    ssize_t written = write(fd, e, sizeof *e);
    int code = written == (ssize_t)sizeof *e ? 0 : written < 0 ? -errno : -ENOSPC;
    if (close(fd) != 0 && code == 0)
        code = -errno;
    if (code == 0 && renameat(folder, temporary, folder, name) != 0)
        code = -errno;
    return code;
}

int trail_write(const char *state, struct trail *e, struct error *error)
{
    char name[HOLD_NAME_SIZE];
    trail_seal(e);
    int folder = make_folder(state);
    int code = folder < 0 ? folder : write_file(folder, hold_name(GUARD_EGRESS, e->hold, name), e);
    if (folder >= 0)
        close(folder);
    return code < 0 ? error_set(error, code, "%s/egress/holds: %s", state, strerror(-code)) : 0;
}

bool trail_parse(const void *data, size_t length, struct trail *out)
{
    struct trail e;
    if (length != sizeof e)
        return false;
    memcpy(&e, data, sizeof e);
    if (e.magic != TRAIL_MAGIC || e.check != check_of(&e) || e.listed_destinations > TRAIL_LISTED ||
        e.listed_connections > TRAIL_LISTED || e.pair > 1)
        return false;
    *out = e;
    return true;
}

static int read_file(int folder, const char *name, struct trail *out)
{
    struct trail raw;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    ssize_t length = read(fd, &raw, sizeof raw);
    close(fd);
    return length > 0 && trail_parse(&raw, (size_t)length, out) ? 0 : -EPROTO;
}

int trail_read(const char *state, uint64_t hold, struct trail *out)
{
    char name[HOLD_NAME_SIZE];
    struct trail e;
    int folder = open_folder(state);
    if (folder < 0)
        return folder;
    int code = read_file(folder, hold_name(GUARD_EGRESS, hold, name), &e);
    close(folder);
    if (code == 0 && e.hold != hold)
        code = -EPROTO;
    if (code == 0)
        *out = e;
    return code;
}

/* ---- Expiry -----------------------------------------------------------------------------------
 */

struct kept {
    uint64_t hold;
    nanos_t until;
};

static int older_first(const void *a, const void *b)
{
    nanos_t left = ((const struct kept *)a)->until, right = ((const struct kept *)b)->until;
    return left < right ? -1 : left > right;
}

static bool remove_one(int folder, uint64_t hold)
{
    char name[HOLD_NAME_SIZE];
    return unlinkat(folder, hold_name(GUARD_EGRESS, hold, name), 0) == 0;
}

/* What is not sound tells no time: its name is all that is left of it, so it goes. */
static size_t look_through(DIR *list, nanos_t before, struct kept *kept, size_t most,
                           size_t *removed)
{
    size_t count = 0;
    for (const struct dirent *entry; (entry = readdir(list)) && count < most;) {
        enum guard guard;
        struct trail e;
        uint64_t hold;
        if (hold_name_parse(text_of(entry->d_name), &guard, &hold) < 0 || guard != GUARD_EGRESS)
            continue;
        if (read_file(dirfd(list), entry->d_name, &e) < 0 || e.until < before)
            *removed += remove_one(dirfd(list), hold);
        else
            kept[count++] = (struct kept){hold, e.until};
    }
    return count;
}

size_t trail_expire(const char *state, nanos_t before, size_t most)
{
    enum { LOOKED_AT = 4 * TRAIL_MOST };
    size_t removed = 0;
    int folder = open_folder(state);
    DIR *list = folder >= 0 ? fdopendir(folder) : NULL;
    struct kept *kept = list ? calloc(LOOKED_AT, sizeof *kept) : NULL;
    size_t count = kept ? look_through(list, before, kept, LOOKED_AT, &removed) : 0;
    if (count > most)
        qsort(kept, count, sizeof *kept, older_first);
    for (size_t i = 0; i + most < count; i++)
        removed += remove_one(folder, kept[i].hold);
    free(kept);
    if (list)
        closedir(list);
    else if (folder >= 0)
        close(folder);
    return removed;
}
