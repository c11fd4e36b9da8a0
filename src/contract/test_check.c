/* The rules that span fields: what each refuses, where it says so, and what it lets through. */
#include "contract/test_yaml.h"

#define NETWORK "ecluse: 1\nnetwork: {inside: [10.1.0.0/16], interface: lan0}\n"
#define BUDGETS "ecluse: 1\nbudgets:\n"
/* A contract that promises tracking, and one budget on line 3. */
#define PROMISED                                                                                   \
    "ecluse: 1\npromises: [{name: answers, route: tracking, success: 99%, within: 300ms, over: "   \
    "5m}]\nbudgets: "
#define UNLISTED(more)                                                                             \
    "{name: b, meter: bytes_out, per: host, at_most: {1d: 1GB}, over: hold, hold_for: 1h" more "}"

static void a_contract_with_many_mistakes_has_all_of_them_reported(void **state)
{
    UNUSED(state);
    static const char yaml[] =
        "ecluse: 1\n"
        "organisation: {name: P, languages: [fr, es]}\n"
        "mode: enforced\n"
        "tracking: {formats: [s10, colisimo], stale_after: 24}\n"
        "network:\n"
        "  inside: [10.1.2.0/16]\n"
        "  interface: lan0\n"
        "  destinations: {partners: [203.0.113.0/24]}\n"
        "promises: [{name: a, route: traking, success: 99%, within: 1s, over: 5m}]\n"
        "budget: []\n"
        "budgets:\n"
        "  - {name: a, meter: requets, per: client, at_most: {10s: 5}, over: slow}\n"
        "  - name: b\n"
        "    meter: bytes_out\n"
        "    per: client\n"
        "    where: {to: unlisted}\n"
        "    at_most: {30d: 300MB, 1h: 200Mb, 1d: 500MB}\n"
        "    over: hold\n"
        "  - {name: b, meter: requests, per: usr, at_most: {5 s: 5}, over: slow, hold_for: 1h}\n";
    static const struct expected expected[] = {
        {2, 41, "unknown language `es`; allowed"},
        {3, 7, "did you mean `enforce`?"},
        {4, 27, "`colisimo` is not a format"},
        {4, 51, "`24` is not a duration"},
        {6, 12, "did you mean 10.1.0.0/16?"},
        {8, 18, "no budget limits what may leave to `partners`"},
        {9, 29, "no route `traking`; did you mean `tracking`?"},
        {10, 1, "unknown key `budget` in the contract; did you mean `budgets`?"},
        {12, 22, "unknown meter `requets`; did you mean `requests`?"},
        {15, 10, "not counted per client; allowed: host, pair, everyone"},
        {17, 20, "windows out of order: 300MB over 30d is less than 500MB over 1d"},
        {17, 31, "`200Mb` ends in `b`, which is bits"},
        {18, 11, "needs `hold_for`"},
        {19, 12, "the name `b` is taken by the budget on line 13"},
        {19, 37, "unknown principal `usr`; did you mean `user`?"},
        {19, 52, "`5 s` is not a duration"},
        {19, 83, "`hold_for` is for `over: hold` only"},
    };
    refuses_all(yaml, sizeof yaml - 1, expected, sizeof expected / sizeof *expected);
}

static void a_hold_without_a_length_is_told_what_else_is_wrong_with_it(void **state)
{
    UNUSED(state);
    static const char yaml[] =
        PROMISED "[{name: b, meter: requests, per: everyone, at_most: {1h: 5}, over: hold}]\n";
    static const struct expected expected[] = {{3, 77, "needs `hold_for`"},
                                               {3, 77, "could break the promise `answers`"}};
    refuses_all(yaml, sizeof yaml - 1, expected, 2);
}

static void a_key_is_told_where_it_belongs(void **state)
{
    UNUSED(state);
    refuses(
        BUDGETS
        "- {name: a, meter: requests, per: client, route: home, at_most: {10s: 5}, over: slow}\n",
        3, 43, "it belongs in `budgets[].where`");
    refuses("ecluse: 1\ntracking: {formats: [s10], promises: []}\n", 2, 28,
            "it belongs at the top of the contract");
    refuses("ecluse: 1\nzzzzzz: 1\n", 2, 1, "in the contract; allowed: ecluse, organisation");
}

