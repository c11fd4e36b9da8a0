#include "tracking/record.h"

#include "base/must.h"

#include <endian.h>

enum { HEAD = 17, CHECKSUM = 8, OFFSET_FOLLOWS = 0x10, FACTS_FOLLOW = 0x20, STEP_BITS = 0x0f };
enum { SILENT, AS_BEFORE, SAID };
enum { FACT_PRODUCT, FACT_PICKUP, FACT_SOURCE, FACT_DAY, FACT_COUNT };

static const enum word_class fact_class[] = {WORD_PRODUCT, WORD_PICKUP, WORD_SOURCE};

static int64_t event_fact(const struct record_event *e, int fact)
{
    switch (fact) {
    case FACT_PRODUCT:
        return e->product;
    case FACT_PICKUP:
        return e->pickup;
    case FACT_SOURCE:
        return e->source;
    default:
        return e->delivery_day;
    }
}

static void event_set_fact(struct record_event *e, int fact, int64_t value)
{
    if (fact == FACT_PRODUCT)
        e->product = (uint32_t)value;
    else if (fact == FACT_PICKUP)
        e->pickup = (uint32_t)value;
    else if (fact == FACT_SOURCE)
        e->source = (uint32_t)value;
    else
        e->delivery_day = (int32_t)value;
}

/* ---- reading -------------------------------------------------------------------------------- */

struct reader {
    const uint8_t *bytes;
    size_t length, at;
    bool bad;
};

static uint8_t read_byte(struct reader *r)
{
    if (r->at >= r->length) {
        r->bad = true;
        return 0;
    }
    return r->bytes[r->at++];
}

static uint32_t read_number(struct reader *r)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        uint8_t byte = read_byte(r);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            if (value > UINT32_MAX)
                r->bad = true;
            return (uint32_t)value;
        }
    }
    r->bad = true;
    return 0;
}

static uint32_t read_word(struct reader *r)
{
    uint32_t value = read_number(r);
    if (value != 1) {
        if (value > WORD_LOCAL)
            r->bad = true;
        return value ? value - 1 : 0;
    }
    size_t start = r->at;
    uint8_t length = read_byte(r);
    if (length == 0 || length > WORD_TEXT_MAX || length > r->length - r->at) {
        r->bad = true;
        return 0;
    }
    r->at += length;
    return WORD_INLINE + (uint32_t)start;
}

static int32_t read_day(struct reader *r, int64_t at)
{
    uint32_t zigzag = read_number(r);
    int64_t day = at / 86400 + (int64_t)(zigzag >> 1) * (zigzag & 1 ? -1 : 1) - (zigzag & 1);
    if (day == 0 || day < INT32_MIN || day > INT32_MAX) {
        r->bad = true;
        return 0;
    }
    return (int32_t)day;
}

static uint8_t facts_expected(const int64_t said[FACT_COUNT])
{
    uint8_t facts = 0;
    for (int fact = 0; fact < FACT_COUNT; fact++)
        facts = (uint8_t)(facts | (said[fact] ? AS_BEFORE : SILENT) << (2 * fact));
    return facts;
}

static void read_facts(struct reader *r, uint8_t facts, int64_t said[FACT_COUNT],
                       struct record_event *e)
{
    for (int fact = 0; fact < FACT_COUNT; fact++) {
        int how = facts >> (2 * fact) & 3;
        if (how == SILENT)
            continue;
        if (how == SAID)
            said[fact] = fact == FACT_DAY ? (int64_t)read_day(r, e->at) : (int64_t)read_word(r);
        if (how > SAID || said[fact] == 0)
            r->bad = true;
        event_set_fact(e, fact, said[fact]);
    }
}

enum record_result record_parse(const uint8_t *bytes, size_t length, struct record *out)
{
    if (length < HEAD || length > RECORD_SIZE_MAX || bytes[CHECKSUM] >= STORE_MAX_EVENTS)
        return RECORD_DAMAGED;
    uint64_t checksum;
    uint32_t changed, first;
    memcpy(&checksum, bytes, sizeof checksum);
    memcpy(&changed, bytes + CHECKSUM + 1, sizeof changed);
    memcpy(&first, bytes + CHECKSUM + 5, sizeof first);
    uint32_t count = bytes[CHECKSUM] + 1u;
    struct reader r = {bytes, length, HEAD, false};
    int64_t at = (int64_t)le32toh(first) + RECORD_EPOCH, said[FACT_COUNT] = {0};
    int16_t offset = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct record_event *e = &out->event[i];
        *e = (struct record_event){0};
        if (i)
            at += read_number(&r);
        uint8_t head = read_byte(&r);
        if (head & OFFSET_FOLLOWS) {
            unsigned low = read_byte(&r);
            offset = (int16_t)(low | (unsigned)read_byte(&r) << 8);
        }
        uint8_t facts = head & FACTS_FOLLOW ? read_byte(&r) : facts_expected(said);
        e->at = at;
        e->offset = offset;
        e->step = head & STEP_BITS;
        e->code = read_word(&r);
        e->place = read_word(&r);
        read_facts(&r, facts, said, e);
        if (r.bad || e->step >= STEP_COUNT || (head & ~(STEP_BITS | OFFSET_FOLLOWS | FACTS_FOLLOW)))
            return RECORD_DAMAGED;
    }
    if (r.at != length)
        return RECORD_DAMAGED;
    out->checksum = le64toh(checksum);
    out->changed = le32toh(changed);
    out->count = count;
    return RECORD_OK;
}

