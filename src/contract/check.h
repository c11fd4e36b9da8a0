/* check.h: the rules that span fields, each with its reason.
 *
 * What one field may hold stands in fields.h. A rule here looks at several, and reports at the
 * value that a person would
 * change. A value that is wrong by itself has been reported when it was read; rules keep quiet
 * about what follows from it.
 *
 * The table is also the last part of docs/contract.md: what is refused, and why.
 */
#ifndef ECLUSE_CHECK_H
#define ECLUSE_CHECK_H

#include "contract/read.h"

/* What a person does in one window at least; a hold below it stops customers, not attackers. Five
 * requests: a search page, a parcel's page, its icon, and a second look or another parcel. Two
 * hundred packets: such five requests on new connections, each with its TLS handshake, at about 40
 * packets one. */
enum { LEAST_REQUESTS = 5, LEAST_PACKETS = 200 };

/* A rate cell counts in nanoseconds between units; above a million units a second rounding passes
 * a thousandth. */
enum { CELL_MOST_PER_SECOND = 1000000 };

#define RULES(X)                                                                                  \
    X(names,                                                                                      \
      "Two budgets, promises, routes, shares, protected entries or sources of the same name, "    \
      "or a route that is named as one with a path that is built in.",                            \
      "Counts, holds and statements are kept by name.")                                           \
    X(holds_have_a_length,                                                                        \
      "`over: hold` without `hold_for`, or `hold_for` and `breaker` without `over: hold`.",       \
      "A hold that never ends is not reversible; a length of no hold is a slip.")                 \
    X(breakers_are_for_continuity, "`breaker` on `bytes_out`, files or `people_read`.",           \
      "A breaker makes a budget observe when it would hold many. On what leaves or is "           \
      "destroyed that would be the thief's key: among twenty machines, two that are held are "    \
      "more than 5 %.")                                                                           \
    X(windows_grow, "A longer window whose limit is smaller than a shorter one's.",               \
      "The limit of the shorter window could never be reached: one of the two is not what was "   \
      "meant.")                                                                                   \
    X(meters_fit,                                                                                 \
      "A meter that is not counted for this principal, in this `where`, with this `begun` or "    \
      "this `over`.",                                                                             \
      "Such a budget would never be charged, or could not do what it says: the kernel has no "    \
      "bytes of a `client`, and a packet cannot be challenged.")                                  \
    X(meters_have_a_guard,                                                                        \
      "`bytes_out` without `network`, files without `files`, `parcels_read` without "             \
      "`tracking`.", "Nothing would count it.")                                                   \
    X(counts_are_exact,                                                                           \
      "A distinct meter (files, parcels, people) with a limit above 65,536; a window of up to "   \
      "one minute on `requests` with over a million a second; a window under 10 s on anything "   \
      "else.",                                                                                    \
      "Distinct things are remembered one by one. Short windows on requests are rate cells, "     \
      "which count in whole nanoseconds. All else is a ring, of which a crash may lose the "      \
      "last second.")                                                                             \
    X(ways_out_are_limited,                                                                       \
      "With `network`: a class of destinations, or `unlisted`, without a budget of "              \
      "`bytes_out` per host or for everyone that counts connections begun inside.",               \
      "One way out without a limit makes all other limits void. A budget per pair alone is "      \
      "none: who has many destinations has as many budgets.")                                     \
    X(bytes_fit_the_kernel,                                                                       \
      "More than 16 budgets of `bytes_out`, or more than 8 that count the same bytes.",           \
      "The kernel's program has so many accounts for each host, and charges so many for a "       \
      "packet.")                                                                                  \
    X(trusted_are_limited,                                                                        \
      "A trusted program without a budget of `files_read` and one of `files_rewritten` with "     \
      "`where: {trusted: NAME}`, per user, process or for everyone, on every share.",             \
      "No other budget counts what it does. Without one of its own, whoever takes it over has "   \
      "no limit.")                                                                                \
    X(destinations_differ, "The same prefix in two classes, or in a class and in `inside`.",      \
      "The longest prefix wins; between two equal ones there is no winner.")                      \
    X(promises_can_be_measured,                                                                   \
      "A promise with neither a route nor a statement, or with both; `success` and `over` "       \
      "without a route or a route without them; `within` longer than `over`.",                    \
      "An answer that takes longer than the window it is counted in falls into none.")            \
    X(everyone_is_not_held, "`over: hold`, per everyone, where a promised route counts.",         \
      "Over it, the largest contributors are held until the rest fits. In a flood of many "       \
      "sources with few requests each there are none, and what is refused are customers. "        \
      "Lookups answered from the store may lose their origin, so `origin_requests` is allowed "   \
      "there.")                                                                                   \
    X(networks_are_not_held,                                                                      \
      "`over: hold`, per network, on requests, packets or failed sign-ins where a promised "      \
      "route counts.",                                                                            \
      "Behind one carrier's address translation are thousands of customers; a few of them "       \
      "would spend the budget of all. Distinct parcels per network may be limited: a harvest "    \
      "shows there.")                                                                             \
    X(holds_leave_room,                                                                           \
      "`over: hold`, per client, with fewer than 5 requests or 200 packets in a window, where "   \
      "a promised route counts.", "One customer who looks twice would be held.")                  \
    X(answers_are_no_theft,                                                                       \
      "`over: hold` on `bytes_out` with `begun: outside` or `any`, to `unlisted` or to all, "     \
      "in a contract that promises a route.",                                                     \
      "The front's answers to customers are such bytes: the more it answers, the sooner it "      \
      "would be held.")                                                                           \
    X(routes_can_be_reached, "A route whose requests all match an earlier one.",                  \
      "It would never be counted.")                                                               \
    X(directories_differ,                                                                         \
      "`state` and `runtime` in one another; `passes.keys` in `runtime` or on a share; a share "  \
      "that is `/`, lies in another share, or holds `state` or `runtime`.",                       \
      "`runtime` is lost at a reboot. A guard that waits for its own writes on a share stops "    \
      "the machine; a file of two shares would be counted twice. Whoever reads a key can make "    \
      "passes.")                                \
    X(not_all_are_trusted, "`trusted_proxies` or a protected entry that covers every address.",   \
      "Whoever likes could choose his own address, or would never be held.")

#define X(rule, what, why) void check_##rule(struct reading *r);
RULES(X)
#undef X

void check_contract(struct reading *r);

struct rule_text {
    const char *what, *why;
};
extern const struct rule_text RULE_TEXTS[];
extern const size_t RULE_COUNT;

/* ---- For the rules ------------------------------------------------------------------------ */

/* The list of a section ("budgets", "files.shares"), or NULL; entry i of the contract is its child
 * i. */
struct node *check_list(const struct reading *r, const char *section, const char *list);

/* Walks the budgets with their nodes: for (budget_at(r, &at); at.rule; budget_next(&at)). */
struct budget_at {
    const struct budget_rule *rule;
    struct node *node;
    const struct budget_rule *end;
};
struct budget_at budget_first(const struct reading *r);
void budget_next(struct budget_at *at);

/* The value that a message about a budget's field points at: the field, or the budget where it is
 * not written. */
struct node *budget_field(const struct budget_at *at, const char *key);

/* What `where` says under a key, or NULL. */
struct node *budget_where(const struct budget_at *at, const char *key);

#endif
