#include "budget/plan.h"

#include "budget/rate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

uint64_t slot_name_key(const struct budgets *b, const char *name)
{
    return key_real(siphash(b->key, name, strnlen(name, CONTRACT_NAME_SIZE)));
}

/* The meter by its name, since the numbers of the enumeration may change from version to version.
 * What is counted in requests is nothing in bytes: another meter begins new counts under the same
 * name. */
static uint64_t budget_key(const struct budgets *b, const struct budget_rule *rule)
{
    char named[CONTRACT_NAME_SIZE + 32] = "";
    size_t length = strnlen(rule->name, CONTRACT_NAME_SIZE - 1);
    memcpy(named, rule->name, length);
    int more =
        snprintf(named + length + 1, sizeof named - length - 1, "%s", meter_name(rule->meter));
    return key_real(siphash(b->key, named, length + 1 + (size_t)more));
}

const struct plan_budget *plan_budget_keyed(const struct plan *plan, uint64_t key)
{
    for (unsigned i = 0; i < plan->budget_count; i++)
        if (plan->budget[i].key == key)
            return &plan->budget[i];
    return NULL;
}

static int slot_find(const struct budgets *b, uint64_t key)
{
    for (unsigned i = 0; i < SLOT_COUNT; i++)
        if (atomic_load(&b->slots[i].key) == key)
            return (int)i;
    return -1;
}

size_t slot_spans(const struct budgets *b, unsigned slot, nanos_t out[SLOT_MAX_SPANS])
{
    size_t count = 0;
    if (slot >= SLOT_COUNT)
        return 0;
    for (unsigned i = 0; i < SLOT_MAX_SPANS; i++) {
        uint64_t span = atomic_load(&b->slots[slot].span[i]);
        if (span && span <= INT64_MAX)
            out[count++] = (nanos_t)span;
    }
    return count;
}

nanos_t slot_longest(const struct budgets *b, uint64_t key)
{
    int slot = slot_find(b, key);
    nanos_t span[SLOT_MAX_SPANS], longest = 0;
    size_t count = slot < 0 ? 0 : slot_spans(b, (unsigned)slot, span);
    for (size_t i = 0; i < count; i++)
        if (span[i] > longest)
            longest = span[i];
    return longest;
}

/* A slot can be given away once every window that its budget had has run out since it was last in a
 * contract. */
static bool slot_is_spent(const struct budgets *b, unsigned slot, nanos_t time)
{
    nanos_t span[SLOT_MAX_SPANS], longest = NANOS_DAY;
    size_t count = slot_spans(b, slot, span);
    for (size_t i = 0; i < count; i++)
        if (span[i] > longest)
            longest = span[i];
    uint64_t used_at = atomic_load(&b->slots[slot].used_at);
    return used_at <= (uint64_t)time && (uint64_t)time - used_at > (uint64_t)longest + NANOS_HOUR;
}

static void slot_fill(struct budgets *b, unsigned slot, const char *name, nanos_t time)
{
    struct budget_slot *s = &b->slots[slot];
    snprintf(s->name, sizeof s->name, "%s", name);
    for (unsigned i = 0; i < SLOT_MAX_SPANS; i++)
        atomic_store(&s->span[i], 0);
    atomic_store(&s->breaker_until, 0);
    for (unsigned i = 0; i < SAMPLE_SIZE; i++) {
        atomic_store(&s->today.h[i], 0);
        atomic_store(&s->yesterday.h[i], 0);
    }
    atomic_store(&s->used_at, (uint64_t)time);
    if (b->tallies)
        for (unsigned i = 0; i < TALLY_SHARDS; i++)
            memset((void *)&b->tallies[slot * TALLY_SHARDS + i], 0, sizeof(struct tally));
}

/* Two processes may add the same name at once: both then use the lower of the two slots. The other
 * stays unused until it is spent. */
static int slot_make(struct budgets *b, const char *name, uint64_t key, nanos_t time)
{
    for (int pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < SLOT_COUNT; i++) {
            uint64_t old = atomic_load(&b->slots[i].key);
            bool free_now = old == 0 || (!(old & KEY_REAL) && claim_is_dead(old, time)) ||
                            (pass == 1 && (old & KEY_REAL) && slot_is_spent(b, i, time));
            if (!free_now ||
                !atomic_compare_exchange_strong(&b->slots[i].key, &old, claim_marker(time)))
                continue;
            slot_fill(b, i, name, time);
            atomic_store(&b->slots[i].key, key);
            return slot_find(b, key);
        }
    }
    return -ENOSPC;
}

