#include "gate/sharing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static enum sharing of(const char *value, bool dated)
{
    struct text text = text_of(value);
    return sharing_of(&text, 1, dated);
}

static void test_what_says_that_it_is_private_is(void **state)
{
    (void)state;
    static const char *const values[] = {"private",
                                         "no-store",
                                         "Private, max-age=60",
                                         "max-age=60 , NO-STORE",
                                         "no-cache, no-store, must-revalidate",
                                         ",,private,"};
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++)
        assert_int_equal(of(values[i], true), SHARING_REFUSED);
    const struct text two[] = {TEXT("max-age=60"), TEXT("private")};
    assert_int_equal(sharing_of(two, 2, true), SHARING_REFUSED);
}

/* no-cache is kept, too: only asked about each time, and then given with the cookie in it. */
static void test_what_says_anything_else_may_be_shared(void **state)
{
    (void)state;
    static const char *const values[] = {"public",
                                         "max-age=60",
                                         "s-maxage=0",
                                         "no-cache",
                                         "immutable",
                                         "private=set-cookie",
                                         "private=\"x\", public",
                                         "privately",
                                         "x=private"};
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++)
        assert_int_equal(of(values[i], false), SHARING_LIKELY);
}

static void test_what_says_nothing_is_shared_when_it_is_dated(void **state)
{
    (void)state;
    assert_int_equal(sharing_of(NULL, 0, false), SHARING_UNSAID);
    assert_int_equal(sharing_of(NULL, 0, true), SHARING_LIKELY);
    assert_int_equal(of("", false), SHARING_UNSAID);
    assert_int_equal(of(" , ", false), SHARING_UNSAID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_says_that_it_is_private_is),
        cmocka_unit_test(test_what_says_anything_else_may_be_shared),
        cmocka_unit_test(test_what_says_nothing_is_shared_when_it_is_dated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
