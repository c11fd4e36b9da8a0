/* Windows against a slow model that remembers every charge. */
#include "budget/test_room.h"

enum { MODEL_MOST = 200000 };

struct model {
    nanos_t at[MODEL_MOST];
    uint64_t amount[MODEL_MOST], thing[MODEL_MOST];
    size_t count;
};

static uint64_t model_sum(const struct model *m, nanos_t from, nanos_t to)
{
    uint64_t sum = 0;
    for (size_t i = m->count; i-- > 0 && m->at[i] > from;)
        if (m->at[i] <= to)
            sum += m->amount[i];
    return sum;
}

struct tally_of_model {
    unsigned admitted, refused;
};

/* Never more than the limit in the last span; never a refusal that the last span and a sixtieth
 * more would not explain. */
static void check_step(const struct budget_rule *rule, struct model *m, nanos_t now,
                       uint64_t amount, bool allowed, struct tally_of_model *seen)
{
    bool explained = false;
    for (unsigned w = 0; w < rule->window_count; w++) {
        nanos_t span = rule->window[w].span, wide = span + span / 60 + 2 * 60;
        uint64_t limit = rule->window[w].limit;
        uint64_t exact = model_sum(m, now - span, now);
        if (allowed)
            assert_true(exact + amount <= limit);
        explained |= model_sum(m, now - wide, now) + amount > limit;
    }
    if (!allowed)
        assert_true(explained);
    if (allowed) {
        assert_true(m->count < MODEL_MOST);
        m->at[m->count] = now;
        m->amount[m->count++] = amount;
        seen->admitted++;
    } else {
        seen->refused++;
    }
}

static void random_run(uint64_t seed, nanos_t length, unsigned steps)
{
    static struct model model;
    model.count = 0;
    struct room *r = room_new();
    struct budget_rule *rule =
        room_budget(r, "bytes", METER_BYTES_OUT, PRINCIPAL_HOST, OVER_SLOW);
    uint64_t state = seed;
    nanos_t spans[] = {NANOS_SECOND, 7 * NANOS_SECOND, NANOS_MINUTE,
                       NANOS_HOUR,   NANOS_DAY,        30 * NANOS_DAY};
    unsigned first = (unsigned)(room_random(&state) % 4);
    uint64_t limit = 50 + room_random(&state) % 500;
    for (unsigned i = first; i < 6; i += 1 + (unsigned)(room_random(&state) % 2)) {
        rule_window(rule, spans[i], limit);
        limit += limit / 2 + room_random(&state) % 1000;
    }
    room_open(r);
    struct principal p = principal_named(PRINCIPAL_HOST, TEXT("host"));
    nanos_t now = r->moment.boot;
    struct tally_of_model seen = {0, 0};
    for (unsigned i = 0; i < steps; i++) {
        /* Bursts well inside the shortest window, pauses as long as any of them, 30 days in all. */
        uint64_t pause =
            i % 512 ? (uint64_t)spans[first] / 400 : (uint64_t)(2 * length / (steps / 512));
        now += (nanos_t)(room_random(&state) % pause);
        uint64_t amount = 1 + room_random(&state) % (room_random(&state) % 16 ? 5 : 60);
        struct outcome o = budget_charge(r->b, 0, &p, amount, now);
        check_step(rule, &model, now, amount, o.verdict == VERDICT_ALLOW, &seen);
        if (i % 16 == 0)
            budget_tick(r->b, now);
    }
    assert_true(seen.admitted > 0 && seen.refused > 0);
    room_free(r);
}

static void windows_agree_with_a_model_over_30_days(void **state)
{
    (void)state;
    unsigned rounds = room_is_long() ? 200 : 12;
    for (unsigned i = 0; i < rounds; i++)
        random_run(room_seed() + i * 7919, 30 * NANOS_DAY, 4000);
}

