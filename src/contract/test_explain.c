/* The sentences and the sums, in both languages. */
#include "contract/test_yaml.h"

#include "contract/explain.h"
#include "contract/explain_words.h"

static char *explained(const char *yaml, enum language language, bool loss_only)
{
    struct contract *c = accepted(yaml);
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    (loss_only ? contract_explain_loss : contract_explain)(c, language, out);
    fclose(out);
    free(c);
    return text;
}

static void says(const char *yaml, enum language language, bool loss_only, const char *sentence)
{
    char *text = explained(yaml, language, loss_only);
    if (!strstr(text, sentence))
        print_error("not said: %s\nin:\n%s\n", sentence, text);
    assert_non_null(strstr(text, sentence));
    free(text);
}

#define EGRESS                                                                                     \
    "ecluse: 1\nnetwork: {inside: [10.1.0.0/16], interface: l, destinations: {backup: "            \
    "[10.9.0.5]}}\nbudgets:\n"                                                                     \
    "- {name: theft, meter: bytes_out, per: host, where: {to: unlisted}, at_most: {1h: 200MB, "    \
    "1d: 500MB}, over: hold, "                                                                     \
    "hold_for: 4h}\n"                                                                              \
    "- {name: all, meter: bytes_out, per: everyone, where: {to: unlisted}, at_most: {7d: 3GB}, "   \
    "over: hold, hold_for: "                                                                       \
    "1h}\n"                                                                                        \
    "- {name: backup, meter: bytes_out, per: host, where: {to: backup}, at_most: {1d: 1.5TB}, "    \
    "over: hold, hold_for: 1h}\n"

static void every_budget_is_a_sentence(void **state)
{
    UNUSED(state);
    says(EGRESS, LANGUAGE_EN, false,
         "- theft: for each machine inside at most 200 MB sent out in 1 hour and 500 MB in 1 day, "
         "to unlisted destinations, on connections begun inside. Over that, nothing more leaves "
         "that way for 4 hours; everything else goes on.");
    says(EGRESS, LANGUAGE_FR, false,
         "- theft\u00a0: pour chaque machine interne, au plus 200\u00a0Mo envoyés en "
         "1\u00a0heure et 500\u00a0Mo en 1\u00a0jour, vers les destinations non listées");
    says(EGRESS, LANGUAGE_DE, false, "- all: for all together"); /* others read English */
    static const char front[] =
        "ecluse: 1\npromises: [{name: p, route: home, success: 99.5%, within: 300ms, over: 5m}]\n"
        "budgets: [{name: b, meter: requests, per: client, at_most: {10s: 1}, over: slow}]\n";
    says(front, LANGUAGE_FR, false,
         "- p\u00a0: 99,5\u00a0% des réponses sur le formulaire de recherche (route home) sont "
         "données en 300\u00a0millisecondes, mesure faite sur 5\u00a0minutes.");
    says(front, LANGUAGE_EN, false,
         "at most 1 request in 10 seconds. Over that, requests wait up to 11 "
         "seconds, then are refused.");
    says(front, LANGUAGE_EN, false, "up to twice the limit may pass");
}

#define FRONT(meter, per, over)                                                                    \
    "ecluse: 1\ntracking: {formats: [s10]}\nprotected: [{name: us, from: [10.9.0.0/16]}]\n"        \
    "budgets: [{name: b, meter: " meter ", per: " per ", at_most: {1h: 10}, over: " over "}]\n"

static void says_nothing_of(const char *yaml, const char *words)
{
    char *text = explained(yaml, LANGUAGE_EN, false);
    assert_null(strstr(text, words));
    free(text);
}

static void what_is_not_built_yet_is_said(void **state)
{
    UNUSED(state);
    static const char challenge[] = FRONT("requests", "client", "challenge");
    says_nothing_of(challenge, "Not enforced");
    says(FRONT("people_read", "client", "slow"), LANGUAGE_EN, false,
         "(Not enforced in this release.)");
    says(FRONT("people_read", "client", "slow"), LANGUAGE_EN, true,
         "- b: not enforced in this release (people_read).");
    says(FRONT("login_failures", "account", "slow"), LANGUAGE_EN, true,
         "- b: not enforced in this release (per: account).");
    says_nothing_of(FRONT("login_failures", "client", "slow"), "ot enforced");
    says_nothing_of(challenge, "does not enforce");
    static const char statement[] =
        "ecluse: 1\npromises: [{name: first, statement: first, within: 30m}]\n";
    says(statement, LANGUAGE_EN, false, "of an incident. (Not measured in this release.)");
    says(statement, LANGUAGE_FR, false, "au plus. (Pas mesuré dans cette version.)");
}

