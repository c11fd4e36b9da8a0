/* report.h: what the front puts on the record: holds that began, ended or were released, and
 * breakers. */
#ifndef ECLUSE_FRONT_REPORT_H
#define ECLUSE_FRONT_REPORT_H

#include "budget/budget.h"

/* Once a second, before budget_tick(), in every worker; one of them has the turn. Never waits:
 * without a ring the front goes on, and says so once a minute. */
void report_beat(struct budgets *budgets, const struct contract *contract, nanos_t now);
void report_close(void);

#endif
