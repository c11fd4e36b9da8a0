#include "budget/budget.h"
#include "budget/layout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A request is an empty file named for its hold. It stays for a minute, so that every process of
 * every guard has seen it; a release is only of a hold in force, so seeing it again does
 * nothing. */
enum { REQUESTS_MOST = 4096, REQUEST_LIFE_S = 60 };

/* The folder, if only its owner can write in it; its owner is whom the owner of `runtime` made it
 * for. */
static int folder_open(const char *runtime, uid_t *owner)
{
    char path[CONTRACT_PATH_SIZE + 16];
    struct stat st;
    snprintf(path, sizeof path, "%s/releases", runtime);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0 || st.st_mode & (S_IWGRP | S_IWOTH)) {
        close(fd);
        return -EACCES;
    }
    *owner = st.st_uid;
    return fd;
}

static bool request_is_valid(int folder, const char *name, uid_t owner)
{
    struct stat st;
    return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           (st.st_uid == 0 || st.st_uid == owner);
}

/* Old requests go; how many are left. */
static size_t requests_clean(int folder)
{
    int copy = fcntl(folder, F_DUPFD_CLOEXEC, 0);
    DIR *list = copy < 0 ? NULL : fdopendir(copy);
    if (!list) {
        if (copy >= 0)
            close(copy);
        return 0;
    }
    size_t left = 0;
    int64_t now = clock_wall() / NANOS_SECOND;
    rewinddir(list);
    for (struct dirent *entry; (entry = readdir(list));) {
        struct stat st;
        enum guard guard;
        uint64_t id;
        if (hold_name_parse(text_of(entry->d_name), &guard, &id) < 0)
            continue;
        bool old = fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                   (now - st.st_mtim.tv_sec > REQUEST_LIFE_S || st.st_mtim.tv_sec > now + 1);
        if (!old || unlinkat(folder, entry->d_name, 0) < 0)
            left++;
    }
    closedir(list);
    return left;
}

int release_request(const char *runtime, enum guard guard, uint64_t id, struct error *error)
{
    char path[CONTRACT_PATH_SIZE + 16], name[HOLD_NAME_SIZE];
    uid_t owner;
    snprintf(path, sizeof path, "%s/releases", runtime);
    if (mkdir(path, 0755) == 0) {
        /* Guards that are not root must be able to read it, whatever the umask. */
        if (chmod(path, 0755) < 0)
            return error_set(error, -errno, "%s: %s", path, strerror(errno));
    } else if (errno != EEXIST) {
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    }
    int folder = folder_open(runtime, &owner);
    if (folder < 0)
        return error_set(error, folder, "%s: %s", path,
                         folder == -EACCES ? "others than its owner may write there"
                                           : strerror(-folder));
    if (requests_clean(folder) >= REQUESTS_MOST) {
        close(folder);
        return error_set(error, -ENOSPC, "%s: %d releases are waiting already", path,
                         REQUESTS_MOST);
    }
    int fd = openat(folder, hold_name(guard, id, name),
                    O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
    int status = fd < 0 ? -errno : 0;
    if (fd >= 0) {
        futimens(fd, NULL); /* asked for again: it lives for another minute */
        close(fd);
    }
    close(folder);
    return status < 0 ? error_set(error, status, "%s/%s: %s", path, name, strerror(-status)) : 0;
}

size_t release_apply(struct budgets *b, const char *runtime, nanos_t now)
{
    uid_t owner;
    int folder = folder_open(runtime, &owner);
    if (folder < 0)
        return 0;
    DIR *list = fdopendir(folder);
    if (!list) {
        close(folder);
        return 0;
    }
    size_t released = 0, seen = 0;
    for (struct dirent *entry; seen < 2 * REQUESTS_MOST && (entry = readdir(list)); seen++) {
        enum guard guard;
        uint64_t id;
        if (hold_name_parse(text_of(entry->d_name), &guard, &id) < 0 || guard != b->guard ||
            !request_is_valid(dirfd(list), entry->d_name, owner))
            continue;
        released += hold_release(b, id, now) == 0;
    }
    closedir(list);
    return released;
}
