/* replay_view.h: what came of a replay, for people and for programs. */
#ifndef ECLUSE_CLI_REPLAY_VIEW_H
#define ECLUSE_CLI_REPLAY_VIEW_H

#include "cli/inputs.h"
#include "contract/contract.h"
#include "egress/record.h"

enum { REPLAY_PLACES_TOLD = 3 }; /* of each kind of fault */

struct replay_fault {
    uint64_t count;
    struct {
        size_t input;
        uint64_t place;
    } first[REPLAY_PLACES_TOLD];
};

struct replay_view {
    const struct contract *contract;
    const struct inputs *inputs;
    const struct replay_report *report;
    const struct replay_fault *fault; /* FAULT_COUNT of them */
    uint64_t bytes, other;            /* read; records that are about something else */
    nanos_t took;
};

uint64_t replay_view_faults(const struct replay_view *v); /* in all */

void replay_view_text(const struct replay_view *v);
void replay_view_json(const struct replay_view *v);

#endif
