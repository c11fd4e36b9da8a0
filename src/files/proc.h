/* proc.h: what /proc says of a thread, parsed. The room's own.
 *
 * All of it can be chosen in part by whoever runs the thread (its name above all), so every parser
 * takes any bytes and says whether they were what the kernel writes (fuzz_proc.c). Nothing here
 * opens a file.
 *
 * Source: Documentation/filesystems/proc.rst; fs/proc/array.c and fs/proc/base.c of Linux 6.1.
 */
#ifndef ECLUSE_FILES_PROC_H
#define ECLUSE_FILES_PROC_H

#include "base/base.h"

#include <sys/types.h>

/* /proc/TID/status, of one thread of a process. */
struct proc_status {
    pid_t process, parent; /* Tgid, PPid */
    uid_t real, effective, saved, file;
};
bool proc_status_parse(struct text text, struct proc_status *out);

/* /proc/PID/stat: when it began, in clock ticks after boot. The name may hold `) (`. */
bool proc_stat_parse(struct text text, uint64_t *began);

/* /proc/PID/sessionid: the login that it belongs to; false for none. */
bool proc_login_parse(struct text text, uint32_t *login);

/* What an open that waits is for. */
enum intent {
    INTENT_READ,
    INTENT_WRITE,
    INTENT_BOTH,
    INTENT_POINTED, /* openat2(2): flags lie in memory, at `pointer` */
    INTENT_RUNNING, /* it tells of its open and does not wait yet: to be looked at again */
    INTENT_UNSEEN,  /* taken for both */
};

/* /proc/TID/syscall while the thread waits in its open. Numbers of this program's architecture;
 * whatever a 32-bit program calls has other numbers, none of which is taken for a read. */
enum intent proc_syscall_parse(struct text text, uint64_t *pointer);
enum intent intent_of_flags(uint64_t flags);

static inline bool intent_reads(enum intent intent)
{
    return intent != INTENT_WRITE;
}

static inline bool intent_writes(enum intent intent)
{
    return intent != INTENT_READ;
}

#endif
