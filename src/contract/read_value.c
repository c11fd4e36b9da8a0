#include "contract/read.h"
#include "contract/value.h"

#include <inttypes.h>
#include <stdlib.h>

/* A field's place in its struct, as a type. */
#define TARGET(type, field, base) ((type *)(void *)((char *)(base) + (field)->offset))

static const char *nothing_written(const struct node *value)
{
    return value->kind == NODE_SCALAR && !value->quoted && !value->text.length ? "nothing" : NULL;
}

static const char *kind_of(const struct node *value)
{
    if (nothing_written(value))
        return "nothing";
    return value->kind == NODE_LIST ? "a list" : value->kind == NODE_MAP ? "a map" : "a single value";
}

static bool expect(struct reading *r, const struct field *field, struct node *value, enum node_kind kind)
{
    static const char *const wanted[] = {"a single value", "a list: [ ... ], or lines that begin with `- `",
                                         "a map: lines of `key: value`, or { ... }"};
    if (value->bad && value->kind == NODE_SCALAR)
        return false; /* an alias or so: said already */
    if (value->kind == kind && !(kind == NODE_SCALAR && nothing_written(value)))
        return true;
    read_complain(r, value, "`%s` has %s here; it takes %s%s%s", field->key, kind_of(value), wanted[kind],
                  field->example ? ", such as " : "", field->example ? field->example : "");
    return false;
}

/* ---- Texts ---------------------------------------------------------------------------------------- */

static void read_text(struct reading *r, const struct field *field, char *to, size_t size, struct node *value)
{
    struct text text = value->text;
    if (text.length >= size)
        read_complain(r, value, "`%s` is too long: %zu bytes, at most %zu", field->key, text.length, size - 1);
    else if (!text.length || text.data[0] == ' ' || text.data[text.length - 1] == ' ')
        read_complain(r, value, "`%s` is empty, or begins or ends with a space", field->key);
    else
        memcpy(to, text.data, text.length + 1);
}

static bool is_word(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(i && ((c >= '0' && c <= '9') || c == '-' || c == '_')))
            return false;
    }
    return text.length > 0;
}

static bool expect_word(struct reading *r, const char *what, struct node *value)
{
    if (is_word(value->text) && value->text.length < CONTRACT_NAME_SIZE)
        return true;
    read_complain(r, value, "%s cannot be `%.80s`; it is a letter, then letters, digits, `-` and `_`, at most %d", what,
                  value->text.data, CONTRACT_NAME_SIZE - 1);
    return false;
}

static void read_path(struct reading *r, const struct field *field, char *to, struct node *value)
{
    struct text text = value->text;
    while (text.length > 1 && text.data[text.length - 1] == '/')
        text.length--;
    bool climbs = strstr(value->text.data, "/../") || strstr(value->text.data, "//") ||
                  (text.length >= 3 && memcmp(text.data + text.length - 3, "/..", 3) == 0);
    if (!text.length || text.data[0] != '/' || climbs || text.length >= CONTRACT_PATH_SIZE) {
        read_complain(r, value, "`%s` takes an absolute path of at most %d bytes, without `..` or `//`: %s", field->key,
                      CONTRACT_PATH_SIZE - 1, field->example);
        return;
    }
    memcpy(to, text.data, text.length);
    to[text.length] = 0;
}

/* Linux refuses other names (dev_valid_name in net/core/dev.c): no slash, no colon, no space, under 16 bytes. */
static void read_interface(struct reading *r, const struct field *field, char *to, struct node *value)
{
    struct text text = value->text;
    bool bad = !text.length || text.length >= sizeof((struct network_rules *)0)->interface || text_is(text, ".") ||
               text_is(text, "..");
    for (size_t i = 0; i < text.length; i++)
        bad |= text.data[i] == '/' || text.data[i] == ':' || text.data[i] == ' ';
    if (bad)
        read_complain(r, value, "`%s` takes the name of a network interface, at most 15 bytes without `/`, `:` and spaces",
                      field->key);
    else
        memcpy(to, text.data, text.length + 1);
}

