#include "tracking/event.h"

enum { FIRST_YEAR = 1990, END_YEAR = 2100, MOST_OFFSET = 14 * 60, SECONDS_A_DAY = 86400 };

/* ---- Calendar -------------------------------------------------------------------------------- */

/* Years that begin in March, so that the leap day is a year's last (Hinnant, "chrono-compatible
 * low-level date algorithms"). */

enum { DAYS_400_YEARS = 146097, DAYS_TO_1970 = 719468 /* from 0000-03-01 */ };

int32_t day_of_date(int year, unsigned month, unsigned day_of_month)
{
    year -= month <= 2;
    int era = (year >= 0 ? year : year - 399) / 400;
    int year_of_era = year - era * 400;
    int day_of_year = (153 * ((int)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int)day_of_month - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_400_YEARS + day_of_era - DAYS_TO_1970;
}

void day_to_date(int32_t day, int *year, unsigned *month, unsigned *day_of_month)
{
    int64_t shifted = (int64_t)day + DAYS_TO_1970;
    int64_t era = (shifted >= 0 ? shifted : shifted - (DAYS_400_YEARS - 1)) / DAYS_400_YEARS;
    int day_of_era = (int)(shifted - era * DAYS_400_YEARS);
    int year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month_from_march = (5 * day_of_year + 2) / 153;
    *day_of_month = (unsigned)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *month = (unsigned)(month_from_march + (month_from_march < 10 ? 3 : -9));
    *year = (int)(year_of_era + era * 400) + (*month <= 2);
}

static unsigned days_in_month(int year, unsigned month)
{
    static const uint8_t days[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month];
}

/* ---- Times ----------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Two digits, or a number over 99. */
static unsigned two_digits(const char *at)
{
    unsigned high = (unsigned char)at[0] - (unsigned)'0';
    unsigned low = (unsigned char)at[1] - (unsigned)'0';
    return high > 9 || low > 9 ? 100 : high * 10 + low;
}

/* "2026-11-24" at `at`, which has 10 bytes. */
static bool date_parse(const char *at, int *year, unsigned *month, unsigned *day)
{
    unsigned century = two_digits(at), of_century = two_digits(at + 2);
    unsigned m = two_digits(at + 5), d = two_digits(at + 8);
    if (century > 99 || of_century > 99 || at[4] != '-' || at[7] != '-' || m < 1 || m > 12)
        return false;
    int y = (int)(century * 100 + of_century);
    if (y < FIRST_YEAR || y > END_YEAR || d < 1 || d > days_in_month(y, m))
        return false;
    *year = y;
    *month = m;
    *day = d;
    return true;
}

/* What follows the seconds: "Z", "+02:00", "+0200", "+02". */
static bool zone_parse(struct text zone, int *minutes)
{
    if (zone.length == 1 && (zone.data[0] == 'Z' || zone.data[0] == 'z')) {
        *minutes = 0;
        return true;
    }
    if (zone.length < 3 || (zone.data[0] != '+' && zone.data[0] != '-'))
        return false;
    unsigned hours = two_digits(zone.data + 1), rest = 0;
    if (zone.length == 6 && zone.data[3] == ':')
        rest = two_digits(zone.data + 4);
    else if (zone.length == 5)
        rest = two_digits(zone.data + 3);
    else if (zone.length != 3)
        return false;
    if (hours > 99 || rest > 59 || hours * 60 + rest > MOST_OFFSET)
        return false;
    *minutes = (int)(hours * 60 + rest) * (zone.data[0] == '-' ? -1 : 1);
    return true;
}

/* RFC 3339 has second 60 only at the end of a month in UTC. It becomes the second after: POSIX time
 * has no room for it, and the order of events is kept. */
static bool leap_second_is_possible(int64_t after)
{
    int year;
    unsigned month, day;
    if (after % SECONDS_A_DAY != 0)
        return false;
    day_to_date((int32_t)(after / SECONDS_A_DAY), &year, &month, &day);
    return day == 1;
}

bool event_time_parse(struct text text, int64_t *at, int16_t *offset_minutes)
{
    enum { SHORTEST = sizeof "2026-11-20T14:03:00Z" - 1, LONGEST = 48 };
    const char *t = text.data;
    int year, zone;
    unsigned month, day;
    if (text.length < SHORTEST || text.length > LONGEST || !date_parse(t, &year, &month, &day))
        return false;
    unsigned hour = two_digits(t + 11), minute = two_digits(t + 14), second = two_digits(t + 17);
    if ((t[10] != 'T' && t[10] != 't' && t[10] != ' ') || t[13] != ':' || t[16] != ':' ||
        hour > 23 || minute > 59 || second > 60)
        return false;
    size_t i = 19;
    if (t[i] == '.' || t[i] == ',') {
        size_t first = ++i;
        while (i < text.length && is_digit(t[i]))
            i++;
        if (i == first)
            return false;
    }
    if (!zone_parse((struct text){t + i, text.length - i}, &zone))
        return false;
    int64_t seconds = (int64_t)day_of_date(year, month, day) * SECONDS_A_DAY +
                      (int64_t)(hour * 3600 + minute * 60 + second) - (int64_t)zone * 60;
    if (seconds < (int64_t)day_of_date(FIRST_YEAR, 1, 1) * SECONDS_A_DAY ||
        seconds >= (int64_t)day_of_date(END_YEAR, 1, 1) * SECONDS_A_DAY ||
        (second == 60 && !leap_second_is_possible(seconds)))
        return false;
    *at = seconds;
    *offset_minutes = (int16_t)zone;
    return true;
}

bool event_day_parse(struct text text, int32_t *day)
{
    int year;
    unsigned month, day_of_month;
    if (text.length < 10 || !date_parse(text.data, &year, &month, &day_of_month) ||
        year == END_YEAR)
        return false;
    if (text.length > 10) { /* a date-time: its date as written, the time only has to be one */
        char c = text.data[10];
        if ((c != 'T' && c != 't' && c != ' ') || text.length < 16 || text.length > 48 ||
            two_digits(text.data + 11) > 24 || text.data[13] != ':' ||
            two_digits(text.data + 14) > 59)
            return false;
    }
    *day = day_of_date(year, month, day_of_month);
    return true;
}
