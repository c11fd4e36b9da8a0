/* last_contract.h: the text of the contract that was last in force, in `state`.
 *
 * What guards work by lies in `runtime` and is gone after a reboot. If the contract's file has a
 * mistake just then, `ecluse run` starts from `state/contract.last` (0600, ours), and takes up the
 * file once it is right.
 */
#ifndef ECLUSE_LAST_CONTRACT_H
#define ECLUSE_LAST_CONTRACT_H

#include "contract/contract.h"

/* After `live` came into force: the file's text is kept if it still says `live`. A failure is
 * logged. */
void last_contract_keep(const char *file, const struct contract *live);

/* The contract of `file`. If it has mistakes, which are said on standard error then, the one
 * that was last in force in its `state`, and *from_last is true. Owned; NULL when there is none,
 * and everything has been said. */
struct contract *last_contract_load(const char *file, bool *from_last);

#endif
