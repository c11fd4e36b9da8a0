/* Whom the breaker protects, and what an attacker gets who opens it. */
#include "budget/test_room.h"

static struct room *room_with(enum meter meter, enum principal_kind per, enum over over,
                              nanos_t span, uint64_t limit)
{
    struct room *r = room_new();
    rule_window(room_budget(r, "b", meter, per, over), span, limit);
    return r;
}

static struct outcome charge_times(struct room *r, const struct principal *p, unsigned times,
                                   nanos_t now)
{
    struct outcome o = {0};
    for (unsigned i = 0; i < times; i++)
        o = budget_charge(r->b, 0, p, 1, now);
    return o;
}

static void the_breaker_stops_a_budget_that_holds_yesterdays_good_people(void **state)
{
    (void)state;
    struct room *r = room_with(METER_REQUESTS, PRINCIPAL_CLIENT, OVER_HOLD, NANOS_MINUTE, 5);
    room_open(r);
    nanos_t now = r->moment.boot;
    budget_tick(r->b, now);
    for (uint32_t i = 0; i < 100; i++) {
        struct principal p = room_pass(r, i);
        charge_times(r, &p, 1, now);
    }
    struct budget_state s;
    budget_state(r->b, 0, now, &s);
    assert_in_range(s.principals, 90, 110);
    now += NANOS_DAY;
    budget_tick(r->b, now);
    for (uint32_t i = 0; i < 1000; i++) { /* strangers are not yesterday's good people */
        struct principal p = room_address(r, i * 131);
        charge_times(r, &p, 6, now);
    }
    now += NANOS_SECOND;
    budget_tick(r->b, now);
    budget_state(r->b, 0, now, &s);
    assert_false(s.breaker_open);
    for (uint32_t i = 0; i < 12; i++) {
        struct principal p = room_pass(r, i);
        assert_int_equal(charge_times(r, &p, 6, now).verdict, VERDICT_HOLD);
    }
    now += NANOS_SECOND;
    budget_tick(r->b, now);
    budget_state(r->b, 0, now, &s);
    assert_true(s.breaker_open);
    struct principal p = room_pass(r, 0);
    assert_int_equal(charge_times(r, &p, 1, now).verdict, VERDICT_ALLOW);
    now += 2 * NANOS_HOUR;
    budget_tick(r->b, now);
    budget_state(r->b, 0, now, &s);
    assert_false(s.breaker_open);
    room_free(r);
}

static void one_of_ten_is_not_what_the_breaker_is_for(void **state)
{
    (void)state;
    struct room *r = room_with(METER_BYTES_OUT, PRINCIPAL_HOST, OVER_HOLD, NANOS_HOUR, 5);
    room_open(r);
    nanos_t now = r->moment.boot;
    for (int day = 0; day < 2; day++, now += NANOS_DAY) {
        budget_tick(r->b, now);
        for (unsigned i = 0; i < 10; i++) {
            char name[8];
            snprintf(name, sizeof name, "h%u", i);
            struct principal p = principal_named(PRINCIPAL_HOST, text_of(name));
            charge_times(r, &p, day && i < 4 ? 6 : 1, now);
        }
    }
    now += NANOS_SECOND - NANOS_DAY;
    budget_tick(r->b, now);
    struct budget_state s;
    budget_state(r->b, 0, now, &s);
    assert_int_equal(s.held, 4);
    assert_false(s.breaker_open);
    room_free(r);
}

enum { CUSTOMERS = 900, ATTACKERS = 300, LIMIT = 40 };

