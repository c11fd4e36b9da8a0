/* egress.h: bytes that leave: counted and held in the kernel, explained here.
 *
 * Two programs (tc, clsact) see every packet at one interface: a gateway's inside interface, where
 * what leaves comes in, or a host's own uplink (`network.attach`). Each packet is charged to every
 * budget of bytes_out that applies to it (of its host, of its pair of host and destination, of
 * everyone), and is dropped in the same place when one has no room. This process is never in the
 * way of a packet: it looks several times a second at what went, counts it in the budget room's
 * rings (which survive restarts), and writes back what is left.
 *
 * Counted  the frame as it lies on the line, link header and VLAN tags included, each segment of
 *          a large one with headers of its own; a tunnel is what it is outside. Not: preamble and
 *          checksum of the link, ARP, what no router passes on, destinations that are `inside`.
 * Exact    a window admits at most its limit, everyone's too: nothing is taken off it for a hold.
 * Hosts    are link addresses where the interface has them, so that another IP address changes
 *          nothing; behind a router inside, all are one. Hosts that were never seen before today
 *          share one host's budget (known.h). The kernel has EGRESS_HOSTS entries for hosts and
 *          pairs; with none left, the newcomers' common one pays.
 * Begun    who began a connection is decided in flow.bpf.h; what cannot be known counts as begun
 *          inside. Connections that are older than the guard cannot be known.
 * Holds    begin with a refusal on a connection that both sides took part in. Whoever only sends,
 *          without an answer, is dropped over its budget too, but is not held.
 * Gone     without a look for EGRESS_PATIENCE the kernel goes on with what was left, then with
 *          `without_guard` for all together; who is held stays held until its time. A process
 *          that starts again finds programs and counts where they are, if the contract's budgets
 *          and destinations are the same; else it loads anew in their place, and counts first
 *          what the old ones had not told yet.
 * Limits   EGRESS_ACCOUNTS budgets of bytes_out, EGRESS_CHARGES of them on one packet; one
 *          interface. What passes through a proxy on the gateway itself does not cross the
 *          interface with its real destination: guard the proxy's own uplink.
 * Cost     bench/egress.
 * Files    `state/egress/hosts`.
 * Rights   CAP_BPF, CAP_NET_ADMIN, CAP_SYS_ADMIN (to find maps again) to open; afterwards none:
 * maps are worked on by descriptors that are open (Linux 5.19 and newer).
 */
#ifndef ECLUSE_EGRESS_H
#define ECLUSE_EGRESS_H

#include "budget/budget.h"

struct egress;

#define EGRESS_PATIENCE (5 * NANOS_SECOND)

/* Opens the guard's segment (budget_create() made it), finds or loads the programs, writes what is
 * left, and only then attaches. The contract must outlive it. mode: that of a panic, MODE_OBSERVE,
 * else MODE_ENFORCE. Returns 0; 1 when it works but *error
 * says what is not as it should be; or a negative errno with *error: -ENODEV without the interface,
 * -E2BIG for a contract with too many budgets. */
int egress_open(const struct contract *contract, enum mode mode, struct moment moment,
                struct egress **out, struct error *error);

/* A descriptor that is readable when egress_tick() should come at once; otherwise every
 * EGRESS_PACE. Not more often than every EGRESS_PAUSE. */
int egress_descriptor(const struct egress *e);
#define EGRESS_PACE  (250 * NANOS_MILLISECOND)
#define EGRESS_PAUSE (2 * NANOS_MILLISECOND)

/* Counts what went, begins and ends holds, releases, and grants what is left. */
void egress_tick(struct egress *e, struct moment moment);

/* Panic: MODE_OBSERVE stops nothing from now on. */
void egress_set_mode(struct egress *e, enum mode mode);

/* The programs stay: the kernel goes on as `Gone` says. Takes NULL. */
void egress_close(struct egress *e);

/* ---- Another contract, as publish.h says ------------------------------------------------------
 */

/* Whether a guard could work by it: -ENODEV, -E2BIG. */
int egress_check(const struct contract *contract, struct error *error);

int egress_prepare(struct egress *e, const struct contract *next, struct error *error);
void egress_rollback(struct egress *e);

/* In force from now on; true when the programs are as `next` wants them, and it must outlive e.
 * False: other ones are needed, which egress_close() and egress_open() make, with the rights for
 * it. */
bool egress_commit(struct egress *e, const struct contract *next);

/* Tells the supervisor by which contracts this process works (budget/guard.h). */
void egress_tell(struct egress *e, uint64_t prepared, uint64_t running, uint64_t refused);

struct budgets *egress_budgets(struct egress *e); /* for who reports what began and ended */

/* ---- Taking it off ----------------------------------------------------------------------------
 */

/* Takes the programs off an interface, whoever's they are: nothing is counted or stopped there any
 * more. 1 when there were some, 0 when not. */
int egress_remove(const char *interface, struct error *error);

/* Takes programs that count for this contract's `state` off where this contract has none. */
void egress_tidy(const struct contract *contract);

#endif
