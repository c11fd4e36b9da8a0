#include "gate/pressure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* An origin of `servers` that each take `service` for an answer, first come first served, and what
 * a front with the limit sends it: open loop, `rate` a second, nobody waits (who finds no room is
 * turned away). Steps of 100 us of virtual time. */
enum { MOST_FLYING = 8192 };

struct flight {
    nanos_t asked, done;
    unsigned route;
    enum pressure_outcome outcome;
    bool back;
};

struct world {
    struct pressure p;
    nanos_t now, lag;
    unsigned servers;
    nanos_t service[2]; /* of each route */
    double rate[2];
    double owed[2];
    enum pressure_outcome outcome;
    nanos_t noise;      /* the most that is added to an answer's delay */
    unsigned slow_ones; /* of a hundred answers, that take `slow` instead of `service` */
    nanos_t slow;
    bool gives_back; /* as the front does: who has no answer after a second gives its place back */
    struct flight flight[MOST_FLYING];
    unsigned flying;
    nanos_t busy_until[64];
    uint64_t random;
    /* since world_forget() */
    uint64_t answered, turned_away, refused_quickly;
    nanos_t longest;
    double lowest_limit, highest_limit;
};

static const nanos_t step = NANOS_MILLISECOND / 10;

static uint64_t draw(struct world *w)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random;
}

static struct world *world_new(unsigned servers, nanos_t service)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->now = NANOS_SECOND;
    w->servers = servers;
    w->service[0] = w->service[1] = service;
    w->random = 88172645463325252U;
    pressure_init(&w->p, w->now);
    return w;
}

static void world_forget(struct world *w)
{
    w->answered = w->turned_away = 0;
    w->longest = 0;
    w->lowest_limit = w->highest_limit = w->p.limit;
}

static void ask(struct world *w, unsigned route)
{
    if (!pressure_has_room(&w->p) || w->flying == MOST_FLYING) {
        w->turned_away++;
        return;
    }
    unsigned server = 0;
    for (unsigned i = 1; i < w->servers; i++)
        if (w->busy_until[i] < w->busy_until[server])
            server = i;
    nanos_t begin = w->busy_until[server] > w->now ? w->busy_until[server] : w->now;
    nanos_t noise = w->noise ? (nanos_t)(draw(w) % (uint64_t)w->noise) : 0;
    bool slow = w->slow_ones && draw(w) % 100 < w->slow_ones;
    nanos_t service = slow ? w->slow : w->service[route];
    w->busy_until[server] = begin + service;
    w->flight[w->flying++] =
        (struct flight){w->now, begin + service + noise, route, w->outcome, false};
    pressure_take(&w->p, route);
}

static void answers(struct world *w)
{
    for (unsigned i = 0; i < w->flying; i++) {
        struct flight *f = &w->flight[i];
        if (w->gives_back && !f->back && w->now - f->asked >= NANOS_SECOND) {
            pressure_saw(&w->p, f->route, PRESSURE_MUTE, 0);
            pressure_give(&w->p, f->route);
            f->back = true;
        }
        if (f->done > w->now)
            continue;
        nanos_t delay = f->done - f->asked;
        pressure_saw(&w->p, f->route, f->outcome, delay + w->lag);
        if (!f->back)
            pressure_give(&w->p, f->route);
        w->answered++;
        if (delay > w->longest)
            w->longest = delay;
        w->flight[i--] = w->flight[--w->flying];
    }
}

static void world_run(struct world *w, nanos_t how_long)
{
    for (nanos_t end = w->now + how_long; w->now < end; w->now += step) {
        answers(w);
        for (unsigned route = 0; route < 2; route++) {
            w->owed[route] += w->rate[route] * (double)step / (double)NANOS_SECOND;
            for (; w->owed[route] >= 1; w->owed[route] -= 1)
                ask(w, route);
        }
        pressure_tick(&w->p, w->lag, w->now);
        if (w->p.limit < w->lowest_limit)
            w->lowest_limit = w->p.limit;
        if (w->p.limit > w->highest_limit)
            w->highest_limit = w->p.limit;
    }
}

