#include "gate/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void test_the_text_is_base64url_without_padding(void **state)
{
    (void)state;
    /* RFC 4648 section 10, and the two signs of section 5. */
    static const struct {
        const char *bytes, *text;
    } known[] = {{"f", "Zg"},         {"fo", "Zm8"},           {"foo", "Zm9v"},
                 {"foob", "Zm9vYg"},  {"fooba", "Zm9vYmE"},    {"foobar", "Zm9vYmFy"},
                 {"\xff\xef", "_-8"}, {"\xfb\xff\xfe", "-__-"}};
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
        char text[16];
        uint8_t bytes[8];
        size_t length = strlen(known[i].bytes);
        assert_int_equal(token_text((const uint8_t *)known[i].bytes, length, text),
                         strlen(known[i].text));
        assert_memory_equal(text, known[i].text, strlen(known[i].text));
        assert_int_equal(TOKEN_TEXT_LENGTH(length), strlen(known[i].text));
        assert_true(token_bytes(text_of(known[i].text), bytes, length));
        assert_memory_equal(bytes, known[i].bytes, length);
    }
}

static void test_bytes_have_one_text_only(void **state)
{
    (void)state;
    uint8_t bytes[8];
    assert_false(token_bytes(TEXT("Zh"), bytes, 1)); /* bits beyond the last byte */
    assert_false(token_bytes(TEXT("Zg=="), bytes, 1));
    assert_false(token_bytes(TEXT("Zg"), bytes, 2));
    assert_false(token_bytes(TEXT("Zm9"), bytes, 2));
    assert_false(token_bytes(TEXT("Zm+v"), bytes, 3));
    assert_false(token_bytes(TEXT("Zm/v"), bytes, 3));
    assert_false(token_bytes(TEXT("Z\0v"), bytes, 2));
    assert_false(token_bytes(TEXT("Z\xc3\xa9v"), bytes, 3));
    assert_false(token_bytes(TEXT(""), bytes, 1));
}

static void test_a_text_claims_to_be_what_its_first_byte_says(void **state)
{
    (void)state;
    char text[8];
    for (int byte = 0; byte < 256; byte++) {
        const uint8_t bytes[3] = {(uint8_t)byte, 0xff, 0x12};
        size_t length = token_text(bytes, sizeof bytes, text);
        assert_int_equal(token_claims((struct text){text, length}), byte);
    }
    assert_int_equal(token_claims(TEXT("Z")), -1);
    assert_int_equal(token_claims(TEXT("Z=")), -1);
    assert_int_equal(token_claims(TEXT("")), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_text_is_base64url_without_padding),
        cmocka_unit_test(test_bytes_have_one_text_only),
        cmocka_unit_test(test_a_text_claims_to_be_what_its_first_byte_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
