/* service_parts.h: what the parts of the vault's process share. Room's own.
 *
 * Threads    the receiver (vault_serve itself) puts questions into two queues; two openers take
 *            those that somebody waits for; one chronicler takes the others in order, has them
 *            judged, and waits for no disk; two keepers clone what was closed; one walker passes
 *            over the share; one upkeeper tidies and tells. Of a file that is new, when the
 *            chronicler has nothing to do, the receiver takes note itself: waking him takes longer
 *            than that.
 * Locked     a clone waits for whoever writes to the file, and a writer can make that last for ever
 *            (unlocked.h). So there are more openers and keepers than two: one that waits for long
 *            is counted out and another takes his place. Of files that are locked when their turn
 *            comes few are tried at a time, and keepers leave them until they are free.
 * Lists      of what is due are the chronicler's; `settling` and `watched` have the lock `lists`.
 */
#ifndef ECLUSE_FILES_SERVICE_PARTS_H
#define ECLUSE_FILES_SERVICE_PARTS_H

#include "files/settling.h"
#include "files/vault_internal.h"
#include "files/vault_view.h"
#include "files/vault_wire.h"

enum {
    OPENERS = 16, OPENERS_AT_WORK = 2, OPENERS_OF_LOCKED = 4,
    KEEPERS = 16, KEEPERS_AT_WORK = 2,
    QUEUE_MOST = 16384,  /* questions that wait */
    WATCHED_MOST = 1024, /* files open for writing: a descriptor each */
    REMOVED_MOST = 65536,
    ORIGINS_MOST = 1024,
    EARLY_MOST = 128 << 20, /* bytes of files that were read when they were closed */
};

#define SETTLE_AFTER   (500 * NANOS_MILLISECOND)
#define SETTLE_CALM    (100 * NANOS_MILLISECOND) /* nothing happened for so long */
#define SETTLE_LATEST  (5 * NANOS_SECOND)
#define REMOVED_AFTER  (200 * NANOS_MILLISECOND)
#define WATCH_EVERY    NANOS_SECOND
#define ORIGIN_FOR     NANOS_MINUTE /* longer than any program takes to save a file */
#define JUDGE_PATIENCE (2 * NANOS_SECOND)
#define OPENER_STUCK   (150 * NANOS_MILLISECOND) /* whoever opens waits three times as long */
#define KEEPER_STUCK   NANOS_SECOND
#define STUCK_TOLD     (5 * NANOS_SECOND) /* that a disk could not explain */
#define LOCKED_FOR     (100 * NANOS_MILLISECOND) /* the chronicler waits for a keeper's clone */
#define STALE_AFTER    NANOS_SECOND /* nobody waits for the answer any more */

struct job {
    struct job *next;
    int fd;
    nanos_t put; /* boot clock */
    struct vault_question question; /* its paths are long: taken as large as they are */
};

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t ready;
    struct job *first, **last;
    size_t count, in_hand; /* that wait; that were taken, and are not done */
    bool ended;
};

struct hand { /* a thread that may have to wait for a file's lock */
    struct service *service;
    unsigned number;
    _Atomic nanos_t since; /* it has something in hand, boot clock; 0: nothing */
    bool locked;           /* of an opener: the file was, when he took it */
};

struct read_early { /* a small file, when it was closed: a clone waits, and a truncation does not */
    struct stat status;
    char bytes[]; /* st_size */
};

struct origin { /* where a file was before it was moved first */
    struct vault_file file;
    char *path; /* NULL: free */
    nanos_t at; /* boot clock */
};

struct removed { /* gone, unless something takes its place */
    uint64_t version, cookie;
    struct vault_who who;
    nanos_t at, due;
    char *path;
};

struct watched { /* open for writing, and perhaps never closed */
    int fd;
    uint64_t version, cookie;
    struct vault_who who;
    nanos_t since; /* boot clock */
    uint64_t mark; /* at the last look */
};

struct service {
    const struct vault_service *given;
    struct vault *vault;
    struct queue opened, happened;
    struct hand opener[OPENERS], keeper[KEEPERS], walker, chronicler;
    pthread_cond_t spare; /* of `lists`: another keeper is needed */
    pthread_cond_t due;   /* of `lists`: somebody waits for `urgent` to be kept */
    uint32_t urgent;      /* the chronicler's, in `settling`; SETTLING_NONE */
    pthread_mutex_t lists;
    pthread_cond_t settled; /* something left `settling` */
    struct settlings *settling;
    _Atomic nanos_t told; /* when something happened last, boot clock */
    _Atomic size_t early_bytes;
    struct origin origin[ORIGINS_MOST]; /* the chronicler's, the oldest is overwritten */
    size_t origin_next;
    struct removed *removed; /* in the order in which they are due */
    size_t removed_first, removed_count, removed_room;
    struct watched watched[WATCHED_MOST];
    size_t watched_count;
    nanos_t watch_due;
    pthread_mutex_t judge_mutex;
    _Atomic int failed;          /* why the process is to end */
    _Atomic bool ending, missed; /* missed: another pass is due */
    _Atomic bool pressed;        /* more than half of what may wait has happened and waits */
    _Atomic uint64_t judged, counted, overflowed;
    uint64_t seed;
    struct {
        _Atomic uint64_t seen, kept;
        _Atomic nanos_t began, ended;
    } pass;                 /* of vault_pass, while the walker walks */
    uint64_t limited;       /* the limits that it took up last */
    _Atomic nanos_t window; /* of the limits */
};

