/* totp.h: time-based one-time passwords: RFC 6238 with SHA-1, 30 s, 6 digits, which every
 * authenticator understands.
 *
 * A code is taken within one step either way of the clock, and each step once only: a code that was
 * seen over somebody's shoulder is worth nothing afterwards.
 */
#ifndef ECLUSE_TOTP_H
#define ECLUSE_TOTP_H

#include "base/base.h"

enum {
    TOTP_SECRET_SIZE = 20,
    TOTP_STEP_SECONDS = 30,
    TOTP_SECRET_TEXT_SIZE = 33,
    TOTP_URI_SIZE = 400
};

void totp_secret_new(uint8_t secret[TOTP_SECRET_SIZE]);

/* The code of one step: 0 to 999999. */
uint32_t totp_code(const uint8_t secret[TOTP_SECRET_SIZE], uint64_t step);

/* Whether `typed` (six digits; spaces are tolerated) is right at `now` (wall clock, seconds) for a
 * step after *last. On success *last is that step. Compares in constant time. */
bool totp_check(const uint8_t secret[TOTP_SECRET_SIZE], struct text typed, int64_t now,
                uint64_t *last);

/* Base32 (RFC 4648), without padding: how people copy it. */
char *totp_secret_text(const uint8_t secret[TOTP_SECRET_SIZE], char out[TOTP_SECRET_TEXT_SIZE]);

/* "otpauth://totp/ISSUER:ACCOUNT?secret=..." as authenticators read it from a QR code; both parts
 * are percent-encoded. */
char *totp_uri(const uint8_t secret[TOTP_SECRET_SIZE], struct text issuer, struct text account,
               char out[TOTP_URI_SIZE]);

#endif
