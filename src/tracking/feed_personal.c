/* Personal data where a place or a product belongs: a driver's free text, mostly. What is dropped
 * is listed in docs/feeds.md, word by word; what no rule of form can know (a bare name) is said
 * there as well. */
#include "tracking/feed_internal.h"

enum {
    DIGITS_MOST = 5,  /* a depot's number, a postal code; a telephone number has six and more */
    NUMBER_MOST = 4,  /* of a house */
    BETWEEN_MOST = 3, /* words between a house's number and `Street` */
    NAME_MOST = 6,    /* words between `Rue` and the house's number */
    WORDS_MOST = 64,
    TITLE_MOST = 8, /* "monsieur" */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Bytes above ASCII are letters here: é, ß; the spaces among them do not matter to a street's form.
 */
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static char small(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* `word` is in small letters; É and ß have no other form here than those in the lists. */
static bool same_word(const char *data, const char *word, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (small(data[i]) != word[i])
            return false;
    return true;
}

static bool word_is_one_of(struct text word, const char *const *list)
{
    for (; *list; list++)
        if (strlen(*list) == word.length && same_word(word.data, *list, word.length))
            return true;
    return false;
}

/* ---- Titles -----------------------------------------------------------------------------------
 */

/* A title stands before a name: without one behind it, it is some abbreviation (`M.I.N.`, `HUB
 * MR`). */
static bool is_title(struct text word, struct text rest)
{
    static const char *const titles[] = {"mme",  "mlle", "mr",   "mrs",      "herr",   "herrn",
                                         "frau", "dhr",  "mevr", "monsieur", "madame", NULL};
    bool dot = rest.length && rest.data[0] == '.',
         dotted = word.length == 1 && word.data[0] == 'M' && dot;
    if (!dotted && !word_is_one_of(word, titles))
        return false;
    size_t i = dot, spaces = 0;
    for (; i < rest.length && rest.data[i] == ' '; i++)
        spaces++;
    if (i >= rest.length || !is_letter(rest.data[i]))
        return false;
    if (spaces)
        return true;
    return dot && i + 1 < rest.length && rest.data[i + 1] >= 'a' && rest.data[i + 1] <= 'z';
}

static bool title_begins(struct text text, size_t at)
{
    size_t end = at + 1;
    while (end < text.length && is_letter(text.data[end]))
        end++;
    return end - at <= TITLE_MOST && is_title((struct text){text.data + at, end - at},
                                              (struct text){text.data + end, text.length - end});
}

static bool has_title(struct text text)
{
    static const bool initial[256] = {['M'] = true, ['m'] = true, ['H'] = true, ['h'] = true,
                                      ['F'] = true, ['f'] = true, ['D'] = true, ['d'] = true};
    for (size_t i = 0; i < text.length; i++)
        if (initial[(unsigned char)text.data[i]] && (!i || !is_letter(text.data[i - 1])) &&
            title_begins(text, i))
            return true;
    return false;
}

/* ---- Numbers ----------------------------------------------------------------------------------
 */

static bool has_long_number(struct text text)
{
    size_t run = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (is_digit(c)) {
            if (++run > DIGITS_MOST)
                return true;
        } else if (c == '\xc2' && i + 1 < text.length && text.data[i + 1] == '\xa0') {
            i++; /* a space that does not break */
        } else if (c != ' ' && c != '.' && c != '-' && c != '/' && c != '(' && c != ')') {
            run = 0;
        }
    }
    return false;
}

static bool has_plus_number(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] != '+')
            continue;
        while (i + 1 < text.length && (text.data[i + 1] == ' ' || text.data[i + 1] == '('))
            i++;
        if (i + 1 < text.length && is_digit(text.data[i + 1]))
            return true;
    }
    return false;
}

/* ---- Streets ----------------------------------------------------------------------------------
 */

struct words {
    struct text word[WORDS_MOST];
    bool after_comma[WORDS_MOST];
    size_t count;
};

static void split(struct text text, struct words *words)
{
    bool comma = true;
    words->count = 0;
    for (size_t i = 0; i < text.length && words->count < WORDS_MOST;) {
        size_t start = i;
        while (i < text.length && (is_letter(text.data[i]) || is_digit(text.data[i])))
            i++;
        if (i > start) {
            words->after_comma[words->count] = comma;
            words->word[words->count++] = (struct text){text.data + start, i - start};
            comma = false;
        } else {
            comma = comma || text.data[i] == ',' || text.data[i] == ';';
            i++;
        }
    }
}

/* `12`, `12b`; of a house, not of a postal code. */
static bool is_house_number(struct text word)
{
    size_t digits = 0;
    while (digits < word.length && is_digit(word.data[digits]))
        digits++;
    return digits && digits <= NUMBER_MOST && word.length - digits <= 1;
}

