/* recorder.h: the one writer: takes what guards handed over, writes it, makes it durable, and says so.
 *
 * State      `state/audit/` the log; `state/keys/audit.key` its secret seed (0600) and `audit.pub` its public half; beside them
 *            `state/audit-index.db` and `state/audit-salts.db`.
 * A step     takes all acts that wait, at most RECORDER_BATCH; writes salts, entries, tiles and checkpoint; then frees the rings. What cannot be
 *            written (a full disk) stays in the rings, and what does not fit there is counted; the count is the first entry
 *            once writing works again.
 * Index      follows the log after each batch, and is caught up when the recorder opens.
 * Damage     a log that does not agree with its checkpoint is not written on: recorder_open() fails and says where it is wrong;
 *            recorder_set_aside() moves it away and begins a new one whose first entry says so.
 */
#ifndef ECLUSE_AUDIT_RECORDER_H
#define ECLUSE_AUDIT_RECORDER_H

#include "audit/entry.h"
#include "audit/index.h"
#include "audit/log.h"
#include "audit/salts.h"

enum { RECORDER_BATCH = 8192 };

struct recorder;

/* Reads the log's key, made on the first call (by root or the audit user): `name` becomes its name and the log's origin. */
int audit_key_load(const char *state, const char *name, struct signer_key *out, struct error *error);

int recorder_open(const char *state, const char *runtime, const char *name, struct recorder **out, struct error *error);
void recorder_close(struct recorder *recorder); /* takes NULL */

/* Moves `state/audit` and its index to NAME.damaged-TIME. */
int recorder_set_aside(const char *state, int64_t wall, struct error *error);

/* One step; returns how many acts became durable, or a negative errno (tried again at the next step). */
long recorder_step(struct recorder *recorder, nanos_t boot, int64_t wall, struct error *error);

/* Erases salts older than `before`, with an entry that says so. */
int recorder_expire(struct recorder *recorder, int64_t before, int64_t wall, struct error *error);

struct audit_log *recorder_log(struct recorder *recorder);
struct index *recorder_index(struct recorder *recorder);
struct salts *recorder_salts(struct recorder *recorder);

#endif
