/* Threads that clone, and so may have to wait for a file's lock: openers and keepers. Those that
 * wait for long are counted out, and others take their places. */
#include "files/service_parts.h"

#include "files/unlocked.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- Hands ----------------------------------------------------------------------------------- */

static bool is_busy(const struct hand *hand)
{
    return hand->since != 0;
}

static bool is_stuck(const struct hand *hand, nanos_t now, nanos_t after)
{
    nanos_t since = hand->since;
    return since && now - since > after;
}

static unsigned count_stuck(const struct hand *hand, unsigned count, nanos_t now, nanos_t after)
{
    unsigned stuck = 0;
    for (unsigned i = 0; i < count; i++)
        stuck += is_stuck(&hand[i], now, after);
    return stuck;
}

unsigned hands_stuck(const struct service *s, nanos_t now)
{
    return count_stuck(s->opener, OPENERS, now, STUCK_TOLD) +
           count_stuck(s->keeper, KEEPERS, now, STUCK_TOLD) +
           count_stuck(&s->walker, 1, now, STUCK_TOLD) +
           count_stuck(&s->chronicler, 1, now, STUCK_TOLD);
}

/* ---- Openers --------------------------------------------------------------------------------- */

void answer_opened(struct service *s, const struct vault_question *q, enum vault_result result)
{
    struct vault_answer answer = {
        .cookie = q->cookie, .event = VAULT_OPENED, .result = (uint8_t)result, .who = q->who};
    if (vault_wire_answer(s->given->socket, &answer) == -EPIPE)
        s->ending = true;
}

/* With the queue's mutex: whether one more may be taken in hand, of a locked file or not. */
static bool has_opener(const struct service *s, bool locked, nanos_t now)
{
    unsigned working = 0;
    for (unsigned i = 0; i < OPENERS; i++) {
        const struct hand *hand = &s->opener[i];
        working += is_busy(hand) && hand->locked == locked &&
                   (locked || !is_stuck(hand, now, OPENER_STUCK));
    }
    return working < (locked ? OPENERS_OF_LOCKED : OPENERS_AT_WORK);
}

static bool is_stale(const struct job *job, nanos_t now)
{
    return now - job->put > STALE_AFTER;
}

/* With the mutex: the first that may be taken, out of the queue. At the end that is the first. */
static struct job *opened_next(struct service *s, struct hand *own)
{
    struct queue *q = &s->opened;
    nanos_t now = clock_boot();
    for (struct job **link = &q->first; *link; link = &(*link)->next) {
        struct job *job = *link;
        bool locked = job->fd >= 0 && !unlocked_now(job->fd);
        if (!q->ended && !is_stale(job, now) && !has_opener(s, locked, now))
            continue;
        *link = job->next;
        if (q->last == &job->next)
            q->last = link;
        q->count--;
        q->in_hand++;
        own->locked = locked;
        own->since = now;
        return job;
    }
    return NULL;
}

static struct job *opened_take(struct service *s, struct hand *own)
{
    struct queue *q = &s->opened;
    struct job *job;
    pthread_mutex_lock(&q->mutex);
    own->since = 0;
    while ((job = opened_next(s, own)) == NULL && !q->ended)
        pthread_cond_wait(&q->ready, &q->mutex);
    pthread_mutex_unlock(&q->mutex);
    return job;
}

bool opened_put(struct service *s, struct job *job)
{
    bool locked = job->fd >= 0 && !unlocked_now(job->fd);
    pthread_mutex_lock(&s->opened.mutex);
    bool room = queue_append(&s->opened, job);
    if (room && has_opener(s, locked, job->put))
        pthread_cond_signal(&s->opened.ready);
    pthread_mutex_unlock(&s->opened.mutex);
    return room;
}

/* What was closed last is kept with who wrote it, then what the opener finds is there. Nobody waits
 * for what is stale, and it may be locked. */
static void handle_opened(struct service *s, struct job *job, bool tried)
{
    struct stat status;
    enum vault_result result = VAULT_FAILED;
    const struct vault_question *q = &job->question;
    bool there = job->fd >= 0 && fstat(job->fd, &status) == 0;
    if (there && tried) {
        settle_now(s, vault_identity(job->fd, &status));
        if (q->kept) /* it may be written to already: what is there is not to be kept */
            result = vault_room(s->vault, q->who, q->at);
        else
            result = vault_keep(s->vault, job->fd, NULL, q->who, VAULT_BEFORE, q->at);
    }
    if (there && (!tried || result == VAULT_KEPT || result == VAULT_ALREADY)) {
        watch_add(s, job->fd, q);
        job->fd = -1;
    }
    answer_opened(s, q, result);
}

void *openers_work(void *hand)
{
    struct hand *own = hand;
    struct service *s = own->service;
    for (struct job *job; (job = opened_take(s, own)) != NULL;) {
        handle_opened(s, job, !own->locked || !(is_stale(job, own->since) || service_ends(s)));
        queue_done(&s->opened, job);
    }
    return NULL;
}

void openers_relieve(struct service *s)
{
    pthread_mutex_lock(&s->opened.mutex);
    if (s->opened.count && count_stuck(s->opener, OPENERS, clock_boot(), OPENER_STUCK))
        pthread_cond_broadcast(&s->opened.ready);
    pthread_mutex_unlock(&s->opened.mutex);
}

/* ---- Keepers --------------------------------------------------------------------------------- */

/* Another works for each that waits. */
static void wait_for_turn(struct service *s, const struct hand *own)
{
    pthread_mutex_lock(&s->lists);
    while (!service_ends(s) &&
           own->number >= KEEPERS_AT_WORK +
                              count_stuck(s->keeper, own->number, clock_boot(), KEEPER_STUCK))
        pthread_cond_wait(&s->spare, &s->lists);
    pthread_mutex_unlock(&s->lists);
}

/* A clone of what was just written waits for the disk. */
void *keepers_work(void *hand)
{
    struct hand *own = hand;
    struct service *s = own->service;
    for (wait_for_turn(s, own); !service_ends(s); wait_for_turn(s, own)) {
        settle_due(s, own);
        struct timespec until = condition_until(20 * NANOS_MILLISECOND);
        pthread_mutex_lock(&s->lists);
        if (!settle_is_urgent(s, clock_boot()))
            pthread_cond_timedwait(&s->due, &s->lists, &until);
        pthread_mutex_unlock(&s->lists);
    }
    return NULL;
}

void keepers_relieve(struct service *s)
{
    pthread_mutex_lock(&s->lists);
    if (service_ends(s) || count_stuck(s->keeper, KEEPERS, clock_boot(), KEEPER_STUCK))
        pthread_cond_broadcast(&s->spare);
    pthread_mutex_unlock(&s->lists);
}
