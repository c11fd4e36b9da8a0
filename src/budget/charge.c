#include "budget/charge.h"

#include "budget/hold.h"
#include "budget/window.h"

struct charge { /* one call, from beginning to end */
    struct budgets *b;
    const struct plan_budget *budget;
    const struct principal *actor; /* as the guard said it */
    const struct principal *payer; /* whose windows are charged: the actor, or everyone */
    uint64_t h, actor_h;
    uint64_t amount;
    nanos_t now, time;
    bool spared; /* protected, and this is about continuity */
    bool shrunk;
    bool generous; /* the breaker is open: BREAKER_TIMES each limit is asked for */
    bool several;  /* and that is spent too */
    struct hold_record *hold;
    struct principal network;
    struct level level[2];
    unsigned levels;
    struct touch touch[CONTRACT_MAX_WINDOWS];
};

static const struct principal everyone = {
    .kind = PRINCIPAL_EVERYONE, .proven = 1, .protected_by = -1};

struct tally *tally_of(struct budgets *b, const struct plan_budget *budget)
{
    return &b->tallies[budget->slot * TALLY_SHARDS + b->shard];
}

static enum mode mode_asked(const struct budgets *b, const struct plan_budget *budget)
{
    const struct contract *c = plan_of(b)->contract;
    if (c->mode == MODE_OBSERVE || budget->rule->mode == MODE_OBSERVE ||
        atomic_load_explicit(&b->mode, memory_order_relaxed) == MODE_OBSERVE)
        return MODE_OBSERVE;
    return MODE_ENFORCE;
}

enum mode mode_in_force(const struct budgets *b, const struct plan_budget *budget, nanos_t now)
{
    return breaker_is_open(b, budget, now) ? MODE_OBSERVE : mode_asked(b, budget);
}

/* Whether it is only the breaker that observes: then there is a bound to what it lets be. */
static bool is_bounded(const struct charge *c)
{
    return !c->spared && !c->budget->everyone && breaker_is_open(c->b, c->budget, c->now) &&
           mode_asked(c->b, c->budget) == MODE_ENFORCE;
}

/* All that will be looked at first, at once: misses that do not wait for each other. */
static void lines_prefetch(struct budgets *b, const struct plan_budget *budget, uint64_t h,
                           bool proven)
{
    if (budget->any_rate)
        __builtin_prefetch(rate_line(b, table_first(&b->rate_table, h)), 1);
    if (budget->all_rates)
        return;
    if (!proven)
        __builtin_prefetch(b->quarters + (size_t)table_first(&b->quarter_table, h) * CELLS_A_LINE,
                           1);
    __builtin_prefetch(b->ring_keys + (size_t)table_first(&b->ring_table, h) * KEYS_A_SET);
}

static bool charge_begin(struct charge *c, struct budgets *b, unsigned budget,
                         const struct principal *p, uint64_t amount, nanos_t now)
{
    const struct plan *plan = plan_of(b);
    if (budget >= plan->budget_count || plan->budget[budget].slot >= SLOT_COUNT)
        return false;
    *c = (struct charge){.b = b,
                         .budget = &plan->budget[budget],
                         .actor = p,
                         .amount = amount,
                         .now = now > 0 ? now : 0,
                         .time = ring_time(b, now)};
    c->payer = c->budget->everyone ? &everyone : p;
    c->h = principal_hash(b, c->budget->key, c->payer);
    lines_prefetch(b, c->budget, c->h, c->payer->proven);
    c->actor_h = c->payer == p ? c->h : principal_hash(b, c->budget->key, p);
    c->spared = p->protected_by >= 0 && c->budget->continuity;
    c->shrunk = shrunk_any(b, c->now);
    c->level[0] = (struct level){c->payer, c->h};
    c->levels = 1;
    if (atomic_load_explicit(&b->live->holds_live, memory_order_relaxed))
        c->hold = hold_lookup(b, c->actor_h, p);
    return true;
}

static struct touching touching_of(const struct charge *c, unsigned w)
{
    const struct plan_window *window = &c->budget->window[w];
    uint64_t limit =
        c->shrunk ? shrunk_limit(c->b, c->actor, window->limit, c->now) : window->limit;
    return (struct touching){
        .b = c->b,
        .budget = c->budget,
        .window = window,
        .limit = c->generous ? limit * BREAKER_TIMES : limit,
        .generous = c->generous,
        .amount = c->amount,
        .now = c->now,
        .time = c->time};
}

static void level_add_network(struct charge *c)
{
    if (c->levels == 2 || !principal_payer(c->payer, &c->network))
        return;
    c->level[1] =
        (struct level){&c->network, principal_hash(c->b, c->budget->key, &c->network)};
    c->levels = 2;
}

