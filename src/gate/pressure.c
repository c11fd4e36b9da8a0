#include "gate/pressure.h"

/* Of the low percentile that a baseline follows: it falls by 9 % after a tick in which a tenth of
 * the answers were below it, else rises by 1 % (Robbins and Monro 1951). */
static const double fall = 0.91, rise = 1.01;
static const double decrease_late = 0.9, decrease_failed = 2.0 / 3;
static const double growth_start = 1.1, growth = 1.0 / 32; /* at least one a tick */

enum { JUDGED_LEAST = 3 }; /* answers in a tick that say something together */

#define MUTE_FOR NANOS_SECOND

void pressure_init(struct pressure *p, nanos_t now)
{
    *p = (struct pressure){
        .limit = PRESSURE_START, .starting = true, .tick_ends = now + PRESSURE_TICK};
}

void pressure_take(struct pressure *p, unsigned route)
{
    p->in_flight++;
    p->by_route[route < GATE_ROUTES ? route : 0]++;
    if (p->in_flight > p->most_in_flight)
        p->most_in_flight = p->in_flight;
}

nanos_t pressure_bound(const struct pressure *p, unsigned route)
{
    return 2 * p->baseline[route < GATE_ROUTES ? route : 0] + PRESSURE_SLACK + 2 * p->lag;
}

/* At the least limit it is not we who load the origin: it is slower than it was. */
static bool may_rise(const struct pressure *p)
{
    return !p->loaded || p->limit <= PRESSURE_LEAST;
}

static void learn(struct pressure *p, unsigned route)
{
    nanos_t *baseline = &p->baseline[route];
    uint32_t below = p->below[route], above = p->above[route];
    p->below[route] = p->above[route] = 0;
    if (below && below * 9 >= above)
        *baseline = (nanos_t)((double)*baseline * fall);
    else if (above && may_rise(p))
        *baseline = (nanos_t)((double)*baseline * rise) + NANOS_MILLISECOND / 1000;
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
    if (p->baseline[route] == 0)
        p->baseline[route] = delay;
    if (delay > pressure_bound(p, route))
        p->late++;
    if (delay < p->baseline[route])
        p->below[route]++;
    else if (delay > p->baseline[route])
        p->above[route]++;
}

static void grow(struct pressure *p)
{
    double more = p->starting ? p->limit * (growth_start - 1) : p->limit * growth;
    p->limit += more < 1 ? 1 : more;
}

/* Most were late, or none came at all; far below the limit it is not we who make them so. */
static bool is_late(const struct pressure *p, nanos_t now)
{
    bool late = p->answers >= JUDGED_LEAST && 2 * p->late > p->answers - p->failed;
    bool mute = p->mute >= JUDGED_LEAST && now - p->timely > MUTE_FOR;
    return (late || mute) && 2.0 * p->most_in_flight > p->limit;
}

static void judge(struct pressure *p, nanos_t now)
{
    bool failing = p->answers >= JUDGED_LEAST && 2 * p->failed > p->answers;
    bool late = is_late(p, now);
    if (failing || late) {
        p->limit *= failing ? decrease_failed : decrease_late;
        p->starting = false;
    } else if (p->loaded && p->answers >= JUDGED_LEAST) {
        grow(p);
    }
    if (p->answers >= JUDGED_LEAST || p->mute >= JUDGED_LEAST)
        p->answers = p->late = p->failed = p->mute = 0;
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
        p->answers = p->late = p->failed = p->mute = 0;
    else
        judge(p, now);
    if (p->limit < PRESSURE_LEAST)
        p->limit = PRESSURE_LEAST;
    if (p->limit > PRESSURE_MOST)
        p->limit = PRESSURE_MOST;
    p->lag = lag;
    p->most_in_flight = p->in_flight;
    p->tick_ends = now + PRESSURE_TICK;
}
