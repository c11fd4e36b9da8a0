/* fuzz_records.h: what every reader of records is given to: packets go through the kernel's reading
 * of them, flows are only looked at. */
#ifndef ECLUSE_EGRESS_FUZZ_RECORDS_H
#define ECLUSE_EGRESS_FUZZ_RECORDS_H

#include "egress/record_input.h"
#include "egress/replay_kernel.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_frame(void *context, const struct replay_frame *frame)
{
    static nanos_t now = 1;
    struct replay_sight sight;
    must(frame->captured <= frame->length || frame->length < 64);
    replay_frame_look(context, frame, ++now, &sight);
    must(sight.way != REPLAY_OUT || sight.by < BY_COUNT);
}

static inline void fuzz_flow(void *context, const struct replay_flow *flow)
{
    (void)context;
    must(flow->start >= 0 && flow->bytes_from < UINT64_C(1) << 52);
}

static inline void fuzz_fault(void *context, enum record_fault fault, uint64_t place)
{
    (void)context, (void)place;
    must(fault < FAULT_COUNT);
}

static inline void fuzz_other(void *context)
{
    (void)context;
}

static inline void fuzz_progress(void *context, uint64_t bytes)
{
    (void)context, (void)bytes;
}

/* Tables are kept from one input to the next: what came before is what attackers choose too. */
static inline struct record_sink fuzz_sink(void)
{
    static struct replay_tables *tables;
    if (!tables) {
        static struct egress_config config;
        config.prefix[0] =
            (struct class_prefix){{96 + 8, {[10] = 0xff, [11] = 0xff, [12] = 10}}, CLASS_INSIDE};
        config.prefix_count = 1;
        must(replay_tables_make(&config, &tables) == 0);
    }
    return (struct record_sink){.frame = fuzz_frame,
                                .flow = fuzz_flow,
                                .fault = fuzz_fault,
                                .other = fuzz_other,
                                .progress = fuzz_progress,
                                .context = tables};
}

/* The input behind a beginning that leads to one reader, unless it begins like that itself. */
static inline int fuzz_behind(const void *begin, size_t length, const uint8_t *data, size_t size)
{
    static uint8_t all[1 << 16];
    struct record_sink sink = fuzz_sink();
    if (size > sizeof all - 256 || length > 256)
        return 0;
    if (size >= 4 && memcmp(data, begin, 4) == 0)
        return record_input_memory(data, size, &sink);
    memcpy(all, begin, length);
    if (size)
        memcpy(all + length, data, size);
    record_input_memory(all, length + size, &sink);
    return 0;
}

#endif
