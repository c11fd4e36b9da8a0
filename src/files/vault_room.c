/* Bounds: what past versions may take, whose go first, and the blocks for a full disk. */
#include "files/vault_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    FAIR_MOST = 64,     /* parts of at_most: nobody's is smaller */
    AT_ONCE = 512,      /* versions that one call removes: about 10 ms */
    SWEEP_SECONDS = 60, /* between looks for what is too old */
    SWEEP_AT_ONCE = 2000,
};

/* ---- The reserve ----------------------------------------------------------------------------- */

void vault_take_reserve(struct vault *v)
{
    int fd = openat(v->place.store, "reserve", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    v->reserved = fd >= 0 && fallocate(fd, 0, 0, VAULT_RESERVE) == 0;
    if (fd >= 0)
        close(fd);
}

bool vault_give_up_reserve(struct vault *v)
{
    if (!v->reserved)
        return false;
    v->reserved = false;
    return unlinkat(v->place.store, "reserve", 0) == 0;
}

/* ---- Making room ----------------------------------------------------------------------------- */

/* When all of it is taken, who has more than his part of it makes room, or is refused: else a few
 * accounts that fill theirs would keep everybody from writing. */
static uint64_t fair_part(const struct vault *v)
{
    uint64_t users = 0;
    for (size_t i = 0; i < v->history->user_count; i++)
        users += v->history->user[i].past_bytes > 0;
    return v->limits.at_most / (users < 1 ? 1 : users > FAIR_MOST ? FAIR_MOST : users);
}

static bool is_over(const struct vault *v, uint32_t user)
{
    uint64_t used = history_used(v->history, user);
    return used > v->limits.per_user ||
           (v->history->past_bytes > v->limits.at_most && used > fair_part(v));
}

/* His own content, that he himself replaced or removed, and not lately. */
static bool may_go(const struct vault *v, const struct version *version, uint32_t user, nanos_t now)
{
    return !version->gone && version->past_at && version->bytes && version->past_by == user &&
           version->writer == user && version->past_at < now - v->limits.window;
}

struct candidate {
    nanos_t lived;
    uint32_t version;
};

static int by_life(const void *one, const void *other)
{
    const struct candidate *a = one, *b = other;
    return a->lived != b->lived ? (a->lived < b->lived ? -1 : 1)
                                : (a->version < b->version ? -1 : 1);
}

static bool let_go(struct vault *v, uint32_t index, nanos_t now)
{
    uint64_t id = v->history->version[index].id;
    struct log_record record = {.type = LOG_GONE, .body.GONE = {.id = id, .at = now}};
    if (vault_note(v, &record) < 0)
        return false;
    clone_remove(v->place.store, id);
    return true;
}

/* Those whose content stood shortest go first: an attacker's churn before what he destroyed. */
static void evict(struct vault *v, uint32_t user, nanos_t now)
{
    struct history *h = v->history;
    size_t count = 0;
    struct candidate *list = malloc((h->kept + 1) * sizeof *list);
    if (list == NULL)
        return;
    for (uint32_t i = 0; i < h->version_count && count < h->kept; i++)
        if (may_go(v, &h->version[i], user, now))
            list[count++] = (struct candidate){h->version[i].past_at - h->version[i].at, i};
    qsort(list, count, sizeof *list, by_life);
    uint64_t aim = v->limits.per_user - v->limits.per_user / 16;
    uint64_t aim_all = v->limits.at_most - v->limits.at_most / 16;
    for (size_t i = 0; i < count && i < AT_ONCE; i++) {
        if (history_used(h, user) <= aim && h->past_bytes <= aim_all)
            break;
        if (!let_go(v, list[i].version, now))
            break;
        v->evicted++;
    }
    free(list);
}

bool vault_make_room(struct vault *v, uint32_t user, nanos_t now)
{
    if (!is_over(v, user))
        return true;
    /* A user who has nothing to give is asked often: his list is made anew once a second only. */
    if (v->poor_user != user || now < v->poor_at || now - v->poor_at > NANOS_SECOND) {
        evict(v, user, now);
        if (is_over(v, user)) {
            v->poor_user = user;
            v->poor_at = now;
        }
    }
    return !is_over(v, user) || user == VAULT_NOBODY;
}

size_t vault_refused_users(struct vault *v, uint32_t *out, size_t most, nanos_t now)
{
    size_t count = 0;
    pthread_mutex_lock(&v->mutex);
    for (size_t i = 0; i < v->history->user_count && count < most; i++) {
        const struct user_use *use = &v->history->user[i];
        if (use->past_bytes && !vault_make_room(v, use->user, now))
            out[count++] = use->user;
    }
    pthread_mutex_unlock(&v->mutex);
    return count;
}

/* ---- Once in a while ------------------------------------------------------------------------- */

static void expire(struct vault *v, nanos_t now)
{
    size_t removed = 0;
    pthread_mutex_lock(&v->mutex);
    for (uint32_t i = 0; i < v->history->version_count && removed < SWEEP_AT_ONCE; i++) {
        const struct version *version = &v->history->version[i];
        if (version->gone || !version->past_at || version->past_at >= now - v->limits.keep)
            continue;
        if (!let_go(v, i, now))
            break;
        v->expired++;
        removed++;
    }
    if (removed < SWEEP_AT_ONCE)
        v->swept = now;
    pthread_mutex_unlock(&v->mutex);
}

void vault_tidy(struct vault *v, nanos_t now)
{
    pthread_mutex_lock(&v->mutex);
    bool due = now < v->swept || now - v->swept >= SWEEP_SECONDS * NANOS_SECOND;
    if (!v->reserved)
        vault_take_reserve(v);
    pthread_mutex_unlock(&v->mutex);
    if (due)
        expire(v, now);
    vault_compact(v, now, false);
    (void)vault_sync(v);
}
