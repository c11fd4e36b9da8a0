#include "contract/check.h"
#include "contract/value.h"

#include <inttypes.h>

struct node *check_list(const struct reading *r, const char *section, const char *list)
{
    struct node *map = section ? node_get(r->tree->root, section) : r->tree->root;
    struct node *found = node_get(map, list);
    return found && found->kind == NODE_LIST ? found : NULL;
}

struct budget_at budget_first(const struct reading *r)
{
    const struct node *list = check_list(r, NULL, "budgets");
    const struct contract *c = r->contract;
    struct budget_at at = {c->budget, list ? list->first : NULL, c->budget + c->budget_count};
    if (!at.node || at.rule == at.end)
        at.rule = NULL;
    return at;
}

void budget_next(struct budget_at *at)
{
    at->rule++;
    at->node = at->node->next;
    if (at->rule == at->end || !at->node)
        at->rule = NULL;
}

struct node *budget_field(const struct budget_at *at, const char *key)
{
    struct node *value = node_get(at->node, key);
    return value ? value : at->node;
}

struct node *budget_where(const struct budget_at *at, const char *key)
{
    return node_get(node_get(at->node, "where"), key);
}

#define each_budget(r, at)                                                                         \
    struct budget_at at = budget_first(r);                                                         \
    at.rule;                                                                                       \
    budget_next(&at)

/* ---- Names ----------------------------------------------------------------------------------- */

static void check_unique(struct reading *r, const char *section, const char *key, const char *what)
{
    struct node *list = check_list(r, section, key);
    for (struct node *entry = list ? list->first : NULL; entry; entry = entry->next) {
        struct node *name = node_get(entry, "name");
        if (!name || name->bad)
            continue;
        for (struct node *other = list->first; other != entry; other = other->next) {
            const struct node *earlier = node_get(other, "name");
            if (!earlier || !text_equal(earlier->text, name->text))
                continue;
            read_complain(r, name, "the name `%s` is taken by the %s on line %u; each has its own",
                          name->text.data, what, earlier->line);
            break;
        }
    }
}

static void check_builtin_names(struct reading *r)
{
    const struct node *list = check_list(r, NULL, "routes");
    const struct contract *c = r->contract;
    for (struct node *entry = list ? list->first : NULL; entry; entry = entry->next) {
        struct node *name = node_get(entry, "name");
        for (uint32_t i = 0; name && !name->bad && i < c->route_count; i++)
            if (c->route[i].builtin && text_is(name->text, c->route[i].name))
                read_complain(
                    r, name,
                    "the route `%s` is built in: %s %s%s; choose another name, or have nginx say "
                    "`ecluse_route %s` elsewhere",
                    c->route[i].name, c->route[i].method, c->route[i].path,
                    c->route[i].match == MATCH_PREFIX ? "*" : "", c->route[i].name);
    }
}

void check_names(struct reading *r)
{
    check_unique(r, NULL, "budgets", "budget");
    check_unique(r, NULL, "promises", "promise");
    check_unique(r, NULL, "routes", "route");
    check_unique(r, NULL, "protected", "protected entry");
    check_unique(r, "files", "shares", "share");
    check_unique(r, "files", "trusted", "trusted program");
    check_unique(r, "tracking", "sources", "source");
    check_builtin_names(r);
}

/* ---- One budget ------------------------------------------------------------------------------ */

void check_holds_have_a_length(struct reading *r)
{
    for (each_budget(r, at)) {
        if (!node_is_good(at.node, "over"))
            continue;
        struct node *length = node_get(at.node, "hold_for"),
                    *breaker = node_get(at.node, "breaker");
        bool hold = at.rule->over == OVER_HOLD;
        if (hold &&
            !length) { /* not read_complain(): the field is right, and more may be said of it */
            const struct node *over = budget_field(&at, "over");
            problem_add(r->problems, over->line, over->column,
                        "`over: hold` needs `hold_for`: how long a hold lasts, 1s to 30d");
        }
        if (!hold && length)
            read_complain(r, length,
                          "`hold_for` is for `over: hold` only; this budget has `over: %s`",
                          over_name(at.rule->over));
        if (!hold && breaker)
            read_complain(r, breaker,
                          "`breaker` is for `over: hold` only; this budget has `over: %s`",
                          over_name(at.rule->over));
    }
}

void check_breakers_are_for_continuity(struct reading *r)
{
    for (each_budget(r, at)) {
        struct node *breaker = node_get(at.node, "breaker");
        if (breaker && node_is_good(at.node, "meter") && !meter_is_continuity(at.rule->meter))
            read_complain(
                r, breaker,
                "`%s` has no breaker: if it gave way when many are held, that would be the thief's "
                "key; take the line out",
                meter_name(at.rule->meter));
    }
}

