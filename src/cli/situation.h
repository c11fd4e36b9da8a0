/* situation.h: status/situation.h found by the words of a command line.
 *
 * Only the runtime folder is taken from the contract's file, even from one that does not check, and
 * --runtime names it without any file.
 */
#ifndef ECLUSE_CLI_SITUATION_H
#define ECLUSE_CLI_SITUATION_H

#include "cli/cli.h"
#include "status/situation.h"

/* The contract's file: --contract, ECLUSE_CONTRACT, or the default. */
const char *contract_file(const struct arguments *a);

/* What helps when the file cannot be read: whether somebody named it, or none was named. */
const char *contract_hint(const char *file);

/* Reads and checks it; mistakes are said on standard error as FILE:LINE:COLUMN: lines (with json,
 * as an object on standard output). Returns an owned contract, or NULL when everything has been
 * said. */
struct contract *contract_load(const char *file, bool json);

/* What the line `KEY VALUE` (key with its colon) of a file says that does not check; false when it
 * has none. */
bool folder_of_broken_file(const char *file, const char *key, char out[CONTRACT_PATH_SIZE]);

void problems_print(const char *file, const struct problems *problems, bool json);

/* Fills *out; returns EXIT_DONE, or EXIT_COULD_NOT after having said why. */
int situation_open(const struct arguments *a, struct situation *out);

/* The same with some guard's segment: without any, nothing can be told of holds. */
int situation_open_guards(const struct arguments *a, struct situation *out);

/* Whether a guard may hold somebody of whom nothing can be told: its segment is there, or may be,
 * and is not open. */
bool situation_unsure(const struct situation *s, enum guard guard);

/* Why the segment of a guard is not open, as a sentence for who asked. */
enum { UNSEEN_SIZE = CONTRACT_PATH_SIZE + 160 };
const char *situation_unseen(const struct situation *s, enum guard guard, char out[UNSEEN_SIZE]);

/* Where it runs: --runtime, or what the file says, even when the rest of it is wrong. False when
 * neither says. */
bool runtime_find(const struct arguments *a, char out[CONTRACT_PATH_SIZE], struct error *error);

#endif