/* Calm first, so that the baseline is known; then far more than it can bear. */
static struct world *flooded(unsigned servers, nanos_t service, double calm)
{
    struct world *w = world_new(servers, service);
    w->rate[0] = calm;
    world_run(w, 5 * NANOS_SECOND);
    w->rate[0] = 20000;
    world_run(w, 10 * NANOS_SECOND);
    world_forget(w);
    return w;
}

static void a_flood_leaves_the_origin_busy_and_its_answers_quick(void **state)
{
    (void)state;
    struct world *w = flooded(2, NANOS_MILLISECOND, 200);
    world_run(w, 30 * NANOS_SECOND);
    assert_true(w->answered > 30 * 2000 * 98 / 100); /* of 2,000 a second that it can */
    assert_true(w->longest < 25 * NANOS_MILLISECOND);
    free(w);
}

static void the_limit_does_not_swing(void **state)
{
    (void)state;
    struct world *w = flooded(2, NANOS_MILLISECOND, 200);
    world_run(w, 30 * NANOS_SECOND);
    assert_true(w->highest_limit < 2 * w->lowest_limit);
    free(w);
}

static void a_large_origin_gets_a_large_limit_in_seconds(void **state)
{
    (void)state;
    struct world *w = world_new(64, 20 * NANOS_MILLISECOND);
    w->rate[0] = 100;
    world_run(w, 5 * NANOS_SECOND);
    w->rate[0] = 3000; /* of 3,200 that it can: 60 in flight */
    world_run(w, 5 * NANOS_SECOND);
    world_forget(w);
    world_run(w, 10 * NANOS_SECOND);
    assert_true(w->turned_away * 100 < w->answered);
    free(w);
}

static void without_load_nothing_is_turned_away(void **state)
{
    (void)state;
    struct world *w = world_new(2, NANOS_MILLISECOND);
    w->noise = 30 * NANOS_MILLISECOND; /* a noisy machine */
    w->rate[0] = 300;
    world_forget(w);
    world_run(w, 60 * NANOS_SECOND);
    assert_int_equal(w->turned_away, 0);
    free(w);
}

/* From 1 to 100 ms, as pages that ask a database do: no sign of load. */
static void an_origin_whose_answers_vary_is_not_taken_for_a_busy_one(void **state)
{
    (void)state;
    struct world *w = world_new(64, NANOS_MILLISECOND);
    w->noise = 100 * NANOS_MILLISECOND;
    w->rate[0] = 600;
    world_forget(w);
    world_run(w, 60 * NANOS_SECOND);
    assert_true(w->turned_away * 200 < w->answered);
    assert_true(w->lowest_limit > PRESSURE_START - 1);
    free(w);
}

/* Cached pages beside others: 4 of 10 answers take 300 ms, and more people come. */
static void answers_of_two_kinds_do_not_make_an_origin_look_busy(void **state)
{
    (void)state;
    struct world *w = world_new(64, 5 * NANOS_MILLISECOND);
    w->slow_ones = 40;
    w->slow = 300 * NANOS_MILLISECOND;
    w->rate[0] = 30;
    world_run(w, 60 * NANOS_SECOND);
    w->rate[0] = 150;
    world_run(w, NANOS_SECOND);
    world_forget(w);
    world_run(w, 60 * NANOS_SECOND);
    assert_true(w->turned_away * 200 < w->answered);
    free(w);
}

static void a_few_answers_a_tick_are_learned_by_their_median(void **state)
{
    (void)state;
    struct world *w = world_new(64, 5 * NANOS_MILLISECOND);
    w->slow_ones = 60;
    w->slow = 100 * NANOS_MILLISECOND;
    w->rate[0] = 30;
    world_run(w, 60 * NANOS_SECOND);
    assert_true(pressure_bound(&w->p, 0) > 150 * NANOS_MILLISECOND);
    free(w);
}

