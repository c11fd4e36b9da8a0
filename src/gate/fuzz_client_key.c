/* Any bytes as the header Ecluse-Key, and as the list of keys: the header is never good, unless it
 * is the one that was signed. */
#include "gate/client_key_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char id[] = "abcdefghijkl";

static struct client_keys *one_key(void)
{
    static struct client_keys keys = {.count = 1};
    memcpy(keys.entry[0].key.id, id, sizeof id);
    crypto_auth_hmacsha256_init(&keys.entry[0].hmac, (const uint8_t *)"secret", 6);
    return &keys;
}

static char folder[] = "/dev/shm/ecluse-fuzz-XXXXXX", path[64];

static void remove_folder(void)
{
    unlink(path);
    snprintf(path, sizeof path, "%s/client.master", folder);
    unlink(path);
    rmdir(folder);
}

/* As a file, since that is how it is read; in memory where there is one. */
static void read_as_list(const uint8_t *data, size_t size)
{
    struct client_keys *keys = NULL;
    if (!*path && mkdtemp(folder)) {
        atexit(remove_folder);
        static const char master[] =
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
        snprintf(path, sizeof path, "%s/client.master", folder);
        must(secret_file_write(path, -1, master, sizeof master - 1, NULL) == 0);
        snprintf(path, sizeof path, "%s/client.keys", folder);
    }
    if (secret_file_write(path, -1, (const char *)data, size, NULL) != 0)
        return;
    if (client_keys_read(folder, &keys, NULL) == 0)
        for (size_t i = 0; i < client_keys_count(keys); i++)
            must(strlen(client_keys_at(keys, i)->id) == CLIENT_KEY_ID_LENGTH);
    client_keys_free(keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char right[128];
    static unsigned turn;
    const struct client_key *found;
    const struct client_keys *keys = one_key();
    size_t length =
        client_key_sign(id, "secret", TEXT("GET"), TEXT("/"), 1000, right, sizeof right);
    char *copy = malloc(size ? size : 1);
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    enum token_fault fault =
        client_key_check(keys, (struct text){copy, size}, TEXT("GET"), TEXT("/"), 1000, &found);
    must(fault != TOKEN_NONE || (size == length && memcmp(copy, right, length) == 0));
    if (turn++ % 16 == 0) /* a file is slow */
        read_as_list(data, size);
    free(copy);
    return 0;
}
