/* words.h: a counter that knows which bucket of time it belongs to, in one 64-bit word.
 *
 * A window of span S is SLICES + 1 buckets of S / SLICES: the one that is filling and the 60 before
 * it, so that what they hold together is never less than what happened in the last S. A word is 12
 * bits of lap and 52 bits of count: a bucket that was last used in an earlier lap counts as empty
 * without anyone having to clear it, and a writer killed at any instruction leaves a word that is
 * either old or new. Laps wrap after 4,096 rounds (68 minutes for a window of a second); the sweep
 * in tick.c clears words every ten.
 */
#ifndef ECLUSE_BUDGET_WORDS_H
#define ECLUSE_BUDGET_WORDS_H

#include "base/base.h"

#include <stdatomic.h>

enum { SLICES = 60, BUCKETS = SLICES + 1, COUNT_BITS = 52 };

#define COUNT_MOST ((UINT64_C(1) << COUNT_BITS) - 1)
#define LAP_MASK   ((1u << (64 - COUNT_BITS)) - 1)

/* A limit is at most this (562 TB; a contract allows 500), so that additions which are taken back
 * never touch the ceiling. */
#define LIMIT_MOST (COUNT_MOST / 8)

typedef _Atomic uint64_t word_t;

struct slice { /* one bucket's place on the line of time */
    uint64_t number;
    unsigned index;
    uint16_t lap;
};

static inline struct slice slice_number(uint64_t number)
{
    return (struct slice){number, (unsigned)(number % BUCKETS),
                          (uint16_t)(number / BUCKETS & LAP_MASK)};
}

static inline nanos_t slice_width(nanos_t span)
{
    return (span + SLICES - 1) / SLICES > 0 ? (span + SLICES - 1) / SLICES : 1;
}

static inline struct slice slice_at(nanos_t time, nanos_t width)
{
    return slice_number(time > 0 ? (uint64_t)time / (uint64_t)width : 0);
}

static inline uint64_t word_count(uint64_t word)
{
    return word & COUNT_MOST;
}

static inline uint16_t word_lap(uint64_t word)
{
    return (uint16_t)(word >> COUNT_BITS);
}

/* A process whose clock reading is a moment older must neither wipe nor overlook what a newer one
 * wrote, so a word of the lap after ours is taken as ours. */
static inline bool word_is_current(uint64_t word, uint16_t lap)
{
    return (((unsigned)word_lap(word) - lap) & LAP_MASK) <= 1;
}

static inline uint64_t saturated_sum(uint64_t a, uint64_t b)
{
    return a + b < a || a + b > COUNT_MOST ? COUNT_MOST : a + b;
}

static inline void word_add(word_t *word, uint16_t lap, uint64_t amount)
{
    uint64_t old = atomic_load(word), next;
    do {
        if (word_is_current(old, lap))
            next = (old & ~COUNT_MOST) | saturated_sum(word_count(old), amount);
        else
            next = (uint64_t)lap << COUNT_BITS | saturated_sum(0, amount);
    } while (!atomic_compare_exchange_weak(word, &old, next));
}

/* Takes back what word_add() added; nothing if the bucket has been used for a later lap
 * meanwhile. */
static inline void word_take(word_t *word, uint16_t lap, uint64_t amount)
{
    uint64_t old = atomic_load(word), count;
    do {
        if (!word_is_current(old, lap))
            return;
        count = word_count(old) > amount ? word_count(old) - amount : 0;
    } while (!atomic_compare_exchange_weak(word, &old, (old & ~COUNT_MOST) | count));
}

/* The lap in which bucket `index` is read at `now`: that of the newest number up to now which falls
 * on it. */
static inline uint16_t slice_lap_of(struct slice now, unsigned index)
{
    return (uint16_t)((index <= now.index ? now.lap : now.lap - 1u) & LAP_MASK);
}

static inline uint64_t words_sum(word_t *words, size_t stride, struct slice now)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < BUCKETS; i++) {
        uint64_t word = atomic_load(&words[i * stride]);
        if (word_is_current(word, slice_lap_of(now, i)))
            sum += word_count(word);
    }
    return sum;
}

#endif
