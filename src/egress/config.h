/* config.h: a contract as the kernel's program wants it. The room's own. */
#ifndef ECLUSE_EGRESS_CONFIG_H
#define ECLUSE_EGRESS_CONFIG_H

#include "contract/contract.h"
#include "egress/map.h"

#include <stddef.h>

struct class_prefix {
    struct egress_prefix prefix;
    uint32_t class;
};

struct egress_config {
    struct egress_settings settings;
    int16_t budget[EGRESS_ACCOUNTS]; /* index into the contract's budgets, -1: the account is not in
                                        use */
    size_t prefix_count;
    struct class_prefix prefix[2 * CONTRACT_MAX_PREFIXES * (CONTRACT_MAX_CLASSES + 1)];
};

/* link: LINK_HOSTS, ... of the interface. -E2BIG with *error when the contract has more budgets of
 * bytes_out than the program can charge. Large: allocate it. */
int config_make(const struct contract *contract, uint8_t link, struct egress_config *out,
                struct error *error);

/* Which `state` the programs count for: one that counts for another is not ours. */
uint64_t config_owner(const struct contract *contract);

/* Which accounts stop something, as modes are now: bit i for account i. */
uint32_t config_enforced(const struct egress_config *config, const struct contract *contract,
                         enum mode mode);

#endif
