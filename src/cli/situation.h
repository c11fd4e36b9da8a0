/* situation.h: what runs now, as the commands that look at it or change it find it.
 *
 * The contract in force is the one that `ecluse run` published, not the file: the file may have
 * been edited since, and may hold mistakes just when it matters. So only the runtime folder is
 * taken from the file, even from one that does not check, and --runtime names it without any file.
 */
#ifndef ECLUSE_SITUATION_H
#define ECLUSE_SITUATION_H

#include "budget/budget.h"
#include "budget/guard.h"
#include "cli/cli.h"
#include "contract/contract.h"
#include "contract/publish.h"

/* The contract's file: --contract, ECLUSE_CONTRACT, or the default. */
const char *contract_file(const struct arguments *a);

/* Reads and checks it; mistakes are said on standard error as FILE:LINE:COLUMN: lines (with json,
 * as an object on standard output). Returns an owned contract, or NULL when everything has been
 * said. */
struct contract *contract_load(const char *file, bool json);

void problems_print(const char *file, const struct problems *problems, bool json);

enum { SUPERVISOR_SILENT_AFTER = 3 }; /* seconds without heartbeat after which it counts as down */

struct situation {
    char runtime[CONTRACT_PATH_SIZE];
    const struct control *control; /* NULL: never ran here */
    bool supervised;               /* a supervisor with a fresh heartbeat */
    uint64_t generation;           /* live; 0 when the contract comes from the file */
    struct contract *contract;     /* the live one, else the file's */
    struct budgets *front;         /* read-only; NULL when there is no segment, with the reason: */
    int front_code;                /* 0, or why: -ENOENT, -EACCES, -EPROTO, ... */
    struct error front_error;
    struct moment now;
};

/* Fills *out; returns EXIT_DONE, or EXIT_COULD_NOT after having said why. */
int situation_open(const struct arguments *a, struct situation *out);
void situation_close(struct situation *s);

/* Where it runs: --runtime, or what the file says, even when the rest of it is wrong. False when
 * neither says. */
bool runtime_find(const struct arguments *a, char out[CONTRACT_PATH_SIZE], struct error *error);

#endif