/* Self, then network, then the others, who are never refused. */
static void window_touch(struct charge *c, unsigned w, bool peek)
{
    struct touching t = touching_of(c, w);
    struct touch *touch = &c->touch[w];
    for (unsigned i = 0; i < c->levels; i++) {
        bool there =
            peek ? window_peek(&t, &c->level[i], touch) : window_charge(&t, &c->level[i], touch);
        if (there) {
            touch->charged_to = i == 0 ? CHARGED_SELF : CHARGED_NETWORK;
            return;
        }
        if (i == 0 && !peek)
            level_add_network(c);
    }
    *touch = (struct touch){.limit = t.limit,
                            .over = peek && t.limit == 0,
                            .charged_to = peek ? CHARGED_SELF : CHARGED_OTHERS};
}

static bool is_tighter(const struct touch *a, const struct touch *b)
{
    if (a->over != b->over)
        return a->over;
    if (a->over)
        return a->until > b->until;
    return (unsigned __int128)a->used * b->limit > (unsigned __int128)b->used * a->limit;
}

/* All windows or none, the longest first: see carry_over() in ring.c. Returns whether all admitted
 * it. */
static bool windows_charge(struct charge *c, bool peek)
{
    unsigned count = c->budget->window_count, w = count;
    bool over = false;
    while (w > 0 && !over) {
        window_touch(c, --w, peek);
        over = c->touch[w].over && !peek;
    }
    if (!over)
        return true;
    for (unsigned undone = w; undone < count; undone++)
        window_undo(&c->touch[undone], c->amount);
    while (w > 0) /* another one may be over too, and for longer */
        window_touch(c, --w, true);
    return false;
}

static void outcome_fill(const struct charge *c, struct outcome *out)
{
    unsigned tightest = 0;
    for (unsigned w = 1; w < c->budget->window_count; w++)
        if (is_tighter(&c->touch[w], &c->touch[tightest]))
            tightest = w;
    const struct touch *touch = &c->touch[tightest];
    out->window = (uint8_t)tightest;
    out->used = touch->used;
    out->limit = touch->limit;
    out->until = touch->over ? touch->until : 0;
    for (unsigned w = 0; w < c->budget->window_count; w++)
        if (c->touch[w].charged_to > out->charged_to)
            out->charged_to = c->touch[w].charged_to;
}

/* What was over once was asked for again, generously. What is told is the limit of the contract. */
static void generous_end(struct charge *c, bool fits, struct outcome *out)
{
    c->several = !fits;
    if (fits)
        return;
    struct outcome more = *out;
    outcome_fill(c, &more);
    more.limit /= BREAKER_TIMES;
    *out = more;
}

static void tally_outcome(struct charge *c, const struct outcome *out)
{
    struct tally *tally = tally_of(c->b, c->budget);
    static const size_t verdict_at[] = {
        [VERDICT_ALLOW] = offsetof(struct tally, allowed),
        [VERDICT_SLOW] = offsetof(struct tally, slowed),
        [VERDICT_CHALLENGE] = offsetof(struct tally, challenged),
        [VERDICT_HOLD] = offsetof(struct tally, refused),
    };
    count_one((word_t *)((char *)tally + verdict_at[out->verdict]));
    if (out->charged_to == CHARGED_NETWORK)
        count_one(&tally->to_network);
    else if (out->charged_to == CHARGED_OTHERS)
        count_one(&tally->to_others);
    if (out->would_be == out->verdict)
        return;
    if (out->would_be == VERDICT_SLOW)
        count_one(&tally->would_slow);
    else if (out->would_be == VERDICT_CHALLENGE)
        count_one(&tally->would_challenge);
    else if (out->would_be == VERDICT_HOLD)
        count_one(&tally->would_hold);
}

static enum verdict verdict_of(enum over over)
{
    switch (over) {
    case OVER_SLOW:
        return VERDICT_SLOW;
    case OVER_CHALLENGE:
        return VERDICT_CHALLENGE;
    default:
        return VERDICT_HOLD;
    }
}

