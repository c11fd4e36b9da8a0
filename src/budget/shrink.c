/* What signals take away for a while. One word a principal: share in millionths (20 bits), length
 * (20 bits) and end (24 bits) in seconds of the boot clock; a share grows back to the whole
 * linearly over its length. */
#include "budget/charge.h"

#include <errno.h>

enum { SHARE_WHOLE = 1000000, END_BITS = 24, LENGTH_BITS = 20 };

static uint64_t shrink_key(const struct budgets *b, const struct principal *p)
{
    return key_real(principal_hash(b, UINT64_C(0x736872696e6b), p));
}

static uint64_t share_word(uint32_t share, nanos_t now, nanos_t until)
{
    uint64_t length = (uint64_t)((until - now) / NANOS_SECOND) + 1;
    uint64_t end = (uint64_t)(now / NANOS_SECOND) + length;
    return (uint64_t)share << (END_BITS + LENGTH_BITS) | length << END_BITS |
           (end & ((1u << END_BITS) - 1));
}

/* Millionths at `now`. The end wraps after 194 days: more than the longest length ahead is
 * behind. */
static uint32_t share_at(uint64_t word, nanos_t now)
{
    uint64_t length = word >> END_BITS & ((1u << LENGTH_BITS) - 1);
    uint64_t share = word >> (END_BITS + LENGTH_BITS);
    uint64_t second = (uint64_t)(now / NANOS_SECOND);
    uint64_t left = ((word & ((1u << END_BITS) - 1)) - second) & ((1u << END_BITS) - 1);
    if (word == 0 || left == 0 || left > length || share >= SHARE_WHOLE)
        return SHARE_WHOLE;
    return (uint32_t)(SHARE_WHOLE - (SHARE_WHOLE - share) * left / length);
}

bool shrunk_any(const struct budgets *b, nanos_t now)
{
    return atomic_load_explicit(&b->live->shrinks_until, memory_order_relaxed) > (uint64_t)now;
}

static struct shrink_record *set_of(const struct budgets *b, uint64_t key)
{
    return b->shrinks + (size_t)scaled((uint32_t)key, SHRINK_COUNT / 8) * 8;
}

uint64_t shrunk_limit(const struct budgets *b, const struct principal *p, uint64_t limit,
                      nanos_t now)
{
    uint64_t key = shrink_key(b, p);
    const struct shrink_record *set = set_of(b, key);
    uint32_t least = SHARE_WHOLE;
    for (unsigned i = 0; i < 8; i++) {
        if (atomic_load(&set[i].key) != key)
            continue;
        uint32_t share = share_at(atomic_load(&set[i].word), now);
        least = share < least ? share : least;
    }
    return (uint64_t)((unsigned __int128)limit * least / SHARE_WHOLE);
}

static bool shrink_word(struct shrink_record *r, uint64_t word, uint32_t share, nanos_t now)
{
    uint64_t old = atomic_load(&r->word);
    do
        if (share_at(old, now) <= share)
            return true; /* a stronger one stands: one day both end */
    while (!atomic_compare_exchange_weak(&r->word, &old, word));
    return true;
}

int budget_shrink(struct budgets *b, const struct principal *p, uint32_t share, nanos_t now,
                  nanos_t until)
{
    if (b->read_only)
        return -EACCES;
    if (share > SHARE_WHOLE || until <= now ||
        (until - now) / NANOS_SECOND >= (1 << LENGTH_BITS) - 1)
        return -EINVAL;
    uint64_t key = shrink_key(b, p), word = share_word(share, now, until);
    struct shrink_record *set = set_of(b, key);
    struct shrink_record *found = NULL;
    for (unsigned i = 0; i < 8 && !found; i++)
        if (atomic_load(&set[i].key) == key)
            found = &set[i];
    for (unsigned i = 0; i < 8 && !found; i++) {
        uint64_t old = atomic_load(&set[i].key);
        if (share_at(atomic_load(&set[i].word), now) == SHARE_WHOLE &&
            atomic_compare_exchange_strong(&set[i].key, &old, key))
            found = &set[i];
    }
    if (!found)
        return -ENOSPC;
    shrink_word(found, word, share, now);
    uint64_t last = atomic_load(&b->live->shrinks_until);
    while (last < (uint64_t)until &&
           !atomic_compare_exchange_weak(&b->live->shrinks_until, &last, (uint64_t)until))
        continue;
    return 0;
}
