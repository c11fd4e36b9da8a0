#include "files/waiting.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct waiting table[WAITING_MOST];

/* As many places as a user gets, one after the other. */
static unsigned take_all(unsigned *used, uint32_t user)
{
    unsigned got = 0;
    for (struct waiting *w; (w = waiting_place(table, *used, user)) != NULL; got++, (*used)++)
        *w = (struct waiting){.waits_for = WAITS_FOR_ROOM, .user = user};
    return got;
}

static void one_user_has_a_part_of_the_places_and_leaves_the_others(void **state)
{
    (void)state;
    unsigned used = 0;
    memset(table, 0, sizeof table);
    assert_int_equal(take_all(&used, 1), WAITING_A_USER);
    assert_null(waiting_place(table, used, 1));
    assert_non_null(waiting_place(table, used, 2));
    table[5].waits_for = WAITS_FOR_NOTHING; /* answered: one more may wait, there */
    used--;
    assert_ptr_equal(waiting_place(table, used, 1), &table[5]);
}

static void a_full_table_has_no_place_for_anybody(void **state)
{
    (void)state;
    unsigned used = 0, got = 0;
    memset(table, 0, sizeof table);
    for (uint32_t user = 1; user < 100; user++)
        got += take_all(&used, user);
    assert_int_equal(got, WAITING_MOST);
    assert_null(waiting_place(table, used, 1000));
}

static void one_user_has_a_part_of_the_places_of_the_unseen_too(void **state)
{
    (void)state;
    static struct unseen unseen[UNSEEN_MOST];
    unsigned got = 0;
    for (struct unseen *u; (u = unseen_place(unseen, 1)) != NULL; got++)
        *u = (struct unseen){.thread = 7, .user = 1};
    assert_int_equal(got, UNSEEN_A_USER);
    assert_non_null(unseen_place(unseen, 2));
    unseen[3].thread = 0;
    assert_ptr_equal(unseen_place(unseen, 1), &unseen[3]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_user_has_a_part_of_the_places_and_leaves_the_others),
        cmocka_unit_test(one_user_has_a_part_of_the_places_of_the_unseen_too),
        cmocka_unit_test(a_full_table_has_no_place_for_anybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