/* The path of a match: what follows the method, as far as a `*` at the end. */
static const char *bad_match_path(struct text path)
{
    if (!path.length || path.data[0] != '/')
        return "the path begins with `/`";
    for (size_t i = 0; i < path.length; i++) {
        if (path.data[i] == '?' || path.data[i] == '#')
            return "the query string is no part of it";
        if (path.data[i] == '*')
            return "a `*` can only stand at the end";
        if (path.data[i] == ' ' || path.data[i] == '%')
            return "it is written as it is after decoding, without spaces and `%`";
        if (i && path.data[i] == '/' && path.data[i - 1] == '/')
            return "nginx has merged `//` before it is compared";
    }
    return path.length < CONTRACT_PATH_SIZE ? NULL : "the path has at most 255 bytes";
}

static void read_match(struct reading *r, struct route_rule *route, struct node *value)
{
    struct text path = value->text;
    struct text method = {path.data, 0};
    while (method.length < path.length && path.data[method.length] >= 'A' && path.data[method.length] <= 'Z')
        method.length++;
    const char *wrong = NULL;
    if (method.length) {
        if (method.length >= sizeof route->method || method.length == path.length || path.data[method.length] != ' ')
            wrong = "a method is capital letters, then one space";
        else
            path = (struct text){path.data + method.length + 1, path.length - method.length - 1};
    }
    bool prefix = path.length && path.data[path.length - 1] == '*';
    path.length -= prefix;
    if (!wrong)
        wrong = bad_match_path(path);
    if (wrong) {
        read_complain(r, value, "`match` takes a method and a path, such as \"POST /connexion\", or a path alone, or "
                                "with `*` at its end: \"/recherche*\"; %s", wrong);
        return;
    }
    memcpy(route->method, method.data, method.length);
    memcpy(route->path, path.data, path.length);
    route->match = prefix ? MATCH_PREFIX : MATCH_EXACT;
}

/* ---- Words and names ------------------------------------------------------------------------------ */

static int read_word(struct reading *r, const struct field *field, struct node *value)
{
    const char *const *words = type_words(field->type);
    for (int i = 0; words[i]; i++)
        if (text_is(value->text, words[i]))
            return i;
    char allowed[256];
    const char *hint = read_suggest(value->text, words);
    read_complain(r, value, "unknown %s `%.64s`; %sallowed: %s",
                  field->type == TYPE_PRINCIPAL   ? "principal"
                  : field->type == TYPE_LANGUAGES ? "language"
                                                  : field->key, value->text.data, hint,
                  read_join(allowed, sizeof allowed, words));
    return -1;
}

static void read_choice(struct reading *r, const struct field *field, void *base, struct node *value)
{
    int chosen = read_word(r, field, value);
    if (chosen < 0)
        return;
    if (field->type == TYPE_ATTACH)
        *TARGET(bool, field, base) = chosen == 1;
    else if (field->type == TYPE_STATEMENT)
        *TARGET(bool, field, base) = true;
    else if (field->type == TYPE_METER)
        *TARGET(enum meter, field, base) = (enum meter)chosen;
    else if (field->type == TYPE_PRINCIPAL)
        *TARGET(enum principal_kind, field, base) = (enum principal_kind)chosen;
    else if (field->type == TYPE_MODE)
        *TARGET(enum mode, field, base) = (enum mode)chosen;
    else if (field->type == TYPE_OVER)
        *TARGET(enum over, field, base) = (enum over)chosen;
    else
        *TARGET(enum begun, field, base) = (enum begun)chosen;
}

enum { NAMES_MOST = CONTRACT_MAX_ROUTES + 2 };

/* The names that a reference may hold, ended by NULL; returns how many are in the contract itself. */
static int names_for(const struct contract *c, enum field_type type, const char *names[NAMES_MOST])
{
    int count = 0;
    if (type == TYPE_ROUTE_REF)
        for (; count < (int)c->route_count; count++)
            names[count] = c->route[count].name;
    else if (type == TYPE_SHARE_REF)
        for (; count < (int)c->share_count; count++)
            names[count] = c->share[count].name;
    else
        for (; count < (int)c->network.class_count; count++)
            names[count] = c->network.class[count].name;
    names[count] = type == TYPE_CLASS_REF ? "unlisted" : NULL;
    names[count + 1] = NULL;
    return count;
}

