#include "budget/window.h"

static struct rate rate_of(const struct touching *t)
{
    const struct plan_window *w = t->window;
    if (!t->generous && t->limit == w->limit)
        return (struct rate){w->step, w->tolerance};
    struct rate rate = rate_of_window(w->span, t->limit);
    /* What was charged before at the full price has filled the cell: what is given comes on top. */
    if (t->generous)
        rate.tolerance *= 2;
    return rate;
}

/* ---- Rate cells ------------------------------------------------------------------------------ */

static void rate_report(const struct touching *t, struct rate rate, uint64_t ahead, bool over,
                        struct touch *out)
{
    out->over = over;
    out->limit = t->limit;
    out->used = (ahead + rate.step - 1) / rate.step;
    if (!over)
        return;
    uint64_t amount = t->amount ? t->amount : 1, cost;
    if (amount > t->limit || __builtin_mul_overflow(rate.step, amount, &cost))
        out->until = t->now + t->window->span;
    else
        out->until =
            (nanos_t)((rate_ticks(t->now) + ahead + cost - rate.tolerance) << RATE_TICK_SHIFT);
}

static bool rate_window_charge(const struct touching *t, const struct level *level,
                               struct touch *out)
{
    bool proven = level->who->proven;
    struct rate rate = rate_of(t);
    uint64_t print = rate_print(level->h, t->window->mix);
    for (int tries = 0; tries < 16; tries++) {
        bool made;
        word_t *cell = rate_take(t->b, level->h, proven, print, t->now, &made);
        if (!cell)
            return false;
        out->made |= made;
        uint64_t ahead = 0;
        enum rate_result result = RATE_OVER;
        if (t->limit)
            result = rate_charge(cell, print, rate, t->amount, t->now, &ahead);
        if (result == RATE_LOST)
            continue;
        rate_report(t, rate, ahead, result == RATE_OVER, out);
        out->done = result == RATE_DONE ? TOUCH_RATE : TOUCH_NOTHING;
        out->rate_cell = cell;
        out->print = print;
        out->rate = rate;
        return true;
    }
    return false;
}

/* ---- First quarters -------------------------------------------------------------------------- */

static uint64_t units(uint64_t amount, uint64_t unit)
{
    return amount / unit + (amount % unit != 0);
}

static uint64_t quarter_of(uint64_t limit)
{
    return limit / 4 + (limit % 4 != 0);
}

enum quarter_result { QUARTER_DONE, QUARTER_SPENT, QUARTER_LOST };

static enum quarter_result quarter_charge(const struct touching *t, struct cell *cell, uint64_t key,
                                          struct touch *out)
{
    uint64_t unit = quarter_unit(t->window->limit), cost = units(t->amount, unit);
    uint64_t most = quarter_of(t->limit) / unit;
    uint64_t old = atomic_load(&cell->word), count;
    do {
        count = quarter_count(old, t->now);
        if (count == QUARTER_PROMOTED || cost > most || count > most - cost)
            return QUARTER_SPENT;
    } while (!atomic_compare_exchange_weak(&cell->word, &old,
                                           quarter_word(count + cost, t->window->span, t->now)));
    if (atomic_load(&cell->key) != key)
        return QUARTER_LOST;
    *out = (struct touch){.done = TOUCH_QUARTER,
                          .made = out->made,
                          .cell = cell,
                          .unit = unit,
                          .used = (count + cost) * unit,
                          .limit = t->limit};
    return QUARTER_DONE;
}

/* The ring is there and begins with `seeded`; what was charged to the cell since goes after it. A
 * process killed before the mark leaves a cell that nobody looks at while the ring exists. */
static void quarter_promote(const struct touching *t, struct cell *cell, uint64_t seeded,
                            const struct ring_place *ring)
{
    uint64_t old = atomic_load(&cell->word), count;
    do {
        count = quarter_count(old, t->now);
        if (count == QUARTER_PROMOTED)
            return;
    } while (!atomic_compare_exchange_weak(
        &cell->word, &old, quarter_word(QUARTER_PROMOTED, t->window->span, t->now)));
    if (count <= seeded)
        return;
    struct slice at = slice_at(t->time, t->window->width);
    word_add(&ring->ring->count[at.index], at.lap,
             (count - seeded) * quarter_unit(t->window->limit));
}

