#include "front/shed_look.h"
#include "front/front.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

enum {
    TICKS = 10,            /* that are looked back upon */
    TICKS_LATE = 3,        /* of them, by LATE or more: the loop lags */
    RESETS_A_SECOND = 100, /* of one connection: no browser gives up so often */
    RESETS_OF_ALL = 2000,  /* a second: work thrown away, which is pressure itself */
    RESETTERS = 1024,
    LISTENER_TICKS = 3 /* the kernel is asked every third tick */
};

#define LATE (50 * NANOS_MILLISECOND)

/* ---- Streams --------------------------------------------------------------------------------- */

/* A place each by the connection's number, which no other has had before it. */
static struct resetter {
    ngx_atomic_uint_t number;
    ngx_connection_t *connection;
    uint32_t second, resets;
} resetters[RESETTERS];

static uint32_t resets_second, resets_of_all, resets_last, next_resetter;

static uint32_t this_second(void)
{
    return (uint32_t)(ngx_current_msec / 1000);
}

void shed_saw_stream(const ngx_http_request_t *r)
{
    if (!r->connection->error)
        return;
    ngx_connection_t *c = r->stream->connection->connection;
    struct resetter *at = &resetters[c->number % RESETTERS];
    uint32_t second = this_second();
    if (at->number != c->number || at->second != second)
        *at = (struct resetter){c->number, c, second, 0};
    at->resets++;
    if (resets_second != second) {
        resets_last = resets_second + 1 == second ? resets_of_all : 0;
        resets_second = second;
        resets_of_all = 0;
    }
    resets_of_all++;
}

ngx_connection_t *shed_next_resetter(void)
{
    uint32_t second = this_second();
    while (next_resetter < RESETTERS) {
        struct resetter *at = &resetters[next_resetter++];
        if (at->resets < RESETS_A_SECOND || second - at->second > 1)
            continue;
        at->resets = 0;
        if (at->connection->number == at->number)
            return at->connection;
    }
    next_resetter = 0;
    return NULL;
}

static bool many_resets(void)
{
    uint32_t age = this_second() - resets_second;
    return (age <= 1 && resets_of_all >= RESETS_OF_ALL) ||
           (age == 0 && resets_last >= RESETS_OF_ALL);
}

/* ---- Loop, connections, listeners ------------------------------------------------------------ */

static uint32_t backlog;

uint32_t shed_backlog(void)
{
    return backlog;
}

/* Of a listening socket the kernel tells its queue in fields that mean other things elsewhere
 * (tcp_get_info() in net/ipv4/tcp.c, since Linux 2.6.24): its length, and the most it may be. */
static bool look_at_listeners(void)
{
    const ngx_listening_t *listening = ngx_cycle->listening.elts;
    bool full = false;
    backlog = 0;
    for (ngx_uint_t i = 0; i < ngx_cycle->listening.nelts; i++) {
        struct tcp_info info;
        socklen_t size = sizeof info;
        if (listening[i].handler != ngx_http_init_connection ||
            listening[i].fd == (ngx_socket_t)-1 ||
            getsockopt(listening[i].fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ||
            info.tcpi_state != TCP_LISTEN)
            continue;
        if (info.tcpi_unacked > backlog)
            backlog = info.tcpi_unacked;
        full = full || (info.tcpi_sacked && 2 * info.tcpi_unacked > info.tcpi_sacked);
    }
    return full;
}

unsigned shed_pressure(nanos_t lag, nanos_t now)
{
    static uint32_t late_ticks, tick;
    static bool full;
    (void)now;
    tick++;
    late_ticks = (late_ticks << 1 | (lag > LATE)) & ((1u << TICKS) - 1);
    if (tick % LISTENER_TICKS == 0)
        full = look_at_listeners();
    ngx_uint_t used = ngx_cycle->connection_n - ngx_cycle->free_connection_n;
    return (used * 4 > ngx_cycle->connection_n * 3 ? SHED_FOR_CONNECTIONS : 0) |
           (__builtin_popcount(late_ticks) >= TICKS_LATE ? SHED_FOR_LAG : 0) |
           (full ? SHED_FOR_BACKLOG : 0) | (many_resets() ? SHED_FOR_STREAMS : 0);
}