static struct node *window_node(const struct budget_at *at, nanos_t span)
{
    const struct node *map = node_get(at->node, "at_most");
    for (struct node *entry = map ? map->first : NULL; entry; entry = entry->next) {
        nanos_t written;
        if (!value_duration(entry->key->text, &written) && written == span)
            return entry;
    }
    return at->node;
}

static char *limit_text(const struct budget_rule *rule, uint64_t limit, char out[VALUE_TEXT_SIZE])
{
    if (meter_unit(rule->meter) == METER_UNIT_BYTES)
        return value_size_text(limit, out);
    snprintf(out, VALUE_TEXT_SIZE, "%" PRIu64, limit);
    return out;
}

void check_windows_grow(struct reading *r)
{
    for (each_budget(r, at)) {
        const struct window *largest = &at.rule->window[0];
        for (uint32_t i = 1; i < at.rule->window_count; i++) {
            const struct window *window = &at.rule->window[i];
            char limit[VALUE_TEXT_SIZE], most[VALUE_TEXT_SIZE], span[VALUE_TEXT_SIZE],
                shorter[VALUE_TEXT_SIZE];
            if (window->limit < largest->limit)
                read_complain(r, window_node(&at, window->span),
                              "windows out of order: %s over %s is less than %s over %s, which "
                              "could never be reached; a "
                              "longer window allows at least as much",
                              limit_text(at.rule, window->limit, limit),
                              value_duration_text(window->span, span),
                              limit_text(at.rule, largest->limit, most),
                              value_duration_text(largest->span, shorter));
            else
                largest = window;
        }
    }
}

#define PER(kind) (1u << PRINCIPAL_##kind)

/* What each meter can be charged to, narrowed by, and answered with. */
static const struct fit {
    unsigned per;
    const char *where; /* the key of `where` that means something for it */
    bool hold_only;    /* the kernel and the file guard can refuse, not delay or ask for proof */
} FITS[] = {
    [METER_REQUESTS] = {PER(CLIENT) | PER(NETWORK) | PER(ACCOUNT) | PER(EVERYONE), "route", false},
    [METER_ORIGIN_REQUESTS] = {PER(CLIENT) | PER(NETWORK) | PER(ACCOUNT) | PER(EVERYONE), "route",
                               false},
    [METER_PARCELS_READ] = {PER(CLIENT) | PER(NETWORK) | PER(ACCOUNT) | PER(EVERYONE), "route",
                            false},
    [METER_PEOPLE_READ] = {PER(CLIENT) | PER(NETWORK) | PER(ACCOUNT) | PER(EVERYONE), "route",
                           false},
    [METER_LOGIN_FAILURES] = {PER(CLIENT) | PER(NETWORK) | PER(ACCOUNT) | PER(EVERYONE), "route",
                              false},
    [METER_PACKETS] = {PER(CLIENT) | PER(NETWORK) | PER(EVERYONE), NULL, true},
    [METER_BYTES_OUT] = {PER(HOST) | PER(PAIR) | PER(EVERYONE), "to", true},
    [METER_FILES_READ] = {PER(USER) | PER(PROCESS) | PER(SHARE) | PER(EVERYONE), "share", true},
    [METER_FILES_REWRITTEN] = {PER(USER) | PER(PROCESS) | PER(SHARE) | PER(EVERYONE), "share",
                               true},
};

static void check_principal_fits(struct reading *r, const struct budget_at *at)
{
    unsigned per = FITS[at->rule->meter].per;
    if (!node_is_good(at->node, "per") || per & 1u << at->rule->per)
        return;
    const char *allowed[PRINCIPAL_KIND_COUNT + 1];
    size_t count = 0;
    for (unsigned kind = 0; kind < PRINCIPAL_KIND_COUNT; kind++)
        if (per & 1u << kind)
            allowed[count++] = principal_name((enum principal_kind)kind);
    allowed[count] = NULL;
    char list[128];
    read_complain(r, budget_field(at, "per"), "`%s` is not counted per %s; allowed: %s",
                  meter_name(at->rule->meter), principal_name(at->rule->per),
                  read_join(list, sizeof list, allowed));
}

