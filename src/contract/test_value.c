#include "contract/test_yaml.h"

#include "contract/value.h"

#define T(literal) TEXT(literal)

static void sizes_are_bytes(void **state)
{
    UNUSED(state);
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {{"512B", 512},
                 {"200MB", 200000000},
                 {"1.5GB", 1500000000},
                 {"4TB", UINT64_C(4000000000000)},
                 {"64KiB", 65536},
                 {"1.5KiB", 1536},
                 {"3kB", 3000},
                 {"3KB", 3000},
                 {"0B", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t bytes = 1;
        assert_null(value_size(text_of(cases[i].text), &bytes));
        assert_int_equal(bytes, cases[i].bytes);
    }
}

static void a_size_that_cannot_be_is_refused_and_leaves_the_output(void **state)
{
    UNUSED(state);
    static const struct {
        const char *text, *part;
    } cases[] = {{"200Mb", "bits"},
                 {"200", "unit"},
                 {"MB", "unit"},
                 {"2 MB", "unit"},
                 {"-2MB", "unit"},
                 {"1.MB", "unit"},
                 {"1.2.3MB", "unit"},
                 {"0.5B", "decimals"},
                 {"99999999999999PB", "larger"},
                 {"99999999999999999999999999B", "larger"},
                 {"", "unit"},
                 {"2mb", "bits"},
                 {"2MBs", "unit"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t bytes = 7;
        const char *wrong = value_size(text_of(cases[i].text), &bytes);
        assert_non_null(wrong);
        assert_non_null(strstr(wrong, cases[i].part));
        assert_int_equal(bytes, 7);
    }
}

static void durations_need_a_unit(void **state)
{
    UNUSED(state);
    nanos_t duration = 0;
    assert_null(value_duration(T("300ms"), &duration));
    assert_int_equal(duration, 300 * NANOS_MILLISECOND);
    assert_null(value_duration(T("1.5h"), &duration));
    assert_int_equal(duration, 90 * NANOS_MINUTE);
    assert_null(value_duration(T("30d"), &duration));
    assert_int_equal(duration, 30 * NANOS_DAY);
    assert_non_null(value_duration(T("30"), &duration));
    assert_non_null(value_duration(T("1w"), &duration));
    assert_non_null(value_duration(
        T("106752d"), &duration)); /* 292 years and a bit: over 63 bits of nanoseconds */
    assert_int_equal(duration, 30 * NANOS_DAY);
}

static void shares_are_per_cent(void **state)
{
    UNUSED(state);
    uint32_t share = 0;
    assert_null(value_share(T("99.9%"), &share));
    assert_int_equal(share, 999000);
    assert_null(value_share(T("0.0001%"), &share));
    assert_int_equal(share, 1);
    assert_non_null(value_share(T("0.99"), &share));
    assert_non_null(value_share(T("100.1%"), &share));
    assert_non_null(value_share(T("0.00001%"), &share));
    assert_int_equal(share, 1);
}

static void prefixes_are_both_families(void **state)
{
    UNUSED(state);
    struct prefix prefix;
    char text[VALUE_TEXT_SIZE];
    assert_null(value_prefix(T("10.1.0.0/16"), &prefix));
    assert_int_equal(prefix.bits, 112);
    assert_int_equal(prefix.address[10], 0xff);
    assert_string_equal(value_prefix_text(&prefix, text), "10.1.0.0/16");
    assert_null(value_prefix(T("2001:db8::/32"), &prefix));
    assert_int_equal(prefix.bits, 32);
    assert_string_equal(value_prefix_text(&prefix, text), "2001:db8::/32");
    assert_null(value_prefix(T("192.0.2.7"), &prefix));
    assert_int_equal(prefix.bits, 128);
    assert_string_equal(value_prefix_text(&prefix, text), "192.0.2.7");
}

static void a_prefix_with_host_bits_is_told_the_right_one(void **state)
{
    UNUSED(state);
    struct prefix prefix;
    assert_non_null(strstr(value_prefix(T("10.1.2.3/16"), &prefix), "did you mean 10.1.0.0/16?"));
    assert_non_null(
        strstr(value_prefix(T("2001:db8::1/64"), &prefix), "did you mean 2001:db8::/64?"));
    static const char *const wrong[] = {
        "",          "/8",          "10.1.0.0/33",  "10.1.0/16",   "::/129",
        "10.0.0.0/", "10.0.0.0/08", "host.example", "10.0.0.0/8x", "256.1.1.1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_non_null(value_prefix(text_of(wrong[i]), &prefix));
}

static void formats_have_lengths_that_a_parcel_can_have(void **state)
{
    UNUSED(state);
    struct parcel_format format;
    assert_null(value_format(T("s10"), &format));
    assert_int_equal(format.kind, FORMAT_S10);
    assert_null(value_format(T("digits-11"), &format));
    assert_int_equal(format.shortest, 11);
    assert_int_equal(format.longest, 11);
    assert_null(value_format(T("alnum-8-12"), &format));
    assert_int_equal(format.kind, FORMAT_ALNUM);
    assert_int_equal(format.longest, 12);
    static const char *const wrong[] = {"digits",       "digits-",   "digits-5", "digits-31",
                                        "alnum-12-8",   "alnum-8-",  "s11",      "digits-011",
                                        "digits-8-12x", "digits-100"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_non_null(value_format(text_of(wrong[i]), &format));
}

static void amounts_are_written_as_they_are_read(void **state)
{
    UNUSED(state);
    char text[VALUE_TEXT_SIZE];
    assert_string_equal(value_size_text(1500000000, text), "1.5GB");
    assert_string_equal(value_size_text(1050000000, text), "1.05GB");
    assert_string_equal(value_size_text(999, text), "999B");
    assert_string_equal(value_size_text(0, text), "0B");
    assert_string_equal(value_duration_text(36 * NANOS_HOUR, text), "36h");
    assert_string_equal(value_duration_text(300 * NANOS_MILLISECOND, text), "300ms");
    assert_string_equal(value_share_text(999000, text), "99.9%");
    assert_string_equal(value_share_text(1000000, text), "100%");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_bytes),
        cmocka_unit_test(a_size_that_cannot_be_is_refused_and_leaves_the_output),
        cmocka_unit_test(durations_need_a_unit),
        cmocka_unit_test(shares_are_per_cent),
        cmocka_unit_test(prefixes_are_both_families),
        cmocka_unit_test(a_prefix_with_host_bits_is_told_the_right_one),
        cmocka_unit_test(formats_have_lengths_that_a_parcel_can_have),
        cmocka_unit_test(amounts_are_written_as_they_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
