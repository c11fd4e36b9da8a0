/* publish.h: the contract on its way from `ecluse run` to the guards.
 *
 * `ecluse run` alone writes `runtime/control` and `runtime/contract.N`. Guards map both read-only
 * and poll the control page (one load of shared memory) about once a second; there is no call to
 * another process.
 *
 *   offer     contract.N is written whole (temporary name, fsync, rename), then control.offered = N
 *   prepare   each guard reads N, checks header, version, size and checksum, makes ready whatever
 * it needs, and states prepared = N or refused = N in its own segment (budget/guard.h) commit once
 * every live guard has prepared: control.live = N; guards switch at their next look rollback a
 * guard that refuses, or beats on for 2 s without an answer (a silent one has no veto):
 * control.offered = the old N again, and the reason is reported; nothing has changed
 *
 * What is read here was written by another process and is checked like input.
 */
#ifndef ECLUSE_PUBLISH_H
#define ECLUSE_PUBLISH_H

#include "contract/contract.h"

#include <stdatomic.h>

struct control; /* the mapped page, and for its one writer the lock */

/* `ecluse run` only: creates (0644) or takes over `runtime/control`. One writer: -EBUSY when
 * another lives. */
int control_create(const char *runtime, struct control **out, struct error *error);

/* Guards and commands: maps it read-only. -ENOENT when nothing runs, -EPROTO for another version or
 * damage. */
int control_open(const char *runtime, const struct control **out, struct error *error);
void control_close(
    const struct control *control); /* takes NULL; the creator's gives up being the one writer */

/* Whether `runtime/control` is another file by now, or gone: a guard whose heartbeat is old asks,
 * and opens it again. */
bool control_replaced(const struct control *control, const char *runtime);

uint64_t control_offered(const struct control *control); /* 0: none yet */
uint64_t control_live(const struct control *control);
bool control_panic(const struct control *control); /* everything in observe */
nanos_t
control_heartbeat(const struct control *control); /* boot clock of the supervisor's last second */
int32_t control_supervisor(const struct control *control); /* its pid; 0 when it stopped in order */

void control_beat(struct control *control, nanos_t now);
void control_set_panic(struct control *control, bool on);

/* `ecluse panic` only, where the one writer lives but hangs: the panic's word alone, past the lock.
 * Sound, since the writer does the same as soon as it looks at `runtime/panic` again, and a word is
 * whole at any moment. Who may: whoever may write the page, which is its owner (0644). */
int control_force_panic(const char *runtime, bool on, struct error *error);
void control_set_offered(struct control *control, uint64_t generation);
void control_set_live(struct control *control, uint64_t generation);
void control_stop(struct control *control); /* an orderly end: heartbeat 0, pid 0 */

/* Writes runtime/contract.N durably. */
int contract_publish(const char *runtime, uint64_t generation, const struct contract *c,
                     struct error *error);
/* Reads it into *out (untouched on failure); -EPROTO when it is of another version or damaged. */
int contract_published(const char *runtime, uint64_t generation, struct contract *out,
                       struct error *error);
void contract_unpublish(const char *runtime, uint64_t generation);

#endif
