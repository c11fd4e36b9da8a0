/* Who is a newcomer, over days and restarts. */
#include "egress/known.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const nanos_t start = 20000 * NANOS_DAY;

static struct egress_host host(uint32_t n)
{
    return (struct egress_host){{1, [12] = (uint8_t)(n >> 24), [13] = (uint8_t)(n >> 16),
                                 [14] = (uint8_t)(n >> 8), [15] = (uint8_t)n}};
}

static bool is_new(struct known *k, uint32_t n, nanos_t wall)
{
    struct egress_host h = host(n);
    return known_is_new(k, &h, wall);
}

static void a_host_is_new_on_its_first_day_only(void **state)
{
    (void)state;
    char path[] = "/tmp/ecluse-known-XXXXXX";
    struct error error;
    struct known *k;
    assert_true(mkdtemp(path) != NULL);
    char file[64];
    snprintf(file, sizeof file, "%s/hosts", path);
    assert_int_equal(known_open(file, start, &k, &error), 0);
    assert_false(is_new(k, 1, start + NANOS_HOUR)); /* the state's own first day */
    nanos_t later = start + 3 * NANOS_DAY;
    assert_true(is_new(k, 2, later));
    assert_int_equal(known_save(k, &error), 0);
    known_close(k);
    assert_int_equal(known_open(file, later, &k, &error), 0);
    assert_true(is_new(k, 2, later + NANOS_HOUR));
    assert_false(is_new(k, 1, later));
    assert_false(is_new(k, 2, later + NANOS_DAY));
    known_close(k);
    FILE *f = fopen(file, "r+");
    assert_non_null(f);
    fseek(f, 40, SEEK_SET);
    fputc('!', f);
    fclose(f);
    assert_int_equal(known_open(file, later, &k, &error), 1);
    assert_true(is_new(k, 3, later)); /* damage is no way to be known */
    known_close(k);
    unlink(file);
    rmdir(path);
}

static void when_full_the_one_seen_least_lately_gives_way(void **state)
{
    (void)state;
    struct error error;
    struct known *k;
    assert_int_equal(known_open("/tmp/ecluse-known-absent", start, &k, &error), 0);
    nanos_t later = start + 2 * NANOS_DAY;
    is_new(k, 0, later);
    for (uint32_t i = 1; i < KNOWN_MOST; i++)
        is_new(k, i, later + NANOS_DAY);
    assert_true(is_new(k, KNOWN_MOST, later + NANOS_DAY));
    assert_false(is_new(k, KNOWN_MOST - 1, later + 2 * NANOS_DAY));
    assert_true(is_new(k, 0, later + 2 * NANOS_DAY));
    known_close(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_is_new_on_its_first_day_only),
        cmocka_unit_test(when_full_the_one_seen_least_lately_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
