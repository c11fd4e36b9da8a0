/* client_key.h: signed requests of partners' programs, which cannot solve a challenge.
 *
 * Header   Ecluse-Key: ID:UNIXTIME:SIGNATURE
 *          SIGNATURE = HMAC-SHA256(secret, METHOD "\n" TARGET "\n" UNIXTIME), in lower-case
 *          hexadecimal; TARGET is the path with its query just as it stands in the request line;
 *          UNIXTIME is within 60 s of our clock. The key of the HMAC is the text of the secret as
 *          it was printed: any language can make it (docs/keys.md: curl and openssl, Python).
 * Secret   64 hexadecimal digits, made from a master and the id: nothing secret is kept for each
 *          key, and it is printed once, when it is issued.
 * Files    beside the pass keys: `client.master` (64 hexadecimal digits; 0640 like the pass keys,
 *          and refused like them when others may read it) and `client.keys` (one line a key: ID
 *          NAME LANE CREATED REVOKED, where `-` is no lane, and 0 is not revoked). Written by
 *          `ecluse key` under a lock, whole or not at all; read again by workers within a second.
 * Replay   the same signed request may be sent again for a minute: whoever can read it on its way
 *          can read its answer too. Signed requests go over TLS.
 * Cost     client_key_check(): under 1 us for a short target (bench/tokens): what HMAC can do
 *          before it sees the message is done when the file is read.
 */
#ifndef ECLUSE_CLIENT_KEY_H
#define ECLUSE_CLIENT_KEY_H

#include "gate/standing.h"

#include <stdint.h>

enum {
    CLIENT_KEY_MAX = 1024,
    CLIENT_KEY_ID_LENGTH = 12, /* of a-z and 2-7 */
    CLIENT_KEY_NAME_SIZE = 64,
    CLIENT_KEY_SECRET_LENGTH = 64,
    CLIENT_KEY_SKEW_SECONDS = 60,
    CLIENT_KEY_TARGET_MAX = 8192
};

struct client_key {
    char id[CLIENT_KEY_ID_LENGTH + 1];
    char name[CLIENT_KEY_NAME_SIZE]; /* letters a to z, digits, dots, hyphens, underscores */
    char lane[LANE_NAME_SIZE];       /* "" */
    int64_t created, revoked;        /* seconds since 1970; revoked 0: it is good */
};

struct client_keys; /* those of one folder, as read */

/* Reads both files. No key issued yet is no error: none will verify. -EPERM when others may read
 * the master, -EBADMSG with the line. *out untouched on failure. */
int client_keys_read(const char *folder, struct client_keys **out, struct error *error);
void client_keys_free(struct client_keys *keys); /* takes NULL */

size_t client_keys_count(const struct client_keys *keys); /* takes NULL */
const struct client_key *client_keys_at(const struct client_keys *keys, size_t i);

/* Whether the header's value signs this request. TOKEN_NONE sets *out, which lives as long as
 * `keys`; so does TOKEN_REVOKED. now in seconds since 1970. */
enum token_fault client_key_check(const struct client_keys *keys, struct text header,
                                  struct text method, struct text target, int64_t now,
                                  const struct client_key **out);

/* What the key is to the gate's tables and to principal_pass(). */
void client_key_principal(const struct client_key *key, uint8_t id[16], uint64_t *hash);

/* The header's value for a request, for those who hold a secret: tests, benchmarks, `ecluse`
 * itself. Returns its length, or 0 when it does not fit. */
size_t client_key_sign(const char *id, const char *secret, struct text method, struct text target,
                       int64_t now, char *out, size_t size);

/* What a lane may be called: 1 to 31 letters a to z, digits, dots, dashes and underscores. */
bool lane_name_is_allowed(struct text name);

/* ---- What the command does ------------------------------------------------------------------- */

/* Adds a key and its secret; makes the master if there is none. `group` may read the files (-1:
 * nobody else). -EINVAL when a name or lane is not allowed, -EEXIST when a good key has that name,
 * -ENOSPC when there are CLIENT_KEY_MAX. */
int client_key_issue(const char *folder, struct text name, struct text lane, int64_t now, int group,
                     struct client_key *out, char secret[CLIENT_KEY_SECRET_LENGTH + 1],
                     struct error *error);

/* Whether that would be done: 0, or why not. */
int client_key_may_issue(const char *folder, struct text name, struct text lane,
                         struct error *error);

/* -ENOENT for no such id, -EALREADY when it is revoked; *out (may be NULL) is the key. */
int client_key_revoke(const char *folder, struct text id, int64_t now, int group,
                      struct client_key *out, struct error *error);

#endif
