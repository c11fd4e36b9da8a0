#include "desk/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

static char root[64];
static struct limits *limits;
static const uint8_t one[16] = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 1},
                     other[16] = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 2};

static int begin(void **state)
{
    (void)state;
    struct error error = {""};
    strcpy(root, "/tmp/ecluse-limits-XXXXXX");
    if (!mkdtemp(root) || limits_create(root, root, -1, moment_now(), &error) < 0 ||
        limits_open(root, root, &limits, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return -1;
    }
    return 0;
}

static int end(void **state)
{
    (void)state;
    char command[128];
    limits_close(limits);
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command);
}

static void a_client_that_guesses_waits_and_others_do_not(void **state)
{
    (void)state;
    nanos_t now = clock_boot();
    for (int i = 0; i < 10; i++) {
        char name[16];
        snprintf(name, sizeof name, "name%d", i);
        assert_int_equal(limits_wait(limits, one, text_of(name), now), 0);
        limits_failed(limits, one, text_of(name), now);
    }
    nanos_t until = limits_wait(limits, one, TEXT("ana"), now);
    assert_true(until > now && until <= now + NANOS_MINUTE + 2 * NANOS_SECOND);
    assert_int_equal(limits_wait(limits, other, TEXT("ana"), now), 0);
    assert_int_equal(limits_wait(limits, one, TEXT("ana"), now + 2 * NANOS_MINUTE), 0);
}

static void an_account_that_is_guessed_from_everywhere_waits(void **state)
{
    (void)state;
    nanos_t now = clock_boot();
    uint8_t address[16] = {[10] = 0xff, [11] = 0xff, 198, 51, 100, 0};
    for (uint8_t i = 0; i < 10; i++) {
        address[15] = i;
        limits_failed(limits, address, TEXT("ana"), now);
    }
    assert_true(limits_wait(limits, other, TEXT("ana"), now) > now);
    assert_int_equal(limits_wait(limits, other, TEXT("bob"), now), 0);
}

static void what_was_counted_survives_a_restart(void **state)
{
    (void)state;
    nanos_t now = clock_boot();
    struct error error;
    for (int i = 0; i < 10; i++)
        limits_failed(limits, one, TEXT("ana"), now);
    limits_close(limits);
    assert_true(limits_create(root, root, -1, moment_now(), &error) >= 0);
    assert_int_equal(limits_open(root, root, &limits, &error), 0);
    assert_true(limits_wait(limits, one, TEXT("ana"), now) > now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_client_that_guesses_waits_and_others_do_not, begin, end),
        cmocka_unit_test_setup_teardown(an_account_that_is_guessed_from_everywhere_waits, begin,
                                        end),
        cmocka_unit_test_setup_teardown(what_was_counted_survives_a_restart, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
