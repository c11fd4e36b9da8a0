#include "contract/value.h"

#include <arpa/inet.h>
#include <inttypes.h>

static _Thread_local char said[200];

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit SIZES[] = {{"B", 1},
                                    {"kB", 1000},
                                    {"KB", 1000},
                                    {"MB", 1000000},
                                    {"GB", 1000000000},
                                    {"TB", UINT64_C(1000000000000)},
                                    {"PB", UINT64_C(1000000000000000)},
                                    {"KiB", 1 << 10},
                                    {"MiB", 1 << 20},
                                    {"GiB", 1 << 30},
                                    {"TiB", UINT64_C(1) << 40},
                                    {"PiB", UINT64_C(1) << 50},
                                    {NULL, 0}};

static const struct unit DURATIONS[] = {
    {"ms", (uint64_t)NANOS_MILLISECOND}, {"s", (uint64_t)NANOS_SECOND},
    {"m", (uint64_t)NANOS_MINUTE},       {"h", (uint64_t)NANOS_HOUR},
    {"d", (uint64_t)NANOS_DAY},          {NULL, 0}};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

enum number { NUMBER_READ, NUMBER_NONE, NUMBER_UNIT, NUMBER_LARGE, NUMBER_INEXACT };

/* DIGITS[.DIGITS]UNIT, exactly representable as a whole number of the smallest unit. */
static enum number read_number(struct text text, const struct unit *units, uint64_t *out)
{
    size_t i = 0;
    uint64_t digits = 0, scale = 1;
    bool large = false, point = false;
    for (; i < text.length && (is_digit(text.data[i]) || (text.data[i] == '.' && !point && i));
         i++) {
        if (text.data[i] == '.') {
            point = true;
            continue;
        }
        large |= __builtin_mul_overflow(digits, 10, &digits);
        large |= __builtin_add_overflow(digits, (uint64_t)(text.data[i] - '0'), &digits);
        if (point)
            large |= __builtin_mul_overflow(scale, 10, &scale);
    }
    if (!i || text.data[i - 1] == '.')
        return NUMBER_NONE;
    struct text name = {text.data + i, text.length - i};
    for (; units->name; units++) {
        if (!text_is(name, units->name))
            continue;
        uint64_t whole;
        if (large || __builtin_mul_overflow(digits, units->factor, &whole) || whole > INT64_MAX)
            return NUMBER_LARGE;
        if (whole % scale)
            return NUMBER_INEXACT;
        *out = whole / scale;
        return NUMBER_READ;
    }
    return NUMBER_UNIT;
}

static const char *say_number(enum number problem, const char *what, const char *units)
{
    if (problem == NUMBER_READ)
        return NULL;
    if (problem == NUMBER_LARGE)
        snprintf(said, sizeof said, "is larger than any %s can be", what);
    else if (problem == NUMBER_INEXACT)
        snprintf(said, sizeof said, "has more decimals than a %s can have", what);
    else
        snprintf(said, sizeof said, "is not a %s; write a number and a unit without a space: %s",
                 what, units);
    return said;
}

const char *value_size(struct text text, uint64_t *bytes)
{
    if (text.length > 1 && text.data[text.length - 1] == 'b')
        return "ends in `b`, which is bits; write bytes: B, kB, MB, GB, TB or KiB, MiB, GiB, TiB";
    return say_number(read_number(text, SIZES, bytes), "size",
                      "B, kB, MB, GB, TB or KiB, MiB, GiB, TiB (500MB)");
}

const char *value_rate(struct text text, uint64_t *bytes_a_second)
{
    static const char form[] = "is not a rate; write a size a second: 500kB/s, 1MB/s";
    if (text.length < 3 || memcmp(text.data + text.length - 2, "/s", 2) != 0)
        return form;
    return value_size((struct text){text.data, text.length - 2}, bytes_a_second) ? form : NULL;
}

const char *value_count(struct text text, uint64_t *count)
{
    static const struct unit none[] = {{"", 1}, {NULL, 0}};
    for (size_t i = 0; i < text.length; i++)
        if (!is_digit(text.data[i]))
            return "is not a number; write digits alone, without a unit: 500";
    return say_number(read_number(text, none, count), "number", "digits alone");
}

