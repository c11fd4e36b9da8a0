/* verify_files.h: the files that a walk over the entries does not need: whether each belongs to a
 * log, and whether older partial tiles say what the present ones do.
 */
#ifndef ECLUSE_AUDIT_VERIFY_FILES_H
#define ECLUSE_AUDIT_VERIFY_FILES_H

#include "audit/note.h"
#include "audit/tile.h"

struct verify_files {
    int folder;
    uint64_t size; /* of the checkpoint, whose own tiles have been found right */
    struct merkle_hasher *hasher;
    uint8_t *bundle; /* BUNDLE_SIZE_MAX bytes to work in */
};

/* 0; -EEXIST for a file that does not belong; -EBADMSG for an older partial tile that differs;
 * another negative errno when one cannot be read. `place` receives its path. */
int verify_files(const struct verify_files *files, char *place, size_t place_size);

#endif
