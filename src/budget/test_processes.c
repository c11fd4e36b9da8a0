/* Many processes on one segment, some of them killed. */
#include "budget/layout.h"
#include "budget/test_room.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

enum { PROCESSES = 4 };

struct shared { /* what the writers say they did, counted after each charge */
    _Atomic uint64_t admitted[PROCESSES], begun[PROCESSES];
};

static struct shared *shared_new(void)
{
    void *s = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                   -1, 0);
    assert_ptr_not_equal(s, MAP_FAILED);
    return s;
}

static struct room *room_of_windows(uint64_t limit)
{
    struct room *r = room_new();
    struct budget_rule *rule = room_budget(r, "bytes", METER_BYTES_OUT, PRINCIPAL_HOST, OVER_SLOW);
    rule_window(rule, NANOS_HOUR, limit);
    rule_window(rule, NANOS_DAY, limit + limit / 2);
    rule = room_budget(r, "rate", METER_REQUESTS, PRINCIPAL_CLIENT, OVER_SLOW);
    rule_window(rule, NANOS_MINUTE, limit);
    rule = room_budget(r, "minted", METER_LOGIN_FAILURES, PRINCIPAL_CLIENT, OVER_SLOW);
    rule_window(rule, NANOS_HOUR, limit);
    rule = room_budget(r, "things", METER_FILES_READ, PRINCIPAL_USER, OVER_SLOW);
    rule_window(rule, NANOS_HOUR, limit < 5000 ? limit : 5000);
    room_open(r);
    return r;
}

/* The child opens for itself, as a guard's process does. */
static pid_t writer(struct room *r, struct shared *s, int n, unsigned budget, unsigned charges)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid)
        return pid;
    struct budgets *b;
    if (budget_open(r->contract, GUARD_FRONT, false, &b, NULL) < 0)
        _exit(1);
    struct principal host = principal_named(PRINCIPAL_HOST, TEXT("h")), client = room_address(r, 9),
                     user = principal_named(PRINCIPAL_USER, TEXT("u"));
    const struct principal *p = budget == 0 ? &host : budget == 3 ? &user : &client;
    for (unsigned i = 0; i < charges; i++) {
        atomic_fetch_add(&s->begun[n], 1);
        struct outcome o = budget == 3
                               ? budget_charge_distinct(b, budget, p, i + 1, r->moment.boot)
                               : budget_charge(b, budget, p, 1, r->moment.boot);
        if (o.verdict == VERDICT_ALLOW)
            atomic_fetch_add(&s->admitted[n], 1);
    }
    _exit(0);
}

