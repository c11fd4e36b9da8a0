#include "access/totp.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>

void totp_secret_new(uint8_t secret[TOTP_SECRET_SIZE])
{
    randombytes_buf(secret, TOTP_SECRET_SIZE);
}

uint32_t totp_code(const uint8_t secret[TOTP_SECRET_SIZE], uint64_t step)
{
    uint8_t counter[8], mac[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    for (int i = 0; i < 8; i++)
        counter[i] = (uint8_t)(step >> (8 * (7 - i)));
    must(HMAC(EVP_sha1(), secret, TOTP_SECRET_SIZE, counter, sizeof counter, mac, &length) !=
             NULL &&
         length == 20);
    const uint8_t *at = mac + (mac[19] & 15); /* RFC 4226 section 5.3: dynamic truncation */
    uint32_t number =
        (uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    return number % 1000000;
}

static bool six_digits(struct text typed, char out[6])
{
    size_t count = 0;
    for (size_t i = 0; i < typed.length; i++) {
        char c = typed.data[i];
        if (c == ' ')
            continue;
        if (c < '0' || c > '9' || count == 6)
            return false;
        out[count++] = c;
    }
    return count == 6;
}

bool totp_check(const uint8_t secret[TOTP_SECRET_SIZE], struct text typed, int64_t now,
                uint64_t *last)
{
    char digits[6];
    if (!six_digits(typed, digits) || now < TOTP_STEP_SECONDS)
        return false;
    uint64_t present = (uint64_t)now / TOTP_STEP_SECONDS, found = 0;
    for (uint64_t step = present - 1; step <= present + 1; step++) {
        char right[6];
        struct writer w = writer_on(right, sizeof right);
        write_padded(&w, totp_code(secret, step), 6);
        bool same = sodium_memcmp(right, digits, sizeof right) == 0;
        if (same && step > *last)
            found = step;
    }
    if (!found)
        return false;
    *last = found;
    return true;
}

char *totp_secret_text(const uint8_t secret[TOTP_SECRET_SIZE], char out[TOTP_SECRET_TEXT_SIZE])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    size_t length = 0;
    for (size_t bit = 0; bit < 8 * TOTP_SECRET_SIZE; bit += 5) {
        unsigned pair = (unsigned)secret[bit / 8] << 8 |
                        (bit / 8 + 1 < TOTP_SECRET_SIZE ? secret[bit / 8 + 1] : 0);
        out[length++] = alphabet[pair >> (11 - bit % 8) & 31];
    }
    out[length] = 0;
    return out;
}

static void write_percent_encoded(struct writer *w, struct text text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     c == '-' || c == '.' || c == '_';
        char escaped[3] = {'%', hex[c >> 4], hex[c & 15]};
        if (plain)
            write_bytes(w, text.data + i, 1);
        else
            write_bytes(w, escaped, 3);
    }
}

char *totp_uri(const uint8_t secret[TOTP_SECRET_SIZE], struct text issuer, struct text account,
               char out[TOTP_URI_SIZE])
{
    char base32[TOTP_SECRET_TEXT_SIZE];
    struct writer w = writer_on(out, TOTP_URI_SIZE - 1);
    struct text short_issuer = {issuer.data,
                                utf8_cut(issuer, 40)}; /* every byte may become three */
    struct text short_account = {account.data, utf8_cut(account, 40)};
    WRITE_LITERAL(&w, "otpauth://totp/");
    write_percent_encoded(&w, short_issuer);
    WRITE_LITERAL(&w, ":");
    write_percent_encoded(&w, short_account);
    WRITE_LITERAL(&w, "?secret=");
    write_string(&w, totp_secret_text(secret, base32));
    must(!w.overflow);
    out[w.length] = 0;
    sodium_memzero(base32, sizeof base32);
    return out;
}
