/* Evidence of holds: kept, read, refused when damaged, and removed in time. */
#include "egress/trail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static char folder[64];

static int folder_make(void **state)
{
    char path[96];
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/ecluse-evidence-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/egress", folder);
    return mkdir(path, 0700);
}

static int folder_remove(void **state)
{
    char command[96];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void keep(uint64_t hold, nanos_t until)
{
    struct error error;
    struct trail e = {.hold = hold, .until = until, .bytes = 1000 + hold, .connections = 2};
    e.destination[0].bytes = 900;
    e.listed_destinations = 1;
    assert_int_equal(trail_write(folder, &e, &error), 0);
}

static void what_was_kept_is_read(void **state)
{
    (void)state;
    struct trail e;
    assert_int_equal(trail_read(folder, 7, &e), -ENOENT);
    keep(7, NANOS_DAY);
    keep(7, 2 * NANOS_DAY);
    assert_int_equal(trail_read(folder, 7, &e), 0);
    assert_int_equal(e.bytes, 1007);
    assert_int_equal(e.until, 2 * NANOS_DAY);
    assert_int_equal(e.destination[0].bytes, 900);
}

/* Each eighth byte, another bit each time. */
static void what_was_damaged_is_refused(void **state)
{
    (void)state;
    char path[128];
    struct trail e, *good = calloc(1, sizeof *good);
    assert_non_null(good);
    keep(9, NANOS_DAY);
    assert_int_equal(trail_read(folder, 9, good), 0);
    snprintf(path, sizeof path, "%s/egress/holds/hold-9-egress", folder);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    for (size_t at = 0; at < sizeof *good; at += 8) {
        uint8_t byte = ((const uint8_t *)good)[at], other = byte ^ (uint8_t)(1u << (at / 8 % 8));
        assert_int_equal(pwrite(fd, &other, 1, (off_t)at), 1);
        assert_int_equal(trail_read(folder, 9, &e), -EPROTO);
        assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
    }
    assert_int_equal(trail_read(folder, 9, &e), 0);
    assert_int_equal(ftruncate(fd, sizeof *good - 1), 0);
    assert_int_equal(trail_read(folder, 9, &e), -EPROTO);
    close(fd);
    free(good);
}

static void another_holds_evidence_does_not_pass_for_it(void **state)
{
    (void)state;
    char command[256];
    struct trail e;
    keep(11, NANOS_DAY);
    snprintf(command, sizeof command,
             "cp %s/egress/holds/hold-b-egress %s/egress/holds/hold-c-egress", folder, folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(trail_read(folder, 12, &e), -EPROTO);
}

static void what_ended_before_is_removed_and_the_oldest_of_too_many(void **state)
{
    (void)state;
    struct trail e;
    trail_expire(folder, NANOS_FOREVER, TRAIL_MOST); /* what other tests left */
    for (uint64_t hold = 1; hold <= 20; hold++)
        keep(hold, (nanos_t)hold * NANOS_DAY);
    assert_int_equal(trail_expire(folder, 5 * NANOS_DAY, TRAIL_MOST), 4);
    assert_int_equal(trail_read(folder, 4, &e), -ENOENT);
    assert_int_equal(trail_read(folder, 5, &e), 0);
    assert_int_equal(trail_expire(folder, 5 * NANOS_DAY, 10), 6);
    assert_int_equal(trail_read(folder, 10, &e), -ENOENT);
    assert_int_equal(trail_read(folder, 11, &e), 0);
    assert_int_equal(trail_expire(folder, 5 * NANOS_DAY, 10), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_kept_is_read),
        cmocka_unit_test(what_was_damaged_is_refused),
        cmocka_unit_test(another_holds_evidence_does_not_pass_for_it),
        cmocka_unit_test(what_ended_before_is_removed_and_the_oldest_of_too_many),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
