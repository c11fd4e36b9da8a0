/* Any bytes as an entry of somebody's log: no crash; what is taken has texts that end. */
#include "audit/entry.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct entry entry;
    if (entry_parse((struct text){(const char *)data, size}, &entry) == 0 &&
        (strlen(entry.act.reason) >= sizeof entry.act.reason || entry.kind >= ACT_KIND_COUNT))
        abort();
    return 0;
}
