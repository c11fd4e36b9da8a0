/* desk_child.h: the child of `ecluse run` that is the operators' desk (desk/desk.h).
 *
 * A user of its own (`ecluse-desk` if there is one, else the service account), in the groups that
 * may read what it shows; confined to `state/access` and `runtime/releases`. The store of parcels,
 * which feeds wrote, is looked at by a process that it starts before it gives up its rights, as the
 * service account.
 */
#ifndef ECLUSE_DESK_CHILD_H
#define ECLUSE_DESK_CHILD_H

#include "cli/child.h"
#include "cli/rights.h"
#include "contract/contract.h"

struct account account_of_desk(const char *state);

bool desk_wanted(const struct contract *c);
uint64_t desk_fixed(const struct contract *c);

/* The supervisor's part, before each start: folders, segment and ring, each with its owner. */
int desk_prepare(const struct contract *c, struct error *error);

_Noreturn void desk_main(const struct child_words *words);

#endif
