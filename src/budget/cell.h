/* cell.h: rate cells, 16 bytes a principal and window; and the first quarter of what nobody vouches for.
 *
 * A rate cell holds its theoretical arrival time (GCRA, ITU-T I.371): the moment at which all that was spent will have
 * been earned back. It admits a burst of the whole limit, so twice the limit in an unlucky window, and is recovered
 * once that moment has passed.
 *
 * The cell of a ring's window, for a principal that an attacker can mint, counts instead what was spent until it is a
 * quarter of the limit; it is recovered one span after its last charge. Only then is a ring taken, which begins with
 * that count, dated at its last charge: never less than the truth, and at most a quarter of the limit early.
 *
 * A recovered word means the same as an empty one in both forms, so taking over a recovered cell is one CAS of its key.
 */
#ifndef ECLUSE_BUDGET_CELL_H
#define ECLUSE_BUDGET_CELL_H

#include "budget/table.h"

enum { QUARTER_TICK_NS = 250000000, QUARTER_COUNT_BITS = 36 };

#define QUARTER_FLAG     (UINT64_C(1) << 63)
#define QUARTER_MOST     ((UINT64_C(1) << QUARTER_COUNT_BITS) - 1)
#define QUARTER_PROMOTED QUARTER_MOST
#define QUARTER_LONGEST  (180 * NANOS_DAY) /* a longer window cannot be told from a past one: it gets a ring at once */

bool cell_word_recovered(uint64_t word, nanos_t now);

/* Inline, here and below: this is what a charge consists of. */
static inline struct cell *line_find(struct cell *line, uint64_t key)
{
    for (unsigned i = 0; i < CELLS_A_LINE; i++)
        if (atomic_load_explicit(&line[i].key, memory_order_acquire) == key)
            return &line[i];
    return NULL;
}

/* The cell of a key, NULL when it has none; searched in the one order that everyone uses. */
static inline struct cell *cell_find(struct cell *cells, const struct table *t, uint64_t h, bool proven,
                       uint64_t key)
{
    struct cell *found = line_find(cells + (size_t)table_first(t, h) * CELLS_A_LINE, key);
    if (found)
        return found;
    return line_find(cells + (size_t)table_second(t, h, proven) * CELLS_A_LINE, key);
}

/* Whether a word of a table may be given away; `argument` is the caller's. */
typedef bool (*cell_is_free)(const struct budgets *b, uint64_t word, nanos_t time);

/* The cell of a key, made if need be in place of a recovered one. NULL when both its sets are full. */
struct cell *cell_take(struct budgets *b, struct cell *cells, const struct table *t, uint64_t h,
                       bool proven, uint64_t key, nanos_t time, cell_is_free is_free, bool *made);

bool rate_cell_is_free(const struct budgets *b, uint64_t word, nanos_t now);
bool thing_is_free(const struct budgets *b, uint64_t word, nanos_t time);

/* ---- GCRA -------------------------------------------------------------------------------------------- */

struct rate { /* a window as it stands for one principal, shrunk or not */
    nanos_t step, tolerance;
};

enum cell_result { CELL_DONE, CELL_OVER, CELL_LOST };

/* CELL_LOST: the cell was given to another key meanwhile; search again. *tat is the arrival time after the charge, or as
 * it stands when it is over. */
static inline enum cell_result rate_charge(struct cell *cell, uint64_t key, struct rate rate, uint64_t amount,
                             nanos_t now, nanos_t *tat)
{
    uint64_t cost;
    if (__builtin_mul_overflow((uint64_t)rate.step, amount, &cost) || cost > INT64_MAX / 4)
        cost = INT64_MAX / 4;
    uint64_t old = atomic_load(&cell->word), next;
    do {
        /* Recovered, or what another use of the cell left: nothing is spent. */
        uint64_t from = old & QUARTER_FLAG || old <= (uint64_t)now ? (uint64_t)now : old;
        next = from + cost;
        if (next > (uint64_t)now + (uint64_t)rate.tolerance) {
            *tat = (nanos_t)from;
            return CELL_OVER;
        }
    } while (!atomic_compare_exchange_weak(&cell->word, &old, next));
    if (atomic_load(&cell->key) != key)
        return CELL_LOST;
    *tat = (nanos_t)next;
    return CELL_DONE;
}
void rate_undo(struct cell *cell, struct rate rate, uint64_t amount);

/* ---- First quarters ---------------------------------------------------------------------------------- */

uint64_t quarter_unit(uint64_t limit); /* what one count is worth, so that limits of any size fit */
uint64_t quarter_count(uint64_t word, nanos_t now);
nanos_t quarter_last(uint64_t word, nanos_t span, nanos_t now);
uint64_t quarter_word(uint64_t count, nanos_t span, nanos_t now);

#endif
