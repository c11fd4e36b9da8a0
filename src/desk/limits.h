/* limits.h: the desk's own sign-in, under the budget engine.
 *
 * Two built-in budgets count sign-ins that failed: one for each client, one for each account. They
 * are in the desk's own segment (`runtime/desk.segment`, `state/budget/desk.rings`), so they
 * survive a restart of the desk and of the machine.
 */
#ifndef ECLUSE_DESK_LIMITS_H
#define ECLUSE_DESK_LIMITS_H

#include "budget/budget.h"

/*    constant          name                              per      windows: span, limit */
/* clang-format off */
#define DESK_BUDGETS(X)                                                                            \
    X(SIGN_INS_CLIENT,  "desk sign-ins, each client",  CLIENT,  NANOS_MINUTE, 10, NANOS_HOUR, 30)  \
    X(SIGN_INS_ACCOUNT, "desk sign-ins, each account", ACCOUNT, 5 * NANOS_MINUTE, 10, NANOS_DAY, 60)
/* clang-format on */

enum desk_budget {
#define X(constant, ...) DESK_BUDGET_##constant,
    DESK_BUDGETS(X)
#undef X
        DESK_BUDGET_COUNT
};

/* `ecluse run`, before it starts the desk: makes the segment. As budget_create(). */
int limits_create(const char *state, const char *runtime, int group, struct moment moment,
                  struct error *error);

struct limits;

int limits_open(const char *state, const char *runtime, struct limits **out, struct error *error);
void limits_close(struct limits *limits); /* takes NULL */

/* 0, or when this client or this account may try again (boot clock). NULL allows. */
nanos_t limits_wait(struct limits *limits, const uint8_t address[16], struct text account,
                    nanos_t now);
void limits_failed(struct limits *limits, const uint8_t address[16], struct text account,
                   nanos_t now);
void limits_tick(struct limits *limits, nanos_t now);

#endif
