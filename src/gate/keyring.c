#include "gate/keyring.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

enum { HEX = 2 * KEY_SIZE, FILE_SIZE_MAX = 64 + 64 + KEYRING_MAX * 100 };

static const char first_line[] = "ecluse pass keys 1";

int keyring_path(const struct contract *c, char out[KEYRING_PATH_SIZE])
{
    int length = *c->passes.keys ? snprintf(out, KEYRING_PATH_SIZE, "%s", c->passes.keys)
                                 : snprintf(out, KEYRING_PATH_SIZE, "%s/front/pass.keys", c->state);
    return length < 0 || length >= KEYRING_PATH_SIZE ? -ENAMETOOLONG : 0;
}

int keyring_folder(const struct contract *c, char out[KEYRING_PATH_SIZE])
{
    int failed = keyring_path(c, out);
    char *slash = failed ? NULL : strrchr(out, '/');
    if (slash)
        slash[slash == out] = 0;
    return failed;
}

/* ---- The file -------------------------------------------------------------------------------- */

static struct text next_line(struct text *rest)
{
    const char *end = rest->length ? memchr(rest->data, '\n', rest->length) : NULL;
    struct text line = {rest->data, end ? (size_t)(end - rest->data) : rest->length};
    size_t taken = line.length + (end != NULL);
    rest->data += taken;
    rest->length -= taken;
    return line;
}

static bool starts_with(struct text *line, const char *prefix)
{
    size_t length = strlen(prefix);
    if (line->length < length || memcmp(line->data, prefix, length) != 0)
        return false;
    line->data += length;
    line->length -= length;
    return true;
}

static bool read_hex(struct text *line, uint8_t *out, size_t size)
{
    size_t length = 0;
    if (line->length < 2 * size ||
        sodium_hex2bin(out, size, line->data, 2 * size, NULL, &length, NULL) != 0 || length != size)
        return false;
    line->data += 2 * size;
    line->length -= 2 * size;
    return true;
}

static bool read_seconds(struct text line, int64_t *out)
{
    int64_t value = 0;
    if (line.length < 2 || line.length > 12 || line.data[0] != ' ')
        return false;
    for (size_t i = 1; i < line.length; i++) {
        if (line.data[i] < '0' || line.data[i] > '9')
            return false;
        value = value * 10 + (line.data[i] - '0');
    }
    *out = value;
    return true;
}

/* What is made of a key once it is read. False when its name is taken: a file of ours has none
 * such.
 */
static bool key_prepare(struct keyring *ring, uint32_t i)
{
    static const uint8_t for_name[] = "name", for_quick[] = "quick";
    uint8_t hash[MAC_SIZE];
    crypto_generichash(hash, sizeof hash, for_name, sizeof for_name, ring->key[i], KEY_SIZE);
    ring->name[i] = (uint16_t)(hash[0] | hash[1] << 8);
    crypto_generichash(ring->quick[i], MAC_SIZE, for_quick, sizeof for_quick, ring->key[i],
                       KEY_SIZE);
    for (uint32_t other = 0; other < i; other++)
        if (ring->name[other] == ring->name[i])
            return false;
    return true;
}

static bool read_salt(struct text line, struct keyring *ring)
{
    uint8_t salt[16];
    if (!starts_with(&line, "salt ") || !read_hex(&line, salt, sizeof salt) || line.length)
        return false;
    ring->salt = (struct hash_key){token_get(salt, 8), token_get(salt + 8, 8)};
    return true;
}

static bool read_key(struct text line, struct keyring *ring)
{
    uint32_t i = ring->count;
    if (i == KEYRING_MAX || !starts_with(&line, "key ") ||
        !read_hex(&line, ring->key[i], KEY_SIZE) || !read_seconds(line, &ring->from[i]) ||
        !key_prepare(ring, i))
        return false;
    ring->count++;
    return i == 0 || ring->from[i] >= ring->from[i - 1];
}

