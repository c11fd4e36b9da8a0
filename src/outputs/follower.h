/* follower.h: the audit log, entry by entry, from where an output had come to.
 *
 * The log is the queue: nothing is copied, and an output that was down goes on where it stopped. Over FOLLOWER_BEHIND_MOST entries
 * behind, the older ones are skipped and counted. An output that is new begins with the last FOLLOWER_AT_FIRST.
 *
 * Order     follower_next(), tell it, follower_told(). What was given and not told is given again.
 * Damage    an entry that cannot be read is tried again FOLLOWER_TRIES times, then its bundle's rest is skipped and counted.
 */
#ifndef ECLUSE_FOLLOWER_H
#define ECLUSE_FOLLOWER_H

#include "audit/reader.h"
#include "outputs/cursor.h"

enum { FOLLOWER_BEHIND_MOST = 1000000, FOLLOWER_AT_FIRST = 1000, FOLLOWER_TRIES = 10 };

struct follower;

/* `folder` is the log's, `cursor` the file of how far this output has come. Never fails for want of a log: it may come later. */
int follower_new(const char *folder, const char *cursor, struct follower **out,
                 struct error *error);
void follower_free(struct follower *follower); /* takes NULL; saves nothing */

/* 1 with the next entry, borrowed until the next call; 0 when there is none now; a negative errno when the log cannot be read. */
int follower_next(struct follower *follower, uint64_t *index, struct text *entry,
                  struct error *error);
/* Takes up what was written since; follower_next() alone looks at what was known. */
int follower_refresh(struct follower *follower, struct error *error);

void follower_told(struct follower *follower);

/* Makes durable how far it came, when that has changed. */
int follower_save(struct follower *follower, struct error *error);

uint64_t follower_behind(const struct follower *follower);
uint64_t follower_skipped(const struct follower *follower);

/* Of the log's checkpoint; "" before there is one. */
const char *follower_origin(const struct follower *follower);

#endif