static void a_window_forgets_exactly_one_bucket_at_a_time(void **state)
{
    (void)state;
    struct room *r = room_new();
    rule_window(room_budget(r, "b", METER_BYTES_OUT, PRINCIPAL_HOST, OVER_SLOW), NANOS_HOUR, 60);
    room_open(r);
    struct principal p = principal_named(PRINCIPAL_HOST, TEXT("h"));
    nanos_t begin = (r->moment.boot / NANOS_HOUR + 1) * NANOS_HOUR;
    for (int i = 0; i < 60; i++)
        assert_int_equal(budget_charge(r->b, 0, &p, 1, begin + i * NANOS_MINUTE).verdict,
                         VERDICT_ALLOW);
    for (int i = 61; i < 100; i++) {
        struct outcome o = budget_peek(r->b, 0, &p, begin + i * NANOS_MINUTE);
        assert_int_equal(o.used, 60 - (i - 60));
    }
    room_free(r);
}

static void the_verdict_says_when_the_amount_will_fit(void **state)
{
    (void)state;
    struct room *r = room_new();
    struct budget_rule *rule = room_budget(r, "b", METER_BYTES_OUT, PRINCIPAL_HOST, OVER_SLOW);
    rule_window(rule, NANOS_MINUTE, 10);
    rule_window(rule, NANOS_HOUR, 25);
    room_open(r);
    struct principal p = principal_named(PRINCIPAL_HOST, TEXT("h"));
    nanos_t now = r->moment.boot;
    assert_int_equal(budget_charge(r->b, 0, &p, 10, now).verdict, VERDICT_ALLOW);
    struct outcome o = budget_charge(r->b, 0, &p, 3, now + 1);
    assert_int_equal(o.verdict, VERDICT_SLOW);
    assert_int_equal(o.window, 0);
    assert_int_equal(budget_charge(r->b, 0, &p, 3, o.until - 1).verdict, VERDICT_SLOW);
    assert_int_equal(budget_charge(r->b, 0, &p, 3, o.until).verdict, VERDICT_ALLOW);
    o = budget_charge(r->b, 0, &p, 10, now + 4 * NANOS_MINUTE);
    assert_int_equal(o.verdict, VERDICT_ALLOW);
    o = budget_charge(r->b, 0, &p, 10, now + 10 * NANOS_MINUTE);
    assert_int_equal(o.verdict, VERDICT_SLOW);
    assert_int_equal(o.window, 1);
    room_free(r);
}

static void a_refusal_charges_no_window(void **state)
{
    (void)state;
    struct room *r = room_new();
    struct budget_rule *rule = room_budget(r, "b", METER_REQUESTS, PRINCIPAL_CLIENT, OVER_SLOW);
    rule_window(rule, 10 * NANOS_SECOND, 100);
    rule_window(rule, NANOS_HOUR, 5);
    room_open(r);
    struct principal p = room_pass(r, 1);
    nanos_t now = r->moment.boot;
    assert_int_equal(budget_charge(r->b, 0, &p, 5, now).verdict, VERDICT_ALLOW);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(budget_charge(r->b, 0, &p, 1, now).window, 1);
    now += NANOS_HOUR + NANOS_MINUTE + NANOS_SECOND;
    struct outcome o = budget_charge(r->b, 0, &p, 5, now);
    assert_int_equal(o.verdict, VERDICT_ALLOW);
    assert_int_equal(o.window, 1);
    room_free(r);
}

static void a_rate_cell_admits_the_limit_at_once_and_at_most_twice_in_a_window(void **state)
{
    (void)state;
    struct room *r = room_new();
    rule_window(room_budget(r, "b", METER_REQUESTS, PRINCIPAL_CLIENT, OVER_SLOW), 10 * NANOS_SECOND,
                7);
    room_open(r);
    struct principal p = room_address(r, 1);
    nanos_t now = r->moment.boot;
    unsigned burst = 0, within = 0;
    for (int i = 0; i < 20; i++)
        burst += budget_charge(r->b, 0, &p, 1, now).verdict == VERDICT_ALLOW;
    assert_int_equal(burst, 7);
    for (nanos_t at = now; at < now + 10 * NANOS_SECOND; at += 10 * NANOS_MILLISECOND)
        within += budget_charge(r->b, 0, &p, 1, at).verdict == VERDICT_ALLOW;
    assert_in_range(within + burst, 8, 14);
    struct outcome o = budget_charge(r->b, 0, &p, 7, now + 12 * NANOS_SECOND);
    assert_int_equal(o.verdict, VERDICT_SLOW);
    assert_int_equal(budget_charge(r->b, 0, &p, 7, o.until - 1).verdict, VERDICT_SLOW);
    assert_int_equal(budget_charge(r->b, 0, &p, 7, o.until).verdict, VERDICT_ALLOW);
    room_free(r);
}

