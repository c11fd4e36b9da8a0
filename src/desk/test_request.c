#include "desk/request.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void a_cookie_is_found_by_its_whole_name(void **state)
{
    (void)state;
    struct text header = TEXT("a=1; xecluse=no;ecluse=yes; ecluse=later");
    assert_true(text_is(cookie_find(header, "ecluse"), "yes"));
    assert_true(text_is(cookie_find(header, "a"), "1"));
    assert_int_equal(cookie_find(header, "clus").length, 0);
    assert_int_equal(cookie_find(TEXT(""), "ecluse").length, 0);
    assert_int_equal(cookie_find(TEXT("ecluse"), "ecluse").length, 0);
}

static void a_form_is_decoded_and_bounded(void **state)
{
    (void)state;
    char out[8] = "before";
    assert_int_equal(form_field(TEXT("x=1&name=a%20b%2Bc+d"), "name", out, sizeof out), 0);
    assert_string_equal(out, "a b+c d");
    assert_int_equal(form_field(TEXT("name=12345678"), "name", out, sizeof out), -ENAMETOOLONG);
    assert_int_equal(form_field(TEXT("name=%4"), "name", out, sizeof out), -EINVAL);
    assert_int_equal(form_field(TEXT("name=a%00b"), "name", out, sizeof out), -EINVAL);
    assert_int_equal(form_field(TEXT("name=%ff"), "name", out, sizeof out), -EINVAL);
    assert_int_equal(form_field(TEXT("nam=1"), "name", out, sizeof out), -ENOENT);
    assert_string_equal(out, "a b+c d"); /* untouched by each failure */
}

static int read_name(const char *body, char out[8], struct error *error)
{
    const struct json_field fields[] = {{"name", out, 8, true}};
    return json_body(text_of(body), fields, 1, error);
}

static void a_body_that_is_not_what_was_asked_for_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *body, *says;
    } wrong[] = {{"", "JSON object"},
                 {"[]", "JSON object"},
                 {"{}", "`name` is missing"},
                 {"{\"name\":1}", "must be a string"},
                 {"{\"name\":\"12345678\"}", "more than 7"},
                 {"{\"name\":\"a\",\"b\":\"c\"}", "not known"},
                 {"{\"name\":\"a\",\"name\":\"b\"}", "JSON object"}};
    char out[8] = "before";
    struct error error;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_true(read_name(wrong[i].body, out, &error) < 0);
        assert_non_null(strstr(error.text, wrong[i].says));
        assert_string_equal(out, "before");
    }
    assert_int_equal(read_name("{\"name\":\"ana\"}", out, &error), 0);
    assert_string_equal(out, "ana");
}

static bool ours(const char *origin, const char *site, const char *host, const char *address,
                 bool https)
{
    const struct provenance from = {text_of(origin), text_of(site), text_of(host), text_of(address),
                                    https};
    return provenance_is_ours(&from);
}

static void what_another_site_sends_is_told_by_its_headers(void **state)
{
    (void)state;
    assert_true(ours("", "", "127.0.0.1:9443", "", false)); /* a program */
    assert_true(ours("http://127.0.0.1:9443", "same-origin", "127.0.0.1:9443", "", false));
    assert_true(ours("https://desk.example", "", "x", "https://desk.example/", true));
    assert_false(ours("https://evil.example", "", "127.0.0.1:9443", "", false));
    assert_false(ours("", "cross-site", "127.0.0.1:9443", "", false));
    assert_false(ours("", "same-site", "127.0.0.1:9443", "", false));
    assert_false(ours("null", "", "127.0.0.1:9443", "", false));
    assert_false(
        ours("http://desk.example", "", "desk.example", "", true)); /* plain where TLS is spoken */
    assert_false(ours("https://desk.example.evil", "", "x", "https://desk.example", true));
}

static void a_name_that_a_stranger_can_point_at_us_is_refused(void **state)
{
    (void)state;
    assert_true(host_is_ours(TEXT("127.0.0.1:9443"), TEXT("")));
    assert_true(host_is_ours(TEXT("[::1]:9443"), TEXT("")));
    assert_true(host_is_ours(TEXT("LOCALHOST"), TEXT("")));
    assert_true(host_is_ours(TEXT("desk.example"), TEXT("https://desk.example:8443/x")));
    assert_false(host_is_ours(TEXT("evil.example"), TEXT("")));
    assert_false(host_is_ours(TEXT("evil.example:9443"), TEXT("https://desk.example")));
    assert_false(host_is_ours(TEXT(""), TEXT("https://desk.example")));
}

static void the_last_hop_is_who_the_proxy_saw(void **state)
{
    (void)state;
    uint8_t address[16];
    static const uint8_t four[16] = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 7};
    assert_true(forwarded_address(TEXT("10.0.0.1, 192.0.2.7"), address));
    assert_memory_equal(address, four, 16);
    assert_true(forwarded_address(TEXT("2001:db8::1"), address));
    assert_int_equal(address[0], 0x20);
    assert_false(forwarded_address(TEXT("unknown"), address));
    assert_false(forwarded_address(TEXT(""), address));
}

static void the_first_language_that_we_speak_is_taken(void **state)
{
    (void)state;
    assert_int_equal(language_wanted(TEXT("fr-BE,fr;q=0.9,en;q=0.8")), LANGUAGE_FR);
    assert_int_equal(language_wanted(TEXT("nl, en-GB;q=0.7, fr;q=0.3")), LANGUAGE_EN);
    assert_int_equal(language_wanted(TEXT("frr")), LANGUAGE_EN);
    assert_int_equal(language_wanted(TEXT("")), LANGUAGE_EN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cookie_is_found_by_its_whole_name),
        cmocka_unit_test(a_form_is_decoded_and_bounded),
        cmocka_unit_test(a_body_that_is_not_what_was_asked_for_says_why),
        cmocka_unit_test(what_another_site_sends_is_told_by_its_headers),
        cmocka_unit_test(a_name_that_a_stranger_can_point_at_us_is_refused),
        cmocka_unit_test(the_last_hop_is_who_the_proxy_saw),
        cmocka_unit_test(the_first_language_that_we_speak_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
