/* Who has ended is known by its number: whose child it was, and which user. */
#include "files/ended.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct ended *ended;

static int begin(void **state)
{
    (void)state;
    struct error error = {""};
    int code = ended_open(&ended, &error);
    if (code < 0)
        print_error("%s\n", error.text);
    return code;
}

static int end(void **state)
{
    (void)state;
    ended_close(ended);
    return 0;
}

static pid_t one_that_ended(uid_t user, uid_t file)
{
    pid_t child = fork();
    if (child == 0) {
        if (user != 0 && setresuid(user, user, 0) != 0)
            _exit(1);
        setfsuid(file);
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    return child;
}

static void who_ended_is_told_by_user_and_parent(void **state)
{
    (void)state;
    struct ended_thread told;
    pid_t child = one_that_ended(1002, 1002);
    assert_true(ended_find(ended, child, clock_boot(), &told));
    assert_int_equal(told.process, child);
    assert_int_equal(told.parent, getpid());
    assert_int_equal(told.user, 1002);
    assert_int_equal(told.real, 1002);
    assert_int_equal(told.saved, 0);
    child = one_that_ended(0, 1003); /* as a file server of root's works for somebody */
    assert_true(ended_find(ended, child, clock_boot(), &told));
    assert_int_equal(told.user, 1003);
    assert_int_equal(told.real, 0);
}

static void *note_number(void *number)
{
    *(pid_t *)number = (pid_t)syscall(SYS_gettid);
    return NULL;
}

static void a_thread_is_told_from_its_process(void **state)
{
    (void)state;
    pthread_t thread;
    pid_t number = 0;
    struct ended_thread told;
    assert_int_equal(pthread_create(&thread, NULL, note_number, &number), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    for (int i = 0; i < 500 && !ended_find(ended, number, clock_boot(), &told); i++)
        usleep(1000); /* joined before its very end */
    assert_true(ended_find(ended, number, clock_boot(), &told));
    assert_int_equal(told.process, getpid());
}

static void who_lives_or_ended_long_ago_is_not_found(void **state)
{
    (void)state;
    struct ended_thread told;
    pid_t child = one_that_ended(1002, 1002);
    assert_false(ended_find(ended, getpid(), clock_boot(), &told));
    assert_false(ended_find(ended, 0, clock_boot(), &told));
    assert_false(ended_find(ended, -1, clock_boot(), &told));
    assert_false(ended_find(ended, child + (1 << 15), clock_boot(), &told)); /* in the same line */
    assert_false(ended_find(ended, child, clock_boot() + ENDED_FOR, &told));
    assert_false(ended_find(NULL, child, clock_boot(), &told));
}

static void the_line_is_seen_by_processes_that_were_forked(void **state)
{
    (void)state;
    int status, pipe_of[2];
    pid_t number;
    assert_int_equal(pipe(pipe_of), 0);
    pid_t reader = fork();
    if (reader == 0) {
        struct ended_thread told;
        ssize_t got = read(pipe_of[0], &number, sizeof number);
        _exit(got == sizeof number && ended_find(ended, number, clock_boot(), &told) ? 0 : 1);
    }
    number = one_that_ended(1004, 1004);
    assert_int_equal(write(pipe_of[1], &number, sizeof number), sizeof number);
    assert_int_equal(waitpid(reader, &status, 0), reader);
    assert_int_equal(status, 0);
    close(pipe_of[0]);
    close(pipe_of[1]);
}

int main(void)
{
    if (geteuid() != 0) {
        print_message("skipped: programs in the kernel need root\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_ended_is_told_by_user_and_parent),
        cmocka_unit_test(a_thread_is_told_from_its_process),
        cmocka_unit_test(who_lives_or_ended_long_ago_is_not_found),
        cmocka_unit_test(the_line_is_seen_by_processes_that_were_forked),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
