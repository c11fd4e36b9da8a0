/* The rings themselves: made twice, found sound. */
#include "budget/plan.h"
#include "budget/ring.h"
#include "budget/test_room.h"

static void twins_end_as_one_with_what_was_charged_to_both_and_their_seed_once(void **state)
{
    (void)state;
    struct room *r = room_new();
    rule_window(room_budget(r, "b", METER_BYTES_OUT, PRINCIPAL_HOST, OVER_SLOW), NANOS_HOUR, 100);
    room_open(r);
    const struct plan_budget *budget = &plan_of(r->b)->budget[0];
    const struct plan_window *w = &budget->window[0];
    struct principal p = principal_named(PRINCIPAL_HOST, TEXT("h"));
    nanos_t time = ring_time(r->b, r->moment.boot);
    struct ring_ask ask = {.h = principal_hash(r->b, budget->key, &p),
                           .budget = budget,
                           .span = w->span,
                           .width = w->width,
                           .who = &p,
                           .seed = {.count = 20, .at = time}};
    ask.key = key_mix(ask.h, w->mix);
    struct ring_place first, stays;
    bool made;
    assert_true(ring_take(r->b, &ask, time, &first, &made) && made);
    size_t at = (size_t)(first.key - r->b->ring_keys), twin = at / KEYS_A_SET * KEYS_A_SET + 5;
    assert_true(twin > at);
    memcpy((void *)&r->b->rings[twin], (void *)first.ring, sizeof *first.ring);
    atomic_store(&r->b->ring_keys[twin], ask.key);
    struct ring_place second = {&r->b->ring_keys[twin], &r->b->rings[twin]};
    struct ring_charge charge;
    assert_int_equal(ring_charge(&first, ask.key, w->span, w->width, 100, 3, time, &charge),
                     RING_DONE);
    assert_int_equal(ring_charge(&second, ask.key, w->span, w->width, 100, 4, time, &charge),
                     RING_DONE);
    ring_merge(r->b, &ask, time, &stays);
    assert_ptr_equal(stays.key, first.key);
    assert_int_equal(ring_used(first.ring, w->width, time), 27);
    assert_int_equal(atomic_load(second.key), 0);
    assert_int_equal(ring_charge(&second, ask.key, w->span, w->width, 100, 4, time, &charge),
                     RING_LOST);
    room_free(r);
}

static void a_ring_under_anothers_key_is_not_sound(void **state)
{
    (void)state;
    struct room *r = room_new();
    rule_window(room_budget(r, "b", METER_BYTES_OUT, PRINCIPAL_HOST, OVER_SLOW), NANOS_HOUR, 100);
    room_open(r);
    struct principal p = principal_named(PRINCIPAL_HOST, TEXT("h"));
    budget_charge(r->b, 0, &p, 1, r->moment.boot);
    size_t at = 0;
    while (!atomic_load(&r->b->ring_keys[at]))
        at++;
    uint64_t key = atomic_load(&r->b->ring_keys[at]);
    assert_true(ring_is_sound(&r->b->rings[at], key));
    assert_false(ring_is_sound(&r->b->rings[at], key ^ 2));
    atomic_fetch_add(&r->b->rings[at].span, 1);
    assert_false(ring_is_sound(&r->b->rings[at], key));
    room_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twins_end_as_one_with_what_was_charged_to_both_and_their_seed_once),
        cmocka_unit_test(a_ring_under_anothers_key_is_not_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
