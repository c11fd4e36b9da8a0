/* Words of flow logs as values. */
#include "egress/flow_text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void times_are_exact_to_the_nanosecond(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        nanos_t wall;
    } good[] = {{"0", 0},
                {"1793577600.123456789", INT64_C(1793577600123456789)},
                {"1793577600.1234567899", INT64_C(1793577600123456789)},
                {"1.7935776e9", INT64_C(1793577600000000000)},
                {"1793577600123", INT64_C(1793577600123000000)},
                {"2026-11-02T00:00:00Z", INT64_C(1793577600000000000)},
                {"2026-11-02T00:00:00.000001+0000", INT64_C(1793577600000001000)},
                {"2026-11-02T01:30:00.5+01:30", INT64_C(1793577600500000000)},
                {"2026-11-01 22:00:00-0200", INT64_C(1793577600000000000)},
                {"2024-02-29T00:00:00Z", INT64_C(1709164800000000000)},
                {"1970-01-01T00:00:00Z", 0}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        nanos_t wall = -1;
        assert_true(flow_text_time(text_of(good[i].text), &wall));
        assert_int_equal(wall, good[i].wall);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "-1",
                                      "1.2.3",
                                      "1e",
                                      "abc",
                                      "1e9999",
                                      "1e400",
                                      "99999999999999999999999",
                                      "nan",
                                      "inf",
                                      ".",
                                      "1 ",
                                      "2026-11-02",
                                      "2026-11-02T00:00:00",
                                      "2026-13-02T00:00:00Z",
                                      "2026-11-02T24:00:00Z",
                                      "2026-11-02T00:00:00+1",
                                      "2026-11-02T00:00:00Zx",
                                      "1969-12-31T23:59:59Z",
                                      "1970-01-01T00:00:00+0100"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        nanos_t wall = 42;
        assert_false(flow_text_time(text_of(bad[i]), &wall));
        assert_int_equal(wall, 42);
    }
}

static void spans_may_have_exponents(void **state)
{
    (void)state;
    nanos_t span;
    assert_true(flow_text_seconds(TEXT("1e-06"), &span) && span == 1000);
    assert_true(flow_text_seconds(TEXT("2.5"), &span) && span == 2500000000);
    assert_true(flow_text_seconds(TEXT("1e-30"), &span) && span == 0);
    assert_true(flow_text_seconds(TEXT("0.0000000000000000000000001"), &span) && span == 0);
    assert_false(flow_text_seconds(TEXT("-0.5"), &span));
    assert_false(flow_text_seconds(TEXT("1e30"), &span));
}

static void addresses_of_both_kinds_are_read(void **state)
{
    (void)state;
    uint8_t a[16] = {0}, link[6];
    assert_true(flow_text_address(TEXT("10.1.0.7"), a) && a[10] == 0xff && a[15] == 7);
    assert_true(flow_text_address(TEXT("2001:db8::1"), a) && a[0] == 0x20 && a[15] == 1);
    static const char *const bad[] = {"",           "10.1.0",  "10.1.0.256", "10.1.0.7.",
                                      "10.1.0.7 ",  "10..0.7", "2001:::1",   "x",
                                      "0000.1.1.1", "1.2.3.4x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(flow_text_address(text_of(bad[i]), a));
    assert_true(flow_text_link(TEXT("02:aB:00:00:00:ff"), link) && link[1] == 0xab);
    assert_false(flow_text_link(TEXT("02:aB:00:00:00:f"), link));
    assert_false(flow_text_link(TEXT("02-ab-00-00-00-ff"), link));
    assert_false(flow_text_link(TEXT("02:ag:00:00:00:ff"), link));
}

static void counts_and_protocols_are_whole(void **state)
{
    (void)state;
    uint64_t count;
    uint8_t protocol;
    assert_true(flow_text_count(TEXT("999999999999999999"), &count) &&
                count == UINT64_C(999999999999999999));
    assert_false(flow_text_count(TEXT("9999999999999999999"), &count));
    assert_false(flow_text_count(TEXT("-1"), &count));
    assert_false(flow_text_count(TEXT("1.0"), &count));
    assert_false(flow_text_count(TEXT(""), &count));
    assert_true(flow_text_protocol(TEXT("TCP"), &protocol) && protocol == 6);
    assert_true(flow_text_protocol(TEXT("IPv6-ICMP"), &protocol) && protocol == 58);
    assert_true(flow_text_protocol(TEXT("132"), &protocol) && protocol == 132);
    assert_false(flow_text_protocol(TEXT("tc"), &protocol));
    assert_false(flow_text_protocol(TEXT("256"), &protocol));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_exact_to_the_nanosecond),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(spans_may_have_exponents),
        cmocka_unit_test(addresses_of_both_kinds_are_read),
        cmocka_unit_test(counts_and_protocols_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
