/* replay_places.h: which entry is whose, as the kernel's map of places says it: the same index in
 * every world. The room's own. */
#ifndef ECLUSE_EGRESS_REPLAY_PLACES_H
#define ECLUSE_EGRESS_REPLAY_PLACES_H

#include "base/base.h"
#include "egress/map.h"

#include <stdbool.h>

enum { REPLAY_PLACES = EGRESS_HOSTS + ENTRY_FIRST, REPLAY_BUCKETS = 1 << 17 };

struct replay_places {
    struct hash_key secret;
    uint32_t bucket[REPLAY_BUCKETS], next[REPLAY_PLACES]; /* 0 ends a chain */
    struct egress_pair who[REPLAY_PLACES];
    uint8_t kind[REPLAY_PLACES]; /* ENTRY_FREE, ENTRY_HOST, ENTRY_PAIR */
    nanos_t busy[REPLAY_PLACES];
    uint32_t high, free; /* never given from `high` on; chain of those given back */
    uint64_t refused;
};

struct replay_places *replay_places_new(void); /* NULL without memory; free() ends it */

/* The index of a host (`to` zero) or pair; made if need be, then *made. ENTRY_NEWCOMERS when there
 * is no place. */
uint32_t replay_places_take(struct replay_places *p, const struct egress_pair *who, uint8_t kind,
                            nanos_t now, bool *made);

void replay_places_give_back(struct replay_places *p, uint32_t index);

static inline bool replay_places_is_host(const struct replay_places *p, uint32_t index,
                                         const struct egress_host *host)
{
    return index >= ENTRY_FIRST && index < REPLAY_PLACES && p->kind[index] == ENTRY_HOST &&
           memcmp(&p->who[index].host, host, sizeof *host) == 0;
}

#endif
