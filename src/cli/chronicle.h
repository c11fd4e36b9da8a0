/* chronicle.h: what the supervisor puts on the record: what it did, and what it saw happen to
 * guards and clocks. */
#ifndef ECLUSE_CHRONICLE_H
#define ECLUSE_CHRONICLE_H

#include "audit/handover.h"
#include "budget/guard.h"
#include "contract/contract.h"

struct chronicle {
    struct handover *ring; /* NULL: nothing is recorded, which was said once */
    nanos_t boot, wall;    /* at the last look */
    size_t worker_count;
    int32_t worker[GUARD_MAX_PROCESSES]; /* pids of the front that lived at the last look */
    bool front_up;
    bool hangs[GUARD_COUNT]; /* of the other guards: its process lives and does not beat */
};

void chronicle_open(struct chronicle *chronicle, const char *runtime);
void chronicle_close(struct chronicle *chronicle);

/* Hands an act of the supervisor's over; never waits. */
__attribute__((format(printf, 4, 5))) void chronicle_say(struct chronicle *chronicle,
                                                         enum act_kind kind, const char *object,
                                                         const char *format, ...);

/* The same on a reserved place; its number, to be asked for with handover_is_durable(). 0: no
 * place, or no ring. */
uint64_t chronicle_reserve(struct chronicle *chronicle, const struct act *act);

/* Each second: nginx workers that came, went or died, other guards that hang (their coming and
 * going is told by who starts them: children.h), and a wall clock that jumped. A segment may be
 * NULL. */
void chronicle_look(struct chronicle *chronicle, struct budgets *const guards[GUARD_COUNT],
                    nanos_t boot, nanos_t wall);

#endif
