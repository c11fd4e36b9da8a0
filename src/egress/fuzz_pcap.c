/* Any bytes behind the header of a capture, and their packets as the kernel would read them. */
#include "egress/fuzz_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t links[] = {1, 101, 113, 0};
    uint32_t header[6] = {0xa1b2c3d4, 0x00040002, 0, 0, 262144, 1};
    if (size > 1)
        header[5] = data[1] == 4 ? 276 : links[data[1] % 4];
    return fuzz_behind(header, sizeof header, data, size);
}
