/* A process tree keeps its name whatever its processes do to slip away. */
#include "files/process_tree.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define UNUSED(x) (void)(x)

static void names(const char *groups, const char *expected)
{
    char name[TREE_NAME_SIZE] = "";
    assert_true(tree_of_group(text_of(groups), name));
    assert_string_equal(name, expected);
}

static void a_service_is_one_tree_with_all_below_it(void **state)
{
    UNUSED(state);
    names("0::/system.slice/smbd.service\n", "smbd.service");
    names("0::/system.slice/smbd.service/workers/1\n", "smbd.service");
    names("0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope");
    names("0::/system.slice/backup@daily.service (deleted)\n", "backup@daily.service");
}

/* A user may make control groups and units below his own manager as he likes. */
static void what_a_users_own_manager_starts_is_one_tree(void **state)
{
    UNUSED(state);
    names("0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-r7.scope\n",
          "user@1000.service");
    names("0::/user.slice/user-1000.slice/user@1000.service/x/y/z\n", "user@1000.service");
}

static void version_one_of_control_groups_is_read_too(void **state)
{
    UNUSED(state);
    names("9:pids:/\n1:name=systemd:/system.slice/cron.service\n0::/\n", "cron.service");
}

static void a_container_is_a_tree(void **state)
{
    UNUSED(state);
    names("0::/docker/4f2a/inner/made/inside\n", "/docker/4f2a");
    names("0::/lxc.payload.web\n", "/lxc.payload.web");
}

static void the_root_group_names_nothing(void **state)
{
    UNUSED(state);
    char name[TREE_NAME_SIZE] = "kept";
    assert_false(tree_of_group(TEXT("0::/\n"), name));
    assert_false(tree_of_group(TEXT(""), name));
    assert_false(tree_of_group(TEXT("nonsense"), name));
}

static void a_long_name_is_told_from_another_that_begins_the_same(void **state)
{
    UNUSED(state);
    char groups[512] = "0::/system.slice/", one[TREE_NAME_SIZE], other[TREE_NAME_SIZE];
    memset(groups + strlen(groups), 'a', 300);
    strcpy(groups + 320, ".service\n");
    assert_true(tree_of_group(text_of(groups), one));
    groups[310] = 'b';
    assert_true(tree_of_group(text_of(groups), other));
    assert_string_not_equal(one, other);
}

/* ---- Without units --------------------------------------------------------------------------- */

struct world {
    size_t count;
    struct {
        pid_t process, parent;
        uid_t real;
    } process[16];
};

static bool read_world(void *context, pid_t process, struct tree_ancestor *out)
{
    const struct world *w = context;
    for (size_t i = 0; i < w->count; i++)
        if (w->process[i].process == process) {
            *out = (struct tree_ancestor){.parent = w->process[i].parent,
                                          .real = w->process[i].real,
                                          .began = 1000u + (unsigned)process};
            return true;
        }
    return false;
}

/* sshd (10) has a root process for each session (20, 30); below them run shells of user 1000. */
static const struct world sessions = {9,
                                      {{1, 0, 0},
                                       {10, 1, 0},
                                       {20, 10, 0},
                                       {21, 20, 1000},
                                       {22, 21, 1000},
                                       {23, 22, 1000},
                                       {30, 10, 0},
                                       {31, 30, 1000},
                                       {40, 1, 1000}}};

static void below(const struct world *world, pid_t process, const char *expected)
{
    char name[TREE_NAME_SIZE];
    assert_true(tree_of_ancestors(process, read_world, (void *)(uintptr_t)world, name));
    assert_string_equal(name, expected);
}

static void a_fork_per_file_is_the_session_that_began_it(void **state)
{
    UNUSED(state);
    below(&sessions, 21, "1000 below 20/1020");
    below(&sessions, 22, "1000 below 20/1020");
    below(&sessions, 23, "1000 below 20/1020");
    below(&sessions, 31, "1000 below 30/1030");
}

static void whoever_was_disowned_is_in_one_tree_with_all_such_of_his_user(void **state)
{
    UNUSED(state);
    below(&sessions, 40, "1000 below 1");
    below(&sessions, 10, "0 below 1");
    below(&sessions, 20, "0 below 1");
}

static void who_lost_his_parents_has_a_tree_and_who_is_gone_has_none(void **state)
{
    UNUSED(state);
    struct world torn = {1, {{50, 49, 1000}}};
    struct world circle = {2, {{60, 61, 1000}, {61, 60, 1000}}};
    below(&torn, 50, "1000 below 1");
    char name[TREE_NAME_SIZE] = "";
    assert_false(tree_of_ancestors(51, read_world, &torn, name));
    assert_true(tree_of_ancestors(60, read_world, &circle, name)); /* ends */
    assert_true(name[0] != 0);
}

static void only_the_journals_own_units_are_the_journal(void **state)
{
    UNUSED(state);
    assert_true(tree_is_journal("systemd-journald.service"));
    assert_true(tree_is_journal("systemd-journald@tenant.service"));
    assert_false(tree_is_journal("systemd-journald.service.scope"));
    assert_false(tree_is_journal("my-systemd-journald.service"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_service_is_one_tree_with_all_below_it),
        cmocka_unit_test(what_a_users_own_manager_starts_is_one_tree),
        cmocka_unit_test(version_one_of_control_groups_is_read_too),
        cmocka_unit_test(a_container_is_a_tree),
        cmocka_unit_test(the_root_group_names_nothing),
        cmocka_unit_test(a_long_name_is_told_from_another_that_begins_the_same),
        cmocka_unit_test(a_fork_per_file_is_the_session_that_began_it),
        cmocka_unit_test(whoever_was_disowned_is_in_one_tree_with_all_such_of_his_user),
        cmocka_unit_test(who_lost_his_parents_has_a_tree_and_who_is_gone_has_none),
        cmocka_unit_test(only_the_journals_own_units_are_the_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
