/* front_process.h: nginx processes that have our module in memory.
 *
 * A worker says that it is alive in the front's segment. One whose module is of another version
 * cannot read that segment, so it looks as if it were not there: this tells the two apart. Reads
 * /proc, and sees only processes that whoever asks may look into; none seen says nothing. */
#ifndef ECLUSE_FRONT_PROCESS_H
#define ECLUSE_FRONT_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* A process that has the module mapped, under `proc` ("/proc"); 0 for none. */
pid_t front_process_find(const char *proc);

#endif
