#include "budget/ring.h"

#include "budget/plan.h"

static struct ring_place place_at(const struct budgets *b, size_t index)
{
    return (struct ring_place){&b->ring_keys[index], &b->rings[index]};
}

static bool set_find(const struct budgets *b, uint32_t set, uint64_t key, struct ring_place *out)
{
    size_t base = (size_t)set * KEYS_A_SET;
    for (unsigned i = 0; i < KEYS_A_SET; i++) {
        if (atomic_load_explicit(&b->ring_keys[base + i], memory_order_acquire) == key) {
            *out = place_at(b, base + i);
            return true;
        }
    }
    return false;
}

bool ring_find(const struct budgets *b, uint64_t h, bool proven, uint64_t key,
               struct ring_place *out)
{
    return set_find(b, table_first(&b->ring_table, h), key, out) ||
           set_find(b, table_second(&b->ring_table, h, proven), key, out);
}

bool ring_find_live(struct budgets *b, uint64_t h, bool proven, uint64_t key, nanos_t time,
                    struct ring_place *out)
{
    if (!ring_find(b, h, proven, key, out))
        return false;
    return atomic_load(&out->ring->expires) > (uint64_t)time ||
           !ring_expire(b, (size_t)(out->key - b->ring_keys), time);
}

static uint64_t ring_check(const struct ring *ring, uint64_t key)
{
    uint64_t said[] = {key,
                       atomic_load(&ring->budget),
                       atomic_load(&ring->span),
                       atomic_load(&ring->who),
                       atomic_load(&ring->name[0]),
                       atomic_load(&ring->name[1])};
    return hash_checksum(0, said, sizeof said);
}

bool ring_is_sound(const struct ring *ring, uint64_t key)
{
    uint64_t check = atomic_load(&ring->check);
    return ring_check(ring, key) == check && atomic_load(&ring->span) <= INT64_MAX &&
           atomic_load(&ring->span) > 0;
}

/* A window that was not there before, since the contract changed, begins with what the budget's
 * other windows know of this principal, each count dated at the end of its bucket: never forgotten
 * earlier than it would have been. The shortest window that covers the new one has all of it, in
 * the finest grain; else the longest has the most. A longer one of the contract in force is not
 * asked: windows are charged from the longest, so it has this very charge in it. */
static bool is_in_force(const struct ring_ask *ask, nanos_t span)
{
    for (unsigned w = 0; w < ask->budget->window_count; w++)
        if (ask->budget->window[w].span == span)
            return true;
    return false;
}

static bool carries(const struct ring_ask *ask, nanos_t span)
{
    return span != ask->span && (span < ask->span || !is_in_force(ask, span));
}

static uint64_t key_of_span(uint64_t h, nanos_t span)
{
    return key_mix(h, (uint64_t)span * UINT64_C(0xd6e8feb86659fd93));
}

bool ring_has_former(const struct budgets *b, const struct ring_ask *ask)
{
    nanos_t span[SLOT_MAX_SPANS];
    size_t count = slot_spans(b, ask->budget->slot, span);
    struct ring_place place;
    for (size_t i = 0; i < count; i++)
        if (!is_in_force(ask, span[i]) &&
            ring_find(b, ask->h, ask->who->proven, key_of_span(ask->h, span[i]), &place))
            return true;
    return false;
}

/* True when what was carried is of a window that is charged too: then it has charges in it that the
 * seed has as well. */
static bool carry_over(struct budgets *b, const struct ring_ask *ask, struct ring *to, nanos_t time)
{
    nanos_t span[SLOT_MAX_SPANS], best = 0;
    size_t count = slot_spans(b, ask->budget->slot, span);
    struct ring_place from = {NULL, NULL}, place;
    for (size_t i = 0; i < count; i++) {
        if (!carries(ask, span[i]))
            continue;
        uint64_t key = key_of_span(ask->h, span[i]);
        if (!ring_find(b, ask->h, ask->who->proven, key, &place))
            continue;
        bool covers = span[i] > ask->span, best_covers = best > ask->span;
        if (!best || (covers && (!best_covers || span[i] < best)) ||
            (!covers && !best_covers && span[i] > best)) {
            best = span[i];
            from = place;
        }
    }
    if (!from.ring)
        return false;
    nanos_t width = slice_width(best);
    struct slice now = slice_at(time, width);
    for (unsigned back = 0; back < BUCKETS && back <= now.number; back++) {
        struct slice old = slice_number(now.number - back);
        uint64_t word = atomic_load(&from.ring->count[old.index]);
        nanos_t end = (nanos_t)(old.number + 1) * width - 1;
        struct slice at = slice_at(end < time ? end : time, ask->width);
        struct slice last = slice_at(time, ask->width);
        if (word_is_current(word, old.lap) && word_count(word) && last.number - at.number < BUCKETS)
            word_add(&to->count[at.index], at.lap, word_count(word));
    }
    return is_in_force(ask, best);
}

