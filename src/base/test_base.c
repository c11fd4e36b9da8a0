#include "base/base.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* SipHash-1-3 written again from the paper: tests/siphash13.py, which checks itself against the
 * paper's SipHash-2-4 vector, prints siphash_vectors.inc. */
static void siphash_agrees_with_the_reference(void **state)
{
    (void)state;
    struct hash_key key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    static const struct {
        size_t length;
        uint64_t hash;
    } vectors[] = {
#include "base/siphash_vectors.inc"
    };
    uint8_t bytes[64];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        assert_int_equal(siphash(key, bytes, vectors[i].length), vectors[i].hash);
}

static void random_keys_differ(void **state)
{
    (void)state;
    struct hash_key a = hash_key_random(), b = hash_key_random();
    assert_memory_not_equal(&a, &b, sizeof a);
}

static void a_writer_that_is_full_writes_nothing_more(void **state)
{
    (void)state;
    char buffer[8] = "";
    struct writer w = writer_on(buffer, sizeof buffer);
    write_string(&w, "12345");
    write_string(&w, "6789");
    assert_true(w.overflow);
    write_string(&w, "6");
    assert_int_equal(w.length, 5);
    assert_memory_equal(buffer, "12345\0\0\0", 8);
}

static void written(char *out, size_t size, void (*what)(struct writer *, struct text),
                    struct text t)
{
    struct writer w = writer_on(out, size - 1);
    what(&w, t);
    assert_false(w.overflow);
    out[w.length] = 0;
}

static void text_from_outside_is_escaped(void **state)
{
    (void)state;
    char out[200];
    written(out, sizeof out, write_html_escaped, text_of("<b a='1'>&\"x"));
    assert_string_equal(out, "&lt;b a=&#39;1&#39;&gt;&amp;&quot;x");
    written(out, sizeof out, write_json_escaped, (struct text){"a\"\\\n\0z\xc3\xa9", 8});
    assert_string_equal(out, "a\\\"\\\\\\u000a\\u0000z\xc3\xa9");
}

static void numbers_are_written_in_full(void **state)
{
    (void)state;
    char out[64] = "";
    struct writer w = writer_on(out, sizeof out - 1);
    write_unsigned(&w, 0);
    write_unsigned(&w, UINT64_MAX);
    write_padded(&w, 7, 3);
    assert_string_equal(out, "018446744073709551615007");
}

static void distance_counts_edits_and_swaps(void **state)
{
    (void)state;
    assert_int_equal(text_distance(TEXT("budgets"), TEXT("budgets")), 0);
    assert_int_equal(text_distance(TEXT("bugdets"), TEXT("budgets")), 1);
    assert_int_equal(text_distance(TEXT("budget"), TEXT("budgets")), 1);
    assert_int_equal(text_distance(TEXT("meter"), TEXT("metre")), 1);
    assert_int_equal(text_distance(TEXT(""), TEXT("abc")), 3);
    char lengthy[65];
    memset(lengthy, 'a', sizeof lengthy);
    assert_true(text_distance((struct text){lengthy, 65}, TEXT("a")) == SIZE_MAX);
}

static void the_boot_clock_goes_on_and_times_are_written_in_utc(void **state)
{
    (void)state;
    nanos_t first = clock_boot();
    assert_true(first > 0 && clock_boot() >= first);
    char text[CLOCK_TEXT_SIZE];
    assert_string_equal(clock_text(INT64_C(1795183380) * NANOS_SECOND, text),
                        "2026-11-20T14:03:00Z");
    uint8_t a[16], b[16];
    clock_boot_id(a);
    clock_boot_id(b);
    assert_memory_equal(a, b, 16);
}

static void an_error_keeps_its_code(void **state)
{
    (void)state;
    struct error error = {""};
    assert_int_equal(error_set(&error, -ENOENT, "no %s", "file"), -ENOENT);
    assert_string_equal(error.text, "no file");
    assert_int_equal(error_set(NULL, -EIO, "nobody reads this"), -EIO);
}

static jmp_buf out_of_must;

static void leave(const char *expression, const char *file, int line)
{
    (void)expression, (void)file, (void)line;
    longjmp(out_of_must, 1);
}

static void a_handler_may_take_over_a_failed_must(void **state)
{
    (void)state;
    must_set_handler(leave);
    if (setjmp(out_of_must) == 0) {
        must(1 + 1 == 3);
        fail();
    }
    must_set_handler(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_agrees_with_the_reference),
        cmocka_unit_test(random_keys_differ),
        cmocka_unit_test(a_writer_that_is_full_writes_nothing_more),
        cmocka_unit_test(text_from_outside_is_escaped),
        cmocka_unit_test(numbers_are_written_in_full),
        cmocka_unit_test(distance_counts_edits_and_swaps),
        cmocka_unit_test(the_boot_clock_goes_on_and_times_are_written_in_utc),
        cmocka_unit_test(an_error_keeps_its_code),
        cmocka_unit_test(a_handler_may_take_over_a_failed_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
