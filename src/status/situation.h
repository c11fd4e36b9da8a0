/* situation.h: what runs now, as whoever looks at it or changes it finds it.
 *
 * The contract in force is the one that `ecluse run` published, not the file: the file may have
 * been edited since, and may hold mistakes just when it matters.
 */
#ifndef ECLUSE_SITUATION_H
#define ECLUSE_SITUATION_H

#include "audit/handover.h"
#include "budget/budget.h"
#include "budget/guard.h"
#include "contract/contract.h"
#include "contract/publish.h"

enum { SUPERVISOR_SILENT_AFTER = 3 }; /* seconds without heartbeat after which it counts as down */

struct situation {
    char runtime[CONTRACT_PATH_SIZE];
    const struct control *control; /* NULL: never ran here */
    bool supervised;               /* a supervisor with a fresh heartbeat */
    uint64_t generation;           /* live; 0 when the contract comes from the file */
    struct contract *contract;     /* the live one, else the file's */
    /* Read-only segments of the guards; NULL when there is none, with the reason. The front's is
     * looked for whether the contract wants it or not. */
    struct budgets *guard[GUARD_COUNT];
    int code[GUARD_COUNT]; /* 0, or why: -ENOENT, -EACCES, -EPROTO, ... */
    struct error error[GUARD_COUNT];
    struct moment now;
};

/* The control page and the contract in force; contract is NULL when none is published there. Fails
 * only when the page is of another version or damaged. */
int situation_begin(const char *runtime, struct situation *out, struct error *error);

/* Whether the process that writes the audit log does, by what it tells of itself. */
bool recorder_lives(const struct handover_state *audit, nanos_t now);

/* Whether `ecluse run` lives, without a contract: as `supervised` above. */
bool situation_supervised(const char *runtime);

/* Whether nobody writes the audit log, since `ecluse run` is dead (`status` has supervisor_down)
 * and the process that writes died with it. One that only hangs has a writer. */
bool situation_nobody_records(const char *runtime);

/* Whether everything only observes by an operator's word. */
static inline bool situation_panic(const struct situation *s)
{
    return s->control && control_panic(s->control);
}

/* With a contract in its place: the guards' segments, and whether anybody supervises. */
void situation_guards(struct situation *s);

/* Another second: both clocks, the supervisor, and what was replaced meanwhile (another contract,
 * another segment) opened again. For who looks for as long as it runs. */
void situation_again(struct situation *s);

void situation_close(struct situation *s);

/* The segment in which a budget is counted; NULL when it cannot be read. */
const struct budgets *situation_budgets(const struct situation *s, unsigned budget);

/* Holds in force of all guards, newest first; returns how many were written (at most `most`). */
size_t situation_holds(const struct situation *s, struct hold *out, size_t most);

/* The hold of that name, if it is in force now. */
bool situation_hold(const struct situation *s, enum guard guard, uint64_t id, struct hold *out);

#endif
