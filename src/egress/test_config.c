/* From a contract to what the kernel's program reads. */
#include "egress/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct contract contract;
static struct egress_config config, other;

#define NETWORK                                                                                    \
    "ecluse: 1\nnetwork: {inside: [10.1.0.0/16], interface: lan0, destinations: {partners: "       \
    "[203.0.113.0/24]}}\nbudgets:\n"
#define BUDGET(name, more)                                                                         \
    "- {name: " name ", meter: bytes_out, " more ", at_most: {1d: 1GB}, over: hold, hold_for: "    \
                                                 "1h}\n"
#define BOTH                                                                                       \
    BUDGET("a", "per: host, where: {to: unlisted}") BUDGET("b", "per: host, where: {to: "          \
                                                                "partners}")

static int make(const char *yaml, struct egress_config *out, struct error *error)
{
    struct problems problems = {NULL, 0};
    memset(&contract, 0, sizeof contract);
    int code = contract_parse(yaml, strlen(yaml), &contract, &problems);
    if (code < 0)
        print_message("%s\n", problems.count ? problems.problem[0].text : "?");
    assert_int_equal(code, 0);
    problems_free(&problems);
    return config_make(&contract, true, out, error);
}

static const struct egress_list *list(unsigned class, unsigned by)
{
    return &config.settings.applies[class * BY_COUNT + by];
}

static void each_class_has_the_budgets_that_name_it(void **state)
{
    (void)state;
    struct error error;
    assert_int_equal(make(NETWORK BOTH BUDGET("c", "per: everyone")
                              BUDGET("d", "per: host, where: {to: partners}, begun: outside"),
                          &config, &error),
                     0);
    assert_int_equal(list(CLASS_UNLISTED, BY_INSIDE)->count, 2);
    assert_int_equal(list(CLASS_UNLISTED, BY_INSIDE)->index[0], 0);
    assert_int_equal(list(CLASS_UNLISTED, BY_INSIDE)->index[1], 2);
    assert_int_equal(list(CLASS_UNLISTED, BY_OUTSIDE)->count, 0);
    assert_int_equal(list(CLASS_FIRST, BY_INSIDE)->count, 2);
    assert_int_equal(list(CLASS_FIRST, BY_OUTSIDE)->count, 1);
    assert_int_equal(list(CLASS_FIRST, BY_OUTSIDE)->index[0], 3);
    assert_int_equal(list(CLASS_INSIDE, BY_INSIDE)->count, 0);
    assert_int_equal(config.settings.rule[2].per, PER_EVERYONE);
    assert_int_equal(config.settings.enforced, 15);
}

static void only_a_change_that_the_program_sees_changes_the_digest(void **state)
{
    (void)state;
    struct error error;
    assert_int_equal(make(NETWORK BOTH, &config, &error), 0);
    assert_int_equal(make("mode: observe\n" NETWORK BOTH, &other, &error), 0);
    assert_true(config.settings.digest == other.settings.digest);
    assert_int_equal(other.settings.enforced, 0);
    assert_int_equal(make(NETWORK BOTH BUDGET("c", "per: pair"), &other, &error), 0);
    assert_true(config.settings.digest != other.settings.digest);
    assert_true(other.settings.pairs);
}

static void more_budgets_than_a_packet_can_be_charged_to_are_an_error(void **state)
{
    (void)state;
    struct error error = {""};
    assert_int_equal(make(NETWORK BOTH, &config, &error), 0);
    for (unsigned i = 0; i < EGRESS_CHARGES; i++) { /* the checker would not let it through */
        struct budget_rule *rule = &contract.budget[contract.budget_count++];
        *rule = contract.budget[1];
        snprintf(rule->name, sizeof rule->name, "more%u", i);
    }
    assert_int_equal(config_make(&contract, LINK_HOSTS, &config, &error), -E2BIG);
    assert_non_null(strstr(error.text, "budget \"more7\""));
    assert_non_null(strstr(error.text, "allowed: up to 8"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_class_has_the_budgets_that_name_it),
        cmocka_unit_test(only_a_change_that_the_program_sees_changes_the_digest),
        cmocka_unit_test(more_budgets_than_a_packet_can_be_charged_to_are_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
