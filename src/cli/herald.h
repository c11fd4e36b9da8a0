/* herald.h: the child of `ecluse run` that tells others: metrics, events, syslog, webhook, mail,
 * heartbeat.
 *
 * Three processes. The herald talks to the network and may read the audit log, start nothing, and
 * write below `state/outputs`, `runtime/outputs` and beside the file of events only. The looker
 * (herald_look.h) sees what runs, and talks to the herald through a pipe alone. The mailer
 * (outputs/mailer.h) runs one command.
 *
 * Inside the herald each output is a thread that reads the log, or the incidents, for itself: one
 * that hangs delays no other. Secrets (the addresses in the contract's files) are read before
 * rights are given up, and stay in its memory.
 */
#ifndef ECLUSE_HERALD_H
#define ECLUSE_HERALD_H

#include "cli/child.h"
#include "cli/rights.h"
#include "contract/publish.h"

/* exit status: the contract or a secret's file is another by now, start me again at once */
enum { HERALD_AGAIN = 4 };

_Noreturn void herald_main(const struct child_words *words);

#endif
