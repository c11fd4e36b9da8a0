/* Why a hold began, in words. */
#include "cli/hold_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct contract contract;
static struct situation situation;
static struct hold hold;

static int begin(void **state)
{
    (void)state;
    memset(&contract, 0, sizeof contract);
    contract.mode = MODE_ENFORCE;
    contract.budget_count = 1;
    struct budget_rule *rule = &contract.budget[0];
    snprintf(rule->name, sizeof rule->name, "logins");
    rule->meter = METER_REQUESTS;
    rule->mode = MODE_ENFORCE;
    rule->line = 9;
    rule->window_count = 1;
    rule->window[0].span = 10 * NANOS_SECOND;
    situation = (struct situation){.contract = &contract,
                                   .now = {.boot = NANOS_HOUR, .wall = 400 * NANOS_DAY}};
    hold = (struct hold){.id = 47,
                         .guard = GUARD_FRONT,
                         .used = 5,
                         .limit = 5,
                         .refused = 3,
                         .since = NANOS_HOUR - NANOS_MINUTE,
                         .until = NANOS_HOUR + NANOS_MINUTE};
    return 0;
}

static void says(const char *words, bool wanted)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    hold_text(&situation, &hold, out);
    assert_int_equal(fclose(out), 0);
    if (!strstr(text, words) == wanted)
        print_error("%s: %s\n", words, text);
    assert_true((strstr(text, words) != NULL) == wanted);
    free(text);
}

static void at_the_limit_it_is_the_next_that_was_over(void **state)
{
    (void)state;
    says("5 requests in 10 s, and the next was over; at most 5 are allowed (line 9", true);
    says("refused 3 times since", true);
    says("Undo:   ecluse release hold-2f-front", true);
    hold.used = 6;
    says("6 requests in 10 s; at most 5 are allowed", true);
}

static void what_was_only_noticed_is_not_said_to_be_held(void **state)
{
    (void)state;
    hold.observed = true;
    says(" would have been held by the budget", true);
    says("would have been refused 3 times since", true);
    says("only observes", false); /* by now it enforces */
    says("Nothing is held: begun in a panic, or while this budget only observed; by now", true);
    says("ecluse release", false);
    contract.budget[0].mode = MODE_OBSERVE;
    says("Nothing is held: this budget only observes.", true);
}

static void a_budget_that_is_gone_is_named_no_more(void **state)
{
    (void)state;
    hold.budget = -1;
    says("is held by a budget that is no longer in the contract", true);
    says("Reason", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(at_the_limit_it_is_the_next_that_was_over, begin),
        cmocka_unit_test_setup(what_was_only_noticed_is_not_said_to_be_held, begin),
        cmocka_unit_test_setup(a_budget_that_is_gone_is_named_no_more, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