static void an_origin_that_takes_seconds_is_not_taken_for_a_dead_one(void **state)
{
    (void)state;
    struct world *w = world_new(64, 3 * NANOS_SECOND);
    w->gives_back = true;
    w->rate[0] = 18;
    world_forget(w);
    world_run(w, 60 * NANOS_SECOND);
    assert_true(w->lowest_limit > PRESSURE_START / 2);
    world_forget(w);
    world_run(w, 60 * NANOS_SECOND);
    assert_true(w->turned_away * 200 < w->answered);
    free(w);
}

/* Slow readers of a quick origin, or who goes away: their places end without an answer. */
static void places_that_are_held_for_long_do_not_keep_the_limit_low(void **state)
{
    (void)state;
    struct world *w = world_new(8, 5 * NANOS_MILLISECOND);
    w->rate[0] = 100;
    world_run(w, 60 * NANOS_SECOND);
    assert_true(w->p.limit < PRESSURE_UNUSED + 1);
    w->rate[0] = 0;
    world_run(w, NANOS_SECOND);
    w->rate[0] = 10;
    for (unsigned k = 0; k < PRESSURE_UNUSED; k++)
        pressure_take(&w->p, 0);
    world_run(w, 200 * NANOS_MILLISECOND);
    world_forget(w);
    world_run(w, NANOS_SECOND);
    assert_int_equal(w->turned_away, 0);
    free(w);
}

static void a_flood_out_of_the_blue_finds_few_places(void **state)
{
    (void)state;
    struct world *w = world_new(2, 5 * NANOS_MILLISECOND);
    w->rate[0] = 100;
    world_run(w, 60 * NANOS_SECOND);
    assert_true(w->p.limit < PRESSURE_UNUSED + 1);
    w->rate[0] = 20000;
    world_forget(w);
    world_run(w, NANOS_SECOND);
    assert_true(w->longest <= 40 * NANOS_MILLISECOND); /* of PRESSURE_START it would be 60 */
    world_forget(w);
    world_run(w, NANOS_SECOND);
    assert_true(w->longest <= 25 * NANOS_MILLISECOND);
    assert_true(w->answered > 390); /* of 400 that it can */
    free(w);
}

static void a_crowd_that_the_origin_bears_is_let_through_at_once(void **state)
{
    (void)state;
    struct world *w = world_new(64, 20 * NANOS_MILLISECOND);
    w->rate[0] = 100;
    world_run(w, 60 * NANOS_SECOND);
    assert_true(w->p.limit < PRESSURE_UNUSED + 1);
    w->rate[0] = 1000;
    world_run(w, 200 * NANOS_MILLISECOND);
    world_forget(w);
    world_run(w, 10 * NANOS_SECOND);
    assert_int_equal(w->turned_away, 0);
    free(w);
}

static void an_origin_that_is_slower_for_good_is_learned(void **state)
{
    (void)state;
    struct world *w = world_new(16, 2 * NANOS_MILLISECOND);
    w->rate[0] = 500;
    world_run(w, 10 * NANOS_SECOND);
    w->service[0] =
        25 * NANOS_MILLISECOND; /* late by its old baseline; 640 a second are possible */
    world_run(w, 30 * NANOS_SECOND);
    world_forget(w);
    world_run(w, 10 * NANOS_SECOND);
    assert_true(w->answered > 10 * 500 * 95 / 100);
    free(w);
}

static void a_flood_does_not_teach_that_its_queue_is_normal(void **state)
{
    (void)state;
    struct world *w = flooded(2, NANOS_MILLISECOND, 200);
    nanos_t before = pressure_bound(&w->p, 0);
    world_run(w, 120 * NANOS_SECOND);
    assert_true(pressure_bound(&w->p, 0) < before + 5 * NANOS_MILLISECOND);
    free(w);
}

