/* explain.h: a contract in plain sentences, for the person who signs it.
 *
 * English and French. Ends with the largest loss that the contract allows, summed over its budgets:
 * what can leave in a day and in 30 days to each class of destination, files read and rewritten,
 * and what is unbounded.
 */
#ifndef ECLUSE_EXPLAIN_H
#define ECLUSE_EXPLAIN_H

#include "contract/contract.h"

/* Writes to `out`; `language` is LANGUAGE_EN or LANGUAGE_FR (others read English). */
void contract_explain(const struct contract *c, enum language language, FILE *out);

/* The largest loss alone, one line each: `ecluse check` prints it after "this contract is sound".
 */
void contract_explain_loss(const struct contract *c, enum language language, FILE *out);

/* A line for each route that a budget or a promise is about and that has no `match`: it is fed only
 * where nginx's configuration says so. Nothing where there is none. */
void contract_explain_routes(const struct contract *c, enum language language, FILE *out);

#endif
