/* Files that were closed a moment ago, and files that may be written to. */
#include "files/service_parts.h"

#include <unistd.h>

static bool same_file(struct vault_file a, struct vault_file b)
{
    return a.inode == b.inode && a.generation == b.generation;
}

/* ---- Settling -------------------------------------------------------------------------------- */

static void keep_settled(struct service *s, const struct settling *item)
{
    (void)vault_keep(s->vault, item->fd, NULL, item->who, VAULT_CLOSED, item->closed);
    close(item->fd);
}

/* With the lock of the lists: the entry at this place leaves the list. */
static struct settling take(struct service *s, size_t at)
{
    struct settling item = s->settling[at];
    s->settling[at] = s->settling[--s->settling_count];
    return item;
}

/* What a keeper has in hand stays in the list, so that whoever asks for it waits: else a removal
 * could come between the clone and its record. */
static bool take_file(struct service *s, struct vault_file file, struct settling *out)
{
    bool found = false;
    pthread_mutex_lock(&s->lists);
    for (size_t i = 0; i < s->settling_count && !found;) {
        if (!same_file(s->settling[i].file, file)) {
            i++;
        } else if (s->settling[i].busy) {
            pthread_cond_wait(&s->settled, &s->lists);
            i = 0;
        } else {
            *out = take(s, i);
            found = true;
        }
    }
    pthread_mutex_unlock(&s->lists);
    return found;
}

void settle_add(struct service *s, int fd, struct vault_file file, struct vault_who who, nanos_t at)
{
    struct settling item;
    if (take_file(s, file, &item))
        close(item.fd); /* the one closed now holds what that one held, and more */
    pthread_mutex_lock(&s->lists);
    while (s->settling_count == SETTLING_MOST && !service_ends(s))
        pthread_cond_wait(&s->settled, &s->lists); /* the disk is slower than who writes */
    bool full = s->settling_count == SETTLING_MOST;
    item = (struct settling){
        .fd = fd, .file = file, .who = who, .closed = at, .due = clock_boot() + SETTLE_AFTER};
    if (!full)
        s->settling[s->settling_count++] = item;
    pthread_mutex_unlock(&s->lists);
    if (full)
        keep_settled(s, &item);
}

void settle_now(struct service *s, struct vault_file file)
{
    struct settling item;
    if (take_file(s, file, &item))
        keep_settled(s, &item);
}

/* A removed file that nobody but the remover ever wrote, and that never was kept, was scratch. */
static void keep_or_drop(struct service *s, const struct settling *item, struct vault_who who)
{
    struct vault_old old = vault_newest(s->vault, item->file, NULL, 0);
    if (old.fd >= 0)
        close(old.fd);
    if (old.version == 0 && who.tree && item->who.tree == who.tree)
        close(item->fd);
    else
        keep_settled(s, item);
}

void settle_removed(struct service *s, struct vault_file file, struct vault_who who)
{
    struct settling item;
    if (take_file(s, file, &item))
        keep_or_drop(s, &item, who);
}

void settle_nameless(struct service *s, struct vault_who who)
{
    for (size_t at = 0;;) {
        struct settling item;
        struct stat status;
        bool found = false;
        pthread_mutex_lock(&s->lists);
        while (at < s->settling_count && !found) {
            bool nameless = fstat(s->settling[at].fd, &status) == 0 && status.st_nlink == 0;
            if (nameless && s->settling[at].busy) {
                pthread_cond_wait(&s->settled, &s->lists);
                at = 0;
            } else if (nameless) {
                item = take(s, at);
                found = true;
            } else {
                at++;
            }
        }
        pthread_mutex_unlock(&s->lists);
        if (!found)
            return;
        keep_or_drop(s, &item, who);
    }
}

/* One that is due, marked as in hand. */
static bool begin_due(struct service *s, nanos_t now, bool all, struct settling *out)
{
    size_t at = 0;
    pthread_mutex_lock(&s->lists);
    while (at < s->settling_count && (s->settling[at].busy || !(all || s->settling[at].due <= now)))
        at++;
    bool found = at < s->settling_count;
    if (found) {
        s->settling[at].busy = true;
        *out = s->settling[at];
    }
    pthread_mutex_unlock(&s->lists);
    return found;
}

