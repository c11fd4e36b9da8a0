#include "cli/difference.h"

#include <stdarg.h>
#include <stdio.h>

enum change { LOOSENED, TIGHTENED, OTHER, CHANGES };

struct writing {
    unsigned count[CHANGES];
    char text[CHANGES][ACT_REASON_SIZE];
};

/* What does not fit is counted, and the count is told. */
__attribute__((format(printf, 3, 4))) static void note(struct writing *w, enum change change,
                                                       const char *format, ...)
{
    char *text = w->text[change];
    size_t length = strlen(text);
    char piece[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    w->count[change]++;
    if (length + strlen(piece) + 3 < ACT_REASON_SIZE)
        snprintf(text + length, ACT_REASON_SIZE - length, "%s%s", length ? ", " : "", piece);
}

/* ---- Budgets ------------------------------------------------------------------------------------
 */

static const struct budget_rule *budget_named(const struct contract *c, const char *name)
{
    int at = contract_budget_named(c, text_of(name));
    return at < 0 ? NULL : &c->budget[at];
}

static const char *route_named(const struct contract *c, int16_t at)
{
    return at >= 0 && (uint32_t)at < c->route_count ? c->route[at].name : "";
}

static const char *share_named(const struct contract *c, int16_t at)
{
    return at >= 0 && (uint32_t)at < c->share_count ? c->share[at].name : "";
}

static const char *trusted_named(const struct contract *c, int16_t at)
{
    return at >= 0 && (uint32_t)at < c->trusted_count ? c->trusted[at].name : "";
}

static const char *class_named(const struct contract *c, int16_t at)
{
    if (at == CONTRACT_CLASS_UNLISTED)
        return "unlisted";
    return at >= 0 && (uint32_t)at < c->network.class_count ? c->network.class[at].name : "";
}

static bool same_place(const struct contract *a, const struct budget_rule *x,
                       const struct contract *b, const struct budget_rule *y)
{
    return x->meter == y->meter && x->per == y->per && x->begun == y->begun &&
           strcmp(route_named(a, x->route), route_named(b, y->route)) == 0 &&
           strcmp(share_named(a, x->share), share_named(b, y->share)) == 0 &&
           strcmp(trusted_named(a, x->trusted), trusted_named(b, y->trusted)) == 0 &&
           strcmp(class_named(a, x->class), class_named(b, y->class)) == 0;
}

static const struct window *window_of(const struct budget_rule *rule, nanos_t span)
{
    for (uint32_t i = 0; i < rule->window_count; i++)
        if (rule->window[i].span == span)
            return &rule->window[i];
    return NULL;
}

static void compare_windows(struct writing *w, const struct budget_rule *x,
                            const struct budget_rule *y)
{
    for (uint32_t i = 0; i < x->window_count; i++) {
        const struct window *before = &x->window[i], *after = window_of(y, before->span);
        long long seconds = before->span / NANOS_SECOND;
        if (!after)
            note(w, LOOSENED, "%s: no limit over %lld s any more", x->name, seconds);
        else if (after->limit != before->limit)
            note(w, after->limit > before->limit ? LOOSENED : TIGHTENED,
                 "%s: %llu -> %llu in %lld s", x->name, (unsigned long long)before->limit,
                 (unsigned long long)after->limit, seconds);
    }
    for (uint32_t i = 0; i < y->window_count; i++)
        if (!window_of(x, y->window[i].span))
            note(w, TIGHTENED, "%s: %llu in %lld s", y->name,
                 (unsigned long long)y->window[i].limit,
                 (long long)(y->window[i].span / NANOS_SECOND));
}

static void compare_budget(struct writing *w, const struct contract *a, const struct budget_rule *x,
                           const struct contract *b, const struct budget_rule *y)
{
    if (!same_place(a, x, b, y))
        note(w, LOOSENED, "%s: counts something else", x->name);
    compare_windows(w, x, y);
    if (x->mode != y->mode)
        note(w, y->mode == MODE_OBSERVE ? LOOSENED : TIGHTENED, "%s: %s", x->name,
             mode_name(y->mode));
    if (x->over != y->over)
        note(w, y->over < x->over ? LOOSENED : TIGHTENED, "%s: over it, %s", x->name,
             over_name(y->over));
    if (x->hold_for != y->hold_for)
        note(w, y->hold_for < x->hold_for ? LOOSENED : TIGHTENED, "%s: held for %lld s -> %lld s",
             x->name, (long long)(x->hold_for / NANOS_SECOND),
             (long long)(y->hold_for / NANOS_SECOND));
    if (x->breaker != y->breaker)
        note(w, y->breaker < x->breaker ? LOOSENED : TIGHTENED, "%s: breaker", x->name);
}

static void compare_budgets(struct writing *w, const struct contract *a, const struct contract *b)
{
    for (uint32_t i = 0; i < a->budget_count; i++) {
        const struct budget_rule *after = budget_named(b, a->budget[i].name);
        if (after)
            compare_budget(w, a, &a->budget[i], b, after);
        else
            note(w, LOOSENED, "%s: removed", a->budget[i].name);
    }
    for (uint32_t i = 0; i < b->budget_count; i++)
        if (!budget_named(a, b->budget[i].name))
            note(w, TIGHTENED, "%s: added", b->budget[i].name);
}

/* ---- Whom and what it covers --------------------------------------------------------------------
 */

static bool holds_prefix(const struct prefix_list *list, const struct prefix *prefix)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->prefix[i].bits <= prefix->bits &&
            prefix_covers(&list->prefix[i], prefix->address))
            return true;
    return false;
}

