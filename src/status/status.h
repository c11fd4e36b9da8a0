/* status.h: what runs, what it keeps, limits and holds: as `ecluse status`, the desk and the
 * outputs tell it.
 *
 * situation.h  the control page, the contract in force, the guards' segments
 * bulletin.h   what `ecluse run` tells about itself
 * gate.h       the front's gate: routes that challenge, places at origins, counts by rule
 * alarm.h      what is put first: one table
 * panic.h      asking for panic, and who answers
 * figure.h     counts, sizes and times as people read them
 */
#ifndef ECLUSE_STATUS_H
#define ECLUSE_STATUS_H

#include "audit/handover.h"
#include "budget/promise.h"
#include "files/files.h"
#include "outputs/tally.h"
#include "status/alarm.h"
#include "status/bulletin.h"
#include "status/gate.h"
#include "status/situation.h"
#include "tracking/tracking.h"

#include <jansson.h>

enum { STATUS_MAX_HOLDS = 4096 };

/* Read by a child with fewer rights: feeds wrote it, and a damaged LMDB file kills its reader. */
struct store_look {
    bool readable; /* false: the child died or the store did not open; `reason` */
    bool exists;
    bool unseen; /* whoever asks may not read it: that says nothing about the store */
    char reason[200];
    struct store_figures store;
    bool filter_open;
    struct filter_figures filter;
    size_t feed_count;
    struct feed_source_state feed[CONTRACT_MAX_SOURCES];
};

struct guard_look {
    size_t count, alive;
    struct guard_process process[GUARD_MAX_PROCESSES];
    bool live[GUARD_MAX_PROCESSES];
    nanos_t since; /* boot clock: up since, or last heard of; 0 never */
};

struct status {
    struct situation s;
    bool has_bulletin;
    struct bulletin bulletin;
    bool panic;
    struct guard_look guard[GUARD_COUNT];
    struct store_look store;
    bool has_audit;              /* `ecluse run` has made the log's page */
    struct handover_state audit; /* what waits to be written, what was lost, what is witnessed */
    bool has_outputs;            /* the herald has written its tally */
    int64_t outputs_at;          /* wall clock: when */
    struct output_state output[OUTPUT_COUNT];
    struct gate_look gate; /* of the front */
    bool has_files; /* a guard of files ran here; what it said may be old */
    struct files_state files;
    size_t holds, noticed; /* that bind; and that would have been */
    unsigned broken;  /* promises */
    double disk_free; /* share of the disk under `state`; negative: not known */
    struct alarms alarms;
};

/* In this very process, which a damaged store may kill. */
void store_look_here(const struct contract *c, nanos_t wall, struct store_look *out);

/* Whether the audit log was written (or had nothing to write) within the last seconds. */
bool recorder_is_up(const struct status *st);
void audit_alarms(struct status *st); /* reads `audit`, and says what is wrong with it */
json_t *audit_state_json(const struct status *st);

void status_look(struct status *st); /* fills all but `s`, which is open, and `store` */

/* What the outputs told and could not tell; their alarms. */
void outputs_look(struct status *st);
json_t *outputs_json(const struct status *st);

/* What the guard of files says of itself; its alarms. null when it says nothing any more. */
void files_look(struct status *st);
json_t *files_json(const struct status *st);

json_t *status_json(const struct status *st);

/*    guard   its processes, one or many    when none is alive any more, or began yet; what to do */
#define GUARDS(X)                                                                                  \
    X(FRONT, "nginx worker", "nginx workers", "no nginx worker with the module answers",           \
      "no nginx worker with the module answers",                                                   \
      "`nginx -t`, then start nginx with the module; under `serve`, start that again")             \
    X(EGRESS, "process", "processes",                                                              \
      "the kernel goes on with what was left of each budget, then with `without_guard`",           \
      "nothing is counted or stopped, unless an earlier `ecluse run` left its programs in the "    \
      "kernel",                                                                                    \
      "look at " ALARM_LOG "; it is started again by itself")                                      \
    X(FILES, "process", "processes", "files are read and written without a limit",                 \
      "files are read and written without a limit",                                                \
      "look at " ALARM_LOG "; it is started again by itself")

/* What goes on without `ecluse run`, and what does not: guards of files end with it. */
const char *supervisor_gone(const struct contract *c);

/* The guard's processes, alive or not. */
void guard_look_at(const struct situation *s, enum guard guard, struct guard_look *out);

/* What is the case while no process of a guard is alive: a sentence without an end, that begins
 * with "the guard ". `out` has room for GUARD_GONE_SIZE. */
enum { GUARD_GONE_SIZE = 256 };
const char *guard_gone_text(const struct situation *s, const struct bulletin *bulletin,
                            enum guard guard, const struct guard_look *look,
                            char out[GUARD_GONE_SIZE]);

/* Whether a guard belongs in what is shown: the contract wants it, or it is there all the same. */
bool guard_is_shown(const struct status *st, enum guard guard);
const char *guard_processes_name(enum guard guard, size_t count);
const char *guard_to_do(enum guard guard); /* when none of its processes is alive */

/* It has counted nothing: what its segment holds of a budget is no figure. */
bool guard_never_began(const struct status *st, enum guard guard);

/* A boot-clock reading as wall clock. */
nanos_t wall_of(const struct moment *now, nanos_t boot);

/* The most cautious of what is in force for a budget. */
enum mode budget_mode_shown(const struct status *st, const struct budget_rule *rule);

#endif
