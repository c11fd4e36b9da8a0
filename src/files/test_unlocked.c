/* Reading what somebody keeps locked; and all the rest as pread(2) reads it. */
#include "files/unlocked.h"

#include "files/files_parts.h"
#include "files/test_locked.h"

#include <sys/uio.h>

enum { SIZE = 70000 };

static char content[SIZE];

/* A file of letters, on a share of its own; its descriptor. */
static int letters(struct share *s, char path[512])
{
    if (!share_begin(s, "xfs", 300))
        skip();
    for (size_t i = 0; i < SIZE; i++)
        content[i] = (char)('a' + i * i % 23);
    int fd = open(in_share(s, "letters", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, SIZE), SIZE);
    assert_int_equal(fsync(fd), 0);
    return fd;
}

static void reads_as_anybody_does(int fd)
{
    static const struct {
        uint64_t at;
        size_t length, got;
    } parts[] = {
        {0, SIZE, SIZE},     {1, 1, 1},       {4095, 3, 3},        {5000, 40000, 40000},
        {SIZE - 2, 4096, 2}, {SIZE, 4096, 0}, {SIZE + 8192, 1, 0}, {0, sizeof content, SIZE}};
    static char buffer[SIZE];
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        assert_int_equal(unlocked_read(fd, buffer, parts[i].length, parts[i].at), parts[i].got);
        assert_memory_equal(buffer, content + (parts[i].got ? parts[i].at : 0), parts[i].got);
        memset(buffer, 0, sizeof buffer);
    }
}

static void what_is_free_is_read_as_pread_does(void **state)
{
    (void)state;
    struct share share = {.mounted = false};
    char path[512], byte;
    int fd = letters(&share, path);
    reads_as_anybody_does(fd);
    assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0); /* and from the disk */
    reads_as_anybody_does(fd);
    close(fd);
    assert_int_equal(unlocked_read(fd, &byte, 1, 0), -1);
    share_end(&share);
}

static void what_is_locked_is_read_as_well(void **state)
{
    (void)state;
    struct share share = {.mounted = false};
    struct lock lock;
    char path[512], byte;
    int fd = letters(&share, path);
    take_lock(&lock, path);
    struct iovec part = {&byte, 1};
    assert_int_equal(preadv2(fd, &part, 1, 1, RWF_NOWAIT), -1); /* it is locked indeed */
    assert_false(unlocked_now(fd));
    alarm(20);                                                  /* pread() would wait for ever */
    reads_as_anybody_does(fd);
    assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    reads_as_anybody_does(fd);
    alarm(0);
    free_lock(&lock);
    assert_true(unlocked_now(fd));
    close(fd);
    share_end(&share);
}

/* Its list of calls is short. */
static void the_judge_may_read_what_is_locked(void **state)
{
    (void)state;
    struct share share = {.mounted = false};
    struct lock lock;
    char path[512], read[SIZE];
    int fd = letters(&share, path), status;
    take_lock(&lock, path);
    pid_t judge = fork();
    if (judge == 0) {
        alarm(20);
        bool may = confining_judge() == 0 && unlocked_read(fd, read, SIZE, 0) == SIZE;
        syscall(SYS_exit_group, may ? 0 : 1); /* AddressSanitizer's _exit() calls more than that */
    }
    assert_int_equal(waitpid(judge, &status, 0), judge);
    assert_int_equal(status, 0);
    free_lock(&lock);
    close(fd);
    share_end(&share);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_free_is_read_as_pread_does),
        cmocka_unit_test(what_is_locked_is_read_as_well),
        cmocka_unit_test(the_judge_may_read_what_is_locked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
