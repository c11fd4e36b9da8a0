/* What the guard's processes share, and who ends a listener that is silent. */
#include "files/board.h"
#include "files/note.h"
#include "files/watchdog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW (100 * NANOS_SECOND)

static int begin(void **state)
{
    *state = board_new();
    return *state == NULL;
}

static int end(void **state)
{
    board_free(*state);
    return 0;
}

static void traced(struct board *board, uint64_t tree, const char *path, nanos_t at)
{
    struct trace_act act = {.kind = TRACE_READ, .tree = tree, .user = 1000};
    board_trace(board, &act, text_of(path), at);
}

static void a_trace_is_read_as_it_was_written(void **state)
{
    struct board *board = *state;
    struct trace trace;
    traced(board, 7, "letters/one", NOW);
    assert_true(board_trace_read(board, 1, &trace));
    assert_int_equal(trace.tree, 7);
    assert_int_equal(trace.at, NOW);
    assert_string_equal(trace.path, "letters/one");
    assert_false(board_trace_read(board, 2, &trace));
    assert_false(board_trace_read(board, 0, &trace));
}

static void a_long_path_keeps_its_end(void **state)
{
    struct board *board = *state;
    struct trace trace;
    char path[1024];
    memset(path, 'a', sizeof path);
    strcpy(path + 1000, "/name.txt");
    traced(board, 7, path, NOW);
    assert_true(board_trace_read(board, 1, &trace));
    assert_int_equal(strlen(trace.path), TRACE_PATH_SIZE - 1);
    assert_string_equal(trace.path + strlen(trace.path) - 9, "/name.txt");
}

static void old_traces_give_way_and_are_not_taken_for_new_ones(void **state)
{
    struct board *board = *state;
    struct trace trace;
    for (int i = 0; i < TRACE_COUNT + 1; i++)
        traced(board, (uint64_t)i, "x", NOW);
    assert_false(board_trace_read(board, 1, &trace));
    assert_true(board_trace_read(board, TRACE_COUNT + 1, &trace));
    assert_int_equal(trace.tree, TRACE_COUNT);
    assert_true(board_trace_read(board, 2, &trace));
}

/* A writer that was killed halfway leaves a trace that is none. */
static void half_a_trace_is_none(void **state)
{
    struct board *board = *state;
    struct trace trace;
    traced(board, 7, "whole", NOW);
    atomic_store(&board->trace[1].number, 0);
    assert_false(board_trace_read(board, 1, &trace));
}

/* ---- The watchdog ---------------------------------------------------------------------------- */

static void a_silent_listener_is_ended_after_its_patience(void **state)
{
    (void)state;
    struct seat seat = {.beat = NOW, .pid = 4711};
    assert_int_equal(watchdog_look(&seat, NOW + WATCHDOG_PATIENCE - 1, WATCHDOG_PACE), 0);
    assert_int_equal(watchdog_look(&seat, NOW + WATCHDOG_PATIENCE, WATCHDOG_PACE), 4711);
}

static void where_nobody_sits_nobody_is_ended(void **state)
{
    (void)state;
    struct seat seat = {.beat = 0, .pid = 0};
    assert_int_equal(watchdog_look(&seat, NOW, WATCHDOG_PACE), 0);
}

/* The whole machine stood still: the listener has its turn first. */
static void a_watchdog_that_slept_itself_blames_nobody(void **state)
{
    (void)state;
    struct seat seat = {.beat = NOW, .pid = 4711};
    nanos_t later = NOW + 5 * NANOS_SECOND;
    assert_int_equal(watchdog_look(&seat, later, 5 * NANOS_SECOND), 0);
    assert_int_equal(watchdog_look(&seat, later + WATCHDOG_PACE, WATCHDOG_PACE), 4711);
}

/* ---- Notes ----------------------------------------------------------------------------------- */

static void a_note_comes_whole_or_not_at_all(void **state)
{
    (void)state;
    int pair[2];
    struct note sent = {.kind = NOTE_HELD, .hold = 9}, got;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    memset(sent.text, 'x', sizeof sent.text);
    assert_false(note_take(pair[1], &got));
    assert_int_equal(send(pair[0], &sent, sizeof sent - 1, 0), sizeof sent - 1);
    struct note strange = {.kind = NOTE_KINDS};
    assert_int_equal(send(pair[0], &strange, sizeof strange, 0), sizeof strange);
    note_send(pair[0], &sent);
    assert_true(note_take(pair[1], &got));
    assert_int_equal(got.hold, 9);
    assert_int_equal(strlen(got.text), sizeof got.text - 1);
    assert_false(note_take(pair[1], &got));
    close(pair[0]);
    close(pair[1]);
}

static void nobody_waits_for_who_takes_no_notes(void **state)
{
    (void)state;
    int pair[2];
    struct note note = {.kind = NOTE_LOG};
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    for (int i = 0; i < 100000; i++)
        note_send(pair[0], &note);
    close(pair[1]);
    note_send(pair[0], &note);
    close(pair[0]);
}

static void a_socket_of_a_vault_is_handed_on(void **state)
{
    (void)state;
    int pair[2], vault[2], got = -1;
    char byte = 'v';
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    assert_int_equal(pipe(vault), 0);
    assert_int_equal(note_take_vault(pair[1], &got), -1);
    assert_int_equal(note_give_vault(pair[0], 3, vault[1]), 0);
    assert_int_equal(note_take_vault(pair[1], &got), 3);
    assert_int_equal(write(got, &byte, 1), 1);
    byte = 0;
    assert_int_equal(read(vault[0], &byte, 1), 1);
    assert_int_equal(byte, 'v');
    assert_int_equal(note_give_vault(pair[0], CONTRACT_MAX_SHARES, vault[1]), 0);
    assert_int_equal(note_take_vault(pair[1], &got), -1);
    close(got);
    for (int i = 0; i < 2; i++) {
        close(pair[i]);
        close(vault[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_trace_is_read_as_it_was_written, begin, end),
        cmocka_unit_test_setup_teardown(a_long_path_keeps_its_end, begin, end),
        cmocka_unit_test_setup_teardown(old_traces_give_way_and_are_not_taken_for_new_ones, begin,
                                        end),
        cmocka_unit_test_setup_teardown(half_a_trace_is_none, begin, end),
        cmocka_unit_test(a_silent_listener_is_ended_after_its_patience),
        cmocka_unit_test(where_nobody_sits_nobody_is_ended),
        cmocka_unit_test(a_watchdog_that_slept_itself_blames_nobody),
        cmocka_unit_test(a_note_comes_whole_or_not_at_all),
        cmocka_unit_test(nobody_waits_for_who_takes_no_notes),
        cmocka_unit_test(a_socket_of_a_vault_is_handed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
