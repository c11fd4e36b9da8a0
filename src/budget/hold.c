#include "budget/hold.h"

#include "budget/charge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Sixteenths of the slots, by kind; of the clients', half is for those who showed a pass. */
struct region {
    uint8_t first, count;
};

static const struct region regions[PRINCIPAL_KIND_COUNT] = {
    [PRINCIPAL_CLIENT] = {0, 8},   [PRINCIPAL_NETWORK] = {8, 2}, [PRINCIPAL_ACCOUNT] = {10, 1},
    [PRINCIPAL_HOST] = {11, 1},    [PRINCIPAL_PAIR] = {12, 1},   [PRINCIPAL_USER] = {13, 1},
    [PRINCIPAL_PROCESS] = {14, 1}, [PRINCIPAL_SHARE] = {15, 1},  [PRINCIPAL_EVERYONE] = {15, 1},
};

static struct table region_of(const struct budgets *b, unsigned kind, bool proven, uint32_t *base)
{
    struct region r = regions[kind < PRINCIPAL_KIND_COUNT ? kind : PRINCIPAL_EVERYONE];
    uint32_t unit = b->hold_sets / 16, count = r.count * unit;
    *base = r.first * unit;
    if (kind != PRINCIPAL_CLIENT)
        return (struct table){.common = count};
    if (proven)
        *base += count / 2;
    return (struct table){.common = count / 2};
}

uint32_t hold_slots(const struct budgets *b, enum principal_kind kind, bool proven)
{
    uint32_t base;
    return region_of(b, kind, proven, &base).common * KEYS_A_SET;
}

static uint64_t hold_key(uint64_t h)
{
    return key_mix(h, UINT64_C(0x686f6c64));
}

static size_t set_of(const struct budgets *b, uint64_t h, const struct principal *p, bool second)
{
    uint32_t base;
    struct table t = region_of(b, p->kind, p->proven, &base);
    uint32_t set = second ? table_second(&t, h, false) : table_first(&t, h);
    return ((size_t)base + set) * KEYS_A_SET;
}

struct hold_record *hold_lookup(const struct budgets *b, uint64_t h, const struct principal *p)
{
    uint64_t key = hold_key(h);
    for (int second = 0; second < 2; second++) {
        size_t base = set_of(b, h, p, second);
        for (unsigned i = 0; i < KEYS_A_SET; i++)
            if (atomic_load_explicit(&b->hold_keys[base + i], memory_order_acquire) == key)
                return &b->holds[base + i];
    }
    return NULL;
}

bool hold_in_force(const struct hold_record *record, nanos_t now)
{
    return atomic_load(&record->until) > (uint64_t)now;
}

bool hold_is_observed(const struct hold_record *record)
{
    return atomic_load(&record->who) & WHO_OBSERVED;
}

bool hold_is_several(const struct hold_record *record)
{
    return atomic_load(&record->who) & WHO_SEVERAL;
}

static bool slot_is_free(const struct hold_record *record, uint64_t key, nanos_t now)
{
    if (key == 0 || claim_is_dead(key, now))
        return true;
    return key & KEY_REAL && !hold_in_force(record, now) &&
           atomic_load(&record->grace_until) <= (uint64_t)now;
}

nanos_t hold_until(const struct plan_budget *budget, nanos_t since)
{
    nanos_t length = budget->rule->hold_for > 0 ? budget->rule->hold_for : NANOS_MINUTE;
    nanos_t until;
    return __builtin_add_overflow(since, length, &until) ? NANOS_FOREVER : until;
}

