/* plan.h: a contract as the engine runs it: limits as steps, names as slots. The room's own. */
#ifndef ECLUSE_BUDGET_PLAN_H
#define ECLUSE_BUDGET_PLAN_H

#include "budget/layout.h"

/* Finds or makes the places of every budget and promise of `c` by name (and meter), and computes
 * what a charge needs. NULL with *error when there is no memory or no place left. Changes no
 * count. A read-only opener makes nothing: what has no place yet gets the empty one (slot
 * SLOT_COUNT). */
struct plan *plan_new(struct budgets *b, const struct contract *c, struct error *error);
void plan_free(struct plan *plan); /* takes NULL */

uint64_t slot_name_key(const struct budgets *b, const char *name);

/* The plan's budget of this key (of its name and its meter), or NULL. */
const struct plan_budget *plan_budget_keyed(const struct plan *plan, uint64_t key);

/* Says once a second that these budgets are in use, so that their slots are not given away. */
void plan_touch(struct budgets *b, const struct plan *plan, nanos_t now);

static inline const struct plan *plan_of(const struct budgets *b)
{
    return atomic_load_explicit(&b->plan, memory_order_acquire);
}

/* Windows of a slot that may still hold counts, for a budget whose windows were changed. */
size_t slot_spans(const struct budgets *b, unsigned slot, nanos_t out[SLOT_MAX_SPANS]);

/* The longest window that the budget with this key ever had, 0 when nothing knows it. */
nanos_t slot_longest(const struct budgets *b, uint64_t key);

#endif
