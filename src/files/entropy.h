/* entropy.h: Shannon entropy of a chunk, in thousandths of a bit per byte. Room's own. */
#ifndef ECLUSE_FILES_ENTROPY_H
#define ECLUSE_FILES_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

enum { ENTROPY_MOST = 65536 }; /* bytes of a chunk */

unsigned entropy_of(const uint8_t *bytes, size_t length);

/* What uniformly random bytes of that length show: 7954 for 4096, 7170 for 256 (computed by the
 * expectation of the estimator over a Poisson count of each byte value). */
unsigned entropy_of_noise(size_t length);

#endif