static void ring_fill(struct budgets *b, const struct ring_ask *ask, struct ring_place place,
                      nanos_t time)
{
    struct ring *ring = place.ring;
    uint64_t name[2];
    memcpy(name, ask->who->id, sizeof name);
    for (unsigned i = 0; i < BUCKETS; i++)
        atomic_store_explicit(&ring->count[i], 0, memory_order_relaxed);
    atomic_store(&ring->budget, ask->budget->key);
    atomic_store(&ring->span, (uint64_t)ask->span);
    atomic_store(&ring->who, principal_pack(ask->who));
    atomic_store(&ring->name[0], name[0]);
    atomic_store(&ring->name[1], name[1]);
    atomic_store(&ring->check, ring_check(ring, ask->key));
    atomic_store(&ring->expires, (uint64_t)(time + ask->span + 2 * ask->width));
    bool twice = carry_over(b, ask, ring, time);
    uint64_t known = twice ? words_sum(ring->count, 1, slice_at(time, ask->width)) : 0;
    if (ask->seed.count > known) {
        struct slice at = slice_at(ask->seed.at < time ? ask->seed.at : time, ask->width);
        if (slice_at(time, ask->width).number - at.number < BUCKETS)
            word_add(&ring->count[at.index], at.lap, ask->seed.count - known);
    }
    atomic_store(&ring->seeded, words_sum(ring->count, 1, slice_at(time, ask->width)));
}

static bool place_is_free(const struct ring_place *place, uint64_t key, nanos_t time)
{
    if (key == 0 || claim_is_dead(key, time))
        return true;
    if (!(key & KEY_REAL))
        return false;
    return atomic_load(&place->ring->expires) <= (uint64_t)time;
}

static bool set_take(struct budgets *b, uint32_t set, const struct ring_ask *ask, nanos_t time,
                     struct ring_place *out)
{
    size_t base = (size_t)set * KEYS_A_SET;
    for (unsigned i = 0; i < KEYS_A_SET; i++) {
        struct ring_place place = place_at(b, base + i);
        uint64_t old = atomic_load(place.key);
        if (!place_is_free(&place, old, time))
            continue;
        uint64_t marker = claim_marker(time);
        if (!atomic_compare_exchange_strong(place.key, &old, marker))
            continue;
        ring_fill(b, ask, place, time);
        /* Someone may have thought us dead; then the place is theirs. */
        if (atomic_compare_exchange_strong(place.key, &marker, ask->key)) {
            *out = place;
            return true;
        }
    }
    return false;
}

/* One of two places of the same key goes: what was charged to it goes to the one that stays, but
 * not what it began with, since the other began with the same. Whoever charges it meanwhile sees
 * that the key is gone, and charges again. */
static void ring_give_up(const struct ring_place *going, const struct ring_place *staying,
                         uint64_t key, nanos_t width, nanos_t time)
{
    uint64_t marker = claim_marker(time);
    if (!atomic_compare_exchange_strong(going->key, &key, marker))
        return;
    uint64_t seeded = atomic_load(&going->ring->seeded);
    struct slice now = slice_at(time, width);
    for (unsigned back = 0; back < BUCKETS && back <= now.number; back++) {
        struct slice at = slice_number(now.number - back);
        uint64_t word = atomic_exchange(&going->ring->count[at.index], 0);
        uint64_t count = word_is_current(word, at.lap) ? word_count(word) : 0;
        uint64_t known = count < seeded ? count : seeded;
        seeded -= known;
        if (count > known)
            word_add(&staying->ring->count[at.index], at.lap, count - known);
    }
    atomic_compare_exchange_strong(going->key, &marker, 0);
}

void ring_merge(struct budgets *b, const struct ring_ask *ask, nanos_t time,
                struct ring_place *out)
{
    uint32_t set[2] = {table_first(&b->ring_table, ask->h),
                       table_second(&b->ring_table, ask->h, ask->who->proven)};
    struct ring_place first = {NULL, NULL};
    for (unsigned s = 0; s < (set[0] == set[1] ? 1u : 2u); s++) {
        for (unsigned i = 0; i < KEYS_A_SET; i++) {
            struct ring_place place = place_at(b, (size_t)set[s] * KEYS_A_SET + i);
            if (atomic_load(place.key) != ask->key)
                continue;
            if (first.key)
                ring_give_up(&place, &first, ask->key, ask->width, time);
            else
                first = place;
        }
    }
    if (first.key)
        *out = first;
}