const char *value_duration(struct text text, nanos_t *duration)
{
    uint64_t nanos;
    enum number result = read_number(text, DURATIONS, &nanos);
    if (result == NUMBER_READ)
        *duration = (nanos_t)nanos;
    return say_number(result, "duration", "ms, s, m, h or d (300ms, 10s, 5m, 4h, 30d)");
}

const char *value_share(struct text text, uint32_t *millionths)
{
    static const struct unit percent[] = {{"%", 10000}, {NULL, 0}};
    uint64_t share;
    enum number result = read_number(text, percent, &share);
    if (result != NUMBER_READ || share > 1000000)
        return "is not a share in per cent; write it as 99% or 99.9%, with at most 4 decimals";
    *millionths = (uint32_t)share;
    return NULL;
}

/* Zeroes what lies beyond the prefix; whether anything did. */
static bool clear_host_bits(struct prefix *prefix)
{
    bool any = false;
    for (unsigned bit = prefix->bits; bit < 128; bit++) {
        uint8_t mask = (uint8_t)(0x80 >> (bit % 8));
        any |= (prefix->address[bit / 8] & mask) != 0;
        prefix->address[bit / 8] &= (uint8_t)~mask;
    }
    return any;
}

static bool read_bits(struct text text, unsigned most, unsigned *bits)
{
    if (!text.length || text.length > 3 || (text.length > 1 && text.data[0] == '0'))
        return false;
    *bits = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (!is_digit(text.data[i]))
            return false;
        *bits = *bits * 10 + (unsigned)(text.data[i] - '0');
    }
    return *bits <= most;
}

static const uint8_t MAPPED[12] = {[10] = 0xff, [11] = 0xff};

const char *value_prefix(struct text text, struct prefix *prefix)
{
    static const char form[] =
        "is not an address or a prefix; write 192.0.2.7, 10.1.0.0/16, 2001:db8::/32";
    const char *slash = text.length ? memchr(text.data, '/', text.length) : NULL;
    size_t length = slash ? (size_t)(slash - text.data) : text.length;
    char address[INET6_ADDRSTRLEN];
    if (!length || length >= sizeof address || memchr(text.data, 0, length))
        return form;
    memcpy(address, text.data, length);
    address[length] = 0;
    struct prefix read = {.bits = 128};
    unsigned most = 128, bits;
    if (inet_pton(AF_INET, address, read.address + 12) == 1) {
        memcpy(read.address, MAPPED, sizeof MAPPED);
        most = 32;
    } else if (inet_pton(AF_INET6, address, read.address) != 1) {
        return form;
    }
    bits = most;
    if (slash && !read_bits((struct text){slash + 1, text.length - length - 1}, most, &bits)) {
        snprintf(said, sizeof said, "has no prefix length that can be; write /0 to /%u", most);
        return said;
    }
    read.bits = (uint8_t)(bits + 128 - most);
    if (clear_host_bits(&read)) {
        char right[VALUE_TEXT_SIZE];
        snprintf(said, sizeof said, "has bits set beyond its /%u; did you mean %s?", bits,
                 value_prefix_text(&read, right));
        return said;
    }
    *prefix = read;
    return NULL;
}

static bool starts(struct text *text, const char *word)
{
    size_t length = strlen(word);
    if (text->length < length || memcmp(text->data, word, length) != 0)
        return false;
    *text = (struct text){text->data + length, text->length - length};
    return true;
}

static bool read_length(struct text *text, uint8_t *out)
{
    unsigned value = 0;
    size_t i = 0;
    for (; i < text->length && is_digit(text->data[i]) && i < 2; i++)
        value = value * 10 + (unsigned)(text->data[i] - '0');
    if (!i || text->data[0] == '0')
        return false;
    *out = (uint8_t)value;
    *text = (struct text){text->data + i, text->length - i};
    return true;
}

