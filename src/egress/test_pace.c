/* How much left when, over seconds and minutes. */
#include "egress/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const nanos_t start = 1000 * NANOS_HOUR;

static uint64_t sum(const uint64_t *numbers, size_t count)
{
    uint64_t all = 0;
    for (size_t i = 0; i < count; i++)
        all += numbers[i];
    return all;
}

static void what_is_added_stands_in_its_second_and_minute(void **state)
{
    (void)state;
    struct pace p = {0};
    uint64_t second[PACE_SECONDS], minute[PACE_MINUTES];
    pace_add(&p, 10, start);
    pace_add(&p, 5, start + NANOS_SECOND / 2);
    pace_add(&p, 100, start + 3 * NANOS_SECOND);
    pace_add(&p, 7, start + NANOS_MINUTE);
    pace_read(&p, start + NANOS_MINUTE, second, minute);
    assert_int_equal(second[PACE_SECONDS - 1], 7);
    assert_int_equal(second[2], 100); /* 57 seconds ago */
    assert_int_equal(sum(second, PACE_SECONDS), 107);
    assert_int_equal(minute[PACE_MINUTES - 1], 7);
    assert_int_equal(minute[PACE_MINUTES - 2], 115);
    assert_int_equal(sum(minute, PACE_MINUTES), 122);
}

static void what_is_older_is_gone_whether_or_not_anything_follows(void **state)
{
    (void)state;
    struct pace p = {0};
    uint64_t second[PACE_SECONDS], minute[PACE_MINUTES];
    pace_add(&p, 10, start);
    pace_read(&p, start + NANOS_HOUR, second, minute);
    assert_int_equal(sum(second, PACE_SECONDS) + sum(minute, PACE_MINUTES), 0);
    pace_add(&p, 3, start + 2 * NANOS_HOUR);
    pace_read(&p, start + 2 * NANOS_HOUR, second, minute);
    assert_int_equal(sum(second, PACE_SECONDS), 3);
    assert_int_equal(sum(minute, PACE_MINUTES), 3);
    pace_add(&p, 1, start); /* a clock that goes back says nothing */
    pace_read(&p, start + 2 * NANOS_HOUR, second, minute);
    assert_int_equal(sum(minute, PACE_MINUTES), 3);
}

static void more_than_a_place_holds_is_told_as_the_most(void **state)
{
    (void)state;
    struct pace p = {0};
    uint64_t second[PACE_SECONDS], minute[PACE_MINUTES];
    pace_add(&p, UINT32_MAX, start);
    pace_add(&p, UINT32_MAX, start);
    pace_read(&p, start, second, minute);
    assert_int_equal(second[PACE_SECONDS - 1], UINT32_MAX);
    assert_int_equal(minute[PACE_MINUTES - 1], 2 * (uint64_t)UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_stands_in_its_second_and_minute),
        cmocka_unit_test(what_is_older_is_gone_whether_or_not_anything_follows),
        cmocka_unit_test(more_than_a_place_holds_is_told_as_the_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
