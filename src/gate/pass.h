/* pass.h: the cookie that tells one customer from another behind the same address.
 *
 * Cookie   `ecluse_pass`: 40 bytes, 54 characters. Kind and version, name of the key, id (8 random
 *          bytes, or what a proof or ticket gave), keyed hash of the wide network, issued and
 *          renewed (seconds since 1970), visits and how it was come by, MAC. Nothing of the person,
 *          and nothing is stored for it here: it is whole in the cookie.
 * Who      a pass says: the same browser as before, from the same wide network (IPv4 /16, IPv6
 *          /48: phones move). Shown from elsewhere it is no pass.
 * History  issued 10 min ago or earlier, and 3 visits; a visit is counted at most every 2 min, when
 *          the origin answered well, and writes the cookie anew. Until then it ranks as a stranger,
 *          but for one that was worked or waited for (FRESH: that much is proven).
 * Life     30 days from its last visit.
 * Replay   a copied cookie is the same pass: one principal, one place in the order, three strikes.
 * Cost     pass_read(): under 1 us with decoding (bench/tokens).
 */
#ifndef ECLUSE_PASS_H
#define ECLUSE_PASS_H

#include "gate/keyring.h"
#include "gate/standing.h"

enum {
    PASS_BYTES = 40,
    PASS_TEXT_LENGTH = TOKEN_TEXT_LENGTH(PASS_BYTES),
    PASS_ID_SIZE = 8,
    PASS_LIFE_SECONDS = 30 * 86400,
    PASS_HISTORY_SECONDS = 600,
    PASS_HISTORY_VISITS = 3,
    PASS_VISIT_SECONDS = 120
};

enum pass_from { PASS_GIVEN, PASS_PROVEN }; /* with an answer in calm times; for work or waiting */

struct pass {
    uint8_t id[PASS_ID_SIZE];
    uint32_t wide;
    int64_t issued, renewed; /* seconds since 1970 */
    uint8_t visits;          /* stays at 127 */
    enum pass_from from;
    uint16_t key; /* name of the key that signed it */
};

/* What the cookie says. TOKEN_NONE fills *out; anything else leaves it untouched. now in seconds
 * since 1970. */
enum token_fault pass_read(const struct keyring *ring, struct text cookie, uint32_t wide,
                           int64_t now, struct pass *out);

/* The same wherever it is shown from: for an operator who is asked about it. */
enum token_fault pass_look(const struct keyring *ring, struct text cookie, int64_t now,
                           struct pass *out);

/* Signs with the key of now; returns PASS_TEXT_LENGTH, or 0 when no key signs. No final zero. */
size_t pass_write(const struct keyring *ring, const struct pass *pass, int64_t now,
                  char out[PASS_TEXT_LENGTH]);

/* A new one: with no visit yet. The id is of a redeemed proof or ticket, or random (id NULL). */
void pass_begin(struct pass *out, const uint8_t id[PASS_ID_SIZE], enum pass_from from,
                uint32_t wide, int64_t now);

/* Counts a visit if one is due; false when it is not. A clock that was set back counts none. */
bool pass_visit(struct pass *pass, int64_t now);

/* What it ranks as by itself; strikes are the caller's business. */
enum standing pass_standing(const struct pass *pass, int64_t now);

/* Its id as the gate's tables know it, which is never 0, and as principal_pass() takes it. */
uint64_t pass_hash(const uint8_t id[PASS_ID_SIZE]);
void pass_principal(const uint8_t id[PASS_ID_SIZE], uint8_t out[16]);

#endif
