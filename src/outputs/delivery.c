#include "outputs/delivery.h"

static void fill(struct delivery *d, nanos_t now)
{
    if (d->filled == 0) {
        d->left = DELIVERY_BURST;
        d->filled = now;
    }
    while (now - d->filled >= DELIVERY_EVERY && d->left < DELIVERY_BURST) {
        d->filled += DELIVERY_EVERY;
        d->left++;
    }
    if (d->left == DELIVERY_BURST)
        d->filled = now;
}

bool delivery_may(struct delivery *d, nanos_t now)
{
    fill(d, now);
    return now >= d->not_before && d->left > 0;
}

void delivery_tried(struct delivery *d, bool well, nanos_t now)
{
    fill(d, now);
    if (well) {
        d->left -= d->left > 0;
        d->back_off = d->failures = 0;
        return;
    }
    d->back_off = d->back_off ? d->back_off * 2 : NANOS_SECOND;
    if (d->back_off > DELIVERY_LATEST)
        d->back_off = DELIVERY_LATEST;
    d->not_before = now + d->back_off;
    d->failures++;
}
