/* replay_spread.h: flows that wait for their time, a second of the record after another. The room's
 * own.
 *
 * A flow is one item that comes up once for each of its parts, in the order of their seconds; what
 * falls on the same second comes in the order in which it was given. Taking an item up costs the
 * same however many wait.
 */
#ifndef ECLUSE_EGRESS_REPLAY_SPREAD_H
#define ECLUSE_EGRESS_REPLAY_SPREAD_H

#include "base/base.h"
#include "egress/map.h"

#include <stdbool.h>

enum { SPREAD_SECONDS = 1 << 17, SPREAD_PARTS = 65536 };

struct spread_item {
    nanos_t start, span; /* any clock, not negative */
    uint64_t bytes;
    struct egress_host host;
    uint8_t to[16];
    uint32_t parts, done;
    uint32_t next;
    uint8_t list;
    bool proven;
};

/* The k-th part: when, and how much. */
nanos_t spread_time(const struct spread_item *item, uint32_t k);
uint64_t spread_bytes(const struct spread_item *item, uint32_t k);

struct spread;

typedef void spread_part(void *context, const struct spread_item *item, nanos_t when,
                         uint64_t bytes);

struct spread *spread_new(size_t most, spread_part *part, void *context); /* NULL: no memory */
void spread_free(struct spread *s);                                       /* takes NULL */

/* What is before the time reached is told at once; the rest waits. When `most` wait, or one would
 * be further ahead than SPREAD_SECONDS, time goes on as far as is needed. */
void spread_add(struct spread *s, const struct spread_item *item);

/* Everything up to this time is told; time never goes back. */
void spread_advance(struct spread *s, nanos_t to);
void spread_end(struct spread *s);

nanos_t spread_reached(const struct spread *s);
bool spread_is_empty(const struct spread *s);

#endif
