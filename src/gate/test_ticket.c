#include "gate/test_ring.h"
#include "gate/ticket.h"

enum { HERE = 4711, ELSEWHERE = 4712, WAIT = 20 };

static char text[TICKET_TEXT_LENGTH];
static uint8_t id[PASS_ID_SIZE];
static unsigned wait;

static enum token_fault redeem(int64_t after, uint32_t wide)
{
    return ticket_redeem(&ring, (struct text){text, sizeof text}, wide, BEGIN + after, id, &wait);
}

static void give(void)
{
    ring_at(0);
    assert_int_equal(ticket_write(&ring, WAIT, HERE, BEGIN, text), TICKET_TEXT_LENGTH);
}

static void test_a_ticket_is_redeemed_when_it_is_ripe_and_says_how_long_until(void **state)
{
    (void)state;
    uint8_t early[PASS_ID_SIZE];
    give();
    assert_int_equal(redeem(0, HERE), TOKEN_UNRIPE);
    assert_int_equal(wait, WAIT);
    memcpy(early, id, sizeof early);
    assert_int_equal(redeem(WAIT - 1, HERE), TOKEN_UNRIPE);
    assert_int_equal(wait, 1);
    assert_int_equal(redeem(WAIT, HERE), TOKEN_NONE);
    assert_memory_equal(id, early, sizeof early);
    assert_int_equal(redeem(WAIT + TICKET_LIFE_SECONDS, HERE), TOKEN_NONE);
    assert_memory_equal(id, early, sizeof early);
    assert_int_equal(redeem(WAIT + TICKET_LIFE_SECONDS + 1, HERE), TOKEN_EXPIRED);
}

static void test_no_two_tickets_give_one_pass(void **state)
{
    (void)state;
    uint8_t first[PASS_ID_SIZE];
    give();
    redeem(WAIT, HERE);
    memcpy(first, id, sizeof first);
    assert_int_equal(ticket_write(&ring, WAIT, HERE, BEGIN, text), TICKET_TEXT_LENGTH);
    redeem(WAIT, HERE);
    assert_memory_not_equal(first, id, sizeof first);
}

static void test_any_character_changed_is_refused(void **state)
{
    (void)state;
    give();
    for (size_t i = 0; i < sizeof text; i++) {
        char right = text[i];
        text[i] = ring_other(right);
        assert_int_not_equal(redeem(WAIT, HERE), TOKEN_NONE);
        text[i] = right;
    }
}

static void test_one_of_elsewhere_or_of_far_ahead_is_refused(void **state)
{
    (void)state;
    give();
    assert_int_equal(redeem(WAIT, ELSEWHERE), TOKEN_MOVED);
    assert_int_equal(redeem(-TICKET_WAIT_MAX - TOKEN_AHEAD_SECONDS, HERE), TOKEN_FUTURE);
    ring_at(0);
    assert_int_equal(redeem(WAIT, HERE), TOKEN_UNKNOWN_KEY);
}

static void test_nobody_is_made_to_wait_longer_than_said(void **state)
{
    (void)state;
    ring_at(0);
    ticket_write(&ring, 1000000, HERE, BEGIN, text);
    assert_int_equal(redeem(TICKET_WAIT_MAX, HERE), TOKEN_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_ticket_is_redeemed_when_it_is_ripe_and_says_how_long_until),
        cmocka_unit_test(test_no_two_tickets_give_one_pass),
        cmocka_unit_test(test_any_character_changed_is_refused),
        cmocka_unit_test(test_one_of_elsewhere_or_of_far_ahead_is_refused),
        cmocka_unit_test(test_nobody_is_made_to_wait_longer_than_said),
    };
    return cmocka_run_group_tests(tests, ring_make, ring_remove);
}
