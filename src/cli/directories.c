#include "cli/directories.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int directories_make(const char *path, const char *elsewhere, struct error *error)
{
    char part[CONTRACT_PATH_SIZE + 32];
    size_t length = strlen(path);
    if (length >= sizeof part)
        return error_set(error, -ENAMETOOLONG, "%s: too long", path);
    for (size_t at = 1; at <= length; at++) {
        if (path[at] != '/' && path[at] != 0)
            continue;
        memcpy(part, path, at);
        part[at] = 0;
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return error_set(error, -errno, "%s cannot be made: %s; make it, or name another %s",
                             part, strerror(errno), elsewhere);
    }
    return 0;
}

/* A folder in which strangers may rename files could be made to hold anything. /tmp-like folders
 * (sticky) are no exception: ours is below them, never one of them. */
static int refuse_strangers(int directory, const char *path, uid_t owner, struct error *error)
{
    struct stat status;
    if (fstat(directory, &status) != 0)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    if (status.st_uid != geteuid() && status.st_uid != owner && status.st_uid != 0)
        return error_set(
            error, -EPERM,
            "%s belongs to user %u; give it to user %u (chown), or name another in the "
            "contract",
            path, status.st_uid, owner);
    if (status.st_mode & S_IWOTH)
        return error_set(error, -EPERM, "%s may be written by everybody; say chmod o-w %s", path,
                         path);
    return 0;
}

struct folder {
    const char *base, *leaf; /* leaf "" is base itself */
    mode_t mode;
    uid_t owner;
    int group; /* -1: as it is */
    bool own;  /* set owner, group and mode of one that exists: ours alone; else the operator's
                  choice stands */
};

/* Files of an earlier owner (a trial as `nobody`, say) go with their folder: else nobody could
 * write them again. */
static void own_files(int directory, uid_t owner, int group)
{
    int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = copy < 0 ? NULL : fdopendir(copy);
    if (list == NULL) {
        if (copy >= 0)
            close(copy);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(list)) != NULL;) {
        struct stat status;
        if (fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode) && status.st_nlink == 1 && status.st_uid != owner &&
            fchownat(directory, entry->d_name, owner, group < 0 ? (gid_t)-1 : (gid_t)group,
                     AT_SYMLINK_NOFOLLOW) != 0)
            log_line(LOG_LEVEL_WARNING, "%s cannot change its owner: %s", entry->d_name,
                     strerror(errno));
    }
    closedir(list);
}

static int make_folder(const struct folder *f, struct error *error)
{
    char path[CONTRACT_PATH_SIZE + 32];
    snprintf(path, sizeof path, "%s%s%s", f->base, *f->leaf ? "/" : "", f->leaf);
    struct stat status;
    bool is_new = stat(path, &status) != 0;
    int code = directories_make(path, "in the contract", error);
    if (code < 0)
        return code;
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (f->own ? O_NOFOLLOW : 0));
    if (directory < 0)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    code = refuse_strangers(directory, path, f->owner, error);
    if (code == 0 && (is_new || f->own)) {
        if (geteuid() == 0) {
            own_files(directory, f->owner, f->group);
            code = fchown(directory, f->owner, f->group < 0 ? (gid_t)-1 : (gid_t)f->group);
        }
        if (code == 0)
            code = fchmod(directory, f->mode);
        if (code != 0)
            code = error_set(error, -errno, "%s: its owner and mode cannot be set: %s", path,
                             strerror(errno));
    }
    close(directory);
    return code;
}

static int make_all(const struct folder *folders, size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        int code = make_folder(&folders[i], error);
        if (code < 0)
            return code;
    }
    return 0;
}

/* LMDB's readers note themselves in its lock file, so the workers' group must be able to write that
 * one, and it alone: it is made here, since LMDB would give it the mode of the data. */
static int open_reader_table(const struct contract *c, const struct account *service, int workers,
                             struct error *error)
{
    char path[CONTRACT_PATH_SIZE + 40];
    snprintf(path, sizeof path, "%s/tracking/parcels.mdb-lock", c->state);
    int table = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);
    int code = table < 0 ? -1 : fchown(table, service->uid, (gid_t)workers);
    if (code == 0)
        code = fchmod(table, 0660);
    if (code != 0)
        code = error_set(error, -errno, "%s: %s", path, strerror(errno));
    if (table >= 0)
        close(table);
    return code;
}

