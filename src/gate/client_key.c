#include "gate/client_key.h"

#include <sodium.h>
#include <stdlib.h>

#include "gate/client_key_file.h"

enum { SIGNATURE_LENGTH = 2 * crypto_auth_hmacsha256_BYTES, TIME_DIGITS_MAX = 11 };

/* ---- Signing --------------------------------------------------------------------------------- */

static void hmac_of(crypto_auth_hmacsha256_state state, struct text method, struct text target,
                    struct text time, uint8_t out[crypto_auth_hmacsha256_BYTES])
{
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)method.data, method.length);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)"\n", 1);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)target.data, target.length);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)"\n", 1);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)time.data, time.length);
    crypto_auth_hmacsha256_final(&state, out);
}

size_t client_key_sign(const char *id, const char *secret, struct text method, struct text target,
                       int64_t now, char *out, size_t size)
{
    crypto_auth_hmacsha256_state state;
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    char hex[SIGNATURE_LENGTH + 1], time[TIME_DIGITS_MAX + 10];
    struct writer t = writer_on(time, sizeof time), w = writer_on(out, size);
    write_unsigned(&t, (uint64_t)now);
    crypto_auth_hmacsha256_init(&state, (const uint8_t *)secret, strlen(secret));
    hmac_of(state, method, target, (struct text){time, t.length}, mac);
    write_string(&w, id);
    WRITE_LITERAL(&w, ":");
    write_bytes(&w, time, t.length);
    WRITE_LITERAL(&w, ":");
    write_string(&w, sodium_bin2hex(hex, sizeof hex, mac, sizeof mac));
    return w.overflow ? 0 : w.length;
}

/* ---- Checking -------------------------------------------------------------------------------- */

struct signature { /* the header, taken apart */
    struct text id, time;
    int64_t seconds;
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
};

static bool digits_read(struct text text, int64_t *out)
{
    int64_t value = 0;
    if (text.length == 0 || text.length > TIME_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (text.data[i] - '0');
    }
    *out = value;
    return true;
}

/* Lower case alone: there is one form of a header for one request. */
static bool hex_read(const char *text, uint8_t *out, size_t size)
{
    for (size_t i = 0; i < 2 * size; i++) {
        char c = text[i];
        bool digit = c >= '0' && c <= '9', letter = c >= 'a' && c <= 'f';
        if (!digit && !letter)
            return false;
        unsigned half = (unsigned)(digit ? c - '0' : c - 'a' + 10);
        out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] | half : half << 4);
    }
    return true;
}

static bool signature_read(struct text header, struct signature *out)
{
    if (header.length < CLIENT_KEY_ID_LENGTH + 3 + SIGNATURE_LENGTH ||
        header.data[CLIENT_KEY_ID_LENGTH] != ':')
        return false;
    out->id = (struct text){header.data, CLIENT_KEY_ID_LENGTH};
    struct text rest = {header.data + CLIENT_KEY_ID_LENGTH + 1,
                        header.length - CLIENT_KEY_ID_LENGTH - 1};
    const char *colon = memchr(rest.data, ':', rest.length);
    if (!colon)
        return false;
    out->time = (struct text){rest.data, (size_t)(colon - rest.data)};
    return rest.length - out->time.length - 1 == SIGNATURE_LENGTH &&
           digits_read(out->time, &out->seconds) && hex_read(colon + 1, out->mac, sizeof out->mac);
}

/* By halves: who asks may choose the id. */
static const struct client_key_entry *find(const struct client_keys *keys, struct text id)
{
    size_t low = 0, high = keys ? keys->count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(id.data, keys->entry[middle].key.id, CLIENT_KEY_ID_LENGTH);
        if (order == 0)
            return &keys->entry[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

enum token_fault client_key_check(const struct client_keys *keys, struct text header,
                                  struct text method, struct text target, int64_t now,
                                  const struct client_key **out)
{
    struct signature signature;
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    if (!signature_read(header, &signature) || target.length > CLIENT_KEY_TARGET_MAX)
        return TOKEN_TAMPERED;
    const struct client_key_entry *entry = find(keys, signature.id);
    if (!entry)
        return TOKEN_UNKNOWN_KEY;
    if (signature.seconds > now + CLIENT_KEY_SKEW_SECONDS)
        return TOKEN_FUTURE;
    if (signature.seconds < now - CLIENT_KEY_SKEW_SECONDS)
        return TOKEN_EXPIRED;
    hmac_of(entry->hmac, method, target, signature.time, mac);
    if (sodium_memcmp(mac, signature.mac, sizeof mac) != 0)
        return TOKEN_TAMPERED;
    *out = &entry->key;
    return entry->key.revoked ? TOKEN_REVOKED : TOKEN_NONE;
}

void client_key_principal(const struct client_key *key, uint8_t id[16], uint64_t *hash)
{
    uint8_t of[crypto_generichash_BYTES_MIN];
    crypto_generichash(of, sizeof of, (const uint8_t *)key->id, CLIENT_KEY_ID_LENGTH,
                       (const uint8_t *)"ecluse client key", 17);
    memcpy(id, of, 16);
    *hash = token_get(of, 8);
    if (*hash == 0)
        *hash = 1;
}

size_t client_keys_count(const struct client_keys *keys)
{
    return keys ? keys->count : 0;
}

const struct client_key *client_keys_at(const struct client_keys *keys, size_t i)
{
    return &keys->entry[i].key;
}
