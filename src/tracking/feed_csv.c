/* RFC 4180, a record a line: a quote that is never closed spoils its own line and no other. */
#include "tracking/feed_internal.h"

static enum feed_field column_named(struct text name)
{
    static const struct {
        const char *name;
        enum feed_field field;
    } aliases[] = {
        {"parcel_number", FIELD_PARCEL},
        {"tracking_number", FIELD_PARCEL},
        {"number", FIELD_PARCEL},
        {"numero", FIELD_PARCEL},
        {"colis", FIELD_PARCEL},
        {"date", FIELD_AT},
        {"time", FIELD_AT},
        {"event_time", FIELD_AT},
        {"timestamp", FIELD_AT},
        {"event", FIELD_CODE},
        {"event_code", FIELD_CODE},
        {"location", FIELD_PLACE},
        {"site", FIELD_PLACE},
        {"lieu", FIELD_PLACE},
        {"country_code", FIELD_COUNTRY},
        {"pays", FIELD_COUNTRY},
        {"produit", FIELD_PRODUCT},
        {"expected", FIELD_DELIVERY_DATE},
        {"pickup_point", FIELD_PICKUP},
        {"point_retrait", FIELD_PICKUP},
    };
    char lower[32];
    if (name.length > sizeof lower)
        return field_is_personal(name) ? FIELD_PERSONAL : FIELD_NONE;
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c == ' ' ? '_' : c;
    }
    struct text folded = {lower, name.length};
    enum feed_field field = feed_field_named(folded);
    for (size_t i = 0; field == FIELD_NONE && i < sizeof aliases / sizeof aliases[0]; i++)
        if (text_is(folded, aliases[i].name))
            field = aliases[i].field;
    if (field == FIELD_NONE && field_is_personal(name))
        field = FIELD_PERSONAL;
    return field;
}

/* The separator that comes most often in the header, outside quotes. */
static char recognise_delimiter(struct text header)
{
    static const char candidates[] = {',', ';', '\t'};
    size_t count[sizeof candidates] = {0}, best = 0;
    bool quoted = false;
    for (size_t i = 0; i < header.length; i++) {
        quoted ^= header.data[i] == '"';
        for (size_t k = 0; k < sizeof candidates && !quoted; k++)
            count[k] += header.data[i] == candidates[k];
    }
    for (size_t k = 1; k < sizeof candidates; k++)
        if (count[k] > count[best])
            best = k;
    return candidates[best];
}

struct record {
    const char *at, *end;
    char *scratch;
    char delimiter;
    bool more; /* another value follows */
};

static bool take_quoted(struct record *r, struct text *value)
{
    char *decoded = r->scratch;
    for (r->at++; r->at < r->end; r->at++) {
        if (*r->at == '"' && (r->at + 1 == r->end || r->at[1] != '"'))
            break;
        r->at += *r->at == '"';
        *r->scratch++ = *r->at;
    }
    if (r->at == r->end)
        return false;
    r->at++;
    *value = (struct text){decoded, (size_t)(r->scratch - decoded)};
    return r->at == r->end || *r->at == r->delimiter;
}

/* The next value of the record; false when its quotes are not as RFC 4180 has them. */
static bool take_value(struct record *r, struct text *value)
{
    if (r->at < r->end && *r->at == '"') {
        if (!take_quoted(r, value))
            return false;
    } else {
        const char *start = r->at;
        while (r->at < r->end && *r->at != r->delimiter && *r->at != '"')
            r->at++;
        if (r->at < r->end && *r->at == '"')
            return false;
        while (start < r->at && *start == ' ')
            start++;
        const char *last = r->at;
        while (last > start && last[-1] == ' ')
            last--;
        *value = (struct text){start, (size_t)(last - start)};
    }
    r->more = r->at < r->end;
    r->at += r->more;
    return true;
}

