/* shed.h: connections closed under pressure, the slowest first.
 *
 * A flood need not ask for anything: it can hold connections (heads, bodies and TLS handshakes that
 * dribble, answers that are not read, connections that wait for nothing), or open HTTP/2 streams
 * and reset them. While none of that hurts, nginx's own time-outs are all there is. Under pressure
 * connections are closed before their time, ten times a second, until the pressure is gone.
 *
 * Pressure  three quarters of worker_connections are in use; or our event loop lags; or the
 *           kernel's accept queue is half full; or streams are opened and reset by the thousand.
 * Who       a connection's slowness is the time that it has been at the same step, beyond a grace
 *           (table below). The slowest are closed first, so many as are too many. Those beyond a
 *           client's or network's share count as slower than they are, and have less grace.
 *           Clients behind a trusted proxy have no share of their own: its connections are not
 *           theirs.
 * Never     a request in work of a caller who is known or has a lane; a server without `ecluse on`.
 * How       as if its own time-out had come: nginx closes it in its own order.
 * Cost      nothing without pressure but three system calls a second; under it two walks over the
 *           connections a tick (about 1 ms for 16,384).
 */
#ifndef ECLUSE_SHED_H
#define ECLUSE_SHED_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "base/base.h"

/* Since when: the handshake, the head's first byte, the request's beginning, the last part of the
 * answer that was taken, the last request's end.
 *    constant   rule             after how long (ms), below how many bytes a second (0: any) */
#define SHED_STEPS(X)                                                                              \
    X(HANDSHAKE, SHED_HANDSHAKE, 1000, 0)                                                          \
    X(HEADERS, SHED_HEADERS, 1000, 0)                                                              \
    X(BODY, SHED_BODY, 2000, 1024)                                                                 \
    X(READER, SHED_READER, 2000, 0)                                                                \
    X(IDLE, SHED_IDLE, 500, 0)

enum shed_step {
#define X(constant, ...) SHED_##constant,
    SHED_STEPS(X)
#undef X
        SHED_STEP_COUNT
};

/* What the pressure is made of, as bits: also in the ledger. */
enum { SHED_FOR_CONNECTIONS = 1, SHED_FOR_LAG = 2, SHED_FOR_BACKLOG = 4, SHED_FOR_STREAMS = 8 };

/* Each tick of the gate. Returns the pressure as bits. */
unsigned shed_tick(nanos_t lag, nanos_t now);

/* Log phase of an HTTP/2 request: whether its stream was reset. */
void shed_saw_stream(const ngx_http_request_t *r);

/* The most connections that waited to be accepted at one listener, as of the last look. */
uint32_t shed_backlog(void);

#endif