static void all_write(struct room *r, struct shared *s, unsigned budget, unsigned charges)
{
    pid_t pid[PROCESSES];
    for (int i = 0; i < PROCESSES; i++)
        pid[i] = writer(r, s, i, budget, charges);
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

static uint64_t total(const struct shared *s)
{
    uint64_t sum = 0;
    for (int i = 0; i < PROCESSES; i++)
        sum += s->admitted[i];
    return sum;
}

static void four_processes_lose_no_charge_and_admit_no_more_than_the_limit(void **state)
{
    (void)state;
    for (unsigned budget = 0; budget < 3; budget++) {
        for (uint64_t limit = 1000; limit <= 1000000; limit *= 1000) {
            struct room *r = room_of_windows(limit);
            struct shared *s = shared_new();
            unsigned charges = limit == 1000 ? 5000 : 50000;
            all_write(r, s, budget, charges);
            struct principal host = principal_named(PRINCIPAL_HOST, TEXT("h")),
                             client = room_address(r, 9);
            struct outcome o =
                budget_peek(r->b, budget, budget == 0 ? &host : &client, r->moment.boot);
            uint64_t admitted = total(s), wanted = (uint64_t)charges * PROCESSES;
            assert_true(admitted <= limit);
            /* None lost. Two that make the same place at the same moment may count one charge
             * twice, each once. */
            assert_true(admitted == wanted || admitted + PROCESSES >= limit);
            assert_true(o.used >= admitted && o.used <= admitted + PROCESSES);
            munmap(s, sizeof *s);
            room_free(r);
        }
    }
}

static void a_thing_that_four_processes_read_is_one(void **state)
{
    (void)state;
    struct room *r = room_of_windows(5000);
    struct shared *s = shared_new();
    all_write(r, s, 3, 3000);
    struct principal user = principal_named(PRINCIPAL_USER, TEXT("u"));
    assert_int_equal(budget_peek(r->b, 3, &user, r->moment.boot).used, 3000);
    munmap(s, sizeof *s);
    room_free(r);
}

/* Writers are killed at random moments; afterwards the count is no less than what they said they
 * had admitted, no more than what they had begun, and everything still works. */
static void a_writer_killed_at_any_moment_leaves_a_valid_table(void **state)
{
    (void)state;
    unsigned rounds = room_is_long() ? 2000 : 300;
    uint64_t random = room_seed(), seed = random;
    struct room *r = room_of_windows(100000000);
    struct shared *s = shared_new();
    uint64_t begun = 0;
    for (unsigned round = 0; round < rounds; round++) {
        unsigned budget = round % 4;
        pid_t pid = writer(r, s, 0, budget, 1u << 30);
        struct timespec pause = {0, (long)(room_random(&seed) % 4000000)};
        nanosleep(&pause, NULL);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        if (budget == 0) {
            begun += atomic_exchange(&s->begun[0], 0);
            atomic_fetch_add(&s->admitted[1], atomic_exchange(&s->admitted[0], 0));
        } else {
            atomic_store(&s->begun[0], 0);
            atomic_store(&s->admitted[0], 0);
        }
        budget_tick(r->b, r->moment.boot + round * NANOS_SECOND / 1000);
    }
    struct principal host = principal_named(PRINCIPAL_HOST, TEXT("h"));
    struct outcome o = budget_peek(r->b, 0, &host, r->moment.boot);
    assert_true(o.used >= atomic_load(&s->admitted[1]));
    assert_true(o.used <= begun);
    assert_true(o.used > 0);
    /* The supervisor comes again: it finds nothing damaged, and the count is the same. */
    uint64_t used = o.used;
    budget_close(r->b);
    room_open(r);
    assert_int_equal(budget_peek(r->b, 0, &host, r->moment.boot).used, used);
    munmap(s, sizeof *s);
    room_free(r);
}

/* Many short-lived principals, so that the moments of taking and giving places are hit too. */
static pid_t churner(struct room *r, uint64_t seed)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid)
        return pid;
    struct budgets *b;
    if (budget_open(r->contract, GUARD_FRONT, false, &b, NULL) < 0)
        _exit(1);
    nanos_t now = r->moment.boot;
    for (;;) {
        struct principal p = room_pass(r, (uint32_t)(room_random(&seed) % 4000));
        now += 10 * NANOS_SECOND;
        budget_charge(b, 0, &p, 1, now);
        budget_charge(b, 1, &p, 1, now);
        budget_tick(b, now);
    }
}

static void places_left_by_the_dead_are_taken_again(void **state)
{
    (void)state;
    unsigned rounds = room_is_long() ? 1000 : 150;
    uint64_t seed = room_seed() + 1;
    struct room *r = room_new();
    r->sizes.rings = 256;
    rule_window(room_budget(r, "a", METER_BYTES_OUT, PRINCIPAL_CLIENT, OVER_HOLD), NANOS_HOUR, 3);
    rule_window(room_budget(r, "b", METER_REQUESTS, PRINCIPAL_CLIENT, OVER_HOLD), NANOS_MINUTE, 3);
    room_open(r);
    for (unsigned round = 0; round < rounds; round++) {
        pid_t pid = churner(r, seed + round);
        struct timespec pause = {0, (long)(room_random(&seed) % 3000000)};
        nanosleep(&pause, NULL);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
    }
    /* A day later everything has run out: a new principal finds room in every set. */
    nanos_t later = r->moment.boot + 30 * NANOS_DAY;
    unsigned self = 0;
    for (uint32_t i = 0; i < 100; i++) {
        struct principal p = room_pass(r, 100000 + i);
        self += budget_charge(r->b, 0, &p, 1, later).charged_to == CHARGED_SELF;
    }
    assert_int_equal(self, 100);
    room_free(r);
}

