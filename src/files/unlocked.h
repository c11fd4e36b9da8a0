/* unlocked.h: reading what another may keep locked for as long as he likes. Room's own.
 *
 * Why        on XFS a read waits for a write(2) to the same file, and a write waits for the page
 *            that it copies from: one of a FUSE file, say, whose server never answers. Nobody needs
 *            a right for that. A page fault takes another lock, which is not held over such waits.
 * How        preadv2(2) with RWF_NOWAIT, which reads what is in memory unless the file is locked;
 *            otherwise a mapping, copied from by process_vm_readv(2) of oneself: a file that was
 *            truncated meanwhile is EFAULT there, and not SIGBUS.
 * Cost       that of pread(2); a mapping costs 2 us more, beside a disk's 50. What is not in memory
 *            is waited for.
 */
#ifndef ECLUSE_FILES_UNLOCKED_H
#define ECLUSE_FILES_UNLOCKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As pread(2) until `length` bytes or the end: what it got, or -1. What somebody writes at the same
 * time may be read in part. */
long unlocked_read(int fd, void *buffer, size_t length, uint64_t at);

/* Whether no writer keeps it locked at this moment, half a microsecond: a clone of it does not wait
 * for one then, unless he is quicker. It may for a reader. True where reading takes no lock. */
bool unlocked_now(int fd);

#endif
