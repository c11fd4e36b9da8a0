#include "front/health.h"

enum { FAILURES_TO_FALL = 3, SUCCESSES_TO_RISE = 2 };
#define FORGOTTEN_AFTER NANOS_MINUTE

void health_saw(struct health *h, bool failed, nanos_t now)
{
    if (h->seen == 0 || now - h->seen > FORGOTTEN_AFTER)
        *h = (struct health){0};
    h->seen = now;
    if (failed) {
        h->successes = 0;
        if (h->failures < FAILURES_TO_FALL)
            h->failures++;
        if (h->failures == FAILURES_TO_FALL)
            h->down = true;
    } else {
        h->failures = 0;
        if (h->successes < SUCCESSES_TO_RISE)
            h->successes++;
        if (h->successes == SUCCESSES_TO_RISE)
            h->down = false;
    }
}

bool health_is_down(const struct health *h, nanos_t now)
{
    return h->down && now - h->seen <= FORGOTTEN_AFTER;
}

enum health_news health_saw_among(struct health *h, bool failed, bool told_down, nanos_t now)
{
    if (h->down && !told_down)
        *h = (struct health){0}; /* another worker has seen it come back */
    health_saw(h, failed, now);
    if (failed)
        return h->down ? HEALTH_IS_DOWN : HEALTH_NO_NEWS;
    return told_down && h->successes == SUCCESSES_TO_RISE ? HEALTH_IS_BACK : HEALTH_NO_NEWS;
}