static void a_failing_origin_gets_little_and_all_again_when_it_is_back(void **state)
{
    (void)state;
    struct world *w = world_new(2, NANOS_MILLISECOND);
    w->rate[0] = 1000;
    world_run(w, 5 * NANOS_SECOND);
    w->outcome = PRESSURE_FAILED;
    world_run(w, 5 * NANOS_SECOND);
    assert_true(w->p.limit <= PRESSURE_LEAST);
    w->outcome = PRESSURE_ANSWERED;
    world_run(w, 3 * NANOS_SECOND);
    world_forget(w);
    world_run(w, 10 * NANOS_SECOND);
    assert_int_equal(w->turned_away, 0);
    free(w);
}

/* An attacker has the origin refuse quickly, in great numbers, on the same route: what is honest
 * and takes its 5 ms must not look late for it. */
static void quick_refusals_do_not_make_honest_answers_late(void **state)
{
    (void)state;
    struct world *w = world_new(8, 5 * NANOS_MILLISECOND);
    w->rate[0] = 500;
    for (unsigned i = 0; i < 200; i++) {
        for (unsigned k = 0; k < 500; k++)
            pressure_saw(&w->p, 0, PRESSURE_ANSWERED, NANOS_MILLISECOND / 5);
        world_run(w, PRESSURE_TICK);
    }
    assert_int_equal(w->turned_away, 0);
    assert_true(w->p.limit > PRESSURE_LEAST);
    free(w);
}

static void a_lag_of_our_own_loop_is_not_the_origins(void **state)
{
    (void)state;
    struct world *w = world_new(8, 5 * NANOS_MILLISECOND);
    w->rate[0] = 500;
    world_run(w, 5 * NANOS_SECOND);
    w->lag = 40 * NANOS_MILLISECOND;
    world_run(w, 10 * NANOS_SECOND);
    w->lag = 400 * NANOS_MILLISECOND;
    world_run(w, 10 * NANOS_SECOND);
    assert_true(w->p.limit > PRESSURE_LEAST);
    assert_int_equal(w->turned_away, 0);
    free(w);
}

/* 25 ms on one route and 1 ms on the other: each is judged by its own. */
static void a_slow_route_is_late_by_its_own_measure(void **state)
{
    (void)state;
    struct world *w = world_new(16, NANOS_MILLISECOND);
    w->service[1] = 25 * NANOS_MILLISECOND;
    w->rate[0] = 300;
    w->rate[1] = 200;
    world_run(w, 5 * NANOS_SECOND);
    world_forget(w);
    world_run(w, 20 * NANOS_SECOND);
    assert_int_equal(w->turned_away, 0);
    free(w);
}

static void long_polls_beside_quick_pages_leave_the_limit(void **state)
{
    (void)state;
    struct world *w = world_new(8, NANOS_MILLISECOND);
    w->rate[0] = 100;
    world_run(w, 2 * NANOS_SECOND);
    for (unsigned i = 0; i < 100; i++) {
        for (unsigned k = 0; k < PRESSURE_START - 4;
             k++) /* most of the places, for a second each */
            pressure_take(&w->p, 0);
        world_run(w, PRESSURE_TICK);
        for (unsigned k = 0; k < PRESSURE_START - 4; k++) {
            pressure_saw(&w->p, 0, PRESSURE_MUTE, 0);
            pressure_give(&w->p, 0);
        }
    }
    assert_true(w->p.limit >= PRESSURE_START);
    free(w);
}

