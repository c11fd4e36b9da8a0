#include "gate/ticket.h"

#include <sodium.h>

enum { NONCE_SIZE = 8, AT_RIPE = TOKEN_HEAD, AT_WIDE = AT_RIPE + 4, AT_NONCE = AT_WIDE + 4 };

_Static_assert(AT_NONCE + NONCE_SIZE + MAC_SIZE == TICKET_BYTES,
               "a ticket is what the header says");

size_t ticket_write(const struct keyring *ring, unsigned wait, uint32_t wide, int64_t now,
                    char out[TICKET_TEXT_LENGTH])
{
    uint8_t token[TICKET_BYTES];
    if (wait > TICKET_WAIT_MAX)
        wait = TICKET_WAIT_MAX;
    token_put(token + AT_RIPE, (uint64_t)(now + wait), 4);
    token_put(token + AT_WIDE, wide, 4);
    randombytes_buf(token + AT_NONCE, NONCE_SIZE);
    return keyring_seal(ring, TOKEN_TICKET, SEAL_QUICK, now, token, TICKET_BYTES, out);
}

enum token_fault ticket_redeem(const struct keyring *ring, struct text cookie, uint32_t wide,
                               int64_t now, uint8_t id[PASS_ID_SIZE], unsigned *wait)
{
    uint8_t token[TICKET_BYTES], mac[MAC_SIZE];
    int key;
    enum token_fault fault =
        keyring_unseal(ring, TOKEN_TICKET, SEAL_QUICK, cookie, token, TICKET_BYTES, &key);
    if (fault != TOKEN_NONE)
        return fault;
    int64_t ripe = (int64_t)token_get(token + AT_RIPE, 4);
    if (ripe > now + TICKET_WAIT_MAX + TOKEN_AHEAD_SECONDS)
        return TOKEN_FUTURE;
    if (ripe + TICKET_LIFE_SECONDS < now)
        return TOKEN_EXPIRED;
    if ((uint32_t)token_get(token + AT_WIDE, 4) != wide)
        return TOKEN_MOVED;
    /* Its MAC is in the cookie, so the id is another MAC of it. */
    keyring_mac(ring, key, SEAL_KEPT, token + AT_NONCE, NONCE_SIZE, mac);
    memcpy(id, mac, PASS_ID_SIZE);
    if (ripe <= now)
        return TOKEN_NONE;
    *wait = (unsigned)(ripe - now);
    return TOKEN_UNRIPE;
}
