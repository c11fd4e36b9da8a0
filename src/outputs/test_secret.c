#include "outputs/secret.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char path[64];
static struct error error;

static int begin(void **state)
{
    (void)state;
    strcpy(path, "/tmp/ecluse-secret-XXXXXX");
    int file = mkstemp(path);
    return file < 0 ? -1 : close(file);
}

static int end(void **state)
{
    (void)state;
    return unlink(path);
}

static int read_of(const char *content, mode_t mode, char out[SECRET_SIZE])
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
    chmod(path, mode);
    error.text[0] = 0;
    return secret_address_read(path, out, &error);
}

static void the_first_line_is_taken(void **state)
{
    (void)state;
    char out[SECRET_SIZE];
    assert_int_equal(read_of("https://hooks.example/T0/secret\r\nrest\n", 0600, out), 0);
    assert_string_equal(out, "https://hooks.example/T0/secret");
    assert_int_equal(read_of("http://127.0.0.1:1/x", 0400, out), 0);
}

static void what_others_may_read_is_refused_with_what_to_do(void **state)
{
    (void)state;
    char out[SECRET_SIZE] = "untouched";
    static const mode_t modes[] = {0640, 0604, 0620, 0601};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(read_of("https://hooks.example/secret\n", modes[i], out), -EPERM);
        assert_non_null(strstr(error.text, "chmod 600"));
    }
    assert_string_equal(out, "untouched");
}

static void of_another_user_it_is_refused(void **state)
{
    (void)state;
    char out[SECRET_SIZE];
    if (geteuid() != 0)
        skip();
    assert_int_equal(read_of("https://hooks.example/secret\n", 0600, out), 0);
    assert_int_equal(chown(path, 65534, 65534), 0);
    assert_int_equal(secret_address_read(path, out, &error), -EPERM);
}

static void an_error_never_holds_what_was_in_the_file(void **state)
{
    (void)state;
    char out[SECRET_SIZE];
    static const char *const bad[] = {"",
                                      "\n",
                                      "ftp://secret.example/",
                                      "hunter2secret\n",
                                      "https://a b/secret",
                                      "https://",
                                      "file:///etc/secret"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(read_of(bad[i], 0600, out), -EINVAL);
        assert_null(strstr(error.text + strlen(path), "secret"));
    }
}

static void a_link_or_a_folder_is_no_file(void **state)
{
    (void)state;
    char out[SECRET_SIZE], link[80];
    snprintf(link, sizeof link, "%s.link", path);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(secret_address_read(link, out, &error), -ELOOP);
    unlink(link);
    assert_int_equal(secret_address_read("/tmp", out, &error), -EINVAL);
}

static void what_is_put_right_looks_otherwise(void **state)
{
    (void)state;
    char out[SECRET_SIZE];
    struct secret_look before, after = secret_look("/nowhere/at/all");
    assert_int_equal(after.code, -ENOENT);
    assert_int_equal(read_of("https://hooks.example/secret\n", 0644, out), -EPERM);
    before = secret_look(path);
    assert_int_equal(before.code, 0);
    assert_false(secret_looks_alike(&before, &after));
    after = secret_look(path);
    assert_true(secret_looks_alike(&before, &after));
    chmod(path, 0600);
    after = secret_look(path);
    assert_false(secret_looks_alike(&before, &after));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_line_is_taken, begin, end),
        cmocka_unit_test_setup_teardown(what_others_may_read_is_refused_with_what_to_do, begin,
                                        end),
        cmocka_unit_test_setup_teardown(what_is_put_right_looks_otherwise, begin, end),
        cmocka_unit_test_setup_teardown(of_another_user_it_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(an_error_never_holds_what_was_in_the_file, begin, end),
        cmocka_unit_test_setup_teardown(a_link_or_a_folder_is_no_file, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