static void a_challenge_is_for_who_has_shown_no_proof(void **state)
{
    UNUSED(state);
    static const char challenge[] = FRONT("requests", "client", "challenge");
    says(challenge, LANGUAGE_EN, false, "whoever has not shown a light proof yet is asked for one");
    says(challenge, LANGUAGE_FR, false,
         "de qui en a montré une, les requêtes attendent jusqu'à 11\u00a0secondes");
    says_nothing_of(FRONT("requests", "client", "slow"), "proof");
}

static void what_is_kept_of_a_shared_limit_is_said_where_it_is(void **state)
{
    UNUSED(state);
    static const char half[] = "half of it is kept for known customers";
    says(FRONT("origin_requests", "everyone", "slow"), LANGUAGE_EN, false, half);
    says(FRONT("origin_requests", "network", "slow"), LANGUAGE_FR, false,
         "la moitié en est gardée aux clients connus");
    says_nothing_of(FRONT("origin_requests", "client", "slow"), half);
    says_nothing_of(FRONT("requests", "network", "slow"), half);
}

static void what_only_nginx_can_feed_is_said(void **state)
{
    UNUSED(state);
    static const char guesses[] =
        "budgets: [{name: guesses, meter: login_failures, per: client, where: {route: login}, "
        "at_most: {1h: 5}, over: slow}]\n";
    char yaml[512];
    snprintf(yaml, sizeof yaml, "ecluse: 1\n%s", guesses);
    says(yaml, LANGUAGE_EN, false,
         "- the route login has no `match`: on it is only what nginx's configuration says is "
         "(`ecluse_route login;`). Without that, nothing is counted for guesses.\n");
    says(yaml, LANGUAGE_FR, false, "Sans cela, rien n'est compté pour guesses.\n");
    snprintf(yaml, sizeof yaml, "ecluse: 1\nroutes: [{name: login, match: \"POST /in\"}]\n%s",
             guesses);
    says_nothing_of(yaml, "has no `match`");
    says_nothing_of("ecluse: 1\n", "has no `match`"); /* nobody asks for it */
}

static void a_director_reads_words(void **state)
{
    UNUSED(state);
    static const char held[] = FRONT("requests", "client", "hold, hold_for: 15m");
    says(held, LANGUAGE_EN, false, "can exist: international numbers (S10).");
    says(held, LANGUAGE_EN, false,
         "Over that, such requests are refused for 15 minutes; everything else goes on.");
    says(held, LANGUAGE_FR, false,
         "Au-delà, ces requêtes sont refusées pendant 15\u00a0minutes\u00a0; tout le reste "
         "continue.");
    says_nothing_of(held, "What leaves or is destroyed");
    says(EGRESS "protected: [{name: us, from: [10.9.0.0/16]}]\n", LANGUAGE_EN, false,
         "  What leaves or is destroyed stays limited for them too.");
}

static void the_loss_is_the_least_of_all_windows_and_summed(void **state)
{
    UNUSED(state);
    /* A day: 24 hours of 200 MB are more than the day's 500 MB. 30 days: 30 x 500 MB, and five
     * weeks begun x 3 GB: the kernel keeps to what all have together. */
    says(EGRESS, LANGUAGE_EN, true,
         "- to unlisted destinations: 3 GB in a day, 15 GB in 30 days, all machines together; "
         "500 MB in a day, 15 GB in 30 days for each machine.");
    says(
        EGRESS, LANGUAGE_EN, true,
        "- to backup: 1.5 TB in a day, 45 TB in 30 days for each machine, however many there are.");
    says(EGRESS, LANGUAGE_EN, true,
         "- in all: 3 GB in a day, 15 GB in 30 days, and for each machine another 1.5 TB in a day, "
         "45 TB in 30 days.");
    says("ecluse: 1\nfiles: {shares: [{name: s, path: /s}]}\nbudgets: [{name: b, "
         "meter: files_read, per: everyone, at_most: {1d: 100}, over: hold, hold_for: 1h}]\n",
         LANGUAGE_EN, true, "200 in a day, 6,000 in 30 days for all together");
    says(EGRESS, LANGUAGE_EN, false,
         "Over that, nothing more leaves until the window lets go, and the largest contributors "
         "are held for");
    says(EGRESS, LANGUAGE_EN, true, "1 MB a second, 86.4 GB a day");
    says(EGRESS, LANGUAGE_FR, true, "- au total\u00a0: 3\u00a0Go par jour, 15\u00a0Go en 30 jours");
}

