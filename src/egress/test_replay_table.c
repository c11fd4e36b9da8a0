/* A bounded table that forgets what was least lately used. */
#include "egress/replay_table.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ROOM = 4096, FEW = ROOM / 16 }; /* FEW: no set of eight places is ever full of these */

static struct replay_table table_new(void)
{
    struct replay_table t;
    assert_int_equal(replay_table_make(&t, ROOM, sizeof(uint64_t), sizeof(uint64_t)), 0);
    return t;
}

static void what_was_put_is_found_until_it_is_taken_away(void **state)
{
    (void)state;
    struct replay_table t = table_new();
    for (uint64_t i = 0; i < FEW; i++)
        replay_table_put(&t, &i, &i);
    for (uint64_t i = 0; i < FEW; i++) {
        const uint64_t *found = replay_table_find(&t, &i);
        assert_non_null(found);
        assert_int_equal(*found, i);
        replay_table_remove(&t, &i);
        assert_null(replay_table_find(&t, &i));
    }
    assert_int_equal(t.forgotten, 0);
    replay_table_free(&t);
}

static void a_second_value_takes_the_place_of_the_first(void **state)
{
    (void)state;
    struct replay_table t = table_new();
    uint64_t key = 1, a = 2, b = 3;
    void *first = replay_table_put(&t, &key, &a);
    assert_ptr_equal(replay_table_put(&t, &key, &b), first);
    assert_int_equal(*(uint64_t *)replay_table_find(&t, &key), 3);
    replay_table_free(&t);
}

static void a_flood_of_new_keys_does_not_push_out_what_is_in_use(void **state)
{
    (void)state;
    struct replay_table t = table_new();
    uint64_t used = UINT64_MAX, value = 1;
    replay_table_put(&t, &used, &value);
    for (uint64_t i = 0; i < 100 * ROOM; i++) {
        replay_table_put(&t, &i, &i);
        if (i % 64 == 0) /* often enough, that no set is filled in between */
            assert_non_null(replay_table_find(&t, &used));
    }
    assert_in_range(t.forgotten, 98 * ROOM, 100 * ROOM);
    replay_table_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found_until_it_is_taken_away),
        cmocka_unit_test(a_second_value_takes_the_place_of_the_first),
        cmocka_unit_test(a_flood_of_new_keys_does_not_push_out_what_is_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