static uint64_t record_fill(struct budgets *b, struct hold_record *r, const struct hold_ask *ask,
                            nanos_t now)
{
    const struct plan_budget *budget = ask->budget;
    uint64_t name[2], network[2];
    memcpy(name, ask->who->id, sizeof name);
    memcpy(network, ask->who->network, sizeof network);
    uint64_t id = atomic_fetch_add(&b->rings_live->next_hold, 1);
    atomic_store(&r->id, id);
    atomic_store(&r->grace_until, 0);
    atomic_store(&r->grace_left, 0);
    atomic_store(&r->refused, 1);
    atomic_store(&r->budget, budget->key);
    atomic_store(&r->span, (uint64_t)budget->window[ask->window].span);
    atomic_store(&r->used, ask->used);
    atomic_store(&r->limit, ask->limit);
    atomic_store(&r->since, (uint64_t)now);
    atomic_store(&r->who, principal_pack(ask->who) | (ask->observed ? WHO_OBSERVED : 0) |
                              (ask->several ? WHO_SEVERAL : 0));
    for (int i = 0; i < 2; i++) {
        atomic_store(&r->name[i], name[i]);
        atomic_store(&r->network[i], network[i]);
    }
    atomic_store(&r->until, (uint64_t)hold_until(budget, now));
    return id;
}

static uint64_t slot_claim(struct budgets *b, size_t index, uint64_t old,
                           const struct hold_ask *ask, nanos_t now)
{
    uint64_t marker = claim_marker(now);
    if (!atomic_compare_exchange_strong(&b->hold_keys[index], &old, marker))
        return 0;
    uint64_t id = record_fill(b, &b->holds[index], ask, now);
    if (!atomic_compare_exchange_strong(&b->hold_keys[index], &marker, hold_key(ask->h)))
        return 0;
    atomic_fetch_add(&b->live->holds_live, 1);
    return id;
}

/* Another process may begin a hold on the same principal at the same moment: then there are two, of
 * which the first in the order of searching is met, and both are listed. Each ends by itself at its
 * time, and a release of either ends both. */
uint64_t hold_begin(struct budgets *b, const struct hold_ask *ask, nanos_t now)
{
    uint64_t key = hold_key(ask->h);
    for (int pass = 0; pass < 2; pass++) {
        for (int second = 0; second < 2; second++) {
            size_t base = set_of(b, ask->h, ask->who, second);
            for (size_t i = base; i < base + KEYS_A_SET; i++) {
                uint64_t old = atomic_load(&b->hold_keys[i]);
                /* First its own slot of before, then any free one. */
                bool wanted = pass == 0 ? old == key : slot_is_free(&b->holds[i], old, now);
                if (pass == 0 && wanted && hold_in_force(&b->holds[i], now) &&
                    (ask->observed || !hold_is_observed(&b->holds[i]))) {
                    if (ask->several)
                        atomic_fetch_or(&b->holds[i].who, WHO_SEVERAL);
                    return atomic_load(&b->holds[i].id);
                }
                uint64_t id = wanted ? slot_claim(b, i, old, ask, now) : 0;
                if (id)
                    return id;
            }
        }
    }
    return 0;
}

bool hold_grace(struct hold_record *record, uint64_t amount, nanos_t now)
{
    if (atomic_load(&record->grace_until) <= (uint64_t)now)
        return false;
    uint64_t left = atomic_load(&record->grace_left);
    do
        if (left < amount || amount == 0)
            return false;
    while (!atomic_compare_exchange_weak(&record->grace_left, &left, left - amount));
    return true;
}

bool somebody_reports(const struct budgets *b, nanos_t now)
{
    uint64_t reported = atomic_load(&b->live->reported);
    return reported && (uint64_t)(now / NANOS_SECOND) + 1 - reported < 5;
}

/* Where somebody reports (report.c), a slot is kept until both its beginning and its end were told,
 * for 5 s at most. */
static bool is_to_be_told(const struct budgets *b, const struct hold_record *r, nanos_t now)
{
    uint64_t until = atomic_load(&r->until);
    return somebody_reports(b, now) &&
           atomic_load(&r->told) != (atomic_load(&r->id) | UINT64_C(1) << 63) && until &&
           (uint64_t)now - until < 5 * (uint64_t)NANOS_SECOND;
}

