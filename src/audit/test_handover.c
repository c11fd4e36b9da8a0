#include "audit/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char runtime[64];
static struct error error;

static int begin(void **state)
{
    (void)state;
    strcpy(runtime, "/tmp/ecluse-handover-XXXXXX");
    return mkdtemp(runtime) && handover_create(runtime, HANDOVER_FRONT, -1, &error) == 0 &&
                   handover_create(runtime, HANDOVER_DESK, -1, &error) == 0
               ? 0
               : -1;
}

static int end(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", runtime);
    return system(command);
}

static struct act act_of(int64_t value)
{
    struct act act = {.at = value, .kind = ACT_HOLD};
    act_text(act.actor, sizeof act.actor, TEXT("guard front"));
    act_text(act.reason, sizeof act.reason, TEXT("61 of 60 requests in 1 h"));
    act_number(&act, "used", value);
    return act;
}

static struct handover *opened(enum handover_name name)
{
    struct handover *handover = NULL;
    assert_int_equal(handover_open(runtime, name, &handover, &error), 0);
    return handover;
}

static struct handover_reader *reading(void)
{
    struct handover_reader *reader = NULL;
    assert_int_equal(handover_reader_new(runtime, &reader, &error), 0);
    return reader;
}

static void acts_arrive_in_order_with_their_numbers(void **state)
{
    (void)state;
    struct handover *front = opened(HANDOVER_FRONT);
    struct handover_reader *reader = reading();
    struct handed_over got;
    for (int64_t i = 1; i <= 3; i++) {
        struct act act = act_of(i);
        assert_int_equal(handover_act(front, &act), i);
    }
    for (int64_t i = 1; i <= 3; i++) {
        assert_true(handover_next(reader, 1, &got));
        assert_int_equal(got.number, i);
        assert_int_equal(got.act.number[0].value, i);
        assert_int_equal(got.from, HANDOVER_FRONT);
    }
    assert_false(handover_next(reader, 1, &got));
    handover_reader_free(reader);
    handover_close(front);
}

static void what_was_not_durable_is_taken_again_by_the_next_writer(void **state)
{
    (void)state;
    struct handover *front = opened(HANDOVER_FRONT);
    struct handover_reader *reader = reading();
    struct handed_over got;
    struct act act = act_of(1);
    handover_act(front, &act);
    handover_act(front, &act);
    assert_true(handover_next(reader, 1, &got));
    handover_durable(reader, 1, 1, 0);
    assert_true(handover_next(reader, 1, &got));
    handover_reader_free(reader); /* killed before the second was durable */
    reader = reading();
    assert_true(handover_next(reader, 1, &got));
    assert_int_equal(got.number, 2);
    assert_false(handover_next(reader, 1, &got));
    handover_reader_free(reader);
    handover_close(front);
}

static void a_full_ring_counts_what_it_loses_and_keeps_room_for_those_who_wait(void **state)
{
    (void)state;
    struct handover *front = opened(HANDOVER_FRONT);
    struct handover_reader *reader = reading();
    struct handed_over got;
    struct act act = act_of(7);
    uint64_t taken = 0, refused = 0;
    for (unsigned i = 0; i < HANDOVER_PLACES; i++)
        *(handover_act(front, &act) ? &taken : &refused) += 1;
    assert_int_equal(taken, HANDOVER_PLACES / 4 * 3);
    assert_int_equal(handover_durably(front, &act, NANOS_MILLISECOND),
                     -ETIMEDOUT); /* it fitted; nobody made it durable */
    uint64_t count = 0;
    while (handover_next(reader, 1, &got))
        count++;
    assert_int_equal(count, taken + 1);
    assert_int_equal(handover_lost(reader, HANDOVER_FRONT), refused);
    assert_int_equal(handover_lost(reader, HANDOVER_FRONT), 0);
    assert_int_equal(handover_act(front, &act),
                     0); /* taken is not durable: the places are not free yet */
    handover_durable(reader, 1, count, 0);
    assert_int_not_equal(handover_act(front, &act), 0);
    handover_reader_free(reader);
    handover_close(front);
}

static void *writer_thread(void *argument)
{
    struct handover_reader *reader = argument;
    struct handed_over got;
    for (unsigned i = 0; i < 4000; i++) {
        while (handover_next(reader, clock_boot(), &got))
            ;
        handover_durable(reader, clock_boot(), 1, 0);
        usleep(100);
    }
    return NULL;
}

static void who_waits_goes_on_once_it_is_durable(void **state)
{
    (void)state;
    pthread_t thread;
    struct handover *desk = opened(HANDOVER_DESK);
    struct handover_reader *reader = reading();
    struct act act = act_of(1);
    assert_int_equal(handover_durably(desk, &act, 20 * NANOS_MILLISECOND), -ETIMEDOUT);
    assert_int_equal(pthread_create(&thread, NULL, writer_thread, reader), 0);
    assert_int_equal(handover_durably(desk, &act, 5 * NANOS_SECOND), 0);
    pthread_join(thread, NULL);
    handover_reader_free(reader);
    handover_close(desk);
}

enum { PRODUCERS = 4, EACH = 50000 };

static void *producer_thread(void *argument)
{
    struct handover *front = opened(HANDOVER_FRONT);
    int64_t base = (intptr_t)argument;
    for (int64_t i = 0; i < EACH; i++) {
        struct act act = act_of(base + i);
        while (!handover_act(front, &act))
            usleep(50);
    }
    handover_close(front);
    return NULL;
}

