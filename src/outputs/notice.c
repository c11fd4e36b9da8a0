#include "outputs/notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum notice_state notice_state(const struct incident *incident)
{
    return incident->ended ? NOTICE_OVER : incident->version > 1 ? NOTICE_GREW : NOTICE_BEGAN;
}

const char *notice_state_name(enum notice_state state)
{
    static const char *const names[] = {"began", "grew", "over"};
    return names[state];
}

static void write_kinds(const struct incident *incident, struct writer *out)
{
    for (uint32_t i = 0; i < incident->kind_count; i++) {
        write_string(out, i ? ", " : "");
        write_string(out, incident->kind[i].kind);
    }
}

/* Names and sentences hold no line ends; what does would end a mail's header. */
static void write_flat(struct writer *out, const char *text)
{
    for (; *text; text++)
        write_bytes(out, (unsigned char)*text < 0x20 || *text == 0x7f ? " " : text, 1);
}

static void write_span(int64_t span, struct writer *out)
{
    int64_t minutes = span / NANOS_MINUTE;
    if (minutes < 1) {
        write_unsigned(out, (uint64_t)(span < 0 ? 0 : span / NANOS_SECOND));
        WRITE_LITERAL(out, " s");
        return;
    }
    if (minutes >= 60) {
        write_unsigned(out, (uint64_t)minutes / 60);
        WRITE_LITERAL(out, " h ");
    }
    write_unsigned(out, (uint64_t)minutes % 60);
    WRITE_LITERAL(out, " min");
}

static void write_time(int64_t wall, struct writer *out)
{
    char text[CLOCK_TEXT_SIZE];
    write_string(out, clock_text(wall, text));
}

/* "Poste d'exemple: guard_down began". */
static void write_title(const struct notice_source *source, const struct incident *incident,
                        struct writer *out)
{
    write_flat(out, source->organisation[0] ? source->organisation : source->host);
    WRITE_LITERAL(out, ": ");
    write_kinds(incident, out);
    WRITE_LITERAL(out, " ");
    write_string(out, notice_state(incident) == NOTICE_OVER
                          ? "is over"
                          : notice_state_name(notice_state(incident)));
}

static void write_body(const struct notice_source *source, const struct incident *incident,
                       struct writer *out)
{
    for (uint32_t i = 0; i < incident->kind_count; i++) {
        const struct incident_kind *kind = &incident->kind[i];
        write_string(out, kind->kind);
        WRITE_LITERAL(out, ": ");
        write_flat(out, kind->text);
        WRITE_LITERAL(out, "\n");
        const char *remedy = source->remedy ? source->remedy(kind->kind) : "";
        if (remedy[0] && !incident->ended) {
            WRITE_LITERAL(out, "  to do: ");
            write_string(out, remedy);
            WRITE_LITERAL(out, "\n");
        }
    }
    WRITE_LITERAL(out, "began ");
    write_time(incident->began, out);
    if (incident->ended) {
        WRITE_LITERAL(out, ", over since ");
        write_time(incident->ended, out);
        WRITE_LITERAL(out, " (");
        write_span(incident->ended - incident->began, out);
        WRITE_LITERAL(out, ")");
    }
    WRITE_LITERAL(out, "; host ");
    write_flat(out, source->host);
    WRITE_LITERAL(out, "; incident ");
    write_string(out, incident->id);
    WRITE_LITERAL(out, "\n");
    if (source->desk[0]) {
        WRITE_LITERAL(out, "desk: ");
        write_flat(out, source->desk);
        WRITE_LITERAL(out, "\n");
    }
}

static json_t *kinds_json(const struct notice_source *source, const struct incident *incident)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < incident->kind_count; i++) {
        const struct incident_kind *kind = &incident->kind[i];
        char since[CLOCK_TEXT_SIZE];
        json_t *text = json_string(kind->text);
        json_array_append_new(list, json_pack("{s:s,s:o,s:s,s:s,s:b}", "kind", kind->kind, "text",
                                              text ? text : json_string("?"), "to_do",
                                              source->remedy ? source->remedy(kind->kind) : "",
                                              "since", clock_text(kind->since, since), "standing",
                                              (int)kind->standing));
    }
    return list;
}

