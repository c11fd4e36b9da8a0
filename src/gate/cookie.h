/* cookie.h: our three cookies out of a request's Cookie header.
 *
 * The header is what the client made of it (RFC 6265 section 5.4 at best): one pass over its bytes,
 * nothing copied. Of two with one name the first counts. A value has no quotes around it: ours have
 * none. Names and attributes of ours stand here only.
 */
#ifndef ECLUSE_COOKIE_H
#define ECLUSE_COOKIE_H

#include "base/base.h"

#define COOKIE_PASS   "ecluse_pass"
#define COOKIE_PROOF  "ecluse_proof"
#define COOKIE_TICKET "ecluse_ticket"

struct cookies { /* borrowed; length 0: not there */
    struct text pass, proof, ticket;
};

/* Adds what this header has to *out: a request may have several. */
void cookies_read(struct text header, struct cookies *out);

/* A Set-Cookie value: NAME=VALUE; Path=/; Max-Age=...; HttpOnly; SameSite=Lax, and Secure over TLS.
 * max_age 0 takes the cookie away. Returns its length; 0 when it does not fit. */
enum { COOKIE_LINE_MAX = 256 };
size_t cookie_line(const char *name, struct text value, int64_t max_age, bool secure,
                   char out[COOKIE_LINE_MAX]);

#endif
