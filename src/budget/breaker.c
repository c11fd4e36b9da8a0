/* Whether a budget is about to hold people who behaved yesterday.
 *
 * Of each budget's principals of a day the SAMPLE_SIZE with the smallest keyed hash are remembered,
 * evenly spread over sets of 8: a uniform sample of all who came, however often each came, and all
 * of them when they are few. Who is held today is looked for in yesterday's sample; when the share
 * found passes the budget's `breaker`, the breaker opens until its holds would have ended. A share
 * needs at least BREAKER_FEWEST people behind it: among ten hosts, one thief is ten percent, and
 * must not switch off what stops it.
 *
 * Open, it is no free pass, since an attacker can prepare it: whoever is over BREAKER_TIMES a limit
 * is still held, and struck from yesterday's sample, so that it cannot open the breaker again.
 */
#include "budget/charge.h"

enum { SAMPLE_SETS = SAMPLE_SIZE / KEYS_A_SET, BREAKER_FEWEST = 5, HELD = 1 };

static word_t *sample_set(struct sample *sample, uint64_t h)
{
    return sample->h + (h >> 1) % SAMPLE_SETS * KEYS_A_SET;
}

static uint64_t sample_hash(uint64_t h)
{
    uint64_t clean = h & ~(uint64_t)HELD;
    return clean ? clean : 2;
}

static void sample_add(struct sample *sample, uint64_t h)
{
    word_t *set = sample_set(sample, h);
    uint64_t mine = sample_hash(h);
    for (int tries = 0; tries < 4; tries++) {
        unsigned largest = 0;
        uint64_t value = 0;
        for (unsigned i = 0; i < KEYS_A_SET; i++) {
            uint64_t word = atomic_load_explicit(&set[i], memory_order_relaxed);
            if ((word & ~(uint64_t)HELD) == mine)
                return;
            if (word == 0 && value != UINT64_MAX) {
                largest = i;
                value = UINT64_MAX;
            } else if (word > value) {
                largest = i;
                value = word;
            }
        }
        if (value != UINT64_MAX && value < mine)
            return;
        uint64_t old = value == UINT64_MAX ? 0 : value;
        if (atomic_compare_exchange_strong(&set[largest], &old, mine))
            return;
    }
}

void sample_seen(struct budgets *b, const struct plan_budget *budget, uint64_t h)
{
    sample_add(&b->slots[budget->slot].today, h);
}

static void sample_mark(struct sample *sample, uint64_t h)
{
    word_t *set = sample_set(sample, h);
    for (unsigned i = 0; i < KEYS_A_SET; i++) {
        uint64_t word = sample_hash(h);
        atomic_compare_exchange_strong(&set[i], &word, word | HELD);
    }
}

void sample_held(struct budgets *b, const struct plan_budget *budget, uint64_t h)
{
    sample_mark(&b->slots[budget->slot].today, h);
    sample_mark(&b->slots[budget->slot].yesterday, h);
}

void sample_strike(struct budgets *b, const struct plan_budget *budget, uint64_t h)
{
    struct budget_slot *slot = &b->slots[budget->slot];
    sample_mark(&slot->today, h); /* tomorrow it is not in good standing */
    word_t *set = sample_set(&slot->yesterday, h);
    for (unsigned i = 0; i < KEYS_A_SET; i++) {
        uint64_t word = atomic_load(&set[i]);
        if ((word & ~(uint64_t)HELD) == sample_hash(h))
            atomic_compare_exchange_strong(&set[i], &word, 0);
    }
}

/* How many came: a full set of 8 whose largest is v says that about 7 fall below v. */
uint64_t sample_estimate(const struct sample *sample)
{
    double estimate = 0;
    for (unsigned s = 0; s < SAMPLE_SETS; s++) {
        uint64_t largest = 0;
        unsigned used = 0;
        for (unsigned i = 0; i < KEYS_A_SET; i++) {
            uint64_t word = atomic_load(&sample->h[s * KEYS_A_SET + i]);
            used += word != 0;
            largest = word > largest ? word : largest;
        }
        estimate += used < KEYS_A_SET ? used : 7.0 * 18446744073709551616.0 / ((double)largest + 1);
    }
    return (uint64_t)(estimate + 0.5);
}

/* Those held yesterday were not in good standing. Their mark of yesterday is told from one of today
 * by removing them when the day turns. */
static void day_turn(struct budget_slot *slot, bool consecutive)
{
    for (unsigned i = 0; i < SAMPLE_SIZE; i++) {
        uint64_t word = atomic_exchange(&slot->today.h[i], 0);
        atomic_store(&slot->yesterday.h[i], consecutive && !(word & HELD) ? word : 0);
    }
}

static void marks_clear(struct sample *sample)
{
    for (unsigned i = 0; i < SAMPLE_SIZE; i++)
        atomic_fetch_and(&sample->h[i], ~(uint64_t)HELD);
}

bool breaker_is_open(const struct budgets *b, const struct plan_budget *budget, nanos_t now)
{
    uint64_t until =
        atomic_load_explicit(&b->slots[budget->slot].breaker_until, memory_order_relaxed);
    return until && until > (uint64_t)ring_time(b, now);
}

static void breaker_work(struct budgets *b, const struct plan_budget *budget, nanos_t now)
{
    struct budget_slot *slot = &b->slots[budget->slot];
    uint64_t until = atomic_load(&slot->breaker_until);
    if (until && until <= (uint64_t)ring_time(b, now)) {
        marks_clear(&slot->yesterday);
        atomic_compare_exchange_strong(&slot->breaker_until, &until, 0);
    }
    if (budget->rule->over != OVER_HOLD || budget->rule->breaker == 0 ||
        breaker_is_open(b, budget, now))
        return;
    uint64_t total = 0, held = 0;
    for (unsigned i = 0; i < SAMPLE_SIZE; i++) {
        uint64_t word = atomic_load(&slot->yesterday.h[i]);
        total += word != 0;
        held += word != 0 && (word & HELD);
    }
    if (held < BREAKER_FEWEST || held * 1000000 <= total * budget->rule->breaker)
        return;
    nanos_t length = budget->rule->hold_for > NANOS_HOUR ? budget->rule->hold_for : NANOS_HOUR;
    atomic_store(&slot->breaker_until, (uint64_t)(ring_time(b, now) + length));
}

void breaker_tick(struct budgets *b, const struct plan *plan, nanos_t now)
{
    uint64_t day = (uint64_t)(ring_time(b, now) / NANOS_DAY);
    uint64_t last = atomic_load(&b->rings_live->day);
    if (last != day && atomic_compare_exchange_strong(&b->rings_live->day, &last, day))
        for (unsigned i = 0; i < SLOT_COUNT; i++)
            day_turn(&b->slots[i], last + 1 == day);
    for (unsigned i = 0; i < plan->budget_count; i++)
        if (plan->budget[i].slot < SLOT_COUNT)
            breaker_work(b, &plan->budget[i], now);
}
