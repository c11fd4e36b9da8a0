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
 * Memory    struct keyring is plain and fixed: 2.3 kB.
 */
#ifndef ECLUSE_KEYRING_H
#define ECLUSE_KEYRING_H

#include "base/base.h"

enum { KEYRING_MAX = 48, KEYRING_KEEP_DAYS = 31, KEY_SIZE = 32, MAC_SIZE = 16 };

struct keyring {
    struct hash_key salt; /* for keyed hashes of networks: the same as long as the file lives */
    uint32_t count;       /* oldest first; 0: none is loaded, nothing verifies, nothing is signed */
    uint16_t name[KEYRING_MAX]; /* how tokens name a key: taken from the key, distinct in a file */
    int64_t from[KEYRING_MAX];  /* seconds since 1970 */
    uint8_t key[KEYRING_MAX][KEY_SIZE];
};

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

/* BLAKE2b-128 under a key (libsodium): for what is kept for weeks. */
void keyring_mac(const struct keyring *ring, int key, const uint8_t *bytes, size_t length,
                 uint8_t out[MAC_SIZE]);

/* SipHash-2-4-128 under a key, five times as fast: for what lives two minutes, and is written in
 * every challenge page. */
void keyring_quick_mac(const struct keyring *ring, int key, const uint8_t *bytes, size_t length,
                       uint8_t out[MAC_SIZE]);

/* Keyed hashes of the network an address (IPv4 mapped) is in. near: /24, IPv6 /48, never 0, for
 * the gate's order and budgets of issue. wide: /16, IPv6 /48, which tokens are bound to. */
uint64_t keyring_near(const struct keyring *ring, const uint8_t address[16]);
uint32_t keyring_wide(const struct keyring *ring, const uint8_t address[16]);

void keyring_wipe(struct keyring *ring);

#endif
