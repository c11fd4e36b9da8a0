#include "base/base.h"
#include "gate/distinct.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static uint64_t count_of(uint64_t things, unsigned times)
{
    static struct distinct d;
    struct hash_key key = {7, 11};
    distinct_clear(&d);
    for (unsigned t = 0; t < times; t++)
        for (uint64_t i = 0; i < things; i++)
            distinct_add(&d, siphash(key, &i, sizeof i));
    return distinct_count(&d);
}

static void test_counts_are_a_few_per_cent_off(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 1, 10, 300, 2000, 10000, 50000, 1000000};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t counted = count_of(sizes[i], 1), off = sizes[i] / 10;
        assert_in_range(counted, sizes[i] - off, sizes[i] + off);
    }
}

static void test_what_was_seen_before_counts_once(void **state)
{
    (void)state;
    assert_true(count_of(5000, 1) == count_of(5000, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_are_a_few_per_cent_off),
        cmocka_unit_test(test_what_was_seen_before_counts_once),
    };
    return cmocka_run_group_tests_name("distinct", tests, NULL, NULL);
}
