#include "desk/parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HOSTILE "<script>alert(1)</script>\"'&\xff"

static struct snapshot *s;
static struct contract *c;
static char buffer[1 << 16];

static int begin(void **state)
{
    (void)state;
    s = calloc(1, sizeof *s);
    c = calloc(1, sizeof *c);
    if (!s || !c)
        return -1;
    s->status.s.contract = c;
    s->status.s.now = (struct moment){.boot = NANOS_HOUR, .wall = 1795183380 * NANOS_SECOND};
    c->promise_count = c->budget_count = 1;
    c->promise[0] = (struct promise_rule){
        .route = 0, .success = 990000, .within = 300 * NANOS_MILLISECOND, .over = 5 * NANOS_MINUTE};
    c->budget[0] = (struct budget_rule){.meter = METER_REQUESTS,
                                        .per = PRINCIPAL_CLIENT,
                                        .over = OVER_HOLD,
                                        .route = -1,
                                        .window_count = 1,
                                        .window = {{NANOS_MINUTE, 60}},
                                        .hold_for = NANOS_HOUR};
    strcpy(c->promise[0].name, HOSTILE);
    strcpy(c->budget[0].name, HOSTILE);
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(c);
    free(s);
    return 0;
}

static const char *written(struct writer w)
{
    assert_false(w.overflow);
    buffer[w.length] = 0;
    return buffer;
}

static struct writer paper(void)
{
    return writer_on(buffer, sizeof buffer - 1);
}

static void no_name_gets_out_of_its_place(void **state)
{
    (void)state;
    s->status.alarms.count = 1;
    snprintf(s->status.alarms.alarm[0].text, sizeof s->status.alarms.alarm[0].text, "%s", HOSTILE);
    s->hold_count = 1;
    s->hold[0] =
        (struct hold){.id = 7, .budget = 0, .used = 60, .limit = 60, .until = 2 * NANOS_HOUR};
    for (int language = 0; language < SAY_COUNT; language++) {
        struct writer w = paper();
        part_alarms(&w, s, language);
        part_promise(&w, s, language, 0);
        part_budget(&w, s, language, 0);
        part_holds(&w, s, language);
        part_guards(&w, s, language);
        part_state(&w, s, language);
        const char *html = written(w);
        assert_null(strstr(html, "<script"));
        assert_non_null(strstr(html, "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;?"));
        assert_true(utf8_is_valid(text_of(html)));
    }
}

static void a_hold_is_undone_by_a_link_and_an_observed_one_is_not(void **state)
{
    (void)state;
    struct writer w = paper();
    s->hold_count = 1;
    s->hold[0] =
        (struct hold){.id = 47, .budget = 0, .used = 61, .limit = 60, .until = 2 * NANOS_HOUR};
    part_holds(&w, s, SAY_EN);
    assert_non_null(strstr(written(w), "href=\"/holds/hold-2f-front\""));
    assert_non_null(strstr(buffer, "61 of 60 in 1\u00a0min"));
    s->hold[0].observed = true;
    w = paper();
    part_holds(&w, s, SAY_FR);
    assert_null(strstr(written(w), "href"));
    assert_non_null(strstr(buffer, "observée seulement"));
}

static void a_statement_is_promised_in_time_and_no_share_of_it(void **state)
{
    (void)state;
    c->promise[0] =
        (struct promise_rule){.route = -1, .statement = true, .within = 30 * NANOS_MINUTE};
    struct writer w = paper();
    part_promise(&w, s, SAY_EN, 0);
    assert_non_null(
        strstr(written(w), "promised: the first public statement within 30\u00a0min<"));
    assert_null(strstr(buffer, "%"));
    w = paper();
    part_promise(&w, s, SAY_FR, 0);
    assert_null(strstr(written(w), "%"));
}

static void only_what_differs_gets_another_version(void **state)
{
    (void)state;
    struct parts *parts = parts_new();
    assert_non_null(parts);
    parts_write(parts, s);
    uint64_t first = parts->version;
    parts_write(parts, s);
    assert_int_equal(parts->version, first);
    uint64_t guards = parts_find(parts, CHANNEL_FR, "guards")->version;
    s->hold_count = 1;
    s->hold[0] =
        (struct hold){.id = 47, .budget = 0, .used = 61, .limit = 60, .until = 2 * NANOS_HOUR};
    parts_write(parts, s);
    assert_true(parts_find(parts, CHANNEL_FR, "holds")->version > first);
    assert_true(parts_find(parts, CHANNEL_JSON, "holds")->version > first);
    assert_int_equal(parts_find(parts, CHANNEL_FR, "guards")->version, guards);
    assert_null(parts_find(parts, CHANNEL_FR, "promise-1"));
    parts_free(parts);
}

static void figures_are_written_as_each_language_does(void **state)
{
    (void)state;
    char text[SAY_SIZE];
    assert_string_equal(say_count(SAY_EN, 1234567, text), "1,234,567");
    assert_string_equal(say_count(SAY_FR, 1234567, text), "1\u202f234\u202f567");
    assert_string_equal(say_share(SAY_EN, 999999, text), "99.99\u00a0%"); /* never shown as all */
    assert_string_equal(say_share(SAY_FR, 999800, text), "99,98\u00a0%");
    assert_string_equal(say_share(SAY_FR, 1000000, text), "100\u00a0%");
    assert_string_equal(say_amount(SAY_FR, METER_UNIT_BYTES, 30460000000, text), "30,5\u00a0Go");
    assert_string_equal(say_span(SAY_FR, 26 * NANOS_HOUR, text), "1\u00a0j 2\u00a0h");
    assert_string_equal(say_span(SAY_EN, 300 * NANOS_MILLISECOND, text), "300\u00a0ms");
    assert_string_equal(say_span(SAY_EN, -5, text), "0\u00a0ms");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_name_gets_out_of_its_place, begin, end),
        cmocka_unit_test_setup_teardown(a_hold_is_undone_by_a_link_and_an_observed_one_is_not,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_statement_is_promised_in_time_and_no_share_of_it, begin,
                                        end),
        cmocka_unit_test_setup_teardown(only_what_differs_gets_another_version, begin, end),
        cmocka_unit_test(figures_are_written_as_each_language_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
