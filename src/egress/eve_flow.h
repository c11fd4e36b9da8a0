/* eve_flow.h: flow records of Suricata's EVE log, a JSON object a line. The room's own.
 *
 * bytes_toserver and bytes_toclient count packets with their link headers. Who began a TCP flow is
 * known when tcp_flags_ts has a SYN; it was established when the server's SYN and ACK, and the
 * client's ACK, are among the flags. Records of other kinds are passed by.
 */
#ifndef ECLUSE_EGRESS_EVE_FLOW_H
#define ECLUSE_EGRESS_EVE_FLOW_H

#include "egress/record.h"

/* The same returns as zeek_json(). */
int eve_flow_json(struct text line, struct replay_flow *out);

#endif
