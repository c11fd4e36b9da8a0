/* watchdog.h: the process that ends a listener which no longer answers. The room's own.
 *
 * It has no descriptor of the listener's group, so that killing the listener closes the last one,
 * and the kernel lets every waiting open go. Killed, stopped, out of memory or caught in a mistake
 * of ours, a listener is silent for WATCHDOG_PATIENCE at most.
 *
 * The machine may have stood still instead (a suspended guest): then the watchdog has slept too
 * long itself, and gives the listener one more turn.
 */
#ifndef ECLUSE_FILES_WATCHDOG_H
#define ECLUSE_FILES_WATCHDOG_H

#include "files/board.h"

#define WATCHDOG_PATIENCE (300 * NANOS_MILLISECOND)
#define WATCHDOG_PACE     (50 * NANOS_MILLISECOND)

/* One look at one seat. `slept`: since the last one. Returns the process to be killed, or 0. */
pid_t watchdog_look(const struct seat *seat, nanos_t now, nanos_t slept);

/* Until its parent is gone. */
_Noreturn void watchdog_main(struct board *board, pid_t parent);

#endif