/* Whether every address of `inner` is in `outer`, as far as single prefixes tell. */
static bool covers(const struct prefix_list *outer, const struct prefix_list *inner)
{
    for (uint32_t i = 0; i < inner->count; i++)
        if (!holds_prefix(outer, &inner->prefix[i]))
            return false;
    return true;
}

/* A list that lets more through the more it holds. */
static void compare_list(struct writing *w, const struct prefix_list *before,
                         const struct prefix_list *after, const char *what, const char *name)
{
    if (!covers(before, after))
        note(w, LOOSENED, "%s%s: wider", what, name);
    else if (!covers(after, before))
        note(w, TIGHTENED, "%s%s: narrower", what, name);
}

static void compare_protected(struct writing *w, const struct contract *a, const struct contract *b)
{
    static const struct prefix_list none;
    for (uint32_t i = 0; i < b->protected_count; i++) {
        const struct prefix_list *before = &none;
        for (uint32_t j = 0; j < a->protected_count; j++)
            if (strcmp(a->protected[j].name, b->protected[i].name) == 0)
                before = &a->protected[j].from;
        compare_list(w, before, &b->protected[i].from, "protected ", b->protected[i].name);
    }
    for (uint32_t i = 0; i < a->protected_count; i++) {
        bool kept = false;
        for (uint32_t j = 0; j < b->protected_count; j++)
            kept = kept || strcmp(a->protected[i].name, b->protected[j].name) == 0;
        if (!kept)
            note(w, TIGHTENED, "protected %s: removed", a->protected[i].name);
    }
}

static void compare_network(struct writing *w, const struct contract *a, const struct contract *b)
{
    static const struct prefix_list none;
    const struct network_rules *x = &a->network, *y = &b->network;
    if (x->present && !y->present)
        note(w, LOOSENED, "network: removed");
    if (!x->present || !y->present)
        return;
    for (uint32_t i = 0; i < y->class_count; i++) {
        const struct prefix_list *before = &none;
        for (uint32_t j = 0; j < x->class_count; j++)
            if (strcmp(x->class[j].name, y->class[i].name) == 0)
                before = &x->class[j].to;
        compare_list(w, before, &y->class[i].to, "destinations ", y->class[i].name);
    }
    compare_list(w, &y->inside, &x->inside, "network.inside",
                 ""); /* the other way round: what is inside is watched */
    if (strcmp(x->interface, y->interface) != 0 || x->attach_host != y->attach_host)
        note(w, LOOSENED, "network: watched elsewhere");
    if (x->without_guard != y->without_guard)
        note(w, y->without_guard > x->without_guard ? LOOSENED : TIGHTENED,
             "without_guard: %llu -> %llu bytes/s", (unsigned long long)x->without_guard,
             (unsigned long long)y->without_guard);
}

static bool same_route(const struct route_rule *x, const struct route_rule *y)
{
    return strcmp(x->method, y->method) == 0 && strcmp(x->path, y->path) == 0 &&
           x->match == y->match && x->any_case == y->any_case;
}

static void compare_routes(struct writing *w, const struct contract *a, const struct contract *b)
{
    for (uint32_t i = 0; i < a->route_count; i++) {
        int at = contract_route_named(b, text_of(a->route[i].name));
        if (at < 0)
            note(w, OTHER, "route %s: removed", a->route[i].name);
        else if (!same_route(&a->route[i], &b->route[at]))
            note(w, LOOSENED, "route %s: matches otherwise", a->route[i].name);
    }
    for (uint32_t i = 0; i < a->share_count; i++) {
        bool same = false;
        for (uint32_t j = 0; j < b->share_count; j++)
            same = same || (strcmp(a->share[i].name, b->share[j].name) == 0 &&
                            strcmp(a->share[i].path, b->share[j].path) == 0);
        if (!same)
            note(w, LOOSENED, "share %s: moved or removed", a->share[i].name);
    }
    for (uint32_t i = 0; i < b->trusted_count; i++) {
        bool same = false;
        for (uint32_t j = 0; j < a->trusted_count; j++)
            same = same || memcmp(&a->trusted[j], &b->trusted[i], sizeof b->trusted[i]) == 0;
        if (!same)
            note(w, LOOSENED, "trusted program %s: new, or another one", b->trusted[i].name);
    }
}