/* ---- Rings ----------------------------------------------------------------------------------- */

static nanos_t boot_time(const struct touching *t, nanos_t time)
{
    return time ? time - (t->time - t->now) : 0;
}

static enum ring_result ring_window_charge(const struct touching *t, uint64_t key,
                                           const struct ring_place *place, struct touch *out)
{
    const struct plan_window *w = t->window;
    struct ring_charge charge;
    enum ring_result result =
        ring_charge(place, key, w->span, w->width, t->limit, t->amount, t->time, &charge);
    if (result == RING_LOST)
        return result;
    bool made = out->made;
    *out = (struct touch){.made = made,
                          .over = result == RING_OVER,
                          .done = result == RING_DONE && t->amount ? TOUCH_RING : TOUCH_NOTHING,
                          .used = charge.used,
                          .limit = t->limit,
                          .ring = *place,
                          .slice = charge.slice};
    if (out->over) {
        nanos_t at =
            ring_fits_at(place->ring, w->width, t->limit, t->amount ? t->amount : 1, t->time);
        out->until = at ? boot_time(t, at) : t->now + 1;
    }
    return result;
}

static bool counts_first_quarter(const struct touching *t, const struct level *level)
{
    return !level->who->proven && t->window->span <= QUARTER_LONGEST;
}

/* One try; *again when a place was lost to someone else in between. */
static bool ring_try(const struct touching *t, const struct level *level, uint64_t key,
                     struct touch *out, bool *again)
{
    struct budgets *b = t->b;
    struct cell *cell = NULL;
    bool quarter = counts_first_quarter(t, level), made = false;
    *again = false;
    if (quarter) {
        cell = cell_find(b->quarters, &b->quarter_table, level->h, false, key);
        uint64_t count = cell ? quarter_count(atomic_load(&cell->word), t->now) : 0;
        if (count && count != QUARTER_PROMOTED) {
            enum quarter_result result = quarter_charge(t, cell, key, out);
            *again = result == QUARTER_LOST;
            if (result != QUARTER_SPENT)
                return true;
        }
    }
    struct ring_place place;
    struct ring_ask ask = {.h = level->h,
                           .key = key,
                           .budget = t->budget,
                           .span = t->window->span,
                           .width = t->window->width,
                           .who = level->who};
    uint64_t seeded = 0;
    if (!ring_find_live(b, level->h, level->who->proven, key, t->time, &place)) {
        if (quarter && !ring_has_former(b, &ask)) {
            cell = cell_take(b, b->quarters, &b->quarter_table, level->h, false, key, t->now,
                             quarter_is_free, &made);
            if (!cell)
                return false;
            out->made |= made;
            enum quarter_result result = quarter_charge(t, cell, key, out);
            *again = result == QUARTER_LOST;
            if (result != QUARTER_SPENT)
                return true;
            uint64_t word = atomic_load(&cell->word);
            seeded = quarter_count(word, t->now);
            if (seeded == QUARTER_PROMOTED)
                seeded = 0;
            ask.seed.count = seeded * quarter_unit(t->window->limit);
            ask.seed.at = t->time - (t->now - quarter_last(word, t->window->span, t->now));
        }
        if (!ring_take(b, &ask, t->time, &place, &made))
            return false;
        out->made |= made;
        if (cell && made)
            quarter_promote(t, cell, seeded, &place);
    }
    *again = ring_window_charge(t, key, &place, out) == RING_LOST;
    return true;
}

bool window_charge(const struct touching *t, const struct level *level, struct touch *out)
{
    uint64_t key = key_mix(level->h, t->window->mix);
    *out = (struct touch){.limit = t->limit};
    if (t->window->cell)
        return rate_window_charge(t, level, out);
    for (int tries = 0; tries < 16; tries++) {
        bool again;
        if (!ring_try(t, level, key, out, &again))
            return false;
        if (!again)
            return true;
    }
    return false;
}

