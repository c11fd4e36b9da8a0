/* pace.h: how much left when: by the second for a minute, by the minute for an hour. The room's
 * own.
 *
 * One of 736 bytes for each host and pair; those that never sent take no memory but addresses.
 */
#ifndef ECLUSE_EGRESS_PACE_H
#define ECLUSE_EGRESS_PACE_H

#include "base/base.h"

enum { PACE_SECONDS = 60, PACE_MINUTES = 60 };

struct pace {
    int64_t last;                  /* second of the boot clock of the newest; 0: never */
    uint64_t minute[PACE_MINUTES]; /* place n holds minutes whose remainder is n */
    uint32_t second[PACE_SECONDS]; /* the same; 4 GiB and more are told as that */
};

void pace_add(struct pace *pace, uint64_t bytes, nanos_t now);

/* Newest last: the running second, and the running minute. */
void pace_read(const struct pace *pace, nanos_t now, uint64_t second[PACE_SECONDS],
               uint64_t minute[PACE_MINUTES]);

#endif
