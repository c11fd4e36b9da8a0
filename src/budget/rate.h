/* rate.h: rate cells, 8 bytes a principal and window of a minute or less. The room's own.
 *
 * A rate cell holds its theoretical arrival time (GCRA, ITU-T I.371): the moment at which all that
 * was spent will have been earned back. It admits a burst of the whole limit, so twice the limit in
 * an unlucky window, and is recovered once that moment has passed.
 *
 * One word is all of it, so that it is found, charged, taken and given away by one CAS each: 24
 * bits of print (of the keyed hash and the window) and 40 bits of ticks of 64 ns, which come round
 * every 19 hours; the sweep clears what has recovered every ten minutes. Eight cells are a line,
 * and both windows of a principal lie in the same one: a charge costs one miss. Two principals that
 * share a line and a print are one to us: 16 places are looked at, so that is one in a million, and
 * nobody without the key can aim at it.
 */
#ifndef ECLUSE_BUDGET_RATE_H
#define ECLUSE_BUDGET_RATE_H

#include "budget/table.h"

enum { RATE_TIME_BITS = 40, RATE_TICK_SHIFT = 6 };

#define RATE_TIME  ((UINT64_C(1) << RATE_TIME_BITS) - 1)
#define RATE_AHEAD (UINT64_C(1) << 32) /* 274 s: more than that ahead is behind */

/* A window whose units are worth fewer ticks would be rounded by over a hundredth: it is no rate
 * cell. */
enum { RATE_STEP_FEWEST = 100 };

struct rate { /* a window as it stands for one principal, shrunk or not: in ticks */
    uint64_t step, tolerance;
};

static inline uint64_t rate_ticks(nanos_t time)
{
    return (uint64_t)time >> RATE_TICK_SHIFT;
}

static inline struct rate rate_of_window(nanos_t span, uint64_t limit)
{
    uint64_t most = limit ? limit : 1, step = (rate_ticks(span) + most - 1) / most;
    return (struct rate){step, step * most};
}

static inline uint64_t rate_print(uint64_t h, uint64_t mix)
{
    return key_mix(h, mix) >> (63 - 24) & 0xffffff;
}

/* Ticks until it has recovered; 0 when it has. */
static inline uint64_t rate_ahead(uint64_t word, nanos_t now)
{
    uint64_t ahead = (word - rate_ticks(now)) & RATE_TIME;
    return word == 0 || ahead >= RATE_AHEAD ? 0 : ahead;
}

/* Without a branch for each cell: where in its line a principal lies cannot be foretold. */
static inline word_t *rate_line_find(word_t *line, uint64_t print)
{
    unsigned found = 0;
    for (unsigned i = 0; i < RATES_A_LINE; i++) {
        uint64_t word = atomic_load_explicit(&line[i], memory_order_relaxed);
        found |= (unsigned)(word >> RATE_TIME_BITS == print && word) << i;
    }
    return found ? line + __builtin_ctz(found) : NULL;
}

static inline word_t *rate_line(const struct budgets *b, uint32_t line)
{
    return b->rates + (size_t)line * RATES_A_LINE;
}

/* The cell of a print, NULL when it has none; searched in the one order that everyone uses. */
static inline word_t *rate_find(const struct budgets *b, uint64_t h, bool proven, uint64_t print)
{
    word_t *found = rate_line_find(rate_line(b, table_first(&b->rate_table, h)), print);
    if (found)
        return found;
    return rate_line_find(rate_line(b, table_second(&b->rate_table, h, proven)), print);
}

enum rate_result { RATE_DONE, RATE_OVER, RATE_LOST };

/* RATE_LOST: the cell was given to another print meanwhile; search again. *ahead are the ticks
 * after the charge, or as they stand when it is over. */
static inline enum rate_result rate_charge(word_t *cell, uint64_t print, struct rate rate,
                                           uint64_t amount, nanos_t now, uint64_t *ahead)
{
    uint64_t cost;
    if (__builtin_mul_overflow(rate.step, amount, &cost) || cost > RATE_AHEAD)
        cost = RATE_AHEAD;
    uint64_t old = atomic_load_explicit(cell, memory_order_relaxed), next;
    do {
        if (old >> RATE_TIME_BITS != print)
            return RATE_LOST;
        uint64_t spent = rate_ahead(old, now);
        *ahead = spent;
        if (spent + cost > rate.tolerance)
            return RATE_OVER;
        next = print << RATE_TIME_BITS | ((rate_ticks(now) + spent + cost) & RATE_TIME);
        *ahead = spent + cost;
    } while (!atomic_compare_exchange_weak(cell, &old, next));
    return RATE_DONE;
}

void rate_undo(word_t *cell, uint64_t print, struct rate rate, uint64_t amount);

/* The cell of a print, made if need be in place of a recovered one. NULL when both its lines are
 * full. A made cell counts nothing yet, and may be lost before it is charged. */
word_t *rate_take(struct budgets *b, uint64_t h, bool proven, uint64_t print, nanos_t now,
                  bool *made);

/* Two processes that make a cell at the same moment may take two places. The first in the order of
 * searching stays, with what was charged to both; each looks after it has made its own, so that the
 * later of the two sees both. */
word_t *rate_merge(struct budgets *b, uint64_t h, bool proven, uint64_t print, nanos_t now);

/* Frees what has recovered in [from, to). */
void rates_sweep(struct budgets *b, size_t from, size_t to, nanos_t now);

#endif