static void an_origin_that_does_not_answer_any_more_gets_little(void **state)
{
    (void)state;
    struct world *w = world_new(8, NANOS_MILLISECOND);
    w->rate[0] = 100;
    world_run(w, 2 * NANOS_SECOND);
    w->rate[0] = 0;
    for (unsigned i = 0; i < 100; i++) {
        uint32_t many = (uint32_t)w->p.limit;
        for (unsigned k = 0; k < many; k++)
            pressure_take(&w->p, 0);
        world_run(w, PRESSURE_TICK);
        for (unsigned k = 0; k < many; k++) {
            pressure_saw(&w->p, 0, PRESSURE_MUTE, 0);
            pressure_give(&w->p, 0);
        }
    }
    assert_true(w->p.limit <= PRESSURE_LEAST);
    free(w);
}

/* A worker that met its first requests for a route in a flood would take their queue for usual. */
static void what_is_usual_can_be_told_by_another_worker(void **state)
{
    (void)state;
    struct world *told = world_new(2, 5 * NANOS_MILLISECOND);
    struct world *calm = world_new(2, 5 * NANOS_MILLISECOND);
    assert_int_equal(pressure_tells(&calm->p, 0), 0);
    calm->rate[0] = 100;
    world_run(calm, 5 * NANOS_SECOND);
    pressure_told(&told->p, 0, pressure_tells(&calm->p, 0));
    assert_true(pressure_bound(&told->p, 0) == pressure_bound(&calm->p, 0));
    told->rate[0] = 20000;
    world_run(told, 2 * NANOS_SECOND);
    assert_int_equal(pressure_tells(&told->p, 0), 0); /* not in a flood */
    assert_true(told->p.limit < 12);
    pressure_told(&told->p, 0, NANOS_SECOND);
    assert_true(pressure_bound(&told->p, 0) < 40 * NANOS_MILLISECOND);
    free(told);
    free(calm);
}

static void what_says_nothing_changes_nothing(void **state)
{
    (void)state;
    struct pressure p;
    pressure_init(&p, 0);
    for (unsigned i = 0; i < 1000; i++)
        pressure_saw(&p, 3, PRESSURE_UNKNOWN, NANOS_SECOND);
    pressure_tick(&p, 0, PRESSURE_TICK);
    assert_true(p.limit > PRESSURE_START - 1 && p.baseline[3] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_leaves_the_origin_busy_and_its_answers_quick),
        cmocka_unit_test(the_limit_does_not_swing),
        cmocka_unit_test(a_large_origin_gets_a_large_limit_in_seconds),
        cmocka_unit_test(without_load_nothing_is_turned_away),
        cmocka_unit_test(an_origin_whose_answers_vary_is_not_taken_for_a_busy_one),
        cmocka_unit_test(answers_of_two_kinds_do_not_make_an_origin_look_busy),
        cmocka_unit_test(a_few_answers_a_tick_are_learned_by_their_median),
        cmocka_unit_test(an_origin_that_takes_seconds_is_not_taken_for_a_dead_one),
        cmocka_unit_test(places_that_are_held_for_long_do_not_keep_the_limit_low),
        cmocka_unit_test(a_flood_out_of_the_blue_finds_few_places),
        cmocka_unit_test(a_crowd_that_the_origin_bears_is_let_through_at_once),
        cmocka_unit_test(an_origin_that_is_slower_for_good_is_learned),
        cmocka_unit_test(a_flood_does_not_teach_that_its_queue_is_normal),
        cmocka_unit_test(a_failing_origin_gets_little_and_all_again_when_it_is_back),
        cmocka_unit_test(quick_refusals_do_not_make_honest_answers_late),
        cmocka_unit_test(a_lag_of_our_own_loop_is_not_the_origins),
        cmocka_unit_test(a_slow_route_is_late_by_its_own_measure),
        cmocka_unit_test(long_polls_beside_quick_pages_leave_the_limit),
        cmocka_unit_test(an_origin_that_does_not_answer_any_more_gets_little),
        cmocka_unit_test(what_is_usual_can_be_told_by_another_worker),
        cmocka_unit_test(what_says_nothing_changes_nothing),
    };
    return cmocka_run_group_tests_name("pressure", tests, NULL, NULL);
}
