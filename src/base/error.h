/* error.h: what went wrong, in a sentence that a person can act on.
 *
 * Functions that can fail for many reasons return a negative errno and, where the caller passed
 * one, fill a struct error. It is untouched on success.
 */
#ifndef ECLUSE_ERROR_H
#define ECLUSE_ERROR_H

struct error {
    char text[512];
};

/* Fills error (which may be NULL) and returns code, so that a failing function can end in one
 * line. */
__attribute__((format(printf, 3, 4))) int error_set(struct error *error, int code,
                                                    const char *format, ...);

#endif
