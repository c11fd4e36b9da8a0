/* Which files a hold is about: counted by file, however often each was touched. */
#include "cli/evidence_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HOLD 47 /* hold-2f-files */

static struct contract contract;
static struct situation situation = {.contract = &contract};

static void add(FILE *out, const char *act, const char *ground, const char *path)
{
    fprintf(out,
            "{\"at\": \"2026-11-22T14:03:00Z\", \"act\": \"%s\", \"user\": 1000, \"share\": "
            "\"exchange\", \"path\": \"%s\"%s%s%s}\n",
            act, path, ground ? ", \"ground\": \"" : "", ground ? ground : "", ground ? "\"" : "");
}

/* Five files: four read, opened and destroyed, one of these twice, and one that was saved. */
static int begin(void **state)
{
    static char folder[CONTRACT_PATH_SIZE];
    char path[CONTRACT_PATH_SIZE + 64], file[16];
    snprintf(folder, sizeof folder, "/tmp/ecluse-evidence-XXXXXX");
    assert_non_null(mkdtemp(folder));
    memset(&contract, 0, sizeof contract);
    snprintf(contract.state, sizeof contract.state, "%s", folder);
    contract.share_count = 1;
    snprintf(contract.share[0].name, CONTRACT_NAME_SIZE, "exchange");
    contract.budget_count = 1;
    struct budget_rule *rule = &contract.budget[0];
    *rule = (struct budget_rule){.meter = METER_FILES_REWRITTEN, .share = -1, .window_count = 1};
    snprintf(rule->name, sizeof rule->name, "mass rewrite");
    rule->window[0] = (struct window){.span = NANOS_MINUTE, .limit = 3};
    snprintf(path, sizeof path, "%s/evidence", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/evidence/hold-2f-files.jsonl", folder);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs("{\"hold\": \"hold-2f-files\", \"budget\": \"mass rewrite\", "
          "\"tree\": \"session-3.scope\", \"user\": 1000, \"files\": 14, "
          "\"reason\": \"5 of 6 files rewritten in 1 s\"}\n",
          out);
    for (int i = 0; i < 4; i++) {
        snprintf(file, sizeof file, "letter %d", i);
        add(out, "read", NULL, file);
        add(out, "opened for writing", NULL, file);
        add(out, "rewritten", "emptied", file);
    }
    add(out, "rewritten", "emptied", "letter 0");
    add(out, "rewritten", "kept", "saved");
    fclose(out);
    *state = folder;
    return 0;
}

static int end(void **state)
{
    char command[CONTRACT_PATH_SIZE + 16];
    snprintf(command, sizeof command, "rm -rf %s", (const char *)*state);
    return system(command);
}

/* What is printed for people. */
static const char *printed(void)
{
    static char text[8192];
    fflush(stdout);
    int before = dup(STDOUT_FILENO);
    FILE *taken = tmpfile();
    assert_true(before >= 0 && taken != NULL);
    dup2(fileno(taken), STDOUT_FILENO);
    evidence_files_print(&situation, HOLD);
    fflush(stdout);
    dup2(before, STDOUT_FILENO);
    close(before);
    rewind(taken);
    text[fread(text, 1, sizeof text - 1, taken)] = 0;
    fclose(taken);
    return text;
}

static void what_was_done_to_one_file_three_times_is_one_file(void **state)
{
    (void)state;
    const char *text = printed();
    assert_non_null(strstr(text, "\n5 files (read, opened or rewritten 14 times), by the process"));
    json_t *told = evidence_files_json(&situation, HOLD);
    assert_int_equal(json_integer_value(json_object_get(told, "files")), 5);
    assert_int_equal(json_integer_value(json_object_get(told, "acts")), 14);
    assert_int_equal(json_array_size(json_object_get(told, "list")), 14);
    json_decref(told);
}

static void what_went_past_the_limit_is_said(void **state)
{
    (void)state;
    assert_non_null(strstr(printed(), "\n1 more than the 3 allowed: a rewrite is judged when"));
    contract.budget[0].window[0].limit = 4; /* what was saved was not destroyed */
    assert_null(strstr(printed(), "more than"));
    contract.budget[0].window[0].limit = 3;
    contract.budget[0].window_count = 2; /* which window each file fell into is not known */
    assert_null(strstr(printed(), "more than"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_done_to_one_file_three_times_is_one_file, begin,
                                        end),
        cmocka_unit_test_setup_teardown(what_went_past_the_limit_is_said, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
