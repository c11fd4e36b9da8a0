/* front_process.h: nginx workers that have our module in memory, and count nowhere.
 *
 * A worker says that it is alive in the front's segment. One whose module is of another version
 * cannot read that segment, so it looks as if it were not there: this tells the two apart. One that
 * has some front's segment in memory counts there, for another instance on this machine. Reads
 * /proc, and sees only processes that whoever asks may look into; none seen says nothing. */
#ifndef ECLUSE_FRONT_PROCESS_H
#define ECLUSE_FRONT_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* A worker that has the module mapped and no segment, under `proc` ("/proc"); 0 for none. */
pid_t front_process_find(const char *proc);

#endif
