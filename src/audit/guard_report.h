/* guard_report.h: holds that began and ended, from a guard's segment onto the record. */
#ifndef ECLUSE_AUDIT_GUARD_REPORT_H
#define ECLUSE_AUDIT_GUARD_REPORT_H

#include "audit/handover.h"
#include "budget/budget.h"

struct guard_report {
    enum guard guard;
    enum handover_name name; /* the guard's ring */
    struct handover *ring;   /* NULL: not open yet, tried again every 5 s */
    nanos_t said, looked;
};

/* Once a second, from one process or many: what budget_report() tells becomes acts. Never waits. */
void guard_report_beat(struct guard_report *report, struct budgets *budgets,
                       const struct contract *contract, nanos_t now);
void guard_report_close(struct guard_report *report);

#endif
