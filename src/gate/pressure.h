/* pressure.h: how many requests an origin bears at once, as one worker sees it.
 *
 * A limit of requests in flight that follows what they cost: one more for each limit's worth of
 * answers in good time while the limit is in use (additive increase), a tenth off a tick in which
 * most answers were late, a third off one in which many failed (multiplicative decrease).
 *
 * Late     later than twice the route's own baseline and PRESSURE_SLACK: a low percentile of its
 * answers of late, which falls quickly and rises slowly, and rises not at all while the origin is
 * loaded, so that a flood cannot teach us that its own queue is normal. The slack keeps quick
 * refusals, which an attacker can have the origin give, from making an honest answer look late.
 * Seen late by us  when our own event loop lags, answers look late that were not: such a tick
 * teaches nothing.
 * Several workers each keep a limit of their own; they meet in the origin's latency. No shared word.
 * Source   AIMD: Chiu and Jain 1989. Memory: fixed, about 3 kB. Cost: tens of nanoseconds a call.
 */
#ifndef ECLUSE_PRESSURE_H
#define ECLUSE_PRESSURE_H

#include "gate/gate.h"

#define PRESSURE_TICK  (100 * NANOS_MILLISECOND)
#define PRESSURE_SLACK (10 * NANOS_MILLISECOND)

enum { PRESSURE_LEAST = 4, PRESSURE_MOST = 4096, PRESSURE_START = 32 };

struct pressure_route {
    nanos_t baseline; /* 0: nothing seen yet */
    uint32_t in_flight;
    nanos_t least; /* of this interval's answers; 0: none */
    uint32_t answers;
    bool calm; /* the origin was not loaded in this interval */
};

struct pressure {
    double limit;
    uint32_t in_flight, most_in_flight; /* most: in this tick */
    uint32_t answers, late, failed;     /* in this tick */
    nanos_t tick_ends, baseline_ends;
    bool loaded; /* the limit was in use in the last tick */
    struct pressure_route route[GATE_ROUTES];
};

enum pressure_outcome {
    PRESSURE_ANSWERED, /* whatever it was, the origin gave it */
    PRESSURE_FAILED,   /* refused, timed out, 502 to 504 */
    PRESSURE_UNKNOWN   /* the reader went away, or nothing was asked: says nothing */
};

void pressure_init(struct pressure *p, nanos_t now);

static inline bool pressure_has_room(const struct pressure *p)
{
    return (double)(p->in_flight + 1) <= p->limit;
}

/* One more in flight, and its end. `delay`: from the asking to the head of the answer. Must be
 * called in pairs. */
void pressure_take(struct pressure *p, unsigned route, nanos_t now);
void pressure_give(struct pressure *p, unsigned route, enum pressure_outcome outcome, nanos_t delay,
                   nanos_t now);

/* At least once a tick, after the answers that came in it. `lag`: by how much our own loop was
 * late. */
void pressure_tick(struct pressure *p, nanos_t lag, nanos_t now);

#endif
