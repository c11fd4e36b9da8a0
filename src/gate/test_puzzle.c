#include "gate/puzzle.h"
#include "gate/test_ring.h"

#include <sodium.h>

enum { HERE = 4711, ELSEWHERE = 4712, BITS = 10 };

static char answer[PUZZLE_ANSWER_MAX + 1];
static size_t length;

/* As the script does it, which begins at random. */
static struct text solved(unsigned bits, unsigned from)
{
    assert_int_equal(puzzle_write(&ring, bits, HERE, BEGIN, answer), PUZZLE_TEXT_LENGTH);
    for (unsigned n = from;; n++) {
        uint8_t hash[32];
        length = (size_t)snprintf(answer + PUZZLE_TEXT_LENGTH, 18, ":%u", n) + PUZZLE_TEXT_LENGTH;
        crypto_hash_sha256(hash, (const uint8_t *)answer, length);
        unsigned first = (unsigned)hash[0] << 16 | (unsigned)hash[1] << 8 | hash[2];
        if (first >> (24 - bits) == 0)
            return (struct text){answer, length};
    }
}

static enum token_fault redeem(struct text cookie, uint8_t id[PASS_ID_SIZE])
{
    return puzzle_redeem(&ring, cookie, HERE, BEGIN, id);
}

static void test_a_solution_is_worth_one_pass(void **state)
{
    (void)state;
    uint8_t one[PASS_ID_SIZE], again[PASS_ID_SIZE], other[PASS_ID_SIZE];
    ring_at(0);
    struct text first = solved(BITS, 0);
    assert_int_equal(redeem(first, one), TOKEN_NONE);
    assert_int_equal(redeem(first, again), TOKEN_NONE);
    assert_memory_equal(one, again, sizeof one);
    assert_int_equal(redeem(solved(BITS, 100000), other), TOKEN_NONE);
    assert_memory_not_equal(one, other, sizeof one);
}

static void test_less_work_than_asked_is_refused(void **state)
{
    (void)state;
    uint8_t id[PASS_ID_SIZE];
    unsigned refused = 0;
    ring_at(0);
    assert_int_equal(puzzle_write(&ring, BITS, HERE, BEGIN, answer), PUZZLE_TEXT_LENGTH);
    for (unsigned n = 0; n < 1 << BITS; n++) {
        length = (size_t)snprintf(answer + PUZZLE_TEXT_LENGTH, 18, ":%u", n) + PUZZLE_TEXT_LENGTH;
        refused += redeem((struct text){answer, length}, id) == TOKEN_UNSOLVED;
    }
    /* One in 1024 is right on average: 20 of 1024 would be one time in 10^16. */
    assert_in_range(refused, (1 << BITS) - 20, 1 << BITS);
}

static void test_any_character_changed_is_refused(void **state)
{
    (void)state;
    uint8_t id[PASS_ID_SIZE];
    ring_at(0);
    struct text cookie = solved(20, 0);
    for (size_t i = 0; i < cookie.length; i++) {
        char right = answer[i];
        answer[i] =
            i > PUZZLE_TEXT_LENGTH ? (char)(right == '9' ? '8' : right + 1) : ring_other(right);
        assert_int_not_equal(redeem(cookie, id), TOKEN_NONE);
        answer[i] = right;
    }
    assert_int_equal(redeem(cookie, id), TOKEN_NONE);
}

