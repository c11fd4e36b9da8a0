/* follower.h: the thread that keeps the index up with the log.
 *
 * It reads the log's own files, as anybody does, so that nothing about the index can hold the
 * writer up. A damaged index is made anew, and `state/record/rebuild`, which root may make, asks
 * for that.
 */
#ifndef ECLUSE_AUDIT_FOLLOWER_H
#define ECLUSE_AUDIT_FOLLOWER_H

#include "audit/index.h"

struct follower;

/* `state/record/index.db`. */
char *index_path(const char *state, char *out, size_t size);

/* NULL when there is no memory or thread for it: the log goes on without an index. */
struct follower *follower_start(const char *state);
void follower_stop(struct follower *follower); /* takes NULL */

/* Asks whoever follows to begin anew. */
int follower_ask_rebuild(const char *state, struct error *error);

#endif
