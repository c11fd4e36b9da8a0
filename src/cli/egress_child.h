/* egress_child.h: the child of `ecluse run` that counts and stops bytes out (egress/egress.h).
 *
 * It waits for the interface of `network.interface`, loads and attaches the kernel's programs as
 * root, and gives up its rights: a user of its own (account_of_egress()), in the workers' group so
 * that it may read `runtime/releases`; confined to `state/egress`, and to elements of maps that are
 * open. A contract that needs other programs ends it with EGRESS_AGAIN, and the next one makes
 * them.
 *
 * When it ends, programs stay on the interface: the kernel goes on with what was left of each
 * budget, then with `without_guard`. Only a contract without `network` (or with another interface),
 * which is an audit entry, takes them off, and `ecluse detach`.
 */
#ifndef ECLUSE_EGRESS_CHILD_H
#define ECLUSE_EGRESS_CHILD_H

#include "cli/child.h"

/* exit status: the contract wants other programs, or the interface is another one; start me again
 */
enum { EGRESS_AGAIN = 4 };

bool egress_wanted(const struct contract *c);

/* The supervisor's part: before each start `state/egress` and its owner; when the contract has no
 * `network` (any more), what an earlier contract left on interfaces and in `state/egress`. */
int egress_begin(const struct contract *c, struct error *error);
void egress_unwanted(const struct contract *c);

_Noreturn void egress_main(const struct child_words *words);

#endif
