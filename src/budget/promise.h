/* promise.h: promises measured where the answers are given.
 *
 * For each promise about a route: all answers and those in time, in 60 buckets over its window, and
 * a coarse histogram of delays for status pages. One relaxed add or two an answer.
 */
#ifndef ECLUSE_PROMISE_H
#define ECLUSE_PROMISE_H

#include "budget/budget.h"

/* One answer on a route: status, and how long the client waited for it. Success is a status below
 * 500 within the promise's time. A refusal over a budget (429, or 444: closed without an answer) is
 * no answer and is not counted. 404 for a number that is not known is a success: it was
 * answered. */
void promise_record(struct budgets *b, int route, unsigned status, nanos_t delay, nanos_t now);

struct promise_state {
    uint64_t answers, kept;       /* within the promise's window */
    /* millionths of answers that were in time; 1000000 when there were none */
    uint32_t share;
    bool broken;                  /* share < promised, and at least 20 answers */
    uint64_t left;                /* how many more failures the window bears before it breaks */
    nanos_t p50, p99;             /* upper bounds of their histogram buckets, within the window */
};
void promise_state(const struct budgets *b, unsigned promise, nanos_t now,
                   struct promise_state *out);

#endif
