/* The first byte chooses the format, the second the size of the pieces; what remains is the feed.
 * Whatever comes in, what comes out is a checked event, and the pieces make no difference. */
#include "tracking/feed.h"

#include <stdlib.h>

struct seen {
    uint64_t digest, events, rejects;
};

static const struct tracking_rules rules = {
    .present = true,
    .format_count = 5,
    .format = {{FORMAT_S10, 0, 0},
               {FORMAT_COLISSIMO, 0, 0},
               {FORMAT_SSCC, 0, 0},
               {FORMAT_DIGITS, 8, 11},
               {FORMAT_ALNUM, 29, 30}},
};

static void check_text(const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    must(length < size);
    must(utf8_is_valid((struct text){text, length}));
    must(!text_has_controls((struct text){text, length}));
}

static enum feed_reason see_event(void *context, const struct event *event, uint64_t place)
{
    struct seen *seen = context;
    struct parcel_number again;
    must(event->parcel.length == strlen(event->parcel.text) && place > 0);
    must(parcel_parse(rules.format, rules.format_count, text_of(event->parcel.text), &again,
                      NULL) == PARCEL_VALID);
    must(memcmp(&again, &event->parcel, sizeof again) == 0);
    must(event->at >= 631152000 && event->at < 4102444800);
    must(event->offset >= -840 && event->offset <= 840 && event->step < STEP_COUNT);
    must(event->code[0] != 0);
    check_text(event->code, sizeof event->code);
    check_text(event->place, sizeof event->place);
    check_text(event->country, sizeof event->country);
    check_text(event->product, sizeof event->product);
    check_text(event->pickup, sizeof event->pickup);
    check_text(event->source, sizeof event->source);
    seen->events++;
    seen->digest = hash_checksum(seen->digest ^ place, event, sizeof *event);
    return place % 7 == 0 ? FEED_FUTURE : FEED_OK;
}

static void see_reject(void *context, uint64_t place, enum feed_reason reason, const char *field)
{
    struct seen *seen = context;
    must(reason > FEED_OK && reason < FEED_REASON_COUNT && field && place > 0);
    seen->rejects++;
    seen->digest =
        hash_checksum(seen->digest ^ place ^ (uint64_t)reason << 32, field, strlen(field));
}

static struct seen feed_all(enum feed_format format, const char *bytes, size_t length, size_t piece)
{
    struct seen seen = {0};
    struct feed *feed = feed_new(format, &rules, (struct feed_sink){&seen, see_event, see_reject});
    for (size_t at = 0; at < length; at += piece)
        feed_bytes(feed, bytes + at, length - at < piece ? length - at : piece);
    feed_end(feed);
    must(feed_events(feed) == seen.events);
    seen.digest = hash_checksum(seen.digest, &(uint64_t){feed_dropped(feed)}, sizeof(uint64_t));
    feed_free(feed);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    enum feed_format format = (enum feed_format)(data[0] % (FEED_SUIVI + 1));
    const char *bytes = (const char *)data + 2;
    struct seen whole = feed_all(format, bytes, size - 2, size);
    struct seen pieces = feed_all(format, bytes, size - 2, 1 + data[1] % 64);
    must(memcmp(&whole, &pieces, sizeof whole) == 0);
    return 0;
}
