#include "budget/cell.h"

#include "budget/plan.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

/* ---- Claim markers ------------------------------------------------------------------------------------ */

enum { CLAIM_PID_BITS = 24, CLAIM_PATIENCE_S = 2 };

#define CLAIM_SECONDS ((UINT64_C(1) << 38) - 1)

uint64_t claim_marker(nanos_t time)
{
    uint64_t pid = (uint64_t)getpid() & ((1u << CLAIM_PID_BITS) - 1);
    return ((uint64_t)(time / NANOS_SECOND) & CLAIM_SECONDS) << CLAIM_PID_BITS | pid;
}

/* Dead only if it had time and its process is gone: one that is merely stopped may still write when it goes on. */
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

/* ---- Words of quarters -------------------------------------------------------------------------------- */

#define QUARTER_TICKS ((UINT64_C(1) << (63 - QUARTER_COUNT_BITS)) - 1)

static uint64_t quarter_tick(nanos_t time)
{
    return (uint64_t)time / QUARTER_TICK_NS;
}

/* Ticks until it expires; 0 when it has. Ticks wrap after 388 days: more than half of that ahead is behind. */
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
    /* Two ticks more: one for rounding, one so that the end is never 0 ticks ahead while it counts. */
    uint64_t expires = quarter_tick(now + span) + 2;
    return QUARTER_FLAG | (expires & QUARTER_TICKS) << QUARTER_COUNT_BITS | (count & QUARTER_MOST);
}

bool cell_word_recovered(uint64_t word, nanos_t now)
{
    if (word & QUARTER_FLAG)
        return quarter_left(word, now) == 0;
    return word <= (uint64_t)now;
}

bool rate_cell_is_free(const struct budgets *b, uint64_t word, nanos_t now)
{
    (void)b;
    return cell_word_recovered(word, now);
}

/* ---- Finding and taking ------------------------------------------------------------------------------- */

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

/* Another process placed the same key earlier in the order: ours is given up, and what a third one may already have
 * charged to it goes along. The key goes first, so that whoever charges ours from now on sees that it lost it. */
static void cell_give_up(struct cell *ours, struct cell *theirs, uint64_t key, nanos_t now)
{
    if (!atomic_compare_exchange_strong(&ours->key, &key, 1))
        return;
    uint64_t word = atomic_exchange(&ours->word, 0);
    if (!(word & QUARTER_FLAG) && word > (uint64_t)now) {
        uint64_t old = atomic_load(&theirs->word), next;
        do
            next = old > (uint64_t)now ? old + (word - (uint64_t)now) : word;
        while (!atomic_compare_exchange_weak(&theirs->word, &old, next));
    } else if (word & QUARTER_FLAG && quarter_count(word, now)) {
        uint64_t old = atomic_load(&theirs->word);
        while (quarter_count(old, now) < QUARTER_PROMOTED &&
               !atomic_compare_exchange_weak(&theirs->word, &old,
                                             old + (quarter_count(old, now)
                                                        ? quarter_count(word, now)
                                                        : word - old)))
            continue;
    }
    atomic_store(&ours->key, 0);
}

struct cell *cell_take(struct budgets *b, struct cell *cells, const struct table *t, uint64_t h,
                       bool proven, uint64_t key, nanos_t time, cell_is_free is_free, bool *made)
{
    struct cell *found = cell_find(cells, t, h, proven, key);
    *made = false;
    if (found)
        return found;
    found = line_take(b, cells + (size_t)table_first(t, h) * CELLS_A_LINE, key, time, is_free);
    if (!found)
        found =
            line_take(b, cells + (size_t)table_second(t, h, proven) * CELLS_A_LINE, key, time, is_free);
    if (!found)
        return NULL;
    *made = true;
    for (;;) {
        struct cell *first = cell_find(cells, t, h, proven, key);
        if (first == found || !first)
            break;
        cell_give_up(found, first, key, time);
        found = first;
    }
    return found;
}

/* ---- GCRA --------------------------------------------------------------------------------------------- */

void rate_undo(struct cell *cell, struct rate rate, uint64_t amount)
{
    uint64_t cost = (uint64_t)rate.step * amount;
    uint64_t old = atomic_load(&cell->word);
    while (!(old & QUARTER_FLAG) && old >= cost &&
           !atomic_compare_exchange_weak(&cell->word, &old, old - cost))
        continue;
}
