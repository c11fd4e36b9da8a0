/* table.h: finding and taking places in the tables, which many processes do at once and none may
 * lock.
 *
 * A key has two candidate sets: its first among the common ones, its second there too if an
 * attacker can mint it, otherwise in the reserve. A key that is searched in the same order by
 * everyone is found in the same place by everyone; two processes that add it at the same moment may
 * place it twice, which the later one to look repairs (cell.c, ring.c).
 */
#ifndef ECLUSE_BUDGET_TABLE_H
#define ECLUSE_BUDGET_TABLE_H

#include "budget/layout.h"

/* Which sets of a table a key may lie in. */
static inline uint32_t scaled(uint32_t hash, uint32_t count)
{
    return (uint32_t)((uint64_t)hash * count >> 32);
}

static inline uint32_t table_first(const struct table *t, uint64_t h)
{
    return scaled((uint32_t)h, t->common);
}

static inline uint32_t table_second(const struct table *t, uint64_t h, bool proven)
{
    uint32_t high = (uint32_t)(h >> 32);
    if (proven && t->reserve)
        return t->common + scaled(high, t->reserve);
    return scaled(high, t->common);
}

static inline struct table table_of(uint32_t sets, uint32_t eighths_reserved)
{
    uint32_t reserve = (uint32_t)((uint64_t)sets * eighths_reserved / 8);
    return (struct table){.common = sets - reserve, .reserve = reserve};
}

/* Who fills a place, and since when: pid in 24 bits, second in 38, so that a place left by a dead
 * process can be taken over. Never 0, top bit clear. */
uint64_t claim_marker(nanos_t time);
bool claim_is_dead(uint64_t word, nanos_t time);

/* The names of things in keys. */
static inline uint64_t key_real(uint64_t h)
{
    return h | KEY_REAL;
}

static inline uint64_t key_mix(uint64_t h, uint64_t salt)
{
    uint64_t x = (h ^ salt) * UINT64_C(0x9e3779b97f4a7c15);
    return (x ^ x >> 29) | KEY_REAL;
}

/* ---- Principals in tables (principal.c) ------------------------------------------------------ */

enum { WHO_OBSERVED = 1 << 24, WHO_NETWORK_RING = 1 << 25, WHO_SEVERAL = 1 << 26 };

static inline uint64_t principal_pack(const struct principal *p)
{
    return (uint64_t)p->kind | (uint64_t)(p->proven != 0) << 8 |
           (uint64_t)(uint8_t)(p->protected_by + 1) << 16;
}

void principal_unpack(uint64_t who, const uint64_t name[2], const uint64_t network[2],
                      struct principal *out);

/* h of a principal under one budget. */
static inline uint64_t principal_hash(const struct budgets *b, uint64_t budget_key,
                                      const struct principal *p)
{
    uint64_t name[2];
    memcpy(name, p->id, sizeof name);
    uint64_t what = budget_key ^ ((uint64_t)p->kind << 1 | (p->proven != 0));
    if (p->kind == PRINCIPAL_PAIR)
        what ^= siphash(b->key, p->network, sizeof p->network);
    return siphash_words3(b->key, name[0], name[1], what);
}

/* The network that pays when there is no room for p; false when it has none. */
bool principal_payer(const struct principal *p, struct principal *out);

#endif
