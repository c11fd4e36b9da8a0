#include "egress/replay_places.h"

#include <stdlib.h>

struct replay_places *replay_places_new(void)
{
    struct replay_places *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->secret = hash_key_random();
    p->high = ENTRY_FIRST;
    return p;
}

static uint32_t *bucket_of(struct replay_places *p, const struct egress_pair *who)
{
    return &p->bucket[siphash(p->secret, who, sizeof *who) % REPLAY_BUCKETS];
}

static uint32_t place_fresh(struct replay_places *p)
{
    uint32_t index = p->free;
    if (index) {
        p->free = p->next[index];
        return index;
    }
    return p->high < REPLAY_PLACES ? p->high++ : 0;
}

uint32_t replay_places_take(struct replay_places *p, const struct egress_pair *who, uint8_t kind,
                            nanos_t now, bool *made)
{
    uint32_t *bucket = bucket_of(p, who);
    *made = false;
    for (uint32_t i = *bucket; i; i = p->next[i])
        if (p->kind[i] == kind && memcmp(&p->who[i], who, sizeof *who) == 0)
            return i;
    uint32_t index = place_fresh(p);
    if (!index) {
        p->refused++;
        return ENTRY_NEWCOMERS;
    }
    p->who[index] = *who;
    p->kind[index] = kind;
    p->busy[index] = now;
    p->next[index] = *bucket;
    *bucket = index;
    *made = true;
    return index;
}

void replay_places_give_back(struct replay_places *p, uint32_t index)
{
    uint32_t *link = bucket_of(p, &p->who[index]);
    while (*link && *link != index)
        link = &p->next[*link];
    must(*link == index);
    *link = p->next[index];
    p->kind[index] = ENTRY_FREE;
    p->next[index] = p->free;
    p->free = index;
}
