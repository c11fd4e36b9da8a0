/* key_turn.h: `ecluse run`'s part in the keys of passes: made, and rotated when that is due.
 *
 * Looked at when it starts, when another contract is in force, when the file was removed or looks
 * otherwise (its rights, what it holds), and each hour. What cannot be done (a file that others may
 * read, a damaged one, a full disk) is said, put on the record and told in the bulletin, and
 * touches nothing: workers go on with what they have read (front/keys.h).
 */
#ifndef ECLUSE_CLI_KEY_TURN_H
#define ECLUSE_CLI_KEY_TURN_H

#include "cli/chronicle.h"
#include "status/bulletin.h"

/* Each second. `group` is that of the nginx workers, or -1. True when `bulletin->keys` is another
 * than before. */
bool key_turn(const struct contract *c, int group, struct chronicle *chronicle, nanos_t now,
              struct bulletin *bulletin);

#endif
