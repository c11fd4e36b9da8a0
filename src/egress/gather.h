/* gather.h: what the kernel knows of a host's connections, summed up as evidence. The room's own.
 */
#ifndef ECLUSE_EGRESS_GATHER_H
#define ECLUSE_EGRESS_GATHER_H

#include "egress/kernel.h"
#include "egress/trail.h"

enum { GATHER_MOST = 16 };

struct gather;

/* NULL without memory. About 1 MB, for as long as the guard runs. */
struct gather *gather_new(void);
void gather_free(struct gather *gather); /* takes NULL */

/* Fills what evidence says of connections, for up to GATHER_MOST at once: one pass over the table
 * of connections, at most EGRESS_FLOWS of them (50 ms when it is full). account[i]: of the budget
 * that holds e[i]; connections that this budget does not count are left out. monotonic and wall:
 * now. */
void gather_connections(struct gather *gather, const struct kernel *k, struct trail *const e[],
                        const unsigned account[], size_t count, nanos_t monotonic, nanos_t wall);

#endif
