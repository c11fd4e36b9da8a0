/* salts.h: whom the entries meant, kept outside the log and for a while only.
 *
 * `state/record/salts.db` (SQLite), mode 0600 of the audit user. It is personal data: each row has
 * the day on which it is to be erased, and the erasing is an entry of the log itself. It is no
 * evidence: the log's commitment shows whether a row is true.
 */
#ifndef ECLUSE_AUDIT_SALTS_H
#define ECLUSE_AUDIT_SALTS_H

#include "audit/entry.h"

struct salts;

int salts_open(const char *path, struct salts **out, struct error *error);
void salts_close(struct salts *salts); /* takes NULL */

/* Rows are added between begin and commit, one transaction a batch of the log. */
int salts_begin(struct salts *salts);
int salts_add(struct salts *salts, uint64_t index, enum entry_role role,
              const uint8_t salt[ENTRY_SALT_SIZE], struct text name, int64_t at);
int salts_commit(struct salts *salts);
void salts_rollback(struct salts *salts);

/* The name that entry `index` meant, whose commitment ("c1:...") stands in it; false when it
 * never had one, it has been erased, or what is kept is not what the entry committed to. */
bool salts_name(struct salts *salts, uint64_t index, enum entry_role role, struct text commitment,
                char *name, size_t size);

/* Erases what is older than `before` (wall clock, nanoseconds), at most `most` rows. Returns how
 * many, and the first and last entry they belonged to; or a negative errno. */
long salts_erase(struct salts *salts, int64_t before, unsigned most, uint64_t *first,
                 uint64_t *last);

/* Erases those of one entry, at a person's request. Returns how many. */
long salts_erase_entry(struct salts *salts, uint64_t index);

#endif
