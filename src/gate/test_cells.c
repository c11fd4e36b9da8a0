#include "gate/cells.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { COUNT = 1024 };

static const nanos_t NOW = 1000 * NANOS_SECOND;
static void *memory;
static struct cells *cells;
static size_t size;

static int make(void **state)
{
    (void)state;
    size = cells_footprint(COUNT);
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cells = memory == MAP_FAILED ? NULL : cells_make(memory, COUNT);
    return cells ? 0 : -1;
}

static int unmake(void **state)
{
    (void)state;
    return munmap(memory, size);
}

/* Keys as they are in use: hashes. */
static uint64_t key_of(uint64_t n)
{
    return hash_checksum(7, &n, sizeof n);
}

static void test_a_count_drains_one_by_one(void **state)
{
    (void)state;
    assert_int_equal(cells_count(cells, 77, NANOS_SECOND, NOW), 0);
    assert_int_equal(cells_add(cells, 77, 1, NANOS_SECOND, NOW), 1);
    assert_int_equal(cells_add(cells, 77, 2, NANOS_SECOND, NOW), 3);
    assert_int_equal(cells_count(cells, 77, NANOS_SECOND, NOW), 3);
    assert_int_equal(cells_count(cells, 77, NANOS_SECOND, NOW + NANOS_SECOND), 2);
    assert_int_equal(cells_count(cells, 77, NANOS_SECOND, NOW + 3 * NANOS_SECOND), 0);
    assert_int_equal(cells_add(cells, 77, 1, NANOS_SECOND, NOW + 9 * NANOS_SECOND), 1);
    assert_int_equal(cells_count(cells, 78, NANOS_SECOND, NOW), 0);
}

static void test_the_third_strike_within_an_hour_counts_for_an_hour(void **state)
{
    (void)state;
    assert_int_equal(cells_add(cells, 5, 1, STRIKE_EACH, NOW), 1);
    assert_true(cells_add(cells, 5, 1, STRIKE_EACH, NOW + NANOS_MINUTE) < STRIKES_OUT);
    assert_int_equal(cells_add(cells, 5, 1, STRIKE_EACH, NOW + 2 * NANOS_MINUTE), STRIKES_OUT);
    assert_int_equal(cells_count(cells, 5, STRIKE_EACH, NOW + 59 * NANOS_MINUTE), STRIKES_OUT);
    assert_int_equal(cells_count(cells, 5, STRIKE_EACH, NOW + NANOS_HOUR), STRIKES_OUT - 1);
    assert_int_equal(cells_add(cells, 6, 1, STRIKE_EACH, NOW), 1);
    assert_int_equal(cells_add(cells, 6, 1, STRIKE_EACH, NOW + NANOS_HOUR), 1);
}

static void test_a_count_is_never_more_than_full(void **state)
{
    (void)state;
    assert_int_equal(cells_add(cells, 5, UINT32_MAX, NANOS_HOUR, NOW), CELLS_FULL);
    assert_int_equal(cells_add(cells, 5, 1, NANOS_HOUR, NOW), CELLS_FULL);
}

static void test_what_counts_is_kept_and_the_rest_gives_its_place(void **state)
{
    (void)state;
    unsigned kept = 0, refused = 0;
    for (uint64_t n = 1; n <= 2 * COUNT; n++)
        refused += cells_add(cells, key_of(n), 1, NANOS_HOUR, NOW) < 0;
    for (uint64_t n = 1; n <= 2 * COUNT; n++)
        kept += cells_count(cells, key_of(n), NANOS_HOUR, NOW) == 1;
    assert_int_equal(kept + refused, 2 * COUNT);
    assert_in_range(kept, COUNT * 9 / 10, COUNT); /* two choices of four places fill a table well */
    for (uint64_t n = 1; n <= COUNT / 2; n++)
        assert_int_equal(cells_add(cells, key_of(n << 32), 1, NANOS_HOUR, NOW + 2 * NANOS_HOUR), 1);
}

static void test_what_was_seen_is_told_how_long_ago(void **state)
{
    (void)state;
    assert_int_equal(cells_seen(cells, 9, NANOS_MINUTE, NOW), 0);
    assert_true(cells_seen(cells, 9, NANOS_MINUTE, NOW) == 1);
    assert_true(cells_seen(cells, 9, NANOS_MINUTE, NOW + 30 * NANOS_SECOND) == 30 * NANOS_SECOND);
    assert_int_equal(cells_seen(cells, 9, NANOS_MINUTE, NOW + NANOS_MINUTE), 0);
    assert_int_equal(cells_seen(cells, 0, NANOS_MINUTE, NOW), -1);
}

static void test_several_processes_lose_no_count(void **state)
{
    (void)state;
    enum { PROCESSES = 4, EACH = 20000 };
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0) {
            for (uint64_t n = 0; n < EACH; n++)
                cells_add(cells, key_of(1 + n % 64), 1, NANOS_SECOND, NOW);
            _exit(0);
        }
    int32_t sum = 0;
    for (int i = 0; i < PROCESSES; i++)
        assert_true(wait(NULL) > 0);
    for (uint64_t n = 0; n < 64; n++)
        sum += cells_count(cells, key_of(1 + n), NANOS_SECOND, NOW);
    /* The first of a key may be claimed twice at once. */
    assert_in_range(sum, PROCESSES * EACH * 9 / 10, PROCESSES * EACH);
}

static void test_a_table_of_another_form_is_refused(void **state)
{
    (void)state;
    assert_ptr_equal(cells_at(memory, size), cells);
    assert_null(cells_at(memory, size - 1));
    assert_null(cells_at(memory, 8));
    assert_null(cells_at(NULL, size));
    assert_null(cells_at((char *)memory + 8, size - 8));
    uint32_t *count = (uint32_t *)memory + 2;
    *count = COUNT * 2;
    assert_null(cells_at(memory, size));
    *count = COUNT - 1;
    assert_null(cells_at(memory, size));
    *count = COUNT;
    *(uint64_t *)memory ^= 1;
    assert_null(cells_at(memory, size));
}

static void test_a_damaged_moment_means_nothing(void **state)
{
    (void)state;
    assert_int_equal(cells_add(cells, 5, 1, NANOS_SECOND, NOW), 1);
    uint64_t *words = memory;
    for (size_t i = 8; i < size / 8; i += 2)
        if (words[i] == 5)
            words[i + 1] = UINT64_C(0x7fffffffffffffff);
    assert_int_equal(cells_count(cells, 5, NANOS_SECOND, NOW), 0);
    assert_int_equal(cells_add(cells, 5, 1, NANOS_SECOND, NOW), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_count_drains_one_by_one, make, unmake),
        cmocka_unit_test_setup_teardown(test_the_third_strike_within_an_hour_counts_for_an_hour,
                                        make, unmake),
        cmocka_unit_test_setup_teardown(test_a_count_is_never_more_than_full, make, unmake),
        cmocka_unit_test_setup_teardown(test_what_counts_is_kept_and_the_rest_gives_its_place, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(test_what_was_seen_is_told_how_long_ago, make, unmake),
        cmocka_unit_test_setup_teardown(test_several_processes_lose_no_count, make, unmake),
        cmocka_unit_test_setup_teardown(test_a_table_of_another_form_is_refused, make, unmake),
        cmocka_unit_test_setup_teardown(test_a_damaged_moment_means_nothing, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
