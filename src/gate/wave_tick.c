/* From second to second: a wave begins, goes on, and ends as a record. */
#include "gate/wave_file.h"

#include <stdlib.h>

enum {
    RETURN_A_SECOND = 20, /* known shapes met: fewer are no wave */
    LEARN_LEAST = 100,    /* requests of a shape that were not let through: fewer say nothing */
    LEARN_SHARE = 100,    /* and at least one of so many of the wave's */
    SOLVED_SHARE = 20,    /* one solution of so many challenges: customers send this */
    TURN_PATIENCE = 10,   /* tenths of a second between two ticks, at least */
};

static bool take_turn(struct waves *w, nanos_t now)
{
    nanos_t last = LOAD(w->turn);
    bool due = last > now /* another boot's */ || now - last >= TURN_PATIENCE * NANOS_SECOND / 10;
    return due && atomic_compare_exchange_strong_explicit(
                      &w->turn, &last, now, memory_order_relaxed, memory_order_relaxed);
}

static uint64_t total_of(const struct wave_now *n)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < WAVE_FATE_COUNT; i++)
        total += LOAD(n->count[i]);
    return total;
}

static uint64_t slot_total(const struct wave_slot *slot)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < WAVE_FATE_COUNT; i++)
        total += LOAD(slot->count[i]);
    return total;
}

static void clear_slot(struct wave_slot *slot)
{
    for (unsigned i = 0; i < WAVE_FATE_COUNT; i++)
        STORE(slot->count[i], 0);
    for (unsigned i = 3; i-- > 0;)
        STORE(slot->shape.word[i], 0);
}

static void clear_now(struct wave_now *n)
{
    for (unsigned i = 0; i < WAVE_SHAPES; i++)
        if (LOAD(n->slot[i].shape.word[0]))
            clear_slot(&n->slot[i]);
    for (unsigned i = 0; i < WAVE_FATE_COUNT; i++)
        STORE(n->count[i], 0);
    STORE(n->total_before, 0);
    STORE(n->routes, 0);
    STORE(n->most_a_second, 0);
    distinct_clear(&n->sources);
    distinct_clear(&n->networks);
}

/* Room for a shape that becomes frequent late, where chance ones have taken all places. */
static void make_room(struct wave_now *n, uint64_t total)
{
    unsigned taken = 0;
    for (unsigned i = 0; i < WAVE_SHAPES; i++)
        taken += LOAD(n->slot[i].shape.word[0]) != 0;
    if (taken < WAVE_SHAPES / 2)
        return;
    for (unsigned i = 0; i < WAVE_SHAPES; i++)
        if (slot_total(&n->slot[i]) < total / 1024 + 2)
            clear_slot(&n->slot[i]);
}

/* ---- The end --------------------------------------------------------------------------------- */

static uint64_t shape_total(const struct wave_shape *s)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < WAVE_FATE_COUNT; i++)
        total += s->count[i];
    return total;
}

static int by_count(const void *a, const void *b)
{
    uint64_t left = shape_total(a), right = shape_total(b);
    return left < right ? 1 : left > right ? -1 : 0;
}

static size_t collect(const struct wave_now *n, struct wave_shape out[WAVE_SHAPES])
{
    size_t count = 0;
    for (unsigned i = 0; i < WAVE_SHAPES; i++) {
        if (LOAD(n->slot[i].shape.word[0]) == 0)
            continue;
        out[count].shape = shape_load(&n->slot[i].shape);
        for (unsigned f = 0; f < WAVE_FATE_COUNT; f++)
            out[count].count[f] = LOAD(n->slot[i].count[f]);
        count++;
    }
    qsort(out, count, sizeof *out, by_count);
    return count;
}

static bool is_worth_learning(const struct waves *w, const struct wave_shape *s, uint64_t all)
{
    uint64_t total = shape_total(s), stopped = s->count[WAVE_CHALLENGED] + s->count[WAVE_REFUSED];
    return stopped >= LEARN_LEAST && total >= all / LEARN_SHARE &&
           s->count[WAVE_SOLVED] * SOLVED_SHARE <= s->count[WAVE_CHALLENGED] &&
           !waves_is_spared(w, s->shape.id);
}

