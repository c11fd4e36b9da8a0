/* unrecorded.h: what may be set up before there is an audit log: the first operator, clients' keys.
 *
 * The first `ecluse run` makes the log, and its first entries say how many of them it found, so
 * that none is there without the log knowing.
 */
#ifndef ECLUSE_UNRECORDED_H
#define ECLUSE_UNRECORDED_H

#include "cli/chronicle.h"
#include "contract/contract.h"

/* Whether some `ecluse run` has made the log under this `state`. */
bool log_was_begun(const char *state);

void unrecorded_say(const struct contract *c, struct chronicle *chronicle);

#endif
