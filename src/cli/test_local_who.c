/* Who is charged for files, as people name them. */
#include "cli/local_who.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void reads(const char *typed, const char *wanted)
{
    struct principal p;
    char text[PRINCIPAL_TEXT_SIZE];
    if (!local_who_read(typed, &p))
        fail_msg("%s is not read", typed);
    assert_string_equal(principal_text(&p, text), wanted);
}

static void users_are_asked_for_by_name_or_number(void **state)
{
    (void)state;
    reads("user root", "user 0");
    reads("user 12345", "user 12345");
    reads("12345", "user 12345");
    reads("user 0012", "user 12");
    reads("share exchange", "share exchange");
    reads("process cron.service", "process cron.service");
}

static void what_else_is_typed_is_no_user(void **state)
{
    (void)state;
    static const char *const others[] = {"root", "user ", "user no-such-account", "", "-1",
                                         "198.51.100.7", "4294967295", "99999999999", "process ",
                                         "share"};
    struct principal p;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (local_who_read(others[i], &p))
            fail_msg("`%s` was read", others[i]);
}

static void a_user_has_a_name_where_the_machine_knows_it(void **state)
{
    (void)state;
    struct principal p;
    char text[LOCAL_WHO_SIZE];
    assert_true(local_who_read("user 0", &p));
    assert_string_equal(local_who_text(&p, text), "user root (0)");
    assert_true(local_who_read("user 61999", &p));
    assert_string_equal(local_who_text(&p, text), "user 61999");
    p = principal_everyone();
    assert_string_equal(local_who_text(&p, text), "everyone");
}

static void a_held_tree_is_named_by_its_evidence(void **state)
{
    (void)state;
    static struct contract contract;
    static struct situation situation = {.contract = &contract};
    static const char tree[] = "user@1000.service/app.slice";
    char folder[] = "/tmp/ecluse-who-XXXXXX", path[64], command[64], text[LOCAL_WHO_SIZE];
    struct hold hold = {.id = 47,
                        .guard = GUARD_FILES,
                        .principal = principal_named(PRINCIPAL_PROCESS, text_of(tree))};
    assert_non_null(mkdtemp(folder));
    snprintf(contract.state, sizeof contract.state, "%s", folder);
    local_who_held(&situation, &hold, text); /* no evidence: a hash */
    assert_non_null(strstr(text, "..."));
    snprintf(path, sizeof path, "%s/evidence", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/evidence/hold-2f-files.jsonl", folder);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fprintf(out, "{\"hold\": \"hold-2f-files\", \"tree\": \"%s\", \"user\": 0}\n", tree);
    fclose(out);
    assert_string_equal(local_who_held(&situation, &hold, text),
                        "process user@1000.service/app.slice of root (0)");
    hold.guard = GUARD_FRONT; /* another guard's number */
    assert_non_null(strstr(local_who_held(&situation, &hold, text), "..."));
    snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_are_asked_for_by_name_or_number),
        cmocka_unit_test(what_else_is_typed_is_no_user),
        cmocka_unit_test(a_user_has_a_name_where_the_machine_knows_it),
        cmocka_unit_test(a_held_tree_is_named_by_its_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
