/* structure.h: parts of filetype_holds(), one a family of formats. Room's own. */
#ifndef ECLUSE_FILES_STRUCTURE_H
#define ECLUSE_FILES_STRUCTURE_H

#include "files/filetype.h"

bool zip_holds(int fd, uint64_t size);
/* Whether some member unpacks to what begins with `want` (at most 32 KiB). */
bool zip_unpacks_to(int fd, uint64_t size, const uint8_t *want, size_t length);

/* Raw deflate from `at`: how many bytes came out, room at most, or -1 when it is none. */
long structure_inflate(int fd, uint64_t at, uint8_t *out, size_t room);

#endif
