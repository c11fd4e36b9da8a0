/* record.h: what is kept about one parcel, as bytes and as a struct.
 *
 *   8  checksum over the number, the bytes that follow, and the words of the dictionary that they
 *   mean 1  how many events, less one; values from STORE_MAX_EVENTS on are for later layouts
 *   4  changed, seconds since 1970
 *   4  time of the first event, seconds since RECORD_EPOCH
 *   then the events, oldest first:
 *      seconds since the event before (not of the first)
 *      step (4 bits), OFFSET_FOLLOWS, FACTS_FOLLOW
 *      offset, 2 bytes: only where it differs from the event before
 *      facts, 1 byte: for product, pickup, source and day 2 bits each: silent, as said before, said
 *      here. Only where it is not "as said before" for what was said and silent for the rest
 *      code, place, then the facts said here
 *
 * Numbers are LEB128; a word is its number plus 1, or 1 and then its text, where the dictionary was
 * full. What an event was silent about is kept silent, so that events that arrive in any order give
 * the same record.
 */
#ifndef ECLUSE_RECORD_H
#define ECLUSE_RECORD_H

#include "tracking/dictionary.h"
#include "tracking/store.h"

enum {
    RECORD_EPOCH = 631152000,        /* 1990-01-01, the earliest time that a feed may state */
    RECORD_EVENT_MAX = 5 + 1 + 2 + 1 + 5 * (2 + WORD_TEXT_MAX) + 5,
    RECORD_SIZE_MAX = 17 + STORE_MAX_EVENTS * RECORD_EVENT_MAX,
    WORD_INLINE = 1 << 29,           /* and the offset of its length byte in the record */
    WORD_INLINE_END = WORD_INLINE + RECORD_SIZE_MAX,
};

struct record_event {
    int64_t at;
    int32_t delivery_day; /* 0: silent */
    int16_t offset;
    uint8_t step;
    uint32_t code, place;
    uint32_t product, pickup, source; /* 0: silent */
};

struct record {
    int64_t changed;
    uint64_t checksum;
    uint32_t count;
    struct record_event event[STORE_MAX_EVENTS];
};

enum record_result {
    RECORD_OK,
    RECORD_DAMAGED,
    RECORD_UNKNOWN_WORD, /* newer than the dictionary in memory, or damaged */
};

/* Structure alone. Never reads past the bytes, never writes past STORE_MAX_EVENTS. */
enum record_result record_parse(const uint8_t *bytes, size_t length, struct record *out);

/* record_parse(), then the checksum. */
enum record_result record_decode(const struct dictionary *d, const struct parcel_number *parcel,
                                 const uint8_t *bytes, size_t length, struct record *out);

/* Writes at most RECORD_SIZE_MAX bytes and sets record->checksum. No word of it may be inline. */
size_t record_encode(const struct dictionary *d, const struct parcel_number *parcel,
                     struct record *record, uint8_t *bytes);

/* The text of a word of a record that was decoded from these bytes. */
struct text record_word(const struct dictionary *d, enum word_class class, const uint8_t *bytes,
                        uint32_t word);

/* Turns inline words into the dictionary's: before a record is changed. False: no memory. */
bool record_own(struct dictionary *d, const uint8_t *bytes, struct record *record);

/* What follows for the answer: the last event that says it decides. */
void record_history(const struct dictionary *d, const uint8_t *bytes, const struct record *record,
                    struct history *out);

#endif
