#include "access/operator.h"

#include <errno.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char state_folder[64];
static struct operators operators;
static struct error error;
static const int64_t now = 1795183380;

static int begin(void **state)
{
    (void)state;
    strcpy(state_folder, "/tmp/ecluse-access-XXXXXX");
    return mkdtemp(state_folder) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", state_folder);
    return system(command);
}

static int add_ana(void *context, struct operators *all)
{
    (void)context;
    return operator_add(all, TEXT("ana"), ROLE_ADMINISTER, TEXT("correct horse battery"), &error);
}

static char *code_of(const struct operator* operator, char text[7])
{
    snprintf(text, 7, "%06u",
             totp_code(operator->totp, (uint64_t)now / TOTP_STEP_SECONDS) % 1000000);
    return text;
}

static void an_operator_signs_in_with_both_factors_only(void **state)
{
    (void)state;
    struct operator* ana;
    char code[7];
    assert_int_equal(operators_change(state_folder, add_ana, NULL, &error), 0);
    assert_int_equal(operators_load(state_folder, &operators, &error), 0);
    code_of(&operators.operator[0], code);
    assert_false(operator_check(&operators, TEXT("ana"), TEXT("wrong"), text_of(code), now, &ana));
    assert_false(operator_check(&operators, TEXT("ana"), TEXT("correct horse battery"),
                                TEXT("000000"), now + 3000, &ana));
    assert_false(operator_check(&operators, TEXT("bob"), TEXT("correct horse battery"),
                                text_of(code), now, &ana));
    assert_true(operator_check(&operators, TEXT("ana"), TEXT("correct horse battery"),
                               text_of(code), now, &ana));
    assert_int_equal(ana->role, ROLE_ADMINISTER);
    assert_false(operator_check(&operators, TEXT("ana"), TEXT("correct horse battery"),
                                text_of(code), now, &ana));
}

static void the_file_is_private_and_keeps_no_password(void **state)
{
    (void)state;
    char command[200], path[128];
    struct stat about;
    operators_change(state_folder, add_ana, NULL, &error);
    snprintf(path, sizeof path, "%s/access/operators", state_folder);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    snprintf(command, sizeof command, "grep -q horse %s", path);
    assert_int_not_equal(system(command), 0);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(operators_load(state_folder, &operators, &error), -EPERM);
}

static void a_change_that_fails_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(operators_change(state_folder, add_ana, NULL, &error), 0);
    assert_int_equal(operators_change(state_folder, add_ana, NULL, &error), -EEXIST);
    assert_int_equal(operators_load(state_folder, &operators, &error), 0);
    assert_int_equal(operators.count, 1);
}

static void names_and_passwords_that_are_not_allowed_say_so(void **state)
{
    (void)state;
    operators.count = 0;
    assert_int_equal(
        operator_add(&operators, TEXT(""), ROLE_SEE, TEXT("correct horse battery"), &error),
        -EINVAL);
    assert_int_equal(
        operator_add(&operators, TEXT("a b"), ROLE_SEE, TEXT("correct horse battery"), &error),
        -EINVAL);
    assert_int_equal(operator_add(&operators, TEXT("bob"), ROLE_SEE, TEXT("short"), &error),
                     -EINVAL);
    assert_int_equal(
        operator_add(&operators, TEXT("bob"), ROLE_SEE, TEXT("i am bob of the post"), &error),
        -EINVAL);
    assert_int_equal(operators.count, 0);
}

static void a_file_that_was_spoilt_names_the_line(void **state)
{
    (void)state;
    char command[200];
    operators_change(state_folder, add_ana, NULL, &error);
    snprintf(command, sizeof command, "echo nonsense >> %s/access/operators", state_folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(operators_load(state_folder, &operators, &error), -EBADMSG);
    assert_non_null(strstr(error.text, "operators:2:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_operator_signs_in_with_both_factors_only, begin, end),
        cmocka_unit_test_setup_teardown(the_file_is_private_and_keeps_no_password, begin, end),
        cmocka_unit_test_setup_teardown(a_change_that_fails_changes_nothing, begin, end),
        cmocka_unit_test(names_and_passwords_that_are_not_allowed_say_so),
        cmocka_unit_test_setup_teardown(a_file_that_was_spoilt_names_the_line, begin, end),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
