#include "egress/flow_text.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define LATEST (230 * 365 * NANOS_DAY)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool flow_text_count(struct text t, uint64_t *out)
{
    uint64_t value = 0;
    if (t.length == 0 || t.length > 18)
        return false;
    for (size_t i = 0; i < t.length; i++) {
        if (!is_digit(t.data[i]))
            return false;
        value = value * 10 + (uint64_t)(t.data[i] - '0');
    }
    *out = value;
    return true;
}

struct decimal { /* digits * 10^power */
    uint64_t digits;
    int power;
};

static bool exponent_read(struct text t, size_t i, int *out)
{
    bool minus = i < t.length && t.data[i] == '-';
    int value = 0;
    i += i < t.length && (t.data[i] == '-' || t.data[i] == '+');
    if (i == t.length || t.length - i > 3)
        return false;
    for (; i < t.length; i++) {
        if (!is_digit(t.data[i]))
            return false;
        value = value * 10 + (t.data[i] - '0');
    }
    *out = minus ? -value : value;
    return true;
}

/* Digits beyond the nineteenth are worth less than any clock. */
static bool decimal_read(struct text t, struct decimal *out)
{
    struct decimal d = {0, 0};
    size_t i = 0, seen = 0;
    bool point = false;
    for (; i < t.length && (is_digit(t.data[i]) || (t.data[i] == '.' && !point)); i++) {
        if (t.data[i] == '.') {
            point = true;
            continue;
        }
        seen++;
        if (d.digits < UINT64_C(1000000000000000000)) {
            d.digits = d.digits * 10 + (uint64_t)(t.data[i] - '0');
            d.power -= point;
        } else {
            d.power += !point;
        }
    }
    int exponent = 0;
    if (!seen || (i < t.length && ((t.data[i] | 32) != 'e' || !exponent_read(t, i + 1, &exponent))))
        return false;
    d.power += exponent;
    *out = d;
    return true;
}

static bool scaled_to(struct decimal d, int power, nanos_t *out)
{
    d.power += power;
    for (; d.power < 0 && d.digits; d.power++)
        d.digits /= 10;
    for (; d.power > 0 && d.digits; d.power--)
        if (__builtin_mul_overflow(d.digits, 10, &d.digits))
            return false;
    if (d.digits > (uint64_t)LATEST)
        return false;
    *out = (nanos_t)d.digits;
    return true;
}

bool flow_text_seconds(struct text t, nanos_t *out)
{
    struct decimal d;
    return decimal_read(t, &d) && scaled_to(d, 9, out);
}

/* `count` digits at `at`; -1 when they are none. */
static int64_t digits_at(struct text t, size_t at, size_t count)
{
    int64_t value = 0;
    if (t.length < at + count)
        return -1;
    for (size_t i = at; i < at + count; i++) {
        if (!is_digit(t.data[i]))
            return -1;
        value = value * 10 + (t.data[i] - '0');
    }
    return value;
}

