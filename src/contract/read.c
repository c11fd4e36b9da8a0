#include "contract/read.h"

#include <stdarg.h>

void read_complain(struct reading *r, struct node *node, const char *format, ...)
{
    char text[sizeof((struct problem *)0)->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    node->bad = true;
    problem_add(r->problems, node->line, node->column, "%s", text);
}

const char *read_suggest(struct text written, const char *const *words)
{
    static _Thread_local char said[128];
    const char *nearest = NULL;
    size_t least = written.length / 3 + 1; /* one slip in three letters */
    for (; *words && written.length > 2; words++) { /* a slip in two letters is another word */
        size_t distance = text_distance(written, text_of(*words));
        if (distance <= least && distance < strlen(*words)) {
            nearest = *words;
            least = distance ? distance - 1 : 0;
        }
    }
    if (nearest)
        snprintf(said, sizeof said, "did you mean `%s`? ", nearest);
    else
        said[0] = 0;
    return said;
}

static bool stands_before(const char *const *words, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(words[i], words[at]) == 0)
            return true;
    return false;
}

char *read_join(char *out, size_t size, const char *const *words)
{
    struct writer w = writer_on(out, size - 1);
    for (size_t i = 0; words[i]; i++) {
        if (stands_before(words, i))
            continue; /* a name that the contract has twice: that is said where it stands */
        if (i)
            write_string(&w, ", ");
        write_string(&w, words[i]);
    }
    out[w.length] = 0;
    return out;
}

bool node_is_good(const struct node *map, const char *key)
{
    const struct node *value = node_get(map, key);
    return value && !value->bad;
}

static const char *section_name(enum field_scope scope)
{
    static const char *const names[] = {
        [SCOPE_CONTRACT] = "the contract", [SCOPE_ORGANISATION] = "`organisation`",
        [SCOPE_TRACKING] = "`tracking`",   [SCOPE_SOURCE] = "a source",
        [SCOPE_NETWORK] = "`network`",     [SCOPE_FILES] = "`files`",
        [SCOPE_FILE_SHARE] = "a share",    [SCOPE_PROTECTED] = "a protected entry",
        [SCOPE_ROUTE] = "a route",         [SCOPE_KEEP] = "`keep`",
        [SCOPE_PROMISE] = "a promise",     [SCOPE_BUDGET] = "a budget",
        [SCOPE_WHERE] = "`where`",         [SCOPE_AUDIT] = "`audit`",
        [SCOPE_WITNESS] = "a witness",     [SCOPE_DESK] = "`desk`",
        [SCOPE_OUTPUTS] = "`outputs`",     [SCOPE_VAULT] = "`vault`",
        [SCOPE_TRUSTED] = "a trusted program", [SCOPE_PASSES] = "`passes`",
    };
    return names[scope];
}

enum { KEYS_MOST = 24 };

static void keys_of(enum field_scope scope, const char *keys[KEYS_MOST])
{
    size_t count = 0;
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (FIELDS[i].scope == scope && count + 1 < KEYS_MOST)
            keys[count++] = FIELDS[i].key;
    keys[count] = NULL;
}

/* Where else a key belongs: only one of the scopes that hang together with this one helps. */
static const char *elsewhere(enum field_scope scope, struct text key)
{
    static _Thread_local char said[96];
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        enum field_scope other = FIELDS[i].scope;
        bool near = other == SCOPE_CONTRACT || (scope == SCOPE_BUDGET && other == SCOPE_WHERE) ||
                    (scope == SCOPE_WHERE && other == SCOPE_BUDGET) || scope == SCOPE_CONTRACT;
        if (other == scope || !near || !text_is(key, FIELDS[i].key))
            continue;
        if (other == SCOPE_CONTRACT)
            snprintf(said, sizeof said, "it belongs at the top of the contract. ");
        else
            snprintf(said, sizeof said, "it belongs in `%s`. ", scope_path(other));
        return said;
    }
    return NULL;
}

