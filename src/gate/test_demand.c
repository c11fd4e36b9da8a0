#include "gate/demand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct demand demand;
static nanos_t now;

static int begin_anew(void **state)
{
    (void)state;
    memset(&demand, 0, sizeof demand);
    now = 1000 * NANOS_SECOND;
    return 0;
}

/* So many seconds of so many asked and given, looked at ten times a second; true if it ended. */
static bool seconds_of(unsigned seconds, uint32_t asked, uint32_t given, bool is_short)
{
    bool ended = false;
    for (unsigned i = 0; i < seconds * 10; i++) {
        demand_add(&demand, asked / 10, given / 10, now);
        if (is_short)
            demand_begin(&demand, NANOS_SECOND, now);
        ended = demand_look(&demand, now) || ended;
        now += NANOS_SECOND / 10;
    }
    return ended;
}

static void it_begins_once_and_says_why(void **state)
{
    (void)state;
    seconds_of(3, 5000, 2000, false);
    assert_false(demand_challenges(&demand));
    assert_true(demand_begin(&demand, 300 * NANOS_MILLISECOND, now));
    assert_false(demand_begin(&demand, 400 * NANOS_MILLISECOND, now));
    struct demand_view view;
    demand_view(&demand, now, &view);
    assert_int_equal(view.since, now);
    assert_int_equal(view.longest, 300 * NANOS_MILLISECOND);
    assert_int_equal(view.took, 2000);
    assert_int_equal(view.asked, 5000);
    assert_int_equal(view.begun, 1);
}

static void it_ends_when_demand_has_been_low_for_a_while(void **state)
{
    (void)state;
    seconds_of(5, 5000, 2000, true);
    assert_false(seconds_of(29, 1000, 1000, false));
    assert_true(seconds_of(3, 1000, 1000, false));
    assert_false(demand_challenges(&demand));
}

static void it_goes_on_while_demand_is_near_what_the_origin_took(void **state)
{
    (void)state;
    seconds_of(5, 5000, 2000, true);
    assert_false(seconds_of(100, 1500, 1500, false)); /* three quarters */
    assert_true(demand_challenges(&demand));
}

/* One busy second in each half minute keeps it on, quiet ones between do not end it. */
static void a_pulse_does_not_make_it_flap(void **state)
{
    (void)state;
    seconds_of(5, 5000, 2000, true);
    for (unsigned i = 0; i < 4; i++) {
        assert_false(seconds_of(20, 100, 100, false));
        assert_false(seconds_of(1, 5000, 100, false));
    }
    assert_true(demand_challenges(&demand));
}

/* The origin was ill when it began, so hardly anything was given; now it is well, and the usual
 * demand is far over that. */
static void it_ends_on_trial_when_nobody_has_waited_for_long(void **state)
{
    (void)state;
    seconds_of(5, 500, 10, true);
    assert_false(seconds_of(110, 500, 500, false));
    assert_true(seconds_of(11, 500, 500, false));
}

static void a_trial_in_vain_puts_the_next_one_off(void **state)
{
    (void)state;
    seconds_of(5, 5000, 2000, true);
    assert_true(seconds_of(121, 5000, 20, false));
    seconds_of(2, 5000, 2000, true); /* begins again at once */
    assert_true(demand_challenges(&demand));
    assert_false(seconds_of(200, 5000, 20, false));
    assert_true(seconds_of(60, 5000, 20, false)); /* after four minutes */
}

static void what_was_told_by_many_adds_up(void **state)
{
    (void)state;
    struct demand_view view;
    for (unsigned i = 0; i < 100; i++)
        demand_add(&demand, 3, 1, now);
    demand_view(&demand, now + NANOS_SECOND, &view);
    assert_int_equal(view.asked, 300);
    assert_int_equal(view.given, 100);
    demand_view(&demand, now + DEMAND_SECONDS * NANOS_SECOND + NANOS_SECOND, &view);
    assert_int_equal(view.asked, 0); /* an old second is not taken for this one */
}

static void a_damaged_ledger_latches_nothing_for_ever(void **state)
{
    (void)state;
    memset(&demand, 0xff, sizeof demand);
    assert_true(demand_challenges(&demand));
    now = 2000 * NANOS_SECOND;
    bool ended = false;
    for (unsigned i = 0; i < 60 * 60 && !ended; i++) {
        ended = demand_look(&demand, now);
        now += NANOS_SECOND;
    }
    assert_true(ended);
}

static void no_moment_is_shown_that_is_still_to_come(void **state)
{
    (void)state;
    struct demand_view view;
    memset(&demand, 0x81, sizeof demand);
    demand_view(&demand, now, &view);
    assert_int_equal(view.since, now);
    assert_int_equal(view.ended, now);
    assert_int_equal(view.short_at, now);
    assert_int_equal(view.longest, now);
}

static void a_long_wait_is_longer_where_answers_take_long(void **state)
{
    (void)state;
    assert_true(demand_long_wait(5 * NANOS_MILLISECOND) == DEMAND_LONG_WAIT);
    assert_true(demand_long_wait(300 * NANOS_MILLISECOND) == 300 * NANOS_MILLISECOND);
    assert_true(demand_long_wait(3 * NANOS_SECOND) == DEMAND_LONG_MOST);
    assert_true(demand_long_wait(0) == DEMAND_LONG_MOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_wait_is_longer_where_answers_take_long),
        cmocka_unit_test_setup(it_begins_once_and_says_why, begin_anew),
        cmocka_unit_test_setup(it_ends_when_demand_has_been_low_for_a_while, begin_anew),
        cmocka_unit_test_setup(it_goes_on_while_demand_is_near_what_the_origin_took, begin_anew),
        cmocka_unit_test_setup(a_pulse_does_not_make_it_flap, begin_anew),
        cmocka_unit_test_setup(it_ends_on_trial_when_nobody_has_waited_for_long, begin_anew),
        cmocka_unit_test_setup(a_trial_in_vain_puts_the_next_one_off, begin_anew),
        cmocka_unit_test_setup(what_was_told_by_many_adds_up, begin_anew),
        cmocka_unit_test_setup(a_damaged_ledger_latches_nothing_for_ever, begin_anew),
        cmocka_unit_test_setup(no_moment_is_shown_that_is_still_to_come, begin_anew),
    };
    return cmocka_run_group_tests_name("demand", tests, NULL, NULL);
}
