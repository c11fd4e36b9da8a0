/* Any bytes as X-Forwarded-For: the client is always one that somebody vouched for. The first byte
 * says how many trusted prefixes there are and where the bytes are cut into headers. */
#include "front/forwarded.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct prefix_list trusted;
    static const uint8_t peer[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1};
    if (size < 2)
        return 0;
    trusted.count = data[0] & 1;
    memcpy(trusted.prefix[0].address, peer, 16);
    trusted.prefix[0].bits = (uint8_t)(data[0] >> 1);
    size_t cut = data[1] % size;
    char *copy = malloc(size); /* of its own length, so that a read beyond it is seen */
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    const struct text headers[2] = {{copy, cut}, {copy + cut, size - cut}};
    uint8_t client[16];
    memset(client, 0xaa, sizeof client);
    forwarded_client(&trusted, peer, headers, 2, client);
    must(trusted.count || memcmp(client, peer, 16) == 0);
    memset(client, 0xaa, sizeof client);
    uint8_t before[16];
    memcpy(before, client, 16);
    must(address_parse(headers[1], client) || memcmp(client, before, 16) == 0);
    free(copy);
    return 0;
}
