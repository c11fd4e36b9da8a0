#include "cli/output.h"
#include "cli/progress.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_widths_are_those_of_a_terminal(void **state)
{
    (void)state;
    assert_int_equal(text_width("depot"), 5);
    assert_int_equal(text_width("dépôt"), 5);
    assert_int_equal(text_width("e\xcc\x81"), 1); /* a combining accent takes no column */
    assert_int_equal(text_width("郵便"), 4);
    assert_int_equal(text_width("\xff\xfe"), 2); /* bytes that are no character */
}

static char *printed(struct table *t)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    table_print(t, out);
    fclose(out);
    return text;
}

static void test_columns_align_whatever_is_in_them(void **state)
{
    (void)state;
    static const char *const titles[] = {"name", ">count"};
    struct table t = table_of(2, titles);
    table_row(&t);
    table_cell(&t, TONE_PLAIN, "%s", "dépôt");
    table_cell(&t, TONE_BAD, "%d", 5);
    table_row(&t);
    table_cell(&t, TONE_PLAIN, "%s", "x");
    table_cell(&t, TONE_PLAIN, "%d", 12345);
    char *text = printed(&t);
    assert_string_equal(text, "name   count\n"
                              "dépôt      5\n"
                              "x      12345\n");
    free(text);
}

static void test_no_name_drives_a_terminal(void **state)
{
    (void)state;
    static const char *const titles[] = {""};
    struct table t = table_of(1, titles);
    table_row(&t);
    table_cell(&t, TONE_PLAIN, "%s",
               "a\033[2Jb\x7f\xc2\x9b"
               "c\n");
    char *text = printed(&t);
    assert_string_equal(text, "a?[2Jb???c?\n");
    free(text);
}

static void test_a_cell_that_is_cut_ends_in_a_whole_character(void **state)
{
    (void)state;
    static const char *const titles[] = {""};
    struct table t = table_of(1, titles);
    char longer[400] = "";
    for (size_t i = 0; i + 2 < sizeof longer; i += 2)
        strcpy(longer + i, "é");
    table_row(&t);
    table_cell(&t, TONE_PLAIN, "%s", longer);
    char *text = printed(&t);
    json_t *whole = json_string(text); /* refuses what is not UTF-8 */
    assert_non_null(whole);
    json_decref(whole);
    free(text);
}

static void test_figures_read_as_people_write_them(void **state)
{
    (void)state;
    char f[FIGURE_SIZE];
    assert_string_equal(figure_count(0, f), "0");
    assert_string_equal(figure_count(999, f), "999");
    assert_string_equal(figure_count(1234567, f), "1,234,567");
    assert_string_equal(figure_count(UINT64_MAX, f), "18,446,744,073,709,551,615");
    assert_string_equal(figure_bytes(999, f), "999 B");
    assert_string_equal(figure_bytes(1000, f), "1.0 kB");
    assert_string_equal(figure_bytes(30460000000, f), "30.5 GB");
    assert_string_equal(figure_bytes(999999, f), "1.0 MB");
    assert_string_equal(figure_bytes(UINT64_MAX, f), "18.4 EB");
    assert_string_equal(figure_span(0, f), "0 ms");
    assert_string_equal(figure_span(250 * NANOS_MILLISECOND, f), "250 ms");
    assert_string_equal(figure_span(4 * NANOS_HOUR, f), "4 h");
    assert_string_equal(figure_span(200 * NANOS_SECOND, f), "3 min 20 s");
    assert_string_equal(figure_span(NANOS_FOREVER, f), "106751 d 23 h");
    assert_string_equal(figure_span(-5, f), "0 ms");
}

static void test_a_share_is_never_rounded_up(void **state)
{
    (void)state;
    char f[FIGURE_SIZE];
    assert_string_equal(figure_share(1000000, f), "100 %");
    assert_string_equal(figure_share(999999, f), "99.99 %");
    assert_string_equal(figure_share(990000, f), "99 %");
    assert_string_equal(figure_share(0, f), "0 %");
}

static void test_a_time_has_its_date_only_on_another_day(void **state)
{
    (void)state;
    char f[FIGURE_SIZE];
    const nanos_t noon = 1795262400 * NANOS_SECOND; /* 2026-11-21T12:00:00Z */
    assert_string_equal(figure_wall(noon, noon + NANOS_HOUR, f), "12:00:00 UTC");
    assert_string_equal(figure_wall(noon, noon + NANOS_DAY, f), "2026-11-21 12:00 UTC");
}

static void test_text_that_is_not_utf8_still_makes_json(void **state)
{
    (void)state;
    json_t *string = json_safe("caf\xe9");
    assert_string_equal(json_string_value(string), "caf?");
    json_decref(string);
}

static void test_the_bar_tells_rate_and_time_left(void **state)
{
    (void)state;
    char line[256];
    struct progress p = {.began = 0, .total = 1000, .unit = "events"};
    progress_line(&p, 250, 5000, 10 * NANOS_SECOND, 80, line, sizeof line);
    assert_non_null(strstr(line, " 25 %  5,000 events, 500/s, 30 s left"));
    assert_true(text_width(line) < 80);
    progress_line(&p, 250, 5000, 10 * NANOS_SECOND, 20, line, sizeof line);
    assert_null(strchr(line, '[')); /* no room for a bar */
    p.total = 0;                    /* a pipe: no end is known */
    progress_line(&p, 250, 5000, 10 * NANOS_SECOND, 80, line, sizeof line);
    assert_string_equal(line, "5,000 events, 500/s, 10 s");
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_widths_are_those_of_a_terminal),
        cmocka_unit_test(test_columns_align_whatever_is_in_them),
        cmocka_unit_test(test_no_name_drives_a_terminal),
        cmocka_unit_test(test_a_cell_that_is_cut_ends_in_a_whole_character),
        cmocka_unit_test(test_figures_read_as_people_write_them),
        cmocka_unit_test(test_a_share_is_never_rounded_up),
        cmocka_unit_test(test_a_time_has_its_date_only_on_another_day),
        cmocka_unit_test(test_text_that_is_not_utf8_still_makes_json),
        cmocka_unit_test(test_the_bar_tells_rate_and_time_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
