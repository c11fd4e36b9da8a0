#include "gate/pass.h"
#include "gate/test_ring.h"

enum { HERE = 4711, ELSEWHERE = 4712 };

static char text[PASS_TEXT_LENGTH];

static struct text cookie(void)
{
    return (struct text){text, sizeof text};
}

static struct pass given(enum pass_from from)
{
    struct pass pass;
    ring_at(0);
    pass_begin(&pass, NULL, from, HERE, BEGIN);
    assert_int_equal(pass_write(&ring, &pass, BEGIN, text), PASS_TEXT_LENGTH);
    return pass;
}

static void test_what_was_written_is_read(void **state)
{
    (void)state;
    struct pass pass = given(PASS_PROVEN), read;
    assert_int_equal(pass_read(&ring, cookie(), HERE, BEGIN, &read), TOKEN_NONE);
    assert_memory_equal(pass.id, read.id, PASS_ID_SIZE);
    assert_int_equal(read.issued, BEGIN);
    assert_int_equal(read.renewed, BEGIN);
    assert_int_equal(read.visits, 0);
    assert_int_equal(read.from, PASS_PROVEN);
    assert_int_equal(read.key, ring.name[0]);
}

static void test_one_with_any_character_changed_is_refused(void **state)
{
    (void)state;
    struct pass read;
    given(PASS_PROVEN);
    for (size_t i = 0; i < sizeof text; i++) {
        char right = text[i];
        for (unsigned bit = 0; bit < 8; bit++) {
            text[i] = (char)(right ^ 1 << bit);
            assert_int_not_equal(pass_read(&ring, cookie(), HERE, BEGIN, &read), TOKEN_NONE);
        }
        text[i] = ring_other(right);
        assert_int_not_equal(pass_read(&ring, cookie(), HERE, BEGIN, &read), TOKEN_NONE);
        text[i] = right;
    }
    for (size_t length = 0; length < sizeof text; length++)
        assert_int_equal(pass_read(&ring, (struct text){text, length}, HERE, BEGIN, &read),
                         TOKEN_TAMPERED);
}

static void test_one_of_another_version_or_kind_is_refused(void **state)
{
    (void)state;
    struct pass read;
    uint8_t bytes[PASS_BYTES];
    given(PASS_PROVEN);
    assert_true(token_bytes(cookie(), bytes, sizeof bytes));
    bytes[0] = TOKEN_PASS + 1;
    token_text(bytes, sizeof bytes, text);
    assert_int_equal(pass_read(&ring, cookie(), HERE, BEGIN, &read), TOKEN_VERSION);
    bytes[0] = TOKEN_TICKET;
    keyring_seal(&ring, TOKEN_TICKET, SEAL_KEPT, BEGIN, bytes, sizeof bytes, text);
    assert_int_equal(pass_read(&ring, cookie(), HERE, BEGIN, &read), TOKEN_VERSION);
}

static void test_it_lives_thirty_days_from_its_last_visit(void **state)
{
    (void)state;
    struct pass read;
    given(PASS_PROVEN);
    assert_int_equal(pass_read(&ring, cookie(), HERE, BEGIN + PASS_LIFE_SECONDS, &read),
                     TOKEN_NONE);
    assert_int_equal(pass_read(&ring, cookie(), HERE, BEGIN + PASS_LIFE_SECONDS + 1, &read),
                     TOKEN_EXPIRED);
    assert_int_equal(pass_read(&ring, cookie(), HERE, BEGIN + PASS_LIFE_SECONDS - DAY, &read),
                     TOKEN_NONE);
    assert_true(pass_visit(&read, BEGIN + PASS_LIFE_SECONDS - DAY));
    pass_write(&ring, &read, BEGIN + PASS_LIFE_SECONDS - DAY, text);
    assert_int_equal(pass_read(&ring, cookie(), HERE, BEGIN + PASS_LIFE_SECONDS + DAY, &read),
                     TOKEN_NONE);
    assert_int_equal(read.issued, BEGIN);
}

static void test_one_from_the_future_is_refused(void **state)
{
    (void)state;
    struct pass read;
    given(PASS_PROVEN);
    assert_int_equal(pass_read(&ring, cookie(), HERE, BEGIN - TOKEN_AHEAD_SECONDS, &read),
                     TOKEN_NONE);
    assert_int_equal(pass_read(&ring, cookie(), HERE, BEGIN - TOKEN_AHEAD_SECONDS - 1, &read),
                     TOKEN_FUTURE);
}

static void test_one_from_another_network_is_refused(void **state)
{
    (void)state;
    struct pass read = {.visits = 99};
    given(PASS_PROVEN);
    assert_int_equal(pass_read(&ring, cookie(), ELSEWHERE, BEGIN, &read), TOKEN_MOVED);
    assert_int_equal(read.visits, 99);
}

