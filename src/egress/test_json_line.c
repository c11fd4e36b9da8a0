/* One JSON object on a line, held to RFC 8259. */
#include "egress/json_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* Members until the end; -1 when it is broken. */
static int members(const char *line)
{
    struct json_line j;
    struct text key;
    struct json_value value;
    enum json_next next;
    int count = 0;
    if (!json_line_open(&j, text_of(line)))
        return -1;
    while ((next = json_line_next(&j, &key, &value)) == JSON_MEMBER)
        count++;
    return next == JSON_END ? count : -1;
}

static void what_the_grammar_allows_is_read(void **state)
{
    (void)state;
    static const char *const good[] = {
        " { } \r\n",
        "{\"a\":1}",
        "{\"a\" : -0.5e+10 , \"b\":0, \"c\":12E2}",
        "{\"a\":\"x\\\"y\\\\\\u00e9\",\"\":\"\"}",
        "{\"a\":true,\"b\":false,\"c\":null}",
        "{\"a\":{\"b\":[1,[],{},{\"c\":[null]}]},\"d\":[ ]}",
        "{\"a\":\"\xc3\xa9 and longer than eight bytes\"}",
    };
    static const int count[] = {0, 1, 3, 2, 3, 2, 1};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(members(good[i]), count[i]);
}

static void what_it_does_not_allow_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "{",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":1e}",
        "{\"a\":+1}",
        "{\"a\":tru}",
        "{\"a\":\"x}",
        "{\"a\":\"\\x\"}",
        "{a:1}",
        "{\"a\":1} x",
        "{\"a\":[1}",
        "{\"a\":{]}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":1 2}",
        "{\"a\":\"\t\"}",
        "{\"a\":[1,]}",
        "{\"a\":\"\\u12",
        "{\"a\":-}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(members(bad[i]), -1);
}

static void nesting_has_a_bottom(void **state)
{
    (void)state;
    char line[2 * JSON_LINE_DEPTH + 16];
    for (int depth = JSON_LINE_DEPTH - 2; depth < JSON_LINE_DEPTH + 3; depth++) {
        int n = snprintf(line, sizeof line, "{\"a\":");
        memset(line + n, '[', (size_t)depth);
        memset(line + n + depth, ']', (size_t)depth);
        memcpy(line + n + 2 * depth, "}", 2);
        assert_int_equal(members(line), depth <= JSON_LINE_DEPTH + 1 ? 1 : -1);
    }
}

static void values_are_where_they_stand(void **state)
{
    (void)state;
    struct json_line j;
    struct text key;
    struct json_value value;
    assert_true(json_line_open(
        &j, TEXT("{\"text\":\"a b\",\"escaped\":\"a\\nb\",\"nested\":{\"x\":[1]},\"n\":-1.5}")));
    assert_int_equal(json_line_next(&j, &key, &value), JSON_MEMBER);
    assert_true(text_is(key, "text") && text_is(value.text, "a b") && !value.escaped);
    assert_int_equal(json_line_next(&j, &key, &value), JSON_MEMBER);
    assert_true(value.escaped);
    assert_int_equal(json_line_next(&j, &key, &value), JSON_MEMBER);
    assert_int_equal(value.kind, JSON_NESTED);
    assert_true(text_is(value.text, "{\"x\":[1]}"));
    assert_int_equal(json_line_next(&j, &key, &value), JSON_MEMBER);
    assert_true(value.kind == JSON_NUMBER && text_is(value.text, "-1.5"));
    assert_int_equal(json_line_next(&j, &key, &value), JSON_END);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_grammar_allows_is_read),
        cmocka_unit_test(what_it_does_not_allow_is_refused),
        cmocka_unit_test(nesting_has_a_bottom),
        cmocka_unit_test(values_are_where_they_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