static void hold_over(struct charge *c, struct outcome *out, bool observed)
{
    if (c->budget->everyone) {
        /* The next tick finds who contributed most: nobody else waits longer. */
        for (unsigned w = 0; w < c->budget->window_count; w++)
            if (c->touch[w].over)
                crowd_refused(c->b, c->budget, w, c->amount);
        nanos_t next = c->now + NANOS_SECOND;
        if (out->until > next || out->until == 0)
            out->until = next;
        return;
    }
    if (out->charged_to != CHARGED_SELF)
        return; /* a network is not held for the sake of some of its clients */
    struct hold_ask ask = {.h = c->h,
                           .budget = c->budget,
                           .window = out->window,
                           .who = c->actor,
                           .used = out->used,
                           .limit = out->limit,
                           .observed = observed,
                           .several = c->several};
    out->hold = hold_begin(c->b, &ask, c->now);
    if (c->several) /* whether there was a slot for it or not */
        sample_strike(c->b, c->budget, c->h);
    if (out->hold == 0) {
        count_one(&tally_of(c->b, c->budget)->no_slot);
        return;
    }
    if (!c->several)
        sample_held(c->b, c->budget, c->h);
    struct hold_record *record = hold_lookup(c->b, c->h, c->actor);
    if (record)
        out->until = (nanos_t)(atomic_load(&record->until) & INT64_MAX);
}

static void over_decide(struct charge *c, struct outcome *out)
{
    if (c->spared)
        return;
    if (c->hold && !c->budget->everyone && hold_grace(c->hold, c->amount, c->now))
        return;
    bool observed = !c->several && mode_in_force(c->b, c->budget, c->now) == MODE_OBSERVE;
    out->would_be = verdict_of(c->budget->rule->over);
    out->verdict = observed ? VERDICT_ALLOW : out->would_be;
    if (out->would_be == VERDICT_HOLD)
        hold_over(c, out, observed);
}

/* Whether a hold in force settles the matter. */
static bool held_already(struct charge *c, struct outcome *out)
{
    if (!c->hold || c->spared || !hold_in_force(c->hold, c->now))
        return false;
    bool observed = hold_is_observed(c->hold);
    enum mode mode = mode_in_force(c->b, c->budget, c->now);
    if (observed && mode == MODE_ENFORCE)
        return false; /* it was only noticed; if it is still over, it is held now */
    count_one(&c->hold->refused);
    out->would_be = VERDICT_HOLD;
    out->hold = atomic_load(&c->hold->id);
    out->until = (nanos_t)(atomic_load(&c->hold->until) & INT64_MAX);
    if (mode == MODE_OBSERVE && !(hold_is_several(c->hold) && is_bounded(c)))
        return false;
    out->verdict = VERDICT_HOLD;
    out->used = atomic_load(&c->hold->used);
    out->limit = atomic_load(&c->hold->limit);
    uint64_t span = atomic_load(&c->hold->span);
    for (unsigned w = 0; w < c->budget->window_count; w++)
        if ((uint64_t)c->budget->window[w].span == span)
            out->window = (uint8_t)w;
    return true;
}

static void admitted(struct charge *c)
{
    bool made = false;
    for (unsigned w = 0; w < c->budget->window_count; w++)
        made |= c->touch[w].made && c->touch[w].charged_to == CHARGED_SELF;
    if (made)
        sample_seen(c->b, c->budget, c->h);
    if (c->budget->everyone && c->actor->kind != PRINCIPAL_EVERYONE)
        crowd_add(c->b, c->budget, c->actor_h, c->actor, c->amount, c->time);
}

struct spent { /* of the window that has the largest share spent */
    unsigned window;
    uint64_t ahead;
};

/* Charges w.. of the windows; how many could be charged. */
static unsigned rates_charge(struct budgets *b, const struct plan_budget *budget, uint64_t h,
                             bool proven, uint64_t amount, nanos_t now, word_t **cell,
                             struct spent *most)
{
    unsigned w = 0;
    for (; w < budget->window_count; w++) {
        const struct plan_window *window = &budget->window[w];
        uint64_t print = rate_print(h, window->mix), ahead;
        cell[w] = rate_find(b, h, proven, print);
        if (!cell[w] || rate_charge(cell[w], print, (struct rate){window->step, window->tolerance},
                                    amount, now, &ahead) != RATE_DONE)
            break;
        if (w == 0 || (unsigned __int128)ahead * budget->window[most->window].tolerance >
                          (unsigned __int128)most->ahead * window->tolerance)
            *most = (struct spent){w, ahead};
    }
    return w;
}

/* The common case by a shorter way: rate cells only, all of them there, nobody shrunk, this one not
 * held, within the limits. Anything else, and nothing has been done. */