static void test_one_survives_rotation_as_long_as_it_lives(void **state)
{
    (void)state;
    struct pass read;
    given(PASS_PROVEN);
    for (int64_t t = 0; t <= PASS_LIFE_SECONDS; t += 3600) {
        keyring_rotate(ring_path, BEGIN + t, WEEK, -1, NULL);
        assert_int_equal(keyring_read(ring_path, &ring, NULL), 0);
        assert_int_equal(pass_read(&ring, cookie(), HERE, BEGIN + t, &read), TOKEN_NONE);
    }
    uint16_t old = read.key;
    int64_t later = BEGIN + PASS_LIFE_SECONDS;
    pass_write(&ring, &read, later, text); /* by the key of then */
    assert_int_equal(pass_read(&ring, cookie(), HERE, later, &read), TOKEN_NONE);
    assert_int_not_equal(read.key, old);
}

static void test_two_fronts_with_one_key_file_accept_each_others(void **state)
{
    (void)state;
    struct pass read;
    struct keyring other;
    given(PASS_PROVEN);
    assert_int_equal(keyring_read(ring_path, &other, NULL), 0);
    assert_int_equal(pass_read(&other, cookie(), HERE, BEGIN, &read), TOKEN_NONE);
    assert_int_equal(pass_write(&other, &read, BEGIN, text), PASS_TEXT_LENGTH);
    assert_int_equal(pass_read(&ring, cookie(), HERE, BEGIN, &read), TOKEN_NONE);
}

static void test_one_of_another_key_file_is_refused(void **state)
{
    (void)state;
    struct pass read;
    given(PASS_PROVEN);
    ring_at(0); /* keys made anew */
    assert_int_equal(pass_read(&ring, cookie(), HERE, BEGIN, &read), TOKEN_UNKNOWN_KEY);
}

static void test_without_keys_nothing_is_signed_and_nothing_verifies(void **state)
{
    (void)state;
    const struct keyring none = {.count = 0};
    char out[PASS_TEXT_LENGTH];
    struct pass pass = given(PASS_PROVEN);
    assert_int_equal(pass_write(&none, &pass, BEGIN, out), 0);
    assert_int_equal(pass_read(&none, cookie(), HERE, BEGIN, &pass), TOKEN_UNKNOWN_KEY);
}

static void test_history_is_ten_minutes_and_three_visits(void **state)
{
    (void)state;
    struct pass proven = given(PASS_PROVEN), whim = given(PASS_GIVEN);
    assert_int_equal(pass_standing(&proven, BEGIN), STANDING_FRESH);
    assert_int_equal(pass_standing(&whim, BEGIN), STANDING_STRANGER);
    for (int visit = 1; visit <= 3; visit++) {
        assert_true(pass_visit(&whim, BEGIN + 130 * visit));
        assert_int_equal(pass_standing(&whim, BEGIN + 130 * visit), STANDING_STRANGER);
    }
    assert_int_equal(pass_standing(&whim, BEGIN + 599), STANDING_STRANGER);
    assert_int_equal(pass_standing(&whim, BEGIN + 600), STANDING_KNOWN);
    assert_int_equal(pass_standing(&proven, BEGIN + 6000), STANDING_FRESH);
}

static void test_a_visit_counts_once_in_two_minutes(void **state)
{
    (void)state;
    struct pass pass = given(PASS_GIVEN);
    unsigned counted = 0;
    for (int64_t t = 0; t < 600; t++)
        counted += pass_visit(&pass, BEGIN + t);
    assert_int_equal(counted, 4);
    assert_int_equal(pass.visits, 4);
    assert_false(pass_visit(&pass, BEGIN)); /* a clock that was set back */
    for (int64_t t = 1; t < 1000; t++)
        pass_visit(&pass, BEGIN + 600 + 120 * t);
    assert_int_equal(pass.visits, 127);
    pass_write(&ring, &pass, pass.renewed, text);
    assert_int_equal(pass_read(&ring, cookie(), HERE, pass.renewed, &pass), TOKEN_NONE);
    assert_int_equal(pass.visits, 127);
    assert_int_equal(pass.from, PASS_GIVEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_written_is_read),
        cmocka_unit_test(test_one_with_any_character_changed_is_refused),
        cmocka_unit_test(test_one_of_another_version_or_kind_is_refused),
        cmocka_unit_test(test_it_lives_thirty_days_from_its_last_visit),
        cmocka_unit_test(test_one_from_the_future_is_refused),
        cmocka_unit_test(test_one_from_another_network_is_refused),
        cmocka_unit_test(test_one_survives_rotation_as_long_as_it_lives),
        cmocka_unit_test(test_two_fronts_with_one_key_file_accept_each_others),
        cmocka_unit_test(test_one_of_another_key_file_is_refused),
        cmocka_unit_test(test_without_keys_nothing_is_signed_and_nothing_verifies),
        cmocka_unit_test(test_history_is_ten_minutes_and_three_visits),
        cmocka_unit_test(test_a_visit_counts_once_in_two_minutes),
    };
    return cmocka_run_group_tests(tests, ring_make, ring_remove);
}
