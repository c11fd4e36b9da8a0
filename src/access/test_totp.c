#include "access/totp.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const uint8_t rfc_secret[TOTP_SECRET_SIZE + 1] = "12345678901234567890";

/* RFC 6238 appendix B, SHA-1, the last six of its eight digits. */
static void the_codes_of_the_rfc_come_out(void **state)
{
    (void)state;
    static const struct {
        int64_t time;
        uint32_t code;
    } vectors[] = {{59, 287082},       {1111111109, 81804},  {1111111111, 50471},
                   {1234567890, 5924}, {2000000000, 279037}, {20000000000, 353130}};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        assert_int_equal(totp_code(rfc_secret, (uint64_t)vectors[i].time / TOTP_STEP_SECONDS),
                         vectors[i].code);
}

static void a_code_is_taken_one_step_either_way_and_once(void **state)
{
    (void)state;
    uint64_t last = 0;
    assert_true(totp_check(rfc_secret, TEXT("287 082"), 59 + 30, &last));
    assert_int_equal(last, 1);
    assert_false(totp_check(rfc_secret, TEXT("287082"), 59, &last)); /* seen once */
    last = 0;
    assert_true(totp_check(rfc_secret, TEXT("287082"), 59 - 29, &last));
    last = 0;
    assert_false(totp_check(rfc_secret, TEXT("287082"), 59 + 61, &last));
    assert_int_equal(last, 0);
}

static void what_is_not_six_digits_is_refused(void **state)
{
    (void)state;
    static const char *const typed[] = {"", "28708", "2870822", "28708x", "-87082", "287082\n"};
    for (size_t i = 0; i < sizeof typed / sizeof *typed; i++) {
        uint64_t last = 0;
        assert_false(totp_check(rfc_secret, text_of(typed[i]), 59, &last));
    }
}

static void the_secret_is_written_as_authenticators_read_it(void **state)
{
    (void)state;
    char text[TOTP_SECRET_TEXT_SIZE], uri[TOTP_URI_SIZE];
    assert_string_equal(totp_secret_text(rfc_secret, text), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    assert_string_equal(
        totp_uri(rfc_secret, TEXT("Poste d'exemple"), TEXT("ana"), uri),
        "otpauth://totp/Poste%20d%27exemple:ana?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_codes_of_the_rfc_come_out),
        cmocka_unit_test(a_code_is_taken_one_step_either_way_and_once),
        cmocka_unit_test(what_is_not_six_digits_is_refused),
        cmocka_unit_test(the_secret_is_written_as_authenticators_read_it),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