static void read_reference(struct reading *r, const struct field *field, void *base, struct node *value)
{
    const char *names[NAMES_MOST];
    int count = names_for(r->contract, field->type, names);
    for (int i = 0; names[i]; i++)
        if (text_is(value->text, names[i])) {
            *TARGET(int16_t, field, base) = i < count ? (int16_t)i : (int16_t)CONTRACT_CLASS_UNLISTED;
            return;
        }
    value->bad = true;
    if (r->tree->cut)
        return; /* it may stand in the part that could not be read */
    char allowed[220];
    bool route = field->type == TYPE_ROUTE_REF, share = field->type == TYPE_SHARE_REF;
    read_complain(r, value, "there is no %s `%.64s`; %s%s: %s",
                  route ? "route" : share ? "share" : "class of destinations", value->text.data,
                  read_suggest(value->text, names),
                  route ? "`routes` and the built-in ones are" : share ? "`files.shares` has"
                                                                        : "`network.destinations` has",
                  *names ? read_join(allowed, sizeof allowed, names) : "none");
}

/* ---- Numbers -------------------------------------------------------------------------------------- */

static char *amount_text(enum field_type type, uint64_t amount, char out[VALUE_TEXT_SIZE])
{
    switch (type) {
    case TYPE_DURATION:
        return value_duration_text((nanos_t)amount, out);
    case TYPE_SHARE:
        return value_share_text((uint32_t)amount, out);
    case TYPE_SIZE:
        return value_size_text(amount, out);
    case TYPE_RATE:
        strcat(value_size_text(amount, out), "/s");
        return out;
    default:
        snprintf(out, VALUE_TEXT_SIZE, "%" PRIu64, amount);
        return out;
    }
}

static const char *parse_amount(enum field_type type, struct text text, uint64_t *amount)
{
    nanos_t duration = 0;
    uint32_t share = 0;
    const char *wrong;
    switch (type) {
    case TYPE_DURATION:
        wrong = value_duration(text, &duration);
        *amount = (uint64_t)duration;
        return wrong;
    case TYPE_SHARE:
        wrong = value_share(text, &share);
        *amount = share;
        return wrong;
    case TYPE_SIZE:
        return value_size(text, amount);
    case TYPE_RATE:
        return value_rate(text, amount);
    default:
        return value_count(text, amount);
    }
}

static void read_amount(struct reading *r, const struct field *field, void *base, struct node *value)
{
    uint64_t amount = 0;
    const char *wrong = parse_amount(field->type, value->text, &amount);
    if (wrong) {
        read_complain(r, value, "`%s`: `%.64s` %s", field->key, value->text.data, wrong);
        return;
    }
    if (field->high && (amount < field->low || amount > field->high)) {
        char low[VALUE_TEXT_SIZE], high[VALUE_TEXT_SIZE];
        read_complain(r, value, "`%s` cannot be %.64s; allowed: %s to %s", field->key, value->text.data,
                      amount_text(field->type, field->low, low), amount_text(field->type, field->high, high));
        return;
    }
    if (field->type == TYPE_SHARE)
        *TARGET(uint32_t, field, base) = (uint32_t)amount;
    else
        *TARGET(uint64_t, field, base) = amount; /* durations are int64_t: the same bits */
}

/* ---- Lists of scalars ----------------------------------------------------------------------------- */

/* The next entry that is a single value, or NULL; others are reported. */
static struct node *next_scalar(struct reading *r, const struct field *field, struct node *list, struct node *entry)
{
    for (entry = entry ? entry->next : list->first; entry; entry = entry->next) {
        if (entry->kind == NODE_SCALAR && !nothing_written(entry))
            return entry;
        if (!entry->bad)
            read_complain(r, entry, "each entry of `%s` is a single value, not %s", field->key, kind_of(entry));
        list->bad = true;
    }
    return NULL;
}

