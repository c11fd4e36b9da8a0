#include "contract/read_parts.h"
#include "contract/value.h"

#include <inttypes.h>

bool nothing_written(const struct node *value)
{
    return value->kind == NODE_SCALAR && !value->quoted && !value->text.length;
}

const char *kind_of(const struct node *value)
{
    if (nothing_written(value))
        return "nothing";
    return value->kind == NODE_LIST  ? "a list"
           : value->kind == NODE_MAP ? "a map"
                                     : "a single value";
}

bool expect(struct reading *r, const struct field *field, struct node *value, enum node_kind kind)
{
    static const char *const wanted[] = {"a single value",
                                         "a list: [ ... ], or lines that begin with `- `",
                                         "a map: lines of `key: value`, or { ... }"};
    if (value->bad && value->kind == NODE_SCALAR)
        return false; /* an alias or so: said already */
    if (value->kind == kind && !(kind == NODE_SCALAR && nothing_written(value)))
        return true;
    read_complain(r, value, "`%s` has %s here; it takes %s%s%s", field->key, kind_of(value),
                  wanted[kind], field->example ? ", such as " : "",
                  field->example ? field->example : "");
    return false;
}

/* ---- Texts ----------------------------------------------------------------------------------- */

static void read_text(struct reading *r, const struct field *field, char *to, size_t size,
                      struct node *value)
{
    struct text text = value->text;
    if (text.length >= size)
        read_complain(r, value, "`%s` is too long: %zu bytes, at most %zu", field->key, text.length,
                      size - 1);
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

bool expect_word(struct reading *r, const char *what, struct node *value)
{
    if (is_word(value->text) && value->text.length < CONTRACT_NAME_SIZE)
        return true;
    read_complain(
        r, value,
        "%s cannot be `%.80s`; it is a letter, then letters, digits, `-` and `_`, at most %d", what,
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
        read_complain(r, value,
                      "`%s` cannot be `%.80s`; it takes an absolute path of at most %d bytes, "
                      "without `..` or `//`, such as %s",
                      field->key, value->text.data, CONTRACT_PATH_SIZE - 1, field->example);
        return;
    }
    memcpy(to, text.data, text.length);
    to[text.length] = 0;
}

/* Linux refuses other names (dev_valid_name in net/core/dev.c): no slash, no colon, no space, under
 * 16 bytes. */
static void read_interface(struct reading *r, const struct field *field, char *to,
                           struct node *value)
{
    struct text text = value->text;
    bool bad = !text.length || text.length >= sizeof((struct network_rules *)0)->interface ||
               text_is(text, ".") || text_is(text, "..");
    for (size_t i = 0; i < text.length; i++)
        bad |= text.data[i] == '/' || text.data[i] == ':' || text.data[i] == ' ';
    if (bad)
        read_complain(r, value,
                      "`%s` takes the name of a network interface, at most 15 bytes without `/`, "
                      "`:` and spaces",
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
    while (method.length < path.length && path.data[method.length] >= 'A' &&
           path.data[method.length] <= 'Z')
        method.length++;
    const char *wrong = NULL;
    if (method.length) {
        if (method.length >= sizeof route->method || method.length == path.length ||
            path.data[method.length] != ' ')
            wrong = "a method is capital letters, then one space";
        else
            path = (struct text){path.data + method.length + 1, path.length - method.length - 1};
    }
    bool prefix = path.length && path.data[path.length - 1] == '*';
    path.length -= prefix;
    if (!wrong)
        wrong = bad_match_path(path);
    if (wrong) {
        read_complain(
            r, value,
            "`match` takes a method and a path, such as \"POST /connexion\", or a path alone, or "
            "with `*` at its end: \"/recherche*\"; %s",
            wrong);
        return;
    }
    memcpy(route->method, method.data, method.length);
    memcpy(route->path, path.data, path.length);
    route->match = prefix ? MATCH_PREFIX : MATCH_EXACT;
}

/* ---- Words and names ------------------------------------------------------------------------- */

int read_word(struct reading *r, const struct field *field, struct node *value)
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
                                                  : field->key,
                  value->text.data, hint, read_join(allowed, sizeof allowed, words));
    return -1;
}

