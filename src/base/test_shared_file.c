#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/ecluse-shared-XXXXXX", path[64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/file", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void write_hello(void *data, void *argument)
{
    memcpy(data, argument, 5);
}

static void test_two_mappings_see_each_other(void **state)
{
    (void)state;
    void *one, *other;
    assert_int_equal(shared_file_make(path, 8192, -1, write_hello, "hello", NULL), 0);
    assert_int_equal(shared_file_map(path, 8192, false, &one, NULL), 0);
    assert_int_equal(shared_file_map(path, 8192, true, &other, NULL), 0);
    assert_memory_equal(other, "hello", 5);
    memcpy((char *)one + 8000, "there", 5);
    assert_memory_equal((char *)other + 8000, "there", 5);
    shared_file_unmap(one, 8192);
    shared_file_unmap(other, 8192);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_true(status.st_blocks * 512 >= 8192);
}

static void test_another_size_or_a_link_is_refused(void **state)
{
    (void)state;
    char link[80];
    void *data = NULL;
    struct error error = {""};
    assert_int_equal(shared_file_make(path, 4096, -1, NULL, NULL, NULL), 0);
    assert_int_equal(shared_file_map(path, 8192, false, &data, &error), -EUCLEAN);
    assert_non_null(strstr(error.text, "another size"));
    snprintf(link, sizeof link, "%s/link", folder);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(shared_file_map(link, 4096, false, &data, &error), -ELOOP);
    assert_null(data);
    unlink(link);
}

static void test_what_is_there_stays_when_a_new_one_cannot_be_made(void **state)
{
    (void)state;
    char missing[80];
    void *data;
    struct error error = {""};
    assert_int_equal(shared_file_make(path, 4096, -1, write_hello, "hello", NULL), 0);
    assert_true(shared_file_make(path, (size_t)1 << 60, -1, NULL, NULL, &error) < 0);
    assert_int_equal(shared_file_map(path, 4096, true, &data, NULL), 0);
    assert_memory_equal(data, "hello", 5);
    shared_file_unmap(data, 4096);
    snprintf(missing, sizeof missing, "%s.new", path);
    assert_int_equal(access(missing, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_mappings_see_each_other),
        cmocka_unit_test(test_another_size_or_a_link_is_refused),
        cmocka_unit_test(test_what_is_there_stays_when_a_new_one_cannot_be_made),
    };
    return cmocka_run_group_tests_name("shared_file", tests, make_folder, remove_folder);
}
