/* stream.h: server-sent events: an open page is sent the parts that it has not seen yet.
 *
 * A stream keeps the version that it has seen and no queue: a slow reader is sent what is the case
 * when it is ready again.
 */
#ifndef ECLUSE_DESK_STREAM_H
#define ECLUSE_DESK_STREAM_H

#include "desk/exchange.h"

/* Answers with a stream of that channel; `seen` is the version that the page was written with (0:
 * send all). */
enum MHD_Result stream_begin(struct exchange *x, enum channel channel, uint64_t seen);

/* Once a second, after parts_write(). */
void streams_tick(struct desk *desk, nanos_t now);

/* Before the daemon is stopped: nothing may be suspended then. */
void streams_end(struct desk *desk);

#endif
