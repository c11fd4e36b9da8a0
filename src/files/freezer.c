#include "files/freezer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROUNDS = 8, TEXT_SIZE = 4096 };
static const char *const group_roots[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

/* ---- /proc ----------------------------------------------------------------------------------- */

struct seen { /* one process */
    pid_t id;
    char state;
    uint64_t began;
    struct proc_status status;
};

static ssize_t read_file(int proc, pid_t process, const char *name, char out[TEXT_SIZE])
{
    char path[48];
    snprintf(path, sizeof path, "%d/%s", process, name);
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t length = read(fd, out, TEXT_SIZE - 1);
    close(fd);
    out[length > 0 ? length : 0] = 0;
    return length;
}

static bool see(int proc, pid_t process, struct seen *out)
{
    char text[TEXT_SIZE];
    ssize_t length = read_file(proc, process, "status", text);
    if (length <= 0 || !proc_status_parse((struct text){text, (size_t)length}, &out->status))
        return false;
    length = read_file(proc, process, "stat", text);
    const char *state = length > 0 ? strrchr(text, ')') : NULL;
    if (!state || !proc_stat_parse((struct text){text, (size_t)length}, &out->began))
        return false;
    out->state = state[1] == ' ' ? state[2] : '?';
    out->id = process;
    return true;
}

/* Calls `each` for every process of the tree; false as soon as that says so. */
static bool each_of_tree(int proc, uint64_t tree,
                         bool (*each)(void *context, const struct seen *seen), void *context)
{
    char name[TREE_NAME_SIZE];
    struct seen seen;
    bool good = true;
    int again = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = again < 0 ? NULL : fdopendir(again);
    const struct dirent *entry;
    while (folder && good && (entry = readdir(folder)) != NULL) {
        char *end;
        long process = strtol(entry->d_name, &end, 10);
        if (process <= 1 || *end || !owner_tree_name(proc, (pid_t)process, name) ||
            owner_tree_id(name) != tree || !see(proc, (pid_t)process, &seen) || seen.state == 'Z')
            continue;
        good = each(context, &seen);
    }
    if (folder)
        closedir(folder);
    return folder && good;
}

/* ---- Whose a tree is ------------------------------------------------------------------------- */

struct asked {
    uint32_t user;
    pid_t one;
};

static bool is_users_alone(void *context, const struct seen *seen)
{
    struct asked *asked = context;
    const struct proc_status *s = &seen->status;
    asked->one = seen->id;
    return s->real == asked->user && s->effective == asked->user && s->saved == asked->user &&
           s->file == asked->user;
}

/* ---- Control groups -------------------------------------------------------------------------- */

/* The folder of the unit that a process is in; false when it is none, or cannot be frozen. */
static bool find_group(int proc, pid_t process, char out[256])
{
    char text[TEXT_SIZE], unit[TREE_NAME_SIZE], file[512];
    ssize_t length = read_file(proc, process, "cgroup", text);
    const char *line = length > 0 ? strstr(text, "0::/") : NULL;
    if (!line || !tree_of_group((struct text){text, (size_t)length}, unit))
        return false;
    const char *path = line + 3, *end = strstr(path, unit);
    if (!end || end[-1] != '/')
        return false;
    for (size_t i = 0; i < sizeof group_roots / sizeof *group_roots; i++) {
        int size = snprintf(out, 256, "%s%.*s", group_roots[i],
                            (int)(end - path + (ptrdiff_t)strlen(unit)), path);
        snprintf(file, sizeof file, "%s/cgroup.freeze", out);
        if (size > 0 && size < 256 && access(file, W_OK) == 0)
            return true;
    }
    return false;
}

static bool set_group(const char *group, bool frozen)
{
    char file[512];
    snprintf(file, sizeof file, "%s/cgroup.freeze", group);
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, frozen ? "1" : "0", 1) == 1;
    if (fd >= 0)
        close(fd);
    return done;
}

/* ---- Signals --------------------------------------------------------------------------------- */

struct stopping {
    struct frozen *frozen;
    unsigned stopped;
};

static bool stop_one(void *context, const struct seen *seen)
{
    struct stopping *s = context;
    struct frozen *f = s->frozen;
    if (seen->state == 'T' || seen->state == 't')
        return true;
    if (kill(seen->id, SIGSTOP) != 0)
        return true;
    s->stopped++;
    for (unsigned i = 0; i < f->count; i++)
        if (f->process[i].id == seen->id)
            return true;
    if (f->count < FREEZER_PROCESSES)
        f->process[f->count++] = (struct frozen_process){seen->id, seen->began};
    return true;
}

/* Until a round finds nobody who runs: whoever forks meanwhile is found in the next. */
static void stop_all(const struct freezer *freezer, struct frozen *f)
{
    struct stopping s = {.frozen = f, .stopped = 1};
    for (int round = 0; round < ROUNDS && s.stopped; round++) {
        s.stopped = 0;
        each_of_tree(freezer->proc, f->tree, stop_one, &s);
    }
}

static void continue_all(const struct freezer *freezer, struct frozen *f)
{
    struct seen seen;
    for (unsigned i = 0; i < f->count; i++)
        if (see(freezer->proc, f->process[i].id, &seen) && seen.began == f->process[i].began)
            kill(f->process[i].id, SIGCONT);
    f->count = 0;
}

static bool continue_one(void *context, const struct seen *seen)
{
    const struct frozen *f = context;
    if (seen->state == 'T' && seen->status.real == f->user)
        kill(seen->id, SIGCONT);
    return true;
}

static void let_go(const struct freezer *freezer, struct frozen *f)
{
    if (f->found)
        each_of_tree(freezer->proc, f->tree, continue_one, f);
    if (f->group[0])
        set_group(f->group, false);
    continue_all(freezer, f);
    f->tree = 0;
}