void window_undo(const struct touch *touch, uint64_t amount)
{
    if (touch->done == TOUCH_RATE) {
        rate_undo(touch->rate_cell, touch->print, touch->rate, amount);
    } else if (touch->done == TOUCH_RING) {
        ring_undo(&touch->ring, touch->slice, amount);
    } else if (touch->done == TOUCH_QUARTER) {
        uint64_t cost = units(amount, touch->unit), old = atomic_load(&touch->cell->word);
        while ((old & QUARTER_MOST) >= cost && (old & QUARTER_MOST) != QUARTER_PROMOTED &&
               !atomic_compare_exchange_weak(&touch->cell->word, &old, old - cost))
            continue;
    }
}

void window_again(const struct touching *t, const struct level *level, nanos_t seen,
                  struct touch *out)
{
    struct budgets *b = t->b;
    const struct plan_window *w = t->window;
    uint64_t key = key_mix(level->h, w->mix);
    struct slice now = slice_at(t->time, w->width);
    struct ring_place place;
    if (ring_find(b, level->h, level->who->proven, key, &place)) {
        if (slice_at(seen, w->width).number >= now.number)
            return;
        ring_add(&place, w->span, w->width, 1, t->time);
        out->done = TOUCH_RING;
        out->ring = place;
        out->slice = now;
        return;
    }
    struct cell *cell =
        cell_find(b->quarters, &b->quarter_table, level->h, level->who->proven, key);
    if (!cell)
        return;
    uint64_t old = atomic_load(&cell->word), count = quarter_count(old, t->now);
    if (count && count != QUARTER_PROMOTED)
        atomic_compare_exchange_strong(&cell->word, &old, quarter_word(count, w->span, t->now));
}

void window_moved(const struct touching *t, const struct touch *touch, nanos_t seen)
{
    struct slice old = slice_at(seen, t->window->width);
    if (touch->done == TOUCH_RING)
        word_take(&touch->ring.ring->count[old.index], old.lap, 1);
}

/* ---- Looking --------------------------------------------------------------------------------- */

static bool rate_peek(const struct touching *t, const struct level *level, struct touch *out)
{
    uint64_t print = rate_print(level->h, t->window->mix);
    const word_t *cell = rate_find(t->b, level->h, level->who->proven, print);
    if (!cell)
        return false;
    struct rate rate = rate_of(t);
    uint64_t word = atomic_load(cell);
    uint64_t ahead = word >> RATE_TIME_BITS == print ? rate_ahead(word, t->now) : 0;
    rate_report(t, rate, ahead, t->limit == 0 || ahead + rate.step > rate.tolerance, out);
    return true;
}

bool window_peek(const struct touching *t, const struct level *level, struct touch *out)
{
    const struct budgets *b = t->b;
    const struct plan_window *w = t->window;
    uint64_t key = key_mix(level->h, w->mix);
    bool proven = level->who->proven;
    *out = (struct touch){.limit = t->limit, .over = t->limit == 0};
    if (w->cell)
        return rate_peek(t, level, out);
    struct ring_place place;
    if (ring_find(b, level->h, proven, key, &place)) {
        out->used = ring_used(place.ring, w->width, t->time);
        nanos_t at = ring_fits_at(place.ring, w->width, t->limit, 1, t->time);
        out->over = at != 0;
        out->until = boot_time(t, at);
        return true;
    }
    const struct cell *cell = cell_find(b->quarters, &b->quarter_table, level->h, proven, key);
    if (!cell)
        return false;
    uint64_t count = quarter_count(atomic_load(&cell->word), t->now);
    out->used = count == QUARTER_PROMOTED ? 0 : count * quarter_unit(w->limit);
    out->over = out->used >= t->limit;
    out->until = out->over ? boot_time(t, t->time) + w->span : 0;
    return true;
}