static void what_is_required_is_missed(void **state)
{
    UNUSED(state);
    refuses("mode: enforce\n", 1, 1, "the contract lacks `ecluse`");
    refuses("ecluse: 2\n", 1, 9, "form `ecluse: 1`");
    refuses("ecluse: 1\ntracking: {stale_after: 1d}\n", 2, 11, "`tracking` lacks `formats`");
    refuses("ecluse: 1\ntracking:\n", 2, 10, "`tracking` has nothing here; it takes a map");
    refuses("ecluse: 1\ntrusted_proxies: 192.0.2.1\n", 2, 18, "it takes a list");
    refuses("ecluse: 1\nbudgets: [x]\n", 2, 11, "each entry of `budgets` is a map");
    refuses("ecluse: 1\nkeep: {holds: 1m}\n", 2, 15, "allowed: 1h to 3660d");
    refuses(
        "ecluse: 1\nstate: trial/state\n", 2, 8,
        "`state` cannot be `trial/state`; it takes an absolute path of at most 255 bytes, without "
        "`..` or `//`, such as /var/lib/ecluse");
    refuses("ecluse: 1\naudit: {origin: 'a b'}\n", 2, 17, "without spaces and `+`");
    refuses("ecluse: 1\naudit: {witnesses: [{name: a, url: 'ftp://b', key: a+00000000+AA==}]}\n", 2,
            36, "https:// or http://");
    refuses("ecluse: 1\naudit: {witnesses: [{name: a, url: 'http://b', key: a+0+AA==}]}\n", 2, 53,
            "a verifier key");
    refuses("ecluse: 1\ndesk: {listen: '127.0.0.1'}\n", 2, 16, "ADDRESS:PORT");
    refuses("ecluse: 1\ndesk: {listen: '[::1]:65536'}\n", 2, 16, "ADDRESS:PORT");
    refuses("ecluse: 1\noutputs: {metrics: 'localhost:9464'}\n", 2, 20, "ADDRESS:PORT");
    refuses("ecluse: 1\noutputs: {syslog: '127.0.0.1:514'}\n", 2, 19, "udp:ADDRESS:PORT");
}

static void names_that_may_be_used_are_listed_once(void **state)
{
    UNUSED(state);
    static const char yaml[] = "ecluse: 1\nroutes: [{name: a}, {name: a}, {name: b}]\nbudgets:\n"
                               "- {name: a, meter: requests, per: client, where: {route: zz}, "
                               "at_most: {10s: 5}, over: slow}\n"
                               "mode: x\n";
    static const struct expected expected[] = {
        {2, 28, "taken by the route on line 2"},
        {4, 58,
         "there is no route `zz`; `routes` and the built-in ones are: api, tracking, home, "
         "login, a, b"},
        {5, 7, "unknown mode"}};
    refuses_all(yaml, sizeof yaml - 1, expected, 3);
}

static void names_are_unique(void **state)
{
    UNUSED(state);
    refuses("ecluse: 1\nroutes: [{name: a}, {name: a}]\n", 2, 28, "taken by the route on line 2");
    refuses("ecluse: 1\nroutes: [{name: tracking}]\n", 2, 17, "is built in: GET /suivi/*");
    refuses("ecluse: 1\nfiles: {shares: [{name: a, path: /a}, {name: a, path: /b}]}\n", 2, 46,
            "taken by the share");
    refuses("ecluse: 1\nprotected: [{name: a, from: [10.0.0.1]}, {name: a, from: [10.0.0.2]}]\n", 2,
            49, "taken by");
    refuses("ecluse: 1\ntracking: {formats: [s10], sources: [{name: a}, {name: a}]}\n", 2, 56,
            "by the source");
    refuses(NETWORK "budgets: [" UNLISTED(
                "") "]\npromises: [{name: b, statement: first, within: 1h}, {name: b, "
                    "statement: first, within: 2h}]\n",
            4, 60, "by the promise"); /* a budget's name is not taken by a promise */
}