static void a_minted_principal_never_gets_more_than_its_window(void **state)
{
    (void)state;
    for (uint64_t limit = 1; limit < 40; limit++) {
        struct room *r = room_new();
        rule_window(room_budget(r, "b", METER_LOGIN_FAILURES, PRINCIPAL_CLIENT, OVER_SLOW),
                    NANOS_HOUR, limit);
        room_open(r);
        struct principal p = room_address(r, (uint32_t)limit);
        uint64_t admitted = 0, random = limit;
        nanos_t now = r->moment.boot;
        for (int i = 0; i < 100;
             i++, now += (nanos_t)(room_random(&random) % (uint64_t)(30 * NANOS_SECOND)))
            admitted += budget_charge(r->b, 0, &p, 1, now).verdict == VERDICT_ALLOW;
        assert_int_equal(admitted, limit);
        assert_int_equal(budget_charge(r->b, 0, &p, 1, now + 62 * NANOS_MINUTE).verdict,
                         VERDICT_ALLOW);
        room_free(r);
    }
}

/* Charges of any size: what fits into the first quarter after the ring was given is not counted
 * beside the ring. */
static void a_minted_principal_may_charge_any_amounts(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 100; round++) {
        struct room *r = room_new();
        rule_window(room_budget(r, "b", METER_BYTES_OUT, PRINCIPAL_CLIENT, OVER_SLOW), NANOS_HOUR,
                    100);
        room_open(r);
        struct principal p = room_address(r, 1);
        uint64_t admitted = 0, random = room_seed() + round;
        for (int i = 0; i < 200; i++) {
            uint64_t amount = 1 + room_random(&random) % 12;
            if (budget_charge(r->b, 0, &p, amount, r->moment.boot + i).verdict == VERDICT_ALLOW)
                admitted += amount;
        }
        assert_int_equal(admitted, 100);
        room_free(r);
    }
}

static void a_first_quarter_is_remembered_for_the_whole_window(void **state)
{
    (void)state;
    struct room *r = room_new();
    rule_window(room_budget(r, "b", METER_BYTES_OUT, PRINCIPAL_CLIENT, OVER_SLOW), NANOS_MINUTE,
                100);
    room_open(r);
    struct principal p = room_address(r, 1);
    nanos_t now = r->moment.boot + 200 * NANOS_MILLISECOND;
    assert_int_equal(budget_charge(r->b, 0, &p, 20, now).used, 20);
    assert_int_equal(budget_peek(r->b, 0, &p, now + NANOS_MINUTE - 1).used, 20);
    assert_int_equal(budget_peek(r->b, 0, &p, now + NANOS_MINUTE + NANOS_SECOND).used, 0);
    room_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_agree_with_a_model_over_30_days),
        cmocka_unit_test(a_window_forgets_exactly_one_bucket_at_a_time),
        cmocka_unit_test(the_verdict_says_when_the_amount_will_fit),
        cmocka_unit_test(a_refusal_charges_no_window),
        cmocka_unit_test(a_rate_cell_admits_the_limit_at_once_and_at_most_twice_in_a_window),
        cmocka_unit_test(a_minted_principal_never_gets_more_than_its_window),
        cmocka_unit_test(a_minted_principal_may_charge_any_amounts),
        cmocka_unit_test(a_first_quarter_is_remembered_for_the_whole_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
