/* key.h: the log's key, and those that it had before.
 *
 * `state/keys/audit.key`     the secret seed (0600 of the audit user): the log's name on the first
 * line, 64 hexadecimal digits on the second `state/keys/audit.pub`     its public half, as a
 * verifier key: copy it to whoever is to check the log `state/keys/audit.former`  verifier keys
 * that were rotated away, oldest first, one a line
 *
 * A cosigner's key has the same form.
 */
#ifndef ECLUSE_AUDIT_KEY_H
#define ECLUSE_AUDIT_KEY_H

#include "audit/note.h"

enum { AUDIT_FORMER_MAX = 64, KEY_PATH_SIZE = 320 };

enum key_file { KEY_SECRET, KEY_PUBLIC, KEY_FORMER };
char *key_path(const char *state, enum key_file file, char out[KEY_PATH_SIZE]);

/* Reads the log's key, made on the first call (by root or the audit user): `name` becomes its name
 * and the log's origin. */
int audit_key_load(const char *state, const char *name, struct signer_key *out,
                   struct error *error);

/* A key file anywhere, of a log or a cosigner; made if it is not there and `name` is given.
 * -ENOENT, -EPERM when others may read it, -EBADMSG. */
int key_file_load(const char *path, const char *name, enum note_key_type type,
                  struct signer_key *out, struct error *error);

/* Puts a fresh key in the place of the log's, which is added to the former ones first. The files
 * keep their owner. */
int audit_key_rotate(const char *state, struct signer_key *out, struct error *error);

/* Verifier keys of a file, one a line; empty lines and those that begin with # are passed over.
 * Returns how many, or a negative errno: -ENOENT, -E2BIG for more than `most`, -EBADMSG for a line
 * that is none. */
long verifier_keys_load(const char *path, struct verifier_key *out, size_t most,
                        struct error *error);

/* Those of `state/keys/audit.former`: 0 when there is no such file. */
long audit_former_load(const char *state, struct verifier_key out[AUDIT_FORMER_MAX],
                       struct error *error);

#endif