static void end_due(struct service *s, int fd)
{
    pthread_mutex_lock(&s->lists);
    for (size_t i = 0; i < s->settling_count; i++) {
        if (s->settling[i].fd == fd) {
            (void)take(s, i);
            break;
        }
    }
    pthread_cond_broadcast(&s->settled);
    pthread_mutex_unlock(&s->lists);
    close(fd);
}

/* A file that has no name any more, and never was kept, was made and removed within the time. */
void settle_due(struct service *s, nanos_t now, bool all)
{
    struct settling item;
    while (begin_due(s, now, all, &item)) {
        struct stat status;
        bool gone = fstat(item.fd, &status) != 0 || status.st_nlink == 0;
        struct vault_old old = {.version = 1, .fd = -1};
        if (gone)
            old = vault_newest(s->vault, item.file, NULL, 0);
        if (old.fd >= 0)
            close(old.fd);
        if (old.version)
            (void)vault_keep(s->vault, item.fd, NULL, item.who, VAULT_CLOSED, item.closed);
        end_due(s, item.fd);
    }
}

/* ---- Watched --------------------------------------------------------------------------------- */

static void watch_drop(struct service *s, size_t at)
{
    close(s->watched[at].fd);
    s->watched[at] = s->watched[--s->watched_count];
}

void watch_add(struct service *s, int fd, const struct vault_question *question)
{
    struct stat status;
    struct vault_old old = {.fd = -1};
    if (fstat(fd, &status) == 0)
        old = vault_newest(s->vault, vault_identity(fd, &status), NULL, 0);
    if (old.fd >= 0)
        close(old.fd);
    if (old.version == 0) {
        close(fd);
        return;
    }
    pthread_mutex_lock(&s->lists);
    if (s->watched_count == WATCHED_MOST)
        watch_drop(s, 0);
    s->watched[s->watched_count++] = (struct watched){.fd = fd,
                                                      .version = old.version,
                                                      .cookie = question->cookie,
                                                      .who = question->who,
                                                      .since = clock_boot(),
                                                      .mark = old.mark};
    pthread_mutex_unlock(&s->lists);
}

/* Closed by this tree: what the close says is judged there. */
void watch_closed(struct service *s, struct vault_file file, struct vault_who who)
{
    pthread_mutex_lock(&s->lists);
    for (size_t i = 0; i < s->watched_count;) {
        struct stat status;
        bool gone = s->watched[i].who.tree == who.tree && fstat(s->watched[i].fd, &status) == 0 &&
                    status.st_ino == file.inode;
        if (gone)
            watch_drop(s, i);
        else
            i++;
    }
    pthread_mutex_unlock(&s->lists);
}

enum { WATCHED_FOR_MINUTES = 10 };

/* True when the entry at this place changed and is to be judged: it is then in *out, with a
 * descriptor of its own. */
static bool look(struct service *s, size_t *at, nanos_t now, struct watched *out)
{
    struct watched *w = &s->watched[*at];
    struct stat status;
    bool over = now - w->since > WATCHED_FOR_MINUTES * NANOS_MINUTE;
    if (fstat(w->fd, &status) != 0 || status.st_nlink == 0 || over) {
        watch_drop(s, *at);
        return false;
    }
    (*at)++;
    uint64_t mark = vault_mark(vault_key(s->vault), &status);
    if (mark == w->mark)
        return false;
    w->mark = mark;
    w->since = now;
    *out = *w;
    out->fd = dup(w->fd);
    return out->fd >= 0;
}

void watch_due(struct service *s, nanos_t now)
{
    for (size_t at = 0;;) {
        struct watched found;
        bool changed = false;
        pthread_mutex_lock(&s->lists);
        while (at < s->watched_count && !changed)
            changed = look(s, &at, now, &found);
        pthread_mutex_unlock(&s->lists);
        if (!changed)
            return;
        struct stat status;
        struct rewriting r = {.new_fd = found.fd,
                              .who = found.who,
                              .cookie = found.cookie,
                              .event = VAULT_OPENED,
                              .at = clock_wall()};
        if (fstat(found.fd, &status) == 0)
            r.old =
                vault_newest(s->vault, vault_identity(found.fd, &status), NULL, found.version + 1);
        (void)service_judge(s, &r);
        if (r.old.fd >= 0)
            close(r.old.fd);
        close(found.fd);
    }
}
