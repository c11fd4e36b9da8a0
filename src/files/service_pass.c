/* The pass over the share, what others ask to be kept, and what is done once a second. */
#include "files/service_parts.h"

#include "files/beneath.h"
#include "files/unlocked.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { DEPTH_MOST = 128, PAUSE_MS = 20 };

#define PASS_EVERY NANOS_DAY

static const struct vault_who nobody = {.user = VAULT_NOBODY};

struct walk {
    struct service *s;
    nanos_t began, asked; /* boot clock */
    uint64_t paced;             /* files kept since it began */
    char path[VAULT_PATH_SIZE];
    size_t length;
};

static void pause_ms(unsigned milliseconds)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)milliseconds * 1000000}, NULL);
}

/* ---- Once a second --------------------------------------------------------------------------- */

/* Files that `ecluse files restore` put back while we run, a list of paths in each file. */
static void keep_asked(struct service *s, const char *name)
{
    char path[VAULT_PATH_SIZE];
    int list = beneath_open(s->vault->place.store, name, O_RDONLY, 0);
    FILE *in = list >= 0 ? fdopen(list, "r") : NULL;
    if (in == NULL)
        return;
    size_t length = 0;
    for (int c; (c = getc(in)) != EOF;) {
        if (length < sizeof path)
            path[length++] = (char)c;
        if (c != 0)
            continue;
        int fd = length < sizeof path ? beneath_open(s->vault->place.share, path,
                                                     O_RDONLY | O_NONBLOCK | O_NOATIME, 0)
                                      : -1;
        if (fd >= 0) {
            (void)vault_keep(s->vault, fd, path, (struct vault_who){.user = 0}, VAULT_RESTORED,
                             clock_wall());
            close(fd);
        }
        length = 0;
    }
    fclose(in);
    (void)unlinkat(s->vault->place.store, name, 0);
}

static void look_for_asked(struct service *s)
{
    int store = dup(s->vault->place.store);
    DIR *folder = store >= 0 ? fdopendir(store) : NULL;
    if (folder == NULL)
        return;
    rewinddir(folder);
    for (const struct dirent *e; (e = readdir(folder)) != NULL;)
        if (strncmp(e->d_name, "restored.", 9) == 0)
            keep_asked(s, e->d_name);
    closedir(folder);
}

static void tell(struct service *s)
{
    struct vault_pass pass = {s->pass.seen, s->pass.kept, s->pass.began, s->pass.ended};
    struct vault_report report = {.pass = pass,
                                  .judged = s->judged,
                                  .counted = s->counted,
                                  .heartbeat = clock_boot(),
                                  .pid = (int32_t)getpid()};
    vault_state(s->vault, &report.vault);
    pthread_mutex_lock(&s->lists);
    report.waiting = settlings_count(s->settling);
    pthread_mutex_unlock(&s->lists);
    report.vault.failed += s->overflowed;
    report.stuck = hands_stuck(s, report.heartbeat);
    uint32_t users[64];
    size_t count = vault_refused_users(s->vault, users, 62, clock_wall());
    vault_view_refuse(s->given->view, users, count);
    vault_view_tell(s->given->view, &report);
}

static void take_up_limits(struct service *s)
{
    struct vault_limits limits;
    if (!s->given->view || !vault_view_limited(s->given->view, &s->limited, &limits))
        return;
    vault_set_limits(s->vault, &limits);
    s->window = limits.window;
}

static void upkeep(struct service *s)
{
    take_up_limits(s);
    vault_tidy(s->vault, clock_wall());
    keepers_relieve(s);
    if (s->given->view)
        tell(s);
}

/* ---- The pass -------------------------------------------------------------------------------- */

/* Once a second. What is put back is cloned, and so may have to be waited for. */
static void look_for_asked_at(struct walk *w, nanos_t now)
{
    if (now - w->asked < NANOS_SECOND)
        return;
    w->asked = now;
    w->s->walker.since = now;
    look_for_asked(w->s);
    w->s->walker.since = 0;
}

static void pace(struct walk *w)
{
    uint32_t most = w->s->given->files_per_second;
    nanos_t now = clock_boot();
    look_for_asked_at(w, now);
    nanos_t due =
        w->began + (nanos_t)(w->paced * (uint64_t)NANOS_SECOND / (most ? most : VAULT_PASS_PACE));
    while (now < due && !service_ends(w->s)) {
        pause_ms(PAUSE_MS);
        now = clock_boot();
    }
}

