/* cursor.h: how far an output has told, in a small file of its own.
 *
 * Replaced whole by rename, after its fsync: after a crash it says a little less than was told,
 * never more. It names the last entry told by its checksum too, so that another log in the same
 * place is not taken for this one.
 */
#ifndef ECLUSE_CURSOR_H
#define ECLUSE_CURSOR_H

#include "base/base.h"

struct cursor {
    uint64_t next;     /* the next entry to tell */
    uint64_t last;     /* hash_checksum(0, ...) of entry next - 1; 0 when next is 0 */
    uint64_t skipped;  /* entries that were never told, since the beginning */
};

/* -ENOENT when there is none, -EBADMSG when it is no cursor. */
int cursor_read(const char *path, struct cursor *out);
int cursor_write(const char *path, const struct cursor *cursor, struct error *error);

#endif
