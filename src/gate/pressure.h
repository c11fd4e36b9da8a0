/* pressure.h: how many requests an origin bears at once, as one worker sees it.
 *
 * A limit of requests in flight that follows what they cost: one more each tick (a thirty-second
 * part of large ones) while it is in use and answers come in good time; after a tick in which most
 * were late a tenth off, or, where all were, as much as they were too late by, half at most; a
 * third off one in which most failed. Until it meets the origin's limit it grows quicker: it
 * doubles up to PRESSURE_START, then a tenth a tick.
 *
 * Unused    a limit that is not in use says nothing of what the origin bears now: in some seconds
 *           it comes down to three times what was in flight of late, and grows quickly again when
 *           it is needed, up to PRESSURE_START even where no answers come. So a flood out of the
 *           blue finds few places, and those who need the origin beside it (a lane, other programs)
 *           wait behind few of its requests. Quick origins are left with PRESSURE_UNUSED (with
 *           less, one that falls ill at a few requests a second would look flooded), slow ones with
 *           what lets PRESSURE_BURST a second through.
 * Late      later than twice the route's own baseline and PRESSURE_SLACK. The baseline follows the
 *           median of its answers, so that an origin whose answers take now 5 ms, now 100, is not
 *           taken for a busy one (the mean of the first PRESSURE_FIRST, to begin with). It rises
 *           not at all while the origin is loaded, so that a flood cannot teach us that its own
 *           queue is normal; unless all is late with the least that can be in flight, which is then
 *           not our doing. The slack keeps quick refusals, which an attacker can have the origin
 *           give, from making an honest answer look late. Most are late: more than half, and by
 *           more than the chance of so few answers (two standard deviations).
 * Mute      some applications keep their readers waiting on purpose, beside quick pages: requests
 *           without an answer for a second say something only when there was none in good time
 *           either, for a second or for twice the slowest baseline. When their answers come they
 *           are judged as others are: an origin may take seconds for each and not be loaded.
 * Seen late when our own event loop lags, answers look late that were not: twice the lag is added
 *           to what is late, and a tick with a lag of half its length teaches nothing.
 * Workers   each keep a limit of their own; they meet in the origin's latency. They share only what
 *           is usual (pressure_tells(), the ledger).
 * Source    AIMD: Chiu and Jain 1989. Unused limits: RFC 7661 (TCP's, section 4).
 * Memory    fixed, about 1.5 kB. Cost: tens of nanoseconds a call.
 */
#ifndef ECLUSE_PRESSURE_H
#define ECLUSE_PRESSURE_H

#include "gate/gate.h"

#define PRESSURE_TICK  (100 * NANOS_MILLISECOND)
#define PRESSURE_SLACK (10 * NANOS_MILLISECOND)

enum {
    PRESSURE_LEAST = 4,
    PRESSURE_UNUSED = 16,
    PRESSURE_MOST = 4096,
    PRESSURE_START = 24,
    PRESSURE_BURST = 400,
    PRESSURE_FIRST = 16
};

struct pressure {
    double limit;
    bool starting;                      /* grows quicker until it has met the origin's limit once */
    bool loaded;                        /* the limit was in use in the last tick */
    uint32_t in_flight, most_in_flight; /* most: in this tick */
    uint32_t answers, late, failed, mute; /* since they were judged last */
    double overdue; /* of the late ones: how often their bound went into their delay, in sum */
    double usual;   /* the most in flight of late: forgotten by a hundredth a tick */
    nanos_t lag, tick_ends, timely; /* timely: when an answer came in good time last */
    uint32_t by_route[GATE_ROUTES]; /* in flight */
    nanos_t baseline[GATE_ROUTES];  /* 0: nothing seen yet */
    uint8_t seen[GATE_ROUTES];      /* answers, up to PRESSURE_FIRST */
    uint32_t below[GATE_ROUTES], above[GATE_ROUTES]; /* answers, in this tick */
};

enum pressure_outcome {
    PRESSURE_ANSWERED, /* whatever it was, the origin gave it */
    PRESSURE_FAILED,   /* refused, timed out, 502 to 504 */
    PRESSURE_MUTE,     /* not answered for so long that its place was given to another */
    PRESSURE_UNKNOWN   /* the reader went away, or nothing was asked: says nothing */
};

void pressure_init(struct pressure *p, nanos_t now);

static inline bool pressure_has_room(const struct pressure *p)
{
    return (double)p->in_flight + 1 <= p->limit;
}

/* One more in flight, and its end: in pairs. */
void pressure_take(struct pressure *p, unsigned route);
void pressure_give(struct pressure *p, unsigned route);

/* What became of one. `delay`: from the asking to the head of the answer. */
void pressure_saw(struct pressure *p, unsigned route, enum pressure_outcome outcome, nanos_t delay);

/* What another worker has learned of a route, for one that knows nothing of it: else who floods a
 * route that this worker has never seen would teach it what is usual. */
void pressure_told(struct pressure *p, unsigned route, nanos_t baseline);
/* What this one would tell; 0: too little was seen, or not in calm. */
nanos_t pressure_tells(const struct pressure *p, unsigned route);

/* More than that is late for this route. */
nanos_t pressure_bound(const struct pressure *p, unsigned route);

/* At least once a tick, after the answers that came in it. `lag`: by how much our own loop was
 * late. */
void pressure_tick(struct pressure *p, nanos_t lag, nanos_t now);

#endif