static void a_meter_fits_what_surrounds_it(void **state)
{
    UNUSED(state);
    refuses(BUDGETS "- {name: a, meter: requests, per: client, where: {to: unlisted}, at_most: "
                    "{10s: 5}, over: slow}\n",
            3, 51, "means nothing for `requests`; allowed: route");
    refuses(BUDGETS "- {name: a, meter: packets, per: client, where: {route: home}, at_most: {10s: "
                    "500}, over: hold, "
                    "hold_for: 1m}\n",
            3, 50, "means nothing for `packets`");
    refuses(NETWORK "budgets: [" UNLISTED(
                "") ", {name: c, meter: bytes_out, per: host, at_most: {1d: 1GB}, over: slow}]\n",
            3, 162, "can only be held, not `over: slow`");
    refuses(
        BUDGETS
        "- {name: a, meter: requests, per: client, begun: any, at_most: {10s: 5}, over: slow}\n",
        3, 43, "`begun` is for `bytes_out` only");
    refuses(BUDGETS "- {name: a, meter: login_failures, per: client, where: {route: home}, "
                    "at_most: {1h: 5}, over: slow}\n",
            3, 64, "nobody signs in on the built-in route `home`");
    refuses(
        BUDGETS
        "- {name: a, meter: bytes_out, per: host, at_most: {1h: 5MB}, over: hold, hold_for: 1m}\n",
        3, 20, "add a section such as network:");
    refuses(BUDGETS "- {name: a, meter: parcels_read, per: client, at_most: {1h: 5}, over: slow}\n",
            3, 20, "add a section such as tracking:");
    refuses(BUDGETS "- {name: a, meter: requests, per: client, at_most: {1h: 5MB}, over: slow}\n",
            3, 57, "`5MB` is not a number");
    refuses(NETWORK "budgets: [" UNLISTED(", breaker: 5%") "]\n", 3, 105,
            "`bytes_out` has no breaker");
}

static void windows_are_such_as_can_be_counted(void **state)
{
    UNUSED(state);
    refuses(BUDGETS
            "- {name: a, meter: requests, per: client, at_most: {60s: 5, 1m: 5}, over: slow}\n",
            3, 61, "as long as another");
    refuses(BUDGETS "- {name: a, meter: requests, per: client, at_most: {10ms: 5}, over: slow}\n",
            3, 53, "allowed: 1s to 366d");
    refuses(BUDGETS
            "- {name: a, meter: requests, per: client, at_most: {1s: 1000001}, over: slow}\n",
            3, 57, "a million requests a second");
    refuses(BUDGETS
            "- {name: a, meter: origin_requests, per: client, at_most: {5s: 10}, over: slow}\n",
            3, 60, "the shortest window of `origin_requests` is 10s");
    refuses(BUDGETS
            "- {name: a, meter: people_read, per: client, at_most: {1d: 65537}, over: slow}\n",
            3, 60, "remembers at most 65536");
    refuses(BUDGETS "- {name: a, meter: requests, per: client, at_most: {1d: 0}, over: slow}\n", 3,
            57, "limit of 0");
    refuses(BUDGETS "- {name: a, meter: requests, per: client, at_most: {1s: 1, 2s: 2, 3s: 3, 4s: "
                    "4, 5s: 5, 6s: 6, 7s: 7}, "
                    "over: slow}\n",
            3, 95, "at most 6 windows");
    accepts(BUDGETS
            "- {name: a, meter: people_read, per: client, at_most: {1d: 65536}, over: slow}\n");
    accepts(BUDGETS
            "- {name: a, meter: requests, per: client, at_most: {1d: 5, 1m: 5}, over: slow}\n");
}

static void a_way_out_without_a_limit_is_refused(void **state)
{
    UNUSED(state);
    refuses(NETWORK, 2, 1, "no budget limits what may leave to `unlisted`");
    refuses(NETWORK "budgets: [{name: b, meter: bytes_out, per: pair, at_most: {1d: 1GB}, over: "
                    "hold, hold_for: 1h}]\n",
            2, 1, "per pair only");
    refuses(NETWORK "budgets: [" UNLISTED(", begun: outside") "]\n", 2, 1, "begun outside only");
    accepts(NETWORK "budgets: [" UNLISTED("") "]\n"); /* no `where`: all destinations */
    accepts(NETWORK "budgets: [" UNLISTED(", begun: any") "]\n");
}

