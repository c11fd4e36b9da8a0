/* post.h: one HTTP request with an end, by libcurl.
 *
 * Blocks its thread for POST_PATIENCE at most. No redirect is followed, no proxy of the environment
 * is used, nothing but http and https; the certificate is checked. Errors never hold the address:
 * it may be a secret.
 */
#ifndef ECLUSE_POST_H
#define ECLUSE_POST_H

#include "base/base.h"

enum { POST_PATIENCE = 10 /* seconds */ };

/* Once, before any thread begins and before rights are given up (it reads the certificates' place).
 * */
int post_begin(struct error *error);

struct post;
int post_new(const char *address, struct post **out, struct error *error);
void post_free(struct post *post); /* takes NULL */

/* POST of a JSON body, or GET without one (body.data NULL). 0 when the answer was 2xx, -EPROTO for
 * another (with its status), or another negative errno. */
int post_send(struct post *post, struct text body, struct error *error);

#endif
