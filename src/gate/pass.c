#include "gate/pass.h"

#include <sodium.h>

/* Places in a pass, after its head. */
enum {
    AT_ID = TOKEN_HEAD,
    AT_WIDE = AT_ID + PASS_ID_SIZE,
    AT_ISSUED = AT_WIDE + 4,
    AT_RENEWED = AT_ISSUED + 4,
    AT_VISITS = AT_RENEWED + 4,
    PROVEN_BIT = 0x80,
    VISITS_MOST = 0x7f
};

_Static_assert(AT_VISITS + 1 + MAC_SIZE == PASS_BYTES, "a pass is what the header says");

enum token_fault pass_look(const struct keyring *ring, struct text cookie, int64_t now,
                           struct pass *out)
{
    uint8_t token[PASS_BYTES];
    int key;
    enum token_fault fault =
        keyring_unseal(ring, TOKEN_PASS, SEAL_KEPT, cookie, token, PASS_BYTES, &key);
    if (fault != TOKEN_NONE)
        return fault;
    int64_t renewed = (int64_t)token_get(token + AT_RENEWED, 4);
    if (renewed > now + TOKEN_AHEAD_SECONDS)
        return TOKEN_FUTURE;
    if (renewed + PASS_LIFE_SECONDS < now)
        return TOKEN_EXPIRED;
    *out = (struct pass){.wide = (uint32_t)token_get(token + AT_WIDE, 4),
                         .issued = (int64_t)token_get(token + AT_ISSUED, 4),
                         .renewed = renewed,
                         .visits = token[AT_VISITS] & VISITS_MOST,
                         .from = token[AT_VISITS] & PROVEN_BIT ? PASS_PROVEN : PASS_GIVEN,
                         .key = ring->name[key]};
    memcpy(out->id, token + AT_ID, PASS_ID_SIZE);
    return TOKEN_NONE;
}

enum token_fault pass_read(const struct keyring *ring, struct text cookie, uint32_t wide,
                           int64_t now, struct pass *out)
{
    struct pass seen;
    enum token_fault fault = pass_look(ring, cookie, now, &seen);
    if (fault != TOKEN_NONE)
        return fault;
    if (seen.wide != wide)
        return TOKEN_MOVED;
    *out = seen;
    return TOKEN_NONE;
}

size_t pass_write(const struct keyring *ring, const struct pass *pass, int64_t now,
                  char out[PASS_TEXT_LENGTH])
{
    uint8_t token[PASS_BYTES];
    memcpy(token + AT_ID, pass->id, PASS_ID_SIZE);
    token_put(token + AT_WIDE, pass->wide, 4);
    token_put(token + AT_ISSUED, (uint64_t)pass->issued, 4);
    token_put(token + AT_RENEWED, (uint64_t)pass->renewed, 4);
    token[AT_VISITS] =
        (uint8_t)((pass->visits & VISITS_MOST) | (pass->from == PASS_PROVEN ? PROVEN_BIT : 0));
    return keyring_seal(ring, TOKEN_PASS, SEAL_KEPT, now, token, PASS_BYTES, out);
}

void pass_begin(struct pass *out, const uint8_t id[PASS_ID_SIZE], enum pass_from from,
                uint32_t wide, int64_t now)
{
    *out = (struct pass){.wide = wide, .issued = now, .renewed = now, .from = from};
    if (id)
        memcpy(out->id, id, PASS_ID_SIZE);
    else
        randombytes_buf(out->id, PASS_ID_SIZE);
}

bool pass_visit(struct pass *pass, int64_t now)
{
    if (now - pass->renewed < PASS_VISIT_SECONDS)
        return false;
    pass->renewed = now;
    if (pass->visits < VISITS_MOST)
        pass->visits++;
    return true;
}

enum standing pass_standing(const struct pass *pass, int64_t now)
{
    if (pass->visits >= PASS_HISTORY_VISITS && now - pass->issued >= PASS_HISTORY_SECONDS)
        return STANDING_KNOWN;
    return pass->from == PASS_PROVEN ? STANDING_FRESH : STANDING_STRANGER;
}

uint64_t pass_hash(const uint8_t id[PASS_ID_SIZE])
{
    uint64_t hash = token_get(id, PASS_ID_SIZE);
    return hash ? hash : 1;
}

void pass_principal(const uint8_t id[PASS_ID_SIZE], uint8_t out[16])
{
    memcpy(out, id, PASS_ID_SIZE);
    memcpy(out + PASS_ID_SIZE, "ecl-pass", 16 - PASS_ID_SIZE);
}
