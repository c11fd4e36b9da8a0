/* What /proc says, parsed: what the kernel writes, and what whoever runs the thread would like. */
#include "files/proc.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>

#include <cmocka.h>

#define UNUSED(x) (void)(x)

static void the_four_uids_and_the_process_of_a_thread_are_read(void **state)
{
    UNUSED(state);
    static const char text[] =
        "Name:\tsmbd\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t812\nNgid:\t0\n"
        "Pid:\t815\nPPid:\t700\nTracerPid:\t0\nUid:\t0\t1000\t0\t1001\n"
        "Gid:\t0\t0\t0\t0\n";
    struct proc_status status = {0};
    assert_true(proc_status_parse(text_of(text), &status));
    assert_int_equal(status.process, 812);
    assert_int_equal(status.parent, 700);
    assert_int_equal(status.real, 0);
    assert_int_equal(status.effective, 1000);
    assert_int_equal(status.saved, 0);
    assert_int_equal(status.file, 1001);
}

/* The kernel escapes line ends in names, so `Uid:` in one never begins a line. */
static void a_name_that_looks_like_a_line_is_none(void **state)
{
    UNUSED(state);
    static const char text[] = "Name:\tx Uid:\t0\t0\t0\t0\\nUid:\t0\t0\nTgid:\t5\nPPid:\t1\n"
                               "Uid:\t1000\t1000\t1000\t1000\n";
    struct proc_status status = {0};
    assert_true(proc_status_parse(text_of(text), &status));
    assert_int_equal(status.file, 1000);
}

static void half_a_status_is_none(void **state)
{
    UNUSED(state);
    struct proc_status status = {.process = 9};
    assert_false(proc_status_parse(TEXT("Tgid:\t5\nPPid:\t1\nUid:\t1000\t1000\t1000"), &status));
    assert_false(proc_status_parse(TEXT("Tgid:\t5\nUid:\t1\t1\t1\t1\n"), &status));
    assert_false(
        proc_status_parse(TEXT("Tgid:\t99999999999\nPPid:\t1\nUid:\t1\t1\t1\t1\n"), &status));
    assert_false(proc_status_parse(TEXT(""), &status));
    assert_int_equal(status.process, 9);
}

static void a_start_time_is_read_past_any_name(void **state)
{
    UNUSED(state);
    static const char text[] = "815 (a) R 1 2 3) S 700 815 815 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 "
                               "0 88213 1000 1 18446744073709551615\n";
    uint64_t began = 0;
    assert_true(proc_stat_parse(text_of(text), &began));
    assert_int_equal(began, 88213);
    assert_false(proc_stat_parse(TEXT("815 (a) S 700 815"), &began));
    assert_false(proc_stat_parse(TEXT("815 a S 700"), &began));
}

static void a_login_that_is_not_set_is_none(void **state)
{
    UNUSED(state);
    uint32_t login = 0;
    assert_true(proc_login_parse(TEXT("12"), &login));
    assert_int_equal(login, 12);
    assert_false(proc_login_parse(TEXT("4294967295"), &login));
    assert_false(proc_login_parse(TEXT(""), &login));
}

static enum intent of_call(long number, const char *arguments)
{
    char line[256];
    uint64_t pointer;
    snprintf(line, sizeof line, "%ld %s 0x7ffc 0x7f00\n", number, arguments);
    return proc_syscall_parse(text_of(line), &pointer);
}

static void an_open_shows_what_it_is_for(void **state)
{
    UNUSED(state);
    assert_int_equal(of_call(SYS_openat, "0xffffff9c 0x7f01 0x80000 0x0 0x0 0x0"), INTENT_READ);
    assert_int_equal(of_call(SYS_openat, "0xffffff9c 0x7f01 0x1 0x0 0x0 0x0"), INTENT_WRITE);
    assert_int_equal(of_call(SYS_openat, "0xffffff9c 0x7f01 0x2 0x0 0x0 0x0"), INTENT_BOTH);
    assert_int_equal(of_call(SYS_openat, "0xffffff9c 0x7f01 0x200 0x0 0x0 0x0"), INTENT_BOTH);
    assert_int_equal(of_call(SYS_execve, "0x7f01 0x7f02 0x7f03 0x0 0x0 0x0"), INTENT_READ);
#ifdef SYS_open
    assert_int_equal(of_call(SYS_open, "0x7f01 0x241 0x1b6 0x0 0x0 0x0"), INTENT_WRITE);
    assert_int_equal(of_call(SYS_creat, "0x7f01 0x1b6 0x0 0x0 0x0 0x0"), INTENT_UNSEEN);
#endif
}

static void what_cannot_be_seen_is_a_write(void **state)
{
    UNUSED(state);
    uint64_t pointer;
    assert_int_equal(proc_syscall_parse(TEXT("running\n"), &pointer), INTENT_RUNNING);
    assert_true(intent_writes(INTENT_RUNNING) && intent_reads(INTENT_RUNNING));
    assert_int_equal(proc_syscall_parse(TEXT("-1 0x7ffc 0x7f00\n"), &pointer), INTENT_UNSEEN);
    assert_int_equal(proc_syscall_parse(TEXT(""), &pointer), INTENT_UNSEEN);
    assert_int_equal(of_call(SYS_io_uring_enter, "0x3 0x1 0x1 0x1 0x0 0x8"), INTENT_UNSEEN);
    assert_int_equal(of_call(SYS_openat, "0xffffff9c"), INTENT_UNSEEN);
    assert_true(intent_writes(INTENT_UNSEEN) && intent_reads(INTENT_UNSEEN));
}

/* i386's open is 5, openat 295, creat 8: other calls here. x32's have a bit above all of ours. */
static void numbers_of_another_architecture_are_no_reads(void **state)
{
    UNUSED(state);
#ifdef __x86_64__
    static const long numbers[] = {5, 8, 295, 437 + 0x40000000L, 257 + 0x40000000L};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        assert_int_equal(of_call(numbers[i], "0x7f01 0x0 0x0 0x0 0x0 0x0"), INTENT_UNSEEN);
#endif
}

static void flags_in_memory_are_pointed_at(void **state)
{
    UNUSED(state);
    uint64_t pointer = 0;
    assert_int_equal(proc_syscall_parse(TEXT("437 0xffffff9c 0x7f01 0x7ffd1230 0x18 0x0 0x0 0x1 "
                                             "0x2\n"),
                                        &pointer),
                     INTENT_POINTED);
    assert_int_equal(pointer, 0x7ffd1230);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_four_uids_and_the_process_of_a_thread_are_read),
        cmocka_unit_test(a_name_that_looks_like_a_line_is_none),
        cmocka_unit_test(half_a_status_is_none),
        cmocka_unit_test(a_start_time_is_read_past_any_name),
        cmocka_unit_test(a_login_that_is_not_set_is_none),
        cmocka_unit_test(an_open_shows_what_it_is_for),
        cmocka_unit_test(what_cannot_be_seen_is_a_write),
        cmocka_unit_test(numbers_of_another_architecture_are_no_reads),
        cmocka_unit_test(flags_in_memory_are_pointed_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
