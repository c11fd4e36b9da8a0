#include "desk/timeline.h"

#include "status/figure.h"

#include <stdio.h>
#include <stdlib.h>

void timeline_follow(struct desk *desk)
{
    char folder[CONTRACT_PATH_SIZE + 16];
    struct error error;
    if (!desk->reader) {
        snprintf(folder, sizeof folder, "%s/audit", desk->setup->state);
        if (audit_reader_open(folder, &desk->reader, &error) < 0) {
            desk->reader = NULL;
            if (!desk->parts->timeline[0] || desk->parts->timeline_size)
                for (int language = 0; language < SAY_COUNT; language++) {
                    struct writer w = writer_on(desk->page, sizeof desk->page - 1);
                    uint64_t next;
                    timeline_html(desk, &w, language, 0, 0, &next);
                    free(desk->parts->timeline[language]);
                    desk->parts->timeline[language] = strndup(desk->page, w.length);
                }
            return;
        }
    } else if (audit_reader_refresh(desk->reader, &error) < 0) {
        audit_reader_close(desk->reader); /* set aside, or begun anew: opened again in a second */
        desk->reader = NULL;
        return;
    }
    uint64_t size = audit_reader_size(desk->reader);
    if (size == desk->parts->timeline_size && desk->parts->timeline[0])
        return;
    desk->parts->timeline_size = size;
    for (int language = 0; language < SAY_COUNT; language++) {
        struct writer w = writer_on(desk->page, sizeof desk->page - 1);
        uint64_t next;
        timeline_html(desk, &w, language, 0, TIMELINE_SHOWN, &next);
        free(desk->parts->timeline[language]);
        desk->parts->timeline[language] = strndup(desk->page, w.length);
        must(desk->parts->timeline[language] != NULL);
    }
}

/* The entry, as it stands in the log. False when it cannot be read or is no entry of ours. */
static bool entry_at(struct desk *desk, uint64_t index, struct entry *out, struct text *text)
{
    return audit_reader_entry(desk->reader, index, text) == 0 && entry_parse(*text, out) == 0;
}

static uint64_t first_before(const struct desk *desk, uint64_t before)
{
    uint64_t size = desk->reader ? audit_reader_size(desk->reader) : 0;
    return before && before < size ? before : size;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *entry_json(uint64_t index, struct text text)
{
    json_t *object = json_loadb(text.data, text.length, 0, NULL);
    if (json_is_object(object))
        json_object_set_new(object, "index", json_integer((json_int_t)index));
    return object;
}

json_t *timeline_json(struct desk *desk, const struct timeline_query *query)
{
    json_t *entries = json_array();
    if (desk->reader)
        audit_reader_refresh(desk->reader, NULL); /* who has just done something sees it */
    uint64_t at = first_before(desk, query->before), scanned = 0;
    struct entry entry;
    struct text text;
    while (at > 0 && json_array_size(entries) < query->most && scanned++ < TIMELINE_SCANNED) {
        if (!entry_at(desk, --at, &entry, &text))
            continue;
        if ((query->kind >= 0 && (int)entry.kind != query->kind) ||
            (*query->hold && strcmp(query->hold, entry.act.hold) != 0))
            continue;
        json_t *object = entry_json(at, text);
        if (object)
            json_array_append_new(entries, object);
    }
    return json_pack("{s:I,s:o,s:o}", "size", (json_int_t)first_before(desk, 0), "entries", entries,
                     "next", at > 0 ? json_integer((json_int_t)at) : json_null());
}

json_t *timeline_entry_json(struct desk *desk, uint64_t index)
{
    struct entry entry;
    struct text text;
    return desk->reader && entry_at(desk, index, &entry, &text) ? entry_json(index, text) : NULL;
}

/* ---- HTML ------------------------------------------------------------------------------------ */

static void write_entry(struct writer *w, int language, uint64_t index, const struct entry *entry)
{
    char number[24];
    snprintf(number, sizeof number, "%llu", (unsigned long long)index);
    WRITE_LITERAL(w, "<li class=\"act-");
    write_string(w, act_kind_name(entry->kind));
    WRITE_LITERAL(w, "\"><a href=\"/timeline/");
    write_string(w, number);
    WRITE_LITERAL(w, "\">");
    html_time(w, entry->at, clock_wall());
    WRITE_LITERAL(w, "</a> <b>");
    html_text(w, act_word(language, entry->kind));
    WRITE_LITERAL(w, "</b>");
    bool of_desk = entry->kind == ACT_SIGN_IN || entry->kind == ACT_SIGN_IN_FAILED;
    if (*entry->act.object && !of_desk) {
        WRITE_LITERAL(w, " <span>");
        html_text(w, entry->act.object);
        WRITE_LITERAL(w, "</span>");
    }
    if (*entry->act.reason) {
        write_string(w, language == SAY_EN ? " <span class=\"soft\">"
                                           : " <span class=\"soft\" lang=\"en\">");
        html_text(w, entry->act.reason);
        WRITE_LITERAL(w, "</span>");
    }
    WRITE_LITERAL(w, "</li>");
}

void timeline_html(struct desk *desk, struct writer *w, int language, uint64_t before, size_t most,
                   uint64_t *next)
{
    uint64_t at = first_before(desk, before);
    struct entry entry;
    struct text text;
    *next = 0;
    if (at == 0) {
        WRITE_LITERAL(w, "<p class=\"soft\">");
        html_word(w, language, WORD_NO_ENTRIES);
        WRITE_LITERAL(w, "</p>");
        return;
    }
    WRITE_LITERAL(w, "<ol class=\"timeline\">");
    for (size_t shown = 0; at > 0 && shown < most; shown++)
        if (entry_at(desk, --at, &entry, &text))
            write_entry(w, language, at, &entry);
    WRITE_LITERAL(w, "</ol>");
    *next = at;
}

static void write_fact(struct writer *w, const char *name, const char *value)
{
    if (!*value)
        return;
    WRITE_LITERAL(w, "<dt>");
    html_text(w, name);
    WRITE_LITERAL(w, "</dt><dd>");
    html_text(w, value);
    WRITE_LITERAL(w, "</dd>");
}

bool timeline_entry_html(struct desk *desk, struct writer *w, int language, uint64_t index)
{
    struct entry entry;
    struct text text;
    char number[24];
    if (!desk->reader || !entry_at(desk, index, &entry, &text))
        return false;
    snprintf(number, sizeof number, "%llu", (unsigned long long)index);
    WRITE_LITERAL(w, "<p class=\"big\">");
    html_text(w, act_word(language, entry.kind));
    WRITE_LITERAL(w, "</p><p>");
    html_time(w, entry.at, clock_wall());
    WRITE_LITERAL(w, "</p><dl>");
    write_fact(w, "kind", act_kind_name(entry.kind));
    write_fact(w, "actor", entry.act.actor);
    write_fact(w, "subject", entry.act.subject);
    write_fact(w, "object", entry.act.object);
    write_fact(w, "hold", entry.act.hold);
    write_fact(w, "reason", entry.act.reason);
    for (unsigned i = 0; i < ACT_NUMBERS && *entry.act.number[i].name; i++) {
        char value[24];
        snprintf(value, sizeof value, "%lld", (long long)entry.act.number[i].value);
        write_fact(w, entry.act.number[i].name, value);
    }
    WRITE_LITERAL(w, "</dl><p>");
    html_word(w, language, WORD_PROVE);
    WRITE_LITERAL(w, " <code>ecluse audit prove ");
    write_string(w, number);
    WRITE_LITERAL(w, "</code></p>");
    return true;
}
