/* charge.h: what a charge needs from the rest of the room. The room's own. */
#ifndef ECLUSE_BUDGET_CHARGE_H
#define ECLUSE_BUDGET_CHARGE_H

#include "budget/plan.h"
#include "budget/table.h"

struct tally *tally_of(struct budgets *b, const struct plan_budget *budget);

static inline void count_one(word_t *word)
{
    atomic_fetch_add_explicit(word, 1, memory_order_relaxed);
}

/* While its breaker is open a budget stops who is over this many times a limit, and only notices
 * who is over it once. */
enum { BREAKER_TIMES = 4 };

/* The most cautious of contract, budget, directive and breaker. */
enum mode mode_in_force(const struct budgets *b, const struct plan_budget *budget, nanos_t now);

/* shrink.c: a limit as signals leave it for this principal. */
uint64_t shrunk_limit(const struct budgets *b, const struct principal *p, uint64_t limit,
                      nanos_t now);
bool shrunk_any(const struct budgets *b, nanos_t now);

/* breaker.c: who was there in good standing; who of them is held. `h` as in the tables. */
void sample_seen(struct budgets *b, const struct plan_budget *budget, uint64_t h);
void sample_held(struct budgets *b, const struct plan_budget *budget, uint64_t h);
/* Over a limit several times: held, and no longer one of those whom the breaker counts today. */
void sample_strike(struct budgets *b, const struct plan_budget *budget, uint64_t h);
uint64_t sample_estimate(const struct sample *sample);
void breaker_tick(struct budgets *b, const struct plan *plan, nanos_t now);
bool breaker_is_open(const struct budgets *b, const struct plan_budget *budget, nanos_t now);

/* crowd.c: who contributes to an everyone-budget. */
void crowd_add(struct budgets *b, const struct plan_budget *budget, uint64_t h,
               const struct principal *p, uint64_t amount, nanos_t time);
void crowd_refused(struct budgets *b, const struct plan_budget *budget, unsigned w,
                   uint64_t amount);
/* Holds the largest contributors at once, and takes nothing off: the limit stays hard for all. */
void crowd_hold(struct budgets *b, const struct plan_budget *budget, uint64_t amount, nanos_t now);
void crowd_tick(struct budgets *b, const struct plan *plan, nanos_t now);

#endif