static int slot_for(struct budgets *b, const char *name, uint64_t key, nanos_t time)
{
    int slot = slot_find(b, key);
    if (slot >= 0)
        return slot;
    return b->read_only ? SLOT_COUNT : slot_make(b, name, key, time);
}

static void slot_add_span(struct budgets *b, unsigned slot, nanos_t span)
{
    struct budget_slot *s = &b->slots[slot];
    for (unsigned i = 0; i < SLOT_MAX_SPANS; i++)
        if (atomic_load(&s->span[i]) == (uint64_t)span)
            return;
    for (unsigned i = 0; i < SLOT_MAX_SPANS; i++) {
        uint64_t none = 0;
        if (atomic_compare_exchange_strong(&s->span[i], &none, (uint64_t)span) ||
            none == (uint64_t)span)
            return;
    }
    /* Twelve windows were tried on this budget: the last place is shared from now on. Its former
     * rings run out by themselves, they are only no longer carried over. */
    atomic_store(&s->span[SLOT_MAX_SPANS - 1], (uint64_t)span);
}

static int crowd_for(struct budgets *b, uint64_t key, nanos_t time)
{
    for (int i = 0; i < CROWD_COUNT; i++)
        if (atomic_load(&b->crowds[i].budget) == key)
            return i;
    if (b->read_only)
        return -1;
    for (int i = 0; i < CROWD_COUNT; i++) {
        struct crowd *crowd = &b->crowds[i];
        uint64_t old = atomic_load(&crowd->budget);
        uint64_t used_at = atomic_load(&crowd->used_at);
        bool spent = (uint64_t)time > used_at && (uint64_t)time - used_at > (uint64_t)NANOS_HOUR;
        if (old && !spent)
            continue;
        atomic_store(&crowd->used_at, (uint64_t)time);
        if (!atomic_compare_exchange_strong(&crowd->budget, &old, key))
            continue;
        for (unsigned j = 0; j < CROWD_SIZE; j++)
            atomic_store(&crowd->contributor[j].key, 0);
        return crowd_for(b, key, time);
    }
    return -1;
}

/* A place can be given away once its window has run out since it was last in a contract. */
static bool promise_is_spent(const struct budgets *b, unsigned slot)
{
    uint64_t latest = 0;
    for (unsigned i = 0; i < PROMISE_SLOTS; i++) {
        uint64_t at = atomic_load(&b->promises[i].used_at);
        latest = at > latest && at <= INT64_MAX ? at : latest;
    }
    const struct promise_slot *p = &b->promises[slot];
    uint64_t used_at = atomic_load(&p->used_at), span = atomic_load(&p->span);
    return span <= INT64_MAX && used_at <= latest && latest - used_at > span + (uint64_t)NANOS_HOUR;
}

static void promise_fill(struct budgets *b, unsigned slot, nanos_t span)
{
    struct promise_slot *p = &b->promises[slot];
    for (unsigned i = 0; i < BUCKETS; i++) {
        atomic_store(&p->bucket[i].kept, 0);
        for (unsigned k = 0; k < PROMISE_BINS; k++)
            atomic_store(&p->bucket[i].bin[k], 0);
    }
    atomic_store(&p->span, (uint64_t)span);
}

static unsigned promise_slot_for(struct budgets *b, const struct promise_rule *rule)
{
    uint64_t key = (slot_name_key(b, rule->name) ^ (uint64_t)rule->over << 1) | KEY_REAL;
    for (unsigned i = 0; i < PROMISE_SLOTS; i++)
        if (atomic_load(&b->promises[i].key) == key)
            return i;
    for (unsigned i = 0; i < 2 * PROMISE_SLOTS && !b->read_only; i++) {
        unsigned slot = i % PROMISE_SLOTS;
        uint64_t old = atomic_load(&b->promises[slot].key);
        if (old != 0 && (i < PROMISE_SLOTS || !promise_is_spent(b, slot)))
            continue;
        if (atomic_compare_exchange_strong(&b->promises[slot].key, &old, key)) {
            promise_fill(b, slot, rule->over);
            return slot;
        }
        if (old == key)
            return slot;
    }
    return PROMISE_SLOTS;
}

static bool is_continuity(enum meter meter)
{
    switch (meter) {
    case METER_REQUESTS:
    case METER_ORIGIN_REQUESTS:
    case METER_PARCELS_READ:
    case METER_LOGIN_FAILURES:
    case METER_PACKETS:
        return true;
    default:
        return false;
    }
}

static void plan_window_fill(struct plan_window *w, const struct window *rule, bool cell)
{
    *w = (struct plan_window){.span = rule->span > 0 ? rule->span : 1,
                              .limit = rule->limit < LIMIT_MOST ? rule->limit : LIMIT_MOST,
                              .cell = cell};
    w->width = slice_width(w->span);
    struct rate rate = rate_of_window(w->span, w->limit);
    w->step = rate.step;
    w->tolerance = rate.tolerance;
    w->mix = (uint64_t)w->span * UINT64_C(0xd6e8feb86659fd93);
}

