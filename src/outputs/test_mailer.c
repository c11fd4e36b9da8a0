#include "outputs/mailer.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64], command[96], mailed[96];
static struct error error;

static int begin(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/ecluse-mail-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(command, sizeof command, "%s/mail", folder);
    snprintf(mailed, sizeof mailed, "%s/mailed", folder);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(command);
    unlink(mailed);
    return rmdir(folder);
}

static struct mailer started(const char *script)
{
    struct mailer mailer;
    FILE *file = fopen(command, "w");
    fprintf(file, "#!/bin/sh\n%s\n", script);
    fclose(file);
    chmod(command, 0755);
    assert_int_equal(mailer_start(command, NULL, NULL, &mailer, &error), 0);
    return mailer;
}

static void assert_mailed(const char *expected)
{
    char text[4096];
    FILE *file = fopen(mailed, "r");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = 0;
    assert_string_equal(text, expected);
}

static void the_command_gets_the_message_and_nothing_else(void **state)
{
    (void)state;
    char script[400];
    setenv("ECLUSE_SECRET", "x", 1);
    int open_file = open(folder, O_RDONLY); /* inheritable */
    snprintf(script, sizeof script,
             "{ cat; echo \"words $#\"; env | grep -c ECLUSE_SECRET; "
             "readlink /proc/$$/fd/* | grep -cx -e %s -e 'socket:.*'; } > %s; true",
             folder, mailed);
    struct mailer mailer = started(script);
    assert_int_equal(mailer_send(&mailer, TEXT("Subject: one\n\nbody\n"), &error), 0);
    assert_mailed("Subject: one\n\nbody\nwords 0\n0\n0\n");
    mailer_stop(&mailer);
    close(open_file);
    unsetenv("ECLUSE_SECRET");
}

static void how_it_ended_is_said(void **state)
{
    (void)state;
    struct mailer mailer = started("exit 75");
    assert_int_equal(mailer_send(&mailer, TEXT("x"), &error), -EIO);
    assert_string_equal(error.text, "the mail command ended with status 75");
    mailer_stop(&mailer);
    mailer = started("kill -9 $$");
    assert_int_equal(mailer_send(&mailer, TEXT("x"), &error), -EIO);
    assert_non_null(strstr(error.text, "signal 9"));
    mailer_stop(&mailer);
    mailer = started("exit 0");
    chmod(command, 0644);
    assert_int_equal(mailer_send(&mailer, TEXT("x"), &error), -ENOEXEC);
    chmod(command, 0755);
    assert_int_equal(mailer_send(&mailer, TEXT("x"), &error), 0); /* and it goes on */
    mailer_stop(&mailer);
}

static void what_it_leaves_behind_is_ended(void **state)
{
    (void)state;
    char script[200], text[32] = "";
    snprintf(script, sizeof script, "sleep 100 & echo $! > %s", mailed);
    struct mailer mailer = started(script);
    assert_int_equal(mailer_send(&mailer, TEXT("x"), &error), 0);
    mailer_stop(&mailer);
    FILE *file = fopen(mailed, "r");
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    bool gone = false;
    for (unsigned i = 0; i < 100 && !gone; i++) {
        char path[64], status[512] = "";
        snprintf(path, sizeof path, "/proc/%d/stat", atoi(text));
        FILE *stat = fopen(path, "r");
        gone = stat == NULL || !fgets(status, sizeof status, stat) || strstr(status, ") Z ");
        if (stat)
            fclose(stat);
        usleep(10000);
    }
    assert_true(gone);
}

static void a_helper_that_is_gone_is_an_error(void **state)
{
    (void)state;
    struct mailer mailer = started("exit 0");
    kill(mailer.pid, SIGKILL);
    waitpid(mailer.pid, NULL, 0);
    assert_true(mailer_send(&mailer, TEXT("x"), &error) < 0);
    mailer.pid = 0;
    mailer_stop(&mailer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_command_gets_the_message_and_nothing_else, begin, end),
        cmocka_unit_test_setup_teardown(how_it_ended_is_said, begin, end),
        cmocka_unit_test_setup_teardown(what_it_leaves_behind_is_ended, begin, end),
        cmocka_unit_test_setup_teardown(a_helper_that_is_gone_is_an_error, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
