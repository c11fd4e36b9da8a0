#include "tracking/test_feed.h"

static const struct parcel_format all_checked[] = {
    {FORMAT_S10, 0, 0}, {FORMAT_COLISSIMO, 0, 0}, {FORMAT_SSCC, 0, 0}};

static enum parcel_verdict verdict_of(const char *typed, const char *expected)
{
    struct parcel_number number = {0};
    enum parcel_verdict verdict = parcel_parse(all_checked, 3, text_of(typed), &number, NULL);
    if (expected)
        assert_string_equal(number.text, expected);
    return verdict;
}

static void the_shared_numbers_have_their_verdicts(void **state)
{
    (void)state;
    struct text file = read_input("ECLUSE_DATA", "parcels/numbers.tsv");
    char *text = (char *)(uintptr_t)file.data, *save = NULL;
    unsigned rows = 0;
    text[file.length] = 0;
    strtok_r(text, "\n", &save);
    for (char *row; (row = strtok_r(NULL, "\n", &save)); rows++) {
        char format[16], number[64], valid[8];
        assert_int_equal(sscanf(row, "%15[^\t]\t%63[^\t]\t%7[^\t\r]", format, number, valid), 3);
        enum parcel_format_kind kind = strcmp(format, "s10") == 0         ? FORMAT_S10
                                       : strcmp(format, "colissimo") == 0 ? FORMAT_COLISSIMO
                                                                          : FORMAT_SSCC;
        struct parcel_format one = {kind, 0, 0};
        struct parcel_number out;
        enum parcel_verdict verdict = parcel_parse(&one, 1, text_of(number), &out, NULL);
        if (verdict != (strcmp(valid, "yes") == 0 ? PARCEL_VALID : PARCEL_WRONG_CHECK))
            fail_msg("%s: verdict %d", number, verdict);
    }
    assert_true(rows >= 15);
    free(text);
}

static void every_typing_mistake_of_one_digit_is_found(void **state)
{
    (void)state;
    static const char *const numbers[] = {"RA123456785FR", "6P01007508742", "000123450000000027"};
    unsigned unseen = 0;
    for (size_t n = 0; n < 3; n++)
        for (size_t i = n == 1 ? 2 : 0; numbers[n][i]; i++)
            for (char c = '0'; c <= '9'; c++) {
                char typed[32];
                snprintf(typed, sizeof typed, "%s", numbers[n]);
                if (typed[i] == c || typed[i] > '9')
                    continue;
                typed[i] = c;
                /* S10 writes the remainders 5 and 11 alike: there a mistake stays unseen. */
                if (n == 0 && verdict_of(typed, NULL) == PARCEL_VALID)
                    unseen++;
                else
                    assert_int_equal(verdict_of(typed, NULL), PARCEL_WRONG_CHECK);
            }
    assert_true(unseen <= 8);
}

static void an_s10_remainder_of_11_is_made_5_and_read_as_0_too(void **state)
{
    (void)state;
    assert_int_equal(parcel_check_digit(FORMAT_S10, "11111111"), '5');
    assert_int_equal(verdict_of("GF111111115NZ", NULL), PARCEL_VALID);
    assert_int_equal(verdict_of("GF111111110NZ", NULL), PARCEL_VALID);
    assert_int_equal(verdict_of("GF111111111NZ", NULL), PARCEL_WRONG_CHECK);
    assert_int_equal(verdict_of("RB123456780GB", NULL), PARCEL_WRONG_CHECK);
}