static void find_unknown_keys(struct reading *r, enum field_scope scope, struct node *map)
{
    const char *keys[KEYS_MOST];
    keys_of(scope, keys);
    for (struct node *child = map->first; child; child = child->next) {
        bool known = child->key->bad;
        for (size_t i = 0; keys[i] && !known; i++)
            known = text_is(child->key->text, keys[i]);
        if (known)
            continue;
        char allowed[300];
        const char *hint = read_suggest(child->key->text, keys);
        const char *place = *hint ? NULL : elsewhere(scope, child->key->text);
        read_complain(r, child->key, "unknown key `%.64s` in %s; %sallowed: %s",
                      child->key->text.data, section_name(scope), place ? place : hint,
                      read_join(allowed, sizeof allowed, keys));
        child->bad = true;
    }
}

static void take_fallback(struct reading *r, const struct field *field, void *base)
{
    if (field->type == TYPE_LANGUAGES) {
        r->contract->languages = (1u << LANGUAGE_COUNT) - 1;
        r->contract->first_language = LANGUAGE_FR;
        return;
    }
    struct node written = {.kind = NODE_SCALAR, .text = text_of(field->fallback)};
    read_value(r, field, base, &written, NULL);
    must(!written.bad);
}

void read_scope(struct reading *r, enum field_scope scope, void *base, struct node *map)
{
    if (map)
        find_unknown_keys(r, scope, map);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *field = &FIELDS[i];
        if (field->scope != scope)
            continue;
        struct node *value = node_get(map, field->key);
        if (value) {
            read_value(r, field, base, value, map);
            map->bad |= value->bad;
            continue;
        }
        if (field->fallback)
            take_fallback(r, field, base);
        else if (field->into != SCOPE_COUNT && field->type == TYPE_MAP)
            read_scope(r, field->into, (char *)base + field->offset, NULL);
        if (map && field->need == NEED_YES && !r->tree->cut)
            read_complain(r, map, "%s lacks `%s`: %s%s%s", section_name(scope), field->key,
                          field->text, field->example ? " For example " : "",
                          field->example ? field->example : "");
    }
}

static bool lists_route(const struct node *root, const char *name)
{
    const struct node *routes = node_get(root, "routes");
    for (const struct node *entry = routes ? routes->first : NULL; entry; entry = entry->next) {
        const struct node *written = node_get(entry, "name");
        if (written && text_is(written->text, name))
            return true;
    }
    return false;
}

/* First in the list, so that no listed route can take their requests; one without a path gives way
 * to a listed one of its name. */
static void add_builtin_routes(struct contract *c, const struct node *root)
{
    static const struct route_rule routes[] = {
#define X(name_, method_, path_, match_, what)                                                     \
    {.name = name_, .method = method_, .path = path_, .match = match_, .builtin = true},
        BUILTIN_ROUTES(X)
#undef X
    };
    _Static_assert(sizeof routes / sizeof *routes == BUILTIN_ROUTE_COUNT,
                   "the count follows the table");
    for (size_t i = 0; i < BUILTIN_ROUTE_COUNT; i++)
        if (routes[i].path[0] || !lists_route(root, routes[i].name))
            c->route[c->route_count++] = routes[i];
}

void read_contract(struct reading *r)
{
    struct contract *c = r->contract;
    struct node *root = r->tree->root;
    add_builtin_routes(c, root);
    if (!root || root->kind != NODE_MAP) {
        if (!r->tree->cut)
            problem_add(r->problems, root ? root->line : 1, root ? root->column : 1,
                        "a contract is a map that begins with `ecluse: 1`");
        return;
    }
    c->tracking.present = node_get(root, "tracking") != NULL;
    c->network.present = node_get(root, "network") != NULL;
    c->desk.present = node_get(root, "desk") != NULL;
    read_scope(r, SCOPE_CONTRACT, c, root);
    for (uint32_t i = 0; i < c->budget_count; i++)
        if (!meter_is_continuity(c->budget[i].meter))
            c->budget[i].breaker = 1000000; /* "more than all of them": never */
}
