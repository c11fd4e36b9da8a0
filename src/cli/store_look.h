/* store_look.h: the store looked at by a child: feeds wrote it, and a damaged LMDB file kills its
 * reader. */
#ifndef ECLUSE_CLI_STORE_LOOK_H
#define ECLUSE_CLI_STORE_LOOK_H

#include "status/status.h"

/* The child runs as the service's account. One that dies or hangs is a store that is not readable.
 */
void store_look(const struct contract *c, nanos_t wall, struct store_look *out);

#endif
