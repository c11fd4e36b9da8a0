/* log.h: the audit log's files and their one writer.
 *
 * Folder     `state/audit/`: `checkpoint`, `tile/entries/...`, `tile/LEVEL/...`, and nothing else.
 * Order      entries and tiles are written, then synced with the folders that name them, then the
 *            checkpoint by rename, then its folder: a checkpoint never says more than is on the
 *            disk. What lies beyond it is the rest of a write that was cut off; it is written over
 *            by the next.
 * Durable    audit_log_commit() returns 0 once the checkpoint that covers the entries is on the
 *            disk. Two rounds of syncs.
 * Full disk  commit fails, the staged entries are kept and can be committed later; nothing
 *            half-written is believed.
 * One writer flock on the folder; -EBUSY.
 * Cost       bench/audit.
 */
#ifndef ECLUSE_AUDIT_LOG_H
#define ECLUSE_AUDIT_LOG_H

#include "audit/note.h"
#include "audit/tile.h"

struct audit_log;

/* Opens the log in `folder` (made if absent), which must be signed by this key or be empty, and
 * whose last tiles must agree with its checkpoint: -EBADMSG otherwise, with the place in *error
 * (also when a file that it needs is missing). The origin is the key's name. Reads a few tiles,
 * whatever the size. */
int audit_log_open(const char *folder, const struct signer_key *key, struct audit_log **out,
                   struct error *error);
/* The same for a log whose key was rotated: its last checkpoint may be signed by a former key;
 * the next one is signed by `key`. */
int audit_log_open_former(const char *folder, const struct signer_key *key,
                          const struct verifier_key *former, size_t count, struct audit_log **out,
                          struct error *error);

/* Whether the last checkpoint is signed by a former key; *former (may be NULL) receives its id. */
bool audit_log_key_is_new(const struct audit_log *log, uint32_t *former);

void audit_log_close(struct audit_log *log); /* takes NULL; what was not committed is lost */

/* Stages an entry in memory and returns its index, or -EMSGSIZE, -ENOMEM. */
int64_t audit_log_stage(struct audit_log *log, struct text entry);
size_t audit_log_staged(const struct audit_log *log);

/* Makes all staged entries durable: 0 or a negative errno with *error; staged entries are then
 * still staged. */
int audit_log_commit(struct audit_log *log, struct error *error);

const char *audit_log_origin(const struct audit_log *log); /* its key's name */
uint64_t audit_log_size(const struct audit_log *log);      /* durable entries */

/* The signed checkpoint as it is on the disk; borrowed until the next commit. */
struct text audit_log_checkpoint(const struct audit_log *log);

/* Adds the signature lines of cosigners to the checkpoint on the disk. `lines` must belong to a
 * checkpoint of the present size and have been verified. */
int audit_log_cosigned(struct audit_log *log, uint64_t size, struct text lines,
                       struct error *error);

#endif
