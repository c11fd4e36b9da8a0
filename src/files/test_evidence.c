/* Which files a hold is about: all of them, nobody else's, and no longer than they may be kept. */
#include "files/evidence.h"

#include "budget/test_room.h"

#include <fcntl.h>
#include <sys/stat.h>

#define WALL (1700000000 * NANOS_SECOND)

struct stage {
    struct room *room;
    struct board *board;
    struct evidence evidence;
    char reason[REWRITE_TEXT_SIZE];
    char lines[64][1024];
    unsigned count;
};

static int begin(void **state)
{
    struct stage *s = calloc(1, sizeof *s);
    char path[256];
    s->room = room_new();
    s->board = board_new();
    s->room->contract->share_count = 1;
    snprintf(s->room->contract->share[0].name, CONTRACT_NAME_SIZE, "exchange");
    snprintf(path, sizeof path, "%s/evidence", s->room->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    nanos_t now = s->room->moment.boot;
    s->evidence = (struct evidence){.hold = 47,
                                    .budget = "share \"sweep\"",
                                    .tree = "session-3.scope",
                                    .kind = PRINCIPAL_USER,
                                    .user = 1000,
                                    .tree_id = 7,
                                    .from = now - NANOS_HOUR,
                                    .until = now,
                                    .wall = WALL,
                                    .boot = now};
    *state = s;
    return 0;
}

static int end(void **state)
{
    struct stage *s = *state;
    board_free(s->board);
    room_free(s->room);
    free(s);
    return 0;
}

static void trace(struct stage *s, enum trace_kind kind, uint32_t user, uint64_t tree,
                  const char *path, nanos_t before)
{
    struct rewrite_figures figures = {.verdict = REWRITE_COUNTS,
                                      .ground = REWRITE_TYPE_LOST,
                                      .entropy_before = 3100,
                                      .entropy_after = 7990,
                                      .changed = 1};
    struct trace_act act = {.kind = kind, .user = user, .tree = tree, .figures = &figures};
    board_trace(s->board, &act, text_of(path), s->room->moment.boot - before);
}

static long written(struct stage *s)
{
    return files_evidence_write(s->room->folder, s->room->contract, s->board, &s->evidence,
                                s->reason);
}

static void keep(void *context, const char *text, size_t length)
{
    struct stage *s = context;
    snprintf(s->lines[s->count++ % 64], 1024, "%.*s", (int)length, text);
}

static long read_back(struct stage *s)
{
    s->count = 0;
    return files_evidence_read(s->room->folder, "hold-2f-files", keep, s);
}

static void it_names_what_that_user_touched_and_nobody_elses_files(void **state)
{
    struct stage *s = *state;
    trace(s, TRACE_READ, 1000, 7, "mine", NANOS_MINUTE);
    trace(s, TRACE_READ, 1001, 8, "another's", NANOS_MINUTE);
    trace(s, TRACE_READ, 1000, 7, "long ago", 2 * NANOS_HOUR);
    assert_int_equal(written(s), 1);
    assert_int_equal(read_back(s), 2);
    assert_non_null(strstr(s->lines[0], "\"budget\": \"share \\\"sweep\\\"\""));
    assert_non_null(strstr(s->lines[1], "\"path\": \"mine\""));
    assert_non_null(strstr(s->lines[1], "\"at\": \"2023-11-14T22:12:20Z\""));
    assert_string_equal(s->reason, "");
}

static void of_a_process_tree_it_names_what_the_tree_touched(void **state)
{
    struct stage *s = *state;
    s->evidence.kind = PRINCIPAL_PROCESS;
    trace(s, TRACE_READ, 1000, 7, "a", NANOS_MINUTE);
    trace(s, TRACE_READ, 1000, 9, "other session", NANOS_MINUTE);
    assert_int_equal(written(s), 1);
}

static void what_was_rewritten_gives_the_reason_in_figures(void **state)
{
    struct stage *s = *state;
    for (int i = 0; i < 5; i++)
        trace(s, TRACE_REWRITTEN, 1000, 7, "x", NANOS_MINUTE);
    assert_int_equal(written(s), 5);
    assert_non_null(strstr(s->reason, "5 of 5 files rewritten"));
    read_back(s);
    assert_non_null(strstr(s->lines[1], "\"ground\": \"type_lost\", \"entropy\": [3.100, 7.990]"));
}

static void any_name_is_json(void **state)
{
    struct stage *s = *state;
    trace(s, TRACE_READ, 1000, 7, "\xff\"\n\\ caf\xc3\xa9 \x01", NANOS_MINUTE);
    assert_int_equal(written(s), 1);
    read_back(s);
    assert_non_null(strstr(s->lines[1], "\"path\": \"?\\\"\\u000a\\\\ caf\xc3\xa9 \\u0001\""));
}

static void only_its_owner_may_read_it(void **state)
{
    struct stage *s = *state;
    char path[256];
    struct stat status;
    written(s);
    snprintf(path, sizeof path, "%s/evidence/hold-2f-files.jsonl", s->room->folder);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void a_name_that_leads_elsewhere_is_no_hold(void **state)
{
    struct stage *s = *state;
    assert_int_equal(files_evidence_read(s->room->folder, "../../etc/passwd", keep, s), -EINVAL);
    assert_int_equal(files_evidence_read(s->room->folder, "hold-99-files", keep, s), -ENOENT);
}

static bool is_there(const struct stage *s)
{
    char path[256];
    snprintf(path, sizeof path, "%s/evidence/hold-2f-files.jsonl", s->room->folder);
    return access(path, F_OK) == 0;
}

static void it_is_erased_when_its_time_is_over(void **state)
{
    struct stage *s = *state;
    struct error error;
    assert_int_equal(
        budget_create(s->room->contract, GUARD_FILES, &s->room->sizes, s->room->moment, -1, &error),
        0);
    assert_int_equal(budget_open(s->room->contract, GUARD_FILES, true, &s->room->b, &error), 0);
    written(s);
    nanos_t now = clock_wall();
    files_evidence_expire(s->room->folder, s->room->b, NANOS_DAY, s->room->moment.boot, now);
    assert_true(is_there(s));
    files_evidence_expire(s->room->folder, s->room->b, NANOS_DAY, s->room->moment.boot,
                          now + 2 * NANOS_DAY);
    assert_false(is_there(s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_names_what_that_user_touched_and_nobody_elses_files,
                                        begin, end),
        cmocka_unit_test_setup_teardown(of_a_process_tree_it_names_what_the_tree_touched, begin,
                                        end),
        cmocka_unit_test_setup_teardown(what_was_rewritten_gives_the_reason_in_figures, begin, end),
        cmocka_unit_test_setup_teardown(any_name_is_json, begin, end),
        cmocka_unit_test_setup_teardown(only_its_owner_may_read_it, begin, end),
        cmocka_unit_test_setup_teardown(a_name_that_leads_elsewhere_is_no_hold, begin, end),
        cmocka_unit_test_setup_teardown(it_is_erased_when_its_time_is_over, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
