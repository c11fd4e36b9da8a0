/* The cells of 8 bytes themselves: found, merged, given away. */
#include "budget/plan.h"
#include "budget/rate.h"
#include "budget/test_room.h"

enum { LIMIT = 10 };

static const struct rate rate = {NANOS_SECOND / 64, LIMIT *NANOS_SECOND / 64};

static struct room *room_of_rates(void)
{
    struct room *r = room_new();
    r->sizes.cells = 256;
    rule_window(room_budget(r, "b", METER_REQUESTS, PRINCIPAL_CLIENT, OVER_SLOW), 10 * NANOS_SECOND,
                LIMIT);
    room_open(r);
    return r;
}

static uint64_t units_of(word_t *cell, nanos_t now)
{
    return rate_ahead(atomic_load(cell), now) / rate.step;
}

static void what_was_charged_to_both_twins_stays_in_one(void **state)
{
    (void)state;
    struct room *r = room_of_rates();
    nanos_t now = r->moment.boot;
    uint64_t h = UINT64_C(0x1234567890abcdef), print = rate_print(h, 7), ahead;
    bool made;
    word_t *cell = rate_take(r->b, h, false, print, now, &made);
    assert_true(made && cell);
    assert_int_equal(rate_charge(cell, print, rate, 4, now, &ahead), RATE_DONE);
    for (int line = 0; line < 2; line++) {
        uint32_t at =
            line ? table_second(&r->b->rate_table, h, false) : table_first(&r->b->rate_table, h);
        word_t *twin = rate_line(r->b, at) + RATES_A_LINE - 1;
        assert_true(twin != cell);
        atomic_store(twin, print << RATE_TIME_BITS | (rate_ticks(now) + 2 * rate.step));
        word_t *stays = rate_merge(r->b, h, false, print, now);
        assert_ptr_equal(stays, cell);
        assert_int_equal(units_of(stays, now), line ? 8 : 6);
        assert_int_equal(atomic_load(twin), 0);
        /* Who was about to charge the other sees that it is gone. */
        assert_int_equal(rate_charge(twin, print, rate, 1, now, &ahead), RATE_LOST);
    }
    room_free(r);
}

static void a_cell_is_given_away_only_when_it_has_recovered(void **state)
{
    (void)state;
    struct room *r = room_of_rates();
    nanos_t now = r->moment.boot;
    unsigned found = 0, full = 0;
    for (uint64_t i = 1; i < 1000; i++) {
        uint64_t h = i * UINT64_C(0x9e3779b97f4a7c15), print = rate_print(h, 7), ahead;
        bool made;
        word_t *cell = rate_take(r->b, h, false, print, now, &made);
        full += cell == NULL;
        if (cell)
            assert_int_equal(rate_charge(cell, print, rate, LIMIT, now, &ahead), RATE_DONE);
    }
    assert_in_range(full, 700, 800); /* 224 of 256 are for those whom nobody vouches for */
    for (nanos_t later = 9; later <= 11; later += 2) {
        found = 0;
        for (uint64_t i = 2000; i < 3000; i++) {
            uint64_t h = i * UINT64_C(0x9e3779b97f4a7c15);
            bool made;
            found += rate_take(r->b, h, false, rate_print(h, 7), now + later * NANOS_SECOND,
                               &made) != NULL;
        }
        if (later == 9)
            assert_in_range(found, 0, 250 - (1000 - full)); /* a few that chance had left empty */
        else
            assert_int_equal(found, 1000);
    }
    room_free(r);
}

static uint64_t used_of(struct room *r, const struct principal *p, unsigned w, nanos_t now)
{
    const struct plan_budget *budget = &plan_of(r->b)->budget[0];
    uint64_t h = principal_hash(r->b, budget->key, p);
    word_t *cell = rate_find(r->b, h, p->proven, rate_print(h, budget->window[w].mix));
    return cell ? rate_ahead(atomic_load(cell), now) / budget->window[w].step : 0;
}

/* Whichever of two windows is over, by the short way and by the long one. */
static void a_refusal_leaves_every_rate_as_it_was(void **state)
{
    (void)state;
    for (int shorter_is_over = 0; shorter_is_over < 2; shorter_is_over++) {
        struct room *r = room_new();
        struct budget_rule *rule = room_budget(r, "b", METER_REQUESTS, PRINCIPAL_CLIENT, OVER_SLOW);
        rule_window(rule, 10 * NANOS_SECOND, shorter_is_over ? 5 : 9);
        rule_window(rule, NANOS_MINUTE, shorter_is_over ? 9 : 5);
        room_open(r);
        nanos_t now = r->moment.boot;
        struct principal p = room_address(r, 1);
        for (int i = 0; i < 50; i++) {
            struct outcome o = budget_charge(r->b, 0, &p, 1, now);
            assert_int_equal(o.verdict, i < 5 ? VERDICT_ALLOW : VERDICT_SLOW);
            for (unsigned w = 0; w < 2; w++)
                assert_int_equal(used_of(r, &p, w, now), i < 5 ? i + 1 : 5);
        }
        room_free(r);
    }
}

