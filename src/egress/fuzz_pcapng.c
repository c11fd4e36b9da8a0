/* Any bytes behind a section and an interface. */
#include "egress/fuzz_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t begin[] = {0x0a0d0d0a, 28, 0x1a2b3c4d, 1, UINT32_MAX, UINT32_MAX,
                                     28,         1,  20,         1, 262144,     20};
    return fuzz_behind(begin, sizeof begin, data, size);
}
