#include "outputs/delivery.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const nanos_t begun = 100 * NANOS_SECOND;

static void a_failure_is_tried_again_later_and_later(void **state)
{
    (void)state;
    struct delivery d = {0};
    nanos_t now = begun, waited[12];
    for (unsigned i = 0; i < 12; i++) {
        assert_true(delivery_may(&d, now));
        delivery_tried(&d, false, now);
        nanos_t failed = now;
        while (!delivery_may(&d, now))
            now += NANOS_SECOND / 2;
        waited[i] = now - failed;
    }
    assert_int_equal(waited[0], NANOS_SECOND);
    assert_int_equal(waited[1], 2 * NANOS_SECOND);
    assert_int_equal(waited[8], 256 * NANOS_SECOND);
    assert_int_equal(waited[11], DELIVERY_LATEST);
    delivery_tried(&d, true, now);
    assert_true(delivery_may(&d, now));
    delivery_tried(&d, false, now);
    assert_true(delivery_may(&d, now + NANOS_SECOND));
}

static unsigned sent_in(struct delivery *d, nanos_t *now, nanos_t span)
{
    unsigned sent = 0;
    for (nanos_t end = *now + span; *now < end; *now += NANOS_SECOND)
        if (delivery_may(d, *now)) {
            delivery_tried(d, true, *now);
            sent++;
        }
    return sent;
}

static void a_storm_is_held_to_a_rate(void **state)
{
    (void)state;
    struct delivery d = {0};
    nanos_t now = begun;
    assert_int_equal(sent_in(&d, &now, NANOS_MINUTE), DELIVERY_BURST);
    assert_int_equal(sent_in(&d, &now, NANOS_HOUR), NANOS_HOUR / DELIVERY_EVERY);
    now += NANOS_DAY; /* a quiet day fills it, and no more than that */
    assert_int_equal(sent_in(&d, &now, NANOS_MINUTE), DELIVERY_BURST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_is_tried_again_later_and_later),
        cmocka_unit_test(a_storm_is_held_to_a_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
