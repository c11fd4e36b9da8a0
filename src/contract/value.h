/* value.h: the small texts of a contract (500MB, 4h, 99.9%, 10.1.0.0/16) to numbers, and back.
 *
 * Readers return NULL and fill their output, or return what is wrong, as the end of a sentence that
 * begins with the value, with what is allowed; the output is untouched then. The sentence is valid
 * until the next call in the thread.
 */
#ifndef ECLUSE_VALUE_H
#define ECLUSE_VALUE_H

#include "contract/contract.h"

const char *value_size(struct text text, uint64_t *bytes);          /* 200MB, 1.5GB, 64KiB, 512B */
const char *value_rate(struct text text, uint64_t *bytes_a_second); /* 1MB/s */
const char *value_count(struct text text, uint64_t *count);         /* 5000 */
const char *value_duration(struct text text, nanos_t *duration);    /* 300ms, 10s, 5m, 4h, 30d */
const char *value_share(struct text text, uint32_t *millionths);    /* 99.9% */
const char *value_prefix(struct text text,
                         struct prefix *prefix); /* 10.1.0.0/16, 2001:db8::/32, 192.0.2.1 */
const char *value_format(struct text text,
                         struct parcel_format *format); /* s10, digits-11, alnum-8-12 */

/* As short as can be written and read back exactly: "500MB", "1.5GB", "36h", "99.9%". Return their
 * buffer. */
enum { VALUE_TEXT_SIZE = 64 };
char *value_size_text(uint64_t bytes, char out[VALUE_TEXT_SIZE]);
char *value_duration_text(nanos_t duration, char out[VALUE_TEXT_SIZE]);
char *value_share_text(uint32_t millionths, char out[VALUE_TEXT_SIZE]);
char *value_prefix_text(const struct prefix *prefix, char out[VALUE_TEXT_SIZE]);
char *value_format_text(const struct parcel_format *format, char out[VALUE_TEXT_SIZE]);

#endif
