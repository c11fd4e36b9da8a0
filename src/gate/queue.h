/* queue.h: who waits for a place at the origin, and who is next.
 *
 * Order, each only among the equals of the one before:
 *   1. the route with the fewest requests in flight, so that a flooded search cannot keep sign-in
 *      from its share; of equal ones, the route served longest ago
 *   2. standing: known, then fresh, then strangers; every QUEUE_FLOOR_TURN-th turn of a route goes
 *      to the lowest standing that waits, so that nobody starves
 *   3. the network that was served least of late, then the pass that was served least of late
 *   4. first come
 * Full: the newest of the lowest standing, of the network that has most waiting there, is pushed
 * out (it may be the one who comes).
 *
 * "Of late" are counters in a fixed table by keyed hash that halve every QUEUE_HALF_LIFE: nothing
 * grows with the number of sources. Two networks may share a counter, and then share a turn.
 * Memory   queue_footprint(): about 60 kB a worker and origin. Cost: one scan of who waits, at most
 * 512 of them, a turn; nothing when nobody waits.
 */
#ifndef ECLUSE_QUEUE_H
#define ECLUSE_QUEUE_H

#include "gate/gate.h"

#define QUEUE_HALF_LIFE (2 * NANOS_SECOND)

enum { QUEUE_FLOOR_TURN = 5, QUEUE_SERVED = 2048 };

struct waiter {
    void *who; /* the caller's own; not NULL */
    unsigned route;
    enum standing standing;
    uint64_t network, pass;
    nanos_t came;
};

struct queue_route {
    uint32_t waiting;
    uint32_t turns;
    uint64_t served; /* the number of the turn that it had last */
};

struct queue {
    uint32_t count;
    uint64_t turn;
    nanos_t halved;
    struct waiter waiting[GATE_WAITING];
    struct queue_route route[GATE_ROUTES];
    uint32_t by_network[QUEUE_SERVED], by_pass[QUEUE_SERVED];
};

void queue_init(struct queue *q, nanos_t now);

/* False: `who` is not let in (the queue is full, and it is the one to be pushed out). Else `pushed`
 * is who lost its place for it, or NULL. */
bool queue_enter(struct queue *q, const struct waiter *waiter, void **pushed);

/* Takes out who has gone away; false: it does not wait here. */
bool queue_leave(struct queue *q, const void *who);

/* Takes out who is next; NULL: nobody waits. `in_flight`: of each route (pressure.h). */
void *queue_next(struct queue *q, const uint32_t in_flight[GATE_ROUTES], nanos_t now);

/* Takes out one who came before `since`; NULL: nobody did. */
void *queue_overdue(struct queue *q, nanos_t since);

/* Takes out one who waits for this route and is of lower standing; NULL: nobody is. */
void *queue_below(struct queue *q, unsigned route, enum standing standing);

/* One who went on without waiting counts as served. */
void queue_served(struct queue *q, uint64_t network, uint64_t pass, nanos_t now);

/* How long the longest has waited for this route; 0: nobody waits. */
nanos_t queue_longest(const struct queue *q, unsigned route, nanos_t now);

#endif
