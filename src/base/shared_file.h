/* shared_file.h: a file of a fixed size that several processes map.
 *
 * It is made whole (space taken, first content written, synced) under another name and put in its
 * place by rename, so that nobody ever maps half of one, and a full disk is an error when it is
 * made rather than a SIGBUS when it is used. It is never made shorter.
 */
#ifndef ECLUSE_SHARED_FILE_H
#define ECLUSE_SHARED_FILE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* `fill` writes what must stand in it before anyone sees it; the rest is zero. `group` may read and
 * write it (0660), -1: its owner alone (0600). 0 or a negative errno. */
int shared_file_make(const char *path, size_t size, int group,
                     void (*fill)(void *data, void *argument), void *argument, struct error *error);

/* Makes a rename in the folder of `path` durable, as far as that can be had. */
void sync_folder_of(const char *path);

/* Maps it. -ENOENT; -EUCLEAN when it is no regular file of exactly this size. */
int shared_file_map(const char *path, size_t size, bool read_only, void **out, struct error *error);
void shared_file_unmap(void *data, size_t size); /* takes NULL */

#endif
