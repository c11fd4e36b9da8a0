/* What happened to files, in order: written, moved, removed; and whether that was a rewrite. */
#include "files/service_parts.h"

#include "files/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SHRANK_SMALL = 4096 };

/* ---- Judging --------------------------------------------------------------------------------- */

static void ask_judge(struct service *s, const struct rewriting *r, struct rewrite_figures *out)
{
    struct stat status;
    uint64_t size = r->new_fd >= 0 && fstat(r->new_fd, &status) == 0 ? (uint64_t)status.st_size : 0;
    rewrite_figures_set(out, REWRITE_UNJUDGED, r->old.size, size);
    if (r->new_fd < 0) {
        rewrite_figures_set(out, REWRITE_VANISHED, r->old.size, 0);
        return;
    }
    if (r->new_fd >= 0 && size == 0) { /* nothing to be read, so nobody to wait for */
        rewrite_figures_set(out, REWRITE_EMPTIED, r->old.size, 0);
        return;
    }
    if (r->old.fd < 0 || s->given->judge < 0)
        return;
    pthread_mutex_lock(&s->judge_mutex);
    int asked = rewrite_ask(s->given->judge, r->old.fd, r->new_fd, r->same_name, s->seed,
                            JUDGE_PATIENCE, out);
    pthread_mutex_unlock(&s->judge_mutex);
    if (asked < 0) {
        rewrite_figures_set(out, REWRITE_UNJUDGED, r->old.size, size);
        if (asked != -ETIMEDOUT)
            s->failed = asked; /* it died on this file: who started us starts both again */
    }
    s->judged++;
}

static void answer(struct service *s, const struct rewriting *r,
                   const struct rewrite_figures *figures)
{
    static _Thread_local struct vault_answer a;
    a = (struct vault_answer){
        .cookie = r->cookie,
        .event = r->event,
        .result = VAULT_ALREADY,
        .rewritten = true,
        .who = r->who,
        .thing = siphash_words3(vault_key(s->vault), r->old.file.inode, r->old.file.generation, 7),
        .figures = *figures,
    };
    vault_path_of(s->vault, r->old.version, a.path);
    if (vault_wire_answer(s->given->socket, &a) == -EPIPE)
        s->ending = true;
}

bool service_judge(struct service *s, const struct rewriting *r)
{
    struct rewrite_figures figures;
    nanos_t since = r->at - s->window;
    if (r->old.version == 0 || r->old.size == 0)
        return false;
    if (vault_is_own(s->vault, r->old.version, r->who, since))
        rewrite_figures_set(&figures, REWRITE_OWN, r->old.size, 0);
    else
        ask_judge(s, r, &figures);
    if (figures.ground == REWRITE_UNCHANGED)
        return false;
    s->counted += figures.verdict == REWRITE_COUNTS;
    vault_past(s->vault, r->old.version, r->who, &figures, r->at);
    answer(s, r, &figures);
    return true;
}

/* ---- Written --------------------------------------------------------------------------------- */

/* Who writes to a file that he has open changes it, too: only what he could not have done so that
 * it shows when it is closed is looked at. Large files shrink when they are truncated, in length
 * or, if they are made longer again, on disk. */
static bool shrank(const struct vault_old *old, const struct stat *status)
{
    return status->st_size < SHRANK_SMALL ||
           (old->version && ((uint64_t)status->st_size < old->size ||
                             (uint64_t)status->st_blocks * 512 < old->bytes));
}

static void written(struct service *s, struct job *job)
{
    const struct vault_question *q = &job->question;
    bool asked = q->event == VAULT_WRITTEN;
    struct stat status;
    if (job->fd < 0 || fstat(job->fd, &status) != 0 || !S_ISREG(status.st_mode))
        return;
    struct vault_file file = vault_identity(job->fd, &status);
    settle_spoilt(s, file, q->who, asked);
    struct rewriting r = {.old = vault_newest(s->vault, file, NULL, 0),
                          .new_fd = job->fd,
                          .same_name = true,
                          .who = q->who,
                          .cookie = q->cookie,
                          .event = VAULT_WRITTEN,
                          .at = q->at};
    if (asked)
        watch_closed(s, file, q->who);
    bool changed = !r.old.version || r.old.mark != vault_mark(vault_key(s->vault), &status);
    bool looked = changed && (asked || shrank(&r.old, &status));
    if (looked)
        (void)service_judge(s, &r);
    if (looked || (asked && r.old.writer.user == VAULT_NOBODY)) {
        settle_add(s, job->fd, &status, file, q->who, q->at);
        job->fd = -1;
    }
    if (r.old.fd >= 0)
        close(r.old.fd);
}

