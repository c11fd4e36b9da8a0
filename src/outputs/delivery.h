/* delivery.h: when a message may go out to one receiver.
 *
 * After a failure not before 1 s, then 2, 4, ... up to DELIVERY_LATEST; at most DELIVERY_BURST
 * messages at once and one more each DELIVERY_EVERY, so that a storm of alarms is no storm of
 * calls. What the rate holds back is not lost: an incident is told later, in the state that it then
 * has.
 */
#ifndef ECLUSE_DELIVERY_H
#define ECLUSE_DELIVERY_H

#include "base/base.h"

#define DELIVERY_LATEST (5 * NANOS_MINUTE)
#define DELIVERY_EVERY  (5 * NANOS_MINUTE)

enum { DELIVERY_BURST = 10 };

struct delivery {
    nanos_t not_before; /* boot clock */
    nanos_t back_off;   /* 0: the last try went well */
    nanos_t filled;     /* when `left` was reckoned; 0: never */
    unsigned left;
    unsigned failures;  /* in a row */
};

/* Whether a message may be tried now. */
bool delivery_may(struct delivery *delivery, nanos_t now);

/* It was tried. Only what went well counts against the rate. */
void delivery_tried(struct delivery *delivery, bool well, nanos_t now);

#endif
