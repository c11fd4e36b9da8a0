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

/*    verb      operands           least most  what it does */
#define AUDIT_VERBS(X)                                                                             \
    X(verify, "[DIR]", 0, 1,                                                                       \
      "read a log whole and say whether it is what its checkpoint says; needs no other file")      \
    X(tail, "", 0, 0, "show the newest entries")                                                   \
    X(show, "ENTRY", 1, 1, "show one entry, and whom it meant where that is still kept")           \
    X(prove, "ENTRY", 1, 1, "write the proof that an entry is in the log (c2sp.org/tlog-proof)")   \
    X(export, "", 0, 0,                                                                            \
      "write entries with their proofs into one file; check-export.py checks it")                  \
    X(index, "", 0, 0, "build the index of the log anew")                                          \
    X(erase, "ENTRY", 1, 1, "erase whom an entry meant, for good; the entry stands")               \
    X(key, "show|backup FILE|rotate", 1, 2,                                                        \
      "show the log's verifier key, copy the secret key, or begin a new one")                      \
    X(witness, "[NAME]", 0, 1, "run a witness for the logs of others (c2sp.org/tlog-witness)")

#define X(verb, ...) int audit_do_##verb(const struct arguments *a);
AUDIT_VERBS(X)
#undef X

#endif