static bool charge_known_rates(struct budgets *b, const struct plan_budget *budget,
                               const struct principal *p, uint64_t amount, nanos_t now,
                               struct outcome *out)
{
    uint64_t h = principal_hash(b, budget->key, p);
    __builtin_prefetch(rate_line(b, table_first(&b->rate_table, h)), 1);
    if (budget->window_count > 1)
        __builtin_prefetch(rate_line(b, table_second(&b->rate_table, h, p->proven)), 1);
    if (shrunk_any(b, now) || now <= 0 ||
        (atomic_load_explicit(&b->live->holds_live, memory_order_relaxed) && hold_lookup(b, h, p)))
        return false;
    word_t *cell[CONTRACT_MAX_WINDOWS];
    struct spent most = {0, 0};
    unsigned w = rates_charge(b, budget, h, p->proven, amount, now, cell, &most);
    if (w < budget->window_count) {
        while (w-- > 0) {
            const struct plan_window *window = &budget->window[w];
            rate_undo(cell[w], rate_print(h, window->mix),
                      (struct rate){window->step, window->tolerance}, amount);
        }
        return false;
    }
    uint64_t step = budget->window[most.window].step;
    out->window = (uint8_t)most.window;
    out->used = most.ahead == step ? 1 : (most.ahead + step - 1) / step;
    out->limit = budget->window[most.window].limit;
    count_one(&tally_of(b, budget)->allowed);
    return true;
}

struct outcome budget_charge(struct budgets *b, unsigned budget, const struct principal *p,
                             uint64_t amount, nanos_t now)
{
    struct outcome out = {.budget = (int16_t)budget};
    const struct plan *plan = plan_of(b);
    if (budget < plan->budget_count && plan->budget[budget].all_rates && !b->read_only && amount &&
        plan->budget[budget].slot < SLOT_COUNT &&
        charge_known_rates(b, &plan->budget[budget], p, amount, now, &out))
        return out;
    struct charge c;
    if (b->read_only || amount == 0)
        return budget_peek(b, budget, p, now);
    if (!charge_begin(&c, b, budget, p, amount, now))
        return out;
    if (!held_already(&c, &out)) {
        struct outcome held = out;
        if (windows_charge(&c, false)) {
            outcome_fill(&c, &out);
            admitted(&c);
        } else {
            outcome_fill(&c, &out);
            c.generous = is_bounded(&c);
            if (c.generous)
                generous_end(&c, windows_charge(&c, false), &out);
            over_decide(&c, &out);
        }
        if (held.hold && !c.several) { /* in observe: what the hold would have done */
            out.would_be = VERDICT_HOLD;
            out.hold = held.hold;
            out.until = held.until;
        }
    }
    tally_outcome(&c, &out);
    return out;
}

static bool is_over_several(struct charge *c)
{
    bool over = false;
    c->generous = true;
    windows_charge(c, true);
    for (unsigned w = 0; w < c->budget->window_count; w++)
        over |= c->touch[w].over;
    return over;
}

struct outcome budget_peek(const struct budgets *b, unsigned budget, const struct principal *p,
                           nanos_t now)
{
    struct outcome out = {.budget = (int16_t)budget};
    struct charge c;
    /* Looking writes nothing: the cast is for the functions that looking and charging share. */
    if (!charge_begin(&c, (struct budgets *)(uintptr_t)b, budget, p, 0, now))
        return out;
    c.level[0] = (struct level){c.payer, c.h};
    level_add_network(&c);
    c.levels = 1; /* what a network paid for others is not this principal's */
    windows_charge(&c, true);
    outcome_fill(&c, &out);
    out.charged_to = CHARGED_SELF;
    if (c.spared)
        return out;
    enum mode mode = mode_in_force(b, c.budget, c.now);
    bool in_force = c.hold && hold_in_force(c.hold, c.now) &&
                    !(hold_is_observed(c.hold) && mode == MODE_ENFORCE); /* as held_already() */
    bool in_grace = c.hold && !in_force && atomic_load(&c.hold->grace_until) > (uint64_t)c.now &&
                    atomic_load(&c.hold->grace_left) > 0;
    if (in_force) {
        out.hold = atomic_load(&c.hold->id);
        out.until = (nanos_t)(atomic_load(&c.hold->until) & INT64_MAX);
        out.would_be = VERDICT_HOLD;
    } else if (out.until && !in_grace) {
        out.would_be = verdict_of(c.budget->rule->over);
    }
    bool observed = mode == MODE_OBSERVE;
    if (observed && out.would_be != VERDICT_ALLOW && is_bounded(&c))
        observed = !((in_force && hold_is_several(c.hold)) || is_over_several(&c));
    out.verdict = observed ? VERDICT_ALLOW : out.would_be;
    return out;
}

/* ---- Distinct things ------------------------------------------------------------------------- */

/* A thing's word: when it was last seen (ring time in units of 65.5 us), and its budget's slot, so
 * that whoever needs room knows when it is forgotten. */
enum { THING_SLOT_BITS = 8, THING_TIME_SHIFT = 16 };

