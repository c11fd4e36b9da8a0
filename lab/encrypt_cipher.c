/* encrypt_cipher: see encrypt.h. */
#include "encrypt.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

struct cipher cipher_for(const unsigned char key[CIPHER_KEY], const char *path)
{
    size_t length = strlen(path), extra = strlen(ENCRYPT_EXTENSION);
    if (length > extra && strcmp(path + length - extra, ENCRYPT_EXTENSION) == 0)
        length -= extra; /* of both names of a file, or undoing would need to know both */
    struct cipher c = {.key = key};
    crypto_generichash(c.nonce, sizeof c.nonce, (const unsigned char *)path, length, NULL, 0);
    return c;
}

void cipher_apply(const struct cipher *c, unsigned char *bytes, size_t length, off_t from)
{
    crypto_stream_xchacha20_xor_ic(bytes, bytes, length, c->nonce, (uint64_t)from / 64, c->key);
}

static int copy_step(const struct cipher *c, int from, int to, off_t at, size_t length)
{
    unsigned char bytes[CIPHER_STEP];
    ssize_t have = pread(from, bytes, length, at);
    if (have <= 0)
        return have < 0 ? -errno : 0;
    cipher_apply(c, bytes, (size_t)have, at);
    ssize_t put = pwrite(to, bytes, (size_t)have, at);
    return put < 0 ? -errno : put == have ? 0 : -EIO;
}

int cipher_copy(const struct cipher *c, int from, int to, struct extent what)
{
    off_t end = lseek(from, 0, SEEK_END);
    if (what.until > 0 && what.until < end)
        end = what.until;
    off_t at = 0;
    while (at < end) {
        off_t data = lseek(from, at, SEEK_DATA);
        if (data < 0 && errno != ENXIO)
            return -errno;
        if (data < 0 || data >= end)
            break;
        at = data - data % CIPHER_STEP;
        size_t length = end - at < CIPHER_STEP ? (size_t)(end - at) : CIPHER_STEP;
        bool skipped = what.every_other && at / CIPHER_STEP % 2 == 1;
        int result = skipped ? 0 : copy_step(c, from, to, at, length);
        if (result != 0)
            return result;
        at += CIPHER_STEP;
    }
    return 0;
}
