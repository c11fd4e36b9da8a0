/* Any bytes as a hold's evidence, as they are and with a checksum that fits: no crash, and nothing
 * is listed beyond its place. */
#include "egress/trail.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct trail *e)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < e->listed_destinations; i++)
        sum += e->destination[i].bytes;
    for (uint64_t i = 0; i < e->listed_connections; i++)
        sum += e->connection[i].bytes;
    if (e->pair > 1 || (sum == 1 && e->listed_destinations > TRAIL_LISTED))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trail e, read;
    if (trail_parse(data, size, &read))
        check(&read);
    memset(&e, 0, sizeof e);
    memcpy(&e, data, size < sizeof e ? size : sizeof e);
    trail_seal(&e);
    if (trail_parse(&e, sizeof e, &read))
        check(&read);
    return 0;
}
