/* guard.h: whether a guard is alive, what it runs, and what it counts.
 *
 * Lives in the guard's own segment: its processes write, everyone else reads at most.
 */
#ifndef ECLUSE_GUARD_H
#define ECLUSE_GUARD_H

#include "budget/budget.h"

enum { GUARD_MAX_PROCESSES = 64 };

/*  constant             name                     what it counts */
#define GUARD_COUNTERS(X)                                                                          \
    X(LOOKUPS, "lookups", "requests on a lookup location")                                         \
    X(STORE_ANSWERS, "store_answers", "lookups answered from the store")                           \
    X(STALE_ANSWERS, "stale_answers", "of these, older than stale_after")                          \
    X(FALLBACK_ANSWERS, "fallback_answers", "answered from the store because the origin failed")   \
    X(SHAPE_REFUSED, "shape_refused", "numbers of no known form")                                  \
    X(CHECK_REFUSED, "check_digit_refused", "numbers with a wrong check digit")                    \
    X(FILTER_REFUSED, "unknown_refused", "well-formed numbers that are not live")                  \
    X(FILTER_FALSE, "filter_false", "numbers the filter took for live and the store did not have") \
    X(UNKNOWN_ASKED, "unknown_asked", "unknown numbers for which the origin was asked")            \
    X(ORIGIN_REQUESTS, "origin_requests", "requests passed to the origin")                         \
    X(ORIGIN_FAILED, "origin_failed", "of these, refused, timed out or answered 5xx")              \
    X(NOTICES, "notices", "static notices given with 503")                                         \
    X(SLOWED, "slowed", "requests delayed by a budget")                                            \
    X(REFUSED, "refused", "requests refused by a hold")                                            \
    X(RECORD_DAMAGED, "records_damaged", "records whose checksum was wrong: not given to anyone")  \
    X(STORE_OFF, "store_off", "lookups while the store was switched off")                          \
    X(SELF_OFF, "self_off", "times a worker switched itself off after a mistake of ours")

enum guard_counter {
#define X(constant, ...) COUNTER_##constant,
    GUARD_COUNTERS(X)
#undef X
        COUNTER_COUNT
};

const char *counter_name(enum guard_counter counter);

struct guard_process {
    int32_t pid;
    nanos_t started, heartbeat;       /* boot clock */
    uint64_t prepared, running;       /* contract generations */
    uint64_t refused;                 /* a generation this process cannot load; 0 none */
    /* inside an LMDB read now; true in a dead process: it died there */
    bool in_store;
};

/* A guard's process takes a slot (clearing those of dead processes, and counting those that died in
 * the store). Returns the slot or -ENOSPC. */
int guard_register(struct budgets *b, nanos_t now);
void guard_leave(struct budgets *b, int slot);
void guard_beat(struct budgets *b, int slot, nanos_t now);
void guard_set_generation(struct budgets *b, int slot, uint64_t prepared, uint64_t running,
                          uint64_t refused);
void guard_count(struct budgets *b, enum guard_counter counter, uint64_t amount);

/* Around every read of the store: one relaxed store each. */
void guard_enter_store(struct budgets *b, int slot);
void guard_leave_store(struct budgets *b, int slot);
/* Whether two processes died inside the store within a minute; stays so until the store's
 * generation changes. */
bool guard_store_is_off(const struct budgets *b);
void guard_store_is_new(struct budgets *b, uint64_t store_generation);

/* What one process has seen of the origin, told to all of them and to `status`. A fall that nobody
 * has seen confirmed for a minute says nothing any more. */
void guard_origin_say(struct budgets *b, bool down, nanos_t now);
nanos_t guard_origin_down_since(const struct budgets *b, nanos_t now); /* 0: not known to be down */

/* Boot clock: when a process of the guard last beat, whether it left in order or died; 0 when none
 * has begun since the segment was made. */
nanos_t guard_last_heard(const struct budgets *b);

size_t guard_processes(const struct budgets *b, struct guard_process *out, size_t most);
uint64_t guard_counter_read(const struct budgets *b, enum guard_counter counter);

#endif
