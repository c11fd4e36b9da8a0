#include "base/hash.h"

#include "base/must.h"

#define XXH_INLINE_ALL
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

struct hash_key hash_key_random(void)
{
    struct hash_key key;
    size_t have = 0;
    while (have < sizeof key) {
        ssize_t got = getrandom((uint8_t *)&key + have, sizeof key - have, 0);
        if (got < 0)
            must(errno == EINTR);
        else
            have += (size_t)got;
    }
    return key;
}

uint64_t siphash(struct hash_key key, const void *data, size_t length)
{
    const uint8_t *bytes = data;
    struct sip_state s = sip_start(key);
    size_t left = length;
    for (; left >= 8; left -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        sip_word(&s, word);
    }
    uint64_t last = (uint64_t)length << 56;
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)bytes[i] << (8 * i);
    sip_word(&s, last);
    return sip_finish(&s);
}

uint64_t hash_checksum(uint64_t seed, const void *data, size_t length)
{
    return XXH3_64bits_withSeed(data, length, seed);
}
