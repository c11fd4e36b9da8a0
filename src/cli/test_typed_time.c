/* Times as people type them. */
#include "cli/typed_time.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* 2026-11-22T10:00:00Z */
#define NOW (INT64_C(1795341600) * NANOS_SECOND)

static void is(const char *typed, nanos_t wanted)
{
    nanos_t told = -1;
    assert_true(typed_time_past(typed, NOW, &told));
    assert_int_equal(told, wanted);
}

static void is_no_time(const char *typed)
{
    nanos_t told = -1;
    assert_false(typed_time_past(typed, NOW, &told));
    assert_int_equal(told, -1);
}

static void a_span_is_so_long_ago_with_the_word_and_without(void **state)
{
    (void)state;
    is("2h", NOW - 2 * NANOS_HOUR);
    is("2h ago", NOW - 2 * NANOS_HOUR);
    is("5m ago", NOW - 5 * NANOS_MINUTE);
    is_no_time("5m ago ago");
    is_no_time(" ago");
    is_no_time("ago");
    is_no_time("");
}

static void a_time_of_day_is_the_last_one(void **state)
{
    (void)state;
    is("09:59", NOW - NANOS_MINUTE);
    is("10:01", NOW + NANOS_MINUTE - NANOS_DAY);
    is("2026-11-22T09:00:00Z", NOW - NANOS_HOUR);
    is("2026-11-22", NOW - 10 * NANOS_HOUR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_span_is_so_long_ago_with_the_word_and_without),
        cmocka_unit_test(a_time_of_day_is_the_last_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
