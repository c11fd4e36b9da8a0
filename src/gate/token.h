/* token.h: what all signed tokens have in common: their text, and why one is refused.
 *
 * A token is a few bytes, the first of which says what it is and of which version, and a MAC over
 * them; its text is their base64url without padding (RFC 4648 section 5). A text that is not the
 * one form of its bytes is refused like a wrong MAC, so that no two texts are one token.
 *
 * Whatever is read here was written by whoever sent the request: every length and byte is checked,
 * and nothing is believed before its MAC is right. Comparisons of MACs take the same time whatever
 * they find.
 */
#ifndef ECLUSE_TOKEN_H
#define ECLUSE_TOKEN_H

#include "base/base.h"

/*    constant      name           what it says of a token that was shown */
#define TOKEN_FAULTS(X)                                                                            \
    X(NONE, "good", "it counts, or none was shown")                                                \
    X(TAMPERED, "tampered", "not as we wrote it: a wrong form, or a wrong MAC")                    \
    X(VERSION, "version", "of a kind or version that this release does not know")                  \
    X(UNKNOWN_KEY, "unknown_key", "signed with a key that is not, or no longer, in the key file")  \
    X(FUTURE, "future", "dated later than our clock")                                              \
    X(EXPIRED, "expired", "its time is over")                                                      \
    X(MOVED, "moved", "shown from another wide network than it was given to")                      \
    X(UNRIPE, "unripe", "a ticket before its time: it keeps its place")                            \
    X(UNSOLVED, "unsolved", "a proof without the work that it asks for")                           \
    X(REPLAYED, "replayed", "a proof or ticket that was redeemed before")                          \
    X(STRUCK, "struck", "a pass that misbehaved: it counts for nothing for an hour")               \
    X(REVOKED, "revoked", "a client key that was revoked")

enum token_fault {
#define X(constant, ...) TOKEN_##constant,
    TOKEN_FAULTS(X)
#undef X
        TOKEN_FAULT_COUNT
};

const char *token_fault_name(enum token_fault fault);

/* First byte of a token: what it is, and its version. Each kind is signed under its own, so that
 * no token can be shown for another. */
enum token_kind { TOKEN_PASS = 0x11, TOKEN_TICKET = 0x21, TOKEN_PUZZLE = 0x31 };

enum {
    TOKEN_BYTES_MAX = 64,
    TOKEN_AHEAD_SECONDS = 120 /* how far two fronts' clocks may differ before it is the future */
};

/* Length of the text of so many bytes, without a final zero. */
#define TOKEN_TEXT_LENGTH(bytes) (((bytes)*4 + 2) / 3)

/* Writes TOKEN_TEXT_LENGTH(length) characters; returns how many. */
size_t token_text(const uint8_t *bytes, size_t length, char *out);

/* Its first byte, or -1: what a text claims to be. */
int token_claims(struct text text);

/* Little-endian numbers of a token. */
static inline void token_put(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static inline uint64_t token_get(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << 8 * i;
    return value;
}

/* Exactly `length` bytes out of exactly their text; false for anything else. */
bool token_bytes(struct text text, uint8_t *out, size_t length);

#endif
