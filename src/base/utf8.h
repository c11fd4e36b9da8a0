/* utf8.h: text from outside that is to be shown to somebody: well-formed (RFC 3629), and without
 * what changes how the rest is read.
 */
#ifndef ECLUSE_UTF8_H
#define ECLUSE_UTF8_H

#include "base/text.h"

/* Bytes of the well-formed UTF-8 character at `at` (RFC 3629: no surrogates, nothing overlong), or
 * 0. */
size_t utf8_character(const unsigned char *at, size_t left);
bool utf8_is_valid(struct text text);
/* Of valid UTF-8: controls (C0, C1, DEL), line separators, and marks that reorder what is shown. */
bool text_has_controls(struct text text);
/* The longest start of valid UTF-8 that has at most `most` bytes. */
size_t utf8_cut(struct text text, size_t most);

#endif
