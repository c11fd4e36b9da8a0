#include "gate/pressure.h"

/* Of the median that a baseline follows: it falls by 1 % after a tick in which most answers were
 * below it, and rises by as much after one in which most were above (Robbins and Monro 1951). Were
 * the steps unequal, it would follow a lower part of the few answers of a calm tick. */
static const double fall = 0.99, rise = 1.01, rise_at_least = 1.05;
static const double decrease_late = 0.9, decrease_most = 0.5, decrease_failed = 2.0 / 3;
static const double growth_start = 1.1, growth = 1.0 / 32;                 /* at least one a tick */
static const double unused_share = 0.02, unused_keeps = 3, forgets = 0.99; /* each tick */

enum { JUDGED_LEAST = 5 }; /* answers in a tick that say something together */

#define MUTE_FOR      NANOS_SECOND
#define MUTE_FOR_MOST (5 * NANOS_SECOND)

void pressure_init(struct pressure *p, nanos_t now)
{
    *p = (struct pressure){
        .limit = PRESSURE_START, .starting = true, .timely = now, .tick_ends = now + PRESSURE_TICK};
}

void pressure_take(struct pressure *p, unsigned route)
{
    p->in_flight++;
    p->by_route[route < GATE_ROUTES ? route : 0]++;
    if (p->in_flight > p->most_in_flight)
        p->most_in_flight = p->in_flight;
}

void pressure_told(struct pressure *p, unsigned route, nanos_t baseline)
{
    if (p->seen[route] || baseline < NANOS_MILLISECOND / 2)
        return;
    p->baseline[route] = baseline < NANOS_SECOND ? baseline : NANOS_SECOND;
    p->seen[route] = PRESSURE_FIRST;
}

nanos_t pressure_tells(const struct pressure *p, unsigned route)
{
    return p->loaded || p->seen[route] < PRESSURE_FIRST ? 0 : p->baseline[route];
}

nanos_t pressure_bound(const struct pressure *p, unsigned route)
{
    return 2 * p->baseline[route < GATE_ROUTES ? route : 0] + PRESSURE_SLACK + 2 * p->lag;
}

/* At the least limit it is not we who load the origin: it is slower than it was. */
static double rise_of(const struct pressure *p)
{
    if (p->limit <= PRESSURE_LEAST)
        return rise_at_least;
    return p->loaded ? 1 : rise;
}

static void learn(struct pressure *p, unsigned route)
{
    nanos_t *baseline = &p->baseline[route];
    uint32_t below = p->below[route], above = p->above[route];
    p->below[route] = p->above[route] = 0;
    if (below > above)
        *baseline = (nanos_t)((double)*baseline * fall);
    else if (above > below)
        *baseline = (nanos_t)((double)*baseline * rise_of(p));
}

void pressure_give(struct pressure *p, unsigned route)
{
    uint32_t *by_route = &p->by_route[route < GATE_ROUTES ? route : 0];
    must(p->in_flight > 0 && *by_route > 0);
    p->in_flight--;
    (*by_route)--;
}

void pressure_saw(struct pressure *p, unsigned route, enum pressure_outcome outcome, nanos_t delay)
{
    if (route >= GATE_ROUTES)
        route = 0;
    if (outcome == PRESSURE_UNKNOWN)
        return;
    if (outcome == PRESSURE_MUTE) {
        p->mute++;
        return;
    }
    p->answers++;
    if (outcome == PRESSURE_FAILED) {
        p->failed++;
        return;
    }
    if (delay < NANOS_MILLISECOND / 2)
        delay = NANOS_MILLISECOND / 2; /* the clock that it is measured with has milliseconds */
    if (p->seen[route] < PRESSURE_FIRST)
        p->baseline[route] += (delay - p->baseline[route]) / ++p->seen[route];
    nanos_t bound = pressure_bound(p, route);
    if (delay > bound) {
        p->late++;
        p->overdue += (double)delay / (double)bound;
    }
    if (delay < p->baseline[route])
        p->below[route]++;
    else if (delay > p->baseline[route])
        p->above[route]++;
}

static void grow(struct pressure *p)
{
    double more = p->limit * growth;
    if (p->starting)
        more = p->limit < PRESSURE_START ? p->limit : p->limit * (growth_start - 1);
    p->limit += more < 1 ? 1 : more;
}

/* By as much as answers are too late, a flood's first queue at the origin is short-lived; but only
 * where all are: a bare majority may be an origin whose answers are of two kinds. */
