/* Which language a reader wants (RFC 9110 section 12.5.4; RFC 4647 basic filtering on the primary
 * subtag). */
#include "tracking/answer_page.h"

enum {
    RANGES_MAX = 64, /* of one header; a browser sends under ten, and nothing obliges us to read a
                        flood of them */
    NOT_SAID = -1,
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static struct text trimmed(struct text t)
{
    while (t.length && is_space(t.data[0]))
        t = (struct text){t.data + 1, t.length - 1};
    while (t.length && is_space(t.data[t.length - 1]))
        t.length--;
    return t;
}

/* Takes what stands before the separator; the rest is left in *rest. */
static struct text take_until(struct text *rest, char separator)
{
    const char *end = rest->length ? memchr(rest->data, separator, rest->length) : NULL;
    struct text taken = *rest;
    if (end) {
        taken.length = (size_t)(end - rest->data);
        *rest = (struct text){end + 1, rest->length - taken.length - 1};
    } else {
        *rest = (struct text){NULL, 0};
    }
    return trimmed(taken);
}

/* "fr", "FR-be", "nl_BE": by the two letters before the first separator; LANGUAGE_COUNT when it is
 * none of ours. */
static enum language language_of_tag(struct text tag)
{
    static const char tags[LANGUAGE_COUNT][2] = {"fr", "nl", "de", "en"};
    if (tag.length < 2 || (tag.length > 2 && tag.data[2] != '-' && tag.data[2] != '_'))
        return LANGUAGE_COUNT;
    unsigned language = 0;
    while (language < LANGUAGE_COUNT &&
           ((tag.data[0] | 0x20) != tags[language][0] || (tag.data[1] | 0x20) != tags[language][1]))
        language++;
    return (enum language)language;
}

static bool lists(const struct contract *c, enum language language)
{
    return language < LANGUAGE_COUNT && (c->languages & 1u << language) != 0;
}

/* "0", "0.8", "1.000": in thousandths; NOT_SAID when it is not a weight. */
static int weight_of(struct text digits)
{
    if (digits.length == 0 || digits.length > 5 ||
        (digits.data[0] != '0' && digits.data[0] != '1') ||
        (digits.length > 1 && digits.data[1] != '.'))
        return NOT_SAID;
    int weight = (digits.data[0] - '0') * 1000;
    for (size_t i = 2, unit = 100; i < digits.length; i++, unit /= 10) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return NOT_SAID;
        weight += (digits.data[i] - '0') * (int)unit;
    }
    return weight <= 1000 ? weight : NOT_SAID;
}

/* The weight of one range's parameters ("q=0.8", ""); NOT_SAID when they cannot be read: the range
 * is then passed over. */
static int weight_of_parameters(struct text parameters)
{
    int weight = 1000;
    while (parameters.length) {
        struct text one = take_until(&parameters, ';');
        if (one.length == 0)
            continue;
        struct text value = one;
        struct text name = take_until(&value, '=');
        if (name.length != 1 || (name.data[0] | 0x20) != 'q')
            return NOT_SAID;
        weight = weight_of(trimmed(value));
        if (weight == NOT_SAID)
            return NOT_SAID;
    }
    return weight;
}

struct wish {
    int any;                        /* of "*" */
    int of[LANGUAGE_COUNT];         /* thousandths, or NOT_SAID */
    unsigned order[LANGUAGE_COUNT]; /* of equal weights, the one named first wins */
};

static struct wish read_header(struct text header)
{
    struct wish wish = {.any = NOT_SAID};
    for (unsigned i = 0; i < LANGUAGE_COUNT; i++)
        wish.of[i] = NOT_SAID;
    for (unsigned position = 0; header.length && position < RANGES_MAX; position++) {
        struct text rest = take_until(&header, ',');
        struct text range = take_until(&rest, ';');
        int weight = weight_of_parameters(rest);
        if (weight == NOT_SAID)
            continue;
        if (text_is(range, "*")) {
            wish.any = weight;
            continue;
        }
        enum language language = language_of_tag(range);
        if (language == LANGUAGE_COUNT || weight <= wish.of[language])
            continue;
        if (wish.of[language] == NOT_SAID)
            wish.order[language] = position;
        wish.of[language] = weight;
    }
    return wish;
}

/* The contract's first language is tried first, so that it wins among those that only "*" covers.
 */
static enum language best_of(const struct contract *c, const struct wish *wish)
{
    enum language best = c->first_language;
    int best_weight = 0;
    unsigned best_order = RANGES_MAX;
    for (unsigned i = 0; i < LANGUAGE_COUNT; i++) {
        enum language language = (enum language)((c->first_language + i) % LANGUAGE_COUNT);
        bool named = wish->of[language] != NOT_SAID;
        int weight = named ? wish->of[language] : wish->any;
        unsigned order = named ? wish->order[language] : RANGES_MAX;
        if (!lists(c, language) || weight <= 0)
            continue;
        if (weight > best_weight || (weight == best_weight && order < best_order)) {
            best = language;
            best_weight = weight;
            best_order = order;
        }
    }
    return best;
}

enum language answer_language(const struct contract *c, struct text lang_parameter,
                              struct text accept_language)
{
    enum language asked = language_of_tag(lang_parameter);
    if (lists(c, asked))
        return asked;
    if (accept_language.length == 0)
        return c->first_language;
    struct wish wish = read_header(accept_language);
    return best_of(c, &wish);
}