/* Before the name: `rue de la Paix`. */
static bool begins_street(struct text word)
{
    static const char *const french[] = {
        "rue",   "avenue", "av",      "boulevard", "bd",       "bld",      "blvd",  "chemin",
        "allée", "allee",  "impasse", "ruelle",    "chaussée", "chaussee", "quai",  "route",
        "place", "square", "sentier", "faubourg",  "passage",  "via",      "calle", NULL};
    return word_is_one_of(word, french);
}

/* Of these, some are parts of a depot as well: `Quai 4`, `Route Nord 2`. */
static bool begins_street_only(struct text word)
{
    static const char *const other[] = {"quai", "route", "place", "square", "passage",
                                        "av",   "bd",    "via",   "calle",  NULL};
    return begins_street(word) && !word_is_one_of(word, other);
}

/* At the end of a name: `Kerkstraat`, `Hauptstraße`, `Lange Laan`. */
static bool ends_street(struct text word)
{
    static const char *const ends[] = {"straat", "straße", "strasse", "laan",   "gracht",   "plein",
                                       "kade",   "steeg",  "dreef",   "singel", "steenweg", "weg",
                                       "gasse",  "allee",  "platz",   "str",    NULL};
    static const char *const cities[] = {"milaan", "halfweg", "vallee", NULL};
    for (const char *const *end = ends; *end; end++) {
        size_t length = strlen(*end);
        if (word.length >= length && same_word(word.data + word.length - length, *end, length))
            return !word_is_one_of(word, cities);
    }
    return false;
}

static bool is_english_street(struct text word)
{
    static const char *const english[] = {"street",   "road",    "lane",      "drive", "avenue",
                                          "crescent", "terrace", "boulevard", NULL};
    return word_is_one_of(word, english);
}

static bool is_word(struct text word)
{
    return is_letter(word.data[0]);
}

/* `12 rue de la Paix`, `12 bis, rue ...`; `10 Downing Street` only where a line of an address
 * begins. */
static bool street_follows(const struct words *w, size_t number)
{
    static const char *const repeats[] = {"bis", "ter", "quater", "a", "b", "c", "d", NULL};
    size_t next = number + 1;
    if (next + 1 < w->count && word_is_one_of(w->word[next], repeats))
        next++;
    bool here = next + 1 < w->count && is_word(w->word[next + 1]);
    if (here && (begins_street_only(w->word[next]) ||
                 (w->after_comma[number] && begins_street(w->word[next]))))
        return true;
    if (!w->after_comma[number])
        return false;
    for (size_t i = next; i < w->count && i <= next + BETWEEN_MOST && is_word(w->word[i]); i++)
        if (ends_street(w->word[i]) || (i > next && is_english_street(w->word[i])))
            return true;
    return false;
}

/* `Kerkstraat 12`; `Rue de la Loi 16`, where the number ends a line of an address. */
static bool street_precedes(const struct words *w, size_t number)
{
    if (!number || w->after_comma[number])
        return number && ends_street(w->word[number - 1]);
    if (ends_street(w->word[number - 1]))
        return true;
    if (number + 1 < w->count && !w->after_comma[number + 1])
        return false;
    for (size_t i = number - 1, words = 0; i-- > 0 && words < NAME_MOST && is_word(w->word[i + 1]);
         words++)
        if (begins_street_only(w->word[i]))
            return true;
    return false;
}

static bool has_address(struct text text)
{
    struct words w;
    split(text, &w);
    for (size_t i = 0; i < w.count; i++)
        if (is_house_number(w.word[i]) && (street_follows(&w, i) || street_precedes(&w, i)))
            return true;
    return false;
}

/* ---- All of it --------------------------------------------------------------------------------
 */

/* Whether a byte is below `A`, as digits, `@`, `+`, dots and spaces are. Every form above needs
 * one. */
static bool has_low_byte(struct text text)
{
    const uint64_t high_bits = UINT64_C(0x8080808080808080), add = UINT64_C(0x3f3f3f3f3f3f3f3f);
    for (size_t i = 0; i + 8 <= text.length; i += 8) {
        uint64_t eight;
        memcpy(&eight, text.data + i, 8);
        if (((((eight & ~high_bits) + add) | eight) & high_bits) != high_bits)
            return true;
    }
    for (size_t i = text.length & ~(size_t)7; i < text.length; i++)
        if ((unsigned char)text.data[i] < 'A')
            return true;
    return false;
}

bool text_is_personal(struct text text)
{
    enum { DIGIT = 1, AT = 2, PLUS = 4, GAP = 8 };
    static const unsigned char classes[256] = {
        ['0' ... '9'] = DIGIT, ['@'] = AT, ['+'] = PLUS, [' '] = GAP, ['.'] = GAP};
    unsigned seen = 0;
    if (!has_low_byte(text)) /* most places: one word */
        return false;
    for (size_t i = 0; i < text.length; i++)
        seen |= classes[(unsigned char)text.data[i]];
    if (seen & AT || (seen & GAP && has_title(text)))
        return true;
    return seen & DIGIT &&
           (has_long_number(text) || (seen & PLUS && has_plus_number(text)) || has_address(text));
}
