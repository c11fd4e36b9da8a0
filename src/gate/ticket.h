/* ticket.h: a place in the waiting room, for browsers without JavaScript.
 *
 * Cookie   `ecluse_ticket`: 35 bytes, 47 characters. Kind and version, name of the key, the second
 *          from which it may be redeemed, keyed hash of the wide network, a random nonce, MAC
 *          (SipHash-2-4-128: one goes with every page that a flood gets). It can be redeemed for
 *          10 min.
 * Worth    one pass, whose id is made from the nonce: a ticket redeemed twice is one pass.
 * Patience waiting costs an attacker next to nothing, so that tickets are redeemed under a budget
 *          for each network (ledger); a ticket over it keeps its place and is good until it
 *          expires.
 */
#ifndef ECLUSE_TICKET_H
#define ECLUSE_TICKET_H

#include "gate/pass.h"

enum {
    TICKET_BYTES = 35,
    TICKET_TEXT_LENGTH = TOKEN_TEXT_LENGTH(TICKET_BYTES),
    TICKET_LIFE_SECONDS = 600, /* from when it is ripe */
    TICKET_WAIT_MAX = 300
};

/* A new ticket that is ripe `wait` seconds from now (at most TICKET_WAIT_MAX).
 * TICKET_TEXT_LENGTH characters, no final zero; 0 when no key signs. */
size_t ticket_write(const struct keyring *ring, unsigned wait, uint32_t wide, int64_t now,
                    char out[TICKET_TEXT_LENGTH]);

/* TOKEN_NONE: ripe, with the id of its pass. TOKEN_UNRIPE: the same, and *wait (never NULL) is how
 * many seconds it lacks. Anything else leaves both untouched. */
enum token_fault ticket_redeem(const struct keyring *ring, struct text cookie, uint32_t wide,
                               int64_t now, uint8_t id[PASS_ID_SIZE], unsigned *wait);

#endif