bool service_ends(const struct service *s);

/* ---- Queues (service_queue.c) ---------------------------------------------------------------- */

/* One that is waited for with condition_until(): a time on CLOCK_MONOTONIC. */
void condition_begin(pthread_cond_t *condition);
struct timespec condition_until(nanos_t patience);

void queue_begin(struct queue *q);
/* With the mutex: takes the job; false, and it does not, when there is no room. */
bool queue_append(struct queue *q, struct job *job);
/* The same without, and wakes who takes it. */
bool queue_put(struct queue *q, struct job *job);
/* The next job; NULL after so long, or at the end when all is done. */
struct job *queue_take(struct queue *q, nanos_t patience, bool *over);
/* Frees it, and its descriptor unless that is -1. */
void queue_done(struct queue *q, struct job *job);
/* All that was put into it is done. */
bool queue_is_idle(struct queue *q);
size_t queue_count(struct queue *q);
void queue_end(struct queue *q);

/* ---- Hands (service_hands.c) ----------------------------------------------------------------- */

void *openers_work(void *hand);
void *keepers_work(void *hand);
/* Somebody opens a file: takes the job, or false. */
bool opened_put(struct service *s, struct job *job);
void answer_opened(struct service *s, const struct vault_question *q, enum vault_result result);
/* Now and then: others take the place of those that wait for long. */
void openers_relieve(struct service *s);
void keepers_relieve(struct service *s);
/* Threads that have waited for longer than STUCK_TOLD. */
unsigned hands_stuck(const struct service *s, nanos_t now);

/* ---- What happened (service_happened.c) ------------------------------------------------------ */

void service_happened(struct service *s, struct job *job);
/* A file was closed that the vault does not know: nothing is to be judged, or waited for. Takes fd;
 * false, and it does not, when this is something else. */
bool service_closed_new(struct service *s, const struct vault_question *question, int fd);
/* What is due now; returns when it is to be called again, boot clock. */
void service_due(struct service *s, nanos_t now);

/* A version against what is there now; what came of it is noted and answered. new_fd -1: removed.
 */
struct rewriting {
    struct vault_old old;
    int new_fd;
    bool same_name; /* of rewrite.h */
    struct vault_who who;
    uint64_t cookie;
    uint8_t event;
    nanos_t at;
};
/* Whether it was a rewrite at all. Closes neither descriptor. */
bool service_judge(struct service *s, const struct rewriting *r);

/* ---- Files that settle (service_settle.c) ---------------------------------------------------- */

/* It does not settle already, and settle_add() has nobody to wait for. */
bool settle_has_room(struct service *s, struct vault_file file);
/* Takes fd. */
void settle_add(struct service *s, int fd, const struct stat *status, struct vault_file file,
                struct vault_who who, nanos_t at);
/* What was closed and read is kept, if somebody truncated it before it could be cloned: `who` is
 * the one that acts now. */
void settle_spoilt(struct service *s, struct vault_file file, struct vault_who who, bool asked);
/* Keeps at once what waits of this file, so that nothing is written over it. */
void settle_now(struct service *s, struct vault_file file);
/* Something else took this name (NULL: some name): keeps those that have none any more, unless only
 * `who` ever wrote them. */
void settle_nameless(struct service *s, const char *path, struct vault_who who);
/* It has another name; inode 0: it was a folder, or it is known by its name only. */
void settle_moved(struct service *s, struct vault_file file, const char *from, const char *to);
void settle_removed(struct service *s, struct vault_file file, struct vault_who who);
/* With the lock: somebody waits for one that can be tried now. */
bool settle_is_urgent(const struct service *s, nanos_t now);
/* `hand`: of the keeper; NULL: all that is left, at the end. */
void settle_due(struct service *s, struct hand *hand);

void watch_add(struct service *s, int fd, const struct vault_question *question);
void watch_due(struct service *s, nanos_t now);
void watch_closed(struct service *s, struct vault_file file, struct vault_who who);

/* ---- Upkeep (service_pass.c) ----------------------------------------------------------------- */

void *service_upkeep(void *service);
void *service_walk(void *service);

#endif
