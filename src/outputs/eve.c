#include "outputs/eve.h"

#include "outputs/telling.h"

static void write_member(struct writer *out, const char *key, const char *value)
{
    if (!value[0])
        return;
    if (out->length && out->data[out->length - 1] != '{')
        WRITE_LITERAL(out, ",");
    WRITE_LITERAL(out, "\"");
    write_string(out, key);
    WRITE_LITERAL(out, "\":\"");
    write_json_escaped(out, text_of(value));
    WRITE_LITERAL(out, "\"");
}

void eve_time_write(int64_t at, const char *zone, struct writer *out)
{
    char text[CLOCK_TEXT_SIZE];
    clock_text(at < 0 ? 0 : at, text);
    write_bytes(out, text, strlen(text) - 1); /* without its Z */
    WRITE_LITERAL(out, ".");
    write_padded(out, (unsigned)((at < 0 ? 0 : at) % NANOS_SECOND / 1000), 6);
    write_string(out, zone);
}

void eve_id_write(const struct eve_source *source, uint64_t index, struct writer *out)
{
    write_string(out, source->origin);
    WRITE_LITERAL(out, "/");
    write_unsigned(out, index);
}

void eve_message_write(const struct entry *entry, struct writer *out)
{
    const struct act *act = &entry->act;
    write_string(out, act_kind_name(entry->kind));
    if (act->object[0]) {
        WRITE_LITERAL(out, ": ");
        write_string(out, act->object);
    }
    WRITE_LITERAL(out, ": ");
    write_string(out, act->reason[0] ? act->reason : act_kind_text(entry->kind));
}

static void write_message(const struct entry *entry, struct writer *out)
{
    char message[ACT_NAME_SIZE + ACT_REASON_SIZE + 256];
    struct writer plain = writer_on(message, sizeof message);
    eve_message_write(entry, &plain);
    WRITE_LITERAL(out, ",\"message\":\"");
    write_json_escaped(out, (struct text){message, plain.length});
    WRITE_LITERAL(out, "\"");
}

static void write_begin(const struct eve_source *source, uint64_t index, int64_t at,
                        const struct telling *telling, struct writer *out)
{
    WRITE_LITERAL(out, "{\"timestamp\":\"");
    eve_time_write(at, "+0000", out);
    WRITE_LITERAL(out, "\",\"event_type\":\"ecluse\",\"@timestamp\":\"");
    eve_time_write(at, "Z", out);
    WRITE_LITERAL(out, "\",\"ecs\":{\"version\":\"" EVE_ECS_VERSION "\"},\"event\":{\"id\":\"");
    char id[EVE_ID_SIZE];
    struct writer plain = writer_on(id, sizeof id);
    eve_id_write(source, index, &plain);
    write_json_escaped(out, (struct text){id, plain.length});
    WRITE_LITERAL(out, "\",\"sequence\":");
    write_unsigned(out, index);
    write_member(out, "kind", telling->kind);
    WRITE_LITERAL(out, ",\"category\":[\"");
    write_string(out, telling->category);
    WRITE_LITERAL(out, "\"],\"type\":[\"");
    write_string(out, telling->type);
    WRITE_LITERAL(out, "\"],\"severity\":");
    write_unsigned(out, telling->severity);
    write_member(out, "outcome", telling->outcome);
    write_member(out, "module", "ecluse");
    write_member(out, "dataset", "ecluse.audit");
}

static void write_place(const struct eve_source *source, struct writer *out)
{
    WRITE_LITERAL(out, ",\"observer\":{");
    write_member(out, "vendor", "Ecluse");
    write_member(out, "product", "ecluse");
    write_member(out, "version", ECLUSE_VERSION);
    WRITE_LITERAL(out, "},\"host\":{");
    write_member(out, "name", source->host);
    WRITE_LITERAL(out, "}");
    if (!source->organisation[0])
        return;
    WRITE_LITERAL(out, ",\"organization\":{");
    write_member(out, "name", source->organisation);
    WRITE_LITERAL(out, "}");
}

static void write_numbers(const struct act *act, struct writer *out)
{
    for (size_t i = 0; i < ACT_NUMBERS && act->number[i].name[0]; i++) {
        int64_t value = act->number[i].value;
        write_string(out, i ? ",\"" : ",\"numbers\":{\"");
        write_json_escaped(out, text_of(act->number[i].name));
        WRITE_LITERAL(out, "\":");
        if (value < 0)
            WRITE_LITERAL(out, "-");
        write_unsigned(out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
    }
    if (act->number[0].name[0])
        WRITE_LITERAL(out, "}");
}

static void write_own(const struct entry *entry, struct writer *out)
{
    const struct act *act = &entry->act;
    WRITE_LITERAL(out, ",\"ecluse\":{");
    write_member(out, "kind", act_kind_name(entry->kind));
    write_member(out, "actor", act->actor);
    write_member(out, "subject", act->subject);
    write_member(out, "object", act->object);
    write_member(out, "hold", act->hold);
    write_member(out, "evidence", act->evidence);
    WRITE_LITERAL(out, ",\"number\":");
    write_unsigned(out, entry->number);
    write_numbers(act, out);
    WRITE_LITERAL(out, "}");
}

static bool is_about_a_budget(enum act_kind kind)
{
    return kind == ACT_HOLD || kind == ACT_HOLDS || kind == ACT_EXPIRY || kind == ACT_EXPIRIES ||
           kind == ACT_BREAKER || kind == ACT_RELEASE;
}

void eve_write(const struct eve_source *source, uint64_t index, const struct entry *entry,
               struct writer *out)
{
    const struct telling telling = telling_of(entry->kind);
    write_begin(source, index, entry->at, &telling, out);
    write_member(out, "action", act_kind_name(entry->kind));
    write_member(out, "provider", entry->from);
    write_member(out, "reason", entry->act.reason);
    WRITE_LITERAL(out, "}");
    write_message(entry, out);
    if (is_about_a_budget(entry->kind) && entry->act.object[0]) {
        WRITE_LITERAL(out, ",\"rule\":{");
        write_member(out, "name", entry->act.object);
        WRITE_LITERAL(out, "}");
    }
    write_place(source, out);
    write_own(entry, out);
    WRITE_LITERAL(out, "}\n");
    must(!out->overflow);
}

void eve_write_unknown(const struct eve_source *source, uint64_t index, nanos_t wall,
                       struct writer *out)
{
    const struct telling telling = telling_of(ACT_KIND_COUNT);
    write_begin(source, index, wall, &telling, out);
    write_member(out, "action", "unknown");
    WRITE_LITERAL(out, "},\"message\":\"an entry that this version does not understand\"");
    write_place(source, out);
    WRITE_LITERAL(out, "}\n");
    must(!out->overflow);
}