static int read_text(struct text rest, const char *path, struct keyring *out, struct error *error)
{
    struct keyring ring = {.count = 0};
    unsigned number = 0;
    bool good = true;
    while (good && rest.length) {
        struct text line = next_line(&rest);
        switch (++number) {
        case 1:
            good = text_is(line, first_line);
            break;
        case 2:
            good = read_salt(line, &ring);
            break;
        default:
            good = read_key(line, &ring);
        }
    }
    if (good && ring.count)
        *out = ring;
    else
        error_set(error, -EBADMSG,
                  "%s:%u: is not as `ecluse run` writes it; remove the file and a new one is made: "
                  "all passes given until then are void",
                  path, number);
    good = good && ring.count;
    keyring_wipe(&ring);
    return good ? 0 : -EBADMSG;
}

int keyring_read(const char *path, struct keyring *out, struct error *error)
{
    char text[FILE_SIZE_MAX];
    ssize_t length = secret_file_read(path, text, sizeof text, error);
    int failed = length < 0 ? (int)length : 0;
    if (!failed && sodium_init() < 0)
        failed = error_set(error, -EIO, "libsodium does not start");
    if (!failed)
        failed = read_text((struct text){text, (size_t)length}, path, out, error);
    sodium_memzero(text, sizeof text);
    return failed;
}

static int write_file(const char *path, const struct keyring *ring, int group, struct error *error)
{
    char text[FILE_SIZE_MAX], hex[HEX + 1];
    uint8_t salt[16];
    struct writer w = writer_on(text, sizeof text);
    token_put(salt, ring->salt.k0, 8);
    token_put(salt + 8, ring->salt.k1, 8);
    write_string(&w, first_line);
    write_string(&w, "\nsalt ");
    write_string(&w, sodium_bin2hex(hex, sizeof hex, salt, sizeof salt));
    for (uint32_t i = 0; i < ring->count; i++) {
        write_string(&w, "\nkey ");
        write_string(&w, sodium_bin2hex(hex, sizeof hex, ring->key[i], KEY_SIZE));
        write_string(&w, " ");
        write_unsigned(&w, (uint64_t)ring->from[i]);
    }
    write_string(&w, "\n");
    must(!w.overflow);
    int failed = secret_file_write(path, group, text, w.length, error);
    sodium_memzero(text, sizeof text);
    sodium_memzero(hex, sizeof hex);
    return failed;
}

/* ---- Rotation -------------------------------------------------------------------------------- */

static void add_key(struct keyring *ring, int64_t from)
{
    uint32_t i = ring->count;
    do {
        randombytes_buf(ring->key[i], KEY_SIZE);
    } while (!key_prepare(ring, i));
    ring->from[i] = from;
    ring->count++;
}

static void drop_oldest(struct keyring *ring)
{
    ring->count--;
    memmove(ring->name, ring->name + 1, ring->count * sizeof *ring->name);
    memmove(ring->from, ring->from + 1, ring->count * sizeof *ring->from);
    memmove(ring->key, ring->key + 1, ring->count * sizeof *ring->key);
    memmove(ring->quick, ring->quick + 1, ring->count * sizeof *ring->quick);
}

static void begin(struct keyring *ring, int64_t now, int64_t rotate)
{
    *ring = (struct keyring){.salt = hash_key_random()};
    add_key(ring, now);
    add_key(ring, now + rotate);
}

static bool turn(struct keyring *ring, int64_t now, int64_t rotate)
{
    const int64_t keep = (int64_t)KEYRING_KEEP_DAYS * 86400;
    bool changed = false;
    /* Rotation is quicker by now, or a clock was far ahead for a while. */
    for (; ring->count > 2 && ring->from[ring->count - 2] > now + rotate; changed = true)
        ring->count--;
    if (ring->from[ring->count - 1] > now + 2 * rotate) {
        ring->from[ring->count - 1] = now + rotate;
        changed = true;
    }
    while (ring->count > 2 && ring->from[1] <= now - keep) {
        drop_oldest(ring);
        changed = true;
    }
    if (ring->from[ring->count - 1] <= now || ring->count < 2) {
        if (ring->count == KEYRING_MAX)
            drop_oldest(ring);
        add_key(ring, now + rotate);
        changed = true;
    }
    return changed;
}

