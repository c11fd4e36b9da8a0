#include "budget/charge.h"
#include "budget/hold.h"
#include "budget/ring.h"

static void tallies_add(const struct budgets *b, unsigned slot, struct budget_state *out)
{
    for (unsigned i = 0; i < TALLY_SHARDS; i++) {
        const struct tally *t = &b->tallies[slot * TALLY_SHARDS + i];
        out->allowed += atomic_load(&t->allowed);
        out->slowed += atomic_load(&t->slowed);
        out->challenged += atomic_load(&t->challenged);
        out->refused += atomic_load(&t->refused);
        out->would_slow += atomic_load(&t->would_slow);
        out->would_challenge += atomic_load(&t->would_challenge);
        out->would_hold += atomic_load(&t->would_hold);
        out->to_network += atomic_load(&t->to_network);
        out->to_others += atomic_load(&t->to_others);
        out->no_slot += atomic_load(&t->no_slot);
        out->not_remembered += atomic_load(&t->not_remembered);
    }
    out->charged = out->allowed + out->slowed + out->challenged + out->refused;
}

/* Among the rings: rate cells do not know whose they are. */
static void worst_find(const struct budgets *b, const struct plan_budget *budget, nanos_t time,
                       struct budget_state *out)
{
    size_t count = (size_t)(b->ring_table.common + b->ring_table.reserve) * KEYS_A_SET;
    for (size_t i = 0; i < count; i++) {
        uint64_t key = atomic_load(&b->ring_keys[i]);
        const struct ring *ring = &b->rings[i];
        if (!(key & KEY_REAL) || atomic_load(&ring->budget) != budget->key ||
            !ring_is_sound(ring, key))
            continue;
        if (budget->everyone && atomic_load(&ring->name[0]))
            continue; /* what was taken off the shared count: crowd.c */
        for (unsigned w = 0; w < budget->window_count; w++) {
            if (atomic_load(&ring->span) != (uint64_t)budget->window[w].span)
                continue;
            uint64_t used = ring_used(ring, budget->window[w].width, time);
            uint64_t limit = budget->window[w].limit;
            if (used == 0 || (out->has_worst && (unsigned __int128)used * out->worst.limit <=
                                                    (unsigned __int128)out->worst.used * limit))
                continue;
            uint64_t name[2] = {atomic_load(&ring->name[0]), atomic_load(&ring->name[1])};
            out->has_worst = true;
            out->worst = (struct budget_worst){.window = (uint8_t)w, .used = used, .limit = limit};
            principal_unpack(atomic_load(&ring->who), name, (uint64_t[2]){0, 0},
                             &out->worst.principal);
        }
    }
}

void budget_state(const struct budgets *b, unsigned budget, nanos_t now, struct budget_state *out)
{
    const struct plan *plan = plan_of(b);
    *out = (struct budget_state){0};
    if (budget >= plan->budget_count || plan->budget[budget].slot >= SLOT_COUNT)
        return;
    const struct plan_budget *p = &plan->budget[budget];
    tallies_add(b, p->slot, out);
    out->principals = (uint32_t)sample_estimate(&b->slots[p->slot].today);
    out->held = (uint32_t)holds_of_budget(b, p, now);
    out->breaker_open = breaker_is_open(b, p, now);
    worst_find(b, p, ring_time(b, now), out);
}
