/* keeper.h: the child of `ecluse run` that looks after the store.
 *
 * Removes parcels older than the contract's `keep: tracking`, builds the filter of live numbers
 * anew when it wants it, and clears the LMDB reader slots of killed processes (opening the store
 * does). It reads what feeds wrote, so it runs as the service account, confined to
 * `state/tracking`; it works only while no `ecluse ingest` holds the writer's lock.
 */
#ifndef ECLUSE_KEEPER_H
#define ECLUSE_KEEPER_H

#include "cli/child.h"

/* Ends only when it is told to, when its parent is gone, or when it cannot work. */
bool keeper_wanted(const struct contract *c);

_Noreturn void keeper_main(const struct child_words *words);

#endif
