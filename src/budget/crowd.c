/* Who contributes most to a budget that everyone shares.
 *
 * Each such budget follows CROWD_SIZE contributors (Space-Saving: Metwally, Agrawal, El Abbadi
 * 2005) in sets of 8: a newcomer to a full set takes the place of the smallest and inherits its
 * count as a possible error, so that whoever contributes more than an eighth of what falls on a set
 * is always followed. Counts fade as the windows do (each second by its share of the span).
 *
 * When the budget is over, the tick holds them in order of what they certainly contributed, until
 * the rest fits into nine tenths of the limit, and takes their contribution off the shared ring, so
 * that the others go on. What is taken off has left all the same: for meters of loss no more than
 * one limit is taken off in any window, which a ring of its own counts, so that a window sees at
 * most twice its limit, whoever takes turns. After that, and when no contributor explains it (a
 * million strangers with one request each), everyone stays refused: the limit is what protects
 * then.
 */
#include "budget/charge.h"

#include "budget/hold.h"
#include "budget/ring.h"

#include <stdlib.h>

static uint64_t contributor_key(uint64_t h)
{
    return key_mix(h, UINT64_C(0x63726f7764));
}

static void contributor_fill(struct contributor *c, const struct principal *p, bool inherits,
                             nanos_t time)
{
    uint64_t name[2], network[2];
    memcpy(name, p->id, sizeof name);
    memcpy(network, p->network, sizeof network);
    atomic_store(&c->who, principal_pack(p));
    for (int i = 0; i < 2; i++) {
        atomic_store(&c->name[i], name[i]);
        atomic_store(&c->network[i], network[i]);
    }
    for (unsigned w = 0; w < CONTRACT_MAX_WINDOWS; w++) {
        uint64_t count = inherits ? atomic_load(&c->count[w]) : 0;
        atomic_store(&c->count[w], count);
        atomic_store(&c->error[w], count);
    }
    atomic_store(&c->decayed, (uint64_t)time);
}

static struct contributor *contributor_for(struct crowd *crowd, uint64_t h,
                                           const struct principal *p, nanos_t time)
{
    struct contributor *set =
        crowd->contributor + (h >> 3) % (CROWD_SIZE / KEYS_A_SET) * KEYS_A_SET;
    uint64_t key = contributor_key(h), smallest_count = UINT64_MAX;
    struct contributor *smallest = NULL;
    for (unsigned i = 0; i < KEYS_A_SET; i++) {
        uint64_t old = atomic_load(&set[i].key);
        if (old == key)
            return &set[i];
        if (old && !(old & KEY_REAL) && !claim_is_dead(old, time))
            continue;
        uint64_t count = old ? atomic_load(&set[i].count[0]) : 0;
        if (count < smallest_count || !smallest) {
            smallest = &set[i];
            smallest_count = count;
        }
    }
    if (!smallest)
        return NULL;
    uint64_t old = atomic_load(&smallest->key), marker = claim_marker(time);
    if ((old && !(old & KEY_REAL) && !claim_is_dead(old, time)) ||
        !atomic_compare_exchange_strong(&smallest->key, &old, marker))
        return NULL; /* someone else is faster: one contribution is not noted, the ring has it */
    contributor_fill(smallest, p, old != 0, time);
    atomic_compare_exchange_strong(&smallest->key, &marker, key);
    return smallest;
}

void crowd_add(struct budgets *b, const struct plan_budget *budget, uint64_t h,
               const struct principal *p, uint64_t amount, nanos_t time)
{
    if (budget->crowd < 0)
        return;
    struct contributor *c = contributor_for(&b->crowds[budget->crowd], h, p, time);
    for (unsigned w = 0; c && w < budget->window_count; w++)
        atomic_fetch_add(&c->count[w], amount);
}

static void fade(word_t *count, double kept)
{
    uint64_t old = atomic_load(count);
    while (old &&
           !atomic_compare_exchange_weak(count, &old, (uint64_t)((double)old * kept)))
        continue;
}

