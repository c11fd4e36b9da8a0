/* kernel.h: the program and its maps in the kernel: loaded, attached, found again after a restart.
 * The room's own.
 *
 * The filters hold the program and the program holds the maps, so that both outlive the process; a
 * new process finds them through the interface and goes on where the old one stood. Needs CAP_BPF
 * and CAP_NET_ADMIN (or root), and CAP_SYS_ADMIN to find maps again, only in the calls that load,
 * attach, find and detach.
 */
#ifndef ECLUSE_EGRESS_KERNEL_H
#define ECLUSE_EGRESS_KERNEL_H

#include "egress/config.h"

#include <stdbool.h>

struct kernel {
    int out, in; /* descriptors of the two programs */
    int places, free_places, flows, attempts, classes, news, entry_map, settings_map;
    uint32_t entry_count;
    struct egress_settings *settings; /* mapped: the kernel reads it while we write */
    struct egress_entry *entries;
    void *ring; /* struct ring_buffer */
};

struct kernel_sizes { /* 0 takes the default */
    uint32_t hosts, flows, attempts;
    const struct kernel *old; /* NULL, or whose table of connections is taken over */
};

/* A fresh program with its maps, not attached. */
int kernel_load(const struct egress_config *config, const struct kernel_sizes *sizes,
                struct kernel **out, struct error *error);

/* What an earlier process left on the interface, if it is of this version; -ENOENT otherwise. The
 * caller compares settings->digest with its own. */
int kernel_find(unsigned interface, bool host, struct kernel **out, struct error *error);

/* Puts the programs on the interface, in the place of an earlier one's without a gap. On a
 * gateway's inside interface what leaves is what comes in; on a host's own uplink it is what goes
 * out. */
int kernel_attach(const struct kernel *k, unsigned interface, bool host, struct error *error);
int kernel_detach(unsigned interface, bool host, struct error *error);

/* Who belongs to an address or a pair: index of its entry, or -ENOENT. */
int kernel_place(const struct kernel *k, const struct egress_pair *who, uint32_t *out);

/* Gives a host an entry before its first packet; -ENOSPC when all are taken. */
int kernel_make(const struct kernel *k, const struct egress_host *host);

/* Takes an entry away in two steps: after the first no packet finds it, after the second it may be
 * given anew. A moment must lie between them, for packets that are on their way. */
int kernel_forget(const struct kernel *k, const struct egress_pair *who);
int kernel_give_back(const struct kernel *k, uint32_t index);

/* A descriptor that is readable when the program wants to be looked at, and taking note of it. */
int kernel_waiting(const struct kernel *k);
void kernel_noticed(const struct kernel *k);

void kernel_close(struct kernel *k); /* takes NULL; what is attached stays */

#endif
