/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "tracking/answer_page.h"

#include <string.h>

static const char *said(void (*write)(struct writer *w, enum language language),
                        enum language language)
{
    static char out[128];
    struct writer w = writer_on(out, sizeof out - 1);
    write(&w, language);
    assert_false(w.overflow);
    out[w.length] = '\0';
    return out;
}

static void test_every_sentence_exists_in_every_language(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ANSWER_TEXT_COUNT; i++)
        for (unsigned language = 0; language < LANGUAGE_COUNT; language++)
            if (!answer_text((enum answer_text)i, (enum language)language).length)
                fail_msg("text %u is empty in language %u", i, language);
}

/* Short words may be the same in two languages; a sentence never is, unless somebody forgot to
 * translate it. */
static void test_no_sentence_stands_in_the_place_of_another_languages(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ANSWER_TEXT_COUNT; i++)
        for (unsigned a = 0; a < LANGUAGE_COUNT; a++)
            for (unsigned b = 0; b < a; b++) {
                struct text one = answer_text((enum answer_text)i, (enum language)a);
                struct text other = answer_text((enum answer_text)i, (enum language)b);
                if (one.length > 14 && text_equal(one, other))
                    fail_msg("text %u is the same in languages %u and %u: %s", i, a, b, one.data);
            }
}

static void write_friday(struct writer *w, enum language language)
{
    write_long_date(w, day_of_date(2026, 11, 20), true, language);
}

static void write_first(struct writer *w, enum language language)
{
    write_long_date(w, day_of_date(2027, 3, 1), false, language);
}

static void write_short(struct writer *w, enum language language)
{
    write_short_date(w, day_of_date(2026, 2, 9), language);
}

static void test_dates_are_written_as_each_language_writes_them(void **state)
{
    (void)state;
    assert_string_equal(said(write_friday, LANGUAGE_FR), "vendredi 20 novembre 2026");
    assert_string_equal(said(write_friday, LANGUAGE_NL), "vrijdag 20 november 2026");
    assert_string_equal(said(write_friday, LANGUAGE_DE), "Freitag, 20. November 2026");
    assert_string_equal(said(write_friday, LANGUAGE_EN), "Friday 20 November 2026");
    assert_string_equal(said(write_first, LANGUAGE_FR), "lundi 1er mars");
    assert_string_equal(said(write_first, LANGUAGE_DE), "Montag, 1. März");
    assert_string_equal(said(write_short, LANGUAGE_FR), "09/02");
    assert_string_equal(said(write_short, LANGUAGE_DE), "09.02.");
}

static void write_moment(struct writer *w, enum language language)
{
    /* 2026-11-20T23:59:07Z, in the offsets of Brussels, Greenwich, New York and Kathmandu */
    static const int16_t offsets[LANGUAGE_COUNT] = {60, 0, -300, 345};
    write_date_time(w, 1795219147, offsets[language]);
    WRITE_LITERAL(w, " ");
    write_clock(w, 1795219147, offsets[language]);
}

static void test_a_moment_is_written_in_the_feeds_own_offset(void **state)
{
    (void)state;
    assert_string_equal(said(write_moment, 0), "2026-11-21T00:59:07+01:00 00:59");
    assert_string_equal(said(write_moment, 1), "2026-11-20T23:59:07+00:00 23:59\u00a0UTC");
    assert_string_equal(said(write_moment, 2), "2026-11-20T18:59:07-05:00 18:59");
    assert_string_equal(said(write_moment, 3), "2026-11-21T05:44:07+05:45 05:44");
}

static void test_every_country_of_a_parcel_number_has_a_name(void **state)
{
    (void)state;
    static const char codes[][2] = {
#define X(first, second) {first, second},
#include "tracking/countries.inc"
#undef X
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        for (unsigned language = 0; language < LANGUAGE_COUNT; language++)
            if (!country_name((struct text){codes[i], 2}, (enum language)language).length)
                fail_msg("%.2s has no name in language %u", codes[i], language);
    assert_true(text_is(country_name(TEXT("CI"), LANGUAGE_NL), "Ivoorkust"));
    assert_true(text_is(country_name(TEXT("ZW"), LANGUAGE_DE), "Simbabwe"));
    assert_int_equal(country_name(TEXT("QQ"), LANGUAGE_FR).length, 0);
    assert_int_equal(country_name(TEXT(""), LANGUAGE_FR).length, 0);
}

static struct text cleaned(const char *typed)
{
    static char out[ANSWER_TYPED_SIZE];
    return answer_typed(text_of(typed), out);
}

static void test_what_was_typed_is_repeated_as_visible_utf8(void **state)
{
    (void)state;
    assert_true(text_is(cleaned("RB 12é€😀"), "RB 12é€😀"));
    assert_true(text_is(cleaned("a\xff\xc3z\xed\xa0\x80"), "a??z???"));
    assert_true(text_is(cleaned("a\n\x7f\xc2\x85z\u202eb"), "a???z?b"));
    /* cut at 64 bytes, in the middle of the two of an é: what is left of it is no character */
    char typed[PARCEL_INPUT_MAX + 2];
    memset(typed, 'x', sizeof typed);
    memcpy(typed + PARCEL_INPUT_MAX - 1, "é", 3);
    struct text text = cleaned(typed);
    assert_int_equal(text.length, PARCEL_INPUT_MAX);
    assert_int_equal(text.data[PARCEL_INPUT_MAX - 1], '?');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_sentence_exists_in_every_language),
        cmocka_unit_test(test_no_sentence_stands_in_the_place_of_another_languages),
        cmocka_unit_test(test_dates_are_written_as_each_language_writes_them),
        cmocka_unit_test(test_a_moment_is_written_in_the_feeds_own_offset),
        cmocka_unit_test(test_every_country_of_a_parcel_number_has_a_name),
        cmocka_unit_test(test_what_was_typed_is_repeated_as_visible_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
