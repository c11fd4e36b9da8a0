/* directories.h: the folders under `state` and `runtime`, their owners and modes.
 *
 *   runtime            0755  root (or whoever started us): guards read what is published there
 *   runtime/releases   0750  the same; nginx workers may look, and write nothing (0700 when one
 * user runs all) state              0755  the same state/budget       0750  the same, group of the
 * nginx workers: rings they charge state/tracking     2750  the service account, group of the nginx
 * workers: parcels they read
 */
#ifndef ECLUSE_DIRECTORIES_H
#define ECLUSE_DIRECTORIES_H

#include "cli/rights.h"
#include "contract/contract.h"

/* mkdir -p, relative or absolute; what it makes is readable by all, as /var/lib and /run are. The
 * sentence in *error ends with where another may be named: "in the contract", "with --dir". */
int directories_make(const char *path, const char *elsewhere, struct error *error);

/* What `ecluse run` needs. Makes what is missing, corrects what is ours, and refuses a folder that
 * strangers may write. */
int directories_for_run(const struct contract *c, const struct account *service, int workers,
                        struct error *error);

/* What `ecluse ingest` needs: state and state/tracking. */
int directories_for_ingest(const struct contract *c, const struct account *service, int workers,
                           struct error *error);

/* What the recorder needs: state/audit (0750) and state/record (0700) of its own account, and
 * state/keys (0755, ours). What an earlier account wrote goes with them. */
int directories_for_audit(const struct contract *c, const struct account *audit,
                          struct error *error);

/* What the guard of bytes out keeps: state/egress and state/egress/holds (0700), its own
 * account's. */
int directories_for_egress(const struct contract *c, const struct account *egress,
                           struct error *error);

/* What the herald keeps and tells: state/outputs and runtime/outputs, the service account's. */
int directories_for_outputs(const struct contract *c, const struct account *service,
                            struct error *error);

#endif
