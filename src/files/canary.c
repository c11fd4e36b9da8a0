#include "files/canary.h"
#include "files/files_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 1024 };

/* What a post's folders hold, in the languages of its offices. The space sorts before every letter
 * and digit behind the dot; the tilde after them. */
static const char *const first_names[] = {
    ".0 archive clients.csv",    ".0 adresses retours.csv", ".0 klantenlijst oud.csv",
    ".0 Kundenstamm Archiv.csv", ".0 contrats expirés.csv", ".0 payroll archive.csv",
};
static const char *const last_names[] = {
    "~zz clients export.csv", "~zz réclamations.csv", "~zz retouren.csv",
    "~zz Rechnungen alt.csv", "~zz partenaires.csv",  "~zz old shipments.csv",
};

static uint32_t draw(uint32_t below)
{
    return (uint32_t)(hash_key_random().k0 % below);
}

/* ---- The list -------------------------------------------------------------------------------- */

static void name_list(char out[CONTRACT_PATH_SIZE + 16], const char *state)
{
    snprintf(out, CONTRACT_PATH_SIZE + 16, "%s/canaries", state);
}

static bool read_line(char *line, struct canary *out)
{
    char *tab = strchr(line, '\t'), *other = tab ? strchr(tab + 1, '\t') : NULL;
    if (!other)
        return false;
    *tab = *other = 0;
    other[1 + strcspn(other + 1, "\n")] = 0;
    out->folder = (uint32_t)strtoul(tab + 1, NULL, 10);
    return snprintf(out->share, sizeof out->share, "%s", line) < (int)sizeof out->share &&
           snprintf(out->path, sizeof out->path, "%s", other + 1) < (int)sizeof out->path;
}

long canaries_list(const char *state, void (*each)(void *context, const struct canary *canary),
                   void *context)
{
    char path[CONTRACT_PATH_SIZE + 16], *line = NULL;
    size_t size = 0;
    long count = 0;
    name_list(path, state);
    FILE *list = fopen(path, "re");
    if (!list)
        return -errno;
    while (getline(&line, &size, list) > 0) {
        struct canary canary;
        if (!read_line(line, &canary))
            continue;
        each(context, &canary);
        count++;
    }
    free(line);
    fclose(list);
    return count;
}

/* ---- Laying out ------------------------------------------------------------------------------ */

struct laying {
    const struct contract *contract;
    unsigned share;
    FILE *list;
    nanos_t wall;
    uint32_t wanted, made, there;
};

static void write_table(FILE *file)
{
    static const char *const towns[] = {"Lyon", "Liège", "Gent", "Köln", "Lille", "Namur"};
    uint32_t lines = 60 + draw(700);
    fputs("reference;date;town;weight_g;state\n", file);
    for (uint32_t i = 0; i < lines; i++)
        fprintf(file, "%08u;20%02u-%02u-%02u;%s;%u;%s\n", draw(100000000), 14 + draw(9),
                1 + draw(12), 1 + draw(28), towns[draw(6)], 40 + draw(20000),
                draw(9) ? "closed" : "returned");
}

/* Whoever owns the folder owns what lies in it; its age is that of an archive. */
static int dress(int fd, const struct stat *folder, nanos_t wall)
{
    time_t then = (time_t)(wall / NANOS_SECOND) - (time_t)(90 + draw(900)) * 86400 - draw(40000);
    struct timespec times[2] = {{.tv_sec = then}, {.tv_sec = then}};
    if (fchown(fd, folder->st_uid, folder->st_gid) != 0 ||
        fchmod(fd, (folder->st_mode & 0666) | 0400) != 0 || futimens(fd, times) != 0)
        return -errno;
    return 0;
}

static int lay_one(struct laying *l, int folder, const char *path, const char *leaf,
                   uint32_t number)
{
    struct stat status;
    int fd = openat(folder, leaf, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file)
        return errno == EEXIST ? 0 : -errno;
    write_table(file);
    int code = fflush(file) != 0 || fstat(folder, &status) != 0 ? -errno : 0;
    if (code == 0)
        code = dress(fd, &status, l->wall);
    fclose(file);
    if (code < 0) {
        unlinkat(folder, leaf, 0);
        return code;
    }
    fprintf(l->list, "%s\t%u\t%s/%s\n", l->contract->share[l->share].name, number, path, leaf);
    l->made++;
    return 0;
}

