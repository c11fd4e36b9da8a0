/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "gate/form_reader.h"

#include <stdio.h>

#define UNUSED(state) (void)(state)

static char fields[CHALLENGE_FIELDS_SIZE + CHALLENGE_SLOT_SIZE];

static const char *given_back(const char *body, size_t length)
{
    struct writer w = writer_on(fields, sizeof fields - 1);
    if (!challenge_fields((struct text){body, length}, &w)) {
        assert_int_equal(w.length, 0);
        return NULL;
    }
    fields[w.length] = '\0';
    return fields;
}

#define BACK(literal) given_back(literal, sizeof(literal) - 1)

static void comes_back(const char *body, size_t length)
{
    static uint16_t sent[64 * 1024], again[64 * 1024];
    assert_non_null(given_back(body, length));
    size_t count = form_decode(body, length, sent), more;
    assert_true(form_send(fields, strlen(fields), again, &more));
    assert_int_equal(count, more);
    assert_memory_equal(sent, again, count * sizeof *sent);
}

#define COMES_BACK(literal) comes_back(literal, sizeof(literal) - 1)

static void fields_keep_their_order_and_repeat(void **state)
{
    UNUSED(state);
    assert_string_equal(BACK("b=1&a=2&b=&c"),
                        "<form id=\"again\" method=\"post\" accept-charset=\"utf-8\">\n"
                        "<input type=\"hidden\" name=\"b\" value=\"1\">\n"
                        "<input type=\"hidden\" name=\"a\" value=\"2\">\n"
                        "<input type=\"hidden\" name=\"b\" value=\"\">\n"
                        "<input type=\"hidden\" name=\"c\" value=\"\">\n");
}

static void what_html_would_read_otherwise_is_escaped(void **state)
{
    UNUSED(state);
    BACK("%22%3E%3Cscript%3E=%27%26amp%3B%0D%0A");
    assert_non_null(strstr(fields, "name=\"&quot;&gt;&lt;script&gt;\""));
    assert_non_null(strstr(fields, "value=\"&#39;&amp;amp;&#13;&#10;\""));
    COMES_BACK("%22%3E%3Cscript%3E=%27%26amp%3B%0D%0A");
}

static void bytes_come_back_as_they_were(void **state)
{
    UNUSED(state);
    COMES_BACK("a=1+2%2B3&&e=%C3%A9%E2%82%AC&x&");
    COMES_BACK("broken=%&and=%4&or=%zz&%=%%41");
    COMES_BACK("raw=<>\"'\t&tab=%09&a=b=c=d");
    COMES_BACK("e=%F0%9F%93%A6%EF%BF%BD%EF%BB%BF&%C2%85=%C2%A0");
    char all[256 * 3 + 2] = "a=";
    size_t length = 2;
    for (unsigned byte = 1; byte < 256; byte++)
        if (byte != '\r' && byte != '\n')
            length += (size_t)sprintf(all + length, "%%%02X", byte);
    comes_back(all, length);
    assert_non_null(strstr(fields, "accept-charset=\"windows-1252\""));
}

static void what_would_change_on_its_way_is_not_offered(void **state)
{
    UNUSED(state);
    assert_null(BACK("a=%00"));
    assert_null(BACK("a=%0A"));
    assert_null(BACK("a=b%0D&c=d"));
    assert_null(BACK("a%0A=b"));
    assert_null(BACK("a=%0D%0D%0A"));
    assert_null(BACK("=nameless"));
    assert_null(BACK("a=1&_ChArSeT_="));
    assert_null(BACK(""));
    assert_null(BACK("&&"));
    assert_non_null(BACK("_charset=1"));
}

static void sizes_have_bounds(void **state)
{
    UNUSED(state);
    static char body[CHALLENGE_BODY_MAX + 1];
    memset(body, 'a', sizeof body);
    assert_non_null(given_back(body, CHALLENGE_BODY_MAX));
    assert_null(given_back(body, CHALLENGE_BODY_MAX + 1));
    for (size_t i = 1; i < sizeof body; i += 2)
        body[i] = '&'; /* four thousand fields of one letter: twenty times the body */
    assert_null(given_back(body, CHALLENGE_BODY_MAX));
    struct writer small = writer_on(fields, 90);
    WRITE_LITERAL(&small, "here");
    assert_false(challenge_fields(TEXT("a=b"), &small));
    assert_int_equal(small.length, 4);
    assert_false(small.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_keep_their_order_and_repeat),
        cmocka_unit_test(what_html_would_read_otherwise_is_escaped),
        cmocka_unit_test(bytes_come_back_as_they_were),
        cmocka_unit_test(what_would_change_on_its_way_is_not_offered),
        cmocka_unit_test(sizes_have_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