static void read_choice(struct reading *r, const struct field *field, void *base,
                        struct node *value)
{
    int chosen = read_word(r, field, value);
    if (chosen < 0)
        return;
    if (field->type == TYPE_ATTACH || field->type == TYPE_CASE)
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

/* The names that a reference may hold, ended by NULL; returns how many are in the contract itself.
 */
static int names_for(const struct contract *c, enum field_type type, const char *names[NAMES_MOST])
{
    int count = 0;
    if (type == TYPE_ROUTE_REF)
        for (; count < (int)c->route_count; count++)
            names[count] = c->route[count].name;
    else if (type == TYPE_SHARE_REF)
        for (; count < (int)c->share_count; count++)
            names[count] = c->share[count].name;
    else if (type == TYPE_TRUSTED_REF)
        for (; count < (int)c->trusted_count; count++)
            names[count] = c->trusted[count].name;
    else
        for (; count < (int)c->network.class_count; count++)
            names[count] = c->network.class[count].name;
    names[count] = type == TYPE_CLASS_REF ? "unlisted" : NULL;
    names[count + 1] = NULL;
    return count;
}

/* What a reference is to, and where such things are defined. */
static const char *const *reference_words(enum field_type type)
{
    static const char *const words[][2] = {
        {"route", "`routes` and the built-in ones are"},
        {"share", "`files.shares` has"},
        {"trusted program", "`files.trusted` has"},
        {"class of destinations", "`network.destinations` has"},
    };
    return words[type - TYPE_ROUTE_REF];
}

static void read_reference(struct reading *r, const struct field *field, void *base,
                           struct node *value)
{
    const char *names[NAMES_MOST];
    int count = names_for(r->contract, field->type, names);
    for (int i = 0; names[i]; i++)
        if (text_is(value->text, names[i])) {
            *TARGET(int16_t, field, base) =
                i < count ? (int16_t)i : (int16_t)CONTRACT_CLASS_UNLISTED;
            return;
        }
    value->bad = true;
    if (r->tree->cut)
        return; /* it may stand in the part that could not be read */
    char allowed[220];
    const char *const *words = reference_words(field->type);
    read_complain(r, value, "there is no %s `%.64s`; %s%s: %s", words[0], value->text.data,
                  read_suggest(value->text, names), words[1],
                  *names ? read_join(allowed, sizeof allowed, names) : "none");
}

/* ---- Numbers --------------------------------------------------------------------------------- */

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

static void read_amount(struct reading *r, const struct field *field, void *base,
                        struct node *value)
{
    uint64_t amount = 0;
    const char *wrong = parse_amount(field->type, value->text, &amount);
    if (wrong) {
        read_complain(r, value, "`%s`: `%.64s` %s", field->key, value->text.data, wrong);
        return;
    }
    if (field->high && (amount < field->low || amount > field->high)) {
        char low[VALUE_TEXT_SIZE], high[VALUE_TEXT_SIZE];
        read_complain(r, value, "`%s` cannot be %.64s; allowed: %s to %s", field->key,
                      value->text.data, amount_text(field->type, field->low, low),
                      amount_text(field->type, field->high, high));
        return;
    }
    if (field->type == TYPE_SHARE)
        *TARGET(uint32_t, field, base) = (uint32_t)amount;
    else
        *TARGET(uint64_t, field, base) = amount; /* durations are int64_t: the same bits */
}

/* ---- Any field ------------------------------------------------------------------------------- */

void read_value(struct reading *r, const struct field *field, void *base, struct node *value,
                const struct node *map)
{
    if (field->type >= TYPE_LANGUAGES &&
        !(field->type >= TYPE_ROUTE_REF && field->type <= TYPE_CLASS_REF)) {
        read_collection(r, field, base, value, map);
        return;
    }
    if (!expect(r, field, value, NODE_SCALAR))
        return;
    char *to = TARGET(char, field, base);
    if (field->type == TYPE_VERSION) {
        if (!text_is(value->text, "1"))
            read_complain(r, value,
                          "this program reads contracts of the form `ecluse: 1`, not `%.64s`",
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
    } else if (field->type >= TYPE_ORIGIN && field->type <= TYPE_SYSLOG) {
        read_endpoint(r, field, to, value);
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