static void a_place_is_left_to_the_living_and_taken_from_the_dead(void **state)
{
    (void)state;
    struct room *r = room_new();
    r->sizes.rings = 128;
    rule_window(room_budget(r, "a", METER_BYTES_OUT, PRINCIPAL_CLIENT, OVER_HOLD), NANOS_HOUR, 3);
    room_open(r);
    struct principal p = room_pass(r, 1);
    nanos_t now = r->moment.boot, time = ring_time(r->b, now);
    pid_t pid = fork();
    if (pid == 0)
        pause();
    assert_true(pid > 0);
    uint64_t marker = (uint64_t)(time / NANOS_SECOND) << 24 | (uint64_t)pid;
    for (int i = 0; i < 128; i++)
        atomic_store(&r->b->ring_keys[i], marker);
    now += NANOS_MINUTE;
    assert_int_equal(budget_charge(r->b, 0, &p, 1, now).charged_to, CHARGED_OTHERS);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(budget_charge(r->b, 0, &p, 1, now).charged_to, CHARGED_SELF);
    room_free(r);
}

struct thread_work {
    struct room *r;
    unsigned n;
    uint64_t admitted;
};

static void *thread_main(void *argument)
{
    struct thread_work *w = argument;
    struct principal host = principal_named(PRINCIPAL_HOST, TEXT("h"));
    for (unsigned i = 0; i < 4000; i++) {
        struct principal mine = room_address(w->r, w->n * 4000 + i);
        w->admitted +=
            budget_charge(w->r->b, 0, &host, 1, w->r->moment.boot).verdict == VERDICT_ALLOW;
        budget_charge(w->r->b, 1, &mine, 1, w->r->moment.boot);
        budget_charge(w->r->b, 2, &mine, 1, w->r->moment.boot);
        if (i % 100 == 0)
            budget_tick(w->r->b, w->r->moment.boot + i * NANOS_SECOND);
    }
    return NULL;
}

static void threads_may_share_one_open_segment(void **state)
{
    (void)state;
    struct room *r = room_of_windows(100000);
    struct thread_work work[PROCESSES];
    pthread_t thread[PROCESSES];
    uint64_t admitted = 0;
    for (unsigned i = 0; i < PROCESSES; i++) {
        work[i] = (struct thread_work){r, i, 0};
        assert_int_equal(pthread_create(&thread[i], NULL, thread_main, &work[i]), 0);
    }
    for (unsigned i = 0; i < PROCESSES; i++) {
        pthread_join(thread[i], NULL);
        admitted += work[i].admitted;
    }
    struct principal host = principal_named(PRINCIPAL_HOST, TEXT("h"));
    assert_int_equal(admitted, PROCESSES * 4000);
    assert_int_equal(budget_peek(r->b, 0, &host, r->moment.boot).used, PROCESSES * 4000);
    room_free(r);
}

/* ---- The same moment ------------------------------------------------------------------------- */

enum { RACERS = 3, RACES = 20000, RACE_CELLS = 32768 };

struct race {
    struct room *r;
    _Atomic unsigned ready;
    uint64_t admitted[RACERS];
};

struct racer {
    struct race *race;
    unsigned n;
};

