/* keyring.h: the keys that passes, tickets and puzzles are signed with.
 *
 * One text file (contract: `passes: {keys: FILE}`, by default `state/front/pass.keys`), written by
 * `ecluse run` alone and read by the nginx workers: 0640, root and the workers' group. It holds one
 * salt, which stays, and several keys, each with the time from which it signs:
 *
 *   ecluse pass keys 1
 *   salt 32 hexadecimal digits
 *   key 64 hexadecimal digits FROM          FROM in seconds since 1970
 *
 * Overlap   the newest key whose time has come signs; every key of the file verifies. The next key
 *           is in the file one whole `rotate` before it signs: two fronts that are given copies of
 *           the file accept each other's tokens as long as a copy is younger than that.
 * Rotation  keyring_rotate(): when the last key's time has come, one more is added, and those are
 *           dropped whose successor began to sign more than 31 days ago: a pass lives 30 days from
 *           when it was last signed. A restart or reload changes nothing.
 * Crash     the file is written under another name, synced, renamed: it is old or new, never half.
 * Secrecy   a file that others may read is refused, by the workers and by rotation, with an error
 *           that says what to do. Who has the file can make passes; delete it, and all are void.
 * Cost      reading: a few microseconds, about once a week; choosing a key: a scan of 16-bit names.
 * Memory    struct keyring is plain and fixed: 3 kB.
 */
#ifndef ECLUSE_KEYRING_H
#define ECLUSE_KEYRING_H

#include "contract/contract.h"
#include "gate/token.h"

enum { KEYRING_MAX = 48, KEYRING_KEEP_DAYS = 31, KEY_SIZE = 32, MAC_SIZE = 16 };

struct keyring {
    struct hash_key salt; /* for keyed hashes of networks: the same as long as the file lives */
    uint32_t count;       /* oldest first; 0: none is loaded, nothing verifies, nothing is signed */
    uint16_t name[KEYRING_MAX]; /* how tokens name a key: taken from the key, distinct in a file */
    int64_t from[KEYRING_MAX];  /* seconds since 1970 */
    uint8_t key[KEYRING_MAX][KEY_SIZE];
    uint8_t quick[KEYRING_MAX][MAC_SIZE]; /* made from the key: SipHash's half of it */
};

/* Where the contract says that the file is, and the folder it is in, where clients' keys lie too
 * (client_key.h). -ENAMETOOLONG. */
enum { KEYRING_PATH_SIZE = CONTRACT_PATH_SIZE + 32 };
int keyring_path(const struct contract *c, char out[KEYRING_PATH_SIZE]);
int keyring_folder(const struct contract *c, char out[KEYRING_PATH_SIZE]);

/* Reads the file. 0; -ENOENT; -EPERM when others may read it; -EBADMSG with the line; or another
 * negative errno. *out is untouched on failure. */
int keyring_read(const char *path, struct keyring *out, struct error *error);

/* Makes the file, or adds and drops keys if that is due. now in seconds since 1970; `group` may
 * read it (-1: nobody else). 0: nothing was due; 1: written. -EPERM and -EBADMSG leave the file as
 * it is: somebody has to look. */
int keyring_rotate(const char *path, int64_t now, int64_t rotate_seconds, int group,
                   struct error *error);

/* Index of the key that signs now, of the key so named; -1 when there is none. */
int keyring_signs(const struct keyring *ring, int64_t now);
int keyring_named(const struct keyring *ring, uint16_t name);

/* How a token is signed. SEAL_KEPT: BLAKE2b-128, for what is kept for weeks. SEAL_QUICK:
 * SipHash-2-4-128, five times as fast, for what lives some minutes and goes with every page. */
enum seal { SEAL_KEPT, SEAL_QUICK };

/* The MAC of `length` bytes under a key of the ring. */
void keyring_mac(const struct keyring *ring, int key, enum seal seal, const uint8_t *bytes,
                 size_t length, uint8_t out[MAC_SIZE]);

/* Every token is: kind, name of the key (2 bytes), its content, MAC over all of these. */
enum { TOKEN_HEAD = 3 };

/* Signs token[0..length), whose content is set, with the key of now, and writes its text. Returns
 * the text's length; 0 when no key signs. */
size_t keyring_seal(const struct keyring *ring, enum token_kind kind, enum seal seal, int64_t now,
                    uint8_t *token, size_t length, char *text);

/* The token of a text: TOKEN_NONE, with its bytes and the index of its key; else token[] holds
 * anything. */
enum token_fault keyring_unseal(const struct keyring *ring, enum token_kind kind, enum seal seal,
                                struct text text, uint8_t *token, size_t length, int *key);

/* Keyed hashes of the network an address (IPv4 mapped) is in. near: /24, IPv6 /48, never 0, for
 * the gate's order and budgets of issue. wide: /16, IPv6 /48, which tokens are bound to. */
uint64_t keyring_near(const struct keyring *ring, const uint8_t address[16]);
uint32_t keyring_wide(const struct keyring *ring, const uint8_t address[16]);

void keyring_wipe(struct keyring *ring);

#endif
