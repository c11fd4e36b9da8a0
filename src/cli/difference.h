/* difference.h: what changes from one contract to the next, in a sentence, and whether it allows
 * more.
 *
 * Whatever lets more out, holds for less long, watches less or keeps less evidence loosens; where
 * that cannot be told (another meter, another route), a change counts as loosening. Promises are
 * told, and loosen nothing.
 */
#ifndef ECLUSE_DIFFERENCE_H
#define ECLUSE_DIFFERENCE_H

#include "audit/act.h"
#include "contract/contract.h"

struct difference {
    bool loosens;
    unsigned loosened, tightened, other; /* how many things */
    char text[ACT_REASON_SIZE]; /* the loosened first; "" when nothing that matters changed */
};

void contract_difference(const struct contract *before, const struct contract *after,
                         struct difference *out);

#endif
