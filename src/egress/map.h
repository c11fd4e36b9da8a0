/* map.h: what the kernel's program and the guard's process share, byte by byte. The room's own;
 * included by both.
 *
 * Of an entry the kernel writes `spent` and `refused`, the process everything else: neither ever
 * overwrites the other's words, so that no lock is needed and either may die at any instruction.
 * `spent` only grows, but for additions that are taken back at once; what may still leave is
 * `ceiling` - `spent`.
 */
#ifndef ECLUSE_EGRESS_MAP_H
#define ECLUSE_EGRESS_MAP_H

#include <linux/types.h>

enum {
    EGRESS_LAYOUT = 2,
    EGRESS_ACCOUNTS = 16, /* budgets of bytes_out in one contract */
    EGRESS_CHARGES = 8,   /* of these, how many may apply to one packet */
    EGRESS_NAME_SIZE = 64,
    EGRESS_HOSTS = 65536, /* hosts and pairs that are counted each for itself */
    EGRESS_FLOWS = 262144,
    EGRESS_ATTEMPTS = 131072,
    EGRESS_FRAGMENTS = 8192,
    EGRESS_PREFIXES = 16384,
    EGRESS_LISTS = 64, /* at least CLASS_COUNT * BY_COUNT, and a power of two for the verifier */
};

/* Classes of destinations, as the program numbers them: those of the contract from CLASS_FIRST on.
 */
enum { CLASS_UNLISTED, CLASS_INSIDE, CLASS_FIRST, CLASS_COUNT = CLASS_FIRST + 16 };

enum { BY_INSIDE, BY_OUTSIDE, BY_COUNT }; /* who began the connection */

/* Whether frames begin with a link header, and whether its addresses are the hosts' (loopback's are
 * nobody's). */
enum { LINK_NONE, LINK_HOSTS, LINK_HEADER };

enum { PER_HOST, PER_PAIR, PER_EVERYONE };

enum { ENTRY_EVERYONE, ENTRY_NEWCOMERS, ENTRY_FIRST }; /* indices that are always there */

enum { ENTRY_FREE, ENTRY_HOST, ENTRY_PAIR, ENTRY_LEAVING };

/* A link address is 01, nine zero bytes, and itself; otherwise an address, IPv4 as ::ffff:a.b.c.d.
 */
struct egress_host {
    __u8 id[16];
};

struct egress_pair {
    struct egress_host host;
    __u8 to[16];
};

struct egress_account {
    __u64 spent;      /* bytes that left, ever */
    __u64 ceiling;    /* what `spent` may grow to */
    __u64 held_until; /* boot clock; 0: not held */
    __u64 refused; /* bytes over it on connections that proved themselves; at ENTRY_EVERYONE all */
};

struct egress_entry { /* what a packet needs stands in the first two lines */
    struct egress_host host;
    __u32 kind;     /* written last when made */
    __u32 newcomer; /* the entry is new, and pays at ENTRY_NEWCOMERS too */
    __u64 spare;
    struct egress_account account[EGRESS_ACCOUNTS];
    __u64 recorded[EGRESS_ACCOUNTS]; /* how much of `spent` the rings have */
    __u8 to[16];                     /* of a pair */
    __u8 filling[16];                /* to whole lines */
};

struct egress_list { /* the accounts that a packet is charged to */
    __u8 count;
    __u8 index[EGRESS_CHARGES];
};

struct egress_rule {
    __u8 per;
    __u8 spare[7];
    __u64 first; /* what an entry may spend before the process knows of it */
    char name[EGRESS_NAME_SIZE];
};

struct egress_settings {
    __u32 layout;
    __u32 generation; /* of the classes: what a connection remembers of an older one is looked up
                         anew */
    __u64 digest;     /* of everything that a guard would have to change: see config.c */
    __u64 owner;      /* a hash of the `state` that counts */
    __u8 link;        /* LINK_ of the interface */
    __u8 pairs;       /* there is a budget per pair */
    __u8 spare[2];
    __u32 enforced;      /* bit i: account i stops what is over it; the others only notice */
    __u64 deadline;      /* boot clock: after it the process counts as gone */
    __u64 without_guard; /* bytes a second */
    __u64 arrival; /* of without_guard's bucket: the moment at which all that it let through is
                      earned back */
    __u64 wake;    /* the process has been woken and has not looked yet */
    struct egress_list applies[EGRESS_LISTS]; /* [class * BY_COUNT + by] */
    struct egress_rule rule[EGRESS_ACCOUNTS];
};

struct egress_prefix { /* key of a longest-prefix-match trie */
    __u32 bits;
    __u8 address[16];
};

struct egress_flow_key {
    __u8 inside[16], outside[16];
    __u16 inside_port, outside_port; /* network order; 0 where the protocol has none */
    __u32 protocol;
};

struct egress_flow { /* a connection that both sides took part in */
    struct egress_host host;
    __u8 by;
    __u8 spare[3];
    __u16 class;
    __u16 unused;
    __u32 generation;
    __u32 place;       /* of the host's entry, if that is still the host's */
    __u64 bytes;       /* that left */
    __u64 first, last; /* monotonic clock, coarse */
};

enum { ATTEMPT_BEGUN, ATTEMPT_ANSWERED };

struct egress_attempt { /* one that has not proved itself */
    struct egress_host host;
    __u8 by, state;
    __u8 spare[2];
    __u32 begin_sequence, answer_sequence; /* of the SYN, and of the SYN that answered it */
    __u32 alignment;
    __u64 bytes_in, bytes_out;
};

struct egress_fragment_key {
    __u8 from[16], to[16];
    __u32 identification, protocol;
};

#endif
