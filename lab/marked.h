/* marked.h: the one place in which the simulator of encryption works.
 *
 * The simulator destroys files, so that a guard can be seen to stop it and a vault to give them
 * back. It may do so only in a directory that it made itself, and marked, for that purpose:
 *
 *   made     marked_prepare() makes a directory that was not there and leaves a file in it with a
 *            random id and the directory's own device and inode. A copy of that file elsewhere
 *            marks nothing.
 *   asked    who runs the simulator names the directory and its id; both must agree.
 *   never    on a file system that holds `/` or anybody's home, whatever is marked there.
 *   beneath  every file is found from the directory's descriptor with openat2(): no symbolic link,
 *            no `..`, no other mount. What has a second hard link is left alone, for it may also
 *            be somewhere else.
 *
 * Errors are negative errno; -EPERM: this is no place of the simulator.
 */
#ifndef ECLUSE_LAB_MARKED_H
#define ECLUSE_LAB_MARKED_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

enum { MARK_ID = 32 };
#define MARK_FILE ".simulator-may-destroy-this"

struct marked {
    int directory; /* everything is opened beneath it */
    char id[MARK_ID + 1];
};

int marked_prepare(const char *path, char id[MARK_ID + 1]);
int marked_open(struct marked *m, const char *path, const char *id);

/* What may be touched: an ordinary file with one name. Both descriptors are O_PATH. */
struct target {
    int parent, file;
    const char *name; /* in parent; points into the path that was given */
    const char *path; /* beneath the marked directory */
    off_t size;
    mode_t mode;
};
int target_find(const struct marked *m, const char *path, struct target *out);
void target_leave(struct target *t);

/* Opens the file that was found, not whatever has its name by now. Goes through open(), so that a
 * guard sees what programs usually show it. */
int target_open(const struct target *t, int flags);
/* The path of the found file for calls that take one. */
struct target_path {
    char text[32];
};
struct target_path target_path(const struct target *t);

#endif
