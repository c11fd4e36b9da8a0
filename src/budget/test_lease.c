/* Budgets that something else enforces: what is left, what went, what was refused. */
#include "budget/test_room.h"

static struct room *room_of_bytes(enum principal_kind per)
{
    struct room *r = room_new();
    struct budget_rule *rule = room_budget(r, "bytes", METER_BYTES_OUT, per, OVER_HOLD);
    rule_window(rule, NANOS_MINUTE, 1000);
    rule_window(rule, NANOS_DAY, 2500);
    room_open(r);
    return r;
}

static void the_tightest_window_says_what_is_left(void **state)
{
    (void)state;
    struct room *r = room_of_bytes(PRINCIPAL_HOST);
    struct principal p = principal_named(PRINCIPAL_HOST, TEXT("h"));
    nanos_t now = r->moment.boot;
    struct outcome o;
    assert_int_equal(budget_left(r->b, 0, &p, now, &o), 1000);
    assert_int_equal(budget_spent(r->b, 0, &p, 900, now), 0);
    assert_int_equal(budget_left(r->b, 0, &p, now, &o), 100);
    assert_int_equal(o.window, 0);
    assert_int_equal(o.used, 900);
    now += 2 * NANOS_MINUTE;
    assert_int_equal(budget_left(r->b, 0, &p, now, NULL), 1000);
    assert_int_equal(budget_spent(r->b, 0, &p, 1000, now), 0);
    now += 2 * NANOS_MINUTE;
    assert_int_equal(budget_left(r->b, 0, &p, now, &o), 600);
    assert_int_equal(o.window, 1);
    room_free(r);
}

static void what_went_beyond_a_window_is_counted_too(void **state)
{
    (void)state;
    struct room *r = room_of_bytes(PRINCIPAL_HOST);
    struct principal p = principal_named(PRINCIPAL_HOST, TEXT("h"));
    nanos_t now = r->moment.boot;
    assert_int_equal(budget_spent(r->b, 0, &p, 1800, now), 0);
    assert_int_equal(budget_left(r->b, 0, &p, now, NULL), 0);
    assert_int_equal(budget_left(r->b, 0, &p, now + 2 * NANOS_MINUTE, NULL), 700);
    room_free(r);
}

static void what_is_told_late_counts_where_it_still_matters(void **state)
{
    (void)state;
    struct room *r = room_of_bytes(PRINCIPAL_HOST);
    struct principal p = principal_named(PRINCIPAL_HOST, TEXT("h"));
    nanos_t now = r->moment.boot + 3 * NANOS_DAY;
    struct outcome o;
    assert_int_equal(budget_spent(r->b, 0, &p, 100, now), 0);
    assert_int_equal(budget_spent_before(r->b, 0, &p, 2000, now - NANOS_HOUR, now), 0);
    assert_int_equal(budget_left(r->b, 0, &p, now, &o), 400);
    assert_int_equal(o.window, 1);
    assert_int_equal(budget_spent_before(r->b, 0, &p, 300, now - 30 * NANOS_SECOND, now), 0);
    assert_int_equal(budget_left(r->b, 0, &p, now, NULL), 100);
    assert_int_equal(budget_spent_before(r->b, 0, &p, 9000, now - 2 * NANOS_DAY, now), 0);
    assert_int_equal(budget_left(r->b, 0, &p, now, NULL), 100);
    /* It leaves the day's window a day after it went, not after it was told. */
    nanos_t later = now + 23 * NANOS_HOUR + 30 * NANOS_MINUTE;
    assert_int_equal(budget_left(r->b, 0, &p, later, NULL), 1000);
    room_free(r);
}

/* Charges are told up to a second late and grants are used to the last byte, by a sender who always
 * has more. */
static void no_window_ever_admits_more_than_its_limit(void **state)
{
    (void)state;
    struct room *r = room_of_bytes(PRINCIPAL_HOST);
    struct principal p = principal_named(PRINCIPAL_HOST, TEXT("h"));
    enum { STEPS = 4000 };
    static uint64_t sent[STEPS];
    uint64_t seed = room_seed(), left = 0;
    nanos_t step = NANOS_SECOND;
    for (unsigned i = 0; i < STEPS; i++) {
        nanos_t now = r->moment.boot + (nanos_t)i * step;
        sent[i] = left ? room_random(&seed) % (left + 1) : 0;
        if (i % 3 == 0)
            sent[i] = left;
        assert_int_equal(budget_spent(r->b, 0, &p, sent[i], now + step - 1), 0);
        left = budget_left(r->b, 0, &p, now + step - 1, NULL);
    }
    uint64_t most = 0;
    for (unsigned i = 0; i + 60 <= STEPS; i++) {
        uint64_t sum = 0;
        for (unsigned k = 0; k < 60; k++)
            sum += sent[i + k];
        most = sum > most ? sum : most;
    }
    assert_in_range(most, 500, 1000);
    uint64_t all = 0;
    for (unsigned i = 0; i < STEPS; i++)
        all += sent[i];
    assert_int_equal(all, 2500);
    room_free(r);
}

