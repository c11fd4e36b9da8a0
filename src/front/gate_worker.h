/* gate_worker.h: what one worker keeps of the gate, and its tick. The glue's own. */
#ifndef ECLUSE_GATE_WORKER_H
#define ECLUSE_GATE_WORKER_H

#include "front/place.h"

struct gate_origin {
    struct pressure pressure;
    struct queue queue;
    ngx_queue_t held;   /* struct front_place */
    demand_word *usual; /* [GATE_ROUTES] of the ledger; NULL: it has no room for this origin */
    uint32_t asked[GATE_ROUTES], given[GATE_ROUTES]; /* since the last tick */
    bool short_of[GATE_ROUTES];                      /* some found no room since then */
    nanos_t short_since[GATE_ROUTES];                /* long waits all the time since; 0: none */
};

struct gate_worker {
    struct ledger *ledger; /* NULL: no gate */
    uint64_t inode;
    int slot; /* in the ledger, -1 */
    unsigned origins;
    struct gate_origin *origin[LEDGER_ORIGINS];
    uint8_t route[GATE_ROUTES]; /* [route of the contract + 1]: the ledger's index */
    uint64_t generation;        /* of the contract that `route` is of */
    uint64_t challenged;        /* routes of the contract, as bits, as of the last tick */
    struct hash_key key;
};

extern struct gate_worker gate;

static inline unsigned gate_route(int route)
{
    return gate.generation ? gate.route[route + 1] : 0;
}

static inline bool gate_challenging(void)
{
    return gate.challenged != 0;
}

/* Nobody overtakes who waits. */
static inline bool gate_has_room(const struct gate_origin *origin)
{
    return origin->queue.count == 0 && pressure_has_room(&origin->pressure);
}

/* Of a caller without keys: its address's network under this worker's own key. */
uint64_t gate_network(ngx_http_request_t *r);

/* The core's calls, each inside front_guarded(). The caller keeps `state` in the first two. */
void gate_give(struct front_place *place);  /* and wakes who is next */
void gate_leave(struct front_place *place); /* the queue */
void gate_take(struct front_place *place);
bool gate_enter(struct front_place *place); /* the queue; false: pushed out at once */
void gate_saw(struct front_place *place, enum pressure_outcome outcome, nanos_t delay);

#endif
