#include "outputs/event_file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64], path[96], other[96];
static struct event_file *file;
static struct error error;

static int begin(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/ecluse-events-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/eve.json", folder);
    snprintf(other, sizeof other, "%s/eve.json.1", folder);
    return event_file_new(path, &file, &error);
}

static int end(void **state)
{
    (void)state;
    event_file_free(file);
    unlink(path);
    unlink(other);
    return rmdir(folder);
}

static void assert_holds(const char *name, const char *expected)
{
    char text[4096];
    int in = open(name, O_RDONLY);
    assert_true(in >= 0);
    ssize_t length = read(in, text, sizeof text - 1);
    close(in);
    assert_true(length >= 0);
    text[length] = 0;
    assert_string_equal(text, expected);
}

static void add(const char *line)
{
    if (event_file_append(file, text_of(line), &error) != 0)
        fail_msg("%s", error.text);
}

static void lines_are_appended_and_not_for_everybody(void **state)
{
    (void)state;
    struct stat status;
    add("one\n");
    event_file_reopen(file);
    add("two\n");
    assert_holds(path, "one\ntwo\n");
    stat(path, &status);
    assert_int_equal(status.st_mode & 07, 0);
}

static void a_rotated_file_is_left_and_a_new_one_begun(void **state)
{
    (void)state;
    add("one\n");
    event_file_look(file);
    add("two\n");
    rename(path, other);
    event_file_look(file);
    add("three\n");
    assert_holds(other, "one\ntwo\n");
    assert_holds(path, "three\n");
    unlink(path);
    close(open(path, O_WRONLY | O_CREAT, 0600)); /* as logrotate's `create` does */
    event_file_look(file);
    add("four\n");
    assert_holds(path, "four\n");
}

/* The file may grow to 10 bytes only: as on a full disk, the rest of a write is missing. */
static void a_full_disk_leaves_no_half_line(void **state)
{
    (void)state;
    struct rlimit limit, before;
    add("one\n");
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    limit = (struct rlimit){10, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int code = event_file_append(file, TEXT("a longer line\n"), &error);
    int again = event_file_append(file, TEXT("a longer line\n"), &error);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_true(code < 0 && again < 0);
    assert_holds(path, "one\n");
    add("a longer line\n");
    assert_holds(path, "one\na longer line\n");
}

static void what_is_no_regular_file_is_not_written(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_int_equal(event_file_append(file, TEXT("x\n"), &error), -EINVAL);
    close(reader);
    unlink(path);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_int_equal(event_file_append(file, TEXT("x\n"), &error), -ELOOP);
}

static void half_a_line_that_was_there_is_ended_first(void **state)
{
    (void)state;
    add("{\"half");
    event_file_reopen(file);
    add("{}\n");
    assert_holds(path, "{\"half\n{}\n");
}

static void who_may_not_write_there_is_named(void **state)
{
    (void)state;
    uid_t before = geteuid();
    assert_int_equal(chmod(folder, before ? 0500 : 0700), 0);
    if (before == 0)
        assert_int_equal(seteuid(65534), 0);
    int code = event_file_append(file, TEXT("x\n"), &error);
    assert_int_equal(seteuid(before), 0);
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(code, -EACCES);
    if (before == 0 && !strstr(error.text, "user nobody, who writes it"))
        fail_msg("%s", error.text);
    assert_non_null(strstr(error.text, "the folder must be theirs"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_are_appended_and_not_for_everybody, begin, end),
        cmocka_unit_test_setup_teardown(a_rotated_file_is_left_and_a_new_one_begun, begin, end),
        cmocka_unit_test_setup_teardown(a_full_disk_leaves_no_half_line, begin, end),
        cmocka_unit_test_setup_teardown(what_is_no_regular_file_is_not_written, begin, end),
        cmocka_unit_test_setup_teardown(half_a_line_that_was_there_is_ended_first, begin, end),
        cmocka_unit_test_setup_teardown(who_may_not_write_there_is_named, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
