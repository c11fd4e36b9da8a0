/* hash.h: two hashes for two purposes; neither is for signatures.
 *
 * siphash()       SipHash-1-3 (Aumasson, Bernstein 2012) with a secret key: for tables whose keys attackers choose.
 *                 1-3 rather than 2-4 since nobody sees the output; the Linux kernel and Rust chose the same for tables.
 * hash_checksum() XXH3 of libxxhash: for what disks damage. An attacker can forge it.
 */
#ifndef ECLUSE_HASH_H
#define ECLUSE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
    uint64_t k0, k1;
};

/* A fresh key from getrandom(2); never fails (it waits for the pool once after boot). */
struct hash_key hash_key_random(void);

uint64_t siphash(struct hash_key key, const void *data, size_t length);

uint64_t hash_checksum(uint64_t seed, const void *data, size_t length);

#endif
