/* replay.h: the past, as this contract would have met it.
 *
 * Records of what left (packets of a capture, flows of a log) are given in the order of the input,
 * with the times that they say, and are charged to the contract's budgets of bytes_out as the
 * kernel's program and its process charge live packets: packet.bpf.h, flow.bpf.h and charge.bpf.h
 * are compiled into this very file's implementation, and the counts are the budget room's rings, on
 * files of their own in a folder that the caller gives. Nothing of the contract's `state` and
 * `runtime` is read or written.
 *
 * Two worlds go through the record side by side. In the observed one nothing is ever stopped: its
 * holds are those that a guard in observe would have noted. In the enforced one what is over is
 * stopped, is not counted, and its host is held: what went there is what would have left. In both,
 * `mode: observe` of a single budget stays what it is; the contract's own `mode` is not asked.
 *
 * Time     the record's own. It never runs backwards here: a record that is dated earlier than the
 *          one before counts as of that one's time. A record that is more than REPLAY_JUMP
 *          ahead waits for the next one: if that is far behind it, it counts as of the time
 * reached. Flows    are told at their end. Their bytes are spread evenly over their duration, in
 * parts of at most a tenth of the shortest window and a thousandth of the smallest limit, and wait,
 *          REPLAY_WAITING flows of them for REPLAY_PATIENCE, until everything before them is known.
 *          What comes later than that is counted in the windows it belongs to, and can begin a hold
 *          only then.
 * Memory   fixed: every table is bounded, and says in the report what it had no room for.
 * Cost     bench/replay.
 */
#ifndef ECLUSE_EGRESS_REPLAY_H
#define ECLUSE_EGRESS_REPLAY_H

#include "base/base.h"
#include "contract/contract.h"

#define REPLAY_JUMP     NANOS_HOUR
#define REPLAY_PATIENCE NANOS_DAY

enum {
    REPLAY_WAITING = 1 << 20, /* flows that wait for their time */
    REPLAY_ROWS = 65536,      /* of hosts and weeks */
    REPLAY_HOLDS = 10000,     /* told singly */
};

struct replay;

/* ---- Records --------------------------------------------------------------------------------- */

struct replay_frame { /* one packet */
    nanos_t time;     /* since 1970 */
    const uint8_t *data;
    uint32_t captured, length; /* bytes at `data`; bytes that it had on the line */
    bool link;                 /* it begins with an Ethernet header; else `data` is an IP packet */
};

struct replay_flow { /* one connection, as a log tells it */
    nanos_t start, end;
    uint8_t from[16], to[16]; /* who began it, as the log has it; IPv4 mapped */
    uint8_t from_link[6], to_link[6];
    bool has_link;
    uint64_t bytes_from, bytes_to;
    uint64_t packets_from, packets_to;
    uint8_t protocol;
    bool began_known;             /* that it was `from` who began is certain */
    bool established;             /* of TCP: the handshake was completed */
    bool from_local, local_known; /* what the log says where no address is `inside` */
};

/* ---- What came of it ------------------------------------------------------------------------- */

struct replay_who { /* as in map.h: a link address is 01, nine zero bytes, and itself */
    uint8_t id[16];
};

struct replay_hold {
    nanos_t since, until;  /* wall clock of the record */
    struct replay_who who; /* all zero: newcomers */
    uint8_t to[16];        /* the destination that met the limit */
    int16_t budget;
    uint8_t window;
    uint64_t used, limit;
};

struct replay_row { /* a host in a week */
    struct replay_who who;
    nanos_t week; /* Monday 00:00 UTC; its end for those that had no row */
    uint64_t left, would_have_left;
    uint32_t holds;
};

struct replay_sum {
    uint64_t packets; /* of a capture; flows of a log */
    uint64_t left, would_have_left;
};

enum { REPLAY_CLASSES = 2 + CONTRACT_MAX_CLASSES };

struct replay_report {
    uint64_t frames, flows;
    nanos_t first, last; /* of the record; equal 0 when there was nothing */
    /* [0] unlisted, [2 + i] the contract's class i; [][1] begun outside */
    struct replay_sum sum[REPLAY_CLASSES][2];
    struct replay_sum uncharged; /* of these, to which no budget applies */
    uint64_t holds, holds_enforced;
    struct replay_hold *hold; /* the first REPLAY_HOLDS */
    size_t hold_count;
    struct replay_row *row; /* by week, the largest first */
    size_t row_count;
    uint64_t inside, elsewhere; /* packets and flows that stay inside; with no end inside */
    uint64_t backwards;         /* records dated before the one before them */
    nanos_t backwards_most;
    uint64_t jumps;                     /* ahead, that the next record did not confirm */
    uint64_t late;                      /* bytes of flows that were told too late */
    uint64_t forgotten;                 /* connections that the table had no room for */
    uint64_t no_place, no_row, no_slot; /* hosts' and pairs' entries; rows; slots for holds */
    uint64_t unreadable;                /* frames whose headers are cut off or make no sense */
};

/* `folder` is private and empty; once this has returned it is not looked at again, and is the
 * caller's to remove. The contract is copied.
 * -E2BIG when it has more budgets of bytes_out than the kernel's program can charge, -EINVAL when
 * it has none, another negative errno when the folder cannot be written. */
int replay_open(const struct contract *contract, const char *folder, struct replay **out,
                struct error *error);

void replay_frame(struct replay *r, const struct replay_frame *frame);
void replay_flow(struct replay *r, const struct replay_flow *flow);

/* What has been counted so far, without lists: for a progress bar. */
const struct replay_report *replay_so_far(const struct replay *r);

/* Everything that waited is counted; good until replay_close(). */
const struct replay_report *replay_end(struct replay *r);

void replay_close(struct replay *r); /* takes NULL */

#endif
