/* tail.h: the audit log, entry by entry, from where an output had come to.
 *
 * The log is the queue: nothing is copied, and an output that was down goes on where it stopped.
 * Over TAIL_BEHIND_MOST entries behind, the older ones are skipped and counted. An output that is
 * new begins with the last TAIL_AT_FIRST.
 *
 * Order     tail_next(), tell it, tail_told(). What was given and not told is given again.
 * Damage    an entry that cannot be read is tried again TAIL_TRIES times, then its bundle's rest is
 *           skipped and counted.
 */
#ifndef ECLUSE_TAIL_H
#define ECLUSE_TAIL_H

#include "audit/reader.h"
#include "outputs/cursor.h"

enum { TAIL_BEHIND_MOST = 1000000, TAIL_AT_FIRST = 1000, TAIL_TRIES = 10 };

struct tail;

/* `folder` is the log's, `cursor` the file of how far this output has come. Never fails for want of
 * a log: it may come later. */
int tail_new(const char *folder, const char *cursor, struct tail **out,
                 struct error *error);
void tail_free(struct tail *tail); /* takes NULL; saves nothing */

/* 1 with the next entry, borrowed until the next call; 0 when there is none now; a negative errno
 * when the log cannot be read. */
int tail_next(struct tail *tail, uint64_t *index, struct text *entry,
                  struct error *error);
/* Takes up what was written since; tail_next() alone looks at what was known. */
int tail_refresh(struct tail *tail, struct error *error);

void tail_told(struct tail *tail);

/* Makes durable how far it came, when that has changed. */
int tail_save(struct tail *tail, struct error *error);

uint64_t tail_behind(const struct tail *tail);
uint64_t tail_skipped(const struct tail *tail);

/* Of the log's checkpoint; "" before there is one. */
const char *tail_origin(const struct tail *tail);

#endif
