/* gate.h: who may go on to the origin, in what order, against what proof.
 *
 * The origin is what a flood exhausts, so only requests that would reach it meet the gate; answers
 * from the store never do. Each worker of nginx keeps a limit of requests in flight to each origin
 * and lets that many through; the others wait their turn, shortly, in an order that no single
 * network or route can take over. Where waiting does not help, because a route is asked for more
 * than its origin can take, the route asks strangers for proof until the demand has gone.
 *
 * standing.h    who asks: what was shown and what it is worth (keyring.h, pass.h, ticket.h,
 *               puzzle.h, client_key.h: the tokens)
 * challenge.h   what a stranger is given: a page with a puzzle, a waiting room, a form again
 * pressure.h    how many requests an origin bears at once: a limit that follows its latency
 * queue.h       who is next
 * demand.h      what a route is asked for, second by second; when it begins and ceases to
 *               challenge
 * ledger.h      the file that all workers and `status` share: counts, demand, what is challenged
 * shape.h, wave.h   what a flood looked like, and whether it is back
 *
 * Pure C: no nginx header, no clock (now is the boot clock in nanoseconds), no allocation after the
 * start. src/front holds it to nginx.
 *
 * Order of judgement  for a request that would go to an origin (a lane skips all but the count):
 *   1. its budgets (budget/): over one with `over: challenge`, a stranger is challenged; a proven
 *      caller gets a strike, and the delay that the budget says
 *   2. its route challenges, or its shape is that of a past wave: who has shown no proof is
 *      challenged (people get a page, programs 503 with Retry-After)
 *   3. fewer in flight than the limit and nobody waits: it goes on; else it waits, at most
 *      GATE_LONGEST_WAIT, and is told honestly when that was not enough
 * A lookup of a parcel never waits and is never challenged: without room it is answered from what
 * the store says.
 *
 * Evidence  a route begins to challenge when requests for it have waited long (demand.h) all
 * through DEMAND_ONSET: real demand beyond what the origin takes, route by route, since each route
 * has its own share of the slots. Nothing that an attacker sends without loading the origin
 * (lookups, handshakes, half requests, refused ones) counts. It ends when the route has been asked
 * for less than 70 % of what it was given while it was short, for 30 s.
 * Failure   without a ledger there is no gate: requests go on as if it were not there.
 */
#ifndef ECLUSE_GATE_H
#define ECLUSE_GATE_H

#include "contract/contract.h"
#include "gate/standing.h"

#define GATE_LONGEST_WAIT ((nanos_t)1500 * NANOS_MILLISECOND)

enum {
    GATE_ROUTES = CONTRACT_MAX_ROUTES + 1, /* [route + 1]; [0] for requests on no route */
    GATE_WAITING = 512                     /* of one worker, for one origin */
};

/* ---- What follows ---------------------------------------------------------------------------- */

/* Each verdict is counted by the rule that gave it, apart for what was done and for what would have
 * been done (observe), and apart for callers who were known. REFUSES: to a caller who was known it
 * ought never happen.
 *  constant              name                   refuses  what it is, what follows */
#define GATE_RULES(X)                                                                              \
    X(CHALLENGED_BUDGET, "challenged_budget", 1, "strangers over a budget with `over: challenge`") \
    X(CHALLENGED_PRESSURE, "challenged_pressure", 1, "strangers on a route that challenges")       \
    X(CHALLENGED_WAVE, "challenged_wave", 1, "strangers whose request looks like a past wave")     \
    X(PROGRAM_BUDGET, "program_budget", 1, "programs over such a budget: 503, Retry-After")        \
    X(PROGRAM_PRESSURE, "program_pressure", 1, "programs on a route that challenges: 503")         \
    X(PROGRAM_WAVE, "program_wave", 1, "programs that look like a past wave: 503")                 \
    X(QUEUED, "queued", 0, "requests that waited for a place at the origin")                       \
    X(WAITED_OUT, "waited_out", 1, "of these, told that the service is busy when time was up")     \
    X(PUSHED_OUT, "pushed_out", 1, "told so at once: a full queue, most of it of their network")   \
    X(LOOKUP_KEPT, "lookup_kept", 0, "unknown numbers answered without asking a short origin")     \
    X(STRUCK, "struck", 0, "passes over a budget: a strike each")                                  \
    X(OVER_BUDGET, "over_budget", 1, "refused by a budget or its hold")                            \
    X(LANE_CLOSED, "lane_closed", 0, "at a lane, without its certificate or key: 403")             \
    X(SHED_HANDSHAKE, "shed_handshake", 0, "TLS handshakes that hung, closed under pressure")      \
    X(SHED_HEADERS, "shed_headers", 0, "connections that dribbled a request's head, closed")       \
    X(SHED_BODY, "shed_body", 1, "requests that dribbled their body, closed")                      \
    X(SHED_READER, "shed_reader", 1, "answers read too slowly, closed")                            \
    X(SHED_IDLE, "shed_idle", 0, "idle connections, closed when these were short")                 \
    X(SHED_HOARD, "shed_hoard", 0, "connections beyond a client's or network's share, closed")     \
    X(SHED_STREAMS, "shed_streams", 0, "HTTP/2 connections of streams opened and reset, closed")

enum gate_rule {
#define X(constant, ...) GATE_RULE_##constant,
    GATE_RULES(X)
#undef X
        GATE_RULE_COUNT
};

const char *gate_rule_name(enum gate_rule rule);
const char *gate_rule_meaning(enum gate_rule rule);
bool gate_rule_refuses(enum gate_rule rule);

/* What is known when a request asks to go on. */
struct gate_question {
    enum standing standing;
    bool html;
    bool over_budget; /* of `over: challenge` */
    bool route_challenges, wave_known;
    bool has_room; /* fewer in flight than the limit, and nobody waits */
};

enum gate_verdict {
    GATE_PASS,
    GATE_WAIT,
    GATE_CHALLENGE, /* `rule` says why */
    GATE_BUSY       /* 503 with Retry-After */
};

struct gate_decision {
    enum gate_verdict verdict;
    enum gate_rule rule; /* of GATE_CHALLENGE and GATE_BUSY; GATE_RULE_QUEUED of GATE_WAIT */
};

struct gate_decision gate_decide(const struct gate_question *question);

#endif