size_t holds_expire(struct budgets *b, nanos_t now)
{
    size_t live = 0, used = 0, count = (size_t)b->hold_sets * KEYS_A_SET;
    for (size_t i = 0; i < count; i++) {
        uint64_t key = atomic_load(&b->hold_keys[i]);
        if (key == 0)
            continue;
        struct hold_record *r = &b->holds[i];
        if (slot_is_free(r, key, now) && is_to_be_told(b, r, now))
            continue;
        if (slot_is_free(r, key, now)) {
            uint64_t marker = claim_marker(now);
            if (!atomic_compare_exchange_strong(&b->hold_keys[i], &key, marker))
                continue;
            for (word_t *word = &r->until; word <= &r->told; word++)
                atomic_store(word, 0);
            atomic_compare_exchange_strong(&b->hold_keys[i], &marker, 0);
            continue;
        }
        used++;
        live += hold_in_force(r, now);
    }
    /* A hint only, and put right each second: begun meanwhile, a hold is counted again in a second
     * at most. */
    if (used == 0 && atomic_load(&b->live->holds_live)) {
        atomic_store(&b->live->holds_live, 0);
        for (size_t i = 0; i < count; i++)
            if (atomic_load(&b->hold_keys[i]))
                atomic_store(&b->live->holds_live, 1);
    } else if (used) {
        atomic_store(&b->live->holds_live, used);
    }
    return live;
}

size_t holds_of_budget(const struct budgets *b, const struct plan_budget *budget, nanos_t now)
{
    size_t held = 0, count = (size_t)b->hold_sets * KEYS_A_SET;
    bool open = breaker_is_open(b, budget, now);
    for (size_t i = 0; i < count; i++) {
        const struct hold_record *r = &b->holds[i];
        held += atomic_load(&b->hold_keys[i]) & KEY_REAL && hold_in_force(r, now) &&
                atomic_load(&r->budget) == budget->key && !hold_is_observed(r) &&
                (!open || hold_is_several(r));
    }
    return held;
}

/* A reader may meet a slot that changes hands: what it read counts only if key and id are the same
 * afterwards. */
static bool record_read(const struct budgets *b, size_t i, nanos_t now, struct hold *out)
{
    const struct hold_record *r = &b->holds[i];
    uint64_t key = atomic_load(&b->hold_keys[i]), id = atomic_load(&r->id);
    if (!(key & KEY_REAL) || (now >= 0 && !hold_in_force(r, now)))
        return false;
    const struct plan *plan = plan_of(b);
    const struct plan_budget *budget = plan_budget_keyed(plan, atomic_load(&r->budget));
    uint64_t name[2] = {atomic_load(&r->name[0]), atomic_load(&r->name[1])};
    uint64_t network[2] = {atomic_load(&r->network[0]), atomic_load(&r->network[1])};
    uint64_t who = atomic_load(&r->who);
    struct hold h = {.id = id,
                     .guard = (uint8_t)b->guard,
                     .budget = budget ? (int16_t)(budget - plan->budget) : -1,
                     .observed = who & WHO_OBSERVED,
                     .used = atomic_load(&r->used),
                     .limit = atomic_load(&r->limit),
                     .refused = atomic_load(&r->refused),
                     .since = (nanos_t)(atomic_load(&r->since) & INT64_MAX),
                     .until = (nanos_t)(atomic_load(&r->until) & INT64_MAX)};
    principal_unpack(who, name, network, &h.principal);
    uint64_t span = atomic_load(&r->span);
    for (unsigned w = 0; budget && w < budget->window_count; w++)
        if ((uint64_t)budget->window[w].span == span)
            h.window = (uint8_t)w;
    if (atomic_load(&b->hold_keys[i]) != key || atomic_load(&r->id) != id || id == 0)
        return false;
    *out = h;
    return true;
}

bool hold_read(const struct budgets *b, size_t slot, struct hold *out)
{
    return record_read(b, slot, -1, out);
}

static int newest_first(const void *a, const void *b)
{
    uint64_t left = ((const struct hold *)a)->id, right = ((const struct hold *)b)->id;
    return left < right ? 1 : left > right ? -1 : 0;
}

