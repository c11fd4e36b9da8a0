/* Pages, assets, and what is only read. */
#include "desk/answer.h"

#include "desk/assets.h"
#include "desk/page.h"
#include "desk/stream.h"
#include "desk/timeline.h"

#include "status/figure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum MHD_Result answer_PAGE(struct exchange *x)
{
    return page_main(x);
}

enum MHD_Result answer_SIGN_IN_PAGE(struct exchange *x)
{
    return x->session ? reply_see(x, "/") : page_sign_in(x, MHD_HTTP_OK, NULL);
}

enum MHD_Result answer_PASSWORD_PAGE(struct exchange *x)
{
    return page_password(x, MHD_HTTP_OK, NULL);
}

static const char no_such_hold[] = "no hold of this name is in force: it may have ended by itself";

enum MHD_Result answer_HOLD_PAGE(struct exchange *x)
{
    struct hold hold;
    if (!snapshot_hold(x->desk->snapshot, x->argument, &hold))
        return reply_error(x, MHD_HTTP_NOT_FOUND, "no_hold", no_such_hold);
    return page_hold(x, MHD_HTTP_OK, &hold, NULL);
}

enum MHD_Result answer_PANIC_PAGE(struct exchange *x)
{
    return page_panic(x, MHD_HTTP_OK, NULL);
}

static bool number_of(struct text text, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (c < '0' || c > '9' || value > UINT64_MAX / 10 - 10)
            return false;
        value = value * 10 + (uint64_t)(c - '0');
    }
    if (text.length)
        *out = value;
    return text.length > 0;
}

enum MHD_Result answer_TIMELINE_PAGE(struct exchange *x)
{
    uint64_t before = 0;
    number_of(exchange_query(x, "before"), &before);
    return page_timeline(x, before);
}

enum MHD_Result answer_ENTRY_PAGE(struct exchange *x)
{
    uint64_t index = 0;
    return number_of(x->argument, &index) ? page_entry(x, index) : page_entry(x, UINT64_MAX);
}

enum MHD_Result answer_EVENTS(struct exchange *x)
{
    uint64_t seen = 0, last = 0;
    number_of(exchange_query(x, "seen"), &seen);
    if (number_of(exchange_header(x, "Last-Event-ID"), &last))
        seen = last;
    enum channel channel = text_is(exchange_query(x, "lang"), "fr") ? CHANNEL_FR : CHANNEL_EN;
    return stream_begin(x, channel, seen);
}

enum MHD_Result answer_API_EVENTS(struct exchange *x)
{
    return stream_begin(x, CHANNEL_JSON, 0);
}

enum MHD_Result answer_STYLE(struct exchange *x)
{
    return reply(x, MHD_HTTP_OK, "text/css; charset=utf-8", TEXT(DESK_CSS));
}

enum MHD_Result answer_SCRIPT(struct exchange *x)
{
    return reply(x, MHD_HTTP_OK, "text/javascript; charset=utf-8", TEXT(DESK_JS));
}

enum MHD_Result answer_ICON(struct exchange *x)
{
    return reply(x, MHD_HTTP_OK, "image/svg+xml", TEXT(ICON_SVG));
}

enum MHD_Result answer_API_DOCUMENT(struct exchange *x)
{
    return reply(x, MHD_HTTP_OK, "application/yaml",
                 (struct text){desk_openapi, desk_openapi_length});
}

/* ---- The interface, what is read ------------------------------------------------------------- */

enum MHD_Result answer_API_ME(struct exchange *x)
{
    const struct session *s = x->session;
    nanos_t idle = SESSION_IDLE - (x->now - s->seen),
            longest = SESSION_LONGEST - (x->now - s->begun);
    return reply_json(x, MHD_HTTP_OK,
                      json_pack("{s:s,s:s,s:s,s:b,s:I,s:I}", "name", s->name, "role",
                                role_name(s->role), "csrf", s->csrf, "must_change",
                                (int)s->must_change, "idle_s", (json_int_t)(idle / NANOS_SECOND),
                                "longest_s", (json_int_t)(longest / NANOS_SECOND)));
}

enum MHD_Result answer_API_STATUS(struct exchange *x)
{
    return reply_json(x, MHD_HTTP_OK, status_json(&x->desk->snapshot->status));
}

/* One part of the status, as its event has it. */
static enum MHD_Result reply_part(struct exchange *x, const char *id)
{
    const struct part *part = parts_find(x->desk->parts, CHANNEL_JSON, id);
    must(part != NULL);
    return reply_json(
        x, MHD_HTTP_OK,
        json_pack("{s:o}", id, json_loadb(part->text, part->length, JSON_DECODE_ANY, NULL)));
}

enum MHD_Result answer_API_PROMISES(struct exchange *x)
{
    return reply_part(x, "promises");
}

enum MHD_Result answer_API_BUDGETS(struct exchange *x)
{
    return reply_part(x, "budgets");
}

enum MHD_Result answer_API_GUARDS(struct exchange *x)
{
    return reply_part(x, "guards");
}

enum MHD_Result answer_API_HOLDS(struct exchange *x)
{
    return reply_part(x, "holds");
}

enum MHD_Result answer_API_HOLD(struct exchange *x)
{
    struct hold hold;
    if (!snapshot_hold(x->desk->snapshot, x->argument, &hold))
        return reply_error(x, MHD_HTTP_NOT_FOUND, "no_hold", no_such_hold);
    return reply_json(x, MHD_HTTP_OK, snapshot_hold_json(x->desk->snapshot, &hold));
}

enum MHD_Result answer_API_TIMELINE(struct exchange *x)
{
    char hold[HOLD_NAME_SIZE] = "";
    uint64_t most = TIMELINE_PAGE;
    struct timeline_query query = {.kind = -1, .hold = hold};
    struct text kind_name = exchange_query(x, "kind"), hold_given = exchange_query(x, "hold");
    enum act_kind kind;
    number_of(exchange_query(x, "before"), &query.before);
    number_of(exchange_query(x, "count"), &most);
    if (kind_name.length && !act_kind_named(kind_name, &kind))
        return reply_error(x, MHD_HTTP_BAD_REQUEST, "kind",
                           "there is no such kind of entry: docs/audit.md lists them");
    if (hold_given.length >= sizeof hold)
        return reply_error(x, MHD_HTTP_BAD_REQUEST, "hold", "that is not a hold's name");
    if (kind_name.length)
        query.kind = (int)kind;
    memcpy(hold, hold_given.data, hold_given.length);
    query.most = most < TIMELINE_MOST ? (size_t)most : TIMELINE_MOST;
    return reply_json(x, MHD_HTTP_OK, timeline_json(x->desk, &query));
}

enum MHD_Result answer_API_ENTRY(struct exchange *x)
{
    uint64_t index;
    json_t *entry = number_of(x->argument, &index) ? timeline_entry_json(x->desk, index) : NULL;
    if (!entry)
        return reply_error(x, MHD_HTTP_NOT_FOUND, "no_entry", "the log has no such entry yet");
    return reply_json(x, MHD_HTTP_OK, entry);
}
