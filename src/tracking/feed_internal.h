/* feed_internal.h: what the parsers of feeds share; of this room alone.
 *
 * feed.c            names, life, lines cut from pieces
 * feed_recognise.c  which format a feed is in, from its first bytes
 * feed_document.c   JSON documents cut from pieces, one event of a list at a time, so that a
 *                   document of any length needs the memory of its largest event
 * feed_draft.c      named fields to a checked event: NDJSON and CSV end here
 * feed_text.c       names of personal fields
 * feed_personal.c   personal data in a place or a product
 */
#ifndef ECLUSE_FEED_INTERNAL_H
#define ECLUSE_FEED_INTERNAL_H

#include "tracking/feed.h"

enum {
    FEED_LINE_MAX = 64 * 1024,
    FEED_HEAD_MAX = 64 * 1024,       /* looked at to recognise a format */
    FEED_UNIT_MAX = 8 * 1024 * 1024, /* one event of a document; a document without its events */
    FEED_DOCUMENT_MAX = 256 * 1024 * 1024,
    FEED_DEPTH_MAX = 64, /* of nested JSON values */
    FEED_COLUMNS_MAX = 64,
};

/* Fields of NDJSON and columns of CSV. constant, name */
#define FEED_FIELDS(X)                                                                             \
    X(PARCEL, "parcel")                                                                            \
    X(AT, "at")                                                                                    \
    X(CODE, "code")                                                                                \
    X(PLACE, "place")                                                                              \
    X(COUNTRY, "country")                                                                          \
    X(PRODUCT, "product")                                                                          \
    X(DELIVERY_DATE, "delivery_date")                                                              \
    X(PICKUP, "pickup")                                                                            \
    X(SOURCE, "source")

enum feed_field {
#define X(constant, name) FIELD_##constant,
    FEED_FIELDS(X)
#undef X
        FIELD_COUNT,
    FIELD_NONE = FIELD_COUNT, /* unknown: skipped */
    FIELD_PERSONAL,           /* a column that is dropped and counted */
};

/* What a line says, before it is checked. */
struct draft {
    struct text value[FIELD_COUNT]; /* empty: not said */
    unsigned present, wrong;        /* bits 1 << field: named at all; twice, or of the wrong type */
};

struct buffer {
    char *data;
    size_t length, size;
};

struct document {
    enum { BETWEEN_DOCUMENTS, IN_DOCUMENT, TO_NEXT_LINE } state;
    uint64_t length;                        /* of this document, so far */
    uint64_t units;                         /* cut out of this document */
    unsigned depth, list_depth, unit_depth; /* 0: not inside one */
    uint64_t is_array[2];                   /* a bit a depth */
    bool in_string, escaped, unit_too_long, first_column;
    char last;                    /* the last character that is no white space */
    size_t string_start;          /* in the envelope */
    bool named_list;              /* the last string was "eventList" */
    struct buffer envelope, unit; /* the document with 0 in place of each event; the event */
};

struct csv {
    bool header_read;
    enum feed_reason header_reason; /* rows under a header that cannot be used are refused for it */
    char delimiter;
    unsigned columns;
    uint8_t field[FEED_COLUMNS_MAX];
};

struct feed {
    enum feed_format format; /* FEED_AUTO while not known */
    enum feed_format asked;
    const struct tracking_rules *rules;
    struct feed_sink sink;
    uint64_t events, dropped, place;
    bool started; /* the format is known and a byte order mark is behind us */
    bool skipping_line;
    size_t next_look;
    struct buffer head, line;
    char *scratch; /* FEED_LINE_MAX bytes: strings with their escapes resolved */
    struct csv csv;
    struct document document;
};

/* ---- feed.c ---------------------------------------------------------------------------------- */

void feed_refuse(struct feed *feed, uint64_t place, enum feed_reason reason, const char *field);
void feed_give(struct feed *feed, const struct event *event, uint64_t place);
void buffer_add(struct buffer *buffer, const char *data, size_t length);

/* ---- feed_recognise.c ------------------------------------------------------------------------ */

/* FEED_AUTO while more bytes are needed; never when `complete` (nothing more comes, or enough was
 * looked at). */
enum feed_format feed_recognise(const char *head, size_t length, bool complete);

/* ---- One line, one document ------------------------------------------------------------------ */

void feed_ndjson_line(struct feed *feed, struct text line);
void feed_csv_line(struct feed *feed, struct text line);
void feed_document_bytes(struct feed *feed, const char *bytes, size_t length);
void feed_document_end(struct feed *feed);

/* A JSON object, of an event list, or a whole document. `cut`: how many events were cut out of it
 * before. */
void feed_epcis_unit(struct feed *feed, struct text unit, uint64_t cut);
void feed_suivi_unit(struct feed *feed, struct text unit, uint64_t cut);

/* Reads the fields of a line, without judging them; FEED_OK, FEED_SYNTAX or FEED_NOT_UTF8. */
enum feed_reason ndjson_fields(struct text line, char *scratch, struct draft *draft,
                               uint64_t *dropped);

/* ---- feed_json.c ----------------------------------------------------------------------------- */

struct json_t;

/* The tree of a unit, or NULL after it was refused. The caller gives it back with json_decref(). */
struct json_t *feed_json(struct feed *feed, struct text unit);
/* A string member of an object; empty when it is absent. False when it is there and no string. */
bool json_text(const struct json_t *object, const char *name, struct text *out);
/* Personal fields and coordinates ("geo:" URIs) inside, those within another counted with it. */
uint64_t json_personal(const struct json_t *value);

/* ---- feed_draft.c ---------------------------------------------------------------------------- */

enum feed_field feed_field_named(struct text name);
const char *feed_field_name(enum feed_field field);

/* FEED_OK and *event, or the reason and the field that it is about. */
enum feed_reason feed_draft_event(const struct tracking_rules *rules, const struct draft *draft,
                                  struct event *event, const char **field, uint64_t *dropped);

/* Single fields, for formats that name them otherwise. False: not of the right form, *event
 * untouched. */
enum feed_reason feed_take_parcel(const struct tracking_rules *rules, struct text typed,
                                  struct event *event);
enum feed_reason feed_take_time(struct text time, struct event *event);
bool feed_take_code(struct text code, struct event *event);
/* Personal data instead of a place or a product is left out and counted. */
bool feed_take_place(struct text place, struct event *event, uint64_t *dropped);
bool feed_take_location(struct text number, struct event *event); /* a GLN: long, and nobody's */
bool feed_take_country(struct text country, struct event *event);
bool feed_take_product(struct text product, struct event *event, uint64_t *dropped);
bool feed_take_pickup(struct text pickup, struct event *event);

/* ---- feed_text.c ----------------------------------------------------------------------------- */

bool field_is_personal(struct text name);
const char *
personal_name(size_t i); /* of the list that is searched, in its order; NULL at its end */

/* ---- feed_personal.c ------------------------------------------------------------------------- */

/* A title before a name, a mail address, a telephone number, a street with its number. */
bool text_is_personal(struct text text);

#endif
