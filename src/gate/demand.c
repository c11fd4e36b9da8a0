#include "gate/demand.h"

#define RELAXED memory_order_relaxed

enum { AGAIN_SECONDS = 60 }; /* a trial that ends sooner was in vain */

static uint64_t load(const demand_word *word)
{
    return atomic_load_explicit(word, RELAXED);
}

static void store(demand_word *word, uint64_t value)
{
    atomic_store_explicit(word, value, RELAXED);
}

static uint32_t second_of(nanos_t now)
{
    return (uint32_t)(now / NANOS_SECOND);
}

/* ---- Seconds --------------------------------------------------------------------------------- */

static void second_add(demand_word seconds[DEMAND_SECONDS], uint32_t amount, nanos_t now)
{
    uint32_t second = second_of(now);
    demand_word *word = &seconds[second % DEMAND_SECONDS];
    uint64_t old = load(word), sum;
    do {
        uint64_t count = old >> 32 == second ? (uint32_t)old : 0;
        count += amount;
        sum = (uint64_t)second << 32 | (count > UINT32_MAX ? UINT32_MAX : count);
    } while (!atomic_compare_exchange_weak_explicit(word, &old, sum, RELAXED, RELAXED));
}

static uint32_t second_read(const demand_word seconds[DEMAND_SECONDS], uint32_t second)
{
    uint64_t word = load(&seconds[second % DEMAND_SECONDS]);
    return word >> 32 == second ? (uint32_t)word : 0;
}

static uint32_t most_of(const demand_word seconds[DEMAND_SECONDS], uint32_t from, uint32_t to)
{
    uint32_t most = 0;
    for (uint32_t second = from; second <= to; second++) {
        uint32_t count = second_read(seconds, second);
        if (count > most)
            most = count;
    }
    return most;
}

nanos_t demand_long_wait(nanos_t usual)
{
    if (usual == 0 || usual > DEMAND_LONG_MOST)
        return DEMAND_LONG_MOST;
    return usual < DEMAND_LONG_WAIT ? DEMAND_LONG_WAIT : usual;
}

void demand_add(struct demand *d, uint32_t asked, uint32_t given, nanos_t now)
{
    if (asked)
        second_add(d->asked, asked, now);
    if (given)
        second_add(d->given, given, now);
}

/* ---- Begin and end --------------------------------------------------------------------------- */

static uint64_t trial_within(uint64_t trial)
{
    if (trial < DEMAND_TRIAL)
        return DEMAND_TRIAL;
    return trial > DEMAND_TRIAL_MOST ? DEMAND_TRIAL_MOST : trial;
}

bool demand_begin(struct demand *d, nanos_t longest, nanos_t now)
{
    uint32_t second = second_of(now);
    uint32_t took = most_of(d->given, second - 2, second);
    store(&d->short_at, (uint64_t)now);
    if (demand_challenges(d)) {
        if (took > load(&d->took))
            store(&d->took, took);
        return false;
    }
    uint64_t none = 0;
    if (!atomic_compare_exchange_strong_explicit(&d->since, &none, (uint64_t)now, RELAXED, RELAXED))
        return false;
    uint64_t ended = load(&d->ended);
    bool again = ended && (uint64_t)now - ended < (uint64_t)AGAIN_SECONDS * NANOS_SECOND;
    store(&d->trial, trial_within(again ? 2 * load(&d->trial) : 0));
    store(&d->took, took);
    store(&d->longest, (uint64_t)longest);
    atomic_fetch_add_explicit(&d->begun, 1, RELAXED);
    return true;
}

static bool is_calm(const struct demand *d, nanos_t now)
{
    uint32_t second = second_of(now), calm = (uint32_t)(DEMAND_CALM / NANOS_SECOND);
    uint64_t most = most_of(d->asked, second - calm, second);
    return most * 100 < load(&d->took) * DEMAND_CALM_SHARE;
}

bool demand_look(struct demand *d, nanos_t now)
{
    uint64_t since = load(&d->since), short_at = load(&d->short_at);
    if (since == 0)
        return false;
    uint64_t last = short_at > since ? short_at : since;
    if (last > (uint64_t)now + NANOS_MINUTE) { /* of no clock of ours: begun now */
        store(&d->since, (uint64_t)now);
        store(&d->short_at, 0);
        return false;
    }
    nanos_t quiet = now - (nanos_t)last; /* another worker may be a moment ahead */
    bool trial = quiet >= (nanos_t)trial_within(load(&d->trial));
    if (!trial && (quiet < DEMAND_CALM || !is_calm(d, now)))
        return false;
    if (!atomic_compare_exchange_strong_explicit(&d->since, &since, 0, RELAXED, RELAXED))
        return false;
    store(&d->ended, (uint64_t)now);
    return true;
}

/* A moment, or a wait, that is read for people: none is beyond now, whatever was written. */
static nanos_t moment_within(const demand_word *word, nanos_t now)
{
    uint64_t moment = load(word);
    return moment > (uint64_t)now ? now : (nanos_t)moment;
}

void demand_view(const struct demand *d, nanos_t now, struct demand_view *out)
{
    uint32_t last = second_of(now) - 1;
    *out = (struct demand_view){
        .since = moment_within(&d->since, now),
        .ended = moment_within(&d->ended, now),
        .short_at = moment_within(&d->short_at, now),
        .longest = moment_within(&d->longest, now),
        .asked = second_read(d->asked, last),
        .given = second_read(d->given, last),
        .took = (uint32_t)load(&d->took),
        .begun = load(&d->begun),
    };
}
