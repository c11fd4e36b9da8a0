/* What is done once a second by whichever process comes first. Nothing is locked: the turn is the
 * number of the second, and a process that dies in the middle leaves what the next second's does
 * again. Tables are swept a part at a time, so that a tick costs little and everything is visited
 * within ten minutes. */
#include "budget/charge.h"

#include "budget/cell.h"
#include "budget/hold.h"
#include "budget/rate.h"
#include "budget/ring.h"
#include "budget/tick.h"

enum { SWEEP_S = 600 };

/* [*from, return) is this second's part of `count`. */
static size_t sweep_part(word_t *swept, size_t count, size_t *from)
{
    size_t part = (count + SWEEP_S - 1) / SWEEP_S;
    *from = (size_t)(atomic_fetch_add(swept, part) % count);
    return *from + part < count ? *from + part : count;
}

static void cells_sweep(struct budgets *b, struct cell *cells, const struct table *t, word_t *swept,
                        cell_is_free is_free, nanos_t time)
{
    size_t from, to = sweep_part(swept, (size_t)(t->common + t->reserve) * CELLS_A_LINE, &from);
    for (size_t i = from; i < to; i++) {
        uint64_t key = atomic_load(&cells[i].key);
        if (key && is_free(b, atomic_load(&cells[i].word), time))
            atomic_compare_exchange_strong(&cells[i].key, &key, 0);
    }
}

static void rates_tick(struct budgets *b, nanos_t now)
{
    size_t count = (size_t)(b->rate_table.common + b->rate_table.reserve) * RATES_A_LINE;
    size_t from, to = sweep_part(&b->live->rates_swept, count, &from);
    rates_sweep(b, from, to, now);
}

/* A ring that goes on over midnight belongs to the new day's sample too; one that has run out is
 * wiped; and a count so old that its lap could come round again is cleared. */
static void rings_sweep(struct budgets *b, const struct plan *plan, nanos_t time)
{
    size_t count = (size_t)(b->ring_table.common + b->ring_table.reserve) * KEYS_A_SET;
    size_t from, to = sweep_part(&b->live->rings_swept, count, &from);
    for (size_t i = from; i < to; i++) {
        uint64_t key = atomic_load(&b->ring_keys[i]);
        if (key == 0 || ring_expire(b, i, time) || !(key & KEY_REAL))
            continue;
        struct ring *ring = &b->rings[i];
        if (!ring_is_sound(ring, key)) {
            /* Nobody can have written this but a fault: it is no one's count. */
            atomic_compare_exchange_strong(&b->ring_keys[i], &key, 0);
            continue;
        }
        nanos_t width = slice_width((nanos_t)atomic_load(&ring->span));
        struct slice now = slice_at(time, width);
        for (unsigned k = 0; k < BUCKETS; k++) {
            uint64_t word = atomic_load(&ring->count[k]);
            if (word && !word_is_current(word, slice_lap_of(now, k)))
                atomic_compare_exchange_strong(&ring->count[k], &word, 0);
        }
        const struct plan_budget *budget = plan_budget_keyed(plan, atomic_load(&ring->budget));
        if (budget && budget->slot < SLOT_COUNT && !budget->everyone) {
            struct principal p;
            uint64_t name[2] = {atomic_load(&ring->name[0]), atomic_load(&ring->name[1])};
            principal_unpack(atomic_load(&ring->who), name, (uint64_t[2]){0, 0}, &p);
            if (atomic_load(&ring->expires) > (uint64_t)(time + budget->longest / 2))
                sample_seen(b, budget, principal_hash(b, budget->key, &p));
        }
    }
}

void budget_tick(struct budgets *b, nanos_t now)
{
    uint64_t second = (uint64_t)(now / NANOS_SECOND) + 1;
    uint64_t last = atomic_load(&b->live->second);
    if (b->read_only || last == second ||
        !atomic_compare_exchange_strong(&b->live->second, &last, second))
        return;
    const struct plan *plan = plan_of(b);
    nanos_t time = ring_time(b, now);
    guard_clear_dead(b, now);
    plan_touch(b, plan, now);
    holds_expire(b, now);
    breaker_tick(b, plan, now);
    crowd_tick(b, plan, now);
    rates_tick(b, now);
    cells_sweep(b, b->quarters, &b->quarter_table, &b->live->quarters_swept, quarter_is_free, now);
    cells_sweep(b, b->things, &b->thing_table, &b->live->things_swept, thing_is_free, time);
    rings_sweep(b, plan, time);
}