static void looking_takes_no_place(void **state)
{
    (void)state;
    struct room *r = room_of_rates();
    struct budget_rule *rule = room_budget(r, "c", METER_BYTES_OUT, PRINCIPAL_CLIENT, OVER_SLOW);
    rule_window(rule, NANOS_HOUR, 10);
    assert_int_equal(budget_prepare(r->b, r->contract, NULL), 0);
    budget_commit(r->b);
    for (uint32_t i = 0; i < 100; i++) {
        struct principal p = i % 2 ? room_address(r, i) : room_pass(r, i);
        budget_peek(r->b, 0, &p, r->moment.boot);
        budget_charge(r->b, 1, &p, 0, r->moment.boot);
    }
    uint64_t any = 0;
    for (size_t i = 0; i < 256; i++)
        any |= atomic_load(&r->b->rates[i]);
    for (size_t i = 0; i < 128; i++)
        any |= atomic_load(&r->b->quarters[i].key);
    for (size_t i = 0; i < r->sizes.rings; i++)
        any |= atomic_load(&r->b->ring_keys[i]);
    assert_int_equal(any, 0);
    room_free(r);
}

static void a_word_means_nothing_once_it_is_long_past(void **state)
{
    (void)state;
    nanos_t now = 3 * NANOS_DAY;
    uint64_t word = UINT64_C(5) << RATE_TIME_BITS | (rate_ticks(now) & RATE_TIME);
    assert_int_equal(rate_ahead(word, now - NANOS_MINUTE), rate_ticks(NANOS_MINUTE));
    assert_int_equal(rate_ahead(word, now), 0);
    assert_int_equal(rate_ahead(word, now + 1000), 0);
    assert_int_equal(rate_ahead(word, now + 12 * NANOS_HOUR), 0);
    for (nanos_t t = 0; t < 2 * NANOS_DAY; t += 7 * NANOS_SECOND)
        assert_int_equal(rate_ahead(0, t), 0); /* whatever the ticks are: empty is empty */
}

static void steps_are_never_rounded_in_favour_of_the_principal(void **state)
{
    (void)state;
    for (uint64_t limit = 1; limit < 3000000; limit += limit / 3 + 1) {
        struct rate w = rate_of_window(10 * NANOS_SECOND, limit);
        assert_true(w.step * limit >= rate_ticks(10 * NANOS_SECOND));
        if (w.step >= RATE_STEP_FEWEST)
            assert_true(w.tolerance <= rate_ticks(10 * NANOS_SECOND) * 101 / 100);
    }
}

static void sweeping_frees_what_has_recovered_and_nothing_else(void **state)
{
    (void)state;
    struct room *r = room_of_rates();
    nanos_t now = r->moment.boot;
    uint64_t ahead;
    bool made;
    uint64_t h[] = {0, UINT64_C(0x123456789abcdef0), UINT64_C(0xfedcba987654321)};
    for (uint64_t i = 1; i <= 2; i++) {
        word_t *cell = rate_take(r->b, h[i], false, rate_print(h[i], 7), now, &made);
        assert_int_equal(rate_charge(cell, rate_print(h[i], 7), rate, i * 4, now, &ahead),
                         RATE_DONE);
    }
    rates_sweep(r->b, 0, 256, now + 5 * NANOS_SECOND);
    assert_null(rate_find(r->b, h[1], false, rate_print(h[1], 7)));
    assert_non_null(rate_find(r->b, h[2], false, rate_print(h[2], 7)));
    room_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_charged_to_both_twins_stays_in_one),
        cmocka_unit_test(a_cell_is_given_away_only_when_it_has_recovered),
        cmocka_unit_test(a_refusal_leaves_every_rate_as_it_was),
        cmocka_unit_test(looking_takes_no_place),
        cmocka_unit_test(a_word_means_nothing_once_it_is_long_past),
        cmocka_unit_test(steps_are_never_rounded_in_favour_of_the_principal),
        cmocka_unit_test(sweeping_frees_what_has_recovered_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