bool service_closed_new(struct service *s, const struct vault_question *q, int fd)
{
    struct stat status;
    if (q->event != VAULT_WRITTEN || fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return false;
    struct vault_file file = vault_identity(fd, &status);
    struct vault_old old = vault_newest(s->vault, file, NULL, 0);
    if (old.fd >= 0)
        close(old.fd);
    if (old.version || !settle_has_room(s, file))
        return false;
    settle_add(s, fd, &status, file, q->who, q->at);
    return true;
}

/* ---- Moved ----------------------------------------------------------------------------------- */

static bool in_vault(const char *path)
{
    size_t length = sizeof VAULT_FOLDER - 1;
    return strncmp(path, VAULT_FOLDER, length) == 0 && (path[length] == 0 || path[length] == '/');
}

/* A path that somebody is writing to could be a pipe by now: opening it must not wait. */
static int open_there(const struct service *s, const char *path, struct stat *status)
{
    int fd = *path ? beneath_open(s->vault->place.share, path,
                                  O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOATIME, 0)
                   : -ENOENT;
    if (fd >= 0 && (fstat(fd, status) != 0 || !S_ISREG(status->st_mode))) {
        close(fd);
        return -EINVAL;
    }
    return fd;
}

/* An inode number is given again as soon as its file is gone: to the file that takes its name. */
static bool is_file(int fd, const struct stat *status, struct vault_file file)
{
    return vault_same_file(vault_identity(fd, status), file);
}

static const char *origin_of(const struct service *s, struct vault_file file)
{
    nanos_t now = clock_boot();
    for (size_t i = 0; i < ORIGINS_MOST && s->origin[i].path; i++)
        if (vault_same_file(s->origin[i].file, file) && now - s->origin[i].at < ORIGIN_FOR)
            return s->origin[i].path;
    return NULL;
}

static bool is_folder(const struct service *s, const char *path)
{
    int fd = beneath_open(s->vault->place.share, path, O_PATH | O_DIRECTORY, 0);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* A file may be moved, and moved on, before it is kept anywhere: where it was first. */
static void note_origin(struct service *s, struct vault_file file, const char *path)
{
    struct origin *next = &s->origin[s->origin_next];
    if (file.inode == 0 || origin_of(s, file))
        return;
    free(next->path);
    *next = (struct origin){file, strdup(path), clock_boot()};
    s->origin_next = (s->origin_next + 1) % ORIGINS_MOST;
}

static void moved(struct service *s, struct job *job)
{
    const struct vault_question *q = &job->question;
    if (*q->path == 0 || *q->to == 0 || in_vault(q->to))
        return;
    struct stat status;
    struct rewriting r = {.new_fd = open_there(s, q->to, &status),
                          .same_name = true,
                          .who = q->who,
                          .cookie = q->cookie,
                          .event = VAULT_MOVED,
                          .at = q->at};
    if (in_vault(q->path)) { /* restored */
        if (r.new_fd >= 0)
            (void)vault_keep(s->vault, r.new_fd, q->to, q->who, VAULT_RESTORED, q->at);
    } else {
        note_origin(s, q->file, q->path);
        settle_nameless(s, q->to, q->who);
        settle_moved(s, q->file, q->path, q->to);
        r.old = vault_newest(s->vault, (struct vault_file){0}, q->to, 0);
        bool another = r.new_fd < 0 ? !vault_same_file(q->file, r.old.file)
                                    : !is_file(r.new_fd, &status, r.old.file);
        if (r.old.version && !r.old.past && another)
            (void)service_judge(s, &r);
        bool folder = r.new_fd < 0 && is_folder(s, q->to);
        (void)vault_moved(s->vault, q->path, q->to, folder, q->who, q->at);
        if (r.old.fd >= 0)
            close(r.old.fd);
    }
    if (r.new_fd >= 0)
        close(r.new_fd);
}

/* ---- Removed --------------------------------------------------------------------------------- */

static bool removed_grow(struct service *s)
{
    if (s->removed_count < s->removed_room)
        return true;
    size_t room = s->removed_room ? s->removed_room * 2 : 1024;
    struct removed *grown = room <= REMOVED_MOST ? calloc(room, sizeof *grown) : NULL;
    if (grown == NULL)
        return false;
    for (size_t i = 0; i < s->removed_count; i++)
        grown[i] = s->removed[(s->removed_first + i) % s->removed_room];
    free(s->removed);
    s->removed = grown;
    s->removed_first = 0;
    s->removed_room = room;
    return true;
}

static void removed_judge(struct service *s, struct removed *item);

static void removed(struct service *s, struct job *job)
{
    const struct vault_question *q = &job->question;
    if (in_vault(q->path))
        return;
    if (q->file.inode)
        settle_removed(s, q->file, q->who);
    else
        settle_nameless(s, NULL, q->who);
    struct vault_old old = vault_newest(s->vault, q->file, q->path, 0);
    if (old.fd >= 0)
        close(old.fd);
    if (old.version == 0 || old.past || old.links > 1)
        return;
    struct removed item = {.version = old.version,
                           .cookie = q->cookie,
                           .who = q->who,
                           .at = q->at,
                           .due = clock_boot() + REMOVED_AFTER,
                           .path = strdup(q->path)};
    if (item.path == NULL || !removed_grow(s)) {
        removed_judge(s, &item);
        free(item.path);
        return;
    }
    s->removed[(s->removed_first + s->removed_count++) % s->removed_room] = item;
}

/* What stands where the file was, or where it was kept last, or before it was moved first (a file
 * that is moved aside before a new one is written, and then removed), or is it compressed. Not the
 * file itself, of course. */
static int successor(struct service *s, const struct removed *item, const struct vault_old *old,
                     bool *same_name)
{
    static const char *const endings[] = {"", ".gz", ".zip"};
    char kept[VAULT_PATH_SIZE], name[VAULT_PATH_SIZE + 8];
    vault_path_of(s->vault, item->version, kept);
    const char *places[] = {item->path, kept, origin_of(s, old->file)};
    for (size_t place = 0; place < sizeof places / sizeof *places && places[place]; place++) {
        for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
            struct stat status;
            if (snprintf(name, sizeof name, "%s%s", places[place], endings[i]) >= (int)sizeof name)
                continue;
            int fd = open_there(s, name, &status);
            *same_name = i == 0;
            if (fd >= 0 && !is_file(fd, &status, old->file))
                return fd;
            if (fd >= 0)
                close(fd);
        }
    }
    return -1;
}

static void removed_judge(struct service *s, struct removed *item)
{
    struct vault_old old = vault_version(s->vault, item->version);
    if (old.version && !old.past) {
        struct rewriting r = {.old = old,
                              .who = item->who,
                              .cookie = item->cookie,
                              .event = VAULT_REMOVED,
                              .at = item->at};
        r.new_fd = successor(s, item, &old, &r.same_name);
        (void)service_judge(s, &r);
        if (r.new_fd >= 0)
            close(r.new_fd);
        vault_gone(s->vault, item->version, item->who, item->at);
    }
    if (old.fd >= 0)
        close(old.fd);
}

/* ---- All ------------------------------------------------------------------------------------- */

void service_happened(struct service *s, struct job *job)
{
    const struct vault_question *q = &job->question;
    switch (q->event) {
    case VAULT_WRITTEN:
    case VAULT_CHANGED:
        written(s, job);
        break;
    case VAULT_MOVED:
        moved(s, job);
        break;
    case VAULT_REMOVED:
        removed(s, job);
        break;
    case VAULT_MISSED:
        s->missed = true;
        break;
    case VAULT_HELD:
        vault_held(s->vault, q->hold, q->who, q->at, clock_wall());
        break;
    default:
        break;
    }
}

void service_due(struct service *s, nanos_t now)
{
    while (s->removed_count && s->removed[s->removed_first].due <= now) {
        struct removed *item = &s->removed[s->removed_first];
        removed_judge(s, item);
        free(item->path);
        s->removed_first = (s->removed_first + 1) % s->removed_room;
        s->removed_count--;
    }
    if (now >= s->watch_due) {
        watch_due(s, now);
        s->watch_due = now + WATCH_EVERY;
    }
}
