/* record_input.h: one input to its end, in whichever form it is in.
 *
 * The form is told by the first bytes: pcap, pcapng, a tab-separated log with Zeek's header, or
 * lines of JSON, of which each may be Zeek's or EVE's. What is compressed is said to be, by name.
 */
#ifndef ECLUSE_EGRESS_RECORD_INPUT_H
#define ECLUSE_EGRESS_RECORD_INPUT_H

#include "egress/record.h"

/* NULL: not compressed in a known way; else the command that decompresses ("zcat"). */
const char *record_compression(const uint8_t *begin, size_t length);

struct record_input {
    uint64_t bytes;           /* read */
    int error;                /* errno of the read that ended it; 0 */
    const char *decompressor; /* NULL, or what would read it */
};

/* Reads the descriptor to its end. -ENOMEM; everything else is told to the sink. */
int record_input(int descriptor, const struct record_sink *sink, struct record_input *out);

/* The same from memory, of at most SOURCE_MOST bytes: for tests and fuzzing. */
int record_input_memory(const void *data, size_t length, const struct record_sink *sink);

#endif
