/* demand.h: what a route is asked for, and whether it challenges. Lies in the ledger: every worker
 * adds to it, any of them begins or ends the challenge.
 *
 * Begins   when a worker has seen requests for the route wait long all through DEMAND_ONSET: over
 *          DEMAND_LONG_WAIT, or over what an answer of a slow route usually takes. Requests wait
 *          only when the origin's limit is in use, and each route has its share of that, so this is
 *          demand over capacity of this route, and nothing else. Strangers who already wait there
 *          are then judged anew, like those who come.
 * Ends     when the route was asked for less than DEMAND_CALM_SHARE of what it was given while it
 *          was short, in each second of DEMAND_CALM (a pulse each half minute keeps it on rather
 *          than have it flap). What was given while short may have been little only because the
 *          origin was ill: so, when nobody has waited long for DEMAND_TRIAL, it ends on trial; if
 *          it must begin again within a minute, the next trial is twice as far off, up to
 *          DEMAND_TRIAL_MOST. A trial in vain costs the origin half a second of full use.
 * Cost     nothing a request: workers add up by themselves and call here once a tick.
 */
#ifndef ECLUSE_DEMAND_H
#define ECLUSE_DEMAND_H

#include "gate/gate.h"

#include <stdatomic.h>

#define DEMAND_LONG_WAIT  (100 * NANOS_MILLISECOND)
#define DEMAND_LONG_MOST  (500 * NANOS_MILLISECOND) /* and of a route that nothing is known of */
#define DEMAND_ONSET      (200 * NANOS_MILLISECOND)
#define DEMAND_CALM       (30 * NANOS_SECOND)
#define DEMAND_TRIAL      (2 * NANOS_MINUTE)
#define DEMAND_TRIAL_MOST (30 * NANOS_MINUTE)

enum { DEMAND_SECONDS = 64, DEMAND_CALM_SHARE = 70 };

typedef _Atomic uint64_t demand_word;

struct demand {
    demand_word asked[DEMAND_SECONDS]; /* second of the boot << 32 | requests in it */
    demand_word given[DEMAND_SECONDS]; /* of these, let through to the origin */
    demand_word since;                 /* challenges since (boot clock); 0: it does not */
    demand_word ended;                 /* ceased last; 0: never began */
    demand_word short_at;              /* somebody waited long last */
    demand_word longest;               /* the longest wait when it began, nanoseconds */
    demand_word took;                  /* the most given in a second while it was short */
    demand_word trial;                 /* how long without long waits until a trial */
    demand_word begun;                 /* how often it began */
};

/* What a long wait is, where an answer usually takes so long; 0: nobody knows. */
nanos_t demand_long_wait(nanos_t usual);

/* Once a tick and worker. */
void demand_add(struct demand *d, uint32_t asked, uint32_t given, nanos_t now);

/* A worker has seen long waits all through DEMAND_ONSET. True: it begins with this call. */
bool demand_begin(struct demand *d, nanos_t longest, nanos_t now);

/* Once a tick: true when the challenge ends with this call. */
bool demand_look(struct demand *d, nanos_t now);

static inline bool demand_challenges(const struct demand *d)
{
    return atomic_load_explicit(&d->since, memory_order_relaxed) != 0;
}

/* For people. The rates are of the last whole second. */
struct demand_view {
    nanos_t since, ended, short_at, longest; /* 0: not, never */
    uint32_t asked, given, took;             /* a second */
    uint64_t begun;
};
void demand_view(const struct demand *d, nanos_t now, struct demand_view *out);

#endif