/* ---- Calls ----------------------------------------------------------------------------------- */

struct remembered {
    uint64_t tree, hold;
    uint32_t user, unused;
    char group[256];
};

/* Whatever the file holds, it can at most wake a tree, or stop one that is held. */
static void recall(struct freezer *freezer)
{
    struct remembered one;
    int fd = open(freezer->memory, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    for (unsigned i = 0; fd >= 0 && i < FREEZER_MOST; i++) {
        if (read(fd, &one, sizeof one) != (ssize_t)sizeof one)
            break;
        struct frozen *f = &freezer->frozen[i];
        *f = (struct frozen){.tree = one.tree, .hold = one.hold, .user = one.user, .found = true};
        one.group[sizeof one.group - 1] = 0;
        memcpy(f->group, one.group, sizeof f->group);
    }
    if (fd >= 0)
        close(fd);
}

static void remember(const struct freezer *freezer)
{
    int fd = open(freezer->memory, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    for (unsigned i = 0; fd >= 0 && i < FREEZER_MOST; i++) {
        const struct frozen *f = &freezer->frozen[i];
        struct remembered one = {.tree = f->tree, .hold = f->hold, .user = f->user};
        memcpy(one.group, f->group, sizeof one.group);
        if (f->tree && !f->shared && write(fd, &one, sizeof one) < 0)
            break;
    }
    if (fd >= 0)
        close(fd);
}

int freezer_open(struct freezer *freezer, const char *runtime)
{
    snprintf(freezer->memory, sizeof freezer->memory, "%s/files.frozen", runtime);
    freezer->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    freezer->frozen = calloc(FREEZER_MOST, sizeof *freezer->frozen);
    if (freezer->proc < 0 || !freezer->frozen)
        return -ENOMEM;
    recall(freezer);
    return 0;
}

void freezer_close(struct freezer *freezer)
{
    for (unsigned i = 0; freezer->frozen && i < FREEZER_MOST; i++)
        if (freezer->frozen[i].tree)
            let_go(freezer, &freezer->frozen[i]);
    if (freezer->frozen)
        remember(freezer);
    free(freezer->frozen);
    if (freezer->proc >= 0)
        close(freezer->proc);
    *freezer = (struct freezer){.proc = -1};
}

/* The one that acted, at once, if it is its user's alone. */
static void stop_first(const struct freezer *freezer, struct frozen *f, pid_t process)
{
    struct asked asked = {.user = f->user};
    struct stopping stopping = {.frozen = f};
    struct seen seen;
    if (process > 1 && see(freezer->proc, process, &seen) && is_users_alone(&asked, &seen))
        stop_one(&stopping, &seen);
}

static void freeze(const struct freezer *freezer, struct frozen *f)
{
    struct asked asked = {.user = f->user};
    f->shared = !each_of_tree(freezer->proc, f->tree, is_users_alone, &asked);
    if (f->shared)
        continue_all(freezer, f);
    if (f->shared || (f->group[0] && set_group(f->group, true)))
        return;
    if (asked.one && find_group(freezer->proc, asked.one, f->group) && set_group(f->group, true))
        return;
    f->group[0] = 0;
    stop_all(freezer, f);
}

/* The tree's entry, or a free one; NULL: neither, or a tree that is never stopped. */
static struct frozen *entry_of(struct freezer *freezer, uint64_t tree, uint32_t user)
{
    struct frozen *f = NULL;
    for (unsigned i = 0; tree && user && i < FREEZER_MOST; i++) {
        struct frozen *here = &freezer->frozen[i];
        if (here->tree == tree)
            return here;
        if (!here->tree && !f)
            f = here;
    }
    if (f)
        *f = (struct frozen){.tree = 0, .user = user};
    return f;
}

bool freezer_freeze(struct freezer *freezer, const struct freezer_who *who, uint64_t hold)
{
    struct frozen *f = entry_of(freezer, who->tree, who->user);
    if (!f)
        return false;
    bool held = f->tree && f->hold;
    f->tree = who->tree;
    f->hold = hold;
    stop_first(freezer, f, who->process);
    freeze(freezer, f);
    remember(freezer);
    return !held && !f->shared;
}

void freezer_pause(struct freezer *freezer, const struct freezer_who *who, nanos_t until)
{
    struct frozen *f = entry_of(freezer, who->tree, who->user);
    if (!f || (f->tree && f->hold))
        return;
    f->tree = who->tree;
    f->until = until;
    stop_first(freezer, f, who->process);
    freeze(freezer, f);
    remember(freezer);
}

void freezer_resume(struct freezer *freezer, nanos_t now)
{
    for (unsigned i = 0; i < FREEZER_MOST; i++) {
        struct frozen *f = &freezer->frozen[i];
        if (f->tree && !f->hold && f->until <= now)
            let_go(freezer, f);
    }
}

unsigned freezer_tick(struct freezer *freezer, const struct budgets *b, bool enforce, nanos_t now)
{
    struct hold hold;
    unsigned gone = 0;
    for (unsigned i = 0; i < FREEZER_MOST; i++) {
        struct frozen *f = &freezer->frozen[i];
        if (!f->tree || !f->hold)
            continue;
        if (enforce && hold_find(b, f->hold, &hold) && hold.until > now && !hold.observed) {
            freeze(freezer, f);
        } else {
            gone += !f->shared;
            let_go(freezer, f);
            remember(freezer);
        }
    }
    return gone;
}

unsigned freezer_count(const struct freezer *freezer)
{
    unsigned count = 0;
    for (unsigned i = 0; i < FREEZER_MOST; i++)
        count += freezer->frozen[i].tree && !freezer->frozen[i].shared;
    return count;
}
