/* zeek.h: connections as Zeek's conn.log has them, in its two forms: tab-separated with a header
 * (#separator, #fields, ...), and a JSON object a line. The room's own.
 *
 * What left is the IP bytes that the sending end is said to have sent (orig_ip_bytes or
 * resp_ip_bytes) and a link header of 14 bytes, 18 in a VLAN, for each of its packets. Where the
 * payload is more than the packets that were seen held, what Zeek missed is added (missed_bytes, as
 * far as it explains it). A log without counts of packets has its payload counted, and a header of
 * 54 bytes for each 1,460 of it. Who began it is known unless Zeek saw no handshake (conn_state
 * OTH) or turned the ends round by guess (^ in history).
 */
#ifndef ECLUSE_EGRESS_ZEEK_H
#define ECLUSE_EGRESS_ZEEK_H

#include "egress/json_line.h"
#include "egress/record.h"

/*    constant        name */
#define ZEEK_FIELDS(X)                                                                             \
    X(TS, "ts")                                                                                    \
    X(FROM, "id.orig_h")                                                                           \
    X(TO, "id.resp_h")                                                                             \
    X(PROTOCOL, "proto")                                                                           \
    X(DURATION, "duration")                                                                        \
    X(PAYLOAD_FROM, "orig_bytes")                                                                  \
    X(PAYLOAD_TO, "resp_bytes")                                                                    \
    X(STATE, "conn_state")                                                                         \
    X(LOCAL_FROM, "local_orig")                                                                    \
    X(LOCAL_TO, "local_resp")                                                                      \
    X(MISSED, "missed_bytes")                                                                      \
    X(HISTORY, "history")                                                                          \
    X(PACKETS_FROM, "orig_pkts")                                                                   \
    X(BYTES_FROM, "orig_ip_bytes")                                                                 \
    X(PACKETS_TO, "resp_pkts")                                                                     \
    X(BYTES_TO, "resp_ip_bytes")                                                                   \
    X(LINK_FROM, "orig_l2_addr")                                                                   \
    X(LINK_TO, "resp_l2_addr")                                                                     \
    X(VLAN, "vlan")                                                                                \
    X(PATH, "_path")

enum zeek_field {
#define X(constant, name) ZEEK_##constant,
    ZEEK_FIELDS(X)
#undef X
        ZEEK_FIELD_COUNT
};

enum { ZEEK_COLUMNS = 128, ZEEK_MEMBER_SIZE = 22 };

struct zeek {
    char separator;
    bool ready;   /* #fields has been read, with all that is needed */
    bool foreign; /* #path is of another log */
    char unset[16];
    unsigned columns;
    int8_t column[ZEEK_COLUMNS]; /* enum zeek_field, -1 */
    struct zeek_member {         /* of the JSON object before, in its order */
        char name[ZEEK_MEMBER_SIZE];
        uint8_t length;
        int8_t field;
    } member[ZEEK_COLUMNS];
    struct text field[ZEEK_FIELD_COUNT];
};

void zeek_begin(struct zeek *z);
void zeek_read(struct source *s, struct zeek *z); /* tab-separated, to the end */

/* The first line of such a log? */
bool zeek_is(struct text line);

/* One JSON object. Returns 1 and *out, 0 when it is of another log, or -(enum record_fault) - 1. */
int zeek_json(struct zeek *z, struct text line, struct replay_flow *out);

#endif
