/* tick.h: what the second's turn calls in other files of the room. */
#ifndef ECLUSE_BUDGET_TICK_H
#define ECLUSE_BUDGET_TICK_H

#include "budget/guard.h"

/* Frees the places of processes that are gone, and counts those that died inside the store. */
void guard_clear_dead(struct budgets *b, nanos_t now);

#endif