static void an_address_is_in_one_class(void **state)
{
    UNUSED(state);
#define CLASSES(map)                                                                               \
    "ecluse: 1\nnetwork: {inside: [10.1.0.0/16], interface: l, destinations: " map                 \
    "}\nbudgets: [" UNLISTED("") "]\n"
    refuses(CLASSES("{a: [10.9.0.0/16], b: [10.9.0.0/16]}"), 2, 85, "is in `a` already");
    refuses(CLASSES("{a: [10.1.0.0/16]}"), 2, 67, "is in `inside` already");
    refuses(CLASSES("{unlisted: [10.9.0.0/16]}"), 2, 63, "cannot be listed");
    accepts(CLASSES("{a: [10.9.0.0/16], b: [10.9.1.0/24]}")); /* the longest wins */
}

static void a_promise_is_about_a_route_or_a_statement(void **state)
{
    UNUSED(state);
#define PROMISE(fields) "ecluse: 1\npromises: [{name: a, " fields "}]\n"
    refuses(PROMISE("within: 1s"), 2, 12, "is about a `route` or about a `statement`");
    refuses(PROMISE("route: home, statement: first, within: 1s, success: 99%, over: 5m"), 2, 46,
            "not about both");
    refuses(PROMISE("route: home, within: 1s, over: 5m"), 2, 12, "needs `success`");
    refuses(PROMISE("route: home, within: 1s, success: 99%"), 2, 12, "needs `over`");
    refuses(PROMISE("statement: first, within: 1h, over: 5m"), 2, 58,
            "`over` is for a promise about a route");
    refuses(PROMISE("route: home, within: 10m, success: 99%, over: 5m"), 2, 43,
            "cannot be measured over 5m");
    refuses(PROMISE("route: home, within: 1s, success: 49%, over: 5m"), 2, 56,
            "allowed: 50% to 100%");
    accepts(PROMISE("statement: first, within: 30m"));
}

static void a_hold_that_could_break_a_promise_is_refused(void **state)
{
    UNUSED(state);
#define HOLD(meter, per, limit, more)                                                              \
    PROMISED "[{name: b, meter: " meter ", per: " per ", at_most: {1h: " limit                     \
             "}, over: hold, hold_for: 1m" more "}]\n"
    refuses(HOLD("requests", "everyone", "90000", ""), 3, 81,
            "hold for everyone could break the promise `answers`");
    refuses(HOLD("requests", "network", "90000", ""), 3, 80, "hold of a network could break");
    refuses(HOLD("packets", "network", "90000", ""), 3, 79, "hold of a network could break");
    refuses(HOLD("requests", "client", "4", ""), 3, 60, "at least 5 in each window");
    refuses(HOLD("packets", "client", "199", ""), 3, 59, "at least 200 in each window");
    /* Each way out that the messages name. */
    accepts(HOLD("requests", "client", "5", ""));
    accepts(HOLD("requests", "everyone", "90000", ", mode: observe"));
    accepts(HOLD("requests", "everyone", "90000", ", where: {route: login}"));
    accepts(PROMISED "[{name: b, meter: requests, per: everyone, at_most: {1h: 9}, over: slow}]\n");
    accepts(HOLD("origin_requests", "everyone", "90000", "")); /* lookups go on from the store */
    accepts(HOLD("people_read", "everyone", "60000",
                 "")); /* what is taken is limited whatever is promised */
    accepts("ecluse: 1\ntracking: {formats: [s10]}\n"
            "promises: [{name: answers, route: tracking, success: 99%, within: 1s, over: "
            "5m}]\nbudgets:\n"
            "- {name: b, meter: parcels_read, per: network, at_most: {1h: 500}, over: hold, "
            "hold_for: 1m}\n");
}

