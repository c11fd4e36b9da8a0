#include "tracking/feed_internal.h"

#include <stdlib.h>

/* ---- Names ----------------------------------------------------------------------------------- */

const char *feed_reason_name(enum feed_reason reason)
{
#define X(constant, name, text) [FEED_##constant] = name,
    static const char *const names[FEED_REASON_COUNT] = {[FEED_OK] = "ok", FEED_REASONS(X)};
#undef X
    return (unsigned)reason < FEED_REASON_COUNT ? names[reason] : "";
}

const char *feed_reason_text(enum feed_reason reason)
{
#define X(constant, name, text) [FEED_##constant] = text,
    static const char *const texts[FEED_REASON_COUNT] = {[FEED_OK] = "is taken", FEED_REASONS(X)};
#undef X
    return (unsigned)reason < FEED_REASON_COUNT ? texts[reason] : "";
}

const char *feed_format_name(enum feed_format format)
{
    static const char *const names[] = {[FEED_AUTO] = "auto",
                                        [FEED_NDJSON] = "ndjson",
                                        [FEED_CSV] = "csv",
                                        [FEED_EPCIS] = "epcis",
                                        [FEED_SUIVI] = "suivi"};
    return (unsigned)format <= FEED_SUIVI ? names[format] : "";
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void *must_allocate(void *old, size_t size)
{
    void *data = realloc(old, size);
    must(data != NULL);
    return data;
}

struct feed *feed_new(enum feed_format format, const struct tracking_rules *rules,
                      struct feed_sink sink)
{
    struct feed *feed = must_allocate(NULL, sizeof *feed);
    *feed = (struct feed){.asked = format, .rules = rules, .sink = sink};
    feed->scratch = must_allocate(NULL, FEED_LINE_MAX);
    return feed;
}

void feed_free(struct feed *feed)
{
    if (!feed)
        return;
    free(feed->head.data);
    free(feed->line.data);
    free(feed->document.envelope.data);
    free(feed->document.unit.data);
    free(feed->scratch);
    free(feed);
}

enum feed_format feed_recognised(const struct feed *feed)
{
    return feed->format;
}

uint64_t feed_events(const struct feed *feed)
{
    return feed->events;
}

uint64_t feed_dropped(const struct feed *feed)
{
    return feed->dropped;
}

void feed_refuse(struct feed *feed, uint64_t place, enum feed_reason reason, const char *field)
{
    feed->sink.reject(feed->sink.context, place, reason, field);
}

void feed_give(struct feed *feed, const struct event *event, uint64_t place)
{
    feed->events++;
    enum feed_reason reason = feed->sink.event(feed->sink.context, event, place);
    if (reason)
        feed_refuse(feed, place, reason, "");
}

/* Callers keep to the room's stated limits, so this memory is bounded; without it the process
 * cannot go on. */
void buffer_add(struct buffer *buffer, const char *data, size_t length)
{
    if (length > buffer->size - buffer->length) {
        size_t size = buffer->size ? buffer->size : 1024;
        while (size < buffer->length + length)
            size *= 2;
        buffer->data = must_allocate(buffer->data, size);
        buffer->size = size;
    }
    memcpy(buffer->data + buffer->length, data, length);
    buffer->length += length;
}

/* ---- Lines ----------------------------------------------------------------------------------- */

static void take_line(struct feed *feed, struct text line)
{
    feed->place++;
    if (line.length > FEED_LINE_MAX) {
        feed_refuse(feed, feed->place, FEED_TOO_LONG, "");
        return;
    }
    if (line.length && line.data[line.length - 1] == '\r')
        line.length--;
    size_t space = 0;
    while (space < line.length && (line.data[space] == ' ' || line.data[space] == '\t'))
        space++;
    if (space == line.length)
        return;
    if (feed->format == FEED_CSV)
        feed_csv_line(feed, line);
    else
        feed_ndjson_line(feed, line);
}

/* A piece of a line whose end has not come yet. */
static void keep_piece(struct feed *feed, const char *bytes, size_t length)
{
    if (feed->skipping_line)
        return;
    if (feed->line.length + length <= FEED_LINE_MAX) {
        buffer_add(&feed->line, bytes, length);
        return;
    }
    feed_refuse(feed, feed->place + 1, FEED_TOO_LONG, "");
    feed->skipping_line = true;
    feed->line.length = 0;
}

static void end_kept_line(struct feed *feed)
{
    struct text line = {feed->line.data, feed->line.length};
    feed->line.length = 0;
    if (feed->skipping_line)
        feed->place++;
    else
        take_line(feed, line);
    feed->skipping_line = false;
}

static void take_lines(struct feed *feed, const char *bytes, size_t length)
{
    while (length) {
        const char *newline = memchr(bytes, '\n', length);
        size_t piece = newline ? (size_t)(newline - bytes) : length;
        if (newline && !feed->line.length && !feed->skipping_line) {
            take_line(feed, (struct text){bytes, piece});
        } else {
            keep_piece(feed, bytes, piece);
            if (newline)
                end_kept_line(feed);
        }
        piece += newline != NULL;
        bytes += piece;
        length -= piece;
    }
}

/* ---- Pieces ---------------------------------------------------------------------------------- */

static void route(struct feed *feed, const char *bytes, size_t length)
{
    if (feed->format == FEED_NDJSON || feed->format == FEED_CSV)
        take_lines(feed, bytes, length);
    else
        feed_document_bytes(feed, bytes, length);
}

static size_t byte_order_mark(const struct buffer *head)
{
    return head->length >= 3 && memcmp(head->data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

/* What was kept back so far goes its way once the format is known. The decision hangs on the bytes
 * alone, not on the pieces that they came in: it is sought again only when the head has doubled, or
 * it would cost the square of its length. */
static void look_at_head(struct feed *feed, bool complete)
{
    struct buffer *head = &feed->head;
    if (!complete && (head->length < 3 || head->length < feed->next_look))
        return;
    feed->next_look = head->length * 2;
    size_t mark = byte_order_mark(head);
    feed->format = feed->asked != FEED_AUTO
                       ? feed->asked
                       : feed_recognise(head->data + mark, head->length - mark, complete);
    if (feed->format == FEED_AUTO)
        return;
    feed->started = true;
    route(feed, head->data + mark, head->length - mark);
    free(head->data);
    *head = (struct buffer){0};
}

void feed_bytes(struct feed *feed, const char *bytes, size_t length)
{
    while (length && !feed->started) {
        size_t room = FEED_HEAD_MAX - feed->head.length;
        size_t piece = length < room ? length : room;
        buffer_add(&feed->head, bytes, piece);
        bytes += piece;
        length -= piece;
        look_at_head(feed, feed->head.length == FEED_HEAD_MAX);
    }
    if (length)
        route(feed, bytes, length);
}

void feed_end(struct feed *feed)
{
    if (!feed->started && feed->head.length)
        look_at_head(feed, true);
    if (!feed->started)
        return;
    if (feed->format == FEED_EPCIS || feed->format == FEED_SUIVI)
        feed_document_end(feed);
    else if (feed->line.length || feed->skipping_line)
        end_kept_line(feed);
}
