#include "contract/read_parts.h"

#include "contract/value.h"

/* ---- Lists of scalars ------------------------------------------------------------------------ */

/* The next entry that is a single value, or NULL; others are reported. */
static struct node *next_scalar(struct reading *r, const struct field *field, struct node *list,
                                struct node *entry)
{
    for (entry = entry ? entry->next : list->first; entry; entry = entry->next) {
        if (entry->kind == NODE_SCALAR && !nothing_written(entry))
            return entry;
        if (!entry->bad)
            read_complain(r, entry, "each entry of `%s` is a single value, not %s", field->key,
                          kind_of(entry));
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

static void read_prefixes(struct reading *r, const struct field *field, const char *key,
                          struct prefix_list *to, struct node *list)
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
        read_complain(r, list, "`%s` lists no address; write at least one, such as [192.0.2.0/24]",
                      key);
}

/* ---- Maps whose keys are not fields ---------------------------------------------------------- */

static void read_classes(struct reading *r, const struct field *field, struct node *map)
{
    struct network_rules *network = &r->contract->network;
    for (struct node *list = map->first; list; list = list->next) {
        if (network->class_count == CONTRACT_MAX_CLASSES) {
            read_complain(r, list->key, "`destinations` takes at most %d classes",
                          CONTRACT_MAX_CLASSES);
            break;
        }
        /* A class is known by its name whatever is wrong below, so that who refers to it is not
         * blamed. */
        struct destination_class *class = &network->class[network->class_count++];
        if (list->key->bad || !expect_word(r, "the name of a class of destinations", list->key)) {
            list->bad = map->bad = true;
            continue;
        }
        memcpy(class->name, list->key->text.data, list->key->text.length + 1);
        if (strcmp(class->name, "unlisted") == 0)
            read_complain(
                r, list->key,
                "`unlisted` is what is in no class, so it cannot be listed; choose another name");
        if (expect(r, field, list, NODE_LIST))
            read_prefixes(r, field, class->name, &class->to, list);
        map->bad |= list->bad;
    }
}

/* Which unit the limits have follows from the meter; where that is wrong itself, either is taken.
 */
static const char *read_limit(const struct node *budget, struct text text, uint64_t *limit)
{
    const struct node *meter = node_get(budget, "meter");
    const char *const *meters = type_words(TYPE_METER);
    for (unsigned i = 0; meter && meters[i]; i++)
        if (text_is(meter->text, meters[i]))
            return meter_unit((enum meter)i) == METER_UNIT_BYTES ? value_size(text, limit)
                                                                 : value_count(text, limit);
    return value_count(text, limit) && value_size(text, limit)
               ? "is no limit: write 500, or 500MB for bytes"
               : NULL;
}

static bool read_window(struct reading *r, const struct node *budget, struct node *entry,
                        struct window *out)
{
    static const nanos_t longest = 366 * NANOS_DAY;
    const char *wrong = value_duration(entry->key->text, &out->span);
    if (entry->key->bad)
        return false;
    if (wrong)
        read_complain(r, entry->key, "the window `%.64s` %s", entry->key->text.data, wrong);
    else if (out->span < NANOS_SECOND || out->span > longest)
        read_complain(r, entry->key, "a window cannot be %.64s; allowed: 1s to 366d",
                      entry->key->text.data);
    if (entry->kind != NODE_SCALAR || nothing_written(entry)) {
        if (!entry->bad)
            read_complain(r, entry, "the limit of a window is a single value, not %s",
                          kind_of(entry));
        return false;
    }
    if ((wrong = read_limit(budget, entry->text, &out->limit)))
        read_complain(r, entry, "the limit `%.64s` %s", entry->text.data, wrong);
    else if (!out->limit)
        read_complain(r, entry,
                      "a limit of 0 would stop everything; write at least 1 (1B for bytes)");
    return !entry->bad && !entry->key->bad;
}

static void read_windows(struct reading *r, struct budget_rule *rule, struct node *map,
                         const struct node *budget)
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
            read_complain(
                r, entry->key,
                "a window of %s is as long as another of this budget; each length stands once",
                entry->key->text.data);
            map->bad = true;
        } else if (rule->window_count == CONTRACT_MAX_WINDOWS) {
            read_complain(r, entry->key, "`at_most` takes at most %d windows",
                          CONTRACT_MAX_WINDOWS);
            map->bad = true;
            break;
        } else {
            memmove(&rule->window[to + 1], &rule->window[to],
                    (rule->window_count - to) * sizeof window);
            rule->window[to] = window;
            rule->window_count++;
        }
    }
    if (!map->count)
        read_complain(r, map, "`at_most` has no window; write at least one, such as {1h: 60}");
}

/* ---- Lists of maps --------------------------------------------------------------------------- */

struct entries {
    uint32_t *count;
    uint32_t most;
    void *first;
};

static struct entries entries_of(struct contract *c, enum field_scope scope)
{
    switch (scope) {
    case SCOPE_SOURCE:
        return (struct entries){&c->tracking.source_count, CONTRACT_MAX_SOURCES,
                                c->tracking.source};
    case SCOPE_WITNESS:
        return (struct entries){&c->audit.witness_count, CONTRACT_MAX_WITNESSES,
                                c->audit.witness};
    case SCOPE_FILE_SHARE:
        return (struct entries){&c->share_count, CONTRACT_MAX_SHARES, c->share};
    case SCOPE_TRUSTED:
        return (struct entries){&c->trusted_count, CONTRACT_MAX_TRUSTED, c->trusted};
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
        rule->route = rule->share = rule->trusted = -1;
        rule->class = CONTRACT_CLASS_ANY;
        rule->line = node->line;
    } else if (scope == SCOPE_PROMISE) {
        struct promise_rule *rule = entry;
        rule->route = -1;
        rule->line = node->line;
    }
}

/* The entry of a list and its node have the same index, counted without built-in routes: check.c
 * counts on it. */
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

void read_collection(struct reading *r, const struct field *field, void *base, struct node *value,
                     const struct node *map)
{
    bool is_map =
        field->type == TYPE_MAP || field->type == TYPE_CLASSES || field->type == TYPE_WINDOWS;
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
