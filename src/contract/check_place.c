/* Where bytes go, where requests go, where files lie. */
#include "contract/check.h"
#include "contract/value.h"

/* ---- Ways out -------------------------------------------------------------------------------- */

enum way { WAY_OPEN, WAY_PAIR_ONLY, WAY_ANSWERS_ONLY, WAY_LIMITED };

/* What one budget does for a class of destinations. */
static enum way way_through(const struct budget_at *at, int class)
{
    const struct budget_rule *rule = at->rule;
    const struct node *to = budget_where(at, "to");
    if (!node_is_good(at->node, "meter") || rule->meter != METER_BYTES_OUT || (to && to->bad))
        return WAY_OPEN;
    if (rule->class != CONTRACT_CLASS_ANY && rule->class != class)
        return WAY_OPEN;
    if (rule->begun == BEGUN_OUTSIDE)
        return WAY_ANSWERS_ONLY;
    return rule->per == PRINCIPAL_PAIR ? WAY_PAIR_ONLY : WAY_LIMITED;
}

/* A budget that was meant for this class, but is wrong in a way that has been reported: that is
 * enough to say. */
static bool was_meant_for(const struct budget_at *at, struct text class)
{
    const struct node *to = budget_where(at, "to"), *meter = node_get(at->node, "meter");
    if (!to || !to->text.data || (meter && !meter->bad && !text_is(meter->text, "bytes_out")))
        return false;
    bool wrong = to->bad || !meter || meter->bad;
    return wrong && text_distance(to->text, class) <= class.length / 3 + 1;
}

static void check_way(struct reading *r, int class, const char *name, struct node *place)
{
    enum way way = WAY_OPEN;
    for (struct budget_at at = budget_first(r); at.rule; budget_next(&at)) {
        enum way this = way_through(&at, class);
        way = this > way ? this : way;
        if (way == WAY_LIMITED || was_meant_for(&at, text_of(name)))
            return;
    }
    if (way == WAY_OPEN)
        read_complain(r, place,
                      "no budget limits what may leave to `%s`: a way out without a limit; add one "
                      "with meter: "
                      "bytes_out, per: host or everyone, where: {to: %s}",
                      name, name);
    else if (way == WAY_PAIR_ONLY)
        read_complain(
            r, place,
            "what may leave to `%s` is limited per pair only, so that many destinations are many "
            "budgets; add one with per: host or everyone, where: {to: %s}",
            name, name);
    else
        read_complain(r, place,
                      "what may leave to `%s` is limited on connections begun outside only; add a "
                      "budget with "
                      "begun: inside or any, where: {to: %s}",
                      name, name);
}

void check_ways_out_are_limited(struct reading *r)
{
    const struct network_rules *network = &r->contract->network;
    const struct node *section = node_get(r->tree->root, "network");
    if (!section)
        return;
    const struct node *classes = node_get(section, "destinations");
    const struct node *class = classes && classes->kind == NODE_MAP ? classes->first : NULL;
    for (uint32_t i = 0; class && i < network->class_count; i++, class = class->next)
        if (!class->key->bad)
            check_way(r, (int)i, network->class[i].name, class->key);
    check_way(r, CONTRACT_CLASS_UNLISTED, "unlisted", section->key);
}

static bool counts_bytes_to(const struct budget_rule *rule, int class, enum begun begun)
{
    return rule->meter == METER_BYTES_OUT &&
           (rule->class == CONTRACT_CLASS_ANY || rule->class == class) &&
           (rule->begun == BEGUN_ANY || rule->begun == begun);
}

/* How many budgets before this one, and this one, count what goes to a class. */
static unsigned together_with(const struct reading *r, const struct budget_rule *last, int class,
                              enum begun begun)
{
    unsigned count = 0;
    for (const struct budget_rule *rule = r->contract->budget; rule <= last; rule++)
        count += counts_bytes_to(rule, class, begun);
    return counts_bytes_to(last, class, begun) ? count : 0;
}

void check_bytes_fit_the_kernel(struct reading *r)
{
    unsigned all = 0;
    for (struct budget_at at = budget_first(r); at.rule; budget_next(&at)) {
        if (at.rule->meter != METER_BYTES_OUT || !node_is_good(at.node, "meter"))
            continue;
        unsigned together = 0;
        for (int class = -1; class < (int)r->contract->network.class_count; class ++)
            for (enum begun begun = BEGUN_INSIDE; begun <= BEGUN_OUTSIDE; begun++) {
                unsigned here =
                    together_with(r, at.rule, class < 0 ? CONTRACT_CLASS_UNLISTED : class, begun);
                together = here > together ? here : together;
            }
        if (++all == CONTRACT_MAX_BYTES_OUT + 1)
            read_complain(r, budget_field(&at, "meter"),
                          "more than %d budgets of `bytes_out`; allowed: up to %d",
                          CONTRACT_MAX_BYTES_OUT, CONTRACT_MAX_BYTES_OUT);
        else if (together == CONTRACT_MAX_BYTES_TOGETHER + 1)
            read_complain(r, budget_field(&at, "meter"),
                          "more than %d budgets of `bytes_out` count the same bytes; allowed: up "
                          "to %d; say `where: {to: ...}`",
                          CONTRACT_MAX_BYTES_TOGETHER, CONTRACT_MAX_BYTES_TOGETHER);
    }
}

