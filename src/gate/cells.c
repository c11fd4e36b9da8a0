#include "gate/cells.h"

#include <stdatomic.h>

#define CELLS_MAGIC UINT64_C(0x3130534c4c45434c) /* "LCELLS01" */

enum { A_LINE = 4, LEAST = 64, MOST = 1 << 24 };

struct cell {
    _Atomic uint64_t key;
    _Atomic int64_t drained; /* the moment at which the count is 0 */
};

struct cells {
    uint64_t magic;
    uint32_t count, unused;
    uint8_t space[CELLS_ALIGNMENT - 16];
    struct cell cell[];
};

_Static_assert(sizeof(struct cell) * A_LINE == CELLS_ALIGNMENT, "a line of cells is a cache line");
_Static_assert(sizeof(struct cells) == CELLS_ALIGNMENT, "cells begin on a line");

static uint32_t rounded(uint32_t count)
{
    uint32_t power = LEAST;
    while (power < count && power < MOST)
        power *= 2;
    return power;
}

size_t cells_footprint(uint32_t count)
{
    return sizeof(struct cells) + (size_t)rounded(count) * sizeof(struct cell);
}

struct cells *cells_make(void *memory, uint32_t count)
{
    struct cells *cells = memory;
    memset(memory, 0, cells_footprint(count));
    cells->count = rounded(count);
    cells->magic = CELLS_MAGIC;
    return cells;
}

struct cells *cells_at(void *memory, size_t size)
{
    struct cells *cells = memory;
    if (!memory || (uintptr_t)memory % CELLS_ALIGNMENT || size < sizeof *cells ||
        cells->magic != CELLS_MAGIC || cells->count < LEAST || cells->count > MOST ||
        cells->count != rounded(cells->count) || cells_footprint(cells->count) > size)
        return NULL;
    return cells;
}

/* Two lines of four. `count` is read anew each time, and bounded: others write this memory. */
static void lines_of(const struct cells *cells, uint64_t key, size_t line[2])
{
    size_t lines = rounded(cells->count) / A_LINE;
    line[0] = (size_t)(key & (lines - 1));
    line[1] = (size_t)((key >> 32 ^ key >> 11) & (lines - 1));
}

static int64_t load_moment(const struct cell *cell)
{
    return atomic_load_explicit(&cell->drained, memory_order_relaxed);
}

static bool counts(int64_t moment, nanos_t furthest, nanos_t now)
{
    return moment > now && moment <= furthest;
}

static struct cell *find(const struct cells *cells, uint64_t key)
{
    size_t line[2];
    lines_of(cells, key, line);
    for (unsigned i = 0; i < 2 * A_LINE; i++) {
        const struct cell *cell = &cells->cell[line[i / A_LINE] * A_LINE + i % A_LINE];
        if (atomic_load_explicit(&cell->key, memory_order_relaxed) == key)
            return (struct cell *)(uintptr_t)cell;
    }
    return NULL;
}

static struct cell *claim_in(struct cell *line, uint64_t key, nanos_t furthest, nanos_t now)
{
    for (unsigned i = 0; i < A_LINE; i++) {
        uint64_t old = atomic_load_explicit(&line[i].key, memory_order_relaxed);
        if (!counts(load_moment(&line[i]), furthest, now) &&
            atomic_compare_exchange_strong_explicit(&line[i].key, &old, key, memory_order_relaxed,
                                                    memory_order_relaxed))
            return &line[i];
    }
    return NULL;
}

static unsigned taken_in(const struct cell *line, nanos_t furthest, nanos_t now)
{
    unsigned taken = 0;
    for (unsigned i = 0; i < A_LINE; i++)
        taken += counts(load_moment(&line[i]), furthest, now);
    return taken;
}

/* The cell of the key; else one that says nothing any more, in the emptier of its lines, is given
 * to it; else NULL. Two processes that claim for one key at once may each get a cell: then the key
 * counts in two, and for less. */
static struct cell *claim(struct cells *cells, uint64_t key, nanos_t furthest, nanos_t now)
{
    struct cell *found = find(cells, key);
    if (found)
        return found;
    size_t at[2];
    lines_of(cells, key, at);
    struct cell *line[2] = {&cells->cell[at[0] * A_LINE], &cells->cell[at[1] * A_LINE]};
    unsigned first = taken_in(line[0], furthest, now) > taken_in(line[1], furthest, now);
    found = claim_in(line[first], key, furthest, now);
    return found ? found : claim_in(line[1 - first], key, furthest, now);
}

static int32_t in_units(int64_t moment, nanos_t furthest, nanos_t each, nanos_t now)
{
    return counts(moment, furthest, now) ? (int32_t)((moment - now + each - 1) / each) : 0;
}

int32_t cells_add(struct cells *cells, uint64_t key, uint32_t amount, nanos_t each, nanos_t now)
{
    nanos_t furthest = now + (nanos_t)CELLS_FULL * each;
    struct cell *cell = key ? claim(cells, key, furthest, now) : NULL;
    if (!cell)
        return -1;
    int64_t moment = load_moment(cell), next;
    if (amount > CELLS_FULL)
        amount = CELLS_FULL;
    do {
        next = (counts(moment, furthest, now) ? moment : now) + (nanos_t)amount * each;
        if (next > furthest)
            next = furthest;
    } while (!atomic_compare_exchange_weak_explicit(&cell->drained, &moment, next,
                                                    memory_order_relaxed, memory_order_relaxed));
    return in_units(next, furthest, each, now);
}

int32_t cells_count(const struct cells *cells, uint64_t key, nanos_t each, nanos_t now)
{
    const struct cell *cell = key ? find(cells, key) : NULL;
    return cell ? in_units(load_moment(cell), now + (nanos_t)CELLS_FULL * each, each, now) : 0;
}

nanos_t cells_seen(struct cells *cells, uint64_t key, nanos_t keep, nanos_t now)
{
    struct cell *cell = key ? claim(cells, key, now + keep, now) : NULL;
    if (!cell)
        return -1;
    int64_t moment = load_moment(cell);
    if (!counts(moment, now + keep, now) &&
        atomic_compare_exchange_strong_explicit(&cell->drained, &moment, now + keep,
                                                memory_order_relaxed, memory_order_relaxed))
        return 0;
    nanos_t ago = now + keep - moment; /* another process may have been first by this instant */
    return ago > 0 ? ago : 1;
}
