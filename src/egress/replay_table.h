/* replay_table.h: a bounded table that forgets what was least lately used, as the kernel's LRU maps
 * do. The room's own.
 *
 * Sets of eight places; a key lies in one set, chosen by SipHash under a key of this run. A full
 * set forgets its member that was looked at longest ago, so that memory is fixed and a flood of new
 * keys pushes out at most what is as old as itself. A pointer is good until the next table_put().
 */
#ifndef ECLUSE_EGRESS_REPLAY_TABLE_H
#define ECLUSE_EGRESS_REPLAY_TABLE_H

#include "base/base.h"

#include <stdlib.h>

enum { REPLAY_WAYS = 8 };

struct replay_set {
    uint16_t tag[REPLAY_WAYS]; /* 0: free */
    uint32_t used[REPLAY_WAYS];
    uint32_t spare[4];
};

struct replay_table {
    struct hash_key secret;
    size_t key_size, value_size;
    uint64_t sets, forgotten;
    uint32_t clock;
    struct replay_set *set;
    uint8_t *slot;
};

/* -ENOMEM. Room for at least `count` entries if keys fall evenly. */
int replay_table_make(struct replay_table *t, size_t count, size_t key_size, size_t value_size);
void replay_table_free(struct replay_table *t);

void *replay_table_put(struct replay_table *t, const void *key, const void *value);
void replay_table_remove(struct replay_table *t, const void *key);

struct replay_place {
    uint64_t set;
    uint16_t tag;
};

static inline struct replay_place replay_place_of(const struct replay_table *t, const void *key)
{
    uint64_t h = siphash(t->secret, key, t->key_size);
    return (struct replay_place){(uint64_t)(((unsigned __int128)h * t->sets) >> 64),
                                 (uint16_t)(h | 1)};
}

static inline uint8_t *replay_slot(const struct replay_table *t, uint64_t set, unsigned way)
{
    return t->slot + (set * REPLAY_WAYS + way) * (t->key_size + t->value_size);
}

static inline void *replay_table_at(struct replay_table *t, struct replay_place at, const void *key)
{
    struct replay_set *set = &t->set[at.set];
    for (unsigned i = 0; i < REPLAY_WAYS; i++) {
        uint8_t *slot = replay_slot(t, at.set, i);
        if (set->tag[i] == at.tag && memcmp(slot, key, t->key_size) == 0) {
            set->used[i] = ++t->clock;
            return slot + t->key_size;
        }
    }
    return NULL;
}

static inline void *replay_table_find(struct replay_table *t, const void *key)
{
    return replay_table_at(t, replay_place_of(t, key), key);
}

#endif
