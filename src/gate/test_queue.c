#include "gate/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LOGIN = 1, SEARCH = 2, NETWORK_A = 101, NETWORK_B = 102, PASS_P = 201, PASS_Q = 202 };

static struct queue *queue_new(void)
{
    struct queue *q = calloc(1, sizeof *q);
    assert_non_null(q);
    queue_init(q, 0);
    return q;
}

static int names[4 * GATE_WAITING]; /* their addresses are the waiters' names */
static uint32_t nothing[GATE_ROUTES];
static void *unused;

static void enter(struct queue *q, int name, unsigned route, enum standing standing,
                  uint64_t network, uint64_t pass)
{
    struct waiter w = {&names[name], route, standing, network, pass, name};
    void *pushed;
    assert_true(queue_enter(q, &w, &pushed));
    assert_null(pushed);
}

static int next_of(struct queue *q, const uint32_t *in_flight)
{
    int *who = queue_next(q, in_flight, 0);
    return who ? (int)(who - names) : -1;
}

static void first_come_first_served_among_equals(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    for (int i = 0; i < 5; i++)
        enter(q, i, SEARCH, STANDING_STRANGER, (uint64_t)i + 1, 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(next_of(q, nothing), i);
    assert_int_equal(next_of(q, nothing), -1);
    free(q);
}

static void the_route_with_the_fewest_in_flight_is_next(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    uint32_t in_flight[GATE_ROUTES] = {[SEARCH] = 7, [LOGIN] = 1};
    for (int i = 0; i < 300; i++)
        enter(q, i, SEARCH, STANDING_KNOWN, (uint64_t)i + 1, 0);
    enter(q, 300, LOGIN, STANDING_STRANGER, 7, 0);
    assert_int_equal(next_of(q, in_flight), 300);
    free(q);
}

static void routes_of_equal_load_take_turns(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    for (int i = 0; i < 10; i++)
        enter(q, i, i < 8 ? SEARCH : LOGIN, STANDING_STRANGER, (uint64_t)i + 1, 0);
    int logins = 0;
    for (int i = 0; i < 4; i++)
        logins += next_of(q, nothing) >= 8;
    assert_int_equal(logins, 2);
    free(q);
}

static void who_is_known_goes_before_strangers_who_keep_a_floor(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    for (int i = 0; i < 200; i++)
        enter(q, i, SEARCH, STANDING_STRANGER, (uint64_t)i + 1, 0);
    for (int i = 200; i < 400; i++)
        enter(q, i, SEARCH, STANDING_KNOWN, (uint64_t)i + 1, (uint64_t)i);
    int strangers = 0;
    for (int i = 0; i < 100; i++)
        strangers += next_of(q, nothing) < 200;
    assert_int_equal(strangers, 100 / QUEUE_FLOOR_TURN);
    free(q);
}

static void each_lower_standing_has_its_part_of_the_floor(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    int count[STANDING_COUNT] = {0};
    for (int i = 0; i < 480; i++)
        enter(q, i, SEARCH, (enum standing)(i % 3), (uint64_t)i + 1, 0);
    for (int i = 0; i < 100; i++)
        count[next_of(q, nothing) % 3]++;
    assert_int_equal(count[STANDING_KNOWN], 80);
    assert_int_equal(count[STANDING_FRESH], 10);
    assert_int_equal(count[STANDING_STRANGER], 10);
    free(q);
}

static void a_network_with_many_waits_behind_one_with_few(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    for (int i = 0; i < 100; i++)
        enter(q, i, SEARCH, STANDING_STRANGER, NETWORK_A, 0);
    for (int i = 100; i < 105; i++)
        enter(q, i, SEARCH, STANDING_STRANGER, NETWORK_B, 0);
    int few = 0;
    for (int i = 0; i < 10; i++)
        few += next_of(q, nothing) >= 100;
    assert_int_equal(few, 5); /* turn about, though they came last */
    free(q);
}

static void behind_one_address_each_pass_has_its_turn(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    for (int i = 0; i < 100; i++)
        enter(q, i, SEARCH, STANDING_KNOWN, NETWORK_A, PASS_P);
    for (int i = 100; i < 105; i++)
        enter(q, i, SEARCH, STANDING_KNOWN, NETWORK_A, PASS_Q);
    int few = 0;
    for (int i = 0; i < 10; i++)
        few += next_of(q, nothing) >= 100;
    assert_int_equal(few, 5);
    free(q);
}

static void what_was_served_is_forgotten(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    for (int i = 0; i < 50; i++)
        queue_served(q, NETWORK_A, 0, 0);
    enter(q, 0, SEARCH, STANDING_STRANGER, NETWORK_A, 0);
    enter(q, 1, SEARCH, STANDING_STRANGER, NETWORK_B, 0);
    assert_int_equal(next_of(q, nothing), 1);
    enter(q, 2, SEARCH, STANDING_STRANGER, NETWORK_B, 0);
    int *who = queue_next(q, nothing, 12 * QUEUE_HALF_LIFE);
    assert_ptr_equal(who, &names[0]);
    free(q);
}

static void fill(struct queue *q, enum standing standing)
{
    for (int i = 0; i < GATE_WAITING; i++)
        enter(q, i, SEARCH, standing, i < GATE_WAITING / 2 ? NETWORK_A : (uint64_t)i + 1000, 0);
}

static void full_the_newest_of_the_largest_network_is_pushed_out(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    fill(q, STANDING_STRANGER);
    struct waiter w = {&names[GATE_WAITING], SEARCH, STANDING_STRANGER, NETWORK_B, 0, 9999};
    void *pushed = NULL;
    assert_true(queue_enter(q, &w, &pushed));
    assert_ptr_equal(pushed, &names[GATE_WAITING / 2 - 1]);
    assert_int_equal(q->count, GATE_WAITING);
    free(q);
}

static void one_more_of_the_largest_network_is_not_let_in(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    fill(q, STANDING_STRANGER);
    struct waiter w = {&names[GATE_WAITING], SEARCH, STANDING_STRANGER, NETWORK_A, 0, 9999};
    assert_false(queue_enter(q, &w, &unused));
    assert_null(unused);
    free(q);
}

static void a_stranger_never_pushes_out_who_is_known(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    fill(q, STANDING_KNOWN);
    struct waiter w = {&names[GATE_WAITING], SEARCH, STANDING_STRANGER, NETWORK_B, 0, 9999};
    assert_false(queue_enter(q, &w, &unused));
    w.standing = STANDING_KNOWN;
    assert_true(queue_enter(q, &w, &unused));
    w.who = &names[GATE_WAITING + 1];
    w.standing = STANDING_FRESH;
    assert_false(queue_enter(q, &w, &unused));
    free(q);
}

static void who_goes_away_or_is_late_is_taken_out(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    for (int i = 0; i < 4; i++)
        enter(q, i, SEARCH, STANDING_STRANGER, (uint64_t)i + 1, 0); /* came at i */
    assert_true(queue_leave(q, &names[2]));
    assert_false(queue_leave(q, &names[2]));
    assert_int_equal(queue_longest(q, SEARCH, 10), 10);
    assert_int_equal(queue_longest(q, LOGIN, 10), 0);
    assert_ptr_equal(queue_overdue(q, 1), &names[0]);
    assert_null(queue_overdue(q, 1));
    assert_int_equal(q->count, 2);
    assert_int_equal(q->route[SEARCH].waiting, 2);
    free(q);
}

/* Whatever comes: nobody is lost, nobody comes out twice, and the counts agree. */
static void those_below_a_standing_are_taken_out_of_one_route(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    enter(q, 0, SEARCH, STANDING_KNOWN, 1, 0);
    enter(q, 1, LOGIN, STANDING_STRANGER, 2, 0);
    enter(q, 2, SEARCH, STANDING_STRANGER, 3, 0);
    enter(q, 3, SEARCH, STANDING_FRESH, 4, 0);
    assert_ptr_equal(queue_below(q, SEARCH, STANDING_FRESH), &names[2]);
    assert_null(queue_below(q, SEARCH, STANDING_FRESH));
    assert_int_equal(q->count, 3);
    assert_int_equal(q->route[SEARCH].waiting, 2);
    free(q);
}

static void nobody_is_lost_or_served_twice(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    bool in[4 * GATE_WAITING] = {false};
    uint32_t count = 0, in_flight[GATE_ROUTES] = {0};
    srandom(7);
    for (int step = 0; step < 200000; step++) {
        int i = (int)(random() % (4 * GATE_WAITING)), act = (int)(random() % 8);
        int *who = NULL;
        if (act < 5 && !in[i]) {
            struct waiter w = {&names[i],
                               (unsigned)random() % (GATE_ROUTES + 2),
                               (enum standing)(random() % STANDING_COUNT),
                               (uint64_t)random() % 50,
                               (uint64_t)random() % 5,
                               step};
            void *pushed;
            in[i] = queue_enter(q, &w, &pushed);
            count += in[i];
            who = pushed;
        } else if (act == 5) {
            who = queue_next(q, in_flight, step * NANOS_MILLISECOND);
            assert_true(who || count == 0);
        } else if (act == 6) {
            who = queue_overdue(q, step - 5000);
        } else if (act == 7) {
            assert_int_equal(queue_leave(q, &names[i]), in[i]);
            count -= in[i];
            in[i] = false;
        }
        if (who) {
            assert_true(in[who - names]);
            in[who - names] = false;
            count--;
        }
        assert_int_equal(q->count, count);
    }
    while (queue_next(q, in_flight, 0))
        count--;
    assert_int_equal(count, 0);
    free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_come_first_served_among_equals),
        cmocka_unit_test(the_route_with_the_fewest_in_flight_is_next),
        cmocka_unit_test(routes_of_equal_load_take_turns),
        cmocka_unit_test(who_is_known_goes_before_strangers_who_keep_a_floor),
        cmocka_unit_test(each_lower_standing_has_its_part_of_the_floor),
        cmocka_unit_test(a_network_with_many_waits_behind_one_with_few),
        cmocka_unit_test(behind_one_address_each_pass_has_its_turn),
        cmocka_unit_test(what_was_served_is_forgotten),
        cmocka_unit_test(full_the_newest_of_the_largest_network_is_pushed_out),
        cmocka_unit_test(one_more_of_the_largest_network_is_not_let_in),
        cmocka_unit_test(a_stranger_never_pushes_out_who_is_known),
        cmocka_unit_test(who_goes_away_or_is_late_is_taken_out),
        cmocka_unit_test(those_below_a_standing_are_taken_out_of_one_route),
        cmocka_unit_test(nobody_is_lost_or_served_twice),
    };
    return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
