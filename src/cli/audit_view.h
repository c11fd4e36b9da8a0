/* audit_view.h: a log as the `ecluse audit` commands find it, and its entries as they show them. */
#ifndef ECLUSE_AUDIT_VIEW_H
#define ECLUSE_AUDIT_VIEW_H

#include "audit/audit.h"
#include "cli/cli.h"
#include "contract/contract.h"

#include <jansson.h>

struct audit_place {
    char log[CONTRACT_PATH_SIZE + 16];
    char state[CONTRACT_PATH_SIZE]; /* "" for a copy elsewhere (--dir): the log and nothing else */
    char runtime[CONTRACT_PATH_SIZE]; /* "" likewise */
};

/* --dir DIR, a copy of a log; else what the contract's file says. EXIT_DONE, or EXIT_COULD_NOT
 * after having said why. */
int audit_place_find(const struct arguments *a, struct audit_place *out);

/* The same with a reader on it. */
int audit_view_open(const struct arguments *a, struct audit_place *place,
                    struct audit_reader **out);

/* What to do about a negative errno of reading a log: a sentence's end. */
const char *audit_who_may(int failed);

/* An entry's number: "17". False with a sentence said. */
bool audit_entry_number(const struct arguments *a, const char *typed,
                        const struct audit_reader *reader, uint64_t *out);

/* As one line, and whole. What cannot be read as an entry is shown as it is, made harmless. */
void audit_line(FILE *out, uint64_t index, struct text text);
json_t *audit_json(uint64_t index, struct text text);

/* Whom an entry meant, as far as that is still kept and may be read: NULL when not. Freed by the
 * caller. */
char *audit_name(const struct audit_place *place, uint64_t index, enum entry_role role,
                 const struct entry *entry);

/* The history of a hold that has ended, from the log by way of the index. EXIT_DONE, or
 * EXIT_COULD_NOT. */
int audit_history(const struct arguments *a, const struct contract *c, const char *hold,
                  json_t *evidence);

/* ---- The verbs: audit_do_NAME(a), a->operand[0] is the verb ---------------------------------- */

#define X(verb, ...) int audit_do_##verb(const struct arguments *a);
AUDIT_VERBS(X)
#undef X

#endif
