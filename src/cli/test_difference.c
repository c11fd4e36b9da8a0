/* What loosens is told from what tightens, in a sentence that fits an entry. */
#include "cli/difference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char base[] =
    "ecluse: 1\n"
    "organisation: {name: Poste, languages: [fr]}\n"
    "state: /tmp/s\nruntime: /tmp/r\n"
    "trusted_proxies: [10.0.0.1]\n"
    "protected:\n  - {name: depots, from: [10.20.0.0/16]}\n"
    "routes:\n  - {name: login, match: \"POST /connexion\"}\n"
    "promises:\n  - {name: answers, route: tracking, success: 99%, within: 300ms, over: 5m}\n"
    "budgets:\n"
    "  - {name: logins, meter: requests, per: client, where: {route: login}, "
    "at_most: {10s: 5, 1h: 60}, over: hold, hold_for: 10m}\n";

static struct contract *parsed(const char *from, const char *to)
{
    char yaml[4096];
    const char *at = strstr(base, from);
    assert_non_null(at);
    snprintf(yaml, sizeof yaml, "%.*s%s%s", (int)(at - base), base, to, at + strlen(from));
    struct contract *c = calloc(1, sizeof *c);
    struct problems problems = {0};
    if (contract_parse(yaml, strlen(yaml), c, &problems) != 0)
        fail_msg("%s", problems.count ? problems.problem[0].text : "?");
    return c;
}

static struct difference of(const char *from, const char *to)
{
    struct contract *before = parsed("", ""), *after = parsed(from, to);
    struct difference difference;
    contract_difference(before, after, &difference);
    free(before);
    free(after);
    return difference;
}

static void what_allows_more_loosens(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *told;
    } cases[] = {
        {"10s: 5", "10s: 6", "logins: 5 -> 6 in 10 s"},
        {"10s: 5, ", "", "logins: no limit over 10 s any more"},
        {"hold_for: 10m", "hold_for: 5m", "held for 600 s -> 300 s"},
        {"over: hold, hold_for: 10m", "over: slow", "over it, slow"},
        {"hold_for: 10m", "hold_for: 10m, mode: observe", "logins: observe"},
        {"per: client", "per: network", "counts something else"},
        {"10.20.0.0/16", "10.0.0.0/8", "protected depots: wider"},
        {"10.20.0.0/16", "10.20.0.0/16, 192.0.2.0/24", "protected depots: wider"},
        {"[10.0.0.1]", "[10.0.0.0/24]", "trusted_proxies: wider"},
        {"POST /connexion", "POST /login", "route login: matches otherwise"},
        {"ecluse: 1\n", "ecluse: 1\nmode: observe\n", "mode: observe"},
        {"ecluse: 1\n", "ecluse: 1\nkeep: {holds: 10d}\n", "keep.holds"},
        {"ecluse: 1\n", "ecluse: 1\npasses: {rotate: 30d}\n", "passes.rotate: 30 d"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct difference d = of(cases[i].from, cases[i].to);
        if (!d.loosens || strncmp(d.text, "loosens ", 8) != 0 || !strstr(d.text, cases[i].told))
            fail_msg("%s -> %s: %s", cases[i].from, cases[i].to, d.text);
    }
}

static void what_allows_less_or_only_promises_does_not(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *told;
    } cases[] = {
        {"10s: 5", "10s: 4", "tightens 1: logins: 5 -> 4 in 10 s"},
        {"1h: 60", "1h: 60, 1d: 100", "logins: 100 in 86400 s"},
        {"hold_for: 10m", "hold_for: 20m", "tightens 1"},
        {"10.20.0.0/16", "10.20.1.0/24", "protected depots: narrower"},
        {"ecluse: 1\n", "ecluse: 1\npasses: {rotate: 1d}\n", "tightens 1: passes.rotate: 1 d"},
        {"ecluse: 1\n", "ecluse: 1\npasses: {keys: /k}\n", "changes 1: passes.keys: another file"},
        {"success: 99%", "success: 98%", "changes 1: promise answers: changed"},
        {"organisation: {name: Poste", "organisation: {name: Post", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct difference d = of(cases[i].from, cases[i].to);
        if (d.loosens || !strstr(d.text, cases[i].told))
            fail_msg("%s -> %s: %s", cases[i].from, cases[i].to, d.text);
    }
}

static void a_removed_budget_loosens_and_an_added_one_tightens(void **state)
{
    (void)state;
    struct contract *without = parsed("", ""), *with = parsed("", "");
    struct difference d;
    without->budget_count = 0;
    contract_difference(with, without, &d);
    assert_true(d.loosens);
    assert_non_null(strstr(d.text, "logins: removed"));
    contract_difference(without, with, &d);
    assert_false(d.loosens);
    assert_string_equal(d.text, "tightens 1: logins: added");
    free(without);
    free(with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_allows_more_loosens),
        cmocka_unit_test(what_allows_less_or_only_promises_does_not),
        cmocka_unit_test(a_removed_budget_loosens_and_an_added_one_tightens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
