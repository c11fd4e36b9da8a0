/* Files that were closed a moment ago, and files that may be written to. */
#include "files/service_parts.h"

#include <stdlib.h>
#include <unistd.h>

/* ---- What was read early --------------------------------------------------------------------- */

static struct read_early *read_early(struct service *s, int fd, const struct stat *status)
{
    size_t size = (size_t)status->st_size;
    if (status->st_size <= 0 || status->st_size > VAULT_READ_MOST ||
        vault_kind(s->vault) != VAULT_CLONES || s->early_bytes + size > EARLY_MOST)
        return NULL;
    struct read_early *early = malloc(sizeof *early + size);
    if (early == NULL)
        return NULL;
    early->status = *status;
    if (pread(fd, early->bytes, size, 0) != (ssize_t)size) {
        free(early);
        return NULL;
    }
    s->early_bytes += size;
    return early;
}

static void forget_early(struct service *s, struct read_early *early)
{
    if (early)
        s->early_bytes -= (size_t)early->status.st_size;
    free(early);
}

/* Whether the file holds what it held when it was read. Its times alone tell only that it does. */
static bool is_as_read(int fd, const struct read_early *early)
{
    struct stat is;
    size_t size = (size_t)early->status.st_size;
    if (fstat(fd, &is) != 0 || is.st_size != early->status.st_size)
        return false;
    if (is.st_ctim.tv_sec == early->status.st_ctim.tv_sec &&
        is.st_ctim.tv_nsec == early->status.st_ctim.tv_nsec)
        return true;
    char *bytes = malloc(size);
    bool same = bytes && pread(fd, bytes, size, 0) == (ssize_t)size &&
                memcmp(bytes, early->bytes, size) == 0;
    free(bytes);
    return same;
}

/* ---- Settling -------------------------------------------------------------------------------- */

/* What is there now was not closed by who is known: it is kept when somebody tells of it. */
static void keep(struct service *s, const struct settling *item)
{
    if (item->early && !is_as_read(item->fd, item->early))
        (void)vault_keep_read(s->vault, item->fd, &item->early->status, item->early->bytes,
                              item->who, item->closed);
    else
        (void)vault_keep(s->vault, item->fd, NULL, item->who, VAULT_CLOSED, item->closed);
}

static void drop(struct service *s, const struct settling *item)
{
    forget_early(s, item->early);
    close(item->fd);
}

static void keep_settled(struct service *s, const struct settling *item)
{
    keep(s, item);
    drop(s, item);
}

/* With the lock of the lists: the entry at this place leaves the list. */
static struct settling take(struct service *s, size_t at)
{
    struct settling item = s->settling[at];
    s->settling[at] = s->settling[--s->settling_count];
    s->settling_inode[at] = s->settling_inode[s->settling_count];
    return item;
}

/* With the lock: the file's place, or the count. */
static size_t find_file(const struct service *s, struct vault_file file)
{
    size_t i = 0;
    while (i < s->settling_count &&
           (s->settling_inode[i] != file.inode || !vault_same_file(s->settling[i].file, file)))
        i++;
    return i;
}

/* The same, once no keeper has it in hand. It stays in the list while one has, so that whoever asks
 * for it waits: else a removal could come between the clone and its record. */
static size_t find_idle(struct service *s, struct vault_file file)
{
    size_t at;
    while ((at = find_file(s, file)) < s->settling_count && s->settling[at].busy)
        pthread_cond_wait(&s->settled, &s->lists);
    return at;
}

static bool take_file(struct service *s, struct vault_file file, struct settling *out)
{
    pthread_mutex_lock(&s->lists);
    size_t at = find_idle(s, file);
    bool found = at < s->settling_count;
    if (found)
        *out = take(s, at);
    pthread_mutex_unlock(&s->lists);
    return found;
}

void settle_add(struct service *s, int fd, const struct stat *status, struct vault_file file,
                struct vault_who who, nanos_t at)
{
    struct settling item;
    if (take_file(s, file, &item))
        drop(s, &item); /* the one closed now holds what that one held, and more */
    struct read_early *early = read_early(s, fd, status);
    pthread_mutex_lock(&s->lists);
    while (s->settling_count == SETTLING_MOST && !service_ends(s))
        pthread_cond_wait(&s->settled, &s->lists); /* the disk is slower than who writes */
    bool full = s->settling_count == SETTLING_MOST;
    item = (struct settling){.fd = fd,
                             .early = early,
                             .file = file,
                             .who = who,
                             .closed = at,
                             .due = clock_boot() + SETTLE_AFTER};
    if (!full) {
        s->settling_inode[s->settling_count] = file.inode;
        s->settling[s->settling_count++] = item;
    }
    pthread_mutex_unlock(&s->lists);
    if (full)
        keep_settled(s, &item);
}

/* Who opened it to write was asked, and then it was kept (settle_now()): so what another closes, or
 * nobody, and is not what was closed, was truncated by path in between. Who saves anew what he
 * himself saved a moment ago is let be, unless little is left of it. */
void settle_spoilt(struct service *s, struct vault_file file, struct vault_who who, bool asked)
{
    struct settling item = {.fd = -1};
    struct stat is;
    pthread_mutex_lock(&s->lists);
    size_t at = find_idle(s, file);
    bool spoilt =
        at < s->settling_count && s->settling[at].early && fstat(s->settling[at].fd, &is) == 0;
    if (spoilt) {
        const struct settling *found = &s->settling[at];
        bool his_own = who.tree && found->who.tree == who.tree;
        spoilt = !asked || !his_own || is.st_size < found->early->status.st_size / 8;
        spoilt = spoilt && !is_as_read(found->fd, found->early);
    }
    if (spoilt)
        item = take(s, at);
    pthread_mutex_unlock(&s->lists);
    if (spoilt)
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
        drop(s, item);
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

static void end_due(struct service *s, const struct settling *item)
{
    pthread_mutex_lock(&s->lists);
    for (size_t i = 0; i < s->settling_count; i++) {
        if (s->settling[i].fd == item->fd) {
            (void)take(s, i);
            break;
        }
    }
    pthread_cond_broadcast(&s->settled);
    pthread_mutex_unlock(&s->lists);
    drop(s, item);
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
            keep(s, &item);
        end_due(s, &item);
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
                              .same_name = true,
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
