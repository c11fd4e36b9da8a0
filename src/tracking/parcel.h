/* parcel.h: parcel numbers, and which can exist at all.
 *
 * s10         UPU S10: 2 letters, 8 digits, check digit (weights 8 6 4 2 3 5 9 7; 11 minus the sum
 *             mod 11; 10 becomes 0, 11 becomes 5; on reading, 0 is taken there too, as La Poste's
 *             own trial number GF111111110NZ has it), ISO 3166 country code as the UPU lists them
 * colissimo   La Poste domestic: 2-character product code, 10 digits, check digit mod 10 over
 *             these (weights 3 1 from the right)
 * sscc        GS1 SSCC-18: 17 digits and a mod 10 check digit, with or without the application
 *             identifier 00
 * digits-N, digits-N-M, alnum-N-M   carriers without a check digit
 *
 * As people type it: spaces, dots, dashes and lower case are taken; what comes out is upper case,
 * unbroken.
 *
 * Cost        under 40 ns, however it is typed in ASCII (bench-parcel). Nothing is allocated.
 */
#ifndef ECLUSE_PARCEL_H
#define ECLUSE_PARCEL_H

#include "base/base.h"
#include "contract/contract.h"

enum { PARCEL_TEXT_MAX = 30, PARCEL_INPUT_MAX = 64 };

struct parcel_number {
    uint8_t length; /* 1 to PARCEL_TEXT_MAX */
    /* Canonical, zero-ended, and zero after its end: comparable with memcmp. */
    char text[PARCEL_TEXT_MAX + 1];
};

enum parcel_verdict {
    PARCEL_VALID,
    PARCEL_WRONG_FORM,  /* fits none of the formats */
    PARCEL_WRONG_CHECK, /* fits one, but its check digit or country is wrong: a typing mistake */
};

/* Reads a number as typed. *out (and *format, may be NULL) are set only when it is valid. */
enum parcel_verdict parcel_parse(const struct parcel_format *formats, size_t count,
                                 struct text typed, struct parcel_number *out,
                                 const struct parcel_format **format);

/* The check character that belongs to a body: for make-parcels and tests. `body` is 8 digits, 12 or
 * 17 characters. */
char parcel_check_digit(enum parcel_format_kind kind, const char *body);

/* ISO 3166-1 alpha-2, as S10 uses it. */
bool country_is_known(const char code[2]);

#endif