static enum feed_reason read_header(struct feed *feed, struct text line, const char **field)
{
    struct csv *csv = &feed->csv;
    struct draft named = {0};
    csv->delimiter = recognise_delimiter(line);
    struct record record = {line.data, line.data + line.length, feed->scratch, csv->delimiter,
                            true};
    while (record.more) {
        struct text name;
        if (!take_value(&record, &name))
            return FEED_SYNTAX;
        if (csv->columns == FEED_COLUMNS_MAX)
            return FEED_TOO_LONG;
        enum feed_field column = column_named(name);
        csv->field[csv->columns++] = (uint8_t)column;
        if (column >= FIELD_COUNT)
            continue;
        *field = feed_field_name(column);
        if (named.present & 1u << column)
            return FEED_BAD_FIELD;
        named.present |= 1u << column;
    }
    static const enum feed_reason missing[] = {FEED_NO_PARCEL, FEED_NO_TIME, FEED_NO_CODE};
    for (unsigned i = FIELD_PARCEL; i <= FIELD_CODE; i++) {
        *field = feed_field_name((enum feed_field)i);
        if (!(named.present & 1u << i))
            return missing[i];
    }
    return FEED_OK;
}

/* Bytes below a space, but tabs, stand in no text. */
static bool is_binary(struct text line)
{
    for (size_t i = 0; i < line.length; i++)
        if ((unsigned char)line.data[i] < ' ' && line.data[i] != '\t')
            return true;
    return false;
}

static bool names_a_needed_column(const struct csv *csv)
{
    for (unsigned i = 0; i < csv->columns; i++)
        if (csv->field[i] <= FIELD_CODE)
            return true;
    return false;
}

/* What does not begin like JSON is read as CSV; unless somebody said that it is, a first line
 * without one column that a feed must have shows that it is something else. It is refused once, not
 * line by line. */
static enum feed_reason begin(struct feed *feed, struct text line, const char **field)
{
    struct csv *csv = &feed->csv;
    bool guessed = feed->asked == FEED_AUTO, text = utf8_is_valid(line);
    enum feed_reason reason = text ? read_header(feed, line, field) : FEED_NOT_UTF8;
    if (reason && guessed && (text ? !names_a_needed_column(csv) : is_binary(line))) {
        *field = "";
        reason = FEED_FORM;
    }
    csv->header_read = text || reason == FEED_FORM;
    csv->header_reason = reason;
    return reason;
}

static enum feed_reason read_row(struct feed *feed, struct text line, struct draft *draft)
{
    const struct csv *csv = &feed->csv;
    struct record record = {line.data, line.data + line.length, feed->scratch, csv->delimiter,
                            true};
    uint64_t dropped = 0;
    unsigned column = 0;
    memset(draft, 0, sizeof *draft);
    while (record.more) {
        struct text value;
        if (column == csv->columns || !take_value(&record, &value))
            return FEED_SYNTAX;
        unsigned field = csv->field[column++];
        if (field < FIELD_COUNT)
            draft->value[field] = value;
        dropped += field == FIELD_PERSONAL && value.length;
    }
    if (column != csv->columns)
        return FEED_SYNTAX;
    feed->dropped += dropped;
    return FEED_OK;
}

void feed_csv_line(struct feed *feed, struct text line)
{
    struct draft draft;
    struct event event;
    const char *field = "";
    enum feed_reason reason;
    if (!feed->csv.header_read) {
        reason = begin(feed, line, &field);
        if (!reason)
            return;
    } else if (feed->csv.header_reason == FEED_FORM) {
        return;
    } else if (!utf8_is_valid(line)) {
        reason = FEED_NOT_UTF8;
    } else {
        reason = feed->csv.header_reason;
        if (!reason)
            reason = read_row(feed, line, &draft);
        if (!reason)
            reason = feed_draft_event(feed->rules, &draft, &event, &field, &feed->dropped);
    }
    if (reason)
        feed_refuse(feed, feed->place, reason, field);
    else
        feed_give(feed, &event, feed->place);
}
