/* stage_tokens.h: what the stage can say of keys, and tokens of any age for a test to show. */
#ifndef ECLUSE_STAGE_TOKENS_H
#define ECLUSE_STAGE_TOKENS_H

#include "gate/ledger.h"

/* `ecluse run`'s part: the folder of the keys, and the keys. */
int tokens_begin(const struct contract *c, int group, struct error *error);

/* False: it is none of these commands.
 *   pass ADDRESS VISITS AGE given|proven    a cookie's value, issued and renewed AGE seconds ago
 *   puzzle ADDRESS BITS                     ticket ADDRESS WAIT
 *   key NAME [LANE]                         issued: id and secret
 *   revoke ID                               rotate SECONDS   as if that much later
 *   faults                                  tokens refused, by why: done and observed */
bool tokens_obey(const struct contract *c, struct ledger *ledger, const char *command,
                 const char *argument);

#endif