/* ---- The rest -----------------------------------------------------------------------------------
 */

static void compare_promises(struct writing *w, const struct contract *a, const struct contract *b)
{
    for (uint32_t i = 0; i < a->promise_count; i++) {
        const struct promise_rule *after = NULL;
        for (uint32_t j = 0; j < b->promise_count; j++)
            if (strcmp(a->promise[i].name, b->promise[j].name) == 0)
                after = &b->promise[j];
        if (!after)
            note(w, OTHER, "promise %s: removed", a->promise[i].name);
        else if (after->success != a->promise[i].success || after->within != a->promise[i].within ||
                 after->over != a->promise[i].over)
            note(w, OTHER, "promise %s: changed", after->name);
    }
    for (uint32_t j = 0; j < b->promise_count; j++) {
        bool is_new = true;
        for (uint32_t i = 0; i < a->promise_count; i++)
            is_new = is_new && strcmp(a->promise[i].name, b->promise[j].name) != 0;
        if (is_new)
            note(w, OTHER, "promise %s: added", b->promise[j].name);
    }
}

static bool has_witness(const struct audit_rules *rules, const struct witness_rule *witness)
{
    for (uint32_t i = 0; i < rules->witness_count; i++)
        if (strcmp(rules->witness[i].key, witness->key) == 0)
            return true;
    return false;
}

static void compare_evidence(struct writing *w, const struct contract *a, const struct contract *b)
{
    const struct {
        const char *name;
        nanos_t before, after;
    } kept[] = {{"keep.holds", a->keep.holds, b->keep.holds},
                {"keep.audit_names", a->keep.audit_names, b->keep.audit_names}};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (kept[i].before != kept[i].after)
            note(w, kept[i].after < kept[i].before ? LOOSENED : OTHER, "%s: %lld d", kept[i].name,
                 (long long)(kept[i].after / NANOS_DAY));
    for (uint32_t i = 0; i < a->audit.witness_count; i++)
        if (!has_witness(&b->audit, &a->audit.witness[i]))
            note(w, LOOSENED, "witness %s: removed", a->audit.witness[i].name);
    for (uint32_t i = 0; i < b->audit.witness_count; i++)
        if (!has_witness(&a->audit, &b->audit.witness[i]))
            note(w, TIGHTENED, "witness %s: added", b->audit.witness[i].name);
}

/* A longer rotation is a weaker one; other keys make every pass void. */
static void compare_passes(struct writing *w, const struct contract *a, const struct contract *b)
{
    if (strcmp(a->passes.keys, b->passes.keys) != 0)
        note(w, OTHER, "passes.keys: another file");
    if (a->passes.rotate != b->passes.rotate)
        note(w, b->passes.rotate > a->passes.rotate ? LOOSENED : TIGHTENED, "passes.rotate: %lld d",
             (long long)(b->passes.rotate / NANOS_DAY));
}

static void put_together(const struct writing *w, struct difference *out)
{
    static const char *const heads[CHANGES] = {"loosens ", "tightens ", "changes "};
    char whole[3 * (ACT_REASON_SIZE + 32)] = "";
    size_t length = 0;
    for (int change = 0; change < CHANGES; change++)
        if (w->count[change])
            length += (size_t)snprintf(whole + length, sizeof whole - length, "%s%s%u: %s",
                                       length ? "; " : "", heads[change], w->count[change],
                                       w->text[change]);
    act_text(out->text, sizeof out->text, (struct text){whole, length});
    out->loosens = w->count[LOOSENED] > 0;
    out->loosened = w->count[LOOSENED];
    out->tightened = w->count[TIGHTENED];
    out->other = w->count[OTHER];
}

void contract_difference(const struct contract *before, const struct contract *after,
                         struct difference *out)
{
    struct writing w = {.count = {0}};
    if (before->mode != after->mode)
        note(&w, after->mode == MODE_OBSERVE ? LOOSENED : TIGHTENED, "mode: %s",
             mode_name(after->mode));
    compare_budgets(&w, before, after);
    compare_protected(&w, before, after);
    compare_network(&w, before, after);
    compare_list(&w, &before->trusted_proxies, &after->trusted_proxies, "trusted_proxies", "");
    compare_routes(&w, before, after);
    compare_promises(&w, before, after);
    compare_passes(&w, before, after);
    compare_evidence(&w, before, after);
    put_together(&w, out);
}
