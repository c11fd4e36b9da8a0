/* feed.h: bytes of a feed to events, or to a reason.
 *
 * Parsers of outside bytes: never run as root, each has a fuzz target. Nothing read here is
 * trusted: lengths are bounded, text is checked to be UTF-8 without control characters. A line that
 * is refused is reported by its place and reason only; its content is never copied to a log.
 *
 * Form        NDJSON and CSV are read a line at a time (lines up to 64 KiB), EPCIS and Suivi a
 *             document at a time (up to 256 MiB, an event in it up to 8 MiB; documents may follow
 *             one another, one a line or indented). docs/feeds.md shows each.
 * Privacy     names, postal addresses, phones and coordinates are dropped and counted
 *             (feed_dropped).
 * Cost        NDJSON at least 700,000 events/s on one core (bench/ingest).
 */
#ifndef ECLUSE_FEED_H
#define ECLUSE_FEED_H

#include "tracking/event.h"

#include <stdio.h>

enum feed_format { FEED_AUTO, FEED_NDJSON, FEED_CSV, FEED_EPCIS, FEED_SUIVI };

/*  constant         name                  what people read in the summary */
#define FEED_REASONS(X)                                                                            \
    X(FORM, "unknown_form",                                                                        \
      "is in none of the forms that are read: NDJSON, CSV under a header, EPCIS 2.0, Suivi v2")    \
    X(SYNTAX, "syntax", "is not well-formed")                                                      \
    X(NOT_UTF8, "not_utf8", "is not UTF-8")                                                        \
    X(TOO_LONG, "too_long", "is longer than a line or document may be")                            \
    X(NO_PARCEL, "no_parcel", "has no parcel number")                                              \
    X(PARCEL_FORM, "parcel_form", "has a parcel number of no format that the contract lists")      \
    X(PARCEL_CHECK, "parcel_check_digit", "has a parcel number with a wrong check digit")          \
    X(NO_TIME, "no_time", "has no time, or one without a zone")                                    \
    X(BAD_TIME, "bad_time", "has a time that cannot be read; 2026-11-20T15:03:00+01:00 can")       \
    X(NO_CODE, "no_code", "has no event code")                                                     \
    X(BAD_FIELD, "bad_field", "has a field of the wrong type or form")                             \
    X(NO_EVENTS, "no_events", "has no event about a single parcel")                                \
    X(NO_SOURCE, "no_source", "has no source, and the contract lists sources")                     \
    X(SOURCE, "unknown_source", "names a source that the contract does not list")                  \
    X(FUTURE, "in_the_future", "is dated further in the future than the contract allows")          \
    X(TOO_EARLY, "too_early", "is dated too long before the parcel's first event")                 \
    X(EXPIRED, "expired", "is older than the contract keeps")                                      \
    X(TOO_MANY, "too_many_events", "is one event more than a parcel's record can hold")

enum feed_reason {
    FEED_OK,
#define X(constant, ...) FEED_##constant,
    FEED_REASONS(X)
#undef X
        FEED_REASON_COUNT
};

const char *feed_reason_name(enum feed_reason reason);
const char *feed_reason_text(enum feed_reason reason);
const char *feed_format_name(enum feed_format format);

/* Where events go. `event` returns the reason for which the event is refused, or FEED_OK. `place`
 * is the line (NDJSON, CSV) or the number of the event in its input, from 1. A reason other than
 * FEED_OK is passed on to `reject` by the feed (field ""), so that a sink counts refusals in one
 * place. Whether a source is listed, and how far from now a date may be, is the sink's to say. */
struct feed_sink {
    void *context;
    enum feed_reason (*event)(void *context, const struct event *event, uint64_t place);
    void (*reject)(void *context, uint64_t place, enum feed_reason reason, const char *field);
};

struct feed; /* one input being read */

struct feed *feed_new(enum feed_format format, const struct tracking_rules *rules,
                      struct feed_sink sink);
void feed_free(struct feed *feed); /* takes NULL */

/* Bytes as they arrive, in pieces of any size; feed_end() after the last. The format is recognised
 * from the first bytes when FEED_AUTO. */
void feed_bytes(struct feed *feed, const char *bytes, size_t length);
void feed_end(struct feed *feed);

enum feed_format feed_recognised(const struct feed *feed); /* FEED_AUTO while not known */
uint64_t feed_events(const struct feed *feed);             /* handed to the sink */
uint64_t feed_dropped(const struct feed *feed);            /* personal fields left out */

#endif
