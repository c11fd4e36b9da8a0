/* Budgets that are enforced elsewhere: a kernel stops what is over by itself, between two looks of
 * ours. */
#include "budget/charge.h"

#include "budget/hold.h"
#include "budget/ring.h"

#include <errno.h>

struct leased {
    const struct plan_budget *budget;
    struct principal payer; /* whose rings: the principal's own, or everyone's */
    uint64_t h, own_h;
    struct hold_record *hold;
    nanos_t now, time;
};

static bool leased_begin(const struct budgets *b, unsigned budget, const struct principal *p,
                         nanos_t now, struct leased *out)
{
    const struct plan *plan = plan_of(b);
    if (budget >= plan->budget_count || plan->budget[budget].slot >= SLOT_COUNT)
        return false;
    const struct plan_budget *found = &plan->budget[budget];
    for (unsigned w = 0; w < found->window_count; w++)
        if (found->window[w].cell)
            return false;
    *out = (struct leased){.budget = found,
                           .payer = found->everyone ? principal_everyone() : *p,
                           .own_h = principal_hash(b, found->key, p),
                           .now = now > 0 ? now : 0,
                           .time = ring_time(b, now)};
    out->h = principal_hash(b, found->key, &out->payer);
    if (atomic_load_explicit(&b->live->holds_live, memory_order_relaxed))
        out->hold = hold_lookup(b, out->own_h, p);
    return !found->distinct;
}

static bool ring_of(const struct budgets *b, const struct leased *l, const struct plan_window *w,
                    struct ring_place *out)
{
    return ring_find(b, l->h, l->payer.proven, key_mix(l->h, w->mix), out) &&
           atomic_load(&out->ring->expires) > (uint64_t)l->time;
}

/* What fits into every window; the tightest in *out. */
static uint64_t windows_left(const struct budgets *b, const struct leased *l, struct outcome *out)
{
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < l->budget->window_count; i++) {
        const struct plan_window *w = &l->budget->window[i];
        struct ring_place place;
        bool known = ring_of(b, l, w, &place);
        uint64_t used = known ? ring_used(place.ring, w->width, l->time) : 0;
        uint64_t left = used < w->limit ? w->limit - used : 0;
        if (left >= least)
            continue;
        least = left;
        out->window = (uint8_t)i;
        out->used = used;
        out->limit = w->limit;
        nanos_t at = known ? ring_fits_at(place.ring, w->width, w->limit, 1, l->time) : 0;
        out->until = at ? at - (l->time - l->now) : 0;
    }
    return least == UINT64_MAX ? 0 : least;
}

static uint64_t grace_left(const struct leased *l)
{
    if (!l->hold || hold_in_force(l->hold, l->now) ||
        atomic_load(&l->hold->grace_until) <= (uint64_t)l->now)
        return 0;
    return atomic_load(&l->hold->grace_left);
}

uint64_t budget_left(const struct budgets *b, unsigned budget, const struct principal *p,
                     nanos_t now, struct outcome *outcome)
{
    struct outcome out = {.budget = (int16_t)budget};
    struct leased l;
    uint64_t left = 0;
    if (leased_begin(b, budget, p, now, &l)) {
        left = windows_left(b, &l, &out);
        /* A window of everyone is hard: one principal's release does not widen it. */
        left += l.budget->everyone ? 0 : grace_left(&l);
        if (l.hold && hold_in_force(l.hold, l.now)) {
            out.hold = atomic_load(&l.hold->id);
            out.until = (nanos_t)(atomic_load(&l.hold->until) & INT64_MAX);
            out.would_be = VERDICT_HOLD;
            if (!hold_is_observed(l.hold) && mode_in_force(b, l.budget, l.now) == MODE_ENFORCE)
                out.verdict = VERDICT_HOLD;
        }
    }
    if (outcome)
        *outcome = out;
    return left;
}

int budget_spent(struct budgets *b, unsigned budget, const struct principal *p, uint64_t amount,
                 nanos_t now)
{
    return budget_spent_before(b, budget, p, amount, now, now);
}

int budget_spent_before(struct budgets *b, unsigned budget, const struct principal *p,
                        uint64_t amount, nanos_t when, nanos_t now)
{
    struct leased l;
    if (b->read_only)
        return -EACCES;
    if (!leased_begin(b, budget, p, now, &l))
        return -EINVAL;
    if (amount == 0)
        return 0;
    uint64_t grace = grace_left(&l);
    if (grace) { /* rare: what is left costs more to know than all the rest */
        struct outcome out;
        uint64_t left = windows_left(b, &l, &out), beyond = amount > left ? amount - left : 0;
        hold_grace(l.hold, beyond < grace ? beyond : grace, l.now);
    }
    bool lost = false;
    for (unsigned i = l.budget->window_count; i-- > 0;) {
        const struct plan_window *w = &l.budget->window[i];
        if (now - when >= w->span)
            continue; /* it has left this window already */
        struct ring_ask ask = {.h = l.h,
                               .key = key_mix(l.h, w->mix),
                               .budget = l.budget,
                               .span = w->span,
                               .width = w->width,
                               .who = &l.payer};
        struct ring_place place;
        bool made;
        if (!ring_find_live(b, l.h, l.payer.proven, ask.key, l.time, &place) &&
            !ring_take(b, &ask, l.time, &place, &made)) {
            lost = true;
            continue;
        }
        ring_add(&place, w->span, w->width, amount, l.time - (now - when));
    }
    count_one(lost ? &tally_of(b, l.budget)->to_others : &tally_of(b, l.budget)->allowed);
    if (l.budget->everyone && p->kind != PRINCIPAL_EVERYONE)
        crowd_add(b, l.budget, l.own_h, p, amount, l.time);
    return lost ? -ENOSPC : 0;
}

struct outcome budget_refused(struct budgets *b, unsigned budget, const struct principal *p,
                              uint64_t amount, nanos_t now)
{
    struct outcome out = {.budget = (int16_t)budget};
    struct leased l;
    if (b->read_only || !leased_begin(b, budget, p, now, &l))
        return out;
    windows_left(b, &l, &out);
    bool observed = mode_in_force(b, l.budget, l.now) == MODE_OBSERVE;
    struct tally *tally = tally_of(b, l.budget);
    count_one(observed ? &tally->would_hold : &tally->refused);
    out.would_be = VERDICT_HOLD;
    out.verdict = observed ? VERDICT_ALLOW : VERDICT_HOLD;
    if (l.budget->rule->over != OVER_HOLD)
        return out;
    if (l.hold && hold_in_force(l.hold, l.now) && (observed || !hold_is_observed(l.hold))) {
        count_one(&l.hold->refused);
        out.hold = atomic_load(&l.hold->id);
        out.until = (nanos_t)(atomic_load(&l.hold->until) & INT64_MAX);
        return out;
    }
    if (l.budget->everyone) {
        crowd_hold(b, l.budget, amount, l.now);
        return out;
    }
    struct hold_ask ask = {.h = l.own_h,
                           .budget = l.budget,
                           .window = out.window,
                           .who = p,
                           .used = out.used,
                           .limit = out.limit,
                           .observed = observed};
    out.hold = hold_begin(b, &ask, l.now);
    if (!out.hold) {
        count_one(&tally->no_slot);
        return out;
    }
    struct hold_record *record = hold_lookup(b, l.own_h, p);
    if (record)
        out.until = (nanos_t)(atomic_load(&record->until) & INT64_MAX);
    return out;
}
