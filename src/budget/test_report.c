/* What began and ended is told once, whoever takes the turn, and a flood as one. */
#include "budget/test_room.h"

enum { MOST = 64 };

static struct room *room_with_logins(void)
{
    struct room *r = room_new();
    rule_window(room_budget(r, "logins", METER_REQUESTS, PRINCIPAL_CLIENT, OVER_HOLD),
                10 * NANOS_SECOND, 5);
    room_open(r);
    return r;
}

static uint64_t hold_one(struct room *r, unsigned address, nanos_t now)
{
    struct principal p = room_address(r, address);
    struct outcome o = {0};
    for (unsigned i = 0; i < 6; i++)
        o = budget_charge(r->b, 0, &p, 1, now);
    return o.hold;
}

static void a_hold_is_told_when_it_begins_and_when_it_ends(void **state)
{
    (void)state;
    struct room *r = room_with_logins();
    struct budget_news news[MOST];
    nanos_t now = r->moment.boot;
    uint64_t id = hold_one(r, 7, now);
    assert_int_equal(budget_report(r->b, now, news, MOST), 1);
    assert_int_equal(news[0].event, BUDGET_HELD);
    assert_int_equal(news[0].hold.id, id);
    assert_int_equal(news[0].count, 1);
    /* the turn of this second is taken */
    assert_int_equal(budget_report(r->b, now, news, MOST), 0);
    now += NANOS_SECOND;
    assert_int_equal(budget_report(r->b, now, news, MOST), 0);
    now += NANOS_HOUR;
    budget_report(r->b, now - 2 * NANOS_SECOND, news, MOST);
    budget_tick(r->b, now); /* comes first, and leaves what is still to be told */
    assert_int_equal(budget_report(r->b, now, news, MOST), 1);
    assert_int_equal(news[0].event, BUDGET_ENDED);
    assert_int_equal(news[0].hold.id, id);
    now += NANOS_SECOND;
    budget_tick(r->b, now);
    assert_int_equal(budget_report(r->b, now, news, MOST), 0);
    room_free(r);
}

static void a_release_is_told_as_one_and_a_hold_that_follows_at_once_too(void **state)
{
    (void)state;
    struct room *r = room_with_logins();
    struct budget_news news[MOST];
    nanos_t now = r->moment.boot;
    uint64_t id = hold_one(r, 7, now);
    assert_int_equal(hold_release(r->b, id, now), 0);
    assert_int_equal(budget_report(r->b, now, news, MOST), 2); /* both in one second */
    assert_int_equal(news[0].event, BUDGET_HELD);
    assert_int_equal(news[1].event, BUDGET_RELEASED);
    now += NANOS_SECOND;
    uint64_t next = hold_one(r, 7, now);
    assert_true(next > id);
    assert_int_equal(budget_report(r->b, now, news, MOST), 1);
    assert_int_equal(news[0].hold.id, next);
    room_free(r);
}

static void a_hold_released_before_it_was_told_is_told_with_its_length(void **state)
{
    (void)state;
    struct room *r = room_with_logins();
    struct budget_news news[MOST];
    nanos_t now = r->moment.boot;
    uint64_t id = hold_one(r, 7, now);
    assert_true(hold_is_told(r->b, id, now)); /* nobody tells: nobody is waited for */
    assert_int_equal(budget_report(r->b, now, news, MOST), 1);
    assert_true(hold_is_told(r->b, id, now));
    uint64_t next = hold_one(r, 8, now);
    assert_false(hold_is_told(r->b, next, now));
    assert_int_equal(hold_release(r->b, next, now + NANOS_SECOND / 2), 0);
    now += NANOS_SECOND;
    assert_int_equal(budget_report(r->b, now, news, MOST), 2);
    assert_int_equal(news[0].event, BUDGET_HELD);
    assert_int_equal(news[0].hold.until - news[0].hold.since, NANOS_HOUR);
    assert_int_equal(news[1].event, BUDGET_RELEASED);
    assert_true(hold_is_told(r->b, next, now));
    room_free(r);
}

static void a_flood_is_told_as_one_with_its_count(void **state)
{
    (void)state;
    struct room *r = room_with_logins();
    struct budget_news news[MOST];
    nanos_t now = r->moment.boot;
    for (unsigned i = 1; i <= 20; i++)
        hold_one(r, i, now);
    assert_int_equal(budget_report(r->b, now, news, MOST), 20);
    now += NANOS_SECOND;
    for (unsigned i = 101; i <= 130; i++)
        hold_one(r, i, now);
    assert_int_equal(budget_report(r->b, now, news, MOST), 1);
    assert_int_equal(news[0].count, 30);
    assert_int_equal(news[0].last - news[0].first, 29);
    room_free(r);
}

static void what_does_not_fit_is_told_the_next_time(void **state)
{
    (void)state;
    struct room *r = room_with_logins();
    struct budget_news news[MOST];
    nanos_t now = r->moment.boot;
    for (unsigned i = 1; i <= 15; i++)
        hold_one(r, i, now);
    assert_int_equal(budget_report(r->b, now, news, 10), 10);
    assert_int_equal(budget_report(r->b, now + NANOS_SECOND, news, 10), 5);
    assert_int_equal(budget_report(r->b, now + 2 * NANOS_SECOND, news, 10), 0);
    room_free(r);
}

static void what_would_have_been_is_always_told_as_one(void **state)
{
    (void)state;
    struct room *r = room_with_logins();
    struct budget_news news[MOST];
    nanos_t now = r->moment.boot;
    budget_set_mode(r->b, MODE_OBSERVE);
    for (unsigned i = 1; i <= 3; i++)
        hold_one(r, i, now);
    assert_int_equal(budget_report(r->b, now, news, MOST), 1);
    assert_true(news[0].hold.observed);
    assert_int_equal(news[0].count, 3);
    room_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hold_is_told_when_it_begins_and_when_it_ends),
        cmocka_unit_test(a_release_is_told_as_one_and_a_hold_that_follows_at_once_too),
        cmocka_unit_test(a_hold_released_before_it_was_told_is_told_with_its_length),
        cmocka_unit_test(a_flood_is_told_as_one_with_its_count),
        cmocka_unit_test(what_does_not_fit_is_told_the_next_time),
        cmocka_unit_test(what_would_have_been_is_always_told_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
