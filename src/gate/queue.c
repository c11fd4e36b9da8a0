#include "gate/queue.h"

static uint32_t *served_by(uint32_t table[QUEUE_SERVED], uint64_t key)
{
    return &table[key & (QUEUE_SERVED - 1)];
}

static uint32_t times_served(const uint32_t table[QUEUE_SERVED], uint64_t key)
{
    return key ? table[key & (QUEUE_SERVED - 1)] : 0; /* those without a pass are no one pass */
}

void queue_init(struct queue *q, nanos_t now)
{
    *q = (struct queue){.halved = now};
}

/* ---- In and out ------------------------------------------------------------------------------ */

static void *take_out(struct queue *q, uint32_t at)
{
    void *who = q->waiting[at].who;
    q->route[q->waiting[at].route].waiting--;
    q->waiting[at] = q->waiting[--q->count];
    return who;
}

static enum standing lowest_standing(const struct queue *q, enum standing than)
{
    for (uint32_t i = 0; i < q->count; i++)
        if (q->waiting[i].standing < than)
            than = q->waiting[i].standing;
    return than;
}

/* The newest of the lowest standing, of the network with most there; `waiter` comes as one of
 * them. GATE_WAITING: it is `waiter` itself. */
static uint32_t to_push_out(const struct queue *q, const struct waiter *waiter)
{
    uint16_t crowd[QUEUE_SERVED] = {0};
    enum standing lowest = lowest_standing(q, waiter->standing);
    const struct waiter *worst = NULL;
    uint16_t most = 0;
    for (uint32_t i = 0; i < q->count; i++)
        if (q->waiting[i].standing == lowest)
            crowd[q->waiting[i].network & (QUEUE_SERVED - 1)]++;
    if (waiter->standing == lowest) {
        most = ++crowd[waiter->network & (QUEUE_SERVED - 1)];
        worst = waiter;
    }
    for (uint32_t i = 0; i < q->count; i++) {
        const struct waiter *w = &q->waiting[i];
        uint16_t size = crowd[w->network & (QUEUE_SERVED - 1)];
        if (w->standing != lowest || size < most)
            continue;
        if (size > most || !worst || w->came > worst->came)
            worst = w;
        most = size;
    }
    return worst == waiter ? GATE_WAITING : (uint32_t)(worst - q->waiting);
}

bool queue_enter(struct queue *q, const struct waiter *waiter, void **pushed)
{
    *pushed = NULL;
    if (q->count == GATE_WAITING) {
        uint32_t out = to_push_out(q, waiter);
        if (out == GATE_WAITING)
            return false;
        *pushed = take_out(q, out);
    }
    struct waiter *w = &q->waiting[q->count++];
    *w = *waiter;
    if (w->route >= GATE_ROUTES)
        w->route = 0;
    q->route[w->route].waiting++;
    return true;
}

bool queue_leave(struct queue *q, const void *who)
{
    for (uint32_t i = 0; i < q->count; i++)
        if (q->waiting[i].who == who) {
            take_out(q, i);
            return true;
        }
    return false;
}

void *queue_overdue(struct queue *q, nanos_t since)
{
    for (uint32_t i = 0; i < q->count; i++)
        if (q->waiting[i].came < since)
            return take_out(q, i);
    return NULL;
}

void *queue_below(struct queue *q, unsigned route, enum standing standing)
{
    if (!q->route[route].waiting)
        return NULL;
    for (uint32_t i = 0; i < q->count; i++)
        if (q->waiting[i].route == route && q->waiting[i].standing < standing)
            return take_out(q, i);
    return NULL;
}

/* ---- Who is next ----------------------------------------------------------------------------- */

static unsigned next_route(const struct queue *q, const uint32_t in_flight[GATE_ROUTES])
{
    unsigned best = GATE_ROUTES;
    for (unsigned i = 0; i < GATE_ROUTES; i++) {
        if (!q->route[i].waiting)
            continue;
        if (best == GATE_ROUTES || in_flight[i] < in_flight[best] ||
            (in_flight[i] == in_flight[best] && q->route[i].served < q->route[best].served))
            best = i;
    }
    return best;
}

/* The highest that waits; on a floor's turn one of those below it, each at its own turn. */
static enum standing next_standing(const struct queue *q, unsigned route)
{
    unsigned waits = 0; /* a bit each */
    for (uint32_t i = 0; i < q->count; i++)
        if (q->waiting[i].route == route)
            waits |= 1u << q->waiting[i].standing;
    unsigned highest = 31 - (unsigned)__builtin_clz(waits);
    unsigned below = waits & ~(1u << highest);
    uint32_t turns = q->route[route].turns;
    if (!below || (turns + 1) % QUEUE_FLOOR_TURN != 0)
        return (enum standing)highest;
    unsigned pick = turns / QUEUE_FLOOR_TURN % (unsigned)__builtin_popcount(below);
    while (pick--)
        below &= below - 1;
    return (enum standing)__builtin_ctz(below);
}

static bool is_before(const struct queue *q, const struct waiter *a, const struct waiter *b)
{
    uint32_t an = times_served(q->by_network, a->network);
    uint32_t bn = times_served(q->by_network, b->network);
    if (an != bn)
        return an < bn;
    uint32_t ap = times_served(q->by_pass, a->pass), bp = times_served(q->by_pass, b->pass);
    return ap != bp ? ap < bp : a->came < b->came;
}

static void forget(struct queue *q, nanos_t now)
{
    nanos_t since = now - q->halved;
    if (since < QUEUE_HALF_LIFE)
        return;
    unsigned shift = since / QUEUE_HALF_LIFE > 31 ? 31 : (unsigned)(since / QUEUE_HALF_LIFE);
    for (unsigned i = 0; i < QUEUE_SERVED; i++) {
        q->by_network[i] >>= shift;
        q->by_pass[i] >>= shift;
    }
    q->halved = now;
}

void queue_served(struct queue *q, uint64_t network, uint64_t pass, nanos_t now)
{
    forget(q, now);
    *served_by(q->by_network, network) += 16; /* so that halving forgets no turn at once */
    if (pass)
        *served_by(q->by_pass, pass) += 16;
}

void *queue_next(struct queue *q, const uint32_t in_flight[GATE_ROUTES], nanos_t now)
{
    if (q->count == 0)
        return NULL;
    forget(q, now);
    unsigned route = next_route(q, in_flight);
    enum standing standing = next_standing(q, route);
    uint32_t best = GATE_WAITING;
    for (uint32_t i = 0; i < q->count; i++) {
        const struct waiter *w = &q->waiting[i];
        if (w->route == route && w->standing == standing &&
            (best == GATE_WAITING || is_before(q, w, &q->waiting[best])))
            best = i;
    }
    must(best < GATE_WAITING);
    q->route[route].turns++;
    q->route[route].served = ++q->turn;
    queue_served(q, q->waiting[best].network, q->waiting[best].pass, now);
    return take_out(q, best);
}

nanos_t queue_longest(const struct queue *q, unsigned route, nanos_t now)
{
    nanos_t longest = 0;
    if (!q->route[route].waiting)
        return 0;
    for (uint32_t i = 0; i < q->count; i++)
        if (q->waiting[i].route == route && now - q->waiting[i].came > longest)
            longest = now - q->waiting[i].came;
    return longest;
}
