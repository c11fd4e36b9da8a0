/* charges.h: which budgets a request is charged to.
 *
 * From the contract, once for each generation: for each meter of the front and each route a set of
 * budgets as bits, so that a request which no budget concerns costs one load. Account budgets wait
 * for sign-in and are in no set.
 */
#ifndef ECLUSE_CHARGES_H
#define ECLUSE_CHARGES_H

#include "budget/budget.h"
#include "gate/standing.h"

_Static_assert(CONTRACT_MAX_BUDGETS <= 64, "a set of budgets is one word");

struct charges {
    uint64_t requests[CONTRACT_MAX_ROUTES + 1]; /* [route + 1]; [0] for requests on no route */
    uint64_t origin[CONTRACT_MAX_ROUTES + 1];
    uint64_t parcels[CONTRACT_MAX_ROUTES + 1];
    uint64_t logins[CONTRACT_MAX_ROUTES + 1];
    uint64_t promised; /* bit of each route that a promise is about */
};

_Static_assert(CONTRACT_MAX_ROUTES <= 64, "a set of routes is one word");

void charges_learn(const struct contract *c, struct charges *out);

struct charge_result {
    enum verdict verdict; /* the most severe */
    nanos_t until;        /* the latest of that verdict; 0 when it is VERDICT_ALLOW */
    uint64_t
        paid; /* the budgets that allowed it: not charged again when a delayed request comes back */
    uint64_t told; /* of charge_ask(): the budgets without room, which have counted it */
};

/* Who is charged: made once a request, since two of the three are needed by most contracts. A
 * client is its pass once that was worked for, proven once it has history; else its address. */
struct charge_who {
    struct principal client, network, everyone;
};
void charge_who(const struct contract *c, const struct caller *caller, struct charge_who *out);

/* Charges one unit (or one distinct thing) to each budget of the set: the client's own first,
 * then its network's, then everyone's, and none of those that follow one that does not allow it.
 * Otherwise a single client who is refused over and over would spend what all others share,
 * without a request having gone through. */
struct charge_result charge_all(struct budgets *b, const struct contract *c, uint64_t set,
                                const struct charge_who *who, const uint64_t *thing, nanos_t now);

/* Whether each budget of the set has room for one unit more, without charging it: for what is
 * charged afterwards, when it is known. One that has none is told of the request all the same, so
 * that it is counted as refused and a hold begins; it is not to be charged afterwards as well. */
struct charge_result charge_ask(struct budgets *b, const struct contract *c, uint64_t set,
                                const struct charge_who *who, nanos_t now);

/* Half of each shared budget (per network, everyone) is kept for those who have proven something:
 * whether one who has not may still spend from the set. Nobody is charged. */
bool charge_stranger_may(const struct budgets *b, const struct contract *c, uint64_t set,
                         const struct charge_who *who, nanos_t now);

#endif
