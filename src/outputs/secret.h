/* secret.h: an address that nobody else may read, out of a file.
 *
 * The address of a webhook lets anybody who has it post there: it stands in a file of its own,
 * which belongs to root or to whoever runs us and which nobody else may read, and it is never put
 * on a command line, in the log, or in an error.
 */
#ifndef ECLUSE_SECRET_H
#define ECLUSE_SECRET_H

#include "base/base.h"

enum { SECRET_SIZE = 2048 };

/* The first line of the file, which must be an http:// or https:// address. -EPERM with what to do
 * when others may read it. */
int secret_address_read(const char *path, char out[SECRET_SIZE], struct error *error);

/* How such a file looks from outside, for a process that may not read it any more and wants to know
 * whether it is worth starting anew. Needs that its folder may be searched. */
struct secret_look {
    int code; /* 0, or why it cannot be seen: -ENOENT, -EACCES, ... */
    uint64_t device, file, mode, owner, size;
    nanos_t changed; /* its rights, its owner or what it holds */
};
struct secret_look secret_look(const char *path);
bool secret_looks_alike(const struct secret_look *one, const struct secret_look *other);

#endif