int keyring_rotate(const char *path, int64_t now, int64_t rotate_seconds, int group,
                   struct error *error)
{
    struct keyring ring;
    if (sodium_init() < 0)
        return error_set(error, -EIO, "libsodium does not start");
    int failed = keyring_read(path, &ring, error);
    bool due = failed == -ENOENT;
    if (failed && !due)
        return failed;
    if (due)
        begin(&ring, now, rotate_seconds);
    else
        due = turn(&ring, now, rotate_seconds) || !secret_file_is_given(path, group);
    failed = due ? write_file(path, &ring, group, error) : 0;
    keyring_wipe(&ring);
    return failed ? failed : due;
}

/* ---- Keys ------------------------------------------------------------------------------------ */

int keyring_signs(const struct keyring *ring, int64_t now)
{
    int i = (int)ring->count - 1;
    while (i > 0 && ring->from[i] > now)
        i--;
    return i; /* a clock that was set back before all of them: the oldest */
}

int keyring_named(const struct keyring *ring, uint16_t name)
{
    for (uint32_t i = ring->count; i-- > 0;)
        if (ring->name[i] == name)
            return (int)i;
    return -1;
}

void keyring_mac(const struct keyring *ring, int key, enum seal seal, const uint8_t *bytes,
                 size_t length, uint8_t out[MAC_SIZE])
{
    if (seal == SEAL_QUICK)
        crypto_shorthash_siphashx24(out, bytes, length, ring->quick[key]);
    else
        crypto_generichash(out, MAC_SIZE, bytes, length, ring->key[key], KEY_SIZE);
}

size_t keyring_seal(const struct keyring *ring, enum token_kind kind, enum seal seal, int64_t now,
                    uint8_t *token, size_t length, char *text)
{
    int key = keyring_signs(ring, now);
    if (key < 0)
        return 0;
    token[0] = (uint8_t)kind;
    token_put(token + 1, ring->name[key], 2);
    keyring_mac(ring, key, seal, token, length - MAC_SIZE, token + length - MAC_SIZE);
    return token_text(token, length, text);
}

enum token_fault keyring_unseal(const struct keyring *ring, enum token_kind kind, enum seal seal,
                                struct text text, uint8_t *token, size_t length, int *key)
{
    uint8_t mac[MAC_SIZE];
    int claims = token_claims(text);
    if (claims != (int)kind)
        return claims < 0 ? TOKEN_TAMPERED : TOKEN_VERSION;
    if (!token_bytes(text, token, length))
        return TOKEN_TAMPERED;
    *key = keyring_named(ring, (uint16_t)token_get(token + 1, 2));
    if (*key < 0)
        return TOKEN_UNKNOWN_KEY;
    keyring_mac(ring, *key, seal, token, length - MAC_SIZE, mac);
    return sodium_memcmp(mac, token + length - MAC_SIZE, MAC_SIZE) == 0 ? TOKEN_NONE
                                                                        : TOKEN_TAMPERED;
}

/* ---- Networks -------------------------------------------------------------------------------- */

static bool is_ipv4(const uint8_t address[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(address, mapped, sizeof mapped) == 0;
}

/* The first `bytes` of the address, and how many: two widths are two things. */
static uint64_t hash_of(const struct keyring *ring, const uint8_t address[16], unsigned bytes)
{
    uint64_t words[3] = {0, 0, bytes};
    memcpy(words, address, bytes);
    return siphash_words3(ring->salt, words[0], words[1], words[2]);
}

uint64_t keyring_near(const struct keyring *ring, const uint8_t address[16])
{
    uint64_t hash = hash_of(ring, address, is_ipv4(address) ? 15 : 6);
    return hash ? hash : 1;
}

uint32_t keyring_wide(const struct keyring *ring, const uint8_t address[16])
{
    return (uint32_t)hash_of(ring, address, is_ipv4(address) ? 14 : 6);
}

void keyring_wipe(struct keyring *ring)
{
    sodium_memzero(ring, sizeof *ring);
}
