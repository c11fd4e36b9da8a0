/* outputs.h: where other programs hear of what happens, and people are called.
 *
 * telling.h    each act in the words of others: ECS fields, syslog severity; one table
 * eve.h        an entry of the audit log as one line of JSON, in EVE's form with ECS's names
 * syslog.h     the same as an RFC 5424 message, and the connection it goes through
 * event_file.h the file of such lines: appended to, reopened when it was rotated, never half a line
 * cursor.h     how far an output has told, kept through restarts
 * tail.h   the audit log, entry by entry, from a cursor on: the log itself is the queue
 * metric.h     the figures that Prometheus fetches: one table, from which code and documents come
 * incident.h   what belongs together: alarms grouped, told once, and told when it is over
 * delivery.h   when a message may go out: retried later and later, and never too many
 * notice.h     an incident as a webhook's JSON and as a mail
 * secret.h     an address that nobody else may read, out of its file
 * post.h       one HTTP request with an end
 * mailer.h     a command run by a helper that can do nothing else
 * tally.h      what each output told, and could not tell: for `status` and for the metrics
 *
 * Promise   an act is told at least once, with an id by which a second telling is recognised:
 *           "ORIGIN/INDEX" of its entry. What could not be told is counted. No output waits for
 *           another, and nothing else ever waits for an output.
 * Privacy   entries name nobody; nothing here knows more than they do, or adds a label whose values
 *           grow with traffic.
 * Process   cli/herald.h: one process, one thread an output, started and watched by `ecluse run`.
 */
#ifndef ECLUSE_OUTPUTS_H
#define ECLUSE_OUTPUTS_H

#include "outputs/cursor.h"
#include "outputs/delivery.h"
#include "outputs/eve.h"
#include "outputs/event_file.h"
#include "outputs/tail.h"
#include "outputs/incident.h"
#include "outputs/mailer.h"
#include "outputs/metric.h"
#include "outputs/notice.h"
#include "outputs/post.h"
#include "outputs/secret.h"
#include "outputs/syslog.h"
#include "outputs/tally.h"
#include "outputs/telling.h"

#endif
