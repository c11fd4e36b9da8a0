/* health.h: whether the origin is down, from what was seen of it.
 *
 * Three failures in a row say that it is down, two answers in a row that it is back; what was seen
 * longer than a minute ago says nothing. The first failure after silence counts at once as one,
 * never as three: a single restart of the origin must not tell a million readers that it is away.
 */
#ifndef ECLUSE_HEALTH_H
#define ECLUSE_HEALTH_H

#include "base/base.h"

#include <stdbool.h>

struct health {
    nanos_t seen;      /* last answer or failure; 0 never */
    uint8_t failures;  /* in a row */
    uint8_t successes; /* in a row */
    bool down;
};

void health_saw(struct health *h, bool failed, nanos_t now);

/* The same, in one of several workers that tell each other: `told_down` is what is told now, and
 * the answer is what to tell. Whoever sees it come back speaks for all; the others then begin
 * anew. */
enum health_news { HEALTH_NO_NEWS, HEALTH_IS_DOWN, HEALTH_IS_BACK };
enum health_news health_saw_among(struct health *h, bool failed, bool told_down, nanos_t now);

bool health_is_down(const struct health *h, nanos_t now);

#endif