static void the_front_s_answers_are_not_counted_as_theft(void **state)
{
    UNUSED(state);
#define OUT(more)                                                                                  \
    PROMISED "[" UNLISTED("") ", {name: c, meter: bytes_out, per: host, " more                     \
                              "at_most: {1d: 1GB}, over: hold, hold_for: "                         \
                              "1h}]\nnetwork: {inside: [10.1.0.0/16], interface: lan0, "           \
                              "destinations: {backup: [10.9.0.5]}}\n"
    refuses(OUT("begun: any, "), 3, 143,
            "answers to customers are bytes on connections begun outside");
    refuses(OUT("begun: outside, where: {to: unlisted}, "), 3, 143, "held as a thief");
    accepts(OUT("begun: any, where: {to: backup}, "));
    accepts(OUT("begun: any, mode: observe, "));
    accepts(OUT(""));
}

static void a_route_that_nothing_reaches_is_refused(void **state)
{
    UNUSED(state);
    refuses("ecluse: 1\nroutes: [{name: a, match: \"/x*\"}, {name: b, match: \"GET /x/y\"}]\n", 2,
            52, "list the narrower one");
    refuses("ecluse: 1\nroutes: [{name: a, match: \"GET /suivi/aide\"}]\n", 2, 27,
            "`tracking` (GET /suivi/*) takes them");
    refuses("ecluse: 1\nroutes: [{name: a, match: \"GET /x?y\"}]\n", 2, 27, "query string");
    refuses("ecluse: 1\nroutes: [{name: a, match: \"get /x\"}]\n", 2, 27, "begins with `/`");
    accepts("ecluse: 1\nroutes: [{name: a, match: \"POST /x*\"}, {name: b, match: \"GET /x\"}, "
            "{name: c, match: \"/x\"}]\n");
    accepts("ecluse: 1\nroutes: [{name: a, match: \"POST /suivi/abonnement\"}]\n");
}

static void directories_do_not_lie_in_one_another(void **state)
{
    UNUSED(state);
    refuses("ecluse: 1\nstate: /a\nruntime: /a/b\n", 3, 10, "lie in one another");
    refuses("ecluse: 1\nruntime: /r\npasses: {keys: /r/k}\n", 3, 16, "lies in `runtime`");
    refuses("ecluse: 1\npasses: {keys: /s/k}\nfiles: {shares: [{name: s, path: /s}]}\n", 2, 16,
            "on the share");
    refuses("ecluse: 1\nfiles: {shares: [{name: a, path: /}]}\n", 2, 34, "cannot be `/`");
    refuses("ecluse: 1\nfiles: {shares: [{name: a, path: /var}]}\n", 2, 34,
            "where Ecluse itself writes");
    refuses("ecluse: 1\nfiles: {shares: [{name: a, path: /s}, {name: b, path: /s/t}]}\n", 2, 55,
            "lie in one another");
    refuses("ecluse: 1\nstate: /a/../b\n", 2, 8, "without `..`");
    accepts("ecluse: 1\nstate: /a\nruntime: /ab\n");
}

static void nobody_trusts_everyone(void **state)
{
    UNUSED(state);
    refuses("ecluse: 1\ntrusted_proxies: [0.0.0.0/0]\n", 2, 19,
            "anyone could say whose request it is");
    refuses("ecluse: 1\nprotected: [{name: a, from: [\"::/0\"]}]\n", 2, 30,
            "nobody would ever be held");
}

static void no_more_is_taken_than_the_struct_holds(void **state)
{
    UNUSED(state);
    static char yaml[65536];
    struct writer w = writer_on(yaml, sizeof yaml - 1);
    write_string(&w, BUDGETS);
    for (unsigned i = 0; i < CONTRACT_MAX_BUDGETS + 1; i++) {
        write_string(&w, "- {meter: requests, per: client, at_most: {1h: 5}, over: slow, name: b");
        write_unsigned(&w, i);
        write_string(&w, "}\n");
    }
    refuses_all(yaml, w.length, &(struct expected){67, 3, "at most 64 entries"}, 1);
    w = writer_on(yaml, sizeof yaml - 1);
    write_string(&w, "ecluse: 1\ntrusted_proxies:\n");
    for (unsigned i = 0; i < CONTRACT_MAX_PREFIXES + 2; i++) {
        write_string(&w, "- 10.0.");
        write_unsigned(&w, i / 256);
        write_string(&w, ".");
        write_unsigned(&w, i % 256);
        write_string(&w, "\n");
    }
    refuses_all(yaml, w.length, &(struct expected){515, 3, "at most 512 prefixes"}, 1);
}

