#include "front/forwarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the three above first */
#include <cmocka.h>

static struct prefix four(uint8_t a, uint8_t b, uint8_t c, uint8_t d, unsigned bits)
{
    return (struct prefix){{[10] = 0xff, [11] = 0xff, a, b, c, d}, (uint8_t)(96 + bits)};
}

static struct prefix_list *trusted_ten(void)
{
    static struct prefix_list list;
    list.count = 1;
    list.prefix[0] = four(10, 0, 0, 0, 8);
    return &list;
}

static void assert_client(const char *peer, const char *header, const char *expected)
{
    uint8_t from[16], client[16], wanted[16];
    struct text headers[1] = {text_of(header)};
    assert_true(address_parse(text_of(peer), from));
    assert_true(address_parse(text_of(expected), wanted));
    forwarded_client(trusted_ten(), from, headers, 1, client);
    assert_memory_equal(client, wanted, 16);
}

static void a_stranger_cannot_choose_its_address(void **state)
{
    (void)state;
    assert_client("192.0.2.7", "198.51.100.1", "192.0.2.7");
}

static void a_trusted_proxy_vouches_for_the_right_most(void **state)
{
    (void)state;
    assert_client("10.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.1");
}

static void a_chain_of_trusted_proxies_is_walked(void **state)
{
    (void)state;
    assert_client("10.0.0.1", "203.0.113.9, 198.51.100.1 ,10.2.3.4\t, 10.9.9.9", "198.51.100.1");
}

static void what_is_left_of_the_client_is_its_own_invention(void **state)
{
    (void)state;
    assert_client("10.0.0.1", "10.1.1.1, 198.51.100.1, 10.2.3.4", "198.51.100.1");
}

static void only_trusted_hops_leave_the_left_most(void **state)
{
    (void)state;
    assert_client("10.0.0.1", "10.5.5.5, 10.2.3.4", "10.5.5.5");
}

static void a_hop_that_is_no_address_ends_the_walk(void **state)
{
    (void)state;
    assert_client("10.0.0.1", "198.51.100.1, unknown, 10.2.3.4", "10.2.3.4");
    assert_client("10.0.0.1", "", "10.0.0.1");
    assert_client("10.0.0.1", ",,,", "10.0.0.1");
}

static void several_headers_are_one_list(void **state)
{
    (void)state;
    uint8_t peer[16], client[16], wanted[16];
    struct text headers[2] = {TEXT("203.0.113.9, 198.51.100.1"), TEXT("10.2.3.4")};
    assert_true(address_parse(TEXT("10.0.0.1"), peer));
    assert_true(address_parse(TEXT("198.51.100.1"), wanted));
    forwarded_client(trusted_ten(), peer, headers, 2, client);
    assert_memory_equal(client, wanted, 16);
}

static void addresses_are_read_with_ports_and_brackets(void **state)
{
    (void)state;
    uint8_t plain[16], ported[16];
    assert_true(address_parse(TEXT("192.0.2.1"), plain));
    assert_true(address_parse(TEXT("192.0.2.1:4711"), ported));
    assert_memory_equal(plain, ported, 16);
    assert_int_equal(plain[11], 0xff);
    assert_true(address_parse(TEXT("2001:db8::1"), plain));
    assert_true(address_parse(TEXT("[2001:db8::1]:443"), ported));
    assert_memory_equal(plain, ported, 16);
}

static void what_is_no_address_leaves_the_output_alone(void **state)
{
    (void)state;
    static const struct text bad[] = {
        TEXT(""),
        TEXT("192.0.2"),
        TEXT("192.0.2.256"),
        TEXT("[2001:db8::1"),
        TEXT("[::1]junk"),
        TEXT("1.2.3.4\0x"),
        TEXT("_hidden"),
        TEXT(":"),
        TEXT("0123456789012345678901234567890123456789012345678901234567890123")};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t out[16] = {42};
        assert_false(address_parse(bad[i], out));
        assert_int_equal(out[0], 42);
    }
}

/* Random bytes of the signs that occur in such headers: nothing but the peer or an address that
 * stands in them. */
static void noise_never_reads_outside_its_header(void **state)
{
    (void)state;
    static const char signs[] = "0123456789abcdef:.,[] \t%zx";
    uint64_t random = 88172645463325252U;
    uint8_t peer[16], client[16];
    assert_true(address_parse(TEXT("10.0.0.1"), peer));
    for (int round = 0; round < 200000; round++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        size_t length = random % 48;
        char *header =
            malloc(length ? length : 1); /* its own block: a sanitizer sees one byte too far */
        assert_non_null(header);
        for (size_t i = 0; i < length; i++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            header[i] = signs[random % (sizeof signs - 1)];
        }
        struct text headers[1] = {{header, length}};
        forwarded_client(trusted_ten(), peer, headers, 1, client);
        free(header);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stranger_cannot_choose_its_address),
        cmocka_unit_test(a_trusted_proxy_vouches_for_the_right_most),
        cmocka_unit_test(a_chain_of_trusted_proxies_is_walked),
        cmocka_unit_test(what_is_left_of_the_client_is_its_own_invention),
        cmocka_unit_test(only_trusted_hops_leave_the_left_most),
        cmocka_unit_test(a_hop_that_is_no_address_ends_the_walk),
        cmocka_unit_test(several_headers_are_one_list),
        cmocka_unit_test(addresses_are_read_with_ports_and_brackets),
        cmocka_unit_test(what_is_no_address_leaves_the_output_alone),
        cmocka_unit_test(noise_never_reads_outside_its_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