/* Nobody makes his puzzle easier, younger, or another network's. */
static void test_any_bit_of_what_it_says_changed_is_refused(void **state)
{
    (void)state;
    uint8_t id[PASS_ID_SIZE], token[PUZZLE_BYTES];
    char text[PUZZLE_TEXT_LENGTH + 3];
    ring_at(0);
    assert_int_equal(puzzle_write(&ring, 0, HERE, BEGIN, text), PUZZLE_TEXT_LENGTH);
    memcpy(text + PUZZLE_TEXT_LENGTH, ":0", 3);
    assert_int_equal(redeem(text_of(text), id), TOKEN_NONE);
    assert_true(token_bytes((struct text){text, PUZZLE_TEXT_LENGTH}, token, sizeof token));
    for (unsigned bit = 0; bit < 8 * sizeof token; bit++) {
        token[bit / 8] ^= (uint8_t)(1 << bit % 8);
        token_text(token, sizeof token, text);
        assert_int_not_equal(redeem(text_of(text), id), TOKEN_NONE);
        token[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void test_what_no_script_of_ours_writes_is_refused(void **state)
{
    (void)state;
    static const char *const tails[] = {"", ":", ":01", ":-1", ":1 ", ":1.", ":12345678901234567"};
    uint8_t id[PASS_ID_SIZE];
    ring_at(0);
    for (unsigned i = 0; i < sizeof tails / sizeof *tails; i++) {
        char text[128];
        assert_int_equal(puzzle_write(&ring, 0, HERE, BEGIN, text), PUZZLE_TEXT_LENGTH);
        strcpy(text + PUZZLE_TEXT_LENGTH, tails[i]);
        assert_int_equal(redeem(text_of(text), id), TOKEN_TAMPERED);
        strcpy(text + PUZZLE_TEXT_LENGTH, ":0");
        assert_int_equal(redeem(text_of(text), id), TOKEN_NONE);
    }
}

static void test_it_is_valid_for_two_minutes_and_here(void **state)
{
    (void)state;
    uint8_t id[PASS_ID_SIZE];
    ring_at(0);
    struct text cookie = solved(BITS, 0);
    static const struct {
        int64_t after;
        uint32_t wide;
        enum token_fault fault;
    } cases[] = {{PUZZLE_LIFE_SECONDS, HERE, TOKEN_NONE},
                 {PUZZLE_LIFE_SECONDS + 1, HERE, TOKEN_EXPIRED},
                 {-TOKEN_AHEAD_SECONDS, HERE, TOKEN_NONE},
                 {-TOKEN_AHEAD_SECONDS - 1, HERE, TOKEN_FUTURE},
                 {0, ELSEWHERE, TOKEN_MOVED}};
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(puzzle_redeem(&ring, cookie, cases[i].wide, BEGIN + cases[i].after, id),
                         cases[i].fault);
    ring_at(0);
    assert_int_equal(redeem(cookie, id), TOKEN_UNKNOWN_KEY);
}

static void test_a_network_over_its_budget_works_more_and_never_without_end(void **state)
{
    (void)state;
    assert_int_equal(puzzle_bits(0, 64), PUZZLE_USUAL_BITS);
    assert_int_equal(puzzle_bits(64, 64), PUZZLE_USUAL_BITS);
    assert_int_equal(puzzle_bits(65, 64), PUZZLE_USUAL_BITS + 1);
    assert_int_equal(puzzle_bits(129, 64), PUZZLE_USUAL_BITS + 2);
    assert_int_equal(puzzle_bits(UINT32_MAX, 64), PUZZLE_USUAL_BITS + PUZZLE_DEARER_BITS);
    assert_int_equal(puzzle_bits(UINT32_MAX, 1), PUZZLE_USUAL_BITS + PUZZLE_DEARER_BITS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_solution_is_worth_one_pass),
        cmocka_unit_test(test_less_work_than_asked_is_refused),
        cmocka_unit_test(test_any_character_changed_is_refused),
        cmocka_unit_test(test_any_bit_of_what_it_says_changed_is_refused),
        cmocka_unit_test(test_what_no_script_of_ours_writes_is_refused),
        cmocka_unit_test(test_it_is_valid_for_two_minutes_and_here),
        cmocka_unit_test(test_a_network_over_its_budget_works_more_and_never_without_end),
    };
    return cmocka_run_group_tests(tests, ring_make, ring_remove);
}
