/* job.h: work that would keep the desk waiting: a thread that takes one piece after the other from
 * a short queue.
 *
 * Argon2id costs some 100 ms of a core and 64 MiB: sign-ins are done one at a time, and when the
 * queue is full the next is refused at once, so that a flood of them costs one core at most and
 * nobody else's place. What must first be durable in the audit log waits in a queue of its own.
 */
#ifndef ECLUSE_DESK_JOB_H
#define ECLUSE_DESK_JOB_H

#include "base/base.h"

struct job {
    void (*run)(struct job *job); /* in the thread; touches nothing but what is the job's */
    struct job *next;
};

struct job_queue;

/* `done` is an eventfd that is written to for each job that was run. */
int job_queue_new(size_t most, int done, struct job_queue **out, struct error *error);

/* -EBUSY when `most` wait already. The job is the queue's until job_next() gives it back. */
int job_give(struct job_queue *queue, struct job *job);

/* One that was run, or NULL. */
struct job *job_next(struct job_queue *queue);

/* Waits for the job that runs; those that wait are given back unrun by job_next(). Takes NULL. */
void job_queue_stop(struct job_queue *queue);
void job_queue_free(struct job_queue *queue);

#endif
