#include "outputs/tally.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char last_line[1024];
static unsigned lines;

static void keep_line(enum log_level level, const char *line)
{
    (void)level;
    snprintf(last_line, sizeof last_line, "%s", line);
    lines++;
}

static void a_failure_is_said_once_and_its_end_once(void **state)
{
    (void)state;
    struct tally tally;
    struct output_state states[OUTPUT_COUNT];
    tally_init(&tally);
    log_set_writer(keep_line);
    lines = 0;
    for (unsigned i = 0; i < 50; i++)
        tally_failed(&tally, OUTPUT_SYSLOG, "nobody is there", 1000 + i);
    assert_int_equal(lines, 1);
    tally_copy(&tally, states);
    assert_int_equal(states[OUTPUT_SYSLOG].failures, 50);
    assert_int_equal(states[OUTPUT_SYSLOG].failing_since, 1000);
    tally_told(&tally, OUTPUT_SYSLOG, 3, 2000);
    tally_told(&tally, OUTPUT_SYSLOG, 3, 2001);
    assert_int_equal(lines, 2);
    tally_copy(&tally, states);
    assert_false(states[OUTPUT_SYSLOG].failing);
    assert_int_equal(states[OUTPUT_SYSLOG].failing_since, 0);
    assert_int_equal(states[OUTPUT_SYSLOG].told, 6);
    log_set_writer(NULL);
}

static void a_file_holds_all_of_it(void **state)
{
    (void)state;
    struct error error;
    char path[] = "/tmp/ecluse-tally-XXXXXX";
    int64_t wall = 0;
    close(mkstemp(path));
    struct output_state states[OUTPUT_COUNT] = {0}, read[OUTPUT_COUNT];
    states[OUTPUT_MAIL] = (struct output_state){true, true, 1, 2, 3, 4, 5, 6, "cut \xc3"};
    assert_int_equal(tally_write(path, states, 77, &error), 0);
    assert_int_equal(tally_read(path, read, &wall), 0);
    strcpy(states[OUTPUT_MAIL].reason, "cut ");
    assert_int_equal(wall, 77);
    for (enum output i = 0; i < OUTPUT_COUNT; i++) {
        assert_int_equal(read[i].wanted, states[i].wanted);
        assert_int_equal(read[i].failing, states[i].failing);
        assert_int_equal(read[i].told, states[i].told);
        assert_int_equal(read[i].failures, states[i].failures);
        assert_int_equal(read[i].skipped, states[i].skipped);
        assert_int_equal(read[i].behind, states[i].behind);
        assert_int_equal(read[i].last_told, states[i].last_told);
        assert_int_equal(read[i].failing_since, states[i].failing_since);
        assert_string_equal(read[i].reason, states[i].reason);
    }
    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(tally_read(path, read, &wall), -EPROTO);
    unlink(path);
    assert_int_equal(tally_read(path, read, &wall), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_is_said_once_and_its_end_once),
        cmocka_unit_test(a_file_holds_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