static void more_bytes_are_not_asked_of_the_kernel_than_it_can_count(void **state)
{
    UNUSED(state);
    char yaml[8192];
    for (int same = 0; same < 2; same++) {
        struct writer w = writer_on(yaml, sizeof yaml - 1);
        write_string(&w, NETWORK "budgets:\n");
        for (int i = 0; i < (same ? 9 : 17); i++) {
            char line[200];
            snprintf(line, sizeof line,
                     "  - {name: b%d, meter: bytes_out, per: host, begun: %s, at_most: "
                     "{1h: 1GB}, over: hold, hold_for: 1h}\n",
                     i, same || i % 2 ? "inside" : "outside");
            write_string(&w, line);
        }
        yaml[w.length] = 0;
        if (same)
            refuses(yaml, 12, 23, "more than 8 budgets of `bytes_out` count the same bytes");
        else
            refuses(yaml, 20, 24, "more than 16 budgets of `bytes_out`; allowed: up to 16");
    }
}

#define TRUSTED                                                                                    \
    "ecluse: 1\nfiles:\n  shares: [{name: a, path: /a}, {name: b, path: /b}]\n"                    \
    "  trusted: [{name: db, executable: /usr/bin/db, user: db}]\nbudgets:\n"
#define TRUSTED_BUDGET(name, meter, where)                                                         \
    "- {name: " name ", meter: " meter ", per: user, where: {trusted: db" where                    \
    "}, at_most: {1h: 9}, over: hold, hold_for: 1h}\n"

/* No other budget counts what a trusted program does. */
static void a_trusted_program_without_limits_of_its_own_is_refused(void **state)
{
    UNUSED(state);
    static const char reads[] = TRUSTED TRUSTED_BUDGET("r", "files_read", "");
    static const struct expected writes_missing[] = {
        {4, 20, "no budget limits `files_rewritten` of the trusted program `db`"}};
    refuses_all(reads, sizeof reads - 1, writes_missing, 1);
    static const char one_share[] = TRUSTED TRUSTED_BUDGET("r", "files_read", "")
        TRUSTED_BUDGET("w", "files_rewritten", ", share: a");
    refuses_all(one_share, sizeof one_share - 1, writes_missing, 1);
    accepts(TRUSTED TRUSTED_BUDGET("r", "files_read", "") TRUSTED_BUDGET(
        "w", "files_rewritten", ", share: a") TRUSTED_BUDGET("v", "files_rewritten", ", share: b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_contract_with_many_mistakes_has_all_of_them_reported),
        cmocka_unit_test(a_hold_without_a_length_is_told_what_else_is_wrong_with_it),
        cmocka_unit_test(a_key_is_told_where_it_belongs),
        cmocka_unit_test(what_is_required_is_missed),
        cmocka_unit_test(names_that_may_be_used_are_listed_once),
        cmocka_unit_test(names_are_unique),
        cmocka_unit_test(a_meter_fits_what_surrounds_it),
        cmocka_unit_test(windows_are_such_as_can_be_counted),
        cmocka_unit_test(a_way_out_without_a_limit_is_refused),
        cmocka_unit_test(an_address_is_in_one_class),
        cmocka_unit_test(a_promise_is_about_a_route_or_a_statement),
        cmocka_unit_test(a_hold_that_could_break_a_promise_is_refused),
        cmocka_unit_test(the_front_s_answers_are_not_counted_as_theft),
        cmocka_unit_test(a_route_that_nothing_reaches_is_refused),
        cmocka_unit_test(directories_do_not_lie_in_one_another),
        cmocka_unit_test(nobody_trusts_everyone),
        cmocka_unit_test(no_more_is_taken_than_the_struct_holds),
        cmocka_unit_test(more_bytes_are_not_asked_of_the_kernel_than_it_can_count),
        cmocka_unit_test(a_trusted_program_without_limits_of_its_own_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