static struct node *entry_of_prefix(struct node *list, const struct prefix *prefix)
{
    for (struct node *entry = list && list->kind == NODE_LIST ? list->first : NULL; entry;
         entry = entry->next) {
        struct prefix written;
        if (entry->kind == NODE_SCALAR && !value_prefix(entry->text, &written) &&
            memcmp(&written, prefix, sizeof written) == 0)
            return entry;
    }
    return NULL;
}

/* Whether a budget of the meter counts this trusted program wherever it goes. */
static bool trusted_is_limited(const struct reading *r, uint32_t trusted, enum meter meter)
{
    uint32_t shares = 0;
    const struct contract *c = r->contract;
    for (struct budget_at at = budget_first(r); at.rule; budget_next(&at)) {
        const struct node *where = budget_where(&at, "trusted");
        if (at.rule->trusted != (int)trusted || at.rule->meter != meter || !where || where->bad ||
            !node_is_good(at.node, "meter") || at.rule->per == PRINCIPAL_SHARE)
            continue;
        if (at.rule->share < 0)
            return true;
        shares |= UINT32_C(1) << at.rule->share;
    }
    return c->share_count && shares == UINT32_MAX >> (32 - c->share_count);
}

void check_trusted_are_limited(struct reading *r)
{
    static const enum meter meters[] = {METER_FILES_READ, METER_FILES_REWRITTEN};
    const struct node *list = check_list(r, "files", "trusted");
    uint32_t i = 0;
    for (struct node *entry = list ? list->first : NULL; entry && i < r->contract->trusted_count;
         entry = entry->next, i++) {
        struct node *name = node_get(entry, "name");
        for (size_t m = 0; name && !name->bad && m < sizeof meters / sizeof *meters; m++)
            if (!trusted_is_limited(r, i, meters[m]))
                read_complain(r, name,
                              "no budget limits `%s` of the trusted program `%s`, and no other "
                              "counts it; add one with meter: %s, where: {trusted: %s}",
                              meter_name(meters[m]), name->text.data, meter_name(meters[m]),
                              name->text.data);
    }
}

void check_destinations_differ(struct reading *r)
{
    const struct network_rules *network = &r->contract->network;
    const struct node *section = node_get(r->tree->root, "network");
    const struct node *classes = node_get(section, "destinations");
    struct node *list = classes && classes->kind == NODE_MAP ? classes->first : NULL;
    for (uint32_t i = 0; list && i < network->class_count; i++, list = list->next) {
        for (uint32_t p = 0; p < network->class[i].to.count; p++) {
            const struct prefix *prefix = &network->class[i].to.prefix[p];
            struct node *here = entry_of_prefix(list, prefix), *other = NULL;
            const char *name = "inside";
            other = entry_of_prefix(node_get(section, "inside"), prefix);
            for (struct node *earlier = classes->first; earlier != list && !other;
                 earlier = earlier->next) {
                other = entry_of_prefix(earlier, prefix);
                name = earlier->key->text.data;
            }
            if (here && other)
                read_complain(r, here,
                              "`%s` is in `%s` already, on line %u; an address is in one class",
                              here->text.data, name, other->line);
        }
    }
}

/* ---- Routes ---------------------------------------------------------------------------------- */

/* Whether every request of `inner` matches `outer` too. */
static bool route_swallows(const struct route_rule *outer, const struct route_rule *inner)
{
    size_t length = strlen(outer->path);
    if (!length || !inner->path[0] || strncmp(outer->path, inner->path, length) != 0)
        return false;
    bool method = !outer->method[0] || strcmp(outer->method, inner->method) == 0 ||
                  (strcmp(outer->method, "GET") == 0 && strcmp(inner->method, "HEAD") == 0);
    bool path = outer->match == MATCH_PREFIX ||
                (inner->match == MATCH_EXACT && strlen(inner->path) == length);
    return method && path;
}

