/* replay_kernel.h: the kernel's program, compiled for this side: what a packet is, on which
 * connection, who began it, and whether its accounts have room. The room's own.
 *
 * packet.bpf.h, flow.bpf.h and charge.bpf.h are included as they are, with what they call of the
 * kernel (maps, clocks, a packet's bytes) made here of bounded tables and the record's time.
 */
#ifndef ECLUSE_EGRESS_REPLAY_KERNEL_H
#define ECLUSE_EGRESS_REPLAY_KERNEL_H

#include "egress/config.h"
#include "egress/replay.h"

struct replay_tables; /* connections, attempts, fragments, classes */

int replay_tables_make(const struct egress_config *config, struct replay_tables **out);
void replay_tables_free(struct replay_tables *t); /* takes NULL */
uint64_t replay_tables_forgotten(const struct replay_tables *t);

enum replay_way {
    REPLAY_OUT,
    REPLAY_IN,        /* noted for who began; nothing is charged */
    REPLAY_INSIDE,    /* both ends are inside, or it stays on the link */
    REPLAY_ELSEWHERE, /* neither end is inside */
    REPLAY_UNREADABLE
};

struct replay_sight {
    enum replay_way way;
    struct egress_host host;
    uint8_t to[16];
    uint32_t class;
    uint32_t bytes;
    uint8_t by;
    bool proven;
    uint32_t *place; /* where the connection remembers its host's entry; NULL without connection */
};

/* now: any clock that does not run backwards. */
void replay_frame_look(struct replay_tables *t, const struct replay_frame *frame, nanos_t now,
                       struct replay_sight *out);

/* The class of a destination (CLASS_INSIDE too), by longest prefix. */
uint32_t replay_class_of(const struct replay_tables *t, const uint8_t address[16]);

struct replay_toll { /* a packet, or a part of a flow, before the accounts of one world */
    struct egress_settings *settings;
    struct egress_entry *entries;
    uint32_t host, pair; /* indices; the same when no budget is per pair */
    uint32_t list;       /* class * BY_COUNT + by */
    uint32_t bytes;
    bool proven;
    nanos_t now;
};

/* Which accounts have no room for it: bit i for account i. */
uint32_t replay_toll_over(const struct replay_toll *toll);

/* Puts it on all its accounts if nothing that is enforced is in the way; whether it goes. */
bool replay_toll_take(const struct replay_toll *toll);

#endif
