/* snapshot.h: what is the case, gathered once a second for all open pages, and the last five
 * minutes of it.
 */
#ifndef ECLUSE_DESK_SNAPSHOT_H
#define ECLUSE_DESK_SNAPSHOT_H

#include "audit/handover.h"
#include "status/status.h"

enum { SNAPSHOT_HOLDS = 4096, HISTORY = 60, HISTORY_SECONDS = 5 };

struct curve { /* newest last; millionths */
    uint32_t value[HISTORY];
    unsigned count;
};

struct snapshot {
    struct status status;
    struct promise_state promise[CONTRACT_MAX_PROMISES];
    struct budget_state budget[CONTRACT_MAX_BUDGETS];
    struct curve kept[CONTRACT_MAX_PROMISES], used[CONTRACT_MAX_BUDGETS];
    struct hold hold[SNAPSHOT_HOLDS];
    size_t hold_count;
    struct handover_state audit;
    nanos_t history_at;
    uint64_t history_of; /* the contract's generation */
    /* What comes of struct store_look as it arrives in pieces. */
    struct store_look arriving;
    size_t arrived;
};

/* -ENOENT while no contract is in force there. */
int snapshot_new(const char *runtime, struct snapshot **out, struct error *error);
void snapshot_free(struct snapshot *snapshot); /* takes NULL */

/* Once a second; `store` is a pipe of struct store_look, or -1. */
void snapshot_take(struct snapshot *snapshot, int store);

const struct contract *snapshot_contract(const struct snapshot *snapshot);

/* The hold of that name, if it is in force; taken from the segment itself, not from the last
 * second's list. */
bool snapshot_hold(const struct snapshot *snapshot, struct text name, struct hold *out);

json_t *snapshot_hold_json(const struct snapshot *snapshot, const struct hold *hold);
json_t *snapshot_holds_json(const struct snapshot *snapshot);

#endif
