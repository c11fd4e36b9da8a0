/* cell.h: cells of 16 bytes: the first quarter of what nobody vouches for, and the table of
 * remembered things.
 *
 * The cell of a ring's window, for a principal that an attacker can mint, counts what was spent
 * until it is a quarter of the limit; it is recovered one span after its last charge. Only then is
 * a ring taken, which begins with that count, dated at its last charge: never less than the truth,
 * and at most a quarter of the limit early.
 *
 * A recovered word means the same as an empty one, so taking over a recovered cell is one CAS of
 * its key.
 */
#ifndef ECLUSE_BUDGET_CELL_H
#define ECLUSE_BUDGET_CELL_H

#include "budget/table.h"

enum { QUARTER_TICK_NS = 250000000, QUARTER_COUNT_BITS = 36 };

#define QUARTER_FLAG     (UINT64_C(1) << 63)
#define QUARTER_MOST     ((UINT64_C(1) << QUARTER_COUNT_BITS) - 1)
#define QUARTER_PROMOTED QUARTER_MOST
#define QUARTER_LONGEST                                                                            \
    (180 * NANOS_DAY) /* a longer window cannot be told from a past one: it gets a ring at once */

static inline struct cell *line_find(struct cell *line, uint64_t key)
{
    for (unsigned i = 0; i < CELLS_A_LINE; i++)
        if (atomic_load_explicit(&line[i].key, memory_order_acquire) == key)
            return &line[i];
    return NULL;
}

/* The cell of a key, NULL when it has none; searched in the one order that everyone uses. */
static inline struct cell *cell_find(struct cell *cells, const struct table *t, uint64_t h,
                                     bool proven, uint64_t key)
{
    struct cell *found = line_find(cells + (size_t)table_first(t, h) * CELLS_A_LINE, key);
    if (found)
        return found;
    return line_find(cells + (size_t)table_second(t, h, proven) * CELLS_A_LINE, key);
}

/* Whether a word of a table may be given away; `argument` is the caller's. */
typedef bool (*cell_is_free)(const struct budgets *b, uint64_t word, nanos_t time);

/* The cell of a key, made if need be in place of a recovered one. NULL when both its sets are
 * full. */
struct cell *cell_take(struct budgets *b, struct cell *cells, const struct table *t, uint64_t h,
                       bool proven, uint64_t key, nanos_t time, cell_is_free is_free, bool *made);

bool quarter_is_free(const struct budgets *b, uint64_t word, nanos_t now);
bool thing_is_free(const struct budgets *b, uint64_t word, nanos_t time);

/* ---- First quarters -------------------------------------------------------------------------- */

uint64_t quarter_unit(uint64_t limit); /* what one count is worth, so that limits of any size fit */
uint64_t quarter_count(uint64_t word, nanos_t now);
nanos_t quarter_last(uint64_t word, nanos_t span, nanos_t now);
uint64_t quarter_word(uint64_t count, nanos_t span, nanos_t now);

#endif
