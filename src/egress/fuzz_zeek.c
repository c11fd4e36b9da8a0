/* Any bytes as a tab-separated conn.log, behind its header or with one of their own, and as lines
 * of JSON. */
#include "egress/fuzz_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char head[] =
        "#separator \\x09\n#path\tconn\n#fields\tts\tid.orig_h\tid.resp_h\t"
        "proto\tduration\torig_bytes\tconn_state\torig_ip_bytes\torig_pkts\n";
    return fuzz_behind(head, sizeof head - 1, data, size);
}
