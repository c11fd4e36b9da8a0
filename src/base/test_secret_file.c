#include "base/base.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/ecluse-secret-XXXXXX", path[64];

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

static void test_what_was_written_is_read(void **state)
{
    (void)state;
    char read[16];
    assert_int_equal(secret_file_write(path, -1, "one", 3, NULL), 0);
    assert_int_equal(secret_file_write(path, -1, "other", 5, NULL), 0);
    assert_int_equal(secret_file_read(path, read, sizeof read, NULL), 5);
    assert_memory_equal(read, "other", 5);
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(secret_file_write(path, (int)getegid(), "one", 3, NULL), 0);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0640);
}

static void test_one_that_others_may_read_is_refused(void **state)
{
    (void)state;
    static const mode_t open_to_others[] = {0644, 0604, 0660, 0620, 0602, 0642};
    char read[16] = "untouched";
    struct error error = {""};
    assert_int_equal(secret_file_write(path, -1, "one", 3, NULL), 0);
    for (unsigned i = 0; i < sizeof open_to_others / sizeof *open_to_others; i++) {
        assert_int_equal(chmod(path, open_to_others[i]), 0);
        assert_int_equal(secret_file_read(path, read, sizeof read, &error), -EPERM);
        assert_non_null(strstr(error.text, "chmod 0640"));
    }
    assert_string_equal(read, "untouched");
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(secret_file_read(path, read, sizeof read, &error), 3);
}

static void test_links_folders_and_long_files_are_refused(void **state)
{
    (void)state;
    char link[80], read[4];
    assert_int_equal(secret_file_write(path, -1, "longer", 6, NULL), 0);
    assert_int_equal(secret_file_read(path, read, sizeof read, NULL), -EFBIG);
    snprintf(link, sizeof link, "%s/link", folder);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(secret_file_read(link, read, sizeof read, NULL), -ELOOP);
    unlink(link);
    assert_int_equal(secret_file_read(folder, read, sizeof read, NULL), -EBADMSG);
    assert_int_equal(secret_file_read(link, read, sizeof read, NULL), -ENOENT);
}

static void test_a_failed_write_leaves_the_old_file(void **state)
{
    (void)state;
    char taken[80], read[8];
    assert_int_equal(secret_file_write(path, -1, "old", 3, NULL), 0);
    snprintf(taken, sizeof taken, "%s.new", path);
    assert_int_equal(mkdir(taken, 0700), 0);
    assert_true(secret_file_write(path, -1, "new", 3, NULL) < 0);
    assert_int_equal(rmdir(taken), 0);
    assert_int_equal(secret_file_read(path, read, sizeof read, NULL), 3);
    assert_memory_equal(read, "old", 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_written_is_read),
        cmocka_unit_test(test_one_that_others_may_read_is_refused),
        cmocka_unit_test(test_links_folders_and_long_files_are_refused),
        cmocka_unit_test(test_a_failed_write_leaves_the_old_file),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
