/* desk_child.h: the child of `ecluse run` that is the operators' desk (desk/desk.h).
 *
 * A user of its own (`ecluse-desk` if there is one, else the service account), in the groups that
 * may read what it shows; confined to `state/access` and `runtime/releases`. The store of parcels,
 * which feeds wrote, is looked at by a process that it starts before it gives up its rights, as the
 * service account.
 */
#ifndef ECLUSE_DESK_CHILD_H
#define ECLUSE_DESK_CHILD_H

#include "cli/rights.h"
#include "contract/contract.h"

struct desk_child {
    char runtime[CONTRACT_PATH_SIZE];
    char state[CONTRACT_PATH_SIZE];
    pid_t parent;
};

struct account account_of_desk(const char *state);

/* The supervisor's part, before each start: folders, segment and ring, each with its owner. */
int desk_prepare(const struct contract *c, struct error *error);

/* In the child, after child_prepare(). */
_Noreturn void desk_exec(const struct desk_child *child);
bool desk_words(int argc, char **argv, struct desk_child *out);
_Noreturn void desk_main(const struct desk_child *child);

#endif
