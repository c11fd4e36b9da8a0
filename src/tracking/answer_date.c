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

void write_date(struct writer *w, int32_t day)
{
    int year;
    unsigned month, day_of_month;
    day_to_date(day, &year, &month, &day_of_month);
    char out[10];
    struct writer date = writer_on(out, sizeof out);
    write_padded(&date, (unsigned)year, 4);
    WRITE_LITERAL(&date, "-");
    write_padded(&date, month, 2);
    WRITE_LITERAL(&date, "-");
    write_padded(&date, day_of_month, 2);
    write_bytes(w, out, sizeof out);
}

static void write_hour_minute(struct writer *w, unsigned minutes)
{
    char out[5] = {(char)('0' + minutes / 600 % 10), (char)('0' + minutes / 60 % 10), ':',
                   (char)('0' + minutes / 10 % 6), (char)('0' + minutes % 10)};
    write_bytes(w, out, sizeof out);
}

void write_date_time(struct writer *w, int64_t at, int16_t offset)
{
    write_date(w, local_day(at, offset));
    WRITE_LITERAL(w, "T");
    write_hour_minute(w, minute_of_day(at, offset));
    WRITE_LITERAL(w, ":");
    int64_t second = at % 60;
    write_padded(w, (unsigned)(second < 0 ? second + 60 : second), 2);
    write_bytes(w, offset < 0 ? "-" : "+", 1);
    write_hour_minute(w, (unsigned)(offset < 0 ? -offset : offset));
}

void write_clock(struct writer *w, int64_t at, int16_t offset)
{
    write_hour_minute(w, minute_of_day(at, offset));
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
    write_padded(w, day_of_month, 2);
    write_bytes(w, language == LANGUAGE_DE ? "." : "/", 1);
    write_padded(w, month, 2);
    if (language == LANGUAGE_DE)
        WRITE_LITERAL(w, ".");
}
