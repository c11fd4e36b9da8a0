/* recorder_child.h: the child of `ecluse run` that writes the audit log.
 *
 * It alone writes `state/audit`, as a user of its own (account_of_audit()), confined to the log,
 * its salts and index, and the page in `runtime` that says what is durable. It needs no socket:
 * witnesses are asked by processes that it starts before it gives up its rights (asker.h). Takes
 * what waits every 5 ms while there is work, every 20 ms else; a full disk is tried again and
 * again, and `status` says so.
 */
#ifndef ECLUSE_RECORDER_CHILD_H
#define ECLUSE_RECORDER_CHILD_H

#include "cli/child.h"
#include "cli/chronicle.h"
#include "cli/rights.h"
#include "contract/contract.h"

#include <signal.h>

#define RECORDER_STOP SIGUSR2 /* what tells it to write what waits, and end */

enum {
    RECORDER_DAMAGED = 3,
    RECORDER_AGAIN = 4
}; /* exit statuses: set the log aside; start me again at once */

/* The supervisor's part, before the first start: folders, key, rings and page, each with its owner.
 */
int recorder_prepare(const struct contract *c, const struct account *account, int workers,
                     struct error *error);

/* Sets a damaged log aside for whoever looks into it, and makes way for a new one, whose first
 * entry says so. */
void recorder_mend(const struct contract *live, struct chronicle *chronicle);

_Noreturn void recorder_main(const struct child_words *words);

/* The log's name: the contract's, or one made from the organisation's. */
enum { ORIGIN_SIZE = CONTRACT_NAME_SIZE * 2 + 16 };
char *audit_origin(const struct contract *c, char out[ORIGIN_SIZE]);

#endif
