/* test_records.h: bytes of captures written by hand, and what a reader makes of them. */
#ifndef ECLUSE_EGRESS_TEST_RECORDS_H
#define ECLUSE_EGRESS_TEST_RECORDS_H

#include "egress/record_input.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { FOUND_MOST = 64 };

struct found {
    size_t frames, flows, others;
    struct replay_frame frame[FOUND_MOST];
    uint8_t first_byte[FOUND_MOST];
    struct replay_flow flow[FOUND_MOST];
    uint64_t faults[FAULT_COUNT], place[FAULT_COUNT]; /* the first of each */
};

static inline void found_frame(void *context, const struct replay_frame *frame)
{
    struct found *f = context;
    assert_true(f->frames < FOUND_MOST);
    f->first_byte[f->frames] = frame->captured ? frame->data[0] : 0;
    f->frame[f->frames++] = *frame;
}

static inline void found_flow(void *context, const struct replay_flow *flow)
{
    struct found *f = context;
    assert_true(f->flows < FOUND_MOST);
    f->flow[f->flows++] = *flow;
}

static inline void found_fault(void *context, enum record_fault fault, uint64_t place)
{
    struct found *f = context;
    if (!f->faults[fault]++)
        f->place[fault] = place;
}

static inline void found_other(void *context)
{
    ((struct found *)context)->others++;
}

static inline void found_progress(void *context, uint64_t bytes)
{
    (void)context, (void)bytes;
}

static inline struct record_sink sink_of(struct found *f)
{
    return (struct record_sink){.frame = found_frame,
                                .flow = found_flow,
                                .fault = found_fault,
                                .other = found_other,
                                .progress = found_progress,
                                .context = f};
}

struct bytes {
    uint8_t data[1 << 16];
    size_t length;
    bool big; /* written in the order of the network */
};

static inline void add(struct bytes *b, const void *data, size_t length)
{
    assert_true(b->length + length <= sizeof b->data);
    memcpy(b->data + b->length, data, length);
    b->length += length;
}

static inline void add16(struct bytes *b, unsigned value)
{
    uint8_t two[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
    uint8_t turned[2] = {two[1], two[0]};
    add(b, b->big ? turned : two, 2);
}

static inline void add32(struct bytes *b, uint32_t value)
{
    if (b->big)
        add16(b, value >> 16);
    add16(b, value & 0xffff);
    if (!b->big)
        add16(b, value >> 16);
}

static inline void add_filled(struct bytes *b, uint8_t value, size_t length)
{
    for (size_t i = 0; i < length; i++)
        add(b, &value, 1);
}

/* What is found in them; the caller frees it. */
static inline struct found *found_in(const void *data, size_t length)
{
    struct found *f = calloc(1, sizeof *f);
    assert_non_null(f);
    struct record_sink sink = sink_of(f);
    assert_int_equal(record_input_memory(data, length, &sink), 0);
    return f;
}

static inline struct found *found_in_text(const char *text)
{
    return found_in(text, strlen(text));
}

static inline uint64_t faults_of(const struct found *f)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < FAULT_COUNT; i++)
        sum += f->faults[i];
    return sum;
}

#endif
