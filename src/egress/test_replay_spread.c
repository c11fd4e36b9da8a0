/* Flows that wait for their time. */
#include "egress/replay_spread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct heard {
    size_t count;
    uint64_t bytes;
    nanos_t last;
    bool ordered;
};

static void hear(void *context, const struct spread_item *item, nanos_t when, uint64_t bytes)
{
    struct heard *h = context;
    (void)item;
    h->ordered &= when / NANOS_SECOND >= h->last / NANOS_SECOND;
    h->last = when;
    h->count++;
    h->bytes += bytes;
}

static void parts_add_up_and_come_in_the_order_of_their_seconds(void **state)
{
    (void)state;
    struct heard h = {.ordered = true};
    struct spread *s = spread_new(1000, hear, &h);
    assert_non_null(s);
    uint64_t given = 0;
    for (unsigned i = 0; i < 900; i++) {
        struct spread_item item = {.start = (nanos_t)(i * 7919 % 1000) * NANOS_SECOND,
                                   .span = (nanos_t)(i * 104729 % 5000) * NANOS_SECOND,
                                   .bytes = 1000003 + i,
                                   .parts = 1 + i % 50};
        given += item.bytes;
        spread_add(s, &item);
    }
    assert_int_equal(h.count, 0);
    spread_end(s);
    assert_int_equal(h.bytes, given);
    assert_true(h.ordered && spread_is_empty(s));
    spread_free(s);
}

static void only_what_is_before_the_time_reached_is_told(void **state)
{
    (void)state;
    struct heard h = {.ordered = true};
    struct spread *s = spread_new(10, hear, &h);
    struct spread_item item = {.span = 100 * NANOS_SECOND, .bytes = 100, .parts = 10};
    spread_add(s, &item); /* at 5, 15, 25 ... */
    spread_advance(s, 26 * NANOS_SECOND);
    assert_int_equal(h.count, 3);
    assert_int_equal(spread_reached(s), 26 * NANOS_SECOND);
    spread_add(s, &item); /* its first three are told at once */
    assert_int_equal(h.count, 6);
    spread_end(s);
    assert_int_equal(h.count, 20);
    assert_int_equal(h.bytes, 200);
    spread_free(s);
}

static void when_all_places_are_taken_time_goes_on(void **state)
{
    (void)state;
    struct heard h = {.ordered = true};
    struct spread *s = spread_new(10, hear, &h);
    for (unsigned i = 0; i < 100; i++)
        spread_add(
            s, &(struct spread_item){.start = (nanos_t)i * NANOS_SECOND, .bytes = 1, .parts = 1});
    assert_int_equal(h.count, 90);
    spread_end(s);
    assert_int_equal(h.bytes, 100);
    assert_true(h.ordered);
    spread_free(s);
}

static void what_is_far_ahead_moves_time_as_far_as_is_needed(void **state)
{
    (void)state;
    struct heard h = {.ordered = true};
    struct spread *s = spread_new(10, hear, &h);
    spread_add(s, &(struct spread_item){.start = 5 * NANOS_SECOND, .bytes = 1, .parts = 1});
    spread_add(s, &(struct spread_item){.start = 10 * (nanos_t)SPREAD_SECONDS * NANOS_SECOND,
                                        .bytes = 2,
                                        .parts = 1});
    assert_int_equal(h.count, 1);
    spread_end(s);
    assert_int_equal(h.bytes, 3);
    spread_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_add_up_and_come_in_the_order_of_their_seconds),
        cmocka_unit_test(only_what_is_before_the_time_reached_is_told),
        cmocka_unit_test(when_all_places_are_taken_time_goes_on),
        cmocka_unit_test(what_is_far_ahead_moves_time_as_far_as_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
