#include "files/settling.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct settling item_of(uint64_t inode, uint64_t path, bool early)
{
    return (struct settling){.fd = (int)inode,
                             .early = early ? (struct read_early *)&early : NULL,
                             .file = {inode, 1},
                             .path = path};
}

static uint32_t add(struct settlings *s, uint64_t inode, uint64_t path, bool early)
{
    struct settling item = item_of(inode, path, early);
    return settlings_add(s, &item);
}

static void files_are_found_by_file_and_by_path(void **state)
{
    (void)state;
    struct settlings *s = settlings_new(SETTLING_MOST);
    uint32_t one = add(s, 1, 10, true), two = add(s, 2, 10, false), three = add(s, 3, 30, true);
    assert_int_equal(settlings_count(s), 3);
    assert_int_equal(settlings_find(s, (struct vault_file){2, 1}), two);
    assert_int_equal(settlings_find(s, (struct vault_file){2, 2}), SETTLING_NONE);
    uint32_t first = settlings_at(s, 10), second = settlings_also_at(s, first);
    assert_true((first == one && second == two) || (first == two && second == one));
    assert_int_equal(settlings_also_at(s, second), SETTLING_NONE);
    settlings_moved(s, two, 30);
    assert_int_equal(settlings_also_at(s, settlings_at(s, 10)), SETTLING_NONE);
    assert_int_equal(settlings_remove(s, three).fd, 3);
    assert_int_equal(settlings_at(s, 30), two);
    assert_int_equal(settlings_find(s, (struct vault_file){3, 1}), SETTLING_NONE);
    settlings_free(s);
}

static void each_line_keeps_its_order(void **state)
{
    (void)state;
    struct settlings *s = settlings_new(SETTLING_MOST);
    uint32_t one = add(s, 1, 0, true), soon = add(s, 2, 0, false), two = add(s, 3, 0, true),
             three = add(s, 4, 0, true);
    assert_int_equal(settlings_first(s, SETTLING_SOON), soon);
    assert_int_equal(settlings_next(s, soon), SETTLING_NONE);
    assert_int_equal(settlings_first(s, SETTLING_MAY_WAIT), one);
    settlings_remove(s, two);
    assert_int_equal(settlings_next(s, one), three);
    settlings_remove(s, one);
    assert_int_equal(settlings_first(s, SETTLING_MAY_WAIT), three);
    settlings_remove(s, three);
    assert_int_equal(settlings_first(s, SETTLING_MAY_WAIT), SETTLING_NONE);
    assert_int_equal(settlings_first(s, SETTLING_MAY_WAIT), SETTLING_NONE);
    uint32_t again = add(s, 5, 0, true);
    assert_int_equal(settlings_first(s, SETTLING_MAY_WAIT), again);
    settlings_free(s);
}

static void it_is_full_when_it_is_said_to_be(void **state)
{
    (void)state;
    struct settlings *few = settlings_new(2), *all = settlings_new(SIZE_MAX);
    add(few, 1, 0, true);
    assert_false(settlings_full(few) || settlings_nearly_full(few));
    uint32_t last = add(few, 2, 0, true);
    assert_true(settlings_full(few));
    settlings_remove(few, last);
    assert_false(settlings_full(few));
    for (uint64_t i = 0; i < SETTLING_MOST; i++)
        add(all, i, i % 7, i % 3 > 0);
    assert_true(settlings_full(all) && settlings_nearly_full(all));
    settlings_free(few);
    settlings_free(all);
}

/* Beside an array that is searched whole. */
static void it_says_what_an_array_says(void **state)
{
    (void)state;
    enum { FILES = 300, STEPS = 200000 };
    struct settlings *s = settlings_new(SETTLING_MOST);
    uint32_t place[FILES];
    uint64_t path[FILES];
    memset(place, 0xff, sizeof place);
    srand(1);
    for (int i = 0; i < STEPS; i++) {
        unsigned file = (unsigned)rand() % FILES, what = (unsigned)rand() % 3;
        if (place[file] == SETTLING_NONE) {
            path[file] = (unsigned)rand() % 20;
            place[file] = add(s, file, path[file], rand() % 2);
        } else if (what == 0) {
            assert_int_equal(settlings_remove(s, place[file]).file.inode, file);
            place[file] = SETTLING_NONE;
        } else if (what == 1) {
            path[file] = (unsigned)rand() % 20;
            settlings_moved(s, place[file], path[file]);
        }
        unsigned asked = (unsigned)rand() % FILES, there = 0, found = 0;
        assert_int_equal(settlings_find(s, (struct vault_file){asked, 1}), place[asked]);
        uint64_t at_path = (unsigned)rand() % 20;
        for (unsigned k = 0; k < FILES; k++)
            there += place[k] != SETTLING_NONE && path[k] == at_path;
        for (uint32_t at = settlings_at(s, at_path); at != SETTLING_NONE;
             at = settlings_also_at(s, at))
            found++;
        assert_int_equal(found, there);
    }
    size_t in_lines = 0;
    for (enum settling_line line = 0; line < SETTLING_LINES; line++)
        for (uint32_t at = settlings_first(s, line); at != SETTLING_NONE;
             at = settlings_next(s, at))
            in_lines++;
    assert_int_equal(in_lines, settlings_count(s));
    settlings_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_found_by_file_and_by_path),
        cmocka_unit_test(each_line_keeps_its_order),
        cmocka_unit_test(it_is_full_when_it_is_said_to_be),
        cmocka_unit_test(it_says_what_an_array_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
