#include "audit/entry.h"

#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>

static const char *const roles[ENTRY_ROLE_COUNT] = {"actor", "subject"};
static const char person[] = "operator ";

bool actor_is_person(struct text actor)
{
    return actor.length > sizeof person - 1 && memcmp(actor.data, person, sizeof person - 1) == 0;
}

char *entry_commitment(enum entry_role role, const uint8_t salt[ENTRY_SALT_SIZE], struct text name,
                       char out[ENTRY_COMMITMENT_SIZE])
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, salt, ENTRY_SALT_SIZE);
    crypto_hash_sha256_update(&state, (const uint8_t *)"", 1);
    crypto_hash_sha256_update(&state, (const uint8_t *)roles[role], strlen(roles[role]) + 1);
    crypto_hash_sha256_update(&state, (const uint8_t *)name.data, name.length);
    crypto_hash_sha256_final(&state, hash);
    memcpy(out, "c1:", 3);
    sodium_bin2base64(out + 3, ENTRY_COMMITMENT_SIZE - 3, hash, sizeof hash,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return out;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void write_member(struct writer *out, const char *key, const char *value)
{
    if (!value[0])
        return;
    WRITE_LITERAL(out, ",\"");
    write_string(out, key);
    WRITE_LITERAL(out, "\":\"");
    write_json_escaped(out, text_of(value));
    WRITE_LITERAL(out, "\"");
}

static void write_time(struct writer *out, int64_t at)
{
    char text[CLOCK_TEXT_SIZE];
    clock_text(at, text);
    write_bytes(out, text, strlen(text) - 1); /* without its Z */
    WRITE_LITERAL(out, ".");
    write_padded(out, (unsigned)(at % NANOS_SECOND), 9);
    WRITE_LITERAL(out, "Z");
}

static void write_signed(struct writer *out, int64_t value)
{
    if (value < 0)
        WRITE_LITERAL(out, "-");
    write_unsigned(out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

static void write_committed(struct writer *out, enum entry_role role, const char *name,
                            struct entry_salts *salts)
{
    char value[sizeof person + ENTRY_COMMITMENT_SIZE], commitment[ENTRY_COMMITMENT_SIZE];
    const char *prefix = role == ENTRY_ACTOR ? person : "";
    salts->used[role] = true;
    randombytes_buf(salts->salt[role], ENTRY_SALT_SIZE);
    entry_commitment(role, salts->salt[role], text_of(name + strlen(prefix)), commitment);
    snprintf(value, sizeof value, "%s%s", prefix, commitment);
    write_member(out, roles[role], value);
}

static void write_numbers(struct writer *out, const struct act *act)
{
    for (size_t i = 0; i < ACT_NUMBERS && act->number[i].name[0]; i++) {
        write_string(out, i ? ",\"" : ",\"numbers\":{\"");
        write_json_escaped(out, text_of(act->number[i].name));
        WRITE_LITERAL(out, "\":");
        write_signed(out, act->number[i].value);
    }
    if (act->number[0].name[0])
        WRITE_LITERAL(out, "}");
}

void entry_write(const struct handed_over *handed, struct writer *out, struct entry_salts *salts)
{
    const struct act *act = &handed->act;
    memset(salts, 0, sizeof *salts);
    WRITE_LITERAL(out, "{\"v\":1,\"at\":\"");
    write_time(out, act->at < 0 ? 0 : act->at);
    WRITE_LITERAL(out, "\",\"from\":\"");
    write_string(out, handover_name(handed->from));
    WRITE_LITERAL(out, "\",\"n\":");
    write_unsigned(out, handed->number);
    write_member(out, "kind", act_kind_name(act->kind));
    if (actor_is_person(text_of(act->actor)))
        write_committed(out, ENTRY_ACTOR, act->actor, salts);
    else
        write_member(out, "actor", act->actor);
    if (act->subject[0])
        write_committed(out, ENTRY_SUBJECT, act->subject, salts);
    write_member(out, "object", act->object);
    write_member(out, "hold", act->hold);
    write_member(out, "reason", act->reason);
    write_numbers(out, act);
    write_member(out, "evidence", act->evidence);
    WRITE_LITERAL(out, "}");
    must(!out->overflow);
}

/* ---- Reading --------------------------------------------------------------------------------- */

struct moment_parts {
    int year, month, day, hour, minute, second, fraction;
};

/* Wall clock, or -1. */
static int64_t time_of(const struct moment_parts *p)
{
    if (p->month < 1 || p->month > 12 || p->day < 1 || p->day > 31 || p->hour > 23 ||
        p->minute > 59 || p->second > 60 || p->year < 1970 || p->year > 2261)
        return -1;
    /* Days since 1970 in the Gregorian calendar, counted from March so that a leap day ends its
     * year. */
    int64_t y = p->month > 2 ? p->year : p->year - 1, shifted = (p->month + 9) % 12;
    int64_t days =
        y * 365 + y / 4 - y / 100 + y / 400 + (shifted * 306 + 5) / 10 + p->day - 1 - 719468;
    return ((days * 24 + p->hour) * 60 + p->minute) * NANOS_MINUTE + p->second * NANOS_SECOND +
           p->fraction;
}

static bool time_at(struct text text, int64_t *at);

static bool take_text(const json_t *object, const char *key, char *field, size_t size)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        return true;
    struct text text = {json_string_value(value), json_string_length(value)};
    if (!text.data || text.length >= size || memchr(text.data, 0, text.length))
        return false;
    act_text(field, size, text);
    return true;
}

static bool take_numbers(json_t *object, struct act *act)
{
    const char *key;
    json_t *value, *numbers = json_object_get(object, "numbers");
    if (numbers && (!json_is_object(numbers) || json_object_size(numbers) > ACT_NUMBERS))
        return false;
    json_object_foreach(numbers, key, value)
    {
        if (!json_is_integer(value) || strlen(key) >= sizeof act->number[0].name || !key[0])
            return false;
        act_number(act, key, json_integer_value(value));
    }
    return true;
}

static bool take_entry(json_t *object, struct entry *entry)
{
    struct act *act = &entry->act;
    const char *at = json_string_value(json_object_get(object, "at"));
    const json_t *number = json_object_get(object, "n");
    char kind[32] = "";
    if (json_integer_value(json_object_get(object, "v")) != 1 || !at ||
        !time_at(text_of(at), &entry->at) || !json_is_integer(number) ||
        json_integer_value(number) < 0)
        return false;
    entry->number = (uint64_t)json_integer_value(number);
    act->at = entry->at;
    bool taken = take_text(object, "from", entry->from, sizeof entry->from) &&
                 take_text(object, "kind", kind, sizeof kind) &&
                 act_kind_named(text_of(kind), &entry->kind) &&
                 take_text(object, "actor", act->actor, sizeof act->actor) &&
                 take_text(object, "subject", act->subject, sizeof act->subject) &&
                 take_text(object, "object", act->object, sizeof act->object) &&
                 take_text(object, "hold", act->hold, sizeof act->hold) &&
                 take_text(object, "reason", act->reason, sizeof act->reason) &&
                 take_text(object, "evidence", act->evidence, sizeof act->evidence) &&
                 take_numbers(object, act);
    act->kind = (uint8_t)entry->kind;
    return taken;
}

int entry_parse(struct text text, struct entry *out)
{
    struct entry entry = {.number = 0};
    json_t *object = json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES, NULL);
    bool taken = json_is_object(object) && take_entry(object, &entry);
    json_decref(object);
    if (!taken)
        return -EBADMSG;
    *out = entry;
    return 0;
}

/* ---- At a glance ----------------------------------------------------------------------------- */

static bool skip(struct text *rest, const char *literal)
{
    size_t length = strlen(literal);
    if (rest->length < length || memcmp(rest->data, literal, length) != 0)
        return false;
    *rest = (struct text){rest->data + length, rest->length - length};
    return true;
}

/* Up to the closing quote, which is passed over; nothing escaped. */
static bool take_plain(struct text *rest, struct text *out)
{
    const char *quote = rest->length ? memchr(rest->data, '"', rest->length) : NULL;
    if (!quote)
        return false;
    *out = (struct text){rest->data, (size_t)(quote - rest->data)};
    *rest = (struct text){quote + 1, rest->length - out->length - 1};
    return out->length == 0 || !memchr(out->data, '\\', out->length);
}

static unsigned digits_of(const char *text, unsigned count)
{
    unsigned value = 0;
    while (count-- > 0)
        value = value * 10 + (unsigned)(*text++ - '0');
    return value;
}

static bool time_at(struct text text, int64_t *at)
{
    static const char shape[] = "0000-00-00T00:00:00.000000000Z";
    if (text.length != sizeof shape - 1)
        return false;
    for (size_t i = 0; i < sizeof shape - 1; i++)
        if (shape[i] == '0' ? text.data[i] < '0' || text.data[i] > '9' : text.data[i] != shape[i])
            return false;
    const char *t = text.data;
    *at = time_of(&(struct moment_parts){(int)digits_of(t, 4), (int)digits_of(t + 5, 2),
                                         (int)digits_of(t + 8, 2), (int)digits_of(t + 11, 2),
                                         (int)digits_of(t + 14, 2), (int)digits_of(t + 17, 2),
                                         (int)digits_of(t + 20, 9)});
    return *at >= 0;
}

bool entry_glance(struct text text, struct act *out)
{
    struct text rest = text, at, from, kind, passed, object = {"", 0}, hold = {"", 0};
    enum act_kind named;
    if (!skip(&rest, "{\"v\":1,\"at\":\"") || !take_plain(&rest, &at) ||
        !skip(&rest, ",\"from\":\"") || !take_plain(&rest, &from) || !skip(&rest, ",\"n\":"))
        return false;
    while (rest.length && rest.data[0] >= '0' && rest.data[0] <= '9')
        rest = (struct text){rest.data + 1, rest.length - 1};
    if (!skip(&rest, ",\"kind\":\"") || !take_plain(&rest, &kind) || !act_kind_named(kind, &named))
        return false;
    if ((skip(&rest, ",\"actor\":\"") && !take_plain(&rest, &passed)) ||
        (skip(&rest, ",\"subject\":\"") && !take_plain(&rest, &passed)) ||
        (skip(&rest, ",\"object\":\"") && !take_plain(&rest, &object)) ||
        (skip(&rest, ",\"hold\":\"") && !take_plain(&rest, &hold)))
        return false;
    int64_t when;
    if (!time_at(at, &when) || object.length >= sizeof out->object ||
        hold.length >= sizeof out->hold)
        return false;
    out->at = when;
    out->kind = (uint8_t)named;
    act_text(out->object, sizeof out->object, object);
    act_text(out->hold, sizeof out->hold, hold);
    return true;
}