static void numbers_are_taken_as_people_type_them(void **state)
{
    (void)state;
    static const struct {
        const char *typed, *canonical;
    } cases[] = {
        {"ra123456785fr", "RA123456785FR"},
        {" RA 123 456 785 FR\t", "RA123456785FR"},
        {"RA-123.456-785.FR", "RA123456785FR"},
        {"RA\xc2\xa0"
         "123456785\xe2\x80\xaf"
         "FR",
         "RA123456785FR"},
        {"RA\xe2\x80\x93"
         "123456785\xe2\x88\x92"
         "FR",
         "RA123456785FR"},
        {"\xef\xbb\xbf"
         "6p 0100 7508 742",
         "6P01007508742"},
        {"(00)000123450000000027", "000123450000000027"},
        {"00 0 0012345 000000002 7", "000123450000000027"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(verdict_of(cases[i].typed, cases[i].canonical), PARCEL_VALID);
}

static void what_no_format_has_is_of_the_wrong_form(void **state)
{
    (void)state;
    static const char *const typed[] = {
        "",
        " ",
        "RA12345678FR",
        "RA1234567850FR",
        "R1123456785FR",
        "RA123456785F1",
        "é",
        "6P0100750874A",
        "00012345000000002",
        "0000123450000000027",
        "RA123456785FR\n",
        "RA/123456785FR",
        "(00)",
        "(01)000123450000000027",
        "RA123456785FR'--",
        "\xe2\x80",
        "\xc2",
        "000000000000000000000000000000000000000000000000000000000000000000000",
    };
    for (size_t i = 0; i < sizeof typed / sizeof typed[0]; i++)
        if (verdict_of(typed[i], NULL) != PARCEL_WRONG_FORM)
            fail_msg("\"%s\"", typed[i]);
}

static void carriers_without_check_digits_have_lengths(void **state)
{
    (void)state;
    const struct parcel_format digits = {FORMAT_DIGITS, 8, 10}, alnum = {FORMAT_ALNUM, 28, 30};
    struct parcel_number out;
    assert_int_equal(parcel_parse(&digits, 1, TEXT("1234567"), &out, NULL), PARCEL_WRONG_FORM);
    assert_int_equal(parcel_parse(&digits, 1, TEXT("1234 5678"), &out, NULL), PARCEL_VALID);
    assert_int_equal(parcel_parse(&digits, 1, TEXT("1234567890"), &out, NULL), PARCEL_VALID);
    assert_int_equal(parcel_parse(&digits, 1, TEXT("12345678901"), &out, NULL), PARCEL_WRONG_FORM);
    assert_int_equal(parcel_parse(&digits, 1, TEXT("12345678A"), &out, NULL), PARCEL_WRONG_FORM);
    struct text longest = TEXT("abcdefghijabcdefghij0123456789"),
                over = TEXT("ABCDEFGHIJABCDEFGHIJ01234567890");
    assert_int_equal(parcel_parse(&alnum, 1, longest, &out, NULL), PARCEL_VALID);
    assert_int_equal(out.length, PARCEL_TEXT_MAX);
    assert_string_equal(out.text, "ABCDEFGHIJABCDEFGHIJ0123456789");
    assert_int_equal(parcel_parse(&alnum, 1, over, &out, NULL), PARCEL_WRONG_FORM);
}

static void the_first_format_that_fits_is_told(void **state)
{
    (void)state;
    const struct parcel_format formats[] = {{FORMAT_S10, 0, 0}, {FORMAT_ALNUM, 13, 13}};
    const struct parcel_format *format = NULL;
    struct parcel_number out;
    assert_int_equal(parcel_parse(formats, 2, TEXT("RA123456785FR"), &out, &format), PARCEL_VALID);
    assert_ptr_equal(format, &formats[0]);
    assert_int_equal(parcel_parse(formats, 2, TEXT("RA123456786FR"), &out, &format), PARCEL_VALID);
    assert_ptr_equal(format, &formats[1]);
}

static void a_failed_parse_leaves_its_outputs(void **state)
{
    (void)state;
    struct parcel_number out, before;
    const struct parcel_format *format = all_checked;
    memset(&out, 0x5a, sizeof out);
    before = out;
    parcel_parse(all_checked, 3, TEXT("RA123456786FR"), &out, &format);
    assert_memory_equal(&out, &before, sizeof out);
    assert_ptr_equal(format, all_checked);
}

static void bytes_after_the_number_are_zero(void **state)
{
    (void)state;
    struct parcel_number out, zero = {0};
    memset(&out, 0x5a, sizeof out);
    parcel_parse(all_checked, 3, TEXT("RA123456785FR"), &out, NULL);
    assert_memory_equal(out.text + 13, zero.text + 13, sizeof out.text - 13);
}

static void made_numbers_check(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        char s10[16], colissimo[16], sscc[24];
        snprintf(s10, sizeof s10, "RA%08u?FR", i * 4999u);
        snprintf(colissimo, sizeof colissimo, "6A%010u?", i * 209999u);
        snprintf(sscc, sizeof sscc, "0376%013u?", i * 199999u);
        s10[10] = parcel_check_digit(FORMAT_S10, s10 + 2);
        colissimo[12] = parcel_check_digit(FORMAT_COLISSIMO, colissimo);
        sscc[17] = parcel_check_digit(FORMAT_SSCC, sscc);
        assert_int_equal(verdict_of(s10, s10), PARCEL_VALID);
        assert_int_equal(verdict_of(colissimo, colissimo), PARCEL_VALID);
        assert_int_equal(verdict_of(sscc, sscc), PARCEL_VALID);
    }
}

/* Check digits are counted eight at a time: held against one at a time. */
static void check_digits_are_the_weighted_sums(void **state)
{
    (void)state;
    static const unsigned weight[8] = {8, 6, 4, 2, 3, 5, 9, 7};
    uint64_t random = 20261122;
    for (unsigned n = 0; n < 20000; n++) {
        char digits[18] = "";
        unsigned s10 = 0, ten = 0, seventeen = 0;
        for (unsigned i = 0; i < 17; i++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407U;
            digits[i] = (char)('0' + (random >> 33) % 10);
            unsigned digit = (unsigned)(digits[i] - '0');
            s10 += i < 8 ? weight[i] * digit : 0;
            ten += i >= 2 && i < 12 ? (i % 2 ? 3 : 1) * digit : 0;
            seventeen += (i % 2 ? 1 : 3) * digit;
        }
        unsigned rest = 11 - s10 % 11;
        assert_int_equal(parcel_check_digit(FORMAT_S10, digits),
                         rest == 10 ? '0' : rest == 11 ? '5' : (char)('0' + rest));
        assert_int_equal(parcel_check_digit(FORMAT_COLISSIMO, digits), '0' + (10 - ten % 10) % 10);
        assert_int_equal(parcel_check_digit(FORMAT_SSCC, digits), '0' + (10 - seventeen % 10) % 10);
    }
}

static void a_letter_in_any_place_of_digits_is_seen(void **state)
{
    (void)state;
    for (size_t i = 0; i < 18; i++)
        for (char c = 'A'; c <= 'Z'; c++) {
            char sscc[] = "000123450000000027";
            sscc[i] = c;
            assert_int_equal(verdict_of(sscc, NULL), PARCEL_WRONG_FORM);
        }
}

static void countries_are_those_of_iso_and_the_upu(void **state)
{
    (void)state;
    unsigned known = 0;
    for (char a = 'A'; a <= 'Z'; a++)
        for (char b = 'A'; b <= 'Z'; b++)
            known += country_is_known((char[2]){a, b});
    assert_int_equal(known, 249 + 7);
    assert_true(country_is_known("FR") && country_is_known("XK") && country_is_known("ZW"));
    assert_false(country_is_known("XX") || country_is_known("UK") || country_is_known("fr"));
    assert_false(country_is_known("\xff\xff") || country_is_known("A["));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shared_numbers_have_their_verdicts),
        cmocka_unit_test(every_typing_mistake_of_one_digit_is_found),
        cmocka_unit_test(an_s10_remainder_of_11_is_made_5_and_read_as_0_too),
        cmocka_unit_test(numbers_are_taken_as_people_type_them),
        cmocka_unit_test(what_no_format_has_is_of_the_wrong_form),
        cmocka_unit_test(carriers_without_check_digits_have_lengths),
        cmocka_unit_test(the_first_format_that_fits_is_told),
        cmocka_unit_test(a_failed_parse_leaves_its_outputs),
        cmocka_unit_test(bytes_after_the_number_are_zero),
        cmocka_unit_test(made_numbers_check),
        cmocka_unit_test(check_digits_are_the_weighted_sums),
        cmocka_unit_test(a_letter_in_any_place_of_digits_is_seen),
        cmocka_unit_test(countries_are_those_of_iso_and_the_upu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
