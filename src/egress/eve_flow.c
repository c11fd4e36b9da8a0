#include "egress/eve_flow.h"

#include "egress/flow_text.h"
#include "egress/json_line.h"

#include <netinet/in.h>

/*    constant       in          name */
#define EVE_FIELDS(X)                                                                              \
    X(TYPE, TOP, "event_type")                                                                     \
    X(STAMP, TOP, "timestamp")                                                                     \
    X(FROM, TOP, "src_ip")                                                                         \
    X(TO, TOP, "dest_ip")                                                                          \
    X(PROTOCOL, TOP, "proto")                                                                      \
    X(FLOW, TOP, "flow")                                                                           \
    X(TCP, TOP, "tcp")                                                                             \
    X(ETHER, TOP, "ether")                                                                         \
    X(BYTES_FROM, FLOW, "bytes_toserver")                                                          \
    X(BYTES_TO, FLOW, "bytes_toclient")                                                            \
    X(PACKETS_FROM, FLOW, "pkts_toserver")                                                         \
    X(PACKETS_TO, FLOW, "pkts_toclient")                                                           \
    X(START, FLOW, "start")                                                                        \
    X(END, FLOW, "end")                                                                            \
    X(STATE, FLOW, "state")                                                                        \
    X(FLAGS_FROM, TCP, "tcp_flags_ts")                                                             \
    X(FLAGS_TO, TCP, "tcp_flags_tc")                                                               \
    X(LINK_FROM, ETHER, "src_mac")                                                                 \
    X(LINK_TO, ETHER, "dest_mac")

enum part { PART_TOP, PART_FLOW, PART_TCP, PART_ETHER };

enum eve_field {
#define X(constant, part, name) EVE_##constant,
    EVE_FIELDS(X)
#undef X
        EVE_FIELD_COUNT
};

struct known_field {
    enum part part;
    struct text name;
};

static const struct known_field known[] = {
#define X(constant, part, name) {PART_##part, {name, sizeof(name) - 1}},
    EVE_FIELDS(X)
#undef X
};

enum { FLAG_SYN = 0x02, FLAG_ACK = 0x10 };

struct fields {
    struct text field[EVE_FIELD_COUNT];
};

static int fault(enum record_fault fault)
{
    return -(int)fault - 1;
}

/* The members of one object that are of use; false when it is broken. Stops at once at a record of
 * another kind. */
static bool members_read(struct text object, enum part part, struct fields *out)
{
    struct json_line j;
    struct text key;
    struct json_value value;
    enum json_next next;
    if (!json_line_open(&j, object))
        return false;
    while ((next = json_line_next(&j, &key, &value)) == JSON_MEMBER) {
        for (unsigned i = 0; i < EVE_FIELD_COUNT; i++) {
            if (known[i].part != part || !text_equal(known[i].name, key))
                continue;
            if (!value.escaped && value.kind != JSON_WORD)
                out->field[i] = value.text;
            if (i == EVE_TYPE && !text_is(value.text, "flow"))
                return true;
        }
    }
    return next == JSON_END;
}

static bool has(const struct fields *f, enum eve_field field)
{
    return f->field[field].data != NULL;
}

static bool count_of(const struct fields *f, enum eve_field field, uint64_t *out)
{
    return flow_text_count(f->field[field], out) && *out < UINT64_C(1) << 47;
}

/* "1b" in hexadecimal. */
static unsigned flags_of(const struct fields *f, enum eve_field field)
{
    unsigned value = 0;
    struct text t = f->field[field];
    for (size_t i = 0; has(f, field) && i < t.length && i < 4; i++) {
        char c = (char)(t.data[i] | 32);
        value = value << 4 | (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return value;
}

static bool parts_read(struct fields *f)
{
    return (!has(f, EVE_TCP) || members_read(f->field[EVE_TCP], PART_TCP, f)) &&
           (!has(f, EVE_ETHER) || members_read(f->field[EVE_ETHER], PART_ETHER, f)) &&
           members_read(f->field[EVE_FLOW], PART_FLOW, f);
}

static void began_of(const struct fields *f, struct replay_flow *out)
{
    if (out->protocol != IPPROTO_TCP) {
        out->began_known = true;
        return;
    }
    unsigned from = flags_of(f, EVE_FLAGS_FROM), to = flags_of(f, EVE_FLAGS_TO);
    out->began_known = from & FLAG_SYN;
    out->established = from & FLAG_ACK && to & FLAG_SYN && to & FLAG_ACK;
    /* Picked up in the middle: the state is what there is. */
    if (!out->began_known && has(f, EVE_STATE))
        out->established = !text_is(f->field[EVE_STATE], "new");
}

int eve_flow_json(struct text line, struct replay_flow *out)
{
    struct fields f = {0};
    struct replay_flow flow = {.protocol = 255};
    if (!members_read(line, PART_TOP, &f))
        return fault(FAULT_SYNTAX);
    if (!has(&f, EVE_TYPE) || !text_is(f.field[EVE_TYPE], "flow"))
        return 0;
    if (!has(&f, EVE_FLOW) || !has(&f, EVE_FROM) || !has(&f, EVE_TO) || !has(&f, EVE_PROTOCOL))
        return fault(FAULT_FIELDS);
    if (!parts_read(&f))
        return fault(FAULT_SYNTAX);
    if (!flow_text_address(f.field[EVE_FROM], flow.from) ||
        !flow_text_address(f.field[EVE_TO], flow.to))
        return fault(FAULT_ADDRESS);
    if (!has(&f, EVE_START) || !flow_text_time(f.field[EVE_START], &flow.start) ||
        !flow_text_time(f.field[has(&f, EVE_END) ? EVE_END : EVE_START], &flow.end))
        return fault(FAULT_TIME);
    if (!count_of(&f, EVE_BYTES_FROM, &flow.bytes_from) ||
        !count_of(&f, EVE_BYTES_TO, &flow.bytes_to) ||
        !count_of(&f, EVE_PACKETS_FROM, &flow.packets_from) ||
        !count_of(&f, EVE_PACKETS_TO, &flow.packets_to))
        return fault(FAULT_NUMBER);
    flow_text_protocol(f.field[EVE_PROTOCOL], &flow.protocol);
    began_of(&f, &flow);
    flow.has_link = has(&f, EVE_LINK_FROM) && has(&f, EVE_LINK_TO) &&
                    flow_text_link(f.field[EVE_LINK_FROM], flow.from_link) &&
                    flow_text_link(f.field[EVE_LINK_TO], flow.to_link);
    *out = flow;
    return 1;
}
