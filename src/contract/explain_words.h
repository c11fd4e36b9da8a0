/* explain_words.h: amounts, times and names as they are said in English and in French. */
#ifndef ECLUSE_EXPLAIN_WORDS_H
#define ECLUSE_EXPLAIN_WORDS_H

#include "contract/contract.h"
#include "contract/value.h"

enum { WORDS_SIZE = 96 };

struct speech {
    const struct contract *contract;
    FILE *out;
    bool french;
};

/* The one of two texts that the reader reads. */
const char *say(const struct speech *s, const char *english, const char *french);

/* "4 hours", "4 heures". */
char *duration_words(const struct speech *s, nanos_t duration, char out[WORDS_SIZE]);
/* "1.5 GB", "1,5 Go": rounded up in its second decimal, so that no loss is said smaller than it is.
 */
char *size_words(const struct speech *s, uint64_t bytes, char out[WORDS_SIZE]);
/* "99.9%", "99,9 %". */
char *share_words(const struct speech *s, uint32_t millionths, char out[WORDS_SIZE]);
/* A number, or a size, as the meter has it; without what it counts. */
char *amount_words(const struct speech *s, enum meter meter, uint64_t amount, char out[WORDS_SIZE]);
/* "different files read", in the singular for 1. */
const char *meter_words(const struct speech *s, enum meter meter, uint64_t amount);
/* "for each client". */
const char *principal_words(const struct speech *s, enum principal_kind kind);
/* "the route depot"; one that everybody has is said in words first. */
const char *route_words(const struct speech *s, int route, char out[2 * CONTRACT_NAME_SIZE]);
/* "international numbers (S10)". */
const char *format_words(const struct speech *s, const struct parcel_format *format,
                         char out[VALUE_TEXT_SIZE]);
/* What a hold refuses, with %s where its length belongs. */
const char *hold_words(const struct speech *s, enum meter meter);
/* "unlisted", a listed class, or all of them. */
const char *class_words(const struct speech *s, int class);

#endif