static void read_languages(struct reading *r, const struct field *field, struct node *list)
{
    uint32_t languages = 0;
    enum language first = LANGUAGE_FR;
    for (struct node *entry = NULL; (entry = next_scalar(r, field, list, entry));) {
        int language = read_word(r, field, entry);
        if (language < 0)
            list->bad = true;
        else if (languages & 1u << language)
            read_complain(r, entry, "`%s` is listed twice", entry->text.data);
        else {
            if (!languages)
                first = (enum language)language;
            languages |= 1u << language;
        }
    }
    if (!languages && !list->bad)
        read_complain(r, list, "`languages` lists none; allowed: one or more of fr, nl, de, en");
    r->contract->languages = languages;
    r->contract->first_language = first;
}

static void read_formats(struct reading *r, const struct field *field, struct tracking_rules *rules,
                         struct node *list)
{
    for (struct node *entry = NULL; (entry = next_scalar(r, field, list, entry));) {
        struct parcel_format format = {0};
        const char *wrong = value_format(entry->text, &format);
        bool twice = false;
        for (uint32_t i = 0; i < rules->format_count && !wrong; i++)
            twice |= memcmp(&rules->format[i], &format, sizeof format) == 0;
        if (wrong)
            read_complain(r, entry, "`%.64s` %s", entry->text.data, wrong);
        else if (twice)
            read_complain(r, entry, "the format `%s` is listed twice", entry->text.data);
        else if (rules->format_count == CONTRACT_MAX_FORMATS)
            read_complain(r, entry, "`formats` takes at most %d", CONTRACT_MAX_FORMATS);
        else
            rules->format[rules->format_count++] = format;
        list->bad |= entry->bad;
    }
    if (!list->count)
        read_complain(r, list, "`formats` lists none; at least one is needed, such as s10");
}

static void read_prefixes(struct reading *r, const struct field *field, const char *key, struct prefix_list *to,
                          struct node *list)
{
    bool full = false;
    for (struct node *entry = NULL; (entry = next_scalar(r, field, list, entry));) {
        struct prefix prefix;
        const char *wrong = value_prefix(entry->text, &prefix);
        bool twice = false;
        for (uint32_t i = 0; i < to->count && !wrong; i++)
            twice |= memcmp(&to->prefix[i], &prefix, sizeof prefix) == 0;
        if (wrong)
            read_complain(r, entry, "`%.64s` %s", entry->text.data, wrong);
        else if (twice)
            read_complain(r, entry, "`%s` is listed twice", entry->text.data);
        else if (to->count < CONTRACT_MAX_PREFIXES)
            to->prefix[to->count++] = prefix;
        else if (!full) {
            read_complain(r, entry, "`%s` takes at most %d prefixes", key, CONTRACT_MAX_PREFIXES);
            full = true;
        }
        list->bad |= entry->bad;
    }
    if (!list->count)
        read_complain(r, list, "`%s` lists no address; write at least one, such as [192.0.2.0/24]", key);
}

/* ---- Maps whose keys are not fields --------------------------------------------------------------- */

static void read_classes(struct reading *r, const struct field *field, struct node *map)
{
    struct network_rules *network = &r->contract->network;
    for (struct node *list = map->first; list; list = list->next) {
        if (network->class_count == CONTRACT_MAX_CLASSES) {
            read_complain(r, list->key, "`destinations` takes at most %d classes", CONTRACT_MAX_CLASSES);
            break;
        }
        /* A class is known by its name whatever is wrong below, so that who refers to it is not blamed. */
        struct destination_class *class = &network->class[network->class_count++];
        if (list->key->bad || !expect_word(r, "the name of a class of destinations", list->key)) {
            list->bad = map->bad = true;
            continue;
        }
        memcpy(class->name, list->key->text.data, list->key->text.length + 1);
        if (strcmp(class->name, "unlisted") == 0)
            read_complain(r, list->key, "`unlisted` is what is in no class, so it cannot be listed; choose another name");
        if (expect(r, field, list, NODE_LIST))
            read_prefixes(r, field, class->name, &class->to, list);
        map->bad |= list->bad;
    }
}