static void describe(const struct waves *w, int64_t wall, struct wave *out)
{
    static struct wave_shape shapes[WAVE_SHAPES];
    const struct wave_now *n = &w->now;
    *out = (struct wave){.number = LOAD(n->number),
                         .begin = wall_within(LOAD(n->begin)),
                         .end = wall,
                         .routes = LOAD(n->routes),
                         .most_a_second = LOAD(n->most_a_second),
                         .known = LOAD(n->known) != 0,
                         .sources = distinct_count(&n->sources),
                         .networks = distinct_count(&n->networks)};
    for (unsigned i = 0; i < WAVE_FATE_COUNT; i++)
        out->count[i] = LOAD(n->count[i]);
    size_t count = collect(n, shapes);
    out->shape_count = (uint32_t)(count < WAVE_TOP ? count : WAVE_TOP);
    memcpy(out->shape, shapes, out->shape_count * sizeof shapes[0]);
    for (unsigned i = 0; i < out->shape_count; i++) { /* of a recognised one, none was short */
        int route = out->shape[i].shape.route;
        if (route >= 0 && route < CONTRACT_MAX_ROUTES)
            out->routes |= UINT64_C(1) << route;
    }
}

static void learn_all(struct waves *w, struct wave *wave, int64_t wall)
{
    static struct wave_shape shapes[WAVE_SHAPES];
    size_t count = collect(&w->now, shapes);
    uint64_t all = total_of(&w->now);
    for (size_t i = 0; i < count; i++) {
        if (!is_worth_learning(w, &shapes[i], all))
            continue;
        waves_learn(w, &shapes[i].shape, wave->number, wall);
        wave->learned++;
    }
}

static void keep_record(struct waves *w, const struct wave *wave)
{
    struct record *record = &w->record[wave->number % WAVE_RECORDS];
    STORE(record->number, 0);
    atomic_thread_fence(memory_order_release);
    record->wave = *wave;
    atomic_store_explicit(&record->number, wave->number, memory_order_release);
}

/* ---- The tick -------------------------------------------------------------------------------- */

static void begin(struct waves *w, uint64_t challenged, nanos_t now, int64_t wall)
{
    struct wave_now *n = &w->now;
    STORE(n->begin, wall);
    STORE(n->challenged, now);
    STORE(n->known, challenged == 0); /* what returned was recognised before the origin was short */
    STORE(n->number, ADD(w->next, 1));
}

static void go_on(struct wave_now *n, uint64_t challenged, bool returned, nanos_t now)
{
    uint64_t total = total_of(n), before = LOAD(n->total_before);
    if (total > before && total - before > LOAD(n->most_a_second))
        STORE(n->most_a_second, total - before);
    STORE(n->total_before, total);
    STORE(n->routes, LOAD(n->routes) | challenged);
    if (challenged || returned || LOAD(n->challenged) > now)
        STORE(n->challenged, now);
    make_room(n, total);
}

bool waves_tick(struct waves *waves, uint64_t challenged, nanos_t now, int64_t wall,
                struct wave *ended)
{
    struct wave_now *n = &waves->now;
    if (!take_turn(waves, now))
        return false;
    bool returned = atomic_exchange_explicit(&n->met, 0, memory_order_relaxed) >= RETURN_A_SECOND;
    bool on = LOAD(n->number) != 0;
    waves_spare_tick(waves, !on && !challenged && !returned, now, wall);
    if (!on && (challenged || returned)) {
        begin(waves, challenged, now, wall);
        on = true;
    }
    if (!on) {
        if (total_of(n))
            clear_now(n);
        return false;
    }
    go_on(n, challenged, returned, now);
    if (now - LOAD(n->challenged) < WAVE_CALM)
        return false;
    describe(waves, wall, ended);
    learn_all(waves, ended, wall);
    keep_record(waves, ended);
    STORE(n->number, 0);
    clear_now(n);
    return true;
}

/* ---- For operators --------------------------------------------------------------------------- */

size_t waves_list(const struct waves *waves, struct wave *out, size_t most)
{
    size_t count = 0;
    uint64_t number = LOAD(waves->now.number), next = LOAD(waves->next);
    if (number && most) {
        describe(waves, 0, &out[count++]);
        out[0].number = number;
    }
    for (uint64_t back = 1; back <= WAVE_RECORDS && back < next && count < most; back++) {
        const struct record *record = &waves->record[(next - back) % WAVE_RECORDS];
        uint64_t before = atomic_load_explicit(&record->number, memory_order_acquire);
        if (before != next - back)
            continue;
        out[count] = record->wave;
        atomic_thread_fence(memory_order_acquire);
        if (LOAD(record->number) != before)
            continue;
        struct wave *wave = &out[count++];
        wave->number = before;
        wave->begin = wall_within(wave->begin);
        wave->end = wall_within(wave->end);
        if (wave->shape_count > WAVE_TOP)
            wave->shape_count = WAVE_TOP;
    }
    return count;
}
