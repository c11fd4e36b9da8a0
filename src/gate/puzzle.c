#include "gate/puzzle.h"

#include <sodium.h>

enum { AT_MADE = TOKEN_HEAD, AT_BITS = AT_MADE + 4, AT_WIDE = AT_BITS + 1 };

_Static_assert(AT_WIDE + 4 + MAC_SIZE == PUZZLE_BYTES, "a puzzle is what the header says");

size_t puzzle_write(const struct keyring *ring, unsigned bits, uint32_t wide, int64_t now,
                    char out[PUZZLE_TEXT_LENGTH])
{
    uint8_t token[PUZZLE_BYTES];
    token_put(token + AT_MADE, (uint64_t)now, 4);
    token[AT_BITS] = (uint8_t)bits;
    token_put(token + AT_WIDE, wide, 4);
    return keyring_seal(ring, TOKEN_PUZZLE, SEAL_QUICK, now, token, PUZZLE_BYTES, out);
}

/* TOKEN ":" NUMBER, as the script writes it. */
static bool is_written_right(struct text cookie)
{
    if (cookie.length < PUZZLE_TEXT_LENGTH + 2 || cookie.length > PUZZLE_ANSWER_MAX ||
        cookie.data[PUZZLE_TEXT_LENGTH] != ':')
        return false;
    const char *digit = cookie.data + PUZZLE_TEXT_LENGTH + 1;
    size_t digits = cookie.length - PUZZLE_TEXT_LENGTH - 1;
    if (digits > 1 && digit[0] == '0')
        return false;
    for (size_t i = 0; i < digits; i++)
        if (digit[i] < '0' || digit[i] > '9')
            return false;
    return true;
}

static bool begins_with_zero_bits(const uint8_t *hash, unsigned bits)
{
    for (; bits >= 8; bits -= 8)
        if (*hash++)
            return false;
    return bits == 0 || hash[0] >> (8 - bits) == 0;
}

enum token_fault puzzle_redeem(const struct keyring *ring, struct text cookie, uint32_t wide,
                               int64_t now, uint8_t id[PASS_ID_SIZE])
{
    uint8_t token[PUZZLE_BYTES], hash[crypto_hash_sha256_BYTES], mac[MAC_SIZE];
    int key;
    if (!is_written_right(cookie))
        return TOKEN_TAMPERED;
    enum token_fault fault =
        keyring_unseal(ring, TOKEN_PUZZLE, SEAL_QUICK,
                       (struct text){cookie.data, PUZZLE_TEXT_LENGTH}, token, PUZZLE_BYTES, &key);
    if (fault != TOKEN_NONE)
        return fault;
    int64_t made = (int64_t)token_get(token + AT_MADE, 4);
    if (made > now + TOKEN_AHEAD_SECONDS)
        return TOKEN_FUTURE;
    if (made + PUZZLE_LIFE_SECONDS < now)
        return TOKEN_EXPIRED;
    if ((uint32_t)token_get(token + AT_WIDE, 4) != wide)
        return TOKEN_MOVED;
    crypto_hash_sha256(hash, (const uint8_t *)cookie.data, cookie.length);
    if (!begins_with_zero_bits(hash, token[AT_BITS]))
        return TOKEN_UNSOLVED;
    keyring_mac(ring, key, SEAL_KEPT, hash, sizeof hash, mac);
    memcpy(id, mac, PASS_ID_SIZE);
    return TOKEN_NONE;
}

unsigned puzzle_bits(uint32_t issued, uint32_t budget)
{
    unsigned dearer = 0;
    for (uint64_t most = budget; issued > most && dearer < PUZZLE_DEARER_BITS; most *= 2)
        dearer++;
    return PUZZLE_USUAL_BITS + dearer;
}
