/* secret_file.h: a small file that few may read, read whole and replaced whole.
 *
 * Replaced under another name, synced, renamed, and the folder synced: after a crash it is the old
 * one or the new one. A link in its place is refused. What was read is the caller's to wipe.
 */
#ifndef ECLUSE_SECRET_FILE_H
#define ECLUSE_SECRET_FILE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads at most `size` bytes. Returns how many; -ENOENT; -EPERM when anyone but its owner may write
 * it, or anyone but its owner and group read it; -EFBIG; or another negative errno. */
ssize_t secret_file_read(const char *path, char *out, size_t size, struct error *error);

/* 0640 with `group`, or 0600 with -1. Its owner is whoever writes it. */
int secret_file_write(const char *path, int group, const char *data, size_t length,
                      struct error *error);

/* Whether its group and mode are those that secret_file_write() would give it. */
bool secret_file_is_given(const char *path, int group);

#endif
