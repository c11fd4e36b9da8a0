#include "cli/typed_time.h"

#include "contract/value.h"

#include <string.h>
#include <time.h>

bool typed_time(const char *typed, nanos_t *out)
{
    struct tm parts = {.tm_mday = 1};
    const char *rest = strptime(typed, "%Y-%m-%d", &parts);
    if (rest && *rest == 'T')
        rest = strptime(rest, "T%H:%M:%S", &parts);
    if (rest && *rest == 'Z')
        rest++;
    if (!rest || *rest)
        return false;
    *out = (nanos_t)timegm(&parts) * NANOS_SECOND;
    return true;
}

bool typed_time_past(const char *typed, nanos_t now, nanos_t *out)
{
    struct tm parts = {0};
    nanos_t span;
    if (typed_time(typed, out))
        return true;
    const char *rest = strptime(typed, "%H:%M", &parts);
    if (rest && *rest == 0) {
        nanos_t today = now - now % NANOS_DAY;
        *out = today + parts.tm_hour * NANOS_HOUR + parts.tm_min * NANOS_MINUTE;
        if (*out > now)
            *out -= NANOS_DAY;
        return true;
    }
    static const char ago[] = " ago";
    struct text length = text_of(typed);
    const size_t most = sizeof ago - 1;
    if (length.length > most && memcmp(length.data + length.length - most, ago, most) == 0)
        length.length -= most;
    if (value_duration(length, &span) != NULL || span > now)
        return false;
    *out = now - span;
    return true;
}
