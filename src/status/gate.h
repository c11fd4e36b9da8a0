/* gate.h: what the front's gate says of itself, out of its ledger: which routes ask strangers for
 * proof, since when and on what figures; the origins' places; the rules' counts. */
#ifndef ECLUSE_STATUS_GATE_H
#define ECLUSE_STATUS_GATE_H

#include "gate/ledger.h"

#include <jansson.h>

struct status;

struct gate_route_look {
    char name[CONTRACT_NAME_SIZE]; /* "": requests on no route */
    struct demand_view view;
};

struct gate_origin_look {          /* of all workers together */
    char name[CONTRACT_NAME_SIZE]; /* "": the one without a name */
    uint64_t limit, in_flight, waiting;
    nanos_t baseline; /* of its quickest route */
};

struct gate_look {
    bool here; /* there is a ledger; it says nothing where no worker has begun */
    size_t routes, origins, workers;
    struct gate_route_look route[GATE_ROUTES]; /* those that were asked for, or ever challenged */
    struct gate_origin_look origin[LEDGER_ORIGINS];
    nanos_t lag; /* the worst of a worker in its last second */
    uint64_t backlog, connections, connections_most;
    uint64_t shedding; /* SHED_FOR_ bits of any worker (front/shed.h) */
    uint64_t rule[GATE_RULE_COUNT][LEDGER_MODES][LEDGER_KINDS];
    uint64_t admitted[STANDING_COUNT];
    uint64_t token_fault[TOKEN_FAULT_COUNT][LEDGER_MODES];
    uint64_t good_refused;
};

void gate_look_at(const char *runtime, nanos_t now, struct gate_look *out);
void gate_look(struct status *st); /* and its alarms */
json_t *gate_json(const struct status *st);

/* What it is that connections are short of, or NULL; `at` from 0. */
const char *gate_shedding_text(uint64_t shedding, unsigned at);

#endif