/* Everyone came once yesterday; today the attackers flood until the breaker opens. */
static nanos_t breaker_opened(struct room *r)
{
    nanos_t now = r->moment.boot;
    struct budget_state s;
    budget_tick(r->b, now);
    for (uint32_t i = 0; i < CUSTOMERS + ATTACKERS; i++) {
        struct principal p = room_pass(r, i);
        assert_int_equal(charge_times(r, &p, 1, now).verdict, VERDICT_ALLOW);
    }
    now += NANOS_DAY;
    budget_tick(r->b, now);
    for (uint32_t i = 0; i < ATTACKERS; i++) {
        struct principal p = room_pass(r, CUSTOMERS + i);
        assert_int_equal(charge_times(r, &p, LIMIT + 1, now).verdict, VERDICT_HOLD);
    }
    now += NANOS_SECOND;
    budget_tick(r->b, now);
    budget_state(r->b, 0, now, &s);
    assert_true(s.breaker_open);
    assert_int_equal(s.held, 0); /* those holds bind nobody now */
    return now;
}

static struct room *room_of_many(enum meter meter, nanos_t span)
{
    struct room *r = room_with(meter, PRINCIPAL_CLIENT, OVER_HOLD, span, LIMIT);
    r->sizes = (struct budget_sizes){
        .cells = 1 << 14, .rings = 1 << 14, .holds = 1 << 13, .things = 1 << 16};
    room_open(r);
    return r;
}

static unsigned flood(struct room *r, const struct principal *p, unsigned times, nanos_t now)
{
    unsigned passed = 0;
    for (unsigned i = 0; i < times; i++)
        passed += budget_charge(r->b, 0, p, 1, now).verdict == VERDICT_ALLOW;
    return passed;
}

static void whoever_opens_the_breaker_gets_four_limits_and_is_held(void **state)
{
    (void)state;
    struct room *r = room_of_many(METER_REQUESTS, NANOS_HOUR);
    nanos_t now = breaker_opened(r);
    for (uint32_t i = 0; i < ATTACKERS; i++) {
        struct principal p = room_pass(r, CUSTOMERS + i);
        assert_int_equal(flood(r, &p, 10 * LIMIT, now), 3 * LIMIT);
        assert_int_equal(budget_charge(r->b, 0, &p, 1, now).would_be, VERDICT_HOLD);
        assert_int_equal(budget_peek(r->b, 0, &p, now).verdict, VERDICT_HOLD);
    }
    struct budget_state s;
    budget_state(r->b, 0, now, &s);
    assert_int_equal(s.held, ATTACKERS);
    room_free(r);
}

static void a_limit_too_low_by_some_times_holds_nobody_while_the_breaker_is_open(void **state)
{
    (void)state;
    struct room *r = room_of_many(METER_REQUESTS, NANOS_HOUR);
    nanos_t now = breaker_opened(r);
    struct principal p = room_pass(r, 1);
    for (unsigned i = 0; i < 4 * LIMIT; i++) {
        assert_int_equal(budget_peek(r->b, 0, &p, now).verdict, VERDICT_ALLOW);
        struct outcome o = budget_charge(r->b, 0, &p, 1, now);
        assert_int_equal(o.verdict, VERDICT_ALLOW);
        assert_int_equal(o.would_be, i < LIMIT ? VERDICT_ALLOW : VERDICT_HOLD);
    }
    assert_int_equal(budget_peek(r->b, 0, &p, now).verdict, VERDICT_HOLD);
    struct outcome o = budget_charge(r->b, 0, &p, 1, now);
    assert_int_equal(o.verdict, VERDICT_HOLD);
    assert_int_equal(o.used, 4 * LIMIT);
    assert_int_equal(o.limit, LIMIT);
    assert_true(o.until == now + NANOS_HOUR);
    struct hold hold; /* the one that binds, and not what was noticed before */
    assert_true(hold_find(r->b, o.hold, &hold) && !hold.observed);
    room_free(r);
}

