#include "egress/gather.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

enum { BATCH = 4096, TABLE = 1024 };
_Static_assert(TRAIL_DESTINATIONS < TABLE, "a table of destinations is never full");

struct work { /* for one hold */
    struct trail *e;
    unsigned account;
    struct trail_destination table[TABLE]; /* open addressing; no connections: an empty place */
};

struct gather {
    struct hash_key key; /* who is held chose the destinations */
    struct egress_flow_key keys[BATCH];
    struct egress_flow flows[BATCH];
    struct work work[GATHER_MOST];
};

struct gather *gather_new(void)
{
    struct gather *g = calloc(1, sizeof *g);
    if (g)
        g->key = hash_key_random();
    return g;
}

void gather_free(struct gather *g)
{
    free(g);
}

static struct trail_destination *destination_of(const struct gather *g, struct work *w,
                                                const uint8_t to[16])
{
    size_t i = siphash(g->key, to, 16) % TABLE;
    while (w->table[i].connections && memcmp(w->table[i].to, to, 16) != 0)
        i = (i + 1) % TABLE;
    struct trail_destination *d = &w->table[i];
    if (d->connections)
        return d;
    if (w->e->destinations == TRAIL_DESTINATIONS)
        return NULL;
    w->e->destinations++;
    memcpy(d->to, to, 16);
    return d;
}

static void list_connection(struct trail *e, const struct trail_connection *c)
{
    size_t at = e->listed_connections;
    if (at == TRAIL_LISTED && e->connection[at - 1].bytes >= c->bytes)
        return;
    at = at < TRAIL_LISTED ? e->listed_connections++ : at - 1;
    for (; at > 0 && e->connection[at - 1].bytes < c->bytes; at--)
        e->connection[at] = e->connection[at - 1];
    e->connection[at] = *c;
}

static void add(const struct gather *g, struct work *w, const struct trail_connection *c)
{
    struct trail *e = w->e;
    e->bytes += c->bytes;
    e->connections++;
    list_connection(e, c);
    struct trail_destination *d = destination_of(g, w, c->to);
    if (!d)
        return;
    d->first = d->connections && d->first < c->first ? d->first : c->first;
    d->last = d->last > c->last ? d->last : c->last;
    d->bytes += c->bytes;
    d->connections++;
}

static bool counts(const struct kernel *k, const struct egress_flow *flow, unsigned account)
{
    const struct egress_settings *s = k->settings;
    if (flow->class >= CLASS_COUNT || flow->by >= BY_COUNT)
        return false;
    if (flow->generation != s->generation)
        return true; /* of which class it is shows with its next packet */
    const struct egress_list *list = &s->applies[flow->class * BY_COUNT + flow->by];
    for (unsigned i = 0; i < list->count && i < EGRESS_CHARGES; i++)
        if (list->index[i] == account)
            return true;
    return false;
}

static bool concerns(const struct trail *e, const struct egress_flow_key *key,
                     const struct egress_flow *flow)
{
    return memcmp(e->host, flow->host.id, 16) == 0 &&
           (!e->pair || memcmp(e->to, key->outside, 16) == 0);
}

static void look_at(const struct gather *g, struct work *w, const struct kernel *k,
                    const struct egress_flow_key *key, const struct egress_flow *flow,
                    nanos_t to_wall)
{
    if (!concerns(w->e, key, flow) || !counts(k, flow, w->account))
        return;
    struct trail_connection c = {.from_port = __builtin_bswap16(key->inside_port),
                                 .to_port = __builtin_bswap16(key->outside_port),
                                 .protocol = (uint8_t)key->protocol,
                                 .begun_outside = flow->by == BY_OUTSIDE,
                                 .bytes = flow->bytes,
                                 .first = (nanos_t)flow->first + to_wall,
                                 .last = (nanos_t)flow->last + to_wall};
    memcpy(c.from, key->inside, 16);
    memcpy(c.to, key->outside, 16);
    add(g, w, &c);
}

static int larger_first(const void *a, const void *b)
{
    uint64_t left = ((const struct trail_destination *)a)->bytes,
             right = ((const struct trail_destination *)b)->bytes;
    return left < right ? 1 : left > right ? -1 : 0;
}

static void list_destinations(struct work *w)
{
    struct trail *e = w->e;
    size_t n = 0;
    for (size_t i = 0; i < TABLE; i++)
        if (w->table[i].connections)
            w->table[n++] = w->table[i];
    qsort(w->table, n, sizeof w->table[0], larger_first);
    e->listed_destinations = n < TRAIL_LISTED ? n : TRAIL_LISTED;
    memcpy(e->destination, w->table, e->listed_destinations * sizeof e->destination[0]);
}

void gather_connections(struct gather *g, const struct kernel *k, struct trail *const e[],
                        const unsigned account[], size_t count, nanos_t monotonic, nanos_t wall)
{
    must(count <= GATHER_MOST);
    for (size_t i = 0; i < count; i++) {
        g->work[i].e = e[i];
        g->work[i].account = account[i];
        memset(g->work[i].table, 0, sizeof g->work[i].table);
        e[i]->bytes = e[i]->connections = e[i]->destinations = 0;
        e[i]->listed_destinations = e[i]->listed_connections = 0;
    }
    uint32_t position, next, got;
    bool first = true, more = true;
    for (uint32_t seen = 0; more && seen <= 2 * EGRESS_FLOWS; seen += got, first = false) {
        got = BATCH;
        int code = bpf_map_lookup_batch(k->flows, first ? NULL : &position, &next, g->keys,
                                        g->flows, &got, NULL);
        more = code == 0 && got > 0;
        if (code < 0 && code != -ENOENT) /* -ENOENT: that was the rest */
            got = 0;
        for (uint32_t i = 0; i < got; i++)
            for (size_t n = 0; n < count; n++)
                look_at(g, &g->work[n], k, &g->keys[i], &g->flows[i], wall - monotonic);
        position = next;
    }
    for (size_t i = 0; i < count; i++)
        list_destinations(&g->work[i]);
}