const char *value_format(struct text text, struct parcel_format *format)
{
    enum { SHORTEST = 6, LONGEST = 30 };
    static const char form[] =
        "is not a format of parcel numbers; allowed: s10, colissimo, sscc, digits-N, "
        "digits-N-M, alnum-N-M (N and M from 6 to 30)";
    static const struct {
        const char *name;
        enum parcel_format_kind kind;
    } fixed[] = {{"s10", FORMAT_S10}, {"colissimo", FORMAT_COLISSIMO}, {"sscc", FORMAT_SSCC}};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (text_is(text, fixed[i].name)) {
            *format = (struct parcel_format){.kind = fixed[i].kind};
            return NULL;
        }
    struct parcel_format read = {.kind = FORMAT_DIGITS};
    if (!starts(&text, "digits-")) {
        if (!starts(&text, "alnum-"))
            return form;
        read.kind = FORMAT_ALNUM;
    }
    if (!read_length(&text, &read.shortest))
        return form;
    read.longest = read.shortest;
    if (text.length && (!starts(&text, "-") || !read_length(&text, &read.longest)))
        return form;
    if (text.length || read.shortest < SHORTEST || read.longest > LONGEST ||
        read.shortest > read.longest)
        return form;
    *format = read;
    return NULL;
}

/* The largest unit that divides it, or, where `decimals`, of which it is a whole number of tenths
 * or hundredths. */
static char *number_text(uint64_t value, const struct unit *const units[], size_t count,
                         bool decimals, char *out)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t factor = units[i]->factor;
        if (value >= factor && value % factor == 0) {
            snprintf(out, VALUE_TEXT_SIZE, "%" PRIu64 "%s", value / factor, units[i]->name);
            return out;
        }
        if (decimals && factor >= 1000 && value >= factor && value % (factor / 100) == 0) {
            unsigned cents = (unsigned)(value / (factor / 100) % 100);
            snprintf(out, VALUE_TEXT_SIZE, cents % 10 ? "%" PRIu64 ".%02u%s" : "%" PRIu64 ".%u%s",
                     value / factor, cents % 10 ? cents : cents / 10, units[i]->name);
            return out;
        }
    }
    snprintf(out, VALUE_TEXT_SIZE, "%" PRIu64 "%s", value, units[count - 1]->name);
    return out;
}

char *value_size_text(uint64_t bytes, char out[VALUE_TEXT_SIZE])
{
    static const struct unit *const order[] = {&SIZES[6], &SIZES[5], &SIZES[4],
                                               &SIZES[3], &SIZES[1], &SIZES[0]};
    return number_text(bytes, order, 6, true, out);
}

char *value_duration_text(nanos_t duration, char out[VALUE_TEXT_SIZE])
{
    static const struct unit *const order[] = {&DURATIONS[4], &DURATIONS[3], &DURATIONS[2],
                                               &DURATIONS[1], &DURATIONS[0]};
    return number_text((uint64_t)duration, order, 5, false, out);
}

char *value_share_text(uint32_t millionths, char out[VALUE_TEXT_SIZE])
{
    int length = snprintf(out, VALUE_TEXT_SIZE, "%u.%04u", millionths / 10000, millionths % 10000);
    while (out[length - 1] == '0')
        length--;
    if (out[length - 1] == '.')
        length--;
    out[length] = '%';
    out[length + 1] = 0;
    return out;
}

char *value_prefix_text(const struct prefix *prefix, char out[VALUE_TEXT_SIZE])
{
    bool four = prefix->bits >= 96 && memcmp(prefix->address, MAPPED, sizeof MAPPED) == 0;
    char address[INET6_ADDRSTRLEN];
    inet_ntop(four ? AF_INET : AF_INET6, prefix->address + (four ? 12 : 0), address,
              sizeof address);
    unsigned bits = prefix->bits - (four ? 96u : 0u);
    if (prefix->bits == 128)
        snprintf(out, VALUE_TEXT_SIZE, "%s", address);
    else
        snprintf(out, VALUE_TEXT_SIZE, "%s/%u", address, bits);
    return out;
}

char *value_format_text(const struct parcel_format *format, char out[VALUE_TEXT_SIZE])
{
    static const char *const names[] = {"s10", "colissimo", "sscc", "digits", "alnum"};
    const char *name = (unsigned)format->kind <= FORMAT_ALNUM ? names[format->kind] : "?";
    if (format->kind < FORMAT_DIGITS)
        snprintf(out, VALUE_TEXT_SIZE, "%s", name);
    else if (format->shortest == format->longest)
        snprintf(out, VALUE_TEXT_SIZE, "%s-%u", name, format->shortest);
    else
        snprintf(out, VALUE_TEXT_SIZE, "%s-%u-%u", name, format->shortest, format->longest);
    return out;
}
