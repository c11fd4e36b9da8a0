#include "outputs/incident.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { WEBHOOK = 1, MAIL, BOTH = 6 };

static const int64_t wall_begin = INT64_C(1795183380) * NANOS_SECOND;
static struct incidents all;
static nanos_t boot;

static int begin(void **state)
{
    (void)state;
    all = (struct incidents){0};
    boot = 1000 * NANOS_SECOND;
    return 0;
}

static const struct sign guard = {"guards", "guard_down", "the front is down"};
static const struct sign behind = {"guards", "guard_behind", "worker 7 runs contract 1"};
static const struct sign disk = {"data", "disk_full", "2 % free"};

/* Looks every 5 s for so many seconds. */
static void stand(const struct sign *signs, size_t count, unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i += 5) {
        boot += 5 * NANOS_SECOND;
        incidents_look(&all, signs, count, boot, wall_begin + boot);
    }
}

static unsigned tell_all(unsigned channel)
{
    unsigned told = 0;
    for (struct incident *next; (next = incidents_next(&all, channel)) != NULL; told++)
        incidents_told(&all, next->id, next->version, channel, BOTH);
    return told;
}

static void what_stands_is_told_once_and_its_end_once(void **state)
{
    (void)state;
    stand(&guard, 1, 600);
    assert_int_equal(tell_all(WEBHOOK), 1);
    stand(&guard, 1, 600);
    assert_int_equal(tell_all(WEBHOOK), 0);
    stand(NULL, 0, 60);
    assert_int_equal(tell_all(WEBHOOK), 1);
    assert_int_equal(tell_all(WEBHOOK), 0);
    assert_int_equal(incidents_open(&all), 0);
}

static void what_passes_at_once_is_not_told(void **state)
{
    (void)state;
    stand(&behind, 1, 5);
    stand(NULL, 0, 60);
    stand(&behind, 1, 5);
    assert_null(incidents_next(&all, WEBHOOK));
    assert_int_equal(all.count, 0);
}

static void what_comes_and_goes_is_one_incident(void **state)
{
    (void)state;
    stand(&guard, 1, 20);
    assert_int_equal(tell_all(WEBHOOK), 1);
    for (unsigned i = 0; i < 20; i++) {
        stand(NULL, 0, 20);
        stand(&guard, 1, 20);
    }
    assert_int_equal(tell_all(WEBHOOK), 0);
    assert_int_equal(all.count, 1);
}

static void what_belongs_together_is_one_incident(void **state)
{
    (void)state;
    const struct sign three[] = {guard, behind, disk};
    stand(three, 3, 60);
    assert_int_equal(all.count, 2);
    assert_int_equal(tell_all(WEBHOOK), 2);
    assert_int_equal(all.incident[0].kind_count, 2);
    assert_string_equal(all.incident[1].area, "data");
}

static void a_kind_that_joins_is_told_after_a_while(void **state)
{
    (void)state;
    const struct sign two[] = {guard, behind};
    stand(two, 1, 60);
    assert_int_equal(tell_all(WEBHOOK), 1);
    stand(two, 2, 300);
    assert_int_equal(tell_all(WEBHOOK), 0);
    stand(two, 2, 600);
    assert_int_equal(tell_all(WEBHOOK), 1);
    stand(two, 2, 1200);
    assert_int_equal(tell_all(WEBHOOK), 0);
}

static void a_channel_that_was_down_is_told_the_end_alone(void **state)
{
    (void)state;
    stand(&guard, 1, 60);
    assert_int_equal(tell_all(WEBHOOK), 1);
    stand(NULL, 0, 60);
    assert_int_equal(tell_all(WEBHOOK), 1);
    assert_int_equal(all.count, 1); /* kept for the mail */
    struct incident *next = incidents_next(&all, MAIL);
    assert_non_null(next);
    assert_true(next->ended != 0);
    assert_int_equal(tell_all(MAIL), 1);
    assert_int_equal(all.count, 0);
}

static void a_version_told_while_another_came_is_not_the_last(void **state)
{
    (void)state;
    stand(&guard, 1, 60);
    struct incident told = *incidents_next(&all, WEBHOOK);
    stand(NULL, 0, 60);
    incidents_told(&all, told.id, told.version, WEBHOOK, BOTH);
    assert_non_null(incidents_next(&all, WEBHOOK));
}

static void a_thousand_incidents_take_no_more_room(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        struct sign sign = disk;
        snprintf(sign.area, sizeof sign.area, "area %u", i);
        stand(&sign, 1, 20);
        assert_true(all.count <= INCIDENTS_MAX);
    }
    assert_int_equal(all.dropped + all.count, 1000);
}

static void a_restart_neither_tells_again_nor_forgets(void **state)
{
    (void)state;
    const struct sign two[] = {guard, disk};
    stand(two, 2, 60);
    struct incident *first = incidents_next(&all, WEBHOOK);
    incidents_told(&all, first->id, first->version, WEBHOOK, BOTH);
    json_t *object = incidents_json(&all);
    boot = 5 * NANOS_SECOND; /* of another boot */
    struct incidents again;
    assert_true(incidents_from_json(object, boot, &again));
    json_decref(object);
    all = again;
    stand(two, 2, 60);
    assert_int_equal(tell_all(WEBHOOK), 1);
    assert_int_equal(tell_all(MAIL), 2);
    stand(NULL, 0, 60);
    assert_int_equal(tell_all(WEBHOOK), 2);
}

static void a_file_that_is_not_ours_is_not_taken(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}",
        "[]",
        "{\"incidents\":{},\"dropped\":0}",
        "{\"incidents\":[{}],\"dropped\":0}",
        "{\"incidents\":[],\"dropped\":-1}",
        "{\"incidents\":[{\"id\":\"a\",\"area\":\"b\",\"began\":1,\"ended\":0,\"version\":1,"
        "\"kinds_said\":9,\"told\":[0,0,0],\"kinds\":[]}],\"dropped\":0}",
        "{\"incidents\":[{\"id\":\"a\",\"area\":\"b\",\"began\":1,\"ended\":0,\"version\":1,"
        "\"kinds_said\":0,\"told\":[0,2,0],\"kinds\":[]}],\"dropped\":0}",
    };
    struct incidents untouched = {.dropped = 77};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        json_t *object = json_loads(bad[i], 0, NULL);
        assert_non_null(object);
        assert_false(incidents_from_json(object, 0, &untouched));
        json_decref(object);
    }
    assert_int_equal(untouched.dropped, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_stands_is_told_once_and_its_end_once, begin),
        cmocka_unit_test_setup(what_passes_at_once_is_not_told, begin),
        cmocka_unit_test_setup(what_comes_and_goes_is_one_incident, begin),
        cmocka_unit_test_setup(what_belongs_together_is_one_incident, begin),
        cmocka_unit_test_setup(a_kind_that_joins_is_told_after_a_while, begin),
        cmocka_unit_test_setup(a_channel_that_was_down_is_told_the_end_alone, begin),
        cmocka_unit_test_setup(a_version_told_while_another_came_is_not_the_last, begin),
        cmocka_unit_test_setup(a_thousand_incidents_take_no_more_room, begin),
        cmocka_unit_test_setup(a_restart_neither_tells_again_nor_forgets, begin),
        cmocka_unit_test_setup(a_file_that_is_not_ours_is_not_taken, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
