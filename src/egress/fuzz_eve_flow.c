/* Any bytes as lines of an EVE log. */
#include "egress/fuzz_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char head[] = "{\"event_type\":\"flow\",\"proto\":\"TCP\"";
    return fuzz_behind(head, sizeof head - 1, data, size);
}
