/* client_key_file.h: how client keys lie in memory and in their two files (client_key.h). */
#ifndef ECLUSE_CLIENT_KEY_FILE_H
#define ECLUSE_CLIENT_KEY_FILE_H

#include "gate/client_key.h"

#include <sodium.h>

struct client_key_entry {
    struct client_key key;
    crypto_auth_hmacsha256_state hmac; /* what HMAC does with the secret, before any message */
};

struct client_keys {
    size_t count;
    struct client_key_entry entry[CLIENT_KEY_MAX + 1]; /* by id; one more while one is issued */
};

#endif
