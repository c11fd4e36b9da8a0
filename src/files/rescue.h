/* rescue.h: a second thread of the listener, for when the first one waits for the disk after all.
 *
 * The first thread opens nothing and writes nothing, but the counts that it charges are pages of a
 * file: when the disk under `state` hangs, a store to one may wait in the kernel, where not even a
 * kill reaches it, and a group whose owner cannot end cannot be closed. So this thread watches it,
 * touches no such page, and answers in its place as soon as it is RESCUE_AFTER late:
 *
 *   who was refused within the last minute    refused
 *   others                                    RESCUE_RATE opens a second, then refused
 *   opens that wait for the vault             refused when their time is over
 *
 * A first thread that is late without waiting in the kernel is a mistake of ours: then this thread
 * does nothing, and the watchdog ends both.
 */
#ifndef ECLUSE_FILES_RESCUE_H
#define ECLUSE_FILES_RESCUE_H

#include "base/base.h"

#include <stdatomic.h>
#include <sys/types.h>

#define RESCUE_AFTER (150 * NANOS_MILLISECOND)
#define RESCUE_PACE  (20 * NANOS_MILLISECOND)
enum { RESCUE_RATE = 200, RESCUE_REFUSED = 64, RESCUE_BATCH = 256 };

struct listener;

struct rescue {            /* what the two threads share; no lock: each word is whole by itself */
    _Atomic int64_t beat;  /* of the first thread */
    pid_t first;           /* its number */
    _Atomic int32_t begun; /* the second thread is there */
    _Atomic int32_t batch[RESCUE_BATCH]; /* events read and not answered yet; -1: none */
    struct rescue_refused {
        _Atomic uint32_t user;
        _Atomic int64_t at; /* 0: free */
    } refused[RESCUE_REFUSED];
    nanos_t second; /* of the rate, and what went in it: the second thread's own */
    unsigned went;
};

/* Begins it; after that the first thread only has to beat. 0 or a negative errno. */
int rescue_begin(struct listener *l);

/* The first thread's: an event was read, was answered; somebody was refused. */
void rescue_read(struct rescue *rescue, int fd);
void rescue_answered(struct rescue *rescue, int fd);
void rescue_refused(struct rescue *rescue, uint32_t user, nanos_t now);

/* Whether one more open may pass: for the second thread. */
bool rescue_may_pass(struct rescue *rescue, uint32_t user, nanos_t now);

#endif
