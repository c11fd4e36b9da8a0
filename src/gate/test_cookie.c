#include "gate/cookie.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct cookies read(const char *header)
{
    struct cookies out = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    cookies_read(text_of(header), &out);
    return out;
}

static void test_ours_are_found_among_others(void **state)
{
    (void)state;
    struct cookies c = read("lang=fr; ecluse_pass=abc; theme=a=b;ecluse_ticket=t-1 ;  "
                            "ecluse_proof=p_2:77");
    assert_true(text_is(c.pass, "abc"));
    assert_true(text_is(c.ticket, "t-1"));
    assert_true(text_is(c.proof, "p_2:77"));
}

static void test_the_first_of_two_counts_over_several_headers(void **state)
{
    (void)state;
    struct cookies c = read("ecluse_pass=; ecluse_pass=one; ecluse_pass=two");
    assert_true(text_is(c.pass, "one"));
    cookies_read(TEXT("ecluse_pass=three; ecluse_proof=four"), &c);
    assert_true(text_is(c.pass, "one"));
    assert_true(text_is(c.proof, "four"));
}

static void test_what_only_looks_like_ours_is_none(void **state)
{
    (void)state;
    static const char *const headers[] = {"",
                                          ";",
                                          "ecluse_",
                                          "ecluse_pass",
                                          "ecluse_pass;=x",
                                          "=",
                                          "; ; ;",
                                          "ecluse_passe=x",
                                          "ecluse_pas=x",
                                          "Ecluse_Pass=x",
                                          "xecluse_pass=x",
                                          "a=ecluse_pass=x",
                                          "ecluse_pass =x"};
    for (unsigned i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct cookies c = read(headers[i]);
        assert_int_equal(c.pass.length + c.proof.length + c.ticket.length, 0);
    }
}

static void test_a_cookie_is_set_for_the_whole_site_and_no_script(void **state)
{
    (void)state;
    char line[COOKIE_LINE_MAX];
    size_t length = cookie_line(COOKIE_PASS, TEXT("abc"), 60, true, line);
    assert_true(text_is((struct text){line, length},
                        "ecluse_pass=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"));
    length = cookie_line(COOKIE_PROOF, TEXT(""), 0, false, line);
    assert_true(text_is((struct text){line, length},
                        "ecluse_proof=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"));
    char much[COOKIE_LINE_MAX] = "";
    assert_int_equal(cookie_line(COOKIE_PASS, (struct text){much, sizeof much}, 60, true, line), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ours_are_found_among_others),
        cmocka_unit_test(test_the_first_of_two_counts_over_several_headers),
        cmocka_unit_test(test_what_only_looks_like_ours_is_none),
        cmocka_unit_test(test_a_cookie_is_set_for_the_whole_site_and_no_script),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
