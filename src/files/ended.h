/* ended.h: who a thread was that is gone. The room's own.
 *
 * A program that forks for each file that it removes, and waits for each child, leaves notices of
 * threads that /proc does not know any more when they are read. So a program in the kernel (eBPF,
 * at the tracepoint sched_process_exit) leaves a line of every thread that ends: whose child it
 * was, and which user. Nobody is woken for that, and it costs a process about 0.4 us.
 *
 * Shape     an array in memory that both halves share, a line by the thread's number modulo
 *           ENDED_ROOM: a line lasts for as many more threads, or until ENDED_FOR is over. Who
 *           wants to lose one has to end 32,768 threads before the notice is read.
 * Needs     Linux 5.11 with BTF (/sys/kernel/btf/vmlinux), CAP_BPF and CAP_PERFMON (or
 *           CAP_SYS_ADMIN) to begin, and to be outside of any pid name space. Without: -errno, and
 *           such threads stay unknown.
 */
#ifndef ECLUSE_FILES_ENDED_H
#define ECLUSE_FILES_ENDED_H

#include "base/base.h"

#include <sys/types.h>

#define ENDED_FOR (5 * NANOS_SECOND)

struct ended;

struct ended_thread {
    pid_t process, parent; /* the parent when it ended */
    uint32_t user;         /* file-system uid */
    uid_t real, saved;
    nanos_t began; /* boot clock: tells it from others that had its number */
};

/* For this process and those that it forks. -EOPNOTSUPP (in a name space), -EPERM, -ENOENT (no BTF)
 * and others of the kernel. */
int ended_open(struct ended **out, struct error *error);
void ended_close(struct ended *ended); /* takes NULL */

/* False: it has not ended, or too long ago. `now`: boot clock. */
bool ended_find(const struct ended *ended, pid_t thread, nanos_t now, struct ended_thread *out);

#endif
