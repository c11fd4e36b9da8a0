/* beneath.h: opening what lies in a folder that others control, without being led out of it.
 * Room's own.
 *
 * openat2(2) with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_XDEV: no symbolic link at any
 * place of the path, no "..", no other file system.
 */
#ifndef ECLUSE_FILES_BENEATH_H
#define ECLUSE_FILES_BENEATH_H

#include <sys/types.h>

/* As openat(2), O_CLOEXEC and O_NOFOLLOW added; a descriptor, or a negative errno. */
int beneath_open(int folder, const char *path, int flags, mode_t mode);

/* The folder that `path` lies in, opened with O_PATH | O_DIRECTORY, and the last name in *name
 * (points into path). */
int beneath_parent(int folder, const char *path, const char **name);

#endif