static json_t *string_of(const char *text)
{
    json_t *string = json_string(text);
    return string ? string : json_string("?");
}

void notice_json(const struct notice_source *source, const struct incident *incident,
                 struct writer *out)
{
    char text[NOTICE_SIZE / 2], began[CLOCK_TEXT_SIZE], ended[CLOCK_TEXT_SIZE];
    struct writer plain = writer_on(text, sizeof text - 1);
    write_title(source, incident, &plain);
    WRITE_LITERAL(&plain, "\n");
    write_body(source, incident, &plain);
    text[plain.length] = 0;
    json_t *object =
        json_pack("{s:o,s:{s:s,s:I,s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:o}}", "text", string_of(text),
                  "ecluse", "id", incident->id, "version", (json_int_t)incident->version, "state",
                  notice_state_name(notice_state(incident)), "area", incident->area, "began",
                  clock_text(incident->began, began), "ended",
                  incident->ended ? json_string(clock_text(incident->ended, ended)) : json_null(),
                  "organisation", string_of(source->organisation), "host", string_of(source->host),
                  "desk", source->desk[0] ? string_of(source->desk) : json_null(), "alarms",
                  kinds_json(source, incident));
    size_t room = out->size - out->length;
    size_t length = object ? json_dumpb(object, out->data + out->length, room, JSON_COMPACT) : 0;
    json_decref(object);
    if (length == 0 || length > room)
        out->overflow = true;
    else
        out->length += length;
}

/* RFC 5322 3.3, in UTC and in English whatever the locale is. */
static void write_mail_date(int64_t wall, struct writer *out)
{
    static const char days[] = "SunMonTueWedThuFriSat",
                      months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(wall / NANOS_SECOND);
    struct tm t;
    char text[64];
    if (gmtime_r(&seconds, &t) == NULL)
        return;
    snprintf(text, sizeof text, "%.3s, %02d %.3s %d %02d:%02d:%02d +0000", days + 3 * t.tm_wday,
             t.tm_mday, months + 3 * t.tm_mon, t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
    write_string(out, text);
}

/* ASCII only, so that the subject needs no encoding: the organisation's name stands in the body. */
static void write_subject(const struct incident *incident, struct writer *out)
{
    WRITE_LITERAL(out, "Subject: [ecluse] ");
    size_t start = out->length;
    write_kinds(incident, out);
    if (out->length - start > 100 && !out->overflow) /* lines of at most 998 (RFC 5322 2.1.1) */
        out->length = start + 100;
    WRITE_LITERAL(out, " ");
    write_string(out, notice_state_name(notice_state(incident)));
    WRITE_LITERAL(out, "\n");
}

static void write_message_id(const struct notice_source *source, const struct incident *incident,
                             uint32_t version, struct writer *out)
{
    WRITE_LITERAL(out, "<");
    write_string(out, incident->id);
    WRITE_LITERAL(out, ".");
    write_unsigned(out, version);
    WRITE_LITERAL(out, "@");
    const char *host = source->host;
    bool fits = host[0];
    for (const char *at = host; *at; at++)
        fits = fits && ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                        (*at >= '0' && *at <= '9') || *at == '-' || *at == '.');
    write_string(out, fits ? host : "ecluse.invalid");
    WRITE_LITERAL(out, ">\n");
}

void notice_mail(const struct notice_source *source, const struct incident *incident, int64_t wall,
                 struct writer *out)
{
    write_subject(incident, out);
    WRITE_LITERAL(out, "Date: ");
    write_mail_date(wall, out);
    WRITE_LITERAL(out, "\nMessage-ID: ");
    write_message_id(source, incident, incident->version, out);
    if (incident->version > 1) { /* so that mail programs show one conversation */
        WRITE_LITERAL(out, "References: ");
        write_message_id(source, incident, 1, out);
    }
    WRITE_LITERAL(out, "Auto-Submitted: auto-generated\nMIME-Version: 1.0\n"
                       "Content-Type: text/plain; charset=utf-8\n"
                       "Content-Transfer-Encoding: 8bit\n\n");
    write_title(source, incident, out);
    WRITE_LITERAL(out, "\n\n");
    write_body(source, incident, out);
}
