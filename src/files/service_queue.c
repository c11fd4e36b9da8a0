/* What was told and is to be done, in order. */
#include "files/service_parts.h"

#include <stdlib.h>
#include <unistd.h>

void condition_begin(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

struct timespec condition_until(nanos_t patience)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    nanos_t end = now.tv_sec * NANOS_SECOND + now.tv_nsec + patience;
    return (struct timespec){end / NANOS_SECOND, end % NANOS_SECOND};
}

void queue_begin(struct queue *q)
{
    pthread_mutex_init(&q->mutex, NULL);
    condition_begin(&q->ready);
    q->last = &q->first;
}

bool queue_append(struct queue *q, struct job *job)
{
    if (q->count >= QUEUE_MOST || q->ended)
        return false;
    *q->last = job;
    q->last = &job->next;
    q->count++;
    return true;
}

bool queue_put(struct queue *q, struct job *job)
{
    pthread_mutex_lock(&q->mutex);
    bool room = queue_append(q, job);
    if (room)
        pthread_cond_signal(&q->ready);
    pthread_mutex_unlock(&q->mutex);
    return room;
}

struct job *queue_take(struct queue *q, nanos_t patience, bool *over)
{
    struct timespec until = condition_until(patience);
    pthread_mutex_lock(&q->mutex);
    int status = 0;
    while (q->first == NULL && !q->ended && status == 0)
        status = pthread_cond_timedwait(&q->ready, &q->mutex, &until);
    struct job *job = q->first;
    if (job) {
        q->first = job->next;
        if (q->first == NULL)
            q->last = &q->first;
        q->count--;
        q->in_hand++;
    }
    *over = q->ended && job == NULL;
    pthread_mutex_unlock(&q->mutex);
    return job;
}

void queue_done(struct queue *q, struct job *job)
{
    if (job->fd >= 0)
        close(job->fd);
    free(job);
    pthread_mutex_lock(&q->mutex);
    q->in_hand--;
    pthread_mutex_unlock(&q->mutex);
}

bool queue_is_idle(struct queue *q)
{
    pthread_mutex_lock(&q->mutex);
    bool idle = q->first == NULL && q->in_hand == 0;
    pthread_mutex_unlock(&q->mutex);
    return idle;
}

size_t queue_count(struct queue *q)
{
    pthread_mutex_lock(&q->mutex);
    size_t count = q->count;
    pthread_mutex_unlock(&q->mutex);
    return count;
}

void queue_end(struct queue *q)
{
    pthread_mutex_lock(&q->mutex);
    q->ended = true;
    pthread_cond_broadcast(&q->ready);
    pthread_mutex_unlock(&q->mutex);
}