/* ---- the checksum --------------------------------------------------------------------------- */

static bool fold_word(const struct dictionary *d, enum word_class class, uint32_t number,
                      uint64_t *fold)
{
    if (number == 0 || number >= WORD_LOCAL) /* those in full are among the bytes */
        return true;
    const struct word *word = dictionary_find(d, class, number);
    if (!word)
        return false;
    *fold = (*fold ^ word->hash) * UINT64_C(0x9e3779b97f4a7c15);
    *fold ^= *fold >> 29;
    return true;
}

/* The words count, not only their numbers: a record that damage joined to another dictionary is
 * refused too. */
static bool record_fold(const struct dictionary *d, const struct record *record, uint64_t *fold)
{
    *fold = 1;
    int64_t said[FACT_DAY] = {0};
    for (uint32_t i = 0; i < record->count; i++) {
        const struct record_event *e = &record->event[i];
        if (!fold_word(d, WORD_CODE, e->code, fold) || !fold_word(d, WORD_PLACE, e->place, fold))
            return false;
        for (int fact = 0; fact < FACT_DAY; fact++) {
            int64_t value = event_fact(e, fact);
            if (value == said[fact])
                continue;
            said[fact] = value;
            if (!fold_word(d, fact_class[fact], (uint32_t)value, fold))
                return false;
        }
    }
    return true;
}

static uint64_t checksum_of(const struct parcel_number *parcel, const uint8_t *bytes, size_t length,
                            uint64_t fold)
{
    uint64_t seed = hash_checksum(fold, parcel->text, parcel->length);
    return hash_checksum(seed, bytes + CHECKSUM, length - CHECKSUM);
}

enum record_result record_decode(const struct dictionary *d, const struct parcel_number *parcel,
                                 const uint8_t *bytes, size_t length, struct record *out)
{
    enum record_result result = record_parse(bytes, length, out);
    if (result != RECORD_OK)
        return result;
    uint64_t fold;
    if (!record_fold(d, out, &fold))
        return RECORD_UNKNOWN_WORD;
    return out->checksum == checksum_of(parcel, bytes, length, fold) ? RECORD_OK : RECORD_DAMAGED;
}

/* ---- writing -------------------------------------------------------------------------------- */

