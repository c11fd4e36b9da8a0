#include "budget/rate.h"

enum { RATES_SPARE = 3 };

void rate_undo(word_t *cell, uint64_t print, struct rate rate, uint64_t amount)
{
    uint64_t old = atomic_load(cell), cost = rate.step * amount;
    while (old >> RATE_TIME_BITS == print &&
           !atomic_compare_exchange_weak(
               cell, &old, print << RATE_TIME_BITS | ((old - cost) & RATE_TIME)))
        continue;
}

static unsigned line_free(word_t *line, nanos_t now)
{
    unsigned count = 0;
    for (unsigned i = 0; i < RATES_A_LINE; i++)
        count += rate_ahead(atomic_load_explicit(&line[i], memory_order_relaxed), now) == 0;
    return count;
}

static word_t *line_take(word_t *line, uint64_t print, nanos_t now)
{
    uint64_t next = print << RATE_TIME_BITS | (rate_ticks(now) & RATE_TIME);
    for (unsigned i = 0; i < RATES_A_LINE; i++) {
        uint64_t old = atomic_load(&line[i]);
        if (rate_ahead(old, now) == 0 && atomic_compare_exchange_strong(&line[i], &old, next))
            return &line[i];
        if (old >> RATE_TIME_BITS == print)
            return &line[i]; /* another process made it at this moment */
    }
    return NULL;
}

/* One of two cells of the same print goes, and what was charged to it goes to the one that stays.
 * Whoever is about to charge it sees that it is gone. */
static void cell_give_up(word_t *going, word_t *staying, uint64_t print, nanos_t now)
{
    uint64_t word = atomic_load(going);
    do
        if (word >> RATE_TIME_BITS != print)
            return;
    while (!atomic_compare_exchange_weak(going, &word, 0));
    uint64_t more = rate_ahead(word, now), old = atomic_load(staying), sum, next;
    do {
        if (old >> RATE_TIME_BITS != print)
            return;
        sum = rate_ahead(old, now) + more;
        sum = sum < RATE_AHEAD ? sum : RATE_AHEAD - 1;
        next = print << RATE_TIME_BITS | ((rate_ticks(now) + sum) & RATE_TIME);
    } while (more && !atomic_compare_exchange_weak(staying, &old, next));
}

word_t *rate_merge(struct budgets *b, uint64_t h, bool proven, uint64_t print, nanos_t now)
{
    uint32_t line[2] = {table_first(&b->rate_table, h), table_second(&b->rate_table, h, proven)};
    word_t *first = NULL;
    for (unsigned l = 0; l < (line[0] == line[1] ? 1u : 2u); l++) {
        word_t *cells = rate_line(b, line[l]);
        for (unsigned i = 0; i < RATES_A_LINE; i++) {
            uint64_t word = atomic_load(&cells[i]);
            if (word == 0 || word >> RATE_TIME_BITS != print)
                continue;
            if (first)
                cell_give_up(&cells[i], first, print, now);
            else
                first = &cells[i];
        }
    }
    return first;
}

word_t *rate_take(struct budgets *b, uint64_t h, bool proven, uint64_t print, nanos_t now,
                  bool *made)
{
    word_t *found = rate_find(b, h, proven, print);
    *made = false;
    if (found)
        return found;
    /* The first line as long as it has room to spare, for a charge looks there first; then the
     * emptier one, so that hardly anyone finds both full before most are. */
    word_t *first = rate_line(b, table_first(&b->rate_table, h));
    word_t *second = rate_line(b, table_second(&b->rate_table, h, proven));
    unsigned room = line_free(first, now);
    bool swapped = room < RATES_SPARE && line_free(second, now) > room;
    found = line_take(swapped ? second : first, print, now);
    if (!found)
        found = line_take(swapped ? first : second, print, now);
    if (!found)
        return NULL;
    *made = true;
    word_t *stays = rate_merge(b, h, proven, print, now);
    return stays ? stays : found;
}

void rates_sweep(struct budgets *b, size_t from, size_t to, nanos_t now)
{
    for (size_t i = from; i < to; i++) {
        uint64_t word = atomic_load_explicit(&b->rates[i], memory_order_relaxed);
        if (word && rate_ahead(word, now) == 0)
            atomic_compare_exchange_strong(&b->rates[i], &word, 0);
    }
}
