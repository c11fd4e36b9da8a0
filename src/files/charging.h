/* charging.h: what an open, and a rewrite, costs whom. The room's own.
 *
 * All budgets of files that apply are charged: of the process tree, the user, the share and
 * everyone, on that share and on every share, those of a trusted program or those of everybody
 * else. One that is over refuses; so does a hold of any of them, whichever meter began it: who is
 * held for what he rewrote reads nothing either.
 */
#ifndef ECLUSE_FILES_CHARGING_H
#define ECLUSE_FILES_CHARGING_H

#include "files/owner.h"

struct charging { /* of one contract; learned once */
    const struct contract *contract;
    uint8_t count[CONTRACT_MAX_TRUSTED + 1][CONTRACT_MAX_SHARES][2];
    uint8_t budget[CONTRACT_MAX_TRUSTED + 1][CONTRACT_MAX_SHARES][2][CONTRACT_MAX_BUDGETS];
    struct principal share[CONTRACT_MAX_SHARES];
};

void charging_learn(struct charging *charging, const struct contract *contract);

/* Who pays, and where. */
struct payer {
    uint32_t user; /* principal `user`; with known false, nobody */
    bool known;
    const struct tree *tree; /* NULL: not known */
    pid_t process;           /* that acts; 0: not known */
    int16_t trusted;
    uint16_t share;
};

struct charged {
    bool refuse;    /* as modes are now */
    uint64_t hold;  /* in force, or begun by this; 0 none */
    int16_t budget; /* whose, when there is one; else -1 */
    struct principal principal;
};

/* METER_FILES_READ or METER_FILES_REWRITTEN, of a thing. */
struct charged charging_charge(const struct charging *charging, struct budgets *b, enum meter meter,
                               const struct payer *payer, uint64_t thing, nanos_t now);

/* Whether a hold stops it, without charging. */
struct charged charging_held(const struct charging *charging, struct budgets *b,
                             const struct payer *payer, nanos_t now);

/* What is left of a meter: of the budgets of its tree and user, and of those of the share and of
 * everyone. UINT64_MAX without a budget that enforces. */
struct charging_left {
    uint64_t own, all;
};
struct charging_left charging_left(const struct charging *charging, struct budgets *b,
                                   enum meter meter, const struct payer *payer, nanos_t now);

/* Makes the budgets of who is not trusted smaller: the user's and the tree's. */
void charging_shrink(struct budgets *b, const struct payer *payer, uint32_t share, nanos_t now,
                     nanos_t until);

#endif
