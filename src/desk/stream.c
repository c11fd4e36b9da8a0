#include "desk/stream.h"

#include <stdio.h>
#include <stdlib.h>

#define STREAM_ALIVE_EVERY (15 * NANOS_SECOND) /* shorter than any proxy's patience */

struct stream {
    struct stream *next;
    struct desk *desk;
    struct MHD_Connection *connection;
    enum channel channel;
    uint64_t seen, generation;
    const struct session *session;
    nanos_t session_begun,
        sent; /* a session's place may be another's by now: then `begun` differs */
    char *pending;
    size_t length, at;
    bool suspended, ended;
};

static ssize_t stream_read(void *context, uint64_t position, char *out, size_t most)
{
    (void)position;
    struct stream *s = context;
    if (s->at == s->length) {
        if (s->ended)
            return MHD_CONTENT_READER_END_OF_STREAM;
        s->suspended = true;
        MHD_suspend_connection(s->connection);
        return 0;
    }
    size_t length = s->length - s->at < most ? s->length - s->at : most;
    memcpy(out, s->pending + s->at, length);
    s->at += length;
    return (ssize_t)length;
}

static void stream_free(void *context)
{
    struct stream *s = context;
    for (struct stream **at = &s->desk->streams; *at; at = &(*at)->next) {
        if (*at == s) {
            *at = s->next;
            break;
        }
    }
    s->desk->stream_count--;
    free(s->pending);
    free(s);
}

/* ---- What is sent ---------------------------------------------------------------------------- */

static void append(struct stream *s, const char *data, size_t length)
{
    char *bigger = realloc(s->pending, s->length + length);
    must(bigger != NULL);
    memcpy(bigger + s->length, data, length);
    s->pending = bigger;
    s->length += length;
}

static void append_string(struct stream *s, const char *text)
{
    append(s, text, strlen(text));
}

/* A page's part: {"id": ..., "html": ...}; the interface's: the value itself. Neither has a line
 * end in it. */
static void append_part(struct stream *s, const struct part *part)
{
    char line[96];
    snprintf(line, sizeof line, "id: %llu\nevent: %s\ndata: ", (unsigned long long)part->version,
             s->channel == CHANNEL_JSON ? part->id : "part");
    append_string(s, line);
    if (s->channel == CHANNEL_JSON) {
        append(s, part->text, part->length);
    } else {
        json_t *object = json_pack("{s:s,s:s%}", "id", part->id, "html", part->text, part->length);
        char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
        json_decref(object);
        must(text != NULL);
        append_string(s, text);
        free(text);
    }
    append_string(s, "\n\n");
}

static void drop_sent(struct stream *s)
{
    if (s->at == s->length) {
        free(s->pending);
        s->pending = NULL;
        s->at = s->length = 0;
    }
}

static void stream_fill(struct stream *s, nanos_t now)
{
    const struct parts *parts = s->desk->parts;
    drop_sent(s);
    if (s->length)
        return; /* it is still reading: what is the case then is sent then */
    if (s->generation != parts->generation && s->channel != CHANNEL_JSON) {
        append_string(s, "event: reload\ndata: {}\n\n");
        s->generation = parts->generation;
    }
    for (size_t i = 0; i < parts->count[s->channel]; i++)
        if (parts->part[s->channel][i].version > s->seen)
            append_part(s, &parts->part[s->channel][i]);
    s->seen = parts->version;
    if (!s->length && now - s->sent >= STREAM_ALIVE_EVERY)
        append_string(s, ": still here\n\n");
    if (s->length)
        s->sent = now;
}

static void wake(struct stream *s)
{
    if (!s->suspended)
        return;
    s->suspended = false;
    MHD_resume_connection(s->connection);
}

void streams_tick(struct desk *desk, nanos_t now)
{
    for (struct stream *s = desk->streams; s; s = s->next) {
        bool good = s->session->used && s->session->begun == s->session_begun &&
                    session_is_good(s->session, now);
        if (!good && !s->ended) {
            append_string(s, "event: ended\ndata: {}\n\n");
            s->ended = true;
        } else if (!s->ended) {
            stream_fill(s, now);
        }
        if (s->length > s->at || s->ended)
            wake(s);
    }
}

void streams_end(struct desk *desk)
{
    for (struct stream *s = desk->streams; s; s = s->next) {
        s->ended = true;
        wake(s);
    }
}

/* One session has so many at most. A page that was left is often not known to be gone yet, so it is
 * the oldest that goes. */
static void make_room(struct desk *desk, const struct session *session)
{
    struct stream *oldest = NULL;
    size_t own = 0;
    for (struct stream *s = desk->streams; s; s = s->next) { /* newest first */
        if (s->session == session && !s->ended) {
            oldest = s;
            own++;
        }
    }
    if (own < STREAMS_EACH)
        return;
    append_string(oldest, "event: replaced\ndata: {}\n\n");
    oldest->ended = true;
    wake(oldest);
}

enum MHD_Result stream_begin(struct exchange *x, enum channel channel, uint64_t seen)
{
    struct desk *desk = x->desk;
    make_room(desk, x->session);
    if (desk->stream_count >= STREAMS_MAX)
        return reply_later(x, MHD_HTTP_SERVICE_UNAVAILABLE, 10 * NANOS_SECOND, "streams",
                           "too many pages are open: close some, or reload this one by hand");
    struct stream *s = calloc(1, sizeof *s);
    must(s != NULL);
    *s = (struct stream){.next = desk->streams,
                         .desk = desk,
                         .connection = x->connection,
                         .channel = channel,
                         .seen = seen <= desk->parts->version ? seen : 0,
                         .generation = desk->parts->generation,
                         .session = x->session,
                         .session_begun = x->session->begun,
                         .sent = x->now};
    append_string(s, "retry: 2000\n\n");
    desk->streams = s;
    desk->stream_count++;
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 32 * 1024, stream_read, s, stream_free);
    must(response != NULL);
    MHD_add_response_header(response, "Content-Type", "text/event-stream; charset=utf-8");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Accel-Buffering",
                            "no"); /* nginx before us passes each event at once */
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_set_connection_option(x->connection, MHD_CONNECTION_OPTION_TIMEOUT, 0U);
    enum MHD_Result queued = MHD_queue_response(x->connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return queued;
}
