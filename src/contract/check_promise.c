/* Promises, and the holds that could break them. */
#include "contract/check.h"
#include "contract/value.h"

static void check_promise_form(struct reading *r, struct node *node,
                               const struct promise_rule *rule)
{
    struct node *route = node_get(node, "route"), *statement = node_get(node, "statement");
    struct node *success = node_get(node, "success"), *over = node_get(node, "over");
    if (!route && !statement)
        read_complain(
            r, node,
            "a promise is about a `route` or about a `statement`, such as route: tracking, or "
            "statement: first");
    else if (route && statement)
        read_complain(r, statement,
                      "a promise is about a `route` or about a `statement`, not about both");
    if (route && !success)
        read_complain(
            r, node,
            "a promise about a route needs `success`: the share of answers in time, 50%% to 100%%");
    if (route && !over)
        read_complain(
            r, node,
            "a promise about a route needs `over`: the window it is measured over, 1m to 31d");
    if (statement && !route && success)
        read_complain(r, success, "`success` is for a promise about a route");
    if (statement && !route && over)
        read_complain(r, over, "`over` is for a promise about a route");
    if (over && !over->bad && node_is_good(node, "within") && route && rule->within > rule->over) {
        char window[VALUE_TEXT_SIZE];
        read_complain(r, node_get(node, "within"),
                      "an answer within %.64s cannot be measured over %s; `within` is at most "
                      "`over`",
                      node_get(node, "within")->text.data, value_duration_text(rule->over, window));
    }
}

void check_promises_can_be_measured(struct reading *r)
{
    const struct node *list = check_list(r, NULL, "promises");
    uint32_t i = 0;
    for (struct node *node = list ? list->first : NULL; node && i < r->contract->promise_count;
         node = node->next, i++)
        if (node->kind == NODE_MAP)
            check_promise_form(r, node, &r->contract->promise[i]);
}

/* A promised route on which a budget counts, or NULL. */
static const struct promise_rule *promise_under(const struct contract *c,
                                                const struct budget_rule *budget)
{
    for (uint32_t i = 0; i < c->promise_count; i++) {
        const struct promise_rule *promise = &c->promise[i];
        if (promise->route < 0 || (budget->route >= 0 && budget->route != promise->route))
            continue;
        const struct route_rule *route = &c->route[promise->route];
        /* The store goes on answering when the origin may not be asked. */
        bool from_store = route->builtin && route->path[0];
        if (budget->meter == METER_ORIGIN_REQUESTS && from_store)
            continue;
        return promise;
    }
    return NULL;
}

/* The promise that a hold of this budget could break, if the budget is a hold, tried or not by the
 * whole contract, but not tried by itself; and if it is about continuity: people's records are
 * limited whatever is promised. */
static const struct promise_rule *promise_at_risk(const struct reading *r,
                                                  const struct budget_at *at)
{
    if (!node_is_good(at->node, "meter") || !node_is_good(at->node, "per") ||
        !node_is_good(at->node, "over"))
        return NULL;
    const struct node *route = budget_where(at, "route");
    if (at->rule->over != OVER_HOLD || at->rule->mode == MODE_OBSERVE || (route && route->bad))
        return NULL;
    return meter_is_continuity(at->rule->meter) ? promise_under(r->contract, at->rule) : NULL;
}

void check_everyone_is_not_held(struct reading *r)
{
    for (struct budget_at at = budget_first(r); at.rule; budget_next(&at)) {
        const struct promise_rule *promise = promise_at_risk(r, &at);
        if (promise && at.rule->per == PRINCIPAL_EVERYONE)
            read_complain(r, budget_field(&at, "over"),
                          "this hold for everyone could break the promise `%s`: in a flood of many "
                          "sources it refuses "
                          "customers; allowed: per: client, over: slow or challenge, or a route "
                          "without a promise",
                          promise->name);
    }
}

void check_networks_are_not_held(struct reading *r)
{
    for (struct budget_at at = budget_first(r); at.rule; budget_next(&at)) {
        const struct promise_rule *promise = promise_at_risk(r, &at);
        if (promise && at.rule->per == PRINCIPAL_NETWORK && !meter_is_distinct(at.rule->meter))
            read_complain(r, budget_field(&at, "over"),
                          "this hold of a network could break the promise `%s`: thousands of "
                          "customers share a carrier's "
                          "addresses; allowed: per: client, over: slow or challenge, or a route "
                          "without a promise",
                          promise->name);
    }
}

void check_holds_leave_room(struct reading *r)
{
    for (struct budget_at at = budget_first(r); at.rule; budget_next(&at)) {
        const struct promise_rule *promise = promise_at_risk(r, &at);
        bool packets = at.rule->meter == METER_PACKETS;
        if (!promise || at.rule->per != PRINCIPAL_CLIENT ||
            (at.rule->meter != METER_REQUESTS && !packets))
            continue;
        unsigned least = packets ? LEAST_PACKETS : LEAST_REQUESTS;
        for (uint32_t i = 0; i < at.rule->window_count; i++)
            if (at.rule->window[i].limit < least) {
                read_complain(r, budget_field(&at, "at_most"),
                              "this hold could break the promise `%s`: one customer who looks "
                              "twice is over %u %s; allowed: "
                              "at least %u in each window, over: slow or challenge, or a route "
                              "without a promise",
                              promise->name, (unsigned)at.rule->window[i].limit,
                              meter_name(at.rule->meter), least);
                break;
            }
    }
}

static const struct promise_rule *any_route_promise(const struct contract *c)
{
    for (uint32_t i = 0; i < c->promise_count; i++)
        if (c->promise[i].route >= 0)
            return &c->promise[i];
    return NULL;
}

void check_answers_are_no_theft(struct reading *r)
{
    const struct promise_rule *promise = any_route_promise(r->contract);
    for (struct budget_at at = budget_first(r); at.rule && promise; budget_next(&at)) {
        const struct node *to = budget_where(&at, "to");
        if (!node_is_good(at.node, "meter") || at.rule->meter != METER_BYTES_OUT ||
            at.rule->begun == BEGUN_INSIDE || at.rule->class >= 0 || (to && to->bad) ||
            at.rule->mode == MODE_OBSERVE || at.rule->over != OVER_HOLD)
            continue;
        read_complain(r, budget_field(&at, "begun"),
                      "this hold could break the promise `%s`: answers to customers are bytes on "
                      "connections begun outside, "
                      "so the front itself would be held as a thief; allowed: begun: inside, a "
                      "listed class in `where`, or "
                      "mode: observe",
                      promise->name);
    }
}
