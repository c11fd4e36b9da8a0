/* sharing.h: whether an answer may be kept by a cache that many read.
 *
 * A cookie on such an answer would be given to all of them. What HTTP allows (RFC 9111 section 3)
 * is taken at its widest: an answer that merely looks as if it might be kept is one of these.
 */
#ifndef ECLUSE_SHARING_H
#define ECLUSE_SHARING_H

#include "base/base.h"

enum sharing {
    SHARING_REFUSED, /* it says `private` or `no-store` */
    SHARING_UNSAID,  /* nothing is said, and it has no mark by which it could be kept */
    SHARING_LIKELY
};

/* `values` are those of the answer's Cache-Control headers; `dated`: it has Expires, Last-Modified
 * or an ETag. */
enum sharing sharing_of(const struct text *values, size_t count, bool dated);

#endif
