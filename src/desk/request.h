/* request.h: what browsers and programs send, read by us: cookies, forms, JSON bodies, where a
 * request comes from.
 *
 * HTTP itself is libmicrohttpd's. Everything here takes bytes from outside, allocates nothing (but
 * for JSON), and leaves its outputs untouched on failure.
 */
#ifndef ECLUSE_DESK_REQUEST_H
#define ECLUSE_DESK_REQUEST_H

#include "base/base.h"
#include "contract/contract.h"

/* The value of a cookie in a Cookie header (RFC 6265 section 4.2); empty when there is none. Of two
 * with one name the first is taken. */
struct text cookie_find(struct text header, const char *name);

/* A field of a form (application/x-www-form-urlencoded) or of a query, decoded and zero-ended.
 * -ENOENT when there is none, -EINVAL when it is not UTF-8 or has controls other than line ends,
 * -ENAMETOOLONG when it does not fit. */
int form_field(struct text form, const char *name, char *out, size_t size);

/* One string of a JSON object, and which of them were there. */
struct json_field {
    const char *name;
    char *out;
    size_t size;
    bool required;
};

/* Reads a JSON object whose members are all in `fields`, and strings. -EINVAL or -ENAMETOOLONG with
 * a sentence. */
int json_body(struct text body, const struct json_field *fields, size_t count, struct error *error);

/* Where a request says that it comes from. Each may be empty: not sent. */
struct provenance {
    struct text origin, fetch_site, host;
    struct text address; /* the contract's desk.address, or empty */
    bool https;          /* as the browser sees it */
};

/* Whether a browser may have sent this from one of our own pages, or it was no browser: a page of
 * somebody else's cannot leave both headers out. */
bool provenance_is_ours(const struct provenance *p);

/* Whether the name by which we were asked is ours: the host of desk.address, or, while there is
 * none, a name that no stranger's DNS can point at us: an address, or localhost. Without it, a page
 * of evil.example whose name suddenly means 127.0.0.1 would be of our own origin. */
bool host_is_ours(struct text host, struct text address);

/* "192.0.2.1" or "2001:db8::1", as X-Forwarded-For's last entry; IPv4 mapped. */
bool forwarded_address(struct text header, uint8_t out[16]);

/* The better of the two languages that the page speaks. */
enum language language_wanted(struct text accept_language);

#endif
