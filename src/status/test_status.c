/* What is said of guards that do not count. */
#include "status/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct contract contract;

static struct situation of_a_contract(void)
{
    memset(&contract, 0, sizeof contract);
    contract.network.present = true;
    strcpy(contract.network.interface, "lan0");
    return (struct situation){.contract = &contract,
                              .supervised = true,
                              .now = {.boot = 100 * NANOS_SECOND,
                                      .wall = INT64_C(1795183380) * NANOS_SECOND}};
}

static void says(enum guard guard, const struct bulletin *bulletin, nanos_t since,
                 const char *wanted, const char *unwanted)
{
    static struct guard_look look;
    char text[GUARD_GONE_SIZE];
    const struct situation s = of_a_contract();
    look.since = since;
    guard_gone_text(&s, bulletin, guard, &look, text);
    if (!strstr(text, wanted) || strstr(text, unwanted))
        print_error("%s\n", text);
    assert_non_null(strstr(text, wanted));
    assert_null(strstr(text, unwanted));
}

static void the_kernel_goes_on_only_with_what_was_put_there(void **state)
{
    (void)state;
    static struct bulletin there, missing = {.interface_missing = true};
    const nanos_t before = 40 * NANOS_SECOND;
    says(GUARD_EGRESS, &there, before, "is down since ", "has not started");
    says(GUARD_EGRESS, &there, before, "the kernel goes on", "nothing is counted");
    says(GUARD_EGRESS, NULL, 0, "has not started: nothing is counted or stopped, unless",
         "goes on");
    says(GUARD_EGRESS, &missing, before, "there is no interface \"lan0\"", "goes on");
    says(GUARD_FRONT, &missing, 0, "the guard front has not started: no nginx worker", "lan0");
}

static void without_run_nothing_limits_what_is_done_on_shares(void **state)
{
    (void)state;
    of_a_contract();
    assert_string_equal(supervisor_gone(&contract), "guards go on with what they last had");
    contract.share_count = 1;
    assert_non_null(strstr(supervisor_gone(&contract), "but for files: shares are read"));
    contract.network.present = false;
    assert_string_equal(supervisor_gone(&contract), "shares are read and written without a limit");
}

static void one_process_is_one_and_none_are_several(void **state)
{
    (void)state;
    assert_string_equal(guard_processes_name(GUARD_FILES, 1), "process");
    assert_string_equal(guard_processes_name(GUARD_FILES, 0), "processes");
    assert_string_equal(guard_processes_name(GUARD_FRONT, 2), "nginx workers");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernel_goes_on_only_with_what_was_put_there),
        cmocka_unit_test(without_run_nothing_limits_what_is_done_on_shares),
        cmocka_unit_test(one_process_is_one_and_none_are_several),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