/* Which unit the limits have follows from the meter; where that is wrong itself, either is taken. */
static const char *read_limit(const struct node *budget, struct text text, uint64_t *limit)
{
    const struct node *meter = node_get(budget, "meter");
    const char *const *meters = type_words(TYPE_METER);
    for (unsigned i = 0; meter && meters[i]; i++)
        if (text_is(meter->text, meters[i]))
            return meter_unit((enum meter)i) == METER_UNIT_BYTES ? value_size(text, limit) : value_count(text, limit);
    return value_count(text, limit) && value_size(text, limit) ? "is no limit: write 500, or 500MB for bytes" : NULL;
}

static bool read_window(struct reading *r, const struct node *budget, struct node *entry, struct window *out)
{
    static const nanos_t longest = 366 * NANOS_DAY;
    const char *wrong = value_duration(entry->key->text, &out->span);
    if (entry->key->bad)
        return false;
    if (wrong)
        read_complain(r, entry->key, "the window `%.64s` %s", entry->key->text.data, wrong);
    else if (out->span < NANOS_SECOND || out->span > longest)
        read_complain(r, entry->key, "a window cannot be %.64s; allowed: 1s to 366d", entry->key->text.data);
    if (entry->kind != NODE_SCALAR || nothing_written(entry)) {
        if (!entry->bad)
            read_complain(r, entry, "the limit of a window is a single value, not %s", kind_of(entry));
        return false;
    }
    if ((wrong = read_limit(budget, entry->text, &out->limit)))
        read_complain(r, entry, "the limit `%.64s` %s", entry->text.data, wrong);
    else if (!out->limit)
        read_complain(r, entry, "a limit of 0 would stop everything; write at least 1 (1B for bytes)");
    return !entry->bad && !entry->key->bad;
}

static void read_windows(struct reading *r, struct budget_rule *rule, struct node *map, const struct node *budget)
{
    for (struct node *entry = map->first; entry; entry = entry->next) {
        struct window window = {0};
        if (!read_window(r, budget, entry, &window)) {
            map->bad = true;
            continue;
        }
        uint32_t to = rule->window_count;
        while (to && rule->window[to - 1].span > window.span)
            to--;
        if (to && rule->window[to - 1].span == window.span) {
            read_complain(r, entry->key, "a window of %s is as long as another of this budget; each length stands once",
                          entry->key->text.data);
            map->bad = true;
        } else if (rule->window_count == CONTRACT_MAX_WINDOWS) {
            read_complain(r, entry->key, "`at_most` takes at most %d windows", CONTRACT_MAX_WINDOWS);
            map->bad = true;
            break;
        } else {
            memmove(&rule->window[to + 1], &rule->window[to], (rule->window_count - to) * sizeof window);
            rule->window[to] = window;
            rule->window_count++;
        }
    }
    if (!map->count)
        read_complain(r, map, "`at_most` has no window; write at least one, such as {1h: 60}");
}

/* ---- Lists of maps -------------------------------------------------------------------------------- */

struct entries {
    uint32_t *count;
    uint32_t most;
    void *first;
};

static struct entries entries_of(struct contract *c, enum field_scope scope)
{
    switch (scope) {
    case SCOPE_SOURCE:
        return (struct entries){&c->tracking.source_count, CONTRACT_MAX_SOURCES, c->tracking.source};
    case SCOPE_FILE_SHARE:
        return (struct entries){&c->share_count, CONTRACT_MAX_SHARES, c->share};
    case SCOPE_PROTECTED:
        return (struct entries){&c->protected_count, CONTRACT_MAX_PROTECTED, c->protected};
    case SCOPE_ROUTE:
        return (struct entries){&c->route_count, CONTRACT_MAX_ROUTES, c->route};
    case SCOPE_PROMISE:
        return (struct entries){&c->promise_count, CONTRACT_MAX_PROMISES, c->promise};
    default:
        must(scope == SCOPE_BUDGET);
        return (struct entries){&c->budget_count, CONTRACT_MAX_BUDGETS, c->budget};
    }
}

