/* record.h: a record of the past as it is read: bytes from a descriptor, what was found in them,
 * and what could not be read. The room's own.
 *
 * Readers (pcap.h, pcapng.h, zeek.h, eve_flow.h) take bytes from a source and hand packets and
 * flows to a sink. They read with read(2) into a buffer of their own, never through a mapping,
 * which a file that shrinks meanwhile would turn into a signal. What cannot be read is told with
 * its kind and place, and reading goes on behind it where that is possible.
 */
#ifndef ECLUSE_EGRESS_RECORD_H
#define ECLUSE_EGRESS_RECORD_H

#include "egress/replay.h"

/*    constant     name            what it means */
#define RECORD_FAULTS(X)                                                                           \
    X(FORM, "unknown_form", "is in none of the forms that are read")                               \
    X(COMPRESSED, "compressed", "is compressed: decompress it into a pipe")                        \
    X(CUT, "cut_off", "ends in the middle of a record")                                            \
    X(INPUT, "input_error", "could not be read further")                                           \
    X(HEADER, "bad_header", "has a file or section header that makes no sense")                    \
    X(PACKET, "bad_packet", "has a packet header that makes no sense")                             \
    X(BLOCK, "bad_block", "has a block that makes no sense")                                       \
    X(INTERFACE, "no_interface", "has packets of an interface that is not described")              \
    X(LINK, "link_type", "has packets of a link type that is not read")                            \
    X(LINE, "long_line", "has a line that is longer than any record")                              \
    X(SYNTAX, "syntax", "has a line that is not in its form")                                      \
    X(FIELDS, "no_fields", "has a line without the fields that are needed")                        \
    X(ADDRESS, "address", "has a line with an address that makes no sense")                        \
    X(TIME, "time", "has a line with a time that makes no sense")                                  \
    X(NUMBER, "number", "has a line with a number that makes no sense")

enum record_fault {
#define X(constant, ...) FAULT_##constant,
    RECORD_FAULTS(X)
#undef X
        FAULT_COUNT
};

const char *record_fault_name(enum record_fault fault);
const char *record_fault_text(enum record_fault fault);

struct record_sink {
    void (*frame)(void *context, const struct replay_frame *frame);
    void (*flow)(void *context, const struct replay_flow *flow);
    /* place: the byte for captures, the line for logs */
    void (*fault)(void *context, enum record_fault fault, uint64_t place);
    void (*other)(void *context);                    /* a line that is about something else */
    void (*progress)(void *context, uint64_t bytes); /* read of this input so far */
    void *context;
};

/* ---- Bytes ----------------------------------------------------------------------------------- */

enum {
    SOURCE_READ = 1 << 18, /* at once: what stays in the processor's cache */
    SOURCE_MOST = 1 << 20, /* the longest record that is looked at whole */
    SOURCE_SIZE = SOURCE_MOST + SOURCE_READ
};

struct source {
    int descriptor; /* -1: `data` is all there is */
    uint8_t *data;
    size_t begin, end;
    uint64_t offset; /* of data[begin] in the input */
    uint64_t line;   /* of the last line taken, from 1 */
    bool ended;
    int error; /* errno of the read that ended it, 0 */
    const struct record_sink *sink;
};

int source_open(struct source *s, int descriptor, const struct record_sink *sink); /* -ENOMEM */
void source_close(struct source *s); /* the descriptor is the caller's */

/* At least `size` bytes (at most SOURCE_MOST) at source_at(); false when the input has fewer. */
bool source_fill(struct source *s, size_t size);

static inline bool source_need(struct source *s, size_t size)
{
    return s->end - s->begin >= size || source_fill(s, size);
}

static inline const uint8_t *source_at(const struct source *s)
{
    return s->data + s->begin;
}

static inline size_t source_left(const struct source *s) /* in the buffer */
{
    return s->end - s->begin;
}

static inline void source_take(struct source *s, size_t size) /* of what is in the buffer */
{
    s->begin += size;
    s->offset += size;
}

/* Any number of bytes; false when the input ends before. */
bool source_skip(struct source *s, uint64_t size);

/* The next line, without its end; what has no line end at the end of the input is a line too. Lines
 * over SOURCE_MOST are told as faults and passed by. */
bool source_line(struct source *s, struct text *out);

static inline void source_fault(const struct source *s, enum record_fault fault, uint64_t place)
{
    s->sink->fault(s->sink->context, fault, place);
}

#endif