static uint64_t thing_word(nanos_t time, unsigned slot)
{
    return (uint64_t)time >> THING_TIME_SHIFT << THING_SLOT_BITS | slot;
}

static nanos_t thing_seen(uint64_t word)
{
    return (nanos_t)((word >> THING_SLOT_BITS << THING_TIME_SHIFT) & INT64_MAX);
}

bool thing_is_free(const struct budgets *b, uint64_t word, nanos_t time)
{
    if (word == 0)
        return true;
    nanos_t span[SLOT_MAX_SPANS], longest = 0;
    size_t count = slot_spans(b, (unsigned)(word & ((1u << THING_SLOT_BITS) - 1)), span);
    for (size_t i = 0; i < count; i++)
        if (span[i] > longest)
            longest = span[i];
    nanos_t seen = thing_seen(word);
    return seen < time && time - seen > longest + longest / SLICES * 2;
}

static bool still_counted(const struct plan_window *w, nanos_t seen, nanos_t time)
{
    if (seen == 0)
        return false;
    uint64_t then = slice_at(seen, w->width).number, now = slice_at(time, w->width).number;
    return then >= now || now - then < BUCKETS;
}

static bool thing_window(struct charge *c, unsigned w, nanos_t seen)
{
    struct touching t = touching_of(c, w);
    if (still_counted(t.window, seen, c->time) && window_peek(&t, &c->level[0], &c->touch[w])) {
        c->touch[w].charged_to = CHARGED_SELF;
        window_again(&t, &c->level[0], seen, &c->touch[w]);
        return true;
    }
    window_touch(c, w, false);
    return false;
}

/* Charges the windows that do not count the thing yet, and moves it to now in those that do, so
 * that a thing read again stays counted for as long as it was read within the window. */
static bool things_charge(struct charge *c, struct cell *cell, struct outcome *out)
{
    uint64_t old = cell ? atomic_load(&cell->word) : 0;
    nanos_t seen = thing_seen(old);
    unsigned count = c->budget->window_count, w = count;
    bool over = false, known[CONTRACT_MAX_WINDOWS];
    while (w > 0 && !over) {
        known[w - 1] = thing_window(c, w - 1, seen);
        w--;
        over = !known[w] && c->touch[w].over;
    }
    if (over) {
        for (unsigned i = w; i < count; i++)
            window_undo(&c->touch[i], 1);
        while (w > 0)
            window_touch(c, --w, true);
        outcome_fill(c, out);
        return false;
    }
    /* Where another process counts the same thing at this moment, its count stands and ours is
     * taken back. */
    bool dated = !cell || atomic_compare_exchange_strong(&cell->word, &old,
                                                         thing_word(c->time, c->budget->slot));
    for (w = 0; w < count; w++) {
        struct touching t = touching_of(c, w);
        if (!dated)
            window_undo(&c->touch[w], 1);
        else if (known[w])
            window_moved(&t, &c->touch[w], seen);
        c->touch[w].over = false;
    }
    outcome_fill(c, out);
    return true;
}

struct outcome budget_charge_distinct(struct budgets *b, unsigned budget, const struct principal *p,
                                      uint64_t thing, nanos_t now)
{
    struct outcome out = {.budget = (int16_t)budget};
    struct charge c;
    if (b->read_only)
        return budget_peek(b, budget, p, now);
    if (!charge_begin(&c, b, budget, p, 1, now))
        return out;
    c.time = c.time >> THING_TIME_SHIFT << THING_TIME_SHIFT;
    if (held_already(&c, &out)) {
        tally_outcome(&c, &out);
        return out;
    }
    struct outcome held = out;
    bool made, proven = c.payer->proven;
    uint64_t h = siphash_words3(b->key, c.h, thing, 1), key = key_mix(h, 0);
    struct cell *cell = cell_take(b, b->things, &b->thing_table, h, proven, key, c.time,
                                  thing_is_free, &made);
    /* Without room for the thing it is counted and not remembered: read again, it costs again. Not
     * counting it would let whoever fills the table read on without a limit. */
    if (!cell)
        count_one(&tally_of(b, c.budget)->not_remembered);
    if (things_charge(&c, cell, &out)) {
        admitted(&c);
    } else {
        struct outcome more = out;
        c.generous = is_bounded(&c);
        if (c.generous)
            generous_end(&c, things_charge(&c, cell, &more), &out);
        over_decide(&c, &out);
    }
    if (held.hold && !c.several) {
        out.would_be = VERDICT_HOLD;
        out.hold = held.hold;
        out.until = held.until;
    }
    tally_outcome(&c, &out);
    return out;
}