/* What an entry holds before its fields are read. */
static void begin_entry(enum field_scope scope, void *entry, const struct node *node)
{
    if (scope == SCOPE_BUDGET) {
        struct budget_rule *rule = entry;
        rule->route = rule->share = -1;
        rule->class = CONTRACT_CLASS_ANY;
        rule->line = node->line;
    } else if (scope == SCOPE_PROMISE) {
        struct promise_rule *rule = entry;
        rule->route = -1;
        rule->line = node->line;
    }
}

/* The entry of a list and its node have the same index, counted without built-in routes: check.c counts on it. */
static void read_list(struct reading *r, const struct field *field, struct node *list)
{
    struct entries entries = entries_of(r->contract, field->into);
    size_t size = scope_size(field->into);
    for (struct node *node = list->first; node; node = node->next) {
        if (*entries.count == entries.most) {
            read_complain(r, node, "`%s` takes at most %u entries", field->key,
                          entries.most - (field->into == SCOPE_ROUTE ? BUILTIN_ROUTE_COUNT : 0u));
            break;
        }
        void *entry = (char *)entries.first + size * (*entries.count)++;
        begin_entry(field->into, entry, node);
        if (node->kind == NODE_MAP)
            read_scope(r, field->into, entry, node);
        else if (!node->bad)
            read_complain(r, node, "each entry of `%s` is a map: - {name: ...}", field->key);
        list->bad |= node->bad;
    }
}

/* ---- Any field ------------------------------------------------------------------------------------ */

static void read_collection(struct reading *r, const struct field *field, void *base, struct node *value,
                            const struct node *map)
{
    bool is_map = field->type == TYPE_MAP || field->type == TYPE_CLASSES || field->type == TYPE_WINDOWS;
    if (!expect(r, field, value, is_map ? NODE_MAP : NODE_LIST))
        return;
    switch (field->type) {
    case TYPE_MAP:
        read_scope(r, field->into, (char *)base + field->offset, value);
        break;
    case TYPE_LIST:
        read_list(r, field, value);
        break;
    case TYPE_CLASSES:
        read_classes(r, field, value);
        break;
    case TYPE_WINDOWS:
        read_windows(r, base, value, map);
        break;
    case TYPE_LANGUAGES:
        read_languages(r, field, value);
        break;
    case TYPE_FORMATS:
        read_formats(r, field, base, value);
        break;
    default:
        must(field->type == TYPE_PREFIXES);
        read_prefixes(r, field, field->key, TARGET(struct prefix_list, field, base), value);
        break;
    }
}

void read_value(struct reading *r, const struct field *field, void *base, struct node *value,
                const struct node *map)
{
    if (field->type >= TYPE_LANGUAGES && !(field->type >= TYPE_ROUTE_REF && field->type <= TYPE_CLASS_REF)) {
        read_collection(r, field, base, value, map);
        return;
    }
    if (!expect(r, field, value, NODE_SCALAR))
        return;
    char *to = TARGET(char, field, base);
    if (field->type == TYPE_VERSION) {
        if (!text_is(value->text, "1"))
            read_complain(r, value, "this program reads contracts of the form `ecluse: 1`, not `%.64s`",
                          value->text.data);
    } else if (field->type == TYPE_TITLE) {
        read_text(r, field, to, CONTRACT_NAME_SIZE * 2, value);
    } else if (field->type == TYPE_NAME) {
        read_text(r, field, to, CONTRACT_NAME_SIZE, value);
    } else if (field->type == TYPE_WORD) {
        if (expect_word(r, "a `name` that is referred to", value))
            memcpy(to, value->text.data, value->text.length + 1);
    } else if (field->type == TYPE_PATH) {
        read_path(r, field, to, value);
    } else if (field->type == TYPE_INTERFACE) {
        read_interface(r, field, to, value);
    } else if (field->type == TYPE_MATCH) {
        read_match(r, base, value);
    } else if (field->type >= TYPE_ROUTE_REF) {
        read_reference(r, field, base, value);
    } else if (field->type >= TYPE_DURATION) {
        read_amount(r, field, base, value);
    } else {
        read_choice(r, field, base, value);
    }
}
