/* hold_text.h: why a hold began, in words: for `ecluse why HOLD`. */
#ifndef ECLUSE_HOLD_TEXT_H
#define ECLUSE_HOLD_TEXT_H

#include "status/situation.h"

#include <stdio.h>

/* The budget of a hold. Its number and window come from a segment that another process writes: NULL
 * unless they exist in the contract. */
const struct budget_rule *hold_rule(const struct situation *s, const struct hold *hold);

void hold_text(const struct situation *s, const struct hold *hold, FILE *out);

#endif