static void visit_file(struct walk *w, int folder, const char *name, const struct stat *status)
{
    struct service *s = w->s;
    s->pass.seen++;
    if (s->given->view && vault_view_has(s->given->view, status))
        return;
    int fd =
        openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (unlocked_now(fd)) { /* else somebody writes to it, and will close it */
        s->walker.since = clock_boot();
        if (vault_keep(s->vault, fd, w->path, nobody, VAULT_FOUND, clock_wall()) == VAULT_KEPT) {
            s->pass.kept++;
            w->paced++;
        }
        s->walker.since = 0;
    }
    close(fd);
}

static bool push(struct walk *w, const char *name, size_t *before)
{
    size_t length = strlen(name);
    *before = w->length;
    if (w->length + length + 2 > sizeof w->path)
        return false;
    if (w->length)
        w->path[w->length++] = '/';
    memcpy(w->path + w->length, name, length + 1);
    w->length += length;
    return true;
}

static void pop(struct walk *w, size_t before)
{
    w->length = before;
    w->path[before] = 0;
}

static void visit_folder(struct walk *w, int fd, unsigned depth)
{
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        close(fd);
        return;
    }
    if (depth)
        vault_keep_folder(w->s->vault, fd, w->path, clock_wall());
    for (const struct dirent *e; !service_ends(w->s) && (e = readdir(folder)) != NULL;) {
        struct stat status;
        size_t before;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            (depth == 0 && strcmp(e->d_name, VAULT_FOLDER) == 0) ||
            fstatat(fd, e->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            status.st_dev != w->s->vault->place.device || !push(w, e->d_name, &before))
            continue;
        if (S_ISREG(status.st_mode)) {
            visit_file(w, fd, e->d_name, &status);
        } else if (S_ISDIR(status.st_mode) && depth < DEPTH_MOST) {
            int inner = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (inner >= 0)
                visit_folder(w, inner, depth + 1);
        }
        pop(w, before);
        pace(w);
    }
    closedir(folder);
}

/* What was removed while nobody told is past from now on, and goes when its time has come. */
static void find_removed(struct walk *w)
{
    struct service *s = w->s;
    size_t cursor = 0;
    uint64_t version;
    while (!service_ends(s) && vault_next(s->vault, &cursor, &version, w->path)) {
        const char *name;
        int parent = beneath_parent(s->vault->place.share, w->path, &name);
        bool gone = parent == -ENOENT ||
                    (parent >= 0 && faccessat(parent, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0 &&
                     errno == ENOENT);
        if (parent >= 0)
            close(parent);
        if (gone)
            vault_gone(s->vault, version, nobody, clock_wall());
        if (cursor % 1024 == 0)
            pace(w);
    }
}

static void pass(struct walk *w)
{
    struct service *s = w->s;
    s->missed = false;
    s->pass.seen = s->pass.kept = 0;
    s->pass.ended = 0;
    s->pass.began = clock_wall();
    w->began = clock_boot();
    w->paced = w->length = 0;
    if (vault_kind(s->vault) == VAULT_CLONES) {
        int root = openat(s->vault->place.share, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (root >= 0)
            visit_folder(w, root, 0);
        find_removed(w);
    }
    if (!service_ends(s))
        s->pass.ended = clock_wall();
}

void *service_walk(void *service)
{
    struct service *s = service;
    struct walk walk = {.s = s};
    look_for_asked_at(&walk, clock_boot());
    pass(&walk);
    nanos_t again = clock_boot() + PASS_EVERY;
    while (!service_ends(s)) {
        if (s->missed || clock_boot() >= again) {
            pass(&walk);
            again = clock_boot() + PASS_EVERY;
        }
        look_for_asked_at(&walk, clock_boot());
        pause_ms(PAUSE_MS);
    }
    walk.asked = 0;
    look_for_asked_at(&walk, clock_boot());
    return NULL;
}

void *service_upkeep(void *service)
{
    struct service *s = service;
    upkeep(s);
    nanos_t next = clock_boot() + NANOS_SECOND;
    while (!service_ends(s)) {
        nanos_t now = clock_boot();
        if (now >= next) {
            upkeep(s);
            next = now + NANOS_SECOND;
        }
        pause_ms(PAUSE_MS);
    }
    upkeep(s);
    return NULL;
}
