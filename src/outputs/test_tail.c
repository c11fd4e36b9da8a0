#include "audit/recorder.h"
#include "outputs/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char state_folder[64], runtime[64], log_folder[96], path[96];
static struct error error;
static struct handover *front;
static struct recorder *recorder;
static unsigned made;

static int begin(void **state)
{
    (void)state;
    strcpy(state_folder, "/tmp/ecluse-state-XXXXXX");
    strcpy(runtime, "/tmp/ecluse-runtime-XXXXXX");
    if (!mkdtemp(state_folder) || !mkdtemp(runtime))
        return -1;
    snprintf(log_folder, sizeof log_folder, "%s/audit", state_folder);
    snprintf(path, sizeof path, "%s/events.cursor", runtime);
    made = 0;
    return handover_create(runtime, HANDOVER_FRONT, -1, &error) ||
           handover_open(runtime, HANDOVER_FRONT, &front, &error) ||
           recorder_open(state_folder, runtime, "ecluse.example/log", &recorder, &error);
}

static int end(void **state)
{
    (void)state;
    char command[200];
    recorder_close(recorder);
    handover_close(front);
    snprintf(command, sizeof command, "rm -rf %s %s", state_folder, runtime);
    return system(command);
}

static void record(unsigned count)
{
    while (count > 0) {
        unsigned batch = count < 1000 ? count : 1000;
        for (unsigned i = 0; i < batch; i++) {
            struct act act = {.kind = ACT_HOLD, .object = "logins"};
            act_number(&act, "made", ++made);
            assert_true(handover_act(front, &act) != 0);
        }
        assert_int_equal(recorder_step(recorder, clock_boot(), clock_wall(), &error), batch);
        count -= batch;
    }
}

static struct tail *tail(void)
{
    struct tail *f = NULL;
    assert_int_equal(tail_new(log_folder, path, &f, &error), 0);
    return f;
}

/* Tells what there is and returns how many; *first is the first one's number, as record() gave it.
 */
static unsigned tell(struct tail *f, int64_t *first)
{
    unsigned told = 0;
    uint64_t index;
    struct text text;
    if (tail_refresh(f, &error) < 0)
        return 0;
    while (tail_next(f, &index, &text, &error) == 1) {
        struct entry entry;
        assert_int_equal(entry_parse(text, &entry), 0);
        if (told == 0)
            *first = entry.act.number[0].value;
        assert_int_equal(entry.act.number[0].value, *first + told);
        tail_told(f);
        told++;
    }
    return told;
}

static void every_entry_is_told_once_and_in_order(void **state)
{
    (void)state;
    int64_t first = 0;
    struct tail *f = tail();
    record(300);
    assert_int_equal(tell(f, &first), 300);
    assert_int_equal(first, 1);
    assert_string_equal(tail_origin(f), "ecluse.example/log");
    assert_int_equal(tell(f, &first), 0);
    record(7);
    assert_int_equal(tell(f, &first), 7);
    assert_int_equal(first, 301);
    tail_free(f);
}

static void a_restart_goes_on_where_it_was_saved(void **state)
{
    (void)state;
    int64_t first = 0;
    struct tail *f = tail();
    record(20);
    assert_int_equal(tell(f, &first), 20);
    assert_int_equal(tail_save(f, &error), 0);
    record(5);
    assert_int_equal(tell(f, &first), 5); /* and killed before it could be saved */
    tail_free(f);
    f = tail();
    assert_int_equal(tell(f, &first), 5);
    assert_int_equal(first, 21);
    tail_free(f);
}

static void what_was_given_and_not_told_is_given_again(void **state)
{
    (void)state;
    uint64_t index, again;
    struct text text;
    struct tail *f = tail();
    record(2);
    assert_int_equal(tail_refresh(f, &error), 0);
    assert_int_equal(tail_next(f, &index, &text, &error), 1);
    assert_int_equal(tail_next(f, &again, &text, &error), 1);
    assert_int_equal(index, again);
    assert_int_equal(tail_behind(f), 2);
    tail_free(f);
}

static void a_log_that_was_set_aside_is_followed_by_the_next(void **state)
{
    (void)state;
    int64_t first = 0;
    struct tail *f = tail();
    record(20);
    assert_int_equal(tell(f, &first), 20);
    recorder_close(recorder);
    recorder = NULL;
    assert_int_equal(recorder_set_aside(state_folder, clock_wall(), &error), 0);
    assert_int_equal(tell(f, &first), 0);
    assert_int_equal(recorder_open(state_folder, runtime, "ecluse.example/log", &recorder, &error),
                     0);
    record(30); /* longer than the one before: its length alone would not show it */
    assert_int_equal(tell(f, &first), 30);
    assert_int_equal(first, 21);
    tail_free(f);
}

static void a_new_output_begins_with_the_last_thousand(void **state)
{
    (void)state;
    int64_t first = 0;
    record(TAIL_AT_FIRST + 500);
    struct tail *f = tail();
    assert_int_equal(tell(f, &first), TAIL_AT_FIRST);
    assert_int_equal(first, 501);
    tail_free(f);
}

static void a_damaged_cursor_is_no_cursor(void **state)
{
    (void)state;
    struct cursor cursor = {.next = 7, .last = 9, .skipped = 1}, read = {0};
    assert_int_equal(cursor_read(path, &read), -ENOENT);
    assert_int_equal(cursor_write(path, &cursor, &error), 0);
    assert_int_equal(cursor_read(path, &read), 0);
    assert_memory_equal(&cursor, &read, sizeof read);
    int file = open(path, O_WRONLY);
    assert_int_equal(pwrite(file, "8", 1, (off_t)strlen("ecluse-cursor 1 next ")), 1);
    close(file);
    assert_int_equal(cursor_read(path, &read), -EBADMSG);
}

static void what_cannot_be_read_is_skipped_and_counted(void **state)
{
    (void)state;
    int64_t first = 0;
    char bundle[200];
    record(600);
    snprintf(bundle, sizeof bundle, "%s/tile/entries/001", log_folder);
    assert_int_equal(truncate(bundle, 10), 0);
    struct tail *f = tail();
    unsigned told = 0;
    for (unsigned i = 0; i < 2 * TAIL_TRIES; i++)
        told += tell(f, &first);
    assert_int_equal(told, 600 - 256);
    assert_int_equal(tail_skipped(f), 256);
    tail_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_entry_is_told_once_and_in_order, begin, end),
        cmocka_unit_test_setup_teardown(a_restart_goes_on_where_it_was_saved, begin, end),
        cmocka_unit_test_setup_teardown(what_was_given_and_not_told_is_given_again, begin, end),
        cmocka_unit_test_setup_teardown(a_log_that_was_set_aside_is_followed_by_the_next, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_new_output_begins_with_the_last_thousand, begin, end),
        cmocka_unit_test_setup_teardown(a_damaged_cursor_is_no_cursor, begin, end),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_is_skipped_and_counted, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