static void the_bound_holds_for_rates_too(void **state)
{
    (void)state;
    struct room *r = room_of_many(METER_REQUESTS, NANOS_MINUTE);
    nanos_t now = breaker_opened(r);
    struct principal p = room_pass(r, 1);
    unsigned passed = 0;
    for (unsigned second = 0; second < 60; second++, now += NANOS_SECOND)
        passed += flood(r, &p, 2, now); /* three times its limit */
    assert_int_equal(passed, 120);
    assert_in_range(flood(r, &p, 20 * LIMIT, now), LIMIT, 4 * LIMIT + 4);
    assert_int_equal(budget_charge(r->b, 0, &p, 1, now).verdict, VERDICT_HOLD);
    now += 30 * NANOS_MINUTE; /* its rate has recovered; its hold goes on */
    assert_int_equal(budget_peek(r->b, 0, &p, now).verdict, VERDICT_HOLD);
    assert_int_equal(budget_charge(r->b, 0, &p, 1, now).verdict, VERDICT_HOLD);
    room_free(r);
}

static void the_bound_holds_for_things_too(void **state)
{
    (void)state;
    struct room *r = room_of_many(METER_PARCELS_READ, NANOS_HOUR);
    nanos_t now = breaker_opened(r);
    struct principal p = room_pass(r, 1);
    unsigned passed = 0;
    for (uint64_t thing = 1; thing <= 10 * LIMIT; thing++)
        passed += budget_charge_distinct(r->b, 0, &p, thing, now).verdict == VERDICT_ALLOW;
    assert_int_equal(passed, 4 * LIMIT);
    room_free(r);
}

static void who_flooded_through_the_breaker_does_not_open_it_again(void **state)
{
    (void)state;
    for (int again = 0; again < 2; again++) { /* 0: within four limits, 1: beyond */
        struct room *r = room_of_many(METER_REQUESTS, NANOS_HOUR);
        nanos_t now = breaker_opened(r);
        for (uint32_t i = 0; i < ATTACKERS; i++) {
            struct principal p = room_pass(r, CUSTOMERS + i);
            flood(r, &p, (again ? 4 : 1) * LIMIT, now);
        }
        now += 3 * NANOS_HOUR;
        budget_tick(r->b, now);
        struct budget_state s;
        budget_state(r->b, 0, now, &s);
        assert_false(s.breaker_open);
        for (uint32_t i = 0; i < ATTACKERS; i++) {
            struct principal p = room_pass(r, CUSTOMERS + i);
            flood(r, &p, 2 * LIMIT, now);
        }
        now += NANOS_SECOND;
        budget_tick(r->b, now);
        budget_state(r->b, 0, now, &s);
        assert_int_equal(s.breaker_open, !again);
        room_free(r);
    }
}

static void panic_lets_everyone_be_whatever_the_breaker_says(void **state)
{
    (void)state;
    struct room *r = room_of_many(METER_REQUESTS, NANOS_HOUR);
    nanos_t now = breaker_opened(r);
    struct principal p = room_pass(r, 1);
    flood(r, &p, 5 * LIMIT, now);
    assert_int_equal(budget_charge(r->b, 0, &p, 1, now).verdict, VERDICT_HOLD);
    budget_set_mode(r->b, MODE_OBSERVE);
    assert_int_equal(budget_charge(r->b, 0, &p, 1, now).verdict, VERDICT_ALLOW);
    assert_int_equal(budget_peek(r->b, 0, &p, now).verdict, VERDICT_ALLOW);
    room_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_breaker_stops_a_budget_that_holds_yesterdays_good_people),
        cmocka_unit_test(one_of_ten_is_not_what_the_breaker_is_for),
        cmocka_unit_test(whoever_opens_the_breaker_gets_four_limits_and_is_held),
        cmocka_unit_test(a_limit_too_low_by_some_times_holds_nobody_while_the_breaker_is_open),
        cmocka_unit_test(the_bound_holds_for_rates_too),
        cmocka_unit_test(the_bound_holds_for_things_too),
        cmocka_unit_test(who_flooded_through_the_breaker_does_not_open_it_again),
        cmocka_unit_test(panic_lets_everyone_be_whatever_the_breaker_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
