#include "access/session.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct sessions sessions;
static const struct operator ana = {.name = "ana", .role = ROLE_RELEASE},
                             bob = {.name = "bob", .role = ROLE_SEE};
static const struct text browser = {"a browser", 9};

static int begin(void **state)
{
    (void)state;
    sessions_init(&sessions);
    return 0;
}

static void a_session_is_found_by_its_token_from_its_browser(void **state)
{
    (void)state;
    char token[SESSION_TOKEN_TEXT_SIZE];
    struct session *begun = session_begin(&sessions, &ana, browser, 1, token);
    assert_non_null(begun);
    assert_ptr_equal(session_find(&sessions, text_of(token), browser, true, 2), begun);
    assert_int_equal(begun->role, ROLE_RELEASE);
    assert_true(session_csrf_is_right(begun, text_of(begun->csrf)));
    assert_false(session_csrf_is_right(begun, text_of(token)));
    assert_false(session_csrf_is_right(begun, TEXT("")));
    char other[SESSION_TOKEN_TEXT_SIZE];
    memcpy(other, token, sizeof other);
    other[5] = other[5] == 'A' ? 'B' : 'A';
    assert_null(session_find(&sessions, text_of(other), browser, true, 2));
    assert_null(session_find(&sessions, TEXT(""), browser, true, 2));
}

static void a_token_in_another_browser_ends_for_both(void **state)
{
    (void)state;
    char token[SESSION_TOKEN_TEXT_SIZE];
    session_begin(&sessions, &ana, browser, 1, token);
    assert_null(session_find(&sessions, text_of(token), TEXT("another"), true, 2));
    assert_null(session_find(&sessions, text_of(token), browser, true, 3));
}

static void a_session_ends_when_idle_and_after_its_longest(void **state)
{
    (void)state;
    char token[SESSION_TOKEN_TEXT_SIZE];
    session_begin(&sessions, &ana, browser, 0, token);
    assert_non_null(session_find(&sessions, text_of(token), browser, false, SESSION_IDLE - 1));
    assert_null(session_find(&sessions, text_of(token), browser, true,
                             SESSION_IDLE)); /* what was not active did not count */
    session_begin(&sessions, &ana, browser, 0, token);
    for (nanos_t now = 0; now < SESSION_LONGEST; now += SESSION_IDLE / 2)
        assert_non_null(session_find(&sessions, text_of(token), browser, true, now));
    assert_null(session_find(&sessions, text_of(token), browser, true, SESSION_LONGEST));
}

static void one_operator_pushes_out_none_but_itself(void **state)
{
    (void)state;
    char first[SESSION_TOKEN_TEXT_SIZE], other[SESSION_TOKEN_TEXT_SIZE],
        token[SESSION_TOKEN_TEXT_SIZE];
    session_begin(&sessions, &bob, browser, 1, other);
    session_begin(&sessions, &ana, browser, 2, first);
    for (int i = 0; i < 2 * SESSION_MAX; i++)
        assert_non_null(session_begin(&sessions, &ana, browser, 3 + i, token));
    assert_null(session_find(&sessions, text_of(first), browser, true, 1000));
    assert_non_null(session_find(&sessions, text_of(other), browser, true, 1000));
    assert_int_equal(sessions_count(&sessions, 1000), SESSION_EACH + 1);
    sessions_end_of(&sessions, TEXT("ana"));
    assert_int_equal(sessions_count(&sessions, 1000), 1);
}

static void who_was_changed_or_removed_is_signed_out(void **state)
{
    (void)state;
    static struct operators operators;
    char first[SESSION_TOKEN_TEXT_SIZE], second[SESSION_TOKEN_TEXT_SIZE],
        third[SESSION_TOKEN_TEXT_SIZE];
    struct operator eve = {.name = "eve", .role = ROLE_SEE};
    operators.count = 3;
    operators.operator[0] = ana;
    operators.operator[1] = bob;
    operators.operator[2] = eve;
    session_begin(&sessions, &ana, browser, 1, first);
    session_begin(&sessions, &bob, browser, 1, second);
    session_begin(&sessions, &eve, browser, 1, third);
    operators.operator[0].totp_last = 7; /* as a sign-in leaves it */
    operators.operator[1].role = ROLE_RELEASE;
    operators.count = 2;
    sessions_follow(&sessions, &operators);
    assert_non_null(session_find(&sessions, text_of(first), browser, true, 2));
    assert_null(session_find(&sessions, text_of(second), browser, true, 2));
    assert_null(session_find(&sessions, text_of(third), browser, true, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_session_is_found_by_its_token_from_its_browser, begin),
        cmocka_unit_test_setup(a_token_in_another_browser_ends_for_both, begin),
        cmocka_unit_test_setup(a_session_ends_when_idle_and_after_its_longest, begin),
        cmocka_unit_test_setup(one_operator_pushes_out_none_but_itself, begin),
        cmocka_unit_test_setup(who_was_changed_or_removed_is_signed_out, begin),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
