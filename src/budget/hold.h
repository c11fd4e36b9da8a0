/* hold.h: holds in their slots, reserved by kind, so that no kind of principal can use up
 * another's. Room's own. */
#ifndef ECLUSE_BUDGET_HOLD_H
#define ECLUSE_BUDGET_HOLD_H

#include "budget/plan.h"
#include "budget/table.h"

/* The record of a principal under a budget, in force or in its grace, or NULL. */
struct hold_record *hold_lookup(const struct budgets *b, uint64_t h, const struct principal *p);

/* When a hold that begins now ends by itself. */
nanos_t hold_until(const struct plan_budget *budget, nanos_t since);
bool hold_in_force(const struct hold_record *record, nanos_t now);
bool hold_is_observed(const struct hold_record *record);
/* Begun, or met again, several times over the limit: an open breaker does not lift it. */
bool hold_is_several(const struct hold_record *record);

struct hold_ask {
    uint64_t h;
    const struct plan_budget *budget;
    unsigned window;
    const struct principal *who;
    uint64_t used, limit;
    bool observed, several;
};
/* Its id, or 0 when no slot of its kind is free. */
uint64_t hold_begin(struct budgets *b, const struct hold_ask *ask, nanos_t now);

/* Spends from the grace that a release gave; false when there is none left. */
bool hold_grace(struct hold_record *record, uint64_t amount, nanos_t now);

/* Ends what has run out; how many are in force. */
size_t holds_expire(struct budgets *b, nanos_t now);

/* Whether what began and ended is told (report.c), each second. */
bool somebody_reports(const struct budgets *b, nanos_t now);

/* The hold in a slot, in force or not. */
bool hold_read(const struct budgets *b, size_t slot, struct hold *out);

/* Those that bind: not what was only noticed, nor what an open breaker lets be. */
size_t holds_of_budget(const struct budgets *b, const struct plan_budget *budget, nanos_t now);

/* Which kinds have slots, for tests: how many slots principals of this kind may use. */
uint32_t hold_slots(const struct budgets *b, enum principal_kind kind, bool proven);

#endif
