/* syslog.h: RFC 5424 messages, and the connection they go through.
 *
 *   <29>1 2026-11-20T14:03:00.123456Z host ecluse - hold [origin software="ecluse"
 *   swVersion="0.1.0"][meta sequenceId="18"] hold: logins: 61 of 60 requests in 1 h;
 *   id="poste.example/ecluse/17" hold="hold-2f-front" subject="c1:..." used="61" limit="60"
 *
 * Facility is `daemon`. Structured data has the two elements that IANA registered only: names of
 * our own would need a number of our own. Over TCP each message stands behind its length (octet
 * counting, RFC 6587 3.4.1).
 *
 * Connection  never blocks longer than SYSLOG_PATIENCE: a receiver that takes nothing is a failure.
 *             What the kernel took counts as told: UDP shows that nobody is there only when ICMP
 *             says so, and what was under way when a TCP connection broke is lost. A receiver sees
 *             it by a gap in the ids; the file of events has none.
 */
#ifndef ECLUSE_SYSLOG_H
#define ECLUSE_SYSLOG_H

#include "outputs/eve.h"

enum { SYSLOG_SIZE = 4096, SYSLOG_FACILITY_DAEMON = 3, SYSLOG_PATIENCE = 3 /* seconds */ };

void syslog_write(const struct eve_source *source, uint64_t index, const struct entry *entry,
                  struct writer *out);

struct syslog;

/* `to` as the contract says it: "unix:/dev/log", "udp:192.0.2.1:514", "tcp:[2001:db8::1]:601". */
int syslog_new(const char *to, struct syslog **out, struct error *error);
void syslog_free(struct syslog *syslog); /* takes NULL */

/* Connects when it has to. 0 or a negative errno with *error; the message has then to be sent
 * again. */
int syslog_send(struct syslog *syslog, struct text message, struct error *error);

#endif
