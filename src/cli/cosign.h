/* cosign.h: the recorder's side of its witnesses: when each is asked, and what its answer means.
 *
 * Each has an asker (asker.h). Asked when the log has grown, once a second at most; a witness that
 * fails is asked again after 5 s, then later each time, up to 5 minutes. A cosignature on the log's
 * present checkpoint goes into the log's folder; the last one at all is kept in
 * `state/record/cosigned.NAME` too, to be copied elsewhere. A witness that has seen more than there
 * is, or another history, is an alarm and an entry.
 */
#ifndef ECLUSE_COSIGN_H
#define ECLUSE_COSIGN_H

#include "audit/audit.h"
#include "cli/rights.h"
#include "contract/contract.h"

struct cosigners;

/* Before rights are given up: an asker for each witness, still as who started us. */
struct cosigners *cosigners_start(const struct contract *c, const struct account *account);
void cosigners_stop(struct cosigners *cosigners); /* takes NULL */

/* Whether the contract now in force names others. */
bool cosigners_differ(const struct cosigners *cosigners, const struct contract *c);

/* Takes answers and asks, and tells the recorder what is witnessed. Never waits. */
void cosigners_step(struct cosigners *cosigners, struct recorder *recorder, const char *state,
                    nanos_t now);

/* Whether an asker has died: it takes a new recorder to start another, since this one may start no
 * process. */
bool cosigners_broken(const struct cosigners *cosigners);

#endif
