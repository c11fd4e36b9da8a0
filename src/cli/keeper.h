/* keeper.h: the child of `ecluse run` that looks after the store.
 *
 * Removes parcels older than the contract's `keep: tracking`, builds the filter of live numbers
 * anew when it wants it, and clears the LMDB reader slots of killed processes (opening the store
 * does). It reads what feeds wrote, so it runs as the service account, confined to
 * `state/tracking`; it works only while no `ecluse ingest` holds the writer's lock.
 */
#ifndef ECLUSE_KEEPER_H
#define ECLUSE_KEEPER_H

#include "cli/rights.h"
#include "contract/publish.h"

struct keeper {
    char runtime[CONTRACT_PATH_SIZE];
    char state[CONTRACT_PATH_SIZE];
    struct account account;
    pid_t parent;
};

/* In the child, after child_prepare(): begins this program anew as the keeper, since a copy of the
 * supervisor would hold its memory, and whatever lock its other thread held. */
_Noreturn void keeper_exec(const struct keeper *keeper);

/* What the new program was told: "keeper RUNTIME STATE PARENT". False when it is something else. */
bool keeper_words(int argc, char **argv, struct keeper *out);

/* Ends only when it is told to, when its parent is gone, or when it cannot work. */
_Noreturn void keeper_main(const struct keeper *keeper);

#endif