static void shrink(struct pressure *p)
{
    double share = decrease_late, given = (double)p->answers - p->failed;
    double beyond = 2.0 * p->late - given; /* of the answers, how many more were late than not */
    if (beyond > 0 && p->late / p->overdue < share) {
        double whole = p->late / p->overdue;
        if (whole < decrease_most)
            whole = decrease_most;
        share -= (share - whole) * beyond / given;
    }
    p->limit *= share;
}

static nanos_t slowest_baseline(const struct pressure *p)
{
    nanos_t slowest = 0;
    for (unsigned route = 0; route < GATE_ROUTES; route++)
        if (p->baseline[route] > slowest)
            slowest = p->baseline[route];
    return slowest;
}

/* What an origin keeps that is not in use: by Little's law, for a moment's crowd. */
static double unused_least(const struct pressure *p)
{
    double least = (double)slowest_baseline(p) / (double)NANOS_SECOND * PRESSURE_BURST;
    if (least < PRESSURE_UNUSED)
        return PRESSURE_UNUSED;
    return least > PRESSURE_START ? PRESSURE_START : least;
}

static void settle(struct pressure *p)
{
    p->usual *= forgets;
    if (p->usual < p->most_in_flight)
        p->usual = p->most_in_flight;
    double kept = unused_keeps * p->usual, least = unused_least(p);
    if (kept < least)
        kept = least;
    if (p->limit <= kept)
        return;
    p->limit -= (p->limit - kept) * unused_share;
    p->starting = true;
}

/* More than half, and by more than the chance of so few (twice their standard deviation). */
static bool most_are_late(const struct pressure *p)
{
    double given = (double)p->answers - p->failed, more = 2.0 * p->late - given;
    return p->answers >= JUDGED_LEAST && more > 0 && more * more > 4 * given;
}

/* An origin that takes seconds for an answer is not mute for that long; one of which nothing is
 * known may be such a one. */
static bool is_mute(const struct pressure *p, nanos_t now)
{
    nanos_t slowest = slowest_baseline(p), most = slowest ? 2 * slowest : MUTE_FOR_MOST;
    if (most < MUTE_FOR)
        most = MUTE_FOR;
    if (most > MUTE_FOR_MOST)
        most = MUTE_FOR_MOST;
    return p->mute >= JUDGED_LEAST && now - p->timely > most;
}

/* Most were late, or none came at all; far below the limit it is not we who make them so. */
static bool is_late(const struct pressure *p, nanos_t now)
{
    bool late = most_are_late(p), mute = is_mute(p, now);
    return (late || mute) && 2.0 * p->most_in_flight > p->limit;
}

static void forget(struct pressure *p)
{
    p->answers = p->late = p->failed = p->mute = 0;
    p->overdue = 0;
}

/* Few places that are held for long (slow readers, long polls, who goes away) give no answers in a
 * tick: up to PRESSURE_START none is needed, or they would hold all there are. */
static bool may_grow(const struct pressure *p)
{
    if (!p->loaded)
        return false;
    bool few = p->starting && p->limit < PRESSURE_START && 2 * p->late <= p->answers;
    return few || p->answers >= JUDGED_LEAST;
}

static void judge(struct pressure *p, nanos_t now)
{
    bool failing = p->answers >= JUDGED_LEAST && 2 * p->failed > p->answers;
    bool late = is_late(p, now);
    if (failing || late) {
        if (failing)
            p->limit *= decrease_failed;
        else
            shrink(p);
        p->starting = false;
    } else if (may_grow(p)) {
        grow(p);
    }
    if (p->answers >= JUDGED_LEAST || p->mute >= JUDGED_LEAST)
        forget(p);
}

void pressure_tick(struct pressure *p, nanos_t lag, nanos_t now)
{
    if (now < p->tick_ends)
        return;
    bool ours = lag > PRESSURE_TICK / 2;
    p->loaded = (double)p->most_in_flight + 1 > p->limit;
    if (p->answers > p->late + p->failed)
        p->timely = now;
    for (unsigned route = 0; route < GATE_ROUTES; route++)
        if (!ours && (p->below[route] || p->above[route]))
            learn(p, route);
    if (ours)
        forget(p);
    else
        judge(p, now);
    settle(p);
    if (p->limit < PRESSURE_LEAST)
        p->limit = PRESSURE_LEAST;
    if (p->limit > PRESSURE_MOST)
        p->limit = PRESSURE_MOST;
    p->lag = lag;
    p->most_in_flight = p->in_flight;
    p->tick_ends = now + PRESSURE_TICK;
}