static void nothing_is_lost_or_torn_between_many_producers(void **state)
{
    (void)state;
    pthread_t thread[PRODUCERS];
    struct handover_reader *reader = reading();
    struct handed_over got;
    static bool seen[PRODUCERS * EACH];
    memset(seen, 0, sizeof seen);
    for (intptr_t i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, producer_thread, (void *)(i * EACH)), 0);
    for (uint64_t expected = 1; expected <= PRODUCERS * EACH;) {
        if (!handover_next(reader, clock_boot(), &got)) {
            handover_durable(reader, clock_boot(), expected, 0);
            usleep(20);
            continue;
        }
        assert_int_equal(got.number, expected++);
        assert_int_equal(got.act.at, got.act.number[0].value);
        assert_in_range(got.act.at, 0, PRODUCERS * EACH - 1);
        assert_false(seen[got.act.at]);
        seen[got.act.at] = true;
    }
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(thread[i], NULL);
    handover_reader_free(reader);
}

static void a_killed_producer_leaves_at_most_a_hole_that_is_counted(void **state)
{
    (void)state;
    struct handover_reader *reader = reading();
    struct handed_over got;
    uint64_t holes = 0, last = 0;
    for (int round = 0; round < 60; round++) {
        pid_t child = fork();
        if (child == 0) {
            struct handover *front = opened(HANDOVER_FRONT);
            for (int64_t i = 0;; i++) {
                struct act act = act_of(i);
                handover_act(front, &act);
            }
        }
        usleep((useconds_t)(300 + round * 37));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        nanos_t now = clock_boot();
        for (int look = 0; look < 3; look++, now += 2 * NANOS_SECOND)
            while (handover_next(reader, now, &got)) {
                assert_int_equal(got.act.at, got.act.number[0].value);
                assert_true(got.number > last);
                holes += got.number - last - 1;
                last = got.number;
            }
        handover_durable(reader, now, last, 0);
    }
    assert_true(holes <= 60);
    handover_reader_free(reader);
}

/* A taken-over guard writes what it likes into its ring: the writer reads on, or nothing, and
 * never outside. */
static void a_spoilt_ring_does_no_harm(void **state)
{
    (void)state;
    struct handover *front = opened(HANDOVER_FRONT);
    struct handover_reader *reader = reading();
    struct handed_over got;
    char path[128];
    unsigned seed = 3;
    snprintf(path, sizeof path, "%s/front.audit", runtime);
    int file = open(path, O_RDWR);
    struct stat about;
    fstat(file, &about);
    for (int round = 0; round < 300; round++) {
        struct act act = act_of(round);
        handover_act(front, &act);
        uint64_t junk = (uint64_t)rand_r(&seed) << (rand_r(&seed) % 40);
        off_t at = round % 3 ? 64 + rand_r(&seed) % 200 : rand_r(&seed) % (int)(about.st_size - 8);
        if (at >= 8)
            assert_int_equal(pwrite(file, &junk, sizeof junk, at), sizeof junk);
        for (int i = 0;
             i < 50 && handover_next(reader, clock_boot() + round * 2 * NANOS_SECOND, &got); i++)
            assert_true(got.act.kind < ACT_KIND_COUNT);
        handover_durable(reader, clock_boot(), 1, 0);
    }
    close(file);
    handover_reader_free(reader);
    handover_close(front);
}

static void a_file_of_another_size_or_version_is_refused(void **state)
{
    (void)state;
    struct handover *front = NULL;
    char path[128];
    snprintf(path, sizeof path, "%s/front.audit", runtime);
    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(handover_open(runtime, HANDOVER_FRONT, &front, &error), -EPROTO);
    assert_int_equal(handover_open(runtime, HANDOVER_FILES, &front, &error), -ENOENT);
    assert_int_equal(handover_create(runtime, HANDOVER_FRONT, -1, &error), 0); /* made anew */
    assert_int_equal(handover_open(runtime, HANDOVER_FRONT, &front, &error), 0);
    handover_close(front);
}

static void status_tells_what_waits(void **state)
{
    (void)state;
    struct handover_state status;
    assert_int_equal(handover_status(runtime, &status), -ENOENT);
    struct handover *front = opened(HANDOVER_FRONT);
    struct handover_reader *reader = reading();
    struct handed_over got;
    struct act act = act_of(1);
    handover_act(front, &act);
    handover_act(front, &act);
    handover_next(reader, 1, &got);
    handover_durable(reader, 5, 77, 70);
    assert_int_equal(handover_status(runtime, &status), 0);
    assert_int_equal(status.waiting[HANDOVER_FRONT], 1);
    assert_int_equal(status.log_size, 77);
    assert_int_equal(status.witnessed_size, 70);
    assert_int_equal(status.writer, getpid());
    handover_reader_free(reader);
    handover_close(front);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(acts_arrive_in_order_with_their_numbers, begin, end),
        cmocka_unit_test_setup_teardown(what_was_not_durable_is_taken_again_by_the_next_writer,
                                        begin, end),
        cmocka_unit_test_setup_teardown(
            a_full_ring_counts_what_it_loses_and_keeps_room_for_those_who_wait, begin, end),
        cmocka_unit_test_setup_teardown(who_waits_goes_on_once_it_is_durable, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_lost_or_torn_between_many_producers, begin, end),
        cmocka_unit_test_setup_teardown(a_killed_producer_leaves_at_most_a_hole_that_is_counted,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_spoilt_ring_does_no_harm, begin, end),
        cmocka_unit_test_setup_teardown(a_file_of_another_size_or_version_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(status_tells_what_waits, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