void check_routes_can_be_reached(struct reading *r)
{
    const struct contract *c = r->contract;
    uint32_t i = 0;
    while (i < c->route_count && c->route[i].builtin)
        i++;
    const struct node *list = check_list(r, NULL, "routes");
    for (struct node *node = list ? list->first : NULL; node && i < c->route_count;
         node = node->next, i++) {
        if (!node_is_good(node, "match"))
            continue;
        for (uint32_t earlier = 0; earlier < i; earlier++)
            if (route_swallows(&c->route[earlier], &c->route[i])) {
                read_complain(r, node_get(node, "match"),
                              "no request gets here: the route `%s` (%s%s%s%s) takes them all; "
                              "%s",
                              c->route[earlier].name, c->route[earlier].method,
                              *c->route[earlier].method ? " " : "", c->route[earlier].path,
                              c->route[earlier].match == MATCH_PREFIX ? "*" : "",
                              c->route[earlier].builtin ? "it is built in, so choose another path"
                                                        : "list the narrower one first");
                break;
            }
    }
}

/* ---- Directories ----------------------------------------------------------------------------- */

static bool lies_in(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    if (strcmp(directory, "/") == 0)
        return true;
    return length && strncmp(path, directory, length) == 0 &&
           (path[length] == '/' || !path[length]);
}

static void check_share_place(struct reading *r, uint32_t i, struct node *path)
{
    const struct contract *c = r->contract;
    const char *here = c->share[i].path;
    if (strcmp(here, "/") == 0)
        read_complain(r, path,
                      "a share cannot be `/`: the guard would wait for the whole machine; give it "
                      "a mount of its "
                      "own");
    else if (lies_in(c->state, here) || lies_in(c->runtime, here))
        read_complain(r, path,
                      "`%s` holds `%s`, where Ecluse itself writes: the guard would wait for "
                      "itself; move one of "
                      "them",
                      here, lies_in(c->state, here) ? "state" : "runtime");
    for (uint32_t other = 0; other < i && !path->bad; other++)
        if (c->share[other].path[0] &&
            (lies_in(here, c->share[other].path) || lies_in(c->share[other].path, here)))
            read_complain(
                r, path,
                "`%s` and the share `%s` (%s) lie in one another; each share is a mount of its own",
                here, c->share[other].name, c->share[other].path);
}

static void check_keys_place(struct reading *r)
{
    const struct contract *c = r->contract;
    const struct node *passes = node_get(r->tree->root, "passes");
    struct node *keys = passes ? node_get(passes, "keys") : NULL;
    if (!keys || keys->bad)
        return;
    if (lies_in(c->passes.keys, c->runtime))
        read_complain(r, keys,
                      "`%s` lies in `runtime`: at a reboot the keys would be lost, and with them "
                      "every pass; give it a place in `state`",
                      c->passes.keys);
    for (uint32_t i = 0; i < c->share_count && !keys->bad; i++)
        if (c->share[i].path[0] && lies_in(c->passes.keys, c->share[i].path))
            read_complain(r, keys,
                          "`%s` lies on the share `%s`: whoever reads it there can make passes; "
                          "give it a place in `state`",
                          c->passes.keys, c->share[i].name);
}

void check_directories_differ(struct reading *r)
{
    const struct contract *c = r->contract;
    struct node *state = node_get(r->tree->root, "state"),
                *runtime = node_get(r->tree->root, "runtime");
    bool good = !(state && state->bad) && !(runtime && runtime->bad);
    if (good && (state || runtime) &&
        (lies_in(c->state, c->runtime) || lies_in(c->runtime, c->state)))
        read_complain(r, runtime ? runtime : state,
                      "`state` (%s) and `runtime` (%s) lie in one another; what must survive and "
                      "what may be lost need two directories",
                      c->state, c->runtime);
    const struct node *list = check_list(r, "files", "shares");
    uint32_t i = 0;
    for (struct node *node = list ? list->first : NULL; node && i < c->share_count;
         node = node->next, i++)
        if (node_is_good(node, "path"))
            check_share_place(r, i, node_get(node, "path"));
    check_keys_place(r);
}

/* ---- Trust ----------------------------------------------------------------------------------- */

static void check_not_all(struct reading *r, struct node *list, const char *what)
{
    for (struct node *entry = list && list->kind == NODE_LIST ? list->first : NULL; entry;
         entry = entry->next) {
        struct prefix prefix;
        if (entry->kind != NODE_SCALAR || entry->bad || value_prefix(entry->text, &prefix))
            continue;
        static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
        bool four = memcmp(prefix.address, mapped, sizeof mapped) == 0;
        if (prefix.bits == 0 || (four && prefix.bits == 96))
            read_complain(r, entry,
                          "`%s` is every address, so that %s; list the addresses that are meant",
                          entry->text.data, what);
    }
}

void check_not_all_are_trusted(struct reading *r)
{
    check_not_all(r, node_get(r->tree->root, "trusted_proxies"),
                  "anyone could say whose request it is");
    const struct node *list = check_list(r, NULL, "protected");
    for (struct node *entry = list ? list->first : NULL; entry; entry = entry->next)
        check_not_all(r, node_get(entry, "from"), "nobody would ever be held");
}