static void what_each_machine_may_take_is_not_called_nothing(void **state)
{
    UNUSED(state);
    static const char yaml[] =
        "ecluse: 1\nnetwork: {inside: [10.1.0.0/16], interface: l}\nbudgets: [{name: b, meter: "
        "bytes_out, per: host, at_most: {1d: 500MB}, over: hold, hold_for: 1h}]\n";
    says(yaml, LANGUAGE_EN, true,
         "- in all: 500 MB in a day, 15 GB in 30 days for each machine, however many there are.");
    says(yaml, LANGUAGE_FR, true,
         "- au total\u00a0: 500\u00a0Mo par jour, 15\u00a0Go en 30 jours pour chaque machine, quel "
         "que soit leur nombre.");
}

static void what_has_no_bound_is_said(void **state)
{
    UNUSED(state);
    says(
        EGRESS, LANGUAGE_EN, true,
        "- not limited: what answers connections begun outside, to unlisted destinations, backup.");
    says("ecluse: 1\n", LANGUAGE_EN, true,
         "- Data that leaves over the network: not "
         "limited");
    says("ecluse: 1\nfiles: {shares: [{name: s, path: /s}]}\n", LANGUAGE_EN, true,
         "- different files read on the share s: without limit.");
    says(EGRESS "mode: observe\n", LANGUAGE_EN, true, "- everything: this contract only observes");
    says(EGRESS "mode: observe\n", LANGUAGE_EN, true, "- in all: without limit.");
}

static void a_budget_that_observes_bounds_nothing(void **state)
{
    UNUSED(state);
    static const char yaml[] =
        "ecluse: 1\nnetwork: {inside: [10.1.0.0/16], interface: l}\nbudgets: [{name: b, meter: "
        "bytes_out, per: everyone, at_most: {1d: 1GB}, over: hold, hold_for: 1h, mode: observe}]\n";
    says(yaml, LANGUAGE_EN, true, "- to unlisted destinations: without limit.");
}

static void one_budget_for_everyone_bounds_all_ways_out(void **state)
{
    UNUSED(state);
    says(EGRESS "- {name: whole, meter: bytes_out, per: everyone, at_most: {1d: 2GB}, over: hold, "
                "hold_for: 1h}\n",
         LANGUAGE_EN, true, "- in all: 2 GB in a day, 60 GB in 30 days.");
}

static void no_loss_is_said_smaller_than_it_is(void **state)
{
    UNUSED(state);
    struct speech s = {NULL, NULL, false};
    char text[WORDS_SIZE];
    assert_string_equal(size_words(&s, 1001, text), "1.01 kB");
    assert_string_equal(size_words(&s, 999999, text), "1 MB");
    assert_string_equal(size_words(&s, 1050000, text), "1.05 MB");
    assert_string_equal(size_words(&s, 12, text), "12 B");
    assert_string_equal(amount_words(&s, METER_FILES_READ, 2160000, text), "2,160,000");
    assert_string_equal(amount_words(&s, METER_FILES_READ, 999, text), "999");
    s.french = true;
    assert_string_equal(amount_words(&s, METER_FILES_READ, 60000, text), "60\u202f000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_budget_is_a_sentence),
        cmocka_unit_test(what_is_not_built_yet_is_said),
        cmocka_unit_test(a_challenge_is_for_who_has_shown_no_proof),
        cmocka_unit_test(what_is_kept_of_a_shared_limit_is_said_where_it_is),
        cmocka_unit_test(what_only_nginx_can_feed_is_said),
        cmocka_unit_test(a_director_reads_words),
        cmocka_unit_test(the_loss_is_the_least_of_all_windows_and_summed),
        cmocka_unit_test(what_each_machine_may_take_is_not_called_nothing),
        cmocka_unit_test(what_has_no_bound_is_said),
        cmocka_unit_test(a_budget_that_observes_bounds_nothing),
        cmocka_unit_test(one_budget_for_everyone_bounds_all_ways_out),
        cmocka_unit_test(no_loss_is_said_smaller_than_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
