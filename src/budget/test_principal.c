#include "budget/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct contract *contract;

static int make(void **state)
{
    (void)state;
    contract = calloc(1, sizeof *contract);
    return contract ? 0 : -1;
}

static int unmake(void **state)
{
    (void)state;
    free(contract);
    return 0;
}

/* One that nobody vouches for yet is as much a pass as one with history. */
static void test_a_pass_is_written_as_one(void **state)
{
    (void)state;
    static const uint8_t id[16] = {0x3f, 0x9a, 1, 2, 3, 4, 5, 6, 'e', 'c', 'l'};
    static const uint8_t address[16] = {[10] = 0xff, 0xff, 198, 51, 100, 7};
    char text[PRINCIPAL_TEXT_SIZE];
    struct principal p = principal_pass(contract, id, address);
    assert_string_equal(principal_text(&p, text), "pass 3f9a0102...");
    p.proven = 0;
    assert_string_equal(principal_text(&p, text), "pass 3f9a0102...");
}

static void test_an_address_is_written_as_one(void **state)
{
    (void)state;
    static const uint8_t four[16] = {[10] = 0xff, 0xff, 198, 51, 100, 7};
    static const uint8_t six[16] = {0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    char text[PRINCIPAL_TEXT_SIZE];
    struct principal p = principal_client(contract, four);
    assert_string_equal(principal_text(&p, text), "198.51.100.7");
    p = principal_client(contract, six);
    assert_string_equal(principal_text(&p, text), "2001:db8:1:2::/64");
    p = principal_network(contract, six);
    assert_string_equal(principal_text(&p, text), "2001:db8:1::/48");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pass_is_written_as_one),
        cmocka_unit_test(test_an_address_is_written_as_one),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
