#include "egress/zeek.h"

#include "egress/flow_text.h"

#include <netinet/in.h>

enum {
    LINK_HEADER = 14,
    TAG = 4,
    HEADERS = 54,   /* link, IP, TCP */
    SEGMENT = 1460, /* payload of a full packet */
};

static const struct text names[] = {
#define X(constant, name) {name, sizeof(name) - 1},
    ZEEK_FIELDS(X)
#undef X
};

static int fault(enum record_fault fault)
{
    return -(int)fault - 1;
}

static int8_t field_named(struct text name)
{
    for (int8_t i = 0; i < ZEEK_FIELD_COUNT; i++)
        if (text_equal(names[i], name))
            return i;
    return -1;
}

void zeek_begin(struct zeek *z)
{
    *z = (struct zeek){.separator = '\t', .unset = "-"};
}

/* ---- From fields to a flow ------------------------------------------------------------------- */

static bool has(const struct zeek *z, enum zeek_field field)
{
    return z->field[field].data != NULL;
}

static bool count_of(const struct zeek *z, enum zeek_field field, uint64_t *out)
{
    *out = 0;
    return !has(z, field) || (flow_text_count(z->field[field], out) && *out < UINT64_C(1) << 47);
}

struct side { /* of a connection */
    uint64_t payload, packets, bytes;
    bool counted; /* Zeek told packets and their bytes */
};

static bool side_of(const struct zeek *z, bool from, struct side *out)
{
    out->counted = has(z, from ? ZEEK_BYTES_FROM : ZEEK_BYTES_TO);
    return count_of(z, from ? ZEEK_PAYLOAD_FROM : ZEEK_PAYLOAD_TO, &out->payload) &&
           count_of(z, from ? ZEEK_PACKETS_FROM : ZEEK_PACKETS_TO, &out->packets) &&
           count_of(z, from ? ZEEK_BYTES_FROM : ZEEK_BYTES_TO, &out->bytes);
}

static uint64_t bytes_on_line(const struct side *s, uint64_t missed, bool tagged)
{
    uint64_t link = LINK_HEADER + (tagged ? TAG : 0);
    if (!s->counted)
        return s->payload + (s->payload + SEGMENT - 1) / SEGMENT * HEADERS;
    uint64_t unseen = s->payload > s->bytes ? s->payload - s->bytes : 0;
    return s->bytes + s->packets * link + (unseen < missed ? unseen : missed);
}

static bool text_has(const struct zeek *z, enum zeek_field field, char c)
{
    return has(z, field) && memchr(z->field[field].data, c, z->field[field].length);
}

/* docs.zeek.org, base/protocols/conn/main.zeek: what conn_state says. */
static bool is_established(const struct zeek *z)
{
    static const char *const states[] = {"S1", "SF", "S2", "S3", "RSTO", "RSTR"};
    for (size_t i = 0; has(z, ZEEK_STATE) && i < sizeof states / sizeof states[0]; i++)
        if (text_is(z->field[ZEEK_STATE], states[i]))
            return true;
    return false;
}

static bool is_true(struct text t)
{
    return text_is(t, "T") || text_is(t, "true");
}

static bool is_began_known(const struct zeek *z)
{
    if (text_has(z, ZEEK_HISTORY, '^') || !has(z, ZEEK_STATE))
        return false;
    return !text_is(z->field[ZEEK_STATE], "OTH");
}

static int zeek_flow(const struct zeek *z, struct replay_flow *out)
{
    struct replay_flow f = {.protocol = 255};
    struct side from, to;
    nanos_t span = 0;
    uint64_t missed;
    if (!has(z, ZEEK_TS) || !has(z, ZEEK_FROM) || !has(z, ZEEK_TO) || !has(z, ZEEK_PROTOCOL))
        return fault(FAULT_FIELDS);
    if (!flow_text_address(z->field[ZEEK_FROM], f.from) ||
        !flow_text_address(z->field[ZEEK_TO], f.to))
        return fault(FAULT_ADDRESS);
    if (!flow_text_time(z->field[ZEEK_TS], &f.start) ||
        (has(z, ZEEK_DURATION) && !flow_text_seconds(z->field[ZEEK_DURATION], &span)))
        return fault(FAULT_TIME);
    if (!side_of(z, true, &from) || !side_of(z, false, &to) || !count_of(z, ZEEK_MISSED, &missed))
        return fault(FAULT_NUMBER);
    flow_text_protocol(z->field[ZEEK_PROTOCOL], &f.protocol);
    f.end = f.start + span;
    f.bytes_from = bytes_on_line(&from, missed, has(z, ZEEK_VLAN));
    f.bytes_to = bytes_on_line(&to, missed, has(z, ZEEK_VLAN));
    f.packets_from = from.packets;
    f.packets_to = to.packets;
    f.began_known = is_began_known(z);
    f.established = is_established(z);
    f.has_link = has(z, ZEEK_LINK_FROM) && has(z, ZEEK_LINK_TO) &&
                 flow_text_link(z->field[ZEEK_LINK_FROM], f.from_link) &&
                 flow_text_link(z->field[ZEEK_LINK_TO], f.to_link);
    if (has(z, ZEEK_LOCAL_FROM) && has(z, ZEEK_LOCAL_TO)) {
        f.from_local = is_true(z->field[ZEEK_LOCAL_FROM]);
        f.local_known = f.from_local != is_true(z->field[ZEEK_LOCAL_TO]);
    }
    *out = f;
    return 1;
}