static int lay_pair(struct laying *l, const char *path)
{
    uint32_t number = (uint32_t)(hash_checksum(1, path, strlen(path)) & INT32_MAX);
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return -errno;
    int code = lay_one(l, folder, path, first_names[draw(6)], number);
    if (code == 0 && l->made + l->there < l->wanted)
        code = lay_one(l, folder, path, last_names[draw(6)], number);
    close(folder);
    return code;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of the share's folders, sorted; -1 on an error. */
static int list_folders(const char *path, char ***out)
{
    struct dirent **entries;
    char **names = NULL;
    int count = 0, found = scandir(path, &entries, NULL, NULL);
    if (found < 0)
        return -1;
    names = calloc((size_t)found + 1, sizeof *names);
    for (int i = 0; i < found; i++) {
        bool wanted = names && entries[i]->d_type == DT_DIR && entries[i]->d_name[0] != '.' &&
                      strcmp(entries[i]->d_name, "lost+found") != 0;
        if (wanted)
            names[count++] = strdup(entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    if (names)
        qsort(names, (size_t)count, sizeof *names, by_name);
    *out = names;
    return names ? count : -1;
}

/* The root, then folders from both ends of the sorted list. */
static int lay_all(struct laying *l)
{
    const char *root = l->contract->share[l->share].path;
    char **names, path[PATH_SIZE];
    int count = list_folders(root, &names);
    int code = count < 0 ? -errno : lay_pair(l, root);
    for (int i = 0; code == 0 && i < count && l->made + l->there < l->wanted; i++) {
        const char *name = names[i % 2 ? count - 1 - i / 2 : i / 2];
        if (name && snprintf(path, sizeof path, "%s/%s", root, name) < (int)sizeof path)
            code = lay_pair(l, path);
    }
    for (int i = 0; i < count; i++)
        free(names[i]);
    if (count >= 0)
        free(names);
    return code;
}

static void count_there(void *context, const struct canary *canary)
{
    struct laying *l = context;
    l->there += strcmp(canary->share, l->contract->share[l->share].name) == 0 &&
                access(canary->path, F_OK) == 0;
}

long canaries_place(const struct contract *contract, unsigned share, nanos_t wall,
                    struct error *error)
{
    char path[CONTRACT_PATH_SIZE + 16];
    struct laying l = {.contract = contract,
                       .share = share,
                       .wall = wall,
                       .wanted = (uint32_t)contract->share[share].canaries};
    canaries_list(contract->state, count_there, &l);
    if (l.there >= l.wanted)
        return 0;
    name_list(path, contract->state);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    l.list = fd < 0 ? NULL : fdopen(fd, "a");
    if (!l.list)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    int code = lay_all(&l);
    fclose(l.list);
    if (code < 0)
        return error_set(error, code, "share %s: %s", contract->share[share].name, strerror(-code));
    return (long)l.made;
}

/* ---- Removing -------------------------------------------------------------------------------- */

struct removing {
    const char *share;
    FILE *kept;
    long removed;
};

static void remove_one(void *context, const struct canary *canary)
{
    struct removing *r = context;
    if (strcmp(canary->share, r->share) != 0)
        fprintf(r->kept, "%s\t%u\t%s\n", canary->share, canary->folder, canary->path);
    else
        r->removed += unlink(canary->path) == 0;
}

long canaries_remove(const struct contract *contract, unsigned share, struct error *error)
{
    char path[CONTRACT_PATH_SIZE + 16], next[CONTRACT_PATH_SIZE + 32];
    struct removing r = {.share = contract->share[share].name};
    name_list(path, contract->state);
    snprintf(next, sizeof next, "%s.new", path);
    int fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    r.kept = fd < 0 ? NULL : fdopen(fd, "w");
    if (!r.kept)
        return error_set(error, -errno, "%s: %s", next, strerror(errno));
    long count = canaries_list(contract->state, remove_one, &r);
    int code = fclose(r.kept) != 0 || rename(next, path) != 0 ? -errno : 0;
    if (code < 0)
        return error_set(error, code, "%s: %s", path, strerror(-code));
    return count < 0 ? 0 : r.removed;
}

/* ---- For the listener ------------------------------------------------------------------------ */

static void show(void *context, const struct canary *canary)
{
    struct board *board = context;
    struct stat status;
    uint32_t at = atomic_load(&board->canary_count);
    if (at >= BOARD_CANARY_MOST || lstat(canary->path, &status) != 0 || !S_ISREG(status.st_mode))
        return;
    atomic_store(&board->canary[at].device, status.st_dev);
    atomic_store(&board->canary[at].inode, status.st_ino);
    atomic_store(&board->canary[at].folder, canary->folder);
    atomic_store(&board->canary_count, at + 1);
}

void canaries_look(struct files *f)
{
    char path[CONTRACT_PATH_SIZE + 16];
    struct stat status = {.st_ino = 0};
    name_list(path, f->contract->state);
    if (stat(path, &status) != 0)
        status.st_mtim = (struct timespec){0, 0};
    if (status.st_mtim.tv_sec == f->canaries_read.tv_sec &&
        status.st_mtim.tv_nsec == f->canaries_read.tv_nsec && !f->renew)
        return;
    f->canaries_read = status.st_mtim;
    atomic_store(&f->board->canary_count, 0);
    canaries_list(f->contract->state, show, f->board);
}

uint32_t canaries_of(const struct files *f, unsigned share)
{
    uint32_t count = 0, all = atomic_load(&f->board->canary_count);
    for (uint32_t i = 0; i < all && i < BOARD_CANARY_MOST; i++)
        count += atomic_load(&f->board->canary[i].device) == f->share[share].place.device;
    return count;
}
