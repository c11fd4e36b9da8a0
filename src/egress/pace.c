#include "egress/pace.h"

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* What lies between the newest and now is empty. */
static void forget(struct pace *p, int64_t now)
{
    for (int64_t s = later(p->last + 1, now - PACE_SECONDS + 1); s <= now; s++)
        p->second[s % PACE_SECONDS] = 0;
    for (int64_t m = later(p->last / 60 + 1, now / 60 - PACE_MINUTES + 1); m <= now / 60; m++)
        p->minute[m % PACE_MINUTES] = 0;
}

void pace_add(struct pace *p, uint64_t bytes, nanos_t now)
{
    int64_t second = now / NANOS_SECOND;
    if (second <= 0 || second < p->last)
        return;
    forget(p, second);
    p->last = second;
    uint32_t *here = &p->second[second % PACE_SECONDS];
    *here = bytes > UINT32_MAX - *here ? UINT32_MAX : *here + (uint32_t)bytes;
    p->minute[second / 60 % PACE_MINUTES] += bytes;
}

void pace_read(const struct pace *p, nanos_t now, uint64_t second[PACE_SECONDS],
               uint64_t minute[PACE_MINUTES])
{
    int64_t at = now / NANOS_SECOND;
    for (int64_t i = 0; i < PACE_SECONDS; i++) {
        int64_t s = at - (PACE_SECONDS - 1) + i;
        second[i] =
            s > 0 && s <= p->last && p->last - s < PACE_SECONDS ? p->second[s % PACE_SECONDS] : 0;
    }
    for (int64_t i = 0; i < PACE_MINUTES; i++) {
        int64_t m = at / 60 - (PACE_MINUTES - 1) + i;
        minute[i] = m >= 0 && m <= p->last / 60 && p->last / 60 - m < PACE_MINUTES
                        ? p->minute[m % PACE_MINUTES]
                        : 0;
    }
}
