/* standing.h: who asks, as far as what it shows can be verified.
 *
 * Made once a request by the front (credential.c) from the address, the cookies and the header
 * `Ecluse-Key`; everything the gate decides about a request, it decides from this.
 */
#ifndef ECLUSE_STANDING_H
#define ECLUSE_STANDING_H

#include "gate/token.h"

/* Lowest first; each is admitted after those above it.
 *
 *    constant  name        who that is */
#define STANDINGS(X)                                                                               \
    X(STRANGER, "stranger", "nothing shown that counts, or a pass that nobody worked for yet")     \
    X(FRESH, "fresh", "a valid pass that was worked or waited for, without history")               \
    X(KNOWN, "known", "a valid pass with history, or a client key")                                \
    X(LANE, "lane", "a client certificate or key of a lane, on that lane's listener")

enum standing {
#define X(constant, ...) STANDING_##constant,
    STANDINGS(X)
#undef X
        STANDING_COUNT
};

const char *standing_name(enum standing standing);

enum { LANE_NAME_SIZE = 32 };

struct caller {
    enum standing standing;
    enum token_fault fault; /* why what was shown does not count; TOKEN_NONE */
    bool html;              /* takes a page: a challenge can be shown; else it is a program */
    uint64_t pass;          /* its pass or client key, as a hash that nobody can choose; 0: none */
    uint64_t network;       /* keyed hash of its /24 or /48; 0 only when no keys are loaded */
    uint32_t wide;          /* keyed hash of its /16 or /48: what its tokens are bound to */
    uint8_t id[16];         /* for principal_pass(); zeroes without a pass */
    uint8_t address[16];    /* IPv4 mapped, behind trusted proxies */
    char lane[LANE_NAME_SIZE]; /* that its client key may use; "" */
};

/* Whether budgets of a client are charged to its pass rather than to its address. A pass that was
 * given without proof is somebody's whim: a flood would take a new one for each request. */
static inline bool caller_has_pass(const struct caller *caller)
{
    return caller->standing >= STANDING_FRESH && caller->pass != 0;
}

#endif