/* All of them charge the same new principals, each as soon as the others are there too. */
static void *racer_main(void *argument)
{
    struct racer *me = argument;
    struct race *race = me->race;
    for (uint32_t i = 0; i < RACES; i++) {
        struct principal p = room_address(race->r, i), pass = room_pass(race->r, i);
        atomic_fetch_add(&race->ready, 1);
        while (atomic_load(&race->ready) < (i + 1) * RACERS)
            sched_yield();
        for (unsigned budget = 0; budget < 2; budget++)
            race->admitted[me->n] +=
                budget_charge(race->r->b, budget, &p, 1, race->r->moment.boot).verdict ==
                VERDICT_ALLOW;
        budget_charge(race->r->b, 2, &pass, 1, race->r->moment.boot);
    }
    return NULL;
}

static size_t twins_of_rates(const struct budgets *b)
{
    size_t twins = 0;
    for (size_t i = 0; i < RACE_CELLS; i++)
        for (size_t k = i + 1; k % RATES_A_LINE; k++)
            twins += atomic_load(&b->rates[i]) &&
                     atomic_load(&b->rates[i]) >> 40 == atomic_load(&b->rates[k]) >> 40;
    return twins;
}

static size_t twins_of_quarters(const struct budgets *b)
{
    size_t twins = 0;
    for (size_t i = 0; i < RACE_CELLS / 2; i++)
        for (size_t k = i + 1; k % CELLS_A_LINE; k++)
            twins += atomic_load(&b->quarters[i].key) &&
                     atomic_load(&b->quarters[i].key) == atomic_load(&b->quarters[k].key);
    return twins;
}

static size_t twins_of_rings(const struct budgets *b)
{
    size_t twins = 0;
    for (size_t i = 0; i < RACE_CELLS; i++)
        for (size_t k = i + 1; k % KEYS_A_SET; k++)
            twins += atomic_load(&b->ring_keys[i]) &&
                     atomic_load(&b->ring_keys[i]) == atomic_load(&b->ring_keys[k]);
    return twins;
}

static void a_place_made_twice_at_once_is_one(void **state)
{
    (void)state;
    struct race race = {.r = room_new()};
    race.r->sizes.cells = race.r->sizes.rings = RACE_CELLS;
    rule_window(room_budget(race.r, "a", METER_REQUESTS, PRINCIPAL_CLIENT, OVER_SLOW), NANOS_MINUTE,
                2);
    rule_window(room_budget(race.r, "b", METER_LOGIN_FAILURES, PRINCIPAL_CLIENT, OVER_SLOW),
                NANOS_HOUR, 8);
    rule_window(room_budget(race.r, "c", METER_BYTES_OUT, PRINCIPAL_CLIENT, OVER_SLOW), NANOS_HOUR,
                9);
    room_open(race.r);
    struct racer racer[RACERS];
    pthread_t thread[RACERS];
    for (unsigned i = 0; i < RACERS; i++) {
        racer[i] = (struct racer){&race, i};
        assert_int_equal(pthread_create(&thread[i], NULL, racer_main, &racer[i]), 0);
    }
    uint64_t admitted = 0;
    for (unsigned i = 0; i < RACERS; i++) {
        pthread_join(thread[i], NULL);
        admitted += race.admitted[i];
    }
    assert_in_range(admitted, 2 * RACES, 5 * RACES + RACES / 100);
    assert_int_equal(twins_of_rates(race.r->b), 0);
    assert_int_equal(twins_of_quarters(race.r->b), 0);
    assert_int_equal(twins_of_rings(race.r->b), 0);
    room_free(race.r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_processes_lose_no_charge_and_admit_no_more_than_the_limit),
        cmocka_unit_test(a_thing_that_four_processes_read_is_one),
        cmocka_unit_test(a_writer_killed_at_any_moment_leaves_a_valid_table),
        cmocka_unit_test(places_left_by_the_dead_are_taken_again),
        cmocka_unit_test(a_place_is_left_to_the_living_and_taken_from_the_dead),
        cmocka_unit_test(threads_may_share_one_open_segment),
        cmocka_unit_test(a_place_made_twice_at_once_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
