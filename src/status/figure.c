#include "status/figure.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

char *figure_count(uint64_t count, char out[FIGURE_SIZE])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, count);
    char *to = out;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = 0;
    return out;
}

char *figure_bytes(uint64_t bytes, char out[FIGURE_SIZE])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double amount = (double)bytes;
    size_t unit = 0;
    /* 999.95 and over would be printed as 1000.0 of the smaller unit. */
    while (amount >= 999.95 && unit + 1 < sizeof units / sizeof units[0]) {
        amount /= 1000;
        unit++;
    }
    snprintf(out, FIGURE_SIZE, unit && amount < 100 ? "%.1f %s" : "%.0f %s", amount, units[unit]);
    return out;
}

char *figure_span(nanos_t span, char out[FIGURE_SIZE])
{
    static const struct {
        nanos_t size;
        const char *name;
    } units[] = {{NANOS_DAY, "d"}, {NANOS_HOUR, "h"}, {NANOS_MINUTE, "min"}, {NANOS_SECOND, "s"}};
    if (span < 0)
        span = 0;
    if (span < NANOS_SECOND) {
        snprintf(out, FIGURE_SIZE, "%" PRId64 " ms", span / NANOS_MILLISECOND);
        return out;
    }
    size_t unit = 0;
    while (span < units[unit].size)
        unit++;
    int64_t whole = span / units[unit].size;
    int length = snprintf(out, FIGURE_SIZE, "%" PRId64 " %s", whole, units[unit].name);
    if (unit + 1 < sizeof units / sizeof units[0]) {
        int64_t rest = span % units[unit].size / units[unit + 1].size;
        if (rest)
            snprintf(out + length, FIGURE_SIZE - (size_t)length, " %" PRId64 " %s", rest,
                     units[unit + 1].name);
    }
    return out;
}

/* Rounded down, never up: 99.9999 % is not 100 %. */
char *figure_share(uint32_t millionths, char out[FIGURE_SIZE])
{
    unsigned whole = millionths / 10000, hundredths = millionths % 10000 / 100;
    if (hundredths)
        snprintf(out, FIGURE_SIZE, "%u.%02u %%", whole, hundredths);
    else
        snprintf(out, FIGURE_SIZE, "%u %%", whole);
    return out;
}

char *figure_amount(enum meter_unit unit, uint64_t amount, char out[FIGURE_SIZE])
{
    return unit == METER_UNIT_BYTES ? figure_bytes(amount, out) : figure_count(amount, out);
}

char *figure_wall(nanos_t wall, nanos_t now, char out[FIGURE_SIZE])
{
    time_t seconds = (time_t)(wall / NANOS_SECOND), today = (time_t)(now / NANOS_SECOND);
    struct tm at, of_now;
    gmtime_r(&seconds, &at);
    gmtime_r(&today, &of_now);
    bool same_day = at.tm_year == of_now.tm_year && at.tm_yday == of_now.tm_yday;
    strftime(out, FIGURE_SIZE, same_day ? "%H:%M:%S UTC" : "%Y-%m-%d %H:%M UTC", &at);
    return out;
}

json_t *json_safe(const char *text)
{
    json_t *string = json_string(text);
    if (string)
        return string;
    char *copy = strdup(text);
    must(copy != NULL);
    for (char *at = copy; *at; at++)
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    string = json_string(copy);
    free(copy);
    must(string != NULL);
    return string;
}
