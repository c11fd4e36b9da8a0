#include "tracking/parcel.h"

#define LETTERS 26

static const bool known_country[LETTERS * LETTERS] = {
#define X(first, second) [((first) - 'A') * LETTERS + ((second) - 'A')] = true,
#include "tracking/countries.inc"
#undef X
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* Eight characters as one word, the first in the lowest byte. */
static uint64_t eight(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

/* Zero when all eight are digits. A carry out of one byte only happens where that byte is none. */
static uint64_t not_digits(uint64_t word)
{
    return ((word + EACH_BYTE(0x7f - '9')) | (word - EACH_BYTE('0')) | word) & EACH_BYTE(0x80);
}

static bool all_digits(const char *text, size_t length)
{
    uint64_t wrong = 0;
    size_t i = 0;
    for (; i + 8 <= length; i += 8)
        wrong |= not_digits(eight(text + i));
    bool all = wrong == 0;
    for (; i < length; i++)
        all &= is_digit(text[i]);
    return all;
}

bool country_is_known(const char code[2])
{
    return is_capital(code[0]) && is_capital(code[1]) &&
           known_country[(code[0] - 'A') * LETTERS + (code[1] - 'A')];
}

/* ---- Check digits ---------------------------------------------------------------------------- */

/* Every second of eight digits, the first with the first weight and so on: four lanes of 16 bits,
 * whose products meet in the highest. */
static unsigned weighted(uint64_t every_second, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
    uint64_t lanes = every_second & UINT64_C(0x000f000f000f000f);
    return (unsigned)(lanes * (w3 | w2 << 16 | w1 << 32 | w0 << 48) >> 48);
}

/* 11 minus the weighted sum mod 11: 1 to 11. */
static unsigned s10_remainder(const char *digits)
{
    uint64_t word = eight(digits);
    return 11 - (weighted(word, 8, 4, 3, 9) + weighted(word >> 8, 6, 2, 5, 7)) % 11;
}

static char s10_check(const char *digits)
{
    unsigned check = s10_remainder(digits);
    return check == 10 ? '0' : check == 11 ? '5' : (char)('0' + check);
}

/* S10 writes a remainder of 11 as 5. Some numbers in use have 0 there, GF111111110NZ of La Poste's
 * own trial service among them: they are read, never made. One number in 110 has a typing mistake
 * less found by this. */
static bool s10_checks(const char *digits)
{
    return digits[8] == s10_check(digits) || (digits[8] == '0' && s10_remainder(digits) == 11);
}

/* Weights 3 and 1 in turn from the right, as GS1 and La Poste both do. */
static char mod10_check(const char *digits, size_t length)
{
    unsigned sum = 0;
    size_t left = length;
    for (; left >= 8; left -= 8) { /* from the right: the last of eight has weight 3 */
        uint64_t word = eight(digits + left - 8);
        sum += weighted(word, 1, 1, 1, 1) + weighted(word >> 8, 3, 3, 3, 3);
    }
    for (unsigned weight = 3; left > 0; weight = 4 - weight)
        sum += weight * (unsigned)(digits[--left] - '0');
    return (char)('0' + (10 - sum % 10) % 10);
}

char parcel_check_digit(enum parcel_format_kind kind, const char *body)
{
    switch (kind) {
    case FORMAT_S10:
        return s10_check(body);
    case FORMAT_COLISSIMO: /* over the 10 digits; the product code does not count */
        return mod10_check(body + 2, 10);
    case FORMAT_SSCC:
        return mod10_check(body, 17);
    case FORMAT_DIGITS:
    case FORMAT_ALNUM:
        break;
    }
    must_failed("a format with a check digit", __FILE__, __LINE__);
}

/* ---- As people type it ----------------------------------------------------------------------- */

/* Any other value is the character itself. What has a path of its own comes first. */
enum { NOT_TAKEN = 0, UTF8_LEAD = 1, SKIPPED = 2 };

#define SAME(c)  [c] = (c)
#define LOWER(c) [(c) + 32] = (c), [c] = (c)
static const uint8_t typed_as[256] = {
    SAME('0'),          SAME('1'),          SAME('2'),          SAME('3'),       SAME('4'),
    SAME('5'),          SAME('6'),          SAME('7'),          SAME('8'),       SAME('9'),
    LOWER('A'),         LOWER('B'),         LOWER('C'),         LOWER('D'),      LOWER('E'),
    LOWER('F'),         LOWER('G'),         LOWER('H'),         LOWER('I'),      LOWER('J'),
    LOWER('K'),         LOWER('L'),         LOWER('M'),         LOWER('N'),      LOWER('O'),
    LOWER('P'),         LOWER('Q'),         LOWER('R'),         LOWER('S'),      LOWER('T'),
    LOWER('U'),         LOWER('V'),         LOWER('W'),         LOWER('X'),      LOWER('Y'),
    LOWER('Z'),         [' '] = SKIPPED,    ['\t'] = SKIPPED,   ['.'] = SKIPPED, ['-'] = SKIPPED,
    [0xc2] = UTF8_LEAD, [0xe2] = UTF8_LEAD, [0xef] = UTF8_LEAD,
};

/* What word processors and phones put between digits: its length in bytes, 0 when it is something
 * else. */
static size_t separator_length(const unsigned char *at, size_t left)
{
    if (left >= 2 && at[0] == 0xc2)
        return at[1] == 0xa0 || at[1] == 0xad ? 2 : 0; /* no-break space, soft hyphen */
    if (left < 3)
        return 0;
    if (at[0] == 0xef) /* U+FEFF, no-break space of no width */
        return at[1] == 0xbb && at[2] == 0xbf ? 3 : 0;
    if (at[0] == 0xe2 &&
        at[1] == 0x80) /* U+2000 to U+2015: spaces and dashes; U+202F: narrow space */
        return (at[2] >= 0x80 && at[2] <= 0x95) || at[2] == 0xaf ? 3 : 0;
    if (at[0] == 0xe2 && at[1] == 0x88) /* U+2212: minus sign */
        return at[2] == 0x92 ? 3 : 0;
    return 0;
}

enum {
    KEPT_MAX = PARCEL_TEXT_MAX + 2, /* an SSCC's application identifier is not part of it */
    KEPT_ROOM = PARCEL_INPUT_MAX + 2 + PARCEL_TEXT_MAX + 1, /* with zeros after the longest */
};

/* Length of what is left in `kept`, zero after its end, or 0 when nothing of it can be a parcel
 * number. A separator is written like any other character and then written over: no branch hangs on
 * where people put theirs. */
static size_t keep_characters(struct text typed, char kept[KEPT_ROOM])
{
    const unsigned char *at = (const unsigned char *)typed.data;
    size_t length = 0, i = 0;
    if (!typed.length || typed.length > PARCEL_INPUT_MAX)
        return 0;
    if (typed.length > 4 && memcmp(at, "(00)", 4) == 0) { /* GS1's way to print an SSCC */
        memcpy(kept, "00", 2);
        length = 2;
        i = 4;
    }
    while (i < typed.length) {
        uint8_t as = typed_as[at[i]];
        if (as < SKIPPED) {
            size_t skip = as == UTF8_LEAD ? separator_length(at + i, typed.length - i) : 0;
            if (!skip)
                return 0;
            i += skip;
            continue;
        }
        kept[length] = (char)as;
        length += as != SKIPPED;
        i++;
    }
    memset(kept + length, 0, PARCEL_TEXT_MAX + 1);
    return length <= KEPT_MAX ? length : 0;
}

/* ---- Formats --------------------------------------------------------------------------------- */

static enum parcel_verdict s10_verdict(const char *kept, size_t length)
{
    if (length != 13 || !is_capital(kept[0]) || !is_capital(kept[1]) || !all_digits(kept + 2, 9) ||
        !is_capital(kept[11]) || !is_capital(kept[12]))
        return PARCEL_WRONG_FORM;
    if (!s10_checks(kept + 2) || !country_is_known(kept + 11))
        return PARCEL_WRONG_CHECK;
    return PARCEL_VALID;
}

static enum parcel_verdict colissimo_verdict(const char *kept, size_t length)
{
    if (length != 13 || !all_digits(kept + 2, 11))
        return PARCEL_WRONG_FORM;
    return mod10_check(kept + 2, 10) == kept[12] ? PARCEL_VALID : PARCEL_WRONG_CHECK;
}

static enum parcel_verdict sscc_verdict(const char *kept, size_t length)
{
    if (length != 18 || !all_digits(kept, 18))
        return PARCEL_WRONG_FORM;
    return mod10_check(kept, 17) == kept[17] ? PARCEL_VALID : PARCEL_WRONG_CHECK;
}

static enum parcel_verdict format_verdict(const struct parcel_format *format, struct text *kept)
{
    switch (format->kind) {
    case FORMAT_S10:
        return s10_verdict(kept->data, kept->length);
    case FORMAT_COLISSIMO:
        return colissimo_verdict(kept->data, kept->length);
    case FORMAT_SSCC:
        if (kept->length == 20 && kept->data[0] == '0' && kept->data[1] == '0')
            *kept = (struct text){kept->data + 2, 18};
        return sscc_verdict(kept->data, kept->length);
    case FORMAT_DIGITS:
        if (!all_digits(kept->data, kept->length))
            return PARCEL_WRONG_FORM;
        break;
    case FORMAT_ALNUM:
        break;
    }
    bool fits = kept->length >= format->shortest && kept->length <= format->longest &&
                kept->length <= PARCEL_TEXT_MAX;
    return fits ? PARCEL_VALID : PARCEL_WRONG_FORM;
}

enum parcel_verdict parcel_parse(const struct parcel_format *formats, size_t count,
                                 struct text typed, struct parcel_number *out,
                                 const struct parcel_format **format)
{
    char kept[KEPT_ROOM];
    size_t length = keep_characters(typed, kept);
    enum parcel_verdict best = PARCEL_WRONG_FORM;
    if (!length)
        return best;
    for (size_t i = 0; i < count; i++) {
        struct text number = {kept, length};
        enum parcel_verdict verdict = format_verdict(&formats[i], &number);
        if (verdict == PARCEL_WRONG_CHECK)
            best = verdict;
        if (verdict != PARCEL_VALID)
            continue;
        out->length = (uint8_t)number.length;
        memcpy(out->text, number.data, sizeof out->text); /* with the zeros after it */
        if (format)
            *format = &formats[i];
        return PARCEL_VALID;
    }
    return best;
}
