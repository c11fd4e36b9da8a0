/* A million principals that somebody minted, and one who was there before. */
#include "budget/test_room.h"

static void a_million_minted_principals_do_not_touch_one_who_is_known(void **state)
{
    (void)state;
    struct room *r = room_new();
    r->sizes =
        (struct budget_sizes){.cells = 1 << 16, .rings = 1 << 10, .holds = 512, .things = 1 << 10};
    struct budget_rule *rule = room_budget(r, "b", METER_REQUESTS, PRINCIPAL_CLIENT, OVER_HOLD);
    rule_window(rule, NANOS_MINUTE, 30);
    rule_window(rule, NANOS_HOUR, 40);
    room_open(r);
    size_t footprint = budget_footprint(r->contract, &r->sizes);
    nanos_t now = r->moment.boot;
    struct principal known = room_pass(r, 1);
    struct outcome o = {0};
    uint64_t random = room_seed(), others = 0, others_refused = 0;
    for (uint32_t i = 0; i < 1000000; i++) {
        struct principal p = room_address(r, (uint32_t)room_random(&random));
        o = budget_charge(r->b, 0, &p, 1 + i % 11, now);
        others += o.charged_to == CHARGED_OTHERS;
        others_refused += o.charged_to == CHARGED_OTHERS && o.verdict != VERDICT_ALLOW;
        if (i % 40000 == 0) {
            o = budget_charge(r->b, 0, &known, 1, now);
            assert_int_equal(o.charged_to, CHARGED_SELF);
            assert_int_equal(o.used, i / 40000 + 1);
            assert_int_equal(o.verdict, VERDICT_ALLOW);
        }
    }
    assert_true(others > 0);
    assert_int_equal(others_refused, 0);
    struct budget_state s;
    budget_state(r->b, 0, now, &s);
    assert_int_equal(s.to_others, others);
    assert_true(s.to_network > 0);
    /* 57,344 found a place; the estimate is of a sample */
    assert_in_range(s.principals, 35000, 80000);
    assert_int_equal(footprint, budget_footprint(r->contract, &r->sizes));
    /* Still exact at its limit: 25 so far, 5 more in this minute. */
    for (int i = 0; i < 5; i++)
        o = budget_charge(r->b, 0, &known, 1, now);
    assert_int_equal(o.verdict, VERDICT_ALLOW);
    assert_int_equal(budget_charge(r->b, 0, &known, 1, now).verdict, VERDICT_HOLD);
    room_free(r);
}

static void who_fills_the_table_of_things_reads_no_further_for_it(void **state)
{
    (void)state;
    struct room *r = room_new();
    r->sizes.things = 1 << 10;
    rule_window(room_budget(r, "b", METER_PARCELS_READ, PRINCIPAL_CLIENT, OVER_SLOW), NANOS_HOUR,
                40);
    room_open(r);
    nanos_t now = r->moment.boot;
    uint64_t random = room_seed();
    for (uint32_t i = 0; i < 20000; i++) {
        struct principal p = room_address(r, i / 10);
        budget_charge_distinct(r->b, 0, &p, room_random(&random), now);
    }
    struct principal reader = room_address(r, 1 << 20);
    unsigned read = 0;
    for (int i = 0; i < 1000; i++)
        read += budget_charge_distinct(r->b, 0, &reader, room_random(&random), now).verdict ==
                VERDICT_ALLOW;
    assert_int_equal(read, 40);
    room_free(r);
}

/* Both windows keep a first quarter of their own; the longer one's ring must not have it twice. */
static void an_address_may_spend_the_whole_of_a_longer_window(void **state)
{
    (void)state;
    struct room *r = room_new();
    struct budget_rule *rule =
        room_budget(r, "b", METER_ORIGIN_REQUESTS, PRINCIPAL_CLIENT, OVER_SLOW);
    rule_window(rule, NANOS_HOUR, 100);
    rule_window(rule, NANOS_DAY, 300);
    room_open(r);
    struct principal p = room_address(r, 1);
    nanos_t now = r->moment.boot;
    unsigned spent = 0;
    for (int hour = 0; hour < 5; hour++, now += NANOS_HOUR + 2 * NANOS_MINUTE) {
        for (int i = 0; i < 110; i++)
            spent += budget_charge(r->b, 0, &p, 1, now).verdict == VERDICT_ALLOW;
        assert_int_equal(spent, hour < 3 ? 100 * (hour + 1) : 300);
    }
    room_free(r);
}

static void a_ring_is_given_after_a_quarter_and_not_before(void **state)
{
    (void)state;
    struct room *r = room_new();
    rule_window(room_budget(r, "b", METER_LOGIN_FAILURES, PRINCIPAL_CLIENT, OVER_SLOW), NANOS_HOUR,
                40);
    room_open(r);
    nanos_t now = r->moment.boot;
    struct principal p = room_address(r, 1);
    struct budget_state s;
    for (int i = 0; i < 10; i++)
        budget_charge(r->b, 0, &p, 1, now);
    budget_state(r->b, 0, now, &s);
    assert_false(s.has_worst);
    assert_int_equal(budget_charge(r->b, 0, &p, 1, now).used, 11);
    budget_state(r->b, 0, now, &s);
    assert_true(s.has_worst);
    assert_int_equal(s.worst.used, 11);
    room_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_minted_principals_do_not_touch_one_who_is_known),
        cmocka_unit_test(who_fills_the_table_of_things_reads_no_further_for_it),
        cmocka_unit_test(an_address_may_spend_the_whole_of_a_longer_window),
        cmocka_unit_test(a_ring_is_given_after_a_quarter_and_not_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
