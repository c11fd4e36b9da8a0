/* local_who.h: who is charged for files, as people name them: a user, a process tree, a share.
 *
 * A segment knows a user by number and a tree with a long name by a hash; names come from the
 * machine's accounts, and from the evidence of a hold, which only root may read.
 */
#ifndef ECLUSE_CLI_LOCAL_WHO_H
#define ECLUSE_CLI_LOCAL_WHO_H

#include "status/situation.h"

/* "user bob", "user 12345", "12345", "process session-3.scope", "share exchange", as typed. False
 * for anything else, and for a user whom this machine does not know by that name. */
bool local_who_read(const char *typed, struct principal *out);

enum { LOCAL_WHO_SIZE = 320 };

/* "user bob (12345)"; other kinds as principal_text(). */
char *local_who_text(const struct principal *p, char out[LOCAL_WHO_SIZE]);

/* The same of a hold; a process tree by its name and its user, where whoever asks may see them:
 * "process session-3.scope of bob (12345)". */
char *local_who_held(const struct situation *s, const struct hold *hold, char out[LOCAL_WHO_SIZE]);

#endif
