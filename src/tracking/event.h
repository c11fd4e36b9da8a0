/* event.h: one thing that happened to one parcel, whatever form it came in. */
#ifndef ECLUSE_EVENT_H
#define ECLUSE_EVENT_H

#include "tracking/parcel.h"
#include "tracking/step.h"

enum {
    EVENT_CODE_MAX = 24,  /* longest code kept; CBV names fit */
    EVENT_PLACE_MAX = 48, /* bytes of UTF-8; longer places are cut at a character */
    EVENT_PRODUCT_MAX = 32,
    EVENT_PICKUP_MAX = 16,
};

struct event {
    struct parcel_number parcel;
    int64_t at;     /* seconds since 1970, UTC */
    int16_t offset; /* minutes east of UTC, as the feed said: what people are shown */
    uint8_t step;   /* enum step */
    char code[EVENT_CODE_MAX + 1];
    char place[EVENT_PLACE_MAX + 1];
    char country[3];
    char product[EVENT_PRODUCT_MAX + 1]; /* "" when the event does not say */
    char pickup[EVENT_PICKUP_MAX + 1];
    char source[CONTRACT_NAME_SIZE];
    int32_t delivery_day; /* expected delivery, days since 1970-01-01; 0 when not said */
};

/* ISO 8601 / RFC 3339 date and time with a zone ("2026-11-20T14:03:00Z", ".116-06:00", "+0200"). A
 * time without a zone is refused. Returns false and leaves the outputs untouched when it is not a
 * time between 1990 and 2100. */
bool event_time_parse(struct text text, int64_t *at, int16_t *offset_minutes);

/* "2026-11-24" (or a date-time, whose date is taken) to days since 1970. */
bool event_day_parse(struct text text, int32_t *day);

/* Proleptic Gregorian calendar, both ways, for the answer's dates. */
void day_to_date(int32_t day, int *year, unsigned *month, unsigned *day_of_month);
int32_t day_of_date(int year, unsigned month, unsigned day_of_month);

#endif
