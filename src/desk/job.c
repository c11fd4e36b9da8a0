#include "desk/job.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct job_queue {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t given;
    struct job *first, *last; /* to do */
    struct job *done;
    size_t count, most;
    int told;
    bool stop, stopped;
};

static struct job *take_first(struct job_queue *q)
{
    struct job *job = q->first;
    if (job) {
        q->first = job->next;
        if (!q->first)
            q->last = NULL;
        q->count--;
    }
    return job;
}

static void *work(void *argument)
{
    struct job_queue *q = argument;
    pthread_mutex_lock(&q->lock);
    for (;;) {
        while (!q->first && !q->stop)
            pthread_cond_wait(&q->given, &q->lock);
        if (q->stop)
            break;
        struct job *job = take_first(q);
        pthread_mutex_unlock(&q->lock);
        job->run(job);
        pthread_mutex_lock(&q->lock);
        job->next = q->done;
        q->done = job;
        uint64_t one = 1;
        if (write(q->told, &one, sizeof one) < 0)
            log_line(LOG_LEVEL_WARNING, "desk: a finished job could not be told");
    }
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

int job_queue_new(size_t most, int done, struct job_queue **out, struct error *error)
{
    struct job_queue *q = calloc(1, sizeof *q);
    if (!q)
        return error_set(error, -ENOMEM, "out of memory");
    q->most = most;
    q->told = done;
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->given, NULL);
    int failed = pthread_create(&q->thread, NULL, work, q);
    if (failed) {
        free(q);
        return error_set(error, -failed, "a thread could not be begun");
    }
    *out = q;
    return 0;
}

int job_give(struct job_queue *q, struct job *job)
{
    pthread_mutex_lock(&q->lock);
    bool full = q->count >= q->most || q->stop;
    if (!full) {
        job->next = NULL;
        if (q->last)
            q->last->next = job;
        else
            q->first = job;
        q->last = job;
        q->count++;
        pthread_cond_signal(&q->given);
    }
    pthread_mutex_unlock(&q->lock);
    return full ? -EBUSY : 0;
}

struct job *job_next(struct job_queue *q)
{
    pthread_mutex_lock(&q->lock);
    struct job *job = q->done;
    if (job)
        q->done = job->next;
    else if (q->stopped)
        job = take_first(q);
    pthread_mutex_unlock(&q->lock);
    return job;
}

void job_queue_stop(struct job_queue *q)
{
    if (!q || q->stopped)
        return;
    pthread_mutex_lock(&q->lock);
    q->stop = true;
    pthread_cond_signal(&q->given);
    pthread_mutex_unlock(&q->lock);
    pthread_join(q->thread, NULL);
    q->stopped = true;
}

void job_queue_free(struct job_queue *q)
{
    if (!q)
        return;
    job_queue_stop(q);
    pthread_mutex_destroy(&q->lock);
    pthread_cond_destroy(&q->given);
    free(q);
}