bool ring_take(struct budgets *b, const struct ring_ask *ask, nanos_t time, struct ring_place *out,
               bool *made)
{
    bool proven = ask->who->proven;
    *made = false;
    if (ring_find(b, ask->h, proven, ask->key, out))
        return true;
    if (!set_take(b, table_first(&b->ring_table, ask->h), ask, time, out) &&
        !set_take(b, table_second(&b->ring_table, ask->h, proven), ask, time, out))
        return false;
    *made = true;
    ring_merge(b, ask, time, out);
    return true;
}

void ring_add(const struct ring_place *place, nanos_t span, nanos_t width, uint64_t amount,
              nanos_t time)
{
    struct ring *ring = place->ring;
    struct slice at = slice_at(time, width);
    /* The same for all of a bucket: written once in each, not at every charge. */
    uint64_t expires = (at.number + 3) * (uint64_t)width + (uint64_t)span;
    uint64_t old = atomic_load(&ring->expires);
    /* Before the count, so that a ring with a count in it never looks run out. */
    while (old < expires && !atomic_compare_exchange_weak(&ring->expires, &old, expires))
        continue;
    word_add(&ring->count[at.index], at.lap, amount);
}

enum ring_result ring_charge(const struct ring_place *place, uint64_t key, nanos_t span,
                             nanos_t width, uint64_t limit, uint64_t amount, nanos_t time,
                             struct ring_charge *out)
{
    struct ring *ring = place->ring;
    out->slice = slice_at(time, width);
    for (size_t byte = 0; byte < sizeof *ring; byte += LINE)
        __builtin_prefetch((const char *)ring + byte);
    if (amount == 0 || amount > limit) {
        out->used = words_sum(ring->count, 1, out->slice);
        return amount > limit || out->used >= limit ? RING_OVER : RING_DONE;
    }
    ring_add(place, span, width, amount, time);
    if (atomic_load(place->key) != key)
        return RING_LOST;
    out->used = words_sum(ring->count, 1, out->slice);
    if (out->used <= limit)
        return RING_DONE;
    word_take(&ring->count[out->slice.index], out->slice.lap, amount);
    out->used -= amount;
    return RING_OVER;
}

void ring_undo(const struct ring_place *place, struct slice slice, uint64_t amount)
{
    word_take(&place->ring->count[slice.index], slice.lap, amount);
}

uint64_t ring_used(const struct ring *ring, nanos_t width, nanos_t time)
{
    return words_sum((word_t *)(uintptr_t)ring->count, 1, slice_at(time, width));
}

nanos_t ring_fits_at(const struct ring *ring, nanos_t width, uint64_t limit, uint64_t amount,
                     nanos_t time)
{
    struct slice now = slice_at(time, width);
    uint64_t used = ring_used(ring, width, time);
    if (amount <= limit && used <= limit - amount)
        return 0;
    for (unsigned back = SLICES;; back--) {
        if (back <= now.number) {
            struct slice old = slice_number(now.number - back);
            uint64_t word = atomic_load(&ring->count[old.index]);
            uint64_t count = word_is_current(word, old.lap) ? word_count(word) : 0;
            used = used > count ? used - count : 0;
            if (amount <= limit && used <= limit - amount)
                return (nanos_t)(old.number + BUCKETS) * width;
        }
        if (back == 0)
            break;
    }
    return (nanos_t)(now.number + BUCKETS) * width;
}

void ring_relieve(struct ring *ring, nanos_t width, uint64_t amount, nanos_t time)
{
    struct slice now = slice_at(time, width);
    uint64_t used = words_sum(ring->count, 1, now);
    if (used == 0)
        return;
    double share = amount >= used ? 1.0 : (double)amount / (double)used;
    for (unsigned i = 0; i < BUCKETS; i++) {
        uint16_t lap = slice_lap_of(now, i);
        uint64_t word = atomic_load(&ring->count[i]);
        if (word_is_current(word, lap))
            word_take(&ring->count[i], lap, (uint64_t)((double)word_count(word) * share));
    }
}

bool ring_expire(struct budgets *b, size_t index, nanos_t time)
{
    struct ring_place place = place_at(b, index);
    uint64_t old = atomic_load(place.key), marker = claim_marker(time);
    if (old == 0 || !place_is_free(&place, old, time) ||
        !atomic_compare_exchange_strong(place.key, &old, marker))
        return false;
    for (word_t *word = &place.ring->expires; word < &place.ring->spare_count[0]; word++)
        atomic_store_explicit(word, 0, memory_order_relaxed);
    atomic_compare_exchange_strong(place.key, &marker, 0);
    return true;
}
