/* Files that were closed a moment ago, and files that may be written to. */
#include "files/service_parts.h"

#include "files/unlocked.h"

#include <stdlib.h>
#include <unistd.h>

/* ---- What was read early --------------------------------------------------------------------- */

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* What was just written is in memory: nobody waits for a disk, nor for who has it open. */
static bool read_now(int fd, char *bytes, size_t size)
{
    return unlocked_read(fd, bytes, size, 0) == (long)size;
}

static struct read_early *read_early(struct service *s, int fd, const struct stat *status)
{
    size_t size = (size_t)status->st_size;
    struct stat after;
    if (status->st_size <= 0 || status->st_size > VAULT_READ_MOST ||
        vault_kind(s->vault) != VAULT_CLONES || s->early_bytes + size > EARLY_MOST)
        return NULL;
    struct read_early *early = malloc(sizeof *early + size);
    if (early == NULL)
        return NULL;
    early->status = *status;
    if (!read_now(fd, early->bytes, size) || fstat(fd, &after) != 0 ||
        !same_time(after.st_ctim, status->st_ctim)) {
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
    if (same_time(is.st_ctim, early->status.st_ctim))
        return true;
    char *bytes = malloc(size);
    bool same = bytes && read_now(fd, bytes, size) && memcmp(bytes, early->bytes, size) == 0;
    free(bytes);
    return same;
}

/* ---- Settling -------------------------------------------------------------------------------- */

/* What is there now was not closed by who is known: it is kept when somebody tells of it. False:
 * large, and locked by who writes to it. */
static bool keep(struct service *s, const struct settling *item)
{
    bool free = unlocked_now(item->fd);
    if (!item->early && !free)
        return false;
    if (item->early && (!free || !is_as_read(item->fd, item->early)))
        (void)vault_keep_read(s->vault, item->fd, &item->early->status, item->early->bytes,
                              item->who, item->closed);
    else
        (void)vault_keep(s->vault, item->fd, NULL, item->who, VAULT_CLOSED, item->closed);
    return true;
}

static void drop(struct service *s, const struct settling *item)
{
    forget_early(s, item->early);
    free(item->name);
    close(item->fd);
}

static bool put_back(struct service *s, const struct settling *item)
{
    struct settling later = *item;
    later.again = clock_boot() + LOCKED_FOR;
    pthread_mutex_lock(&s->lists);
    bool room = !settlings_full(s->settling);
    if (room)
        (void)settlings_add(s->settling, &later);
    pthread_mutex_unlock(&s->lists);
    return room;
}

static void keep_settled(struct service *s, const struct settling *item)
{
    if (keep(s, item) || !put_back(s, item))
        drop(s, item);
}

/* With the lock of the lists: waits a little while a keeper has this one in hand. One that cannot
 * be waited for is not found from now on. */
static void wait_for_keeper(struct service *s, uint32_t at)
{
    struct timespec until = condition_until(LOCKED_FOR);
    nanos_t since = settlings_item(s->settling, at)->since;
    for (int status = 0; status == 0;) {
        const struct settling *item = settlings_item(s->settling, at);
        if (!item->busy || item->since != since)
            return;
        status = pthread_cond_timedwait(&s->settled, &s->lists, &until);
    }
    struct settling *item = settlings_item(s->settling, at);
    item->stuck = item->busy && item->since == since;
}

/* With the lock: the file's place once no keeper has it in hand. It stays in the list while one
 * has, so that whoever asks for it waits: else a removal could come between the clone and its
 * record. */
static uint32_t find_idle(struct service *s, struct vault_file file)
{
    uint32_t at;
    while ((at = settlings_find(s->settling, file)) != SETTLING_NONE &&
           settlings_item(s->settling, at)->busy)
        wait_for_keeper(s, at);
    return at;
}

static bool take_file(struct service *s, struct vault_file file, struct settling *out)
{
    pthread_mutex_lock(&s->lists);
    uint32_t at = find_idle(s, file);
    if (at != SETTLING_NONE)
        *out = settlings_remove(s->settling, at);
    pthread_mutex_unlock(&s->lists);
    return at != SETTLING_NONE;
}

/* A file may have lost its name before it was looked at, and its path then ends as /proc has it.
 * Who finds a file by this looks whether it has lost its name. */
static uint64_t hash_of_path(const struct service *s, const char *path)
{
    static const char deleted[] = " (deleted)";
    size_t length = strlen(path), suffix = sizeof deleted - 1;
    if (length > suffix && strcmp(path + length - suffix, deleted) == 0)
        length -= suffix;
    return siphash(vault_key(s->vault), path, length);
}

bool settle_has_room(struct service *s, struct vault_file file)
{
    pthread_mutex_lock(&s->lists);
    bool has = !settlings_full(s->settling) && settlings_find(s->settling, file) == SETTLING_NONE;
    pthread_mutex_unlock(&s->lists);
    return has;
}

void settle_add(struct service *s, int fd, const struct stat *status, struct vault_file file,
                struct vault_who who, nanos_t at)
{
    struct settling item;
    char path[VAULT_PATH_SIZE];
    if (take_file(s, file, &item))
        drop(s, &item); /* the one closed now holds what that one held, and more */
    item = (struct settling){.fd = fd,
                             .early = read_early(s, fd, status),
                             .file = file,
                             .who = who,
                             .closed = at,
                             .since = clock_boot()};
    if (vault_find_path(s->vault, fd, status, path) && (item.name = strdup(path)) != NULL)
        item.path = hash_of_path(s, path);
    pthread_mutex_lock(&s->lists);
    while (settlings_full(s->settling) && !service_ends(s))
        pthread_cond_wait(&s->settled, &s->lists); /* the disk is slower than who writes */
    bool full = settlings_full(s->settling);
    if (!full)
        (void)settlings_add(s->settling, &item);
    pthread_mutex_unlock(&s->lists);
    if (full)
        keep_settled(s, &item);
}

/* Within SETTLE_AFTER: what a program makes and removes, or saves twice. */
static bool closed_just_now_by(const struct settling *item, struct vault_who who)
{
    return who.tree && item->who.tree == who.tree && item->who.user == who.user &&
           clock_boot() - item->since < SETTLE_AFTER;
}

/* Who opened it to write was asked, and then it was kept (settle_now()): so what another closes, or
 * nobody, and is not what was closed, was truncated by path in between. Who saves anew what he
 * himself saved a moment ago is let be, unless little is left of it. */
void settle_spoilt(struct service *s, struct vault_file file, struct vault_who who, bool asked)
{
    struct settling item = {.fd = -1};
    struct stat is;
    pthread_mutex_lock(&s->lists);
    uint32_t at = find_idle(s, file);
    const struct settling *found = at != SETTLING_NONE ? settlings_item(s->settling, at) : NULL;
    bool spoilt = found && found->early && fstat(found->fd, &is) == 0;
    if (spoilt) {
        bool his_own = closed_just_now_by(found, who);
        spoilt = !asked || !his_own || is.st_size < found->early->status.st_size / 8;
        spoilt = spoilt && !is_as_read(found->fd, found->early);
    }
    if (spoilt)
        item = settlings_remove(s->settling, at);
    pthread_mutex_unlock(&s->lists);
    if (!spoilt)
        return;
    (void)vault_keep_read(s->vault, item.fd, &item.early->status, item.early->bytes, item.who,
                          item.closed);
    drop(s, &item);
}

void settle_now(struct service *s, struct vault_file file)
{
    struct settling item;
    if (take_file(s, file, &item))
        keep_settled(s, &item);
}

/* With the lock: has a keeper keep it, since a clone may have to be waited for, and who calls waits
 * a little only. What is not kept by then is kept later, and not found from now on. */
static void keep_soon(struct service *s, uint32_t at)
{
    struct timespec until = condition_until(LOCKED_FOR);
    nanos_t since = settlings_item(s->settling, at)->since;
    settlings_item(s->settling, at)->again = 0;
    settlings_item(s->settling, at)->urgent = true;
    s->urgent = at;
    pthread_cond_broadcast(&s->due);
    for (int status = 0; status == 0;) {
        const struct settling *item = settlings_item(s->settling, at);
        if (!item->urgent || item->since != since)
            break;
        status = pthread_cond_timedwait(&s->settled, &s->lists, &until);
    }
    struct settling *item = settlings_item(s->settling, at);
    item->stuck |= item->urgent && item->since == since;
    s->urgent = SETTLING_NONE;
}

/* A removed file that nobody but the remover ever wrote, and that never was kept, was scratch. */
static bool is_scratch(struct service *s, const struct settling *item, struct vault_who who)
{
    struct vault_old old = vault_newest(s->vault, item->file, NULL, 0);
    if (old.fd >= 0)
        close(old.fd);
    return old.version == 0 && closed_just_now_by(item, who);
}

/* With the lock, which is given up in between. */
static void keep_or_drop(struct service *s, uint32_t at, struct vault_who who)
{
    struct settling item = *settlings_item(s->settling, at);
    settlings_item(s->settling, at)->busy = true;
    pthread_mutex_unlock(&s->lists);
    bool scratch = is_scratch(s, &item, who);
    pthread_mutex_lock(&s->lists);
    settlings_item(s->settling, at)->busy = false;
    if (scratch) {
        item = settlings_remove(s->settling, at);
        drop(s, &item);
    } else {
        keep_soon(s, at);
    }
    pthread_cond_broadcast(&s->settled);
}

void settle_removed(struct service *s, struct vault_file file, struct vault_who who)
{
    pthread_mutex_lock(&s->lists);
    uint32_t at = find_idle(s, file);
    if (at != SETTLING_NONE)
        keep_or_drop(s, at, who);
    pthread_mutex_unlock(&s->lists);
}

static bool is_nameless(const struct settling *item)
{
    struct stat status;
    return fstat(item->fd, &status) == 0 && status.st_nlink == 0;
}

/* With the lock: one at this path that has no name any more. */
static uint32_t nameless_at(const struct service *s, uint64_t path)
{
    uint32_t at = settlings_at(s->settling, path);
    while (at != SETTLING_NONE && !is_nameless(settlings_item(s->settling, at)))
        at = settlings_also_at(s->settling, at);
    return at;
}

static uint32_t nameless_anywhere(const struct service *s)
{
    for (enum settling_line line = 0; line < SETTLING_LINES; line++)
        for (uint32_t at = settlings_first(s->settling, line); at != SETTLING_NONE;
             at = settlings_next(s->settling, at))
            if (!settlings_item(s->settling, at)->stuck &&
                is_nameless(settlings_item(s->settling, at)))
                return at;
    return SETTLING_NONE;
}

void settle_nameless(struct service *s, const char *path, struct vault_who who)
{
    uint64_t hash = path ? hash_of_path(s, path) : 0;
    uint32_t at;
    pthread_mutex_lock(&s->lists);
    while ((at = path ? nameless_at(s, hash) : nameless_anywhere(s)) != SETTLING_NONE)
        if (settlings_item(s->settling, at)->busy)
            wait_for_keeper(s, at);
        else
            keep_or_drop(s, at, who);
    pthread_mutex_unlock(&s->lists);
}

/* With the lock: one has another path, `to` with `rest` behind it, which may be the end of its last
 * one. Without memory it has none, and is kept when it is due. */
static void rename_item(struct service *s, uint32_t at, const char *to, const char *rest)
{
    struct settling *item = settlings_item(s->settling, at);
    size_t first = strlen(to), length = first + strlen(rest);
    char *name = malloc(length + 1);
    if (name) {
        memcpy(name, to, first);
        memcpy(name + first, rest, length - first + 1);
    }
    free(item->name);
    item->name = name;
    settlings_moved(s->settling, at, name ? hash_of_path(s, name) : 0);
}

/* With the lock: those in a folder that has another name now, and a file of that name. */
static void rename_beneath(struct service *s, const char *from, const char *to)
{
    size_t length = strlen(from);
    for (enum settling_line line = 0; line < SETTLING_LINES; line++)
        for (uint32_t at = settlings_first(s->settling, line); at != SETTLING_NONE;
             at = settlings_next(s->settling, at)) {
            const char *name = settlings_item(s->settling, at)->name;
            if (name && strncmp(name, from, length) == 0 &&
                (name[length] == 0 || name[length] == '/'))
                rename_item(s, at, to, name + length);
        }
}

void settle_moved(struct service *s, struct vault_file file, const char *from, const char *to)
{
    pthread_mutex_lock(&s->lists);
    uint32_t at = file.inode ? settlings_find(s->settling, file) : SETTLING_NONE;
    if (at != SETTLING_NONE)
        rename_item(s, at, to, "");
    else if (!file.inode)
        rename_beneath(s, from, to);
    pthread_mutex_unlock(&s->lists);
}

/* What was read when it was closed can be kept when nobody is at work, which is a moment later: a
 * clone costs the disk, and whoever uses it, more than all else here. */
static bool is_due(const struct service *s, const struct settling *item, nanos_t now)
{
    bool hurry = settlings_nearly_full(s->settling) || s->early_bytes > EARLY_MOST / 2 ||
                 now - s->told >= SETTLE_CALM;
    return now - item->since >= (item->early && !hurry ? SETTLE_LATEST : SETTLE_AFTER);
}

/* With the lock: the first that no keeper has in hand, and that is not to be left for a moment. */
static uint32_t first_idle(const struct service *s, enum settling_line line, nanos_t now)
{
    uint32_t at = settlings_first(s->settling, line);
    while (at != SETTLING_NONE && (settlings_item(s->settling, at)->busy ||
                                   settlings_item(s->settling, at)->again > now))
        at = settlings_next(s->settling, at);
    return at;
}

bool settle_is_urgent(const struct service *s, nanos_t now)
{
    if (s->urgent == SETTLING_NONE)
        return false;
    const struct settling *item = settlings_item(s->settling, s->urgent);
    return item->urgent && !item->busy && item->again <= now;
}

/* One that is due, marked as in hand. */
static uint32_t begin_due(struct service *s, nanos_t now, bool all, struct settling *out)
{
    uint32_t found = SETTLING_NONE;
    pthread_mutex_lock(&s->lists);
    if (settle_is_urgent(s, now))
        found = s->urgent;
    for (enum settling_line line = 0; line < SETTLING_LINES && found == SETTLING_NONE; line++) {
        uint32_t at = first_idle(s, line, all ? INT64_MAX : now);
        if (at != SETTLING_NONE && (all || is_due(s, settlings_item(s->settling, at), now)))
            found = at;
    }
    if (found != SETTLING_NONE) {
        settlings_item(s->settling, found)->busy = true;
        *out = *settlings_item(s->settling, found);
    }
    pthread_mutex_unlock(&s->lists);
    return found;
}

static void end_due(struct service *s, uint32_t at)
{
    pthread_mutex_lock(&s->lists);
    struct settling item = settlings_remove(s->settling, at);
    pthread_cond_broadcast(&s->settled);
    pthread_mutex_unlock(&s->lists);
    drop(s, &item);
}

static void leave_for_now(struct service *s, uint32_t at, nanos_t now)
{
    pthread_mutex_lock(&s->lists);
    settlings_item(s->settling, at)->busy = false;
    settlings_item(s->settling, at)->again = now + LOCKED_FOR;
    pthread_cond_broadcast(&s->settled);
    pthread_mutex_unlock(&s->lists);
}

/* Large, and locked: somebody writes to it, and may be done in a moment. Who has it open to write
 * will close it, and it is told of again then, unless it has lost its name meanwhile. */
static bool must_wait(const struct service *s, const struct settling *item, nanos_t now)
{
    return !item->early && !settlings_nearly_full(s->settling) && !unlocked_now(item->fd) &&
           (now - item->since < SETTLE_LATEST || is_nameless(item));
}

void settle_due(struct service *s, struct hand *hand)
{
    struct settling item;
    uint32_t at;
    for (nanos_t now = clock_boot();
         (at = begin_due(s, now, hand == NULL, &item)) != SETTLING_NONE; now = clock_boot()) {
        if (hand && must_wait(s, &item, now)) {
            leave_for_now(s, at, now);
            continue;
        }
        if (hand)
            hand->since = now;
        (void)keep(s, &item);
        end_due(s, at);
        if (hand)
            hand->since = 0;
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
