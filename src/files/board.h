/* board.h: what the guard's processes share. The room's own.
 *
 * One anonymous mapping, made before any of them is: its manager, the listener, the watchdog. A
 * word is whole at any moment; nobody takes a lock, so that a process may be killed or stopped at
 * any instruction and nobody waits for it.
 *
 * traces   which files were touched by whom, lately: written by the listeners alone, so that a
 *          hold's list (evidence.h) costs an open no more than the copy of a path. Personal, and
 *          only ever in this memory until a hold begins.
 */
#ifndef ECLUSE_FILES_BOARD_H
#define ECLUSE_FILES_BOARD_H

#include "files/owner.h"
#include "files/rewrite.h"

#include <stdatomic.h>

/*    constant       name               of the listener: what it counts */
#define BOARD_COUNTS(X)                                                                            \
    X(OPENS, "opens", "opens that were decided")                                                   \
    X(REFUSED, "refused", "of these, refused")                                                     \
    X(WAITED, "waited", "of these, kept waiting for the vault or a verdict")                       \
    X(RESCUED, "rescued",                                                                          \
      "of these, answered by the second thread while the disk hung (rescue.h)")                    \
    X(LATE, "late", "of these, answered because that took too long")                               \
    X(UNKNOWN, "unknown", "acts whose thread was gone before it could be looked at")               \
    X(REWRITTEN, "rewritten", "files rewritten, by the judge's figures")                           \
    X(NOT_COVERED, "not_covered", "files opened for writing of which the vault has no version")    \
    X(NOT_ASKED, "not_asked", "acts of which the vault could not be told")                         \
    X(OVERFLOWS, "overflows", "times the kernel's queue of notices overflowed")                    \
    X(CANARIES, "canaries", "canaries opened")

enum board_count {
#define X(constant, ...) BOARD_##constant,
    BOARD_COUNTS(X)
#undef X
        BOARD_COUNT_COUNT
};

enum {
    TRACE_COUNT = 1 << 15,
    TRACE_PATH_SIZE = 184,
    BOARD_CANARY_MOST = 512,
};

enum trace_kind { TRACE_READ, TRACE_OPENED, TRACE_REWRITTEN, TRACE_CANARY, TRACE_KINDS };

struct trace {
    _Atomic uint64_t number; /* from 1; 0 while it is written */
    uint64_t tree;
    nanos_t at; /* boot clock */
    uint32_t user;
    uint16_t share;
    uint8_t kind;                   /* enum trace_kind */
    struct rewrite_figures figures; /* of TRACE_REWRITTEN */
    char path[TRACE_PATH_SIZE];     /* relative to the share; its end where it is longer */
};

struct board_canary {
    _Atomic uint64_t device, inode; /* inode 0: none */
    _Atomic uint32_t folder;        /* which directory: equal numbers, the same */
};

/* A listener's place. There are two, since the next one has its marks before the last one goes:
 * what is opened meanwhile waits for the next one's first look. */
struct seat {
    _Atomic int64_t beat;  /* boot clock */
    _Atomic int32_t pid;   /* 0: nobody, and the watchdog leaves it be */
    _Atomic int32_t ready; /* it has its marks */
    _Atomic int32_t go;    /* it may answer: the last one is gone */
    _Atomic int32_t left;  /* it answers no more, in order */
};

enum { SEATS = 2 };

struct board {
    struct seat seat[SEATS];
    _Atomic int64_t watchdog_beat;
    _Atomic uint64_t killed; /* by the watchdog */
    _Atomic int32_t ours[OWNER_MOST_OURS];
    _Atomic uint64_t count[BOARD_COUNT_COUNT];
    _Atomic uint32_t canary_count;
    struct board_canary canary[BOARD_CANARY_MOST];
    _Atomic uint64_t next; /* trace */
    struct trace trace[TRACE_COUNT];
};

struct board *board_new(void); /* NULL: no memory */
void board_free(struct board *board);

static inline void board_add(struct board *board, enum board_count count)
{
    atomic_fetch_add_explicit(&board->count[count], 1, memory_order_relaxed);
}

/* The listener's: one more trace. */
struct trace_act {
    enum trace_kind kind;
    uint16_t share;
    uint32_t user;
    uint64_t tree;
    const struct rewrite_figures *figures; /* may be NULL */
};
void board_trace(struct board *board, const struct trace_act *act, struct text path, nanos_t now);

/* A copy of trace `number`; false when it is overwritten, or not there yet. */
bool board_trace_read(const struct board *board, uint64_t number, struct trace *out);

const char *board_count_name(enum board_count count);

#endif
