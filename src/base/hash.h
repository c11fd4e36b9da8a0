/* hash.h: two hashes for two purposes; neither is for signatures.
 *
 * siphash()       SipHash-1-3 (Aumasson, Bernstein 2012) with a secret key: for tables whose keys
 * attackers choose. 1-3 rather than 2-4 since nobody sees the output; the Linux kernel and Rust
 * chose the same for tables. hash_checksum() XXH3 of libxxhash: for what disks damage. An attacker
 * can forge it.
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

/* The same for exactly 24 bytes, as three words in memory order (little-endian), without a call:
 * for hot paths. */
static inline uint64_t siphash_words3(struct hash_key key, uint64_t a, uint64_t b, uint64_t c);

uint64_t hash_checksum(uint64_t seed, const void *data, size_t length);

/* ---- How, for the inline form ---------------------------------------------------------------- */

struct sip_state {
    uint64_t v0, v1, v2, v3;
};

static inline struct sip_state sip_start(struct hash_key key)
{
    return (struct sip_state){
        key.k0 ^ UINT64_C(0x736f6d6570736575),
        key.k1 ^ UINT64_C(0x646f72616e646f6d),
        key.k0 ^ UINT64_C(0x6c7967656e657261),
        key.k1 ^ UINT64_C(0x7465646279746573),
    };
}

static inline uint64_t sip_rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct sip_state *s)
{
    s->v0 += s->v1;
    s->v1 = sip_rotate(s->v1, 13) ^ s->v0;
    s->v0 = sip_rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = sip_rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = sip_rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = sip_rotate(s->v1, 17) ^ s->v2;
    s->v2 = sip_rotate(s->v2, 32);
}

static inline void sip_word(struct sip_state *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

static inline uint64_t sip_finish(struct sip_state *s)
{
    s->v2 ^= 0xff;
    sip_round(s);
    sip_round(s);
    sip_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static inline uint64_t siphash_words3(struct hash_key key, uint64_t a, uint64_t b, uint64_t c)
{
    struct sip_state s = sip_start(key);
    sip_word(&s, a);
    sip_word(&s, b);
    sip_word(&s, c);
    sip_word(&s, UINT64_C(24) << 56);
    return sip_finish(&s);
}

#endif
