/* Descriptors and maps for writing that are older than the guard: nobody was asked when they were
 * opened, and what is written through them is judged only when they are closed. They are counted;
 * which files they are, root is told in `runtime/files.opened`. */
#include "files/files_parts.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { PATH_SIZE = 512 };

static int share_of(const struct files *f, uint64_t device)
{
    for (unsigned i = 0; i < f->contract->share_count; i++)
        if (f->share[i].place.device == device && device)
            return (int)i;
    return -1;
}

static bool is_ours(const struct files *f, pid_t process)
{
    for (unsigned i = 0; i < f->contract->share_count; i++)
        if (process == f->share[i].vault || process == f->share[i].judge)
            return true;
    return process == getpid() || process == f->listener[0].pid || process == f->listener[1].pid;
}

/* Asks no other file system than it must: what hangs there is not ours to wait for. */
static int share_at(const struct files *f, int folder, const char *name, uint64_t *inode)
{
    struct statx status;
    if (statx(folder, name, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &status) != 0 ||
        !S_ISREG(status.stx_mode))
        return -1;
    *inode = status.stx_ino;
    return share_of(f, gnu_dev_makedev(status.stx_dev_major, status.stx_dev_minor));
}

static bool can_write(int process, const char *descriptor)
{
    char path[300], text[256], *flags;
    snprintf(path, sizeof path, "fdinfo/%s", descriptor);
    int fd = openat(process, path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (length <= 0)
        return false;
    text[length] = 0;
    flags = strstr(text, "flags:");
    return flags && (strtoul(flags + 6, NULL, 8) & O_ACCMODE) != O_RDONLY;
}

struct looking {
    struct files *f;
    bool all;
    FILE *list;       /* may be NULL */
    const char *name; /* of the process */
    int process;      /* its folder */
};

static bool was_open(const struct files *f, pid_t process, uint64_t inode)
{
    for (unsigned i = 0; i < f->opened_count; i++)
        if (f->opened[i].process == process && f->opened[i].inode == inode)
            return true;
    return false;
}

static void found(const struct looking *k, int share, uint64_t inode, int folder, const char *name)
{
    char path[PATH_SIZE];
    struct files *f = k->f;
    pid_t process = atoi(k->name);
    if (!k->all && !was_open(f, process, inode))
        return;
    if (k->all && f->opened_count < OPENED_MOST)
        f->opened[f->opened_count++] = (struct opened){process, inode};
    f->share[share].opened_before++;
    ssize_t length = folder < 0 ? -1 : readlinkat(folder, name, path, sizeof path);
    if (k->list && length > 0)
        fprintf(k->list, "%s\t%.*s\n", k->name, (int)length, path);
}

static void look_at_descriptors(const struct looking *k)
{
    int folder = openat(k->process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *descriptors = folder < 0 ? NULL : fdopendir(folder);
    const struct dirent *entry;
    while (descriptors && (entry = readdir(descriptors)) != NULL) {
        uint64_t inode;
        int share = isdigit((unsigned char)entry->d_name[0])
                        ? share_at(k->f, dirfd(descriptors), entry->d_name, &inode)
                        : -1;
        if (share >= 0 && can_write(k->process, entry->d_name))
            found(k, share, inode, dirfd(descriptors), entry->d_name);
    }
    if (descriptors)
        closedir(descriptors);
}

/* A shared map that may be written, whose descriptor is closed long since. */
static void look_at_maps(const struct looking *k)
{
    char line[1024], range[64], rights[8];
    unsigned major, minor;
    unsigned long inode;
    int fd = openat(k->process, "maps", O_RDONLY | O_CLOEXEC), folder = -1;
    FILE *maps = fd < 0 ? NULL : fdopen(fd, "r");
    while (maps && fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%63s %7s %*s %x:%x %lu", range, rights, &major, &minor, &inode) != 5 ||
            rights[1] != 'w' || rights[3] != 's')
            continue;
        int share = share_of(k->f, gnu_dev_makedev(major, minor));
        if (share < 0)
            continue;
        if (folder < 0)
            folder = openat(k->process, "map_files", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        found(k, share, inode, folder, range);
    }
    if (maps)
        fclose(maps);
    if (folder >= 0)
        close(folder);
}

static FILE *open_list(const struct files *f)
{
    char path[CONTRACT_PATH_SIZE + 16];
    snprintf(path, sizeof path, "%s/files.opened", f->contract->runtime);
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd < 0 ? NULL : fdopen(fd, "w");
}

void opened_look(struct files *f, bool all)
{
    DIR *processes = opendir("/proc");
    struct looking k = {.f = f, .all = all, .list = open_list(f)};
    const struct dirent *entry;
    if (all)
        f->opened_count = 0;
    for (unsigned i = 0; i < CONTRACT_MAX_SHARES; i++)
        f->share[i].opened_before = 0;
    while (processes && (entry = readdir(processes)) != NULL) {
        if (!isdigit((unsigned char)entry->d_name[0]) || is_ours(f, atoi(entry->d_name)))
            continue;
        k.name = entry->d_name;
        k.process = openat(dirfd(processes), entry->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (k.process < 0)
            continue;
        look_at_descriptors(&k);
        look_at_maps(&k);
        close(k.process);
    }
    if (processes)
        closedir(processes);
    if (k.list)
        fclose(k.list);
}

long files_opened(const char *runtime, void (*each)(void *context, int process, const char *path),
                  void *context)
{
    char path[CONTRACT_PATH_SIZE + 16], *line = NULL;
    size_t size = 0;
    long count = 0;
    snprintf(path, sizeof path, "%s/files.opened", runtime);
    FILE *list = fopen(path, "re");
    if (!list)
        return -errno;
    while (getline(&line, &size, list) > 0) {
        char *tab = strchr(line, '\t');
        if (!tab)
            continue;
        tab[1 + strcspn(tab + 1, "\n")] = 0;
        each(context, atoi(line), tab + 1);
        count++;
    }
    free(line);
    fclose(list);
    return count;
}
