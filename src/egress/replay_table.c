#include "egress/replay_table.h"

#include <errno.h>

int replay_table_make(struct replay_table *t, size_t count, size_t key_size, size_t value_size)
{
    *t = (struct replay_table){.secret = hash_key_random(),
                               .key_size = key_size,
                               .value_size = value_size,
                               .sets = count / REPLAY_WAYS + 1};
    t->set = calloc(t->sets, sizeof *t->set);
    t->slot = calloc(t->sets * REPLAY_WAYS, key_size + value_size);
    if (t->set && t->slot)
        return 0;
    replay_table_free(t);
    return -ENOMEM;
}

void replay_table_free(struct replay_table *t)
{
    free(t->set);
    free(t->slot);
    t->set = NULL;
    t->slot = NULL;
}

/* A free place, else the one that was used longest ago: the clock may have gone round. */
static unsigned way_to_give(const struct replay_table *t, const struct replay_set *set)
{
    unsigned oldest = 0;
    for (unsigned i = 0; i < REPLAY_WAYS; i++) {
        if (!set->tag[i])
            return i;
        if (t->clock - set->used[i] > t->clock - set->used[oldest])
            oldest = i;
    }
    return oldest;
}

void *replay_table_put(struct replay_table *t, const void *key, const void *value)
{
    struct replay_place at = replay_place_of(t, key);
    void *found = replay_table_at(t, at, key);
    if (!found) {
        struct replay_set *set = &t->set[at.set];
        unsigned way = way_to_give(t, set);
        uint8_t *slot = replay_slot(t, at.set, way);
        t->forgotten += set->tag[way] != 0;
        set->tag[way] = at.tag;
        set->used[way] = ++t->clock;
        memcpy(slot, key, t->key_size);
        found = slot + t->key_size;
    }
    memcpy(found, value, t->value_size);
    return found;
}

void replay_table_remove(struct replay_table *t, const void *key)
{
    struct replay_place at = replay_place_of(t, key);
    const uint8_t *found = replay_table_at(t, at, key);
    if (!found)
        return;
    size_t index = (size_t)(found - t->slot) / (t->key_size + t->value_size);
    t->set[at.set].tag[index % REPLAY_WAYS] = 0;
}