/* Keeps the newest `most` as a heap would, but simply: the oldest kept gives way. */
size_t holds_list(const struct budgets *b, nanos_t now, struct hold *out, size_t most)
{
    size_t n = 0, count = (size_t)b->hold_sets * KEYS_A_SET, oldest = 0;
    if (most == 0)
        return 0;
    for (size_t i = 0; i < count; i++) {
        struct hold h;
        if (!record_read(b, i, now, &h))
            continue;
        if (n < most) {
            out[n++] = h;
        } else if (h.id > out[oldest].id) {
            out[oldest] = h;
        } else {
            continue;
        }
        if (n == most) {
            oldest = 0;
            for (size_t k = 1; k < n; k++)
                if (out[k].id < out[oldest].id)
                    oldest = k;
        }
    }
    qsort(out, n, sizeof *out, newest_first);
    return n;
}

bool hold_find(const struct budgets *b, uint64_t id, struct hold *out)
{
    size_t count = (size_t)b->hold_sets * KEYS_A_SET;
    for (size_t i = 0; id && i < count; i++)
        if (atomic_load(&b->holds[i].id) == id && record_read(b, i, -1, out))
            return true;
    return false;
}

/* Only who ends it gives the grace a life: two processes release at once, one grace is given. */
static void record_release(struct hold_record *r, nanos_t now)
{
    uint64_t until = atomic_load(&r->until);
    uint64_t tenth = atomic_load(&r->limit) / 10;
    uint64_t span = atomic_load(&r->span) & INT64_MAX;
    if (span > (uint64_t)(NANOS_FOREVER - now))
        span = 0;
    atomic_store(&r->grace_left, tenth ? tenth : 1);
    if (atomic_compare_exchange_strong(&r->until, &until, (uint64_t)now))
        atomic_store(&r->grace_until, (uint64_t)now + span);
}

int hold_release(struct budgets *b, uint64_t id, nanos_t now)
{
    size_t count = (size_t)b->hold_sets * KEYS_A_SET;
    uint64_t key = 0;
    if (b->read_only)
        return -EACCES;
    for (size_t i = 0; id && i < count && !key; i++)
        if (atomic_load(&b->holds[i].id) == id && hold_in_force(&b->holds[i], now))
            key = atomic_load(&b->hold_keys[i]) & KEY_REAL ? atomic_load(&b->hold_keys[i]) : 0;
    if (!key)
        return -ENOENT;
    /* Its twin too, if two processes began one at once: whom a person lets go must be free. */
    for (size_t i = 0; i < count; i++)
        if (atomic_load(&b->hold_keys[i]) == key && hold_in_force(&b->holds[i], now))
            record_release(&b->holds[i], now);
    return 0;
}

char *hold_name(enum guard guard, uint64_t id, char out[HOLD_NAME_SIZE])
{
    snprintf(out, HOLD_NAME_SIZE, "hold-%llx-%s", (unsigned long long)id,
             (unsigned)guard < GUARD_COUNT ? guard_name(guard) : "unknown");
    return out;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int hold_name_parse(struct text name, enum guard *guard, uint64_t *id)
{
    static const char begin[] = "hold-";
    size_t at = sizeof begin - 1, first = at;
    if (name.length >= HOLD_NAME_SIZE || name.length <= at || memcmp(name.data, begin, at) != 0)
        return -EINVAL;
    uint64_t value = 0;
    for (int digit; at < name.length && (digit = hex_digit(name.data[at])) >= 0; at++) {
        if (at - first >= 16)
            return -EINVAL;
        value = value << 4 | (uint64_t)digit;
    }
    if (at == first || at >= name.length || name.data[at] != '-' || value == 0)
        return -EINVAL;
    struct text which = {name.data + at + 1, name.length - at - 1};
    for (unsigned g = 0; g < GUARD_COUNT; g++) {
        if (!text_is(which, guard_name((enum guard)g)))
            continue;
        *guard = (enum guard)g;
        *id = value;
        return 0;
    }
    return -EINVAL;
}