/* Days since 1970 of the Gregorian calendar, by eras of 400 years that begin in March. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool zone_read(struct text t, size_t at, int64_t *out)
{
    *out = 0;
    if (at + 1 == t.length && t.data[at] == 'Z')
        return true;
    if (at >= t.length || (t.data[at] != '+' && t.data[at] != '-'))
        return false;
    bool colon = at + 3 < t.length && t.data[at + 3] == ':';
    int64_t hours = digits_at(t, at + 1, 2), minutes = digits_at(t, at + 3 + colon, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || t.length != at + 5 + colon)
        return false;
    *out = (hours * 60 + minutes) * (t.data[at] == '-' ? -60 : 60);
    return true;
}

static bool date_read(struct text t, nanos_t *out)
{
    int64_t field[6], zone;
    static const uint8_t at[6] = {0, 5, 8, 11, 14, 17};
    static const int16_t least[6] = {1970, 1, 1, 0, 0, 0}, most[6] = {2199, 12, 31, 23, 59, 60};
    for (unsigned i = 0; i < 6; i++) {
        field[i] = digits_at(t, at[i], i ? 2 : 4);
        if (field[i] < least[i] || field[i] > most[i])
            return false;
    }
    if (t.length < 20 || t.data[4] != '-' || t.data[7] != '-' ||
        (t.data[10] != 'T' && t.data[10] != ' ') || t.data[13] != ':' || t.data[16] != ':')
        return false;
    size_t end = 19;
    nanos_t fraction = 0, unit = NANOS_SECOND;
    if (t.data[end] == '.')
        for (end++; end < t.length && is_digit(t.data[end]); end++) {
            unit /= 10;
            fraction += (t.data[end] - '0') * unit;
        }
    if (!zone_read(t, end, &zone))
        return false;
    int64_t seconds = days_of(field[0], field[1], field[2]) * 86400 + field[3] * 3600 +
                      field[4] * 60 + field[5] - zone;
    if (seconds < 0)
        return false;
    *out = seconds * NANOS_SECOND + fraction;
    return true;
}

bool flow_text_time(struct text t, nanos_t *out)
{
    struct decimal d;
    if (t.length > 10 && t.data[4] == '-')
        return date_read(t, out);
    if (!decimal_read(t, &d))
        return false;
    /* 10^11 seconds are the year 5138: it is milliseconds. */
    nanos_t seconds;
    return scaled_to(d, 0, &seconds) && scaled_to(d, seconds >= 100000000000 ? 6 : 9, out);
}

static bool ip4_read(struct text t, uint8_t out[4])
{
    size_t i = 0;
    uint8_t read[4];
    for (unsigned part = 0; part < 4; part++) {
        unsigned value = 0, digits = 0;
        for (; i < t.length && is_digit(t.data[i]) && digits < 3; i++, digits++)
            value = value * 10 + (unsigned)(t.data[i] - '0');
        if (!digits || value > 255 || (part < 3 && (i == t.length || t.data[i++] != '.')))
            return false;
        read[part] = (uint8_t)value;
    }
    if (i != t.length)
        return false;
    memcpy(out, read, 4);
    return true;
}

bool flow_text_address(struct text t, uint8_t out[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    uint8_t four[4], six[16];
    if (ip4_read(t, four)) {
        memcpy(out, mapped, sizeof mapped);
        memcpy(out + 12, four, 4);
        return true;
    }
    char copy[INET6_ADDRSTRLEN];
    if (t.length == 0 || t.length >= sizeof copy || memchr(t.data, 0, t.length))
        return false;
    memcpy(copy, t.data, t.length);
    copy[t.length] = 0;
    if (inet_pton(AF_INET6, copy, six) != 1)
        return false;
    memcpy(out, six, sizeof six);
    return true;
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool flow_text_link(struct text t, uint8_t out[6])
{
    uint8_t read[6];
    if (t.length != 17)
        return false;
    for (unsigned i = 0; i < 6; i++) {
        int high = hex_digit(t.data[3 * i]), low = hex_digit(t.data[3 * i + 1]);
        if (high < 0 || low < 0 || (i < 5 && t.data[3 * i + 2] != ':'))
            return false;
        read[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(out, read, sizeof read);
    return true;
}

bool flow_text_protocol(struct text t, uint8_t *out)
{
    static const struct {
        const char *name;
        uint8_t number;
    } known[] = {
        {"tcp", IPPROTO_TCP},      {"udp", IPPROTO_UDP},          {"icmp", IPPROTO_ICMP},
        {"icmp6", IPPROTO_ICMPV6}, {"ipv6-icmp", IPPROTO_ICMPV6}, {"sctp", IPPROTO_SCTP},
        {"gre", IPPROTO_GRE},      {"esp", IPPROTO_ESP},          {"unknown_transport", 255}};
    uint64_t number;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        size_t k = 0;
        while (k < t.length && known[i].name[k] && (t.data[k] | 32) == (known[i].name[k] | 32))
            k++;
        if (k == t.length && !known[i].name[k]) {
            *out = known[i].number;
            return true;
        }
    }
    if (!flow_text_count(t, &number) || number > 255)
        return false;
    *out = (uint8_t)number;
    return true;
}
