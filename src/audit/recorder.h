/* recorder.h: the one writer: takes what guards handed over, writes it, makes it durable, and says
 * so.
 *
 * State      `state/audit/` the log, and nothing else; `state/keys/` its key (key.h);
 *            `state/record/salts.db` whom entries meant, and `state/record/index.db`, which a
 *            thread of its own keeps (follower.h).
 * A step     takes all acts that wait, at most RECORDER_BATCH; writes entries, tiles and
 *            checkpoint; then frees the rings, and writes the salts. What cannot be written (a full
 *            disk) stays in the rings, and what does not fit there is counted; the count is the
 *            first entry once writing works again.
 * Damage     a log that does not agree with its checkpoint is not written on: recorder_open() fails
 *            with -EBADMSG and says where it is wrong; recorder_set_aside() moves it away, so that
 *            a new one can be begun. Salts that are damaged are moved away at once: they are no
 *            evidence, and the log goes on.
 */
#ifndef ECLUSE_AUDIT_RECORDER_H
#define ECLUSE_AUDIT_RECORDER_H

#include "audit/entry.h"
#include "audit/key.h"
#include "audit/log.h"
#include "audit/salts.h"

enum { RECORDER_BATCH = 8192 };

struct recorder;

int recorder_open(const char *state, const char *runtime, const char *name, struct recorder **out,
                  struct error *error);
void recorder_close(struct recorder *recorder); /* takes NULL */

/* Moves `state/audit` and its index to NAME.damaged-TIME. By root, or whoever owns `state`. */
int recorder_set_aside(const char *state, int64_t wall, struct error *error);

/* One step; returns how many acts became durable, or a negative errno (tried again at the next
 * step). */
long recorder_step(struct recorder *recorder, nanos_t boot, int64_t wall, struct error *error);

/* Erases salts older than `before`, at most RECORDER_EXPIRE at once, with an entry that says so.
 * Returns how many, or a negative errno. */
enum { RECORDER_EXPIRE = 10000 };
long recorder_expire(struct recorder *recorder, int64_t before, int64_t wall, struct error *error);

/* An entry of the recorder's own, written with the next step: `actor` becomes "audit". */
int recorder_say(struct recorder *recorder, struct act act, int64_t wall);

/* Witnesses have cosigned the log up to here, the last of them at this time of the boot clock:
 * for status. */
void recorder_witnessed(struct recorder *recorder, uint64_t size, nanos_t when);

struct audit_log *recorder_log(struct recorder *recorder);
struct salts *recorder_salts(struct recorder *recorder);

#endif
