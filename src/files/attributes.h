/* attributes.h: extended attributes of a file, ACL among them, as one run of bytes. Room's own.
 *
 * ACLs are the attributes system.posix_acl_access and system.posix_acl_default, so that one way
 * does for all. What the process may not read (trusted.* without CAP_SYS_ADMIN) is not in it.
 */
#ifndef ECLUSE_FILES_ATTRIBUTES_H
#define ECLUSE_FILES_ATTRIBUTES_H

#include "base/base.h"

/* Reads all of fd's into `out`; bytes written, 0 when it has none. What does not fit is left out
 * and *missing is counted up. Never fails: a file system without attributes has none. */
size_t attributes_read(int fd, char *out, size_t room, unsigned *missing);

/* Sets them on fd, and takes away those that are not among them. Returns how many could not be. */
unsigned attributes_write(int fd, struct text attributes);

#endif