static void crowd_fade(struct crowd *crowd, const struct plan_budget *budget, nanos_t time)
{
    for (unsigned i = 0; i < CROWD_SIZE; i++) {
        struct contributor *c = &crowd->contributor[i];
        uint64_t last = atomic_load(&c->decayed);
        if (!(atomic_load(&c->key) & KEY_REAL) || last >= (uint64_t)time ||
            !atomic_compare_exchange_strong(&c->decayed, &last, (uint64_t)time))
            continue;
        for (unsigned w = 0; w < budget->window_count; w++) {
            double share = (double)((uint64_t)time - last) / (double)budget->window[w].span;
            fade(&c->count[w], share < 1 ? 1 - share : 0);
            fade(&c->error[w], share < 1 ? 1 - share : 0);
        }
        /* Nothing of a contributor is kept beyond its contribution. */
        bool empty = true;
        for (unsigned w = 0; w < budget->window_count; w++)
            empty &= atomic_load(&c->count[w]) == 0;
        uint64_t key = atomic_load(&c->key);
        if (empty && key & KEY_REAL &&
            atomic_compare_exchange_strong(&c->key, &key, claim_marker(time))) {
            struct principal nobody = {0};
            contributor_fill(c, &nobody, false, time);
            atomic_store(&c->key, 0);
        }
    }
}

struct candidate {
    uint64_t certain;
    struct contributor *from;
};

static int largest_first(const void *a, const void *b)
{
    uint64_t left = ((const struct candidate *)a)->certain;
    uint64_t right = ((const struct candidate *)b)->certain;
    return left < right ? 1 : left > right ? -1 : 0;
}

static size_t candidates(struct crowd *crowd, unsigned w, struct candidate out[CROWD_SIZE])
{
    size_t n = 0;
    for (unsigned i = 0; i < CROWD_SIZE; i++) {
        struct contributor *c = &crowd->contributor[i];
        uint64_t count = atomic_load(&c->count[w]), error = atomic_load(&c->error[w]);
        if (atomic_load(&c->key) & KEY_REAL && count > error)
            out[n++] = (struct candidate){count - error, c};
    }
    qsort(out, n, sizeof *out, largest_first);
    return n;
}

static bool contributor_hold(struct budgets *b, const struct plan_budget *budget, unsigned w,
                             struct contributor *c, uint64_t used, nanos_t now)
{
    struct principal p;
    uint64_t name[2] = {atomic_load(&c->name[0]), atomic_load(&c->name[1])};
    uint64_t network[2] = {atomic_load(&c->network[0]), atomic_load(&c->network[1])};
    principal_unpack(atomic_load(&c->who), name, network, &p);
    if (p.protected_by >= 0 && budget->continuity)
        return false;
    struct hold_ask ask = {.h = principal_hash(b, budget->key, &p),
                           .budget = budget,
                           .window = w,
                           .who = &p,
                           .used = used,
                           .limit = budget->window[w].limit,
                           .observed = mode_in_force(b, budget, now) == MODE_OBSERVE};
    if (!hold_begin(b, &ask, now)) {
        count_one(&tally_of(b, budget)->no_slot);
        return false;
    }
    sample_held(b, budget, ask.h);
    return !ask.observed;
}

/* The ring that counts what was taken off a window. */
static bool relief_ring(struct budgets *b, const struct plan_budget *budget,
                        const struct plan_window *window, nanos_t time, struct ring_place *out,
                        uint64_t *key)
{
    struct principal relieved = principal_everyone();
    relieved.id[0] = 'r';
    struct ring_ask ask = {.h = principal_hash(b, budget->key, &relieved),
                           .budget = budget,
                           .span = window->span,
                           .width = window->width,
                           .who = &relieved};
    bool made;
    *key = ask.key = key_mix(ask.h, window->mix);
    return ring_find_live(b, ask.h, true, ask.key, time, out) ||
           ring_take(b, &ask, time, out, &made);
}

static bool relief_allowed(struct budgets *b, const struct plan_budget *budget,
                           const struct plan_window *window, uint64_t amount, nanos_t time)
{
    struct ring_place place;
    struct ring_charge charge;
    uint64_t key;
    if (budget->continuity)
        return true;
    return relief_ring(b, budget, window, time, &place, &key) &&
           ring_charge(&place, key, window->span, window->width, window->limit, amount, time,
                       &charge) == RING_DONE;
}

/* The rest is what remains: the shared rings forget, window by window, what the held one certainly
 * put there. */
