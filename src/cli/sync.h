/* sync.h: the thread of `ecluse run` that makes the guards' counts durable, once a second.
 *
 * A thread, since a disk may take many seconds over it, and meanwhile the heartbeat goes on and a
 * panic is answered.
 */
#ifndef ECLUSE_CLI_SYNC_H
#define ECLUSE_CLI_SYNC_H

#include "contract/contract.h"

struct sync;

/* Takes a copy of the contract. */
int sync_start(const struct contract *c, struct sync **out, struct error *error);

/* Another contract is in force: taken up at its next turn. Never waits for the disk. */
void sync_follow(struct sync *sync, const struct contract *c);

/* Syncs once more and ends; waits for at most 5 s, then leaves it to the end of the process. Takes
 * NULL. */
void sync_stop(struct sync *sync);

#endif