static void check_where_fits(struct reading *r, const struct budget_at *at)
{
    static const char *const keys[] = {"route", "share", "trusted", "to"};
    const char *meter = meter_name(at->rule->meter), *fits = FITS[at->rule->meter].where;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct node *value = budget_where(at, keys[i]);
        if (!value || (fits && strcmp(keys[i], fits) == 0) ||
            (strcmp(keys[i], "trusted") == 0 && meter_guard(at->rule->meter) == GUARD_FILES))
            continue;
        value->key->bad = true;
        if (fits)
            problem_add(r->problems, value->key->line, value->key->column,
                        "`where: {%s: ...}` means nothing for `%s`; allowed: %s", keys[i], meter,
                        fits);
        else
            problem_add(r->problems, value->key->line, value->key->column,
                        "`where` means nothing for `%s`: a packet is counted before anything is "
                        "known of it",
                        meter);
    }
    struct node *begun = node_get(at->node, "begun");
    if (begun && at->rule->meter != METER_BYTES_OUT)
        problem_add(r->problems, begun->key->line, begun->key->column,
                    "`begun` is for `bytes_out` only, not for `%s`", meter);
    struct node *route = budget_where(at, "route");
    if (at->rule->meter == METER_LOGIN_FAILURES && route && !route->bad && at->rule->route >= 0) {
        const struct route_rule *rule = &r->contract->route[at->rule->route];
        if (rule->builtin && rule->path[0])
            read_complain(r, route,
                          "nobody signs in on the built-in route `%s`; name `login` or another "
                          "route of `routes`",
                          rule->name);
    }
}

void check_meters_fit(struct reading *r)
{
    for (each_budget(r, at)) {
        if (!node_is_good(at.node, "meter"))
            continue;
        check_principal_fits(r, &at);
        check_where_fits(r, &at);
        if (node_is_good(at.node, "over") && FITS[at.rule->meter].hold_only &&
            at.rule->over != OVER_HOLD)
            read_complain(r, budget_field(&at, "over"),
                          "`%s` can only be held, not `over: %s`; allowed: hold",
                          meter_name(at.rule->meter), over_name(at.rule->over));
    }
}

void check_meters_have_a_guard(struct reading *r)
{
    const struct contract *c = r->contract;
    for (each_budget(r, at)) {
        if (!node_is_good(at.node, "meter"))
            continue;
        const char *section = NULL;
        if (meter_guard(at.rule->meter) == GUARD_EGRESS && !c->network.present)
            section = "network: {inside: [10.1.0.0/16], interface: lan0}";
        else if (meter_guard(at.rule->meter) == GUARD_FILES && !node_get(r->tree->root, "files"))
            section = "files: {shares: [{name: exchange, path: /srv/exchange}]}";
        else if (at.rule->meter == METER_PARCELS_READ && !c->tracking.present)
            section = "tracking: {formats: [s10]}";
        if (section)
            read_complain(r, budget_field(&at, "meter"),
                          "nothing counts `%s` in this contract; add a section such as %s",
                          meter_name(at.rule->meter), section);
    }
}

static void check_window_counts(struct reading *r, const struct budget_at *at,
                                const struct window *window)
{
    enum meter meter = at->rule->meter;
    struct node *node = window_node(at, window->span);
    uint64_t seconds = (uint64_t)(window->span / NANOS_SECOND);
    if (meter_is_distinct(meter) && window->limit > CONTRACT_MAX_DISTINCT)
        read_complain(r, node,
                      "`%s` counts each thing once, and remembers at most %d of them; write a "
                      "limit of 1 to %d",
                      meter_name(meter), CONTRACT_MAX_DISTINCT, CONTRACT_MAX_DISTINCT);
    else if (window->limit > CONTRACT_MAX_LIMIT)
        read_complain(r, node, "this limit is larger than can be counted; at most %" PRIu64,
                      (uint64_t)CONTRACT_MAX_LIMIT);
    if (meter == METER_REQUESTS && window->span <= NANOS_MINUTE) {
        if (window->limit > seconds * CELL_MOST_PER_SECOND)
            read_complain(r, node,
                          "a window of up to one minute counts at most a million requests a "
                          "second; here %" PRIu64,
                          seconds * CELL_MOST_PER_SECOND);
    } else if (window->span < 10 * NANOS_SECOND) {
        read_complain(r, node->key ? node->key : node,
                      "the shortest window of `%s` is 10s; only `requests` has shorter ones",
                      meter_name(meter));
    }
}

void check_counts_are_exact(struct reading *r)
{
    for (each_budget(r, at))
        if (node_is_good(at.node, "meter"))
            for (uint32_t i = 0; i < at.rule->window_count; i++)
                check_window_counts(r, &at, &at.rule->window[i]);
}

/* ---- All of them ----------------------------------------------------------------------------- */

void check_contract(struct reading *r)
{
    if (!r->tree->root || r->tree->root->kind != NODE_MAP)
        return;
#define X(rule, what, why) check_##rule(r);
    RULES(X)
#undef X
}
