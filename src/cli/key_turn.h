/* key_turn.h: `ecluse run`'s part in the keys of passes: made, and rotated when that is due.
 *
 * Looked at when it starts, when another contract is in force, when the file was removed, and each
 * hour. What cannot be done
 * (a file that others may read, a damaged one, a full disk) is said and put on the record each
 * hour, and touches nothing: workers go on with what they have read (front/keys.h).
 */
#ifndef ECLUSE_CLI_KEY_TURN_H
#define ECLUSE_CLI_KEY_TURN_H

#include "cli/chronicle.h"

/* Each second. `group` is that of the nginx workers, or -1. */
void key_turn(const struct contract *c, int group, struct chronicle *chronicle, nanos_t now);

#endif