static uint8_t *put_number(uint8_t *at, uint32_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

static uint8_t *put_word(const struct dictionary *d, enum word_class class, uint8_t *at,
                         uint32_t number)
{
    if (number < WORD_LOCAL)
        return put_number(at, number ? number + 1 : 0);
    must(number < WORD_INLINE);
    const struct word *word = dictionary_find(d, class, number);
    must(word != NULL);
    *at++ = 1;
    *at++ = (uint8_t)word->length;
    memcpy(at, word->data, word->length);
    return at + word->length;
}

static uint8_t *put_day(uint8_t *at, int64_t event_at, int64_t day)
{
    int64_t ahead = day - event_at / 86400;
    uint64_t zigzag = ahead < 0 ? ((uint64_t)(-(ahead + 1)) << 1 | 1) : (uint64_t)ahead << 1;
    return put_number(at, (uint32_t)zigzag);
}

static uint8_t *put_event(const struct dictionary *d, const struct record_event *e, int16_t *offset,
                          int64_t said[FACT_COUNT], uint8_t *at)
{
    uint8_t facts = 0, expected = facts_expected(said), *head = at++;
    for (int fact = 0; fact < FACT_COUNT; fact++) {
        int64_t value = event_fact(e, fact);
        int how = value == 0 ? SILENT : value == said[fact] ? AS_BEFORE : SAID;
        facts = (uint8_t)(facts | how << (2 * fact));
    }
    *head = e->step & STEP_BITS;
    if (e->offset != *offset) {
        *head |= OFFSET_FOLLOWS;
        *at++ = (uint8_t)e->offset;
        *at++ = (uint8_t)((uint16_t)e->offset >> 8);
        *offset = e->offset;
    }
    if (facts != expected) {
        *head |= FACTS_FOLLOW;
        *at++ = facts;
    }
    at = put_word(d, WORD_CODE, at, e->code);
    at = put_word(d, WORD_PLACE, at, e->place);
    for (int fact = 0; fact < FACT_COUNT; fact++) {
        if ((facts >> (2 * fact) & 3) != SAID)
            continue;
        said[fact] = event_fact(e, fact);
        at = fact == FACT_DAY ? put_day(at, e->at, said[fact])
                              : put_word(d, fact_class[fact], at, (uint32_t)said[fact]);
    }
    return at;
}

size_t record_encode(const struct dictionary *d, const struct parcel_number *parcel,
                     struct record *record, uint8_t *bytes)
{
    must(record->count > 0 && record->count <= STORE_MAX_EVENTS);
    uint32_t changed = htole32((uint32_t)record->changed);
    uint32_t first = htole32((uint32_t)(record->event[0].at - RECORD_EPOCH));
    bytes[CHECKSUM] = (uint8_t)(record->count - 1);
    memcpy(bytes + CHECKSUM + 1, &changed, sizeof changed);
    memcpy(bytes + CHECKSUM + 5, &first, sizeof first);
    uint8_t *at = bytes + HEAD;
    int64_t said[FACT_COUNT] = {0};
    int16_t offset = 0;
    for (uint32_t i = 0; i < record->count; i++) {
        const struct record_event *e = &record->event[i];
        if (i)
            at = put_number(at, (uint32_t)(e->at - e[-1].at));
        at = put_event(d, e, &offset, said, at);
    }
    size_t length = (size_t)(at - bytes);
    uint64_t fold;
    must(record_fold(d, record, &fold));
    record->checksum = checksum_of(parcel, bytes, length, fold);
    uint64_t checksum = htole64(record->checksum);
    memcpy(bytes, &checksum, sizeof checksum);
    return length;
}

/* ---- words ---------------------------------------------------------------------------------- */

struct text record_word(const struct dictionary *d, enum word_class class, const uint8_t *bytes,
                        uint32_t word)
{
    if (word == 0)
        return (struct text){"", 0};
    if (word >= WORD_INLINE) {
        const uint8_t *at = bytes + (word - WORD_INLINE);
        return (struct text){(const char *)at + 1, at[0]};
    }
    const struct word *found = dictionary_find(d, class, word);
    return found ? (struct text){found->data, found->length} : (struct text){"", 0};
}

static bool own_word(struct dictionary *d, enum word_class class, const uint8_t *bytes,
                     uint32_t *word)
{
    if (*word < WORD_INLINE)
        return true;
    int32_t number = dictionary_word(d, class, record_word(d, class, bytes, *word));
    if (number < 0)
        return false;
    *word = (uint32_t)number;
    return true;
}

bool record_own(struct dictionary *d, const uint8_t *bytes, struct record *record)
{
    for (uint32_t i = 0; i < record->count; i++) {
        struct record_event *e = &record->event[i];
        if (!own_word(d, WORD_CODE, bytes, &e->code) ||
            !own_word(d, WORD_PLACE, bytes, &e->place) ||
            !own_word(d, WORD_PRODUCT, bytes, &e->product) ||
            !own_word(d, WORD_PICKUP, bytes, &e->pickup) ||
            !own_word(d, WORD_SOURCE, bytes, &e->source))
            return false;
    }
    return true;
}

static void place_split(struct text word, struct history_event *out)
{
    memset(out->country, 0, sizeof out->country);
    out->place = (struct text){"", 0};
    if (word.length < 2)
        return;
    memcpy(out->country, word.data, 2);
    out->place = (struct text){word.data + 2, word.length - 2};
}

void record_history(const struct dictionary *d, const uint8_t *bytes, const struct record *record,
                    struct history *out)
{
    struct record_event last = {0};
    for (uint32_t i = 0; i < record->count; i++) {
        const struct record_event *e = &record->event[i];
        struct history_event *shown = &out->event[i];
        shown->at = e->at;
        shown->offset = e->offset;
        shown->step = e->step;
        shown->code = record_word(d, WORD_CODE, bytes, e->code);
        place_split(record_word(d, WORD_PLACE, bytes, e->place), shown);
        for (int fact = 0; fact < FACT_COUNT; fact++)
            if (event_fact(e, fact) != 0)
                event_set_fact(&last, fact, event_fact(e, fact));
    }
    out->changed = record->changed;
    out->checksum = record->checksum;
    out->count = record->count;
    out->delivery_day = last.delivery_day;
    out->product = record_word(d, WORD_PRODUCT, bytes, last.product);
    out->pickup = record_word(d, WORD_PICKUP, bytes, last.pickup);
    out->source = record_word(d, WORD_SOURCE, bytes, last.source);
}
