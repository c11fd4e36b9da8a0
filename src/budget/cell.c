#include "budget/cell.h"

#include "budget/plan.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

/* ---- Claim markers --------------------------------------------------------------------------- */

enum { CLAIM_PID_BITS = 24, CLAIM_PATIENCE_S = 2 };

#define CLAIM_SECONDS ((UINT64_C(1) << 38) - 1)

uint64_t claim_marker(nanos_t time)
{
    uint64_t pid = (uint64_t)getpid() & ((1u << CLAIM_PID_BITS) - 1);
    return ((uint64_t)(time / NANOS_SECOND) & CLAIM_SECONDS) << CLAIM_PID_BITS | pid;
}

/* Dead only if it had time and its process is gone: one that is merely stopped may still write when
 * it goes on. */
bool claim_is_dead(uint64_t word, nanos_t time)
{
    if (word == 0 || word & KEY_REAL)
        return false;
    uint64_t since = word >> CLAIM_PID_BITS;
    uint64_t now = (uint64_t)(time / NANOS_SECOND) & CLAIM_SECONDS;
    if (now < since + CLAIM_PATIENCE_S && since < now + CLAIM_PATIENCE_S)
        return false;
    pid_t pid = (pid_t)(word & ((1u << CLAIM_PID_BITS) - 1));
    return pid <= 0 || (kill(pid, 0) < 0 && errno == ESRCH);
}

/* ---- Words of quarters ----------------------------------------------------------------------- */

#define QUARTER_TICKS ((UINT64_C(1) << (63 - QUARTER_COUNT_BITS)) - 1)

static uint64_t quarter_tick(nanos_t time)
{
    return (uint64_t)time / QUARTER_TICK_NS;
}

/* Ticks until it expires; 0 when it has. Ticks wrap after 388 days: more than half of that ahead is
 * behind. */
static uint64_t quarter_left(uint64_t word, nanos_t now)
{
    uint64_t expires = word >> QUARTER_COUNT_BITS & QUARTER_TICKS;
    uint64_t ahead = (expires - quarter_tick(now)) & QUARTER_TICKS;
    return ahead > QUARTER_TICKS / 2 ? 0 : ahead;
}

uint64_t quarter_unit(uint64_t limit)
{
    uint64_t unit = (limit >> (QUARTER_COUNT_BITS + 1)) + 1;
    return unit;
}

uint64_t quarter_count(uint64_t word, nanos_t now)
{
    if (!(word & QUARTER_FLAG) || quarter_left(word, now) == 0)
        return 0;
    return word & QUARTER_MOST;
}

nanos_t quarter_last(uint64_t word, nanos_t span, nanos_t now)
{
    nanos_t expires = now + (nanos_t)quarter_left(word, now) * QUARTER_TICK_NS;
    nanos_t last = expires - span;
    return last < 0 ? 0 : last > now ? now : last;
}

uint64_t quarter_word(uint64_t count, nanos_t span, nanos_t now)
{
    /* Two ticks more: one for rounding, one so that the end is never 0 ticks ahead while it
     * counts. */
    uint64_t expires = quarter_tick(now + span) + 2;
    return QUARTER_FLAG | (expires & QUARTER_TICKS) << QUARTER_COUNT_BITS | (count & QUARTER_MOST);
}

bool quarter_is_free(const struct budgets *b, uint64_t word, nanos_t now)
{
    (void)b;
    return !(word & QUARTER_FLAG) || quarter_left(word, now) == 0;
}

/* ---- Finding and taking ---------------------------------------------------------------------- */

enum { CELLS_SPARE = 2 };

static unsigned line_free(const struct budgets *b, struct cell *line, nanos_t time,
                          cell_is_free is_free)
{
    unsigned count = 0;
    for (unsigned i = 0; i < CELLS_A_LINE; i++)
        count += atomic_load(&line[i].key) == 0 || is_free(b, atomic_load(&line[i].word), time);
    return count;
}

static struct cell *line_take(struct budgets *b, struct cell *line, uint64_t key, nanos_t time,
                              cell_is_free is_free)
{
    for (unsigned i = 0; i < CELLS_A_LINE; i++) {
        uint64_t old = atomic_load(&line[i].key);
        if (old && !is_free(b, atomic_load(&line[i].word), time))
            continue;
        if (atomic_compare_exchange_strong(&line[i].key, &old, key) || old == key)
            return &line[i];
    }
    return NULL;
}

/* One of two cells of the same key goes, and what was charged to it goes to the one that stays. The
 * key goes first, so that whoever charges it from now on sees that it lost it. A thing is seen or
 * not: nothing is to be moved. */
static void cell_give_up(struct cell *going, struct cell *staying, uint64_t key, nanos_t now)
{
    if (!atomic_compare_exchange_strong(&going->key, &key, 1))
        return;
    uint64_t word = atomic_exchange(&going->word, 0), count = quarter_count(word, now);
    uint64_t old = atomic_load(&staying->word), there, next;
    do {
        there = quarter_count(old, now);
        next = there ? old + count : word;
    } while (count && there < QUARTER_PROMOTED - count &&
             !atomic_compare_exchange_weak(&staying->word, &old, next));
    atomic_store(&going->key, 0);
}

/* Two processes that take a cell at the same moment may take two places. The first in the order of
 * searching stays; each looks after it has taken its own, so that the later of the two sees
 * both. */
static struct cell *duplicates_merge(struct cell *cells, const struct table *t, uint64_t h,
                                     bool proven, uint64_t key, nanos_t now)
{
    uint32_t line[2] = {table_first(t, h), table_second(t, h, proven)};
    struct cell *first = NULL;
    for (unsigned l = 0; l < (line[0] == line[1] ? 1u : 2u); l++) {
        for (unsigned i = 0; i < CELLS_A_LINE; i++) {
            struct cell *cell = &cells[(size_t)line[l] * CELLS_A_LINE + i];
            if (atomic_load(&cell->key) != key)
                continue;
            if (first)
                cell_give_up(cell, first, key, now);
            else
                first = cell;
        }
    }
    return first;
}

struct cell *cell_take(struct budgets *b, struct cell *cells, const struct table *t, uint64_t h,
                       bool proven, uint64_t key, nanos_t time, cell_is_free is_free, bool *made)
{
    struct cell *found = cell_find(cells, t, h, proven, key);
    *made = false;
    if (found)
        return found;
    /* The emptier line, if the first is about to be full: then hardly anyone finds both full before
     * most are. */
    struct cell *first = cells + (size_t)table_first(t, h) * CELLS_A_LINE;
    struct cell *second = cells + (size_t)table_second(t, h, proven) * CELLS_A_LINE;
    unsigned room = line_free(b, first, time, is_free);
    bool swapped = room < CELLS_SPARE && line_free(b, second, time, is_free) > room;
    found = line_take(b, swapped ? second : first, key, time, is_free);
    if (!found)
        found = line_take(b, swapped ? first : second, key, time, is_free);
    if (!found)
        return NULL;
    *made = true;
    struct cell *stays = duplicates_merge(cells, t, h, proven, key, time);
    return stays ? stays : found;
}
