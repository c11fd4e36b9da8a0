/* Files open for writing that are not judged yet: counted for who opened them, and for no longer.
 */
#include "files/flight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int begin(void **state)
{
    *state = calloc(1, sizeof(struct flights));
    return *state == NULL;
}

static int end(void **state)
{
    free(*state);
    return 0;
}

#define NOW (100 * NANOS_SECOND)

static struct flight flight(uint64_t thing, uint64_t tree, uint32_t user)
{
    return (struct flight){.thing = thing, .tree = tree, .user = user};
}

static unsigned own(const struct flights *flights, struct flight next, nanos_t now)
{
    return flights_count(flights, &next, now).own;
}

static void many_opened_at_once_are_in_flight(void **state)
{
    struct flights *flights = *state;
    for (uint64_t thing = 1; thing <= 50; thing++) {
        struct flight f = flight(thing, 7, 1000);
        assert_true(flights_add(flights, &f, NOW, NOW + FLIGHT_OPEN));
    }
    assert_int_equal(own(flights, flight(51, 7, 1000), NOW), 50);
    assert_int_equal(own(flights, flight(51, 8, 1001), NOW), 0);
    assert_int_equal(flights_count(flights, &(struct flight){.thing = 51}, NOW).all, 50);
}

/* Sixteen workers, or a session each: what counts is whoever has more, the tree or the user. */
static void another_tree_of_the_same_user_counts_too(void **state)
{
    struct flights *flights = *state;
    for (uint64_t thing = 1; thing <= 16; thing++) {
        struct flight f = flight(thing, thing, 1000);
        flights_add(flights, &f, NOW, NOW + FLIGHT_OPEN);
    }
    assert_int_equal(own(flights, flight(17, 17, 1000), NOW), 16);
}

static void the_same_file_again_is_one(void **state)
{
    struct flights *flights = *state;
    struct flight f = flight(1, 7, 1000);
    for (int i = 0; i < 5; i++)
        flights_add(flights, &f, NOW, NOW + FLIGHT_OPEN);
    assert_int_equal(own(flights, flight(2, 7, 1000), NOW), 1);
    assert_int_equal(own(flights, f, NOW), 0);
}

static void what_was_judged_or_closed_long_enough_is_none_any_more(void **state)
{
    struct flights *flights = *state;
    struct flight a = flight(1, 7, 1000), b = flight(2, 7, 1000), c = flight(3, 7, 1000);
    flights_add(flights, &a, NOW, NOW + FLIGHT_OPEN);
    flights_add(flights, &b, NOW, NOW + FLIGHT_OPEN);
    flights_add(flights, &c, NOW, NOW + FLIGHT_OPEN);
    flights_judged(flights, 1);
    flights_closed(flights, 2, NOW);
    assert_int_equal(own(flights, flight(9, 7, 1000), NOW), 2);
    assert_int_equal(own(flights, flight(9, 7, 1000), NOW + FLIGHT_CLOSED), 1);
    assert_int_equal(own(flights, flight(9, 7, 1000), NOW + FLIGHT_OPEN), 0);
}

static void a_full_table_refuses_rather_than_forgets(void **state)
{
    struct flights *flights = *state;
    for (uint64_t thing = 1; thing <= FLIGHT_MOST; thing++) {
        struct flight f = flight(thing, 7, 1000);
        assert_true(flights_add(flights, &f, NOW, NOW + FLIGHT_OPEN));
    }
    struct flight more = flight(FLIGHT_MOST + 1, 8, 1001);
    assert_false(flights_add(flights, &more, NOW, NOW + 1));
    assert_true(flights_add(flights, &more, NOW + FLIGHT_OPEN, NOW + 2 * FLIGHT_OPEN));
}

static void at_the_limit_the_one_that_shows_still_fits(void **state)
{
    (void)state;
    assert_true(flights_fit(40, 41));
    assert_false(flights_fit(40, 40));
    assert_true(flights_fit(FLIGHT_ALWAYS - 1, 0));
    assert_false(flights_fit(FLIGHT_ALWAYS, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_opened_at_once_are_in_flight, begin, end),
        cmocka_unit_test_setup_teardown(another_tree_of_the_same_user_counts_too, begin, end),
        cmocka_unit_test_setup_teardown(the_same_file_again_is_one, begin, end),
        cmocka_unit_test_setup_teardown(what_was_judged_or_closed_long_enough_is_none_any_more,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_full_table_refuses_rather_than_forgets, begin, end),
        cmocka_unit_test(at_the_limit_the_one_that_shows_still_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