_Static_assert(CONTRACT_MAX_LIMIT <= LIMIT_MOST, "a contract may promise more than is counted");

static bool rate_is_fine(nanos_t span, uint64_t limit)
{
    return rate_of_window(span, limit).step >= RATE_STEP_FEWEST;
}

static int plan_budget_fill(struct budgets *b, struct plan_budget *out,
                            const struct budget_rule *rule, nanos_t time)
{
    *out = (struct plan_budget){.rule = rule,
                                .key = budget_key(b, rule),
                                .crowd = -1,
                                .distinct = meter_is_distinct(rule->meter),
                                .continuity = is_continuity(rule->meter),
                                .everyone = rule->per == PRINCIPAL_EVERYONE};
    int slot = slot_for(b, rule->name, out->key, time);
    if (slot < 0)
        return slot;
    out->slot = (unsigned)slot;
    out->window_count =
        rule->window_count < CONTRACT_MAX_WINDOWS ? rule->window_count : CONTRACT_MAX_WINDOWS;
    out->all_rates = out->window_count > 0;
    for (unsigned i = 0; i < out->window_count; i++) {
        bool cell = rule->meter == METER_REQUESTS && rule->window[i].span <= NANOS_MINUTE &&
                    !out->everyone && rate_is_fine(rule->window[i].span, rule->window[i].limit);
        plan_window_fill(&out->window[i], &rule->window[i], cell);
        out->all_rates &= cell;
        out->any_rate |= cell;
        if (out->window[i].span > out->longest)
            out->longest = out->window[i].span;
        if (!cell && !b->read_only)
            slot_add_span(b, out->slot, out->window[i].span);
    }
    if (out->everyone)
        out->crowd = crowd_for(b, out->key, time);
    return 0;
}

static bool contract_fits(const struct contract *c)
{
    return c->budget_count <= CONTRACT_MAX_BUDGETS && c->promise_count <= CONTRACT_MAX_PROMISES &&
           c->route_count <= CONTRACT_MAX_ROUTES;
}

static nanos_t slots_now(const struct budgets *b)
{
    nanos_t latest = 0;
    for (unsigned i = 0; i < SLOT_COUNT; i++) {
        uint64_t at = atomic_load(&b->slots[i].used_at);
        if (at <= INT64_MAX && (nanos_t)at > latest)
            latest = (nanos_t)at;
    }
    return latest;
}

struct plan *plan_new(struct budgets *b, const struct contract *c, struct error *error)
{
    if (!contract_fits(c)) {
        error_set(error, -EINVAL, "the contract holds more than its own limits");
        return NULL;
    }
    struct plan *plan = calloc(1, sizeof *plan);
    if (!plan) {
        error_set(error, -ENOMEM, "no memory for the contract's plan");
        return NULL;
    }
    plan->contract = c;
    plan->budget_count = c->budget_count;
    plan->promise_count = c->promise_count;
    /* No call to open or prepare is told the time; the latest moment that a guard has seen
     * serves. */
    nanos_t time = slots_now(b);
    for (unsigned i = 0; i < c->budget_count; i++) {
        if (plan_budget_fill(b, &plan->budget[i], &c->budget[i], time) < 0) {
            error_set(error, -ENOSPC, "no place for budget \"%s\": %d budgets are still counted",
                      c->budget[i].name, SLOT_COUNT);
            free(plan);
            return NULL;
        }
    }
    for (unsigned i = 0; i < c->promise_count; i++)
        plan->promise_slot[i] = promise_slot_for(b, &c->promise[i]);
    return plan;
}

void plan_free(struct plan *plan)
{
    free(plan);
}

void plan_touch(struct budgets *b, const struct plan *plan, nanos_t now)
{
    nanos_t time = ring_time(b, now);
    for (unsigned i = 0; i < plan->budget_count; i++) {
        const struct plan_budget *budget = &plan->budget[i];
        if (budget->slot < SLOT_COUNT)
            atomic_store(&b->slots[budget->slot].used_at, (uint64_t)time);
        if (budget->crowd >= 0)
            atomic_store(&b->crowds[budget->crowd].used_at, (uint64_t)time);
    }
    for (unsigned i = 0; i < plan->promise_count; i++)
        if (plan->promise_slot[i] < PROMISE_SLOTS)
            atomic_store(&b->promises[plan->promise_slot[i]].used_at, (uint64_t)now);
}