/* ---- Tab-separated --------------------------------------------------------------------------- */

bool zeek_is(struct text line)
{
    static const char first[] = "#separator ";
    return line.length >= sizeof first - 1 && memcmp(line.data, first, sizeof first - 1) == 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "\x09", or the character itself. */
static void separator_read(struct zeek *z, struct text value)
{
    if (value.length == 4 && value.data[0] == '\\' && value.data[1] == 'x') {
        int high = hex_digit(value.data[2]), low = hex_digit(value.data[3]);
        if (high >= 0 && low >= 0)
            z->separator = (char)(high << 4 | low);
    } else if (value.length == 1) {
        z->separator = value.data[0];
    }
}

static struct text next_field(struct text *rest, char separator)
{
    const char *end = rest->length ? memchr(rest->data, separator, rest->length) : NULL;
    size_t length = end ? (size_t)(end - rest->data) : rest->length;
    struct text field = {rest->data, length};
    size_t taken = length + (end != NULL);
    *rest = (struct text){rest->data + taken, rest->length - taken};
    return field;
}

static void columns_read(struct zeek *z, struct text rest)
{
    bool found[ZEEK_FIELD_COUNT] = {false};
    z->columns = 0;
    while (rest.length && z->columns < ZEEK_COLUMNS) {
        int8_t field = field_named(next_field(&rest, z->separator));
        z->column[z->columns++] = field;
        if (field >= 0)
            found[field] = true;
    }
    z->ready = found[ZEEK_TS] && found[ZEEK_FROM] && found[ZEEK_TO] && found[ZEEK_PROTOCOL];
}

static void header_read(struct zeek *z, struct text line)
{
    if (zeek_is(line)) {
        size_t at = strlen("#separator ");
        separator_read(z, (struct text){line.data + at, line.length - at});
        z->ready = z->foreign = false;
        return;
    }
    struct text name = next_field(&line, z->separator);
    if (text_is(name, "#unset_field") && line.length < sizeof z->unset) {
        memcpy(z->unset, line.data, line.length);
        z->unset[line.length] = 0;
    } else if (text_is(name, "#path")) {
        z->foreign = !text_is(line, "conn");
    } else if (text_is(name, "#fields")) {
        columns_read(z, line);
    }
}

static int row_read(struct zeek *z, struct text line, struct replay_flow *out)
{
    struct text rest = line, unset = text_of(z->unset);
    if (z->foreign)
        return 0;
    if (!z->ready)
        return fault(FAULT_FIELDS);
    memset(z->field, 0, sizeof z->field);
    unsigned i = 0;
    for (bool more = true; more && i < z->columns; i++) {
        size_t before = rest.length;
        struct text field = next_field(&rest, z->separator);
        more = before > field.length; /* a separator was taken */
        if (z->column[i] >= 0 && !text_equal(field, unset))
            z->field[z->column[i]] = field;
    }
    if (i < z->columns)
        return fault(FAULT_SYNTAX);
    return zeek_flow(z, out);
}

void zeek_read(struct source *s, struct zeek *z)
{
    struct text line;
    struct replay_flow flow;
    while (source_line(s, &line)) {
        if (line.length && line.data[line.length - 1] == '\r')
            line.length--;
        if (line.length == 0)
            continue;
        if (line.data[0] == '#') {
            header_read(z, line);
            continue;
        }
        int code = row_read(z, line, &flow);
        if (code < 0)
            source_fault(s, (enum record_fault)(-code - 1), s->line);
        else if (code)
            s->sink->flow(s->sink->context, &flow);
        else
            s->sink->other(s->sink->context);
    }
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* Members mostly come in the order of the object before. */
static int8_t member_named(struct zeek *z, unsigned at, struct text key)
{
    if (at >= ZEEK_COLUMNS || key.length == 0 || key.length > ZEEK_MEMBER_SIZE)
        return field_named(key);
    struct zeek_member *member = &z->member[at];
    if (member->length == key.length && memcmp(member->name, key.data, key.length) == 0)
        return member->field;
    memcpy(member->name, key.data, key.length);
    member->length = (uint8_t)key.length;
    return member->field = field_named(key);
}

int zeek_json(struct zeek *z, struct text line, struct replay_flow *out)
{
    struct json_line j;
    struct text key;
    struct json_value value;
    enum json_next next;
    memset(z->field, 0, sizeof z->field);
    if (!json_line_open(&j, line))
        return fault(FAULT_SYNTAX);
    for (unsigned at = 0; (next = json_line_next(&j, &key, &value)) == JSON_MEMBER; at++) {
        int8_t field = member_named(z, at, key);
        if (field >= 0 && !value.escaped && value.kind != JSON_NESTED &&
            !(value.kind == JSON_WORD && text_is(value.text, "null")))
            z->field[field] = value.text;
    }
    if (next == JSON_BROKEN)
        return fault(FAULT_SYNTAX);
    if (has(z, ZEEK_PATH) && !text_is(z->field[ZEEK_PATH], "conn"))
        return 0;
    return zeek_flow(z, out);
}
