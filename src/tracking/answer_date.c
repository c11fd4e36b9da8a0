/* Dates and times as each language writes them. */
#include "tracking/answer_page.h"

enum { MINUTES_A_DAY = 24 * 60 };

static int64_t local_minutes(int64_t at, int16_t offset)
{
    int64_t minutes = at / 60 - (at % 60 < 0);
    return minutes + offset;
}

int32_t local_day(int64_t at, int16_t offset)
{
    int64_t minutes = local_minutes(at, offset);
    return (int32_t)(minutes / MINUTES_A_DAY - (minutes % MINUTES_A_DAY < 0));
}

static unsigned minute_of_day(int64_t at, int16_t offset)
{
    int64_t minute = local_minutes(at, offset) % MINUTES_A_DAY;
    return (unsigned)(minute < 0 ? minute + MINUTES_A_DAY : minute);
}

/* Two digits at a time: half of what an answer costs is dates. */
static char *put_two(char *at, unsigned value)
{
    at[0] = (char)('0' + value / 10 % 10);
    at[1] = (char)('0' + value % 10);
    return at + 2;
}

enum {
    DATE_SIZE = 10,
    CLOCK_SIZE = 5,
    DATE_TIME_SIZE = DATE_SIZE + 1 + CLOCK_SIZE + 3 + 1 + CLOCK_SIZE
};

static char *put_date(char *at, int32_t day)
{
    int year;
    unsigned month, day_of_month;
    day_to_date(day, &year, &month, &day_of_month);
    at = put_two(at, (unsigned)year / 100);
    at = put_two(at, (unsigned)year);
    *at++ = '-';
    at = put_two(at, month);
    *at++ = '-';
    return put_two(at, day_of_month);
}

static char *put_clock(char *at, unsigned minutes)
{
    at = put_two(at, minutes / 60);
    *at++ = ':';
    return put_two(at, minutes % 60);
}

void write_date(struct writer *w, int32_t day)
{
    char out[DATE_SIZE];
    put_date(out, day);
    write_bytes(w, out, sizeof out);
}

void write_date_time(struct writer *w, int64_t at, int16_t offset)
{
    char out[DATE_TIME_SIZE];
    int64_t second = at % 60;
    char *end = put_date(out, local_day(at, offset));
    *end++ = 'T';
    end = put_clock(end, minute_of_day(at, offset));
    *end++ = ':';
    end = put_two(end, (unsigned)(second < 0 ? second + 60 : second));
    *end++ = offset < 0 ? '-' : '+';
    put_clock(end, (unsigned)(offset < 0 ? -offset : offset));
    write_bytes(w, out, sizeof out);
}

void write_clock(struct writer *w, int64_t at, int16_t offset)
{
    char out[CLOCK_SIZE];
    put_clock(out, minute_of_day(at, offset));
    write_bytes(w, out, sizeof out);
    if (offset == 0)
        WRITE_LITERAL(w, "\u00a0UTC");
}

int year_of(int32_t day)
{
    int year;
    unsigned month, day_of_month;
    day_to_date(day, &year, &month, &day_of_month);
    return year;
}

static unsigned weekday_of(int32_t day)
{
    int32_t weekday = (day + 3) % 7; /* 1970-01-01 was a Thursday */
    return (unsigned)(weekday < 0 ? weekday + 7 : weekday);
}

/* French: vendredi 20 novembre 2026 (but "1er"); Dutch: vrijdag 20 november 2026; German:
 * Freitag, 20. November 2026; English: Friday 20 November 2026. */
void write_long_date(struct writer *w, int32_t day, bool with_year, enum language language)
{
    int year;
    unsigned month, day_of_month;
    day_to_date(day, &year, &month, &day_of_month);
    write_text(w, answer_weekday(weekday_of(day), language));
    if (language == LANGUAGE_DE)
        WRITE_LITERAL(w, ",");
    WRITE_LITERAL(w, " ");
    write_unsigned(w, day_of_month);
    if (language == LANGUAGE_DE)
        WRITE_LITERAL(w, ".");
    if (language == LANGUAGE_FR && day_of_month == 1)
        WRITE_LITERAL(w, "er");
    WRITE_LITERAL(w, " ");
    write_text(w, answer_month(month, language));
    if (with_year) {
        WRITE_LITERAL(w, " ");
        write_padded(w, (unsigned)year, 4);
    }
}

void write_short_date(struct writer *w, int32_t day, enum language language)
{
    int year;
    unsigned month, day_of_month;
    day_to_date(day, &year, &month, &day_of_month);
    char out[CLOCK_SIZE];
    char *end = put_two(out, day_of_month);
    *end++ = language == LANGUAGE_DE ? '.' : '/';
    put_two(end, month);
    write_bytes(w, out, sizeof out);
    if (language == LANGUAGE_DE)
        WRITE_LITERAL(w, ".");
}
