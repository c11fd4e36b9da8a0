/* Cuts JSON documents out of pieces. Only brackets, strings and commas are looked at; whether what
 * was cut is JSON is jansson's to say. Each object of an `eventList` (and of an array at the top)
 * is cut out by itself and replaced by 0 in its document, so that a document of 256 MiB needs the
 * memory of one event, not ten times its own size.
 *
 * After a mistake nothing can be known of the rest of the document: reading goes on at the next
 * line that begins with a bracket in its first column, where indented documents and documents of
 * one line both begin. */
#include "tracking/feed_internal.h"

static void begin_document(struct document *d)
{
    d->state = IN_DOCUMENT;
    d->length = d->units = 0;
    d->depth = d->list_depth = d->unit_depth = 0;
    d->in_string = d->escaped = d->unit_too_long = d->named_list = false;
    d->last = 0;
    d->envelope.length = d->unit.length = 0;
}

static void refuse_document(struct feed *feed, enum feed_reason reason)
{
    feed->document.state = TO_NEXT_LINE;
    feed_refuse(feed, ++feed->place, reason, "");
}

static bool in_array(const struct document *d)
{
    return d->depth && (d->is_array[(d->depth - 1) / 64] >> (d->depth - 1) % 64 & 1);
}

static void give_unit(struct feed *feed, const struct buffer *unit, uint64_t cut)
{
    struct text text = {unit->data, unit->length};
    if (feed->format == FEED_EPCIS)
        feed_epcis_unit(feed, text, cut);
    else
        feed_suivi_unit(feed, text, cut);
}

static bool collect(struct document *d, char c)
{
    if (d->unit_depth) {
        if (d->unit.length < FEED_UNIT_MAX)
            buffer_add(&d->unit, &c, 1);
        else
            d->unit_too_long = true;
        return true;
    }
    if (d->envelope.length == FEED_UNIT_MAX)
        return false;
    buffer_add(&d->envelope, &c, 1);
    return true;
}

static bool string_byte(struct document *d, char c)
{
    static const char list[] = "\"eventList";
    if ((unsigned char)c < 0x20)
        return false;
    if (d->escaped) {
        d->escaped = false;
    } else if (c == '\\') {
        d->escaped = true;
    } else if (c == '"') {
        d->in_string = false;
        size_t length = d->envelope.length - d->string_start;
        d->named_list = !d->unit_depth && length == sizeof list - 1 &&
                        memcmp(d->envelope.data + d->string_start, list, length) == 0;
    }
    return collect(d, c);
}

static bool open_bracket(struct feed *feed, char c)
{
    struct document *d = &feed->document;
    if (d->depth == FEED_DEPTH_MAX || (d->depth && !strchr(":,[", d->last)))
        return false;
    if (c == '{' && !d->unit_depth && d->list_depth && d->depth == d->list_depth) {
        if (!collect(d, '0'))
            return false;
        d->unit_depth = d->depth + 1;
        d->unit.length = 0;
    }
    uint64_t bit = UINT64_C(1) << d->depth % 64;
    uint64_t *bits = &d->is_array[d->depth / 64];
    *bits = c == '[' ? *bits | bit : *bits & ~bit;
    d->depth++;
    if (c == '[' && !d->unit_depth && !d->list_depth &&
        (d->depth == 1 || (d->named_list && feed->format == FEED_EPCIS)))
        d->list_depth = d->depth;
    return collect(d, c);
}

static void end_unit(struct feed *feed)
{
    struct document *d = &feed->document;
    d->unit_depth = 0;
    d->units++;
    feed->place++;
    if (d->unit_too_long)
        feed_refuse(feed, feed->place, FEED_TOO_LONG, "");
    else
        give_unit(feed, &d->unit, 0);
    d->unit_too_long = false;
}

static void end_document(struct feed *feed)
{
    struct document *d = &feed->document;
    d->state = BETWEEN_DOCUMENTS;
    feed->place += !d->units;
    give_unit(feed, &d->envelope, d->units);
}

static bool close_bracket(struct feed *feed, char c)
{
    struct document *d = &feed->document;
    if (in_array(d) != (c == ']') || !collect(d, c))
        return false;
    d->depth--;
    if (d->unit_depth && d->depth == d->unit_depth - 1)
        end_unit(feed);
    else if (d->depth < d->list_depth)
        d->list_depth = 0;
    if (d->depth == 0)
        end_document(feed);
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* False: a mistake that ends the document. */
static bool document_byte(struct feed *feed, char c)
{
    struct document *d = &feed->document;
    bool good;
    if (d->in_string)
        return string_byte(d, c);
    if (is_space(c))
        return d->list_depth && !d->unit_depth ? true : collect(d, c);
    if (c == '"') {
        d->in_string = true;
        d->string_start = d->envelope.length;
        good = collect(d, c);
    } else if (c == '{' || c == '[') {
        good = open_bracket(feed, c);
    } else if (c == '}' || c == ']') {
        good = close_bracket(feed, c);
    } else {
        if (c != ':')
            d->named_list = false;
        good = collect(d, c);
    }
    d->last = c;
    return good;
}

static void take_byte(struct feed *feed, char c)
{
    struct document *d = &feed->document;
    bool opens = c == '{' || c == '[';
    if (d->state == IN_DOCUMENT) {
        if (++d->length > FEED_DOCUMENT_MAX)
            refuse_document(feed, FEED_TOO_LONG);
        else if (!document_byte(feed, c))
            refuse_document(feed,
                            d->envelope.length == FEED_UNIT_MAX ? FEED_TOO_LONG : FEED_SYNTAX);
    } else if (d->state == BETWEEN_DOCUMENTS && !opens && !is_space(c)) {
        refuse_document(feed, FEED_SYNTAX);
    }
    if (opens && (d->state == BETWEEN_DOCUMENTS || (d->state == TO_NEXT_LINE && d->first_column))) {
        begin_document(d);
        document_byte(feed, c);
    }
    d->first_column = c == '\n';
}

void feed_document_bytes(struct feed *feed, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        take_byte(feed, bytes[i]);
}

void feed_document_end(struct feed *feed)
{
    if (feed->document.state == IN_DOCUMENT)
        refuse_document(feed, FEED_SYNTAX);
}
