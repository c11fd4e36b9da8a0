#include "desk/job.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct job_queue *queue;
static int told;
static atomic_int running, most_running, run;
static atomic_bool go;

static int begin(void **state)
{
    (void)state;
    told = eventfd(0, EFD_CLOEXEC);
    running = most_running = run = 0;
    go = false;
    return told >= 0 && job_queue_new(3, told, &queue, NULL) == 0 ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    job_queue_free(queue);
    return close(told);
}

static void work(struct job *job)
{
    (void)job;
    int now = ++running;
    if (now > most_running)
        most_running = now;
    while (!go)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    run++;
    running--;
}

static void one_works_a_few_wait_and_the_next_is_refused(void **state)
{
    (void)state;
    struct job jobs[5] = {{work, NULL}, {work, NULL}, {work, NULL}, {work, NULL}, {work, NULL}};
    assert_int_equal(job_give(queue, &jobs[0]), 0);
    while (!running)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    for (int i = 1; i < 4; i++)
        assert_int_equal(job_give(queue, &jobs[i]), 0);
    assert_int_equal(job_give(queue, &jobs[4]), -EBUSY);
    assert_null(job_next(queue));
    go = true;
    for (uint64_t count = 0, all = 0; all < 4; all += count)
        assert_int_equal(read(told, &count, sizeof count), sizeof count);
    int back = 0;
    while (job_next(queue))
        back++;
    assert_int_equal(back, 4);
    assert_int_equal(run, 4);
    assert_int_equal(most_running, 1);
}

static void stopped_it_gives_back_what_it_did_not_do(void **state)
{
    (void)state;
    struct job jobs[2] = {{work, NULL}, {work, NULL}};
    assert_int_equal(job_give(queue, &jobs[0]), 0);
    while (!running)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(job_give(queue, &jobs[1]), 0);
    go = true;
    job_queue_stop(queue);
    assert_non_null(job_next(queue));
    assert_non_null(job_next(queue));
    assert_null(job_next(queue));
    assert_int_equal(job_give(queue, &jobs[0]), -EBUSY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_works_a_few_wait_and_the_next_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(stopped_it_gives_back_what_it_did_not_do, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