/* The desk's user owns it while there is a desk (desk_prepare() sees to it): whoever that was,
 * it is ours first. */
static void reclaim_releases(const struct contract *c)
{
    char path[CONTRACT_PATH_SIZE + 16];
    snprintf(path, sizeof path, "%s/releases", c->runtime);
    int folder = geteuid() == 0 ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (folder < 0)
        return;
    if (fchown(folder, 0, (gid_t)-1) != 0)
        log_line(LOG_LEVEL_WARNING, "%s: %s", path, strerror(errno));
    close(folder);
}

int directories_for_run(const struct contract *c, const struct account *service, int workers,
                        struct error *error)
{
    const uid_t us = geteuid();
    const mode_t shared = workers < 0 ? 0700 : 0750;
    const struct folder folders[] = {
        {c->runtime, "", 0755, us, -1, false},
        {c->runtime, "releases", shared, us, workers, true},
        {c->state, "", 0755, us, -1, false},
        {c->state, "budget", shared, us, workers, true},
        {c->state, "front", shared, us, workers, true}, /* floods remembered, keys of passes */
    };
    reclaim_releases(c);
    int code = make_all(folders, sizeof folders / sizeof folders[0], error);
    return code < 0 ? code : directories_for_ingest(c, service, workers, error);
}

int directories_for_ingest(const struct contract *c, const struct account *service, int workers,
                           struct error *error)
{
    const struct folder folders[] = {
        {c->state, "", 0755, geteuid(), -1, false},
        {c->state, "tracking", workers < 0 ? 0700 : 02750, service->uid,
         workers < 0 ? (int)service->gid : workers, true},
    };
    int code = make_all(folders, sizeof folders / sizeof folders[0], error);
    return code < 0 || workers < 0 ? code : open_reader_table(c, service, workers, error);
}

static uid_t new_owner;
static gid_t new_group;

static int own_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)type;
    (void)place;
    if (status->st_uid != new_owner && lchown(path, new_owner, new_group) != 0)
        log_line(LOG_LEVEL_WARNING, "%s cannot change its owner: %s", path, strerror(errno));
    return 0;
}

int directories_for_audit(const struct contract *c, const struct account *audit,
                          struct error *error)
{
    const struct folder folders[] = {
        {c->state, "keys", 0755, geteuid(), -1, true},
        {c->state, "record", 0700, audit->uid, (int)audit->gid, true},
    };
    char path[CONTRACT_PATH_SIZE + 32];
    struct stat before;
    snprintf(path, sizeof path, "%s/audit", c->state);
    bool is_new = lstat(path, &before) != 0;
    int code = make_all(folders, sizeof folders / sizeof folders[0], error);
    if (code == 0) {
        const struct folder log = {c->state, "audit", 0750, audit->uid, (int)audit->gid, true};
        code = make_folder(&log, error);
    }
    /* A log has folders below it; walking them all is for the rare change of account only. */
    if (code == 0 && !is_new && before.st_uid != audit->uid && geteuid() == 0) {
        new_owner = audit->uid;
        new_group = audit->gid;
        nftw(path, own_one, 16, FTW_PHYS);
    }
    return code;
}

int directories_for_outputs(const struct contract *c, const struct account *service,
                            struct error *error)
{
    const struct folder folders[] = {
        {c->state, "outputs", 0755, service->uid, (int)service->gid, true},
        {c->runtime, "outputs", 0755, service->uid, (int)service->gid, true},
    };
    return make_all(folders, sizeof folders / sizeof folders[0], error);
}

int directories_for_egress(const struct contract *c, const struct account *egress,
                           struct error *error)
{
    const struct folder folders[] = {
        {c->state, "egress", 0700, egress->uid, (int)egress->gid, true},
        {c->state, "egress/holds", 0700, egress->uid, (int)egress->gid, true},
    };
    return make_all(folders, sizeof folders / sizeof folders[0], error);
}
