#include "tracking/test_feed.h"

#include <time.h>

static const char *zulu(int64_t at)
{
    static char text[CLOCK_TEXT_SIZE];
    return clock_text(at * NANOS_SECOND, text);
}

static void times_are_read_with_their_zone(void **state)
{
    (void)state;
    static const struct {
        const char *text, *utc;
        int offset;
    } cases[] = {
        {"2026-11-20T14:03:00Z", "2026-11-20T14:03:00Z", 0},
        {"2026-11-20t14:03:00z", "2026-11-20T14:03:00Z", 0},
        {"2026-11-20 14:03:00Z", "2026-11-20T14:03:00Z", 0},
        {"2005-04-03T20:33:31.116000-06:00", "2005-04-04T02:33:31Z", -360},
        {"2026-11-20T14:03:00,5+0200", "2026-11-20T12:03:00Z", 120},
        {"2026-11-20T14:03:00+02", "2026-11-20T12:03:00Z", 120},
        {"2026-11-20T14:03:00+05:45", "2026-11-20T08:18:00Z", 345},
        {"2026-01-01T00:30:00+14:00", "2025-12-31T10:30:00Z", 840},
        {"2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z", 0},
        {"2000-02-29T12:00:00Z", "2000-02-29T12:00:00Z", 0},
        {"1990-01-01T00:00:00Z", "1990-01-01T00:00:00Z", 0},
        {"2099-12-31T23:59:59Z", "2099-12-31T23:59:59Z", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t at = 0;
        int16_t offset = -1;
        if (!event_time_parse(text_of(cases[i].text), &at, &offset))
            fail_msg("%s", cases[i].text);
        assert_string_equal(zulu(at), cases[i].utc);
        assert_int_equal(offset, cases[i].offset);
    }
}

static void a_leap_second_is_the_second_after(void **state)
{
    (void)state;
    int64_t at, after;
    int16_t offset;
    assert_true(event_time_parse(TEXT("2016-12-31T23:59:60Z"), &at, &offset));
    assert_true(event_time_parse(TEXT("2017-01-01T00:00:00Z"), &after, &offset));
    assert_int_equal(at, after);
    assert_true(event_time_parse(TEXT("2017-01-01T00:59:60+01:00"), &at, &offset));
    assert_int_equal(at, after);
    assert_false(event_time_parse(TEXT("2016-12-30T23:59:60Z"), &at, &offset));
    assert_false(event_time_parse(TEXT("2016-12-31T12:59:60Z"), &at, &offset));
}

static void what_is_no_time_is_refused_and_leaves_the_outputs(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "2026-11-20",
        "2026-11-20T14:03:00",
        "2026-11-20T14:03Z",
        "2026-11-20T24:00:00Z",
        "2026-11-20T14:60:00Z",
        "2026-11-20T14:03:61Z",
        "2026-13-20T14:03:00Z",
        "2026-00-20T14:03:00Z",
        "2026-11-31T14:03:00Z",
        "2025-02-29T14:03:00Z",
        "1900-02-29T14:03:00Z",
        "2026-11-00T14:03:00Z",
        "1989-12-31T23:59:59Z",
        "2100-01-01T00:00:00Z",
        "1990-01-01T00:00:00+01:00",
        "2099-12-31T23:59:59-01:00",
        "2026-11-20T14:03:00+14:01",
        "2026-11-20T14:03:00+01:60",
        "2026-11-20T14:03:00+1:00",
        "2026-11-20T14:03:00.Z",
        "2026-11-20T14:03:00Z ",
        " 2026-11-20T14:03:00Z",
        "2026-11-20T14:03:00+",
        "2026-11-20T14:03:00+0",
        "2O26-11-20T14:03:00Z",
        "2026/11/20T14:03:00Z",
        "20261120T140300Z",
        "2026-11-20T14:03:00CET",
        "+2026-11-20T14:03:00Z",
        "2026-11-20T14:03:00.0000000000000000000000000000000000000000Z",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int64_t at = 77;
        int16_t offset = 7;
        if (event_time_parse(text_of(texts[i]), &at, &offset))
            fail_msg("%s", texts[i]);
        assert_true(at == 77 && offset == 7);
    }
}

static void every_day_from_1990_to_2100_is_as_libc_has_it(void **state)
{
    (void)state;
    int32_t day = day_of_date(1990, 1, 1);
    assert_int_equal(day, 7305);
    for (;; day++) {
        time_t seconds = (time_t)day * 86400;
        struct tm tm;
        int year;
        unsigned month, day_of_month;
        gmtime_r(&seconds, &tm);
        day_to_date(day, &year, &month, &day_of_month);
        assert_true(year == tm.tm_year + 1900 && month == (unsigned)tm.tm_mon + 1 &&
                    day_of_month == (unsigned)tm.tm_mday);
        assert_int_equal(day_of_date(year, month, day_of_month), day);
        if (year == 2101)
            break;
    }
}

static void days_far_from_now_go_both_ways(void **state)
{
    (void)state;
    for (int64_t day = -800000000; day <= 780000000; day += 7777777) {
        int year;
        unsigned month, day_of_month;
        day_to_date((int32_t)day, &year, &month, &day_of_month);
        assert_int_equal(day_of_date(year, month, day_of_month), day);
    }
}

static void a_day_is_a_date_or_the_date_of_a_time(void **state)
{
    (void)state;
    int32_t day = 0, same = 0;
    assert_true(event_day_parse(TEXT("2026-11-24"), &day));
    assert_int_equal(day, day_of_date(2026, 11, 24));
    assert_true(event_day_parse(TEXT("2026-11-24T23:30:00-05:00"), &same));
    assert_int_equal(same, day);
    static const char *const no_days[] = {
        "", "2026-11-2", "2026-02-30", "24/11/2026", "2026-11-24X", "2026-11-24T", "2100-01-01"};
    for (size_t i = 0; i < sizeof no_days / sizeof no_days[0]; i++)
        assert_false(event_day_parse(text_of(no_days[i]), &same));
    assert_int_equal(same, day);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read_with_their_zone),
        cmocka_unit_test(a_leap_second_is_the_second_after),
        cmocka_unit_test(what_is_no_time_is_refused_and_leaves_the_outputs),
        cmocka_unit_test(every_day_from_1990_to_2100_is_as_libc_has_it),
        cmocka_unit_test(days_far_from_now_go_both_ways),
        cmocka_unit_test(a_day_is_a_date_or_the_date_of_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