static void a_refusal_begins_a_hold_and_a_release_leaves_a_tenth(void **state)
{
    (void)state;
    struct room *r = room_of_bytes(PRINCIPAL_HOST);
    struct principal p = principal_named(PRINCIPAL_HOST, TEXT("h"));
    nanos_t now = r->moment.boot;
    struct outcome o, met;
    budget_spent(r->b, 0, &p, 1000, now);
    o = budget_refused(r->b, 0, &p, 60, now);
    assert_int_equal(o.verdict, VERDICT_HOLD);
    assert_true(o.hold != 0);
    assert_int_equal(o.used, 1000);
    assert_int_equal(budget_refused(r->b, 0, &p, 60, now).hold, o.hold);
    budget_left(r->b, 0, &p, now + NANOS_MINUTE * 2, &met);
    assert_int_equal(met.verdict, VERDICT_HOLD);
    assert_int_equal(met.hold, o.hold);
    assert_int_equal(hold_release(r->b, o.hold, now), 0);
    assert_int_equal(budget_left(r->b, 0, &p, now, &met), 100);
    assert_int_equal(met.verdict, VERDICT_ALLOW);
    budget_spent(r->b, 0, &p, 60, now);
    assert_int_equal(budget_left(r->b, 0, &p, now, NULL), 40);
    room_free(r);
}

static void in_observe_a_refusal_is_only_noticed(void **state)
{
    (void)state;
    struct room *r = room_of_bytes(PRINCIPAL_HOST);
    struct principal p = principal_named(PRINCIPAL_HOST, TEXT("h"));
    nanos_t now = r->moment.boot;
    budget_set_mode(r->b, MODE_OBSERVE);
    budget_spent(r->b, 0, &p, 1000, now);
    struct outcome o = budget_refused(r->b, 0, &p, 60, now);
    assert_int_equal(o.verdict, VERDICT_ALLOW);
    assert_int_equal(o.would_be, VERDICT_HOLD);
    struct hold h;
    assert_true(hold_find(r->b, o.hold, &h));
    assert_true(h.observed);
    budget_left(r->b, 0, &p, now, &o);
    assert_int_equal(o.verdict, VERDICT_ALLOW);
    room_free(r);
}

static void over_the_bytes_of_everyone_the_largest_are_held_and_the_limit_stays(void **state)
{
    (void)state;
    struct room *r = room_of_bytes(PRINCIPAL_EVERYONE);
    struct principal thief = principal_named(PRINCIPAL_HOST, TEXT("thief"));
    struct principal other = principal_named(PRINCIPAL_HOST, TEXT("other"));
    nanos_t now = r->moment.boot;
    budget_spent(r->b, 0, &thief, 900, now);
    budget_spent(r->b, 0, &other, 100, now);
    assert_int_equal(budget_left(r->b, 0, &other, now, NULL), 0);
    budget_refused(r->b, 0, &other, 60, now); /* whoever meets the limit: the largest is held */
    struct hold h[4];
    assert_int_equal(holds_list(r->b, now, h, 4), 1);
    assert_memory_equal(h[0].principal.id, thief.id, 16);
    struct outcome o;
    budget_left(r->b, 0, &thief, now, &o);
    assert_int_equal(o.verdict, VERDICT_HOLD);
    /* What the thief took is not taken off: a window lets out its limit and no more. */
    budget_tick(r->b, now + NANOS_SECOND);
    assert_int_equal(budget_left(r->b, 0, &other, now + NANOS_SECOND, &o), 0);
    assert_int_equal(o.verdict, VERDICT_ALLOW);
    room_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tightest_window_says_what_is_left),
        cmocka_unit_test(what_went_beyond_a_window_is_counted_too),
        cmocka_unit_test(what_is_told_late_counts_where_it_still_matters),
        cmocka_unit_test(no_window_ever_admits_more_than_its_limit),
        cmocka_unit_test(a_refusal_begins_a_hold_and_a_release_leaves_a_tenth),
        cmocka_unit_test(in_observe_a_refusal_is_only_noticed),
        cmocka_unit_test(over_the_bytes_of_everyone_the_largest_are_held_and_the_limit_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
