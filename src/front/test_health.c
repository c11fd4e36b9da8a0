#include "front/health.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants the two above first */
#include <cmocka.h>

static nanos_t after(int seconds)
{
    return NANOS_HOUR + seconds * NANOS_SECOND;
}

static void nothing_seen_is_not_down(void **state)
{
    (void)state;
    struct health h = {0};
    assert_false(health_is_down(&h, after(0)));
}

static void it_takes_three_failures_in_a_row_to_fall(void **state)
{
    (void)state;
    struct health h = {0};
    health_saw(&h, true, after(0));
    health_saw(&h, true, after(1));
    health_saw(&h, false, after(2));
    health_saw(&h, true, after(3));
    health_saw(&h, true, after(4));
    assert_false(health_is_down(&h, after(4)));
    health_saw(&h, true, after(5));
    assert_true(health_is_down(&h, after(5)));
}

static void it_takes_two_answers_in_a_row_to_rise(void **state)
{
    (void)state;
    struct health h = {0};
    for (int i = 0; i < 3; i++)
        health_saw(&h, true, after(i));
    health_saw(&h, false, after(3));
    health_saw(&h, true, after(4));
    health_saw(&h, false, after(5));
    assert_true(health_is_down(&h, after(5)));
    health_saw(&h, false, after(6));
    assert_false(health_is_down(&h, after(6)));
}

static void what_was_seen_over_a_minute_ago_says_nothing(void **state)
{
    (void)state;
    struct health h = {0};
    for (int i = 0; i < 3; i++)
        health_saw(&h, true, after(i));
    assert_true(health_is_down(&h, after(62)));
    assert_false(health_is_down(&h, after(63)));
    health_saw(&h, true, after(70)); /* one failure after silence is one, not four */
    assert_false(health_is_down(&h, after(70)));
}

static void who_sees_it_come_back_speaks_for_all(void **state)
{
    (void)state;
    struct health one = {0}, other = {0};
    for (int i = 0; i < 2; i++)
        assert_int_equal(health_saw_among(&one, true, false, i + 1), HEALTH_NO_NEWS);
    assert_int_equal(health_saw_among(&one, true, false, 3), HEALTH_IS_DOWN);
    assert_int_equal(health_saw_among(&one, true, true, 4), HEALTH_IS_DOWN); /* confirmed */
    assert_int_equal(health_saw_among(&other, false, true, 5), HEALTH_NO_NEWS);
    assert_int_equal(health_saw_among(&other, false, true, 6), HEALTH_IS_BACK);
    assert_int_equal(health_saw_among(&other, false, false, 7), HEALTH_NO_NEWS);
    /* one failure in the worker that had seen the fall is no new fall */
    assert_int_equal(health_saw_among(&one, true, false, 8), HEALTH_NO_NEWS);
    assert_int_equal(health_saw_among(&one, true, false, 9), HEALTH_NO_NEWS);
    assert_int_equal(health_saw_among(&one, true, false, 10), HEALTH_IS_DOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_seen_is_not_down),
        cmocka_unit_test(it_takes_three_failures_in_a_row_to_fall),
        cmocka_unit_test(it_takes_two_answers_in_a_row_to_rise),
        cmocka_unit_test(what_was_seen_over_a_minute_ago_says_nothing),
        cmocka_unit_test(who_sees_it_come_back_speaks_for_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