static void contributor_forget(struct budgets *b, const struct plan_budget *budget, uint64_t h,
                               struct contributor *c, nanos_t time)
{
    /* The longest first: see carry_over() in ring.c. */
    for (unsigned w = budget->window_count; w-- > 0;) {
        const struct plan_window *window = &budget->window[w];
        uint64_t count = atomic_exchange(&c->count[w], 0), error = atomic_exchange(&c->error[w], 0);
        struct ring_place place;
        if (count > error && ring_find(b, h, true, key_mix(h, window->mix), &place) &&
            relief_allowed(b, budget, window, count - error, time))
            ring_relieve(place.ring, window->width, count - error, time);
    }
}

static void window_work(struct budgets *b, const struct plan_budget *budget, unsigned w, uint64_t h,
                        nanos_t now)
{
    const struct plan_window *window = &budget->window[w];
    struct crowd *crowd = &b->crowds[budget->crowd];
    nanos_t time = ring_time(b, now);
    uint64_t wanted = atomic_exchange(&crowd->wanted[w], 0), before = UINT64_MAX;
    struct ring_place place;
    if (wanted == 0 || !ring_find(b, h, true, key_mix(h, window->mix), &place))
        return;
    uint64_t target = window->limit - window->limit / 10;
    struct candidate order[CROWD_SIZE];
    size_t n = candidates(crowd, w, order);
    for (size_t i = 0; i < n; i++) {
        uint64_t used = ring_used(place.ring, window->width, time);
        /* Below one in CROWD_SIZE it is nobody's fault in particular. Once nothing more is taken
         * off, holding the next would help no one: only who took a tenth is held then. */
        uint64_t least = used < before ? window->limit / CROWD_SIZE : window->limit / 10;
        if (saturated_sum(used, wanted) <= target || order[i].certain < least)
            break;
        before = used;
        if (contributor_hold(b, budget, w, order[i].from, order[i].certain, now))
            contributor_forget(b, budget, h, order[i].from, time);
        else
            before = UINT64_MAX;
    }
}

void crowd_tick(struct budgets *b, const struct plan *plan, nanos_t now)
{
    struct principal everyone = principal_everyone();
    for (unsigned i = 0; i < plan->budget_count; i++) {
        const struct plan_budget *budget = &plan->budget[i];
        if (!budget->everyone || budget->crowd < 0 || budget->slot >= SLOT_COUNT)
            continue;
        crowd_fade(&b->crowds[budget->crowd], budget, ring_time(b, now));
        uint64_t h = principal_hash(b, budget->key, &everyone);
        for (unsigned w = 0; w < budget->window_count && budget->rule->over == OVER_HOLD; w++)
            window_work(b, budget, w, h, now);
    }
}

void crowd_refused(struct budgets *b, const struct plan_budget *budget, unsigned w, uint64_t amount)
{
    if (budget->crowd < 0)
        return;
    word_t *wanted = &b->crowds[budget->crowd].wanted[w];
    uint64_t old = atomic_load(wanted);
    while (old < amount && !atomic_compare_exchange_weak(wanted, &old, amount))
        continue;
}

/* Those who are held already are met again, and their share is what makes room in this reckoning:
 * nothing is taken off. */
void crowd_hold(struct budgets *b, const struct plan_budget *budget, uint64_t amount, nanos_t now)
{
    struct principal everyone = principal_everyone();
    uint64_t h = principal_hash(b, budget->key, &everyone);
    nanos_t time = ring_time(b, now);
    for (unsigned w = 0; w < budget->window_count && budget->crowd >= 0; w++) {
        const struct plan_window *window = &budget->window[w];
        struct ring_place place;
        if (!ring_find(b, h, true, key_mix(h, window->mix), &place))
            continue;
        uint64_t used = ring_used(place.ring, window->width, time);
        if (saturated_sum(used, amount) <= window->limit)
            continue;
        struct candidate order[CROWD_SIZE];
        size_t n = candidates(&b->crowds[budget->crowd], w, order);
        for (size_t i = 0; i < n && order[i].certain >= window->limit / CROWD_SIZE &&
                           saturated_sum(used, amount) > window->limit - window->limit / 10;
             i++) {
            contributor_hold(b, budget, w, order[i].from, order[i].certain, now);
            used = used > order[i].certain ? used - order[i].certain : 0;
        }
    }
}
