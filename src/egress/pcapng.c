#include "egress/pcapng.h"

#include "egress/capture_link.h"

enum {
    BLOCK_SECTION = 0x0a0d0d0a,
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET = 2, /* obsolete, still met */
    BLOCK_SIMPLE = 3,
    BLOCK_ENHANCED = 6,
    BLOCK_LEAST = 12,
    BLOCK_MOST = 1 << 28, /* of those that are passed by unread */
    INTERFACES = 256,
    OPTION_RESOLUTION = 9, /* if_tsresol */
    OPTION_OFFSET = 14,    /* if_tsoffset */
};

#define ORDER 0x1a2b3c4du

struct interface {
    uint32_t link_type, snap;
    uint64_t ticks; /* in a second */
    int64_t offset; /* seconds */
};

struct capture {
    bool swapped;
    unsigned count;
    struct interface interface[INTERFACES];
};

struct block {
    uint32_t type, length;
    uint64_t place;
    const uint8_t *body; /* between the lengths */
    uint32_t size;
};

static uint32_t word(const struct capture *c, const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return c->swapped ? __builtin_bswap32(value) : value;
}

static uint32_t half(const struct capture *c, const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return c->swapped ? __builtin_bswap16(value) : value;
}

bool pcapng_is(const uint8_t begin[4])
{
    static const uint8_t magic[4] = {0x0a, 0x0d, 0x0d, 0x0a}; /* the same in both orders */
    return memcmp(begin, magic, sizeof magic) == 0;
}

/* if_tsresol: powers of ten, or of two when the top bit is set. Finer than 2^-63 no clock is. */
static uint64_t ticks_of(uint8_t resolution)
{
    unsigned power = resolution & 0x7f;
    uint64_t ticks = 1;
    if (resolution & 0x80)
        return power < 64 ? UINT64_C(1) << power : 0;
    for (unsigned i = 0; i < power; i++)
        if (__builtin_mul_overflow(ticks, 10, &ticks))
            return 0;
    return ticks;
}

static void options_read(const struct capture *c, const uint8_t *at, uint32_t left,
                         struct interface *out)
{
    while (left >= 4) {
        uint32_t code = half(c, at), length = half(c, at + 2), padded = (length + 3) & ~3u;
        if (code == 0 || padded > left - 4)
            return;
        if (code == OPTION_RESOLUTION && length >= 1)
            out->ticks = ticks_of(at[4]);
        if (code == OPTION_OFFSET && length >= 8) {
            uint64_t first = word(c, at + 4), second = word(c, at + 8);
            out->offset = (int64_t)(c->swapped ? first << 32 | second : second << 32 | first);
        }
        at += 4 + padded;
        left -= 4 + padded;
    }
}

/* What is wrong with an interface is told when it has packets. */
static void interface_read(struct capture *c, const struct block *b)
{
    struct interface i = {.link_type = UINT32_MAX, .ticks = 1000000};
    if (b->size >= 8) {
        i.link_type = half(c, b->body);
        i.snap = word(c, b->body + 4);
        options_read(c, b->body + 8, b->size - 8, &i);
    }
    if (c->count < INTERFACES)
        c->interface[c->count++] = i;
}

static nanos_t time_of(const struct interface *i, uint64_t stamp)
{
    uint64_t seconds = stamp / i->ticks, rest = stamp % i->ticks;
    int64_t all;
    if (seconds > INT32_MAX * UINT64_C(4) ||
        __builtin_add_overflow((int64_t)seconds, i->offset, &all) || all < 0 ||
        all > INT32_MAX * INT64_C(4))
        return -1;
    return all * NANOS_SECOND + (nanos_t)((unsigned __int128)rest * NANOS_SECOND / i->ticks);
}

struct packet {
    uint32_t interface, captured, length;
    uint64_t stamp;
    const uint8_t *data;
    uint32_t room;
};

static bool packet_fields(const struct capture *c, const struct block *b, struct packet *out)
{
    uint32_t head = b->type == BLOCK_SIMPLE ? 4 : 20;
    if (b->size < head)
        return false;
    out->data = b->body + head;
    out->room = b->size - head;
    if (b->type == BLOCK_SIMPLE) {
        out->interface = 0;
        out->length = word(c, b->body);
        out->captured = out->length < out->room ? out->length : out->room;
        if (c->count && c->interface[0].snap && out->captured > c->interface[0].snap)
            out->captured = c->interface[0].snap;
        return true;
    }
    out->interface = b->type == BLOCK_ENHANCED ? word(c, b->body) : half(c, b->body);
    out->stamp = (uint64_t)word(c, b->body + 4) << 32 | word(c, b->body + 8);
    out->captured = word(c, b->body + 12);
    out->length = word(c, b->body + 16);
    return out->captured <= out->room && out->length <= 1u << 22;
}

/* A simple packet has no time: it is as of the one before. */
static void packet_read_block(const struct source *s, struct capture *c, const struct block *b,
                              nanos_t *last)
{
    struct packet p = {0};
    if (!packet_fields(c, b, &p)) {
        source_fault(s, FAULT_PACKET, b->place);
        return;
    }
    const struct interface *i = p.interface < c->count ? &c->interface[p.interface] : NULL;
    if (!i || !i->ticks) {
        source_fault(s, FAULT_INTERFACE, b->place);
        return;
    }
    nanos_t time = b->type == BLOCK_SIMPLE ? *last : time_of(i, p.stamp);
    if (time < 0) {
        source_fault(s, FAULT_PACKET, b->place);
        return;
    }
    *last = time;
    struct replay_frame frame = {.time = time,
                                 .data = p.data,
                                 .captured = p.captured,
                                 .length = p.length > p.captured ? p.length : p.captured};
    if (capture_link_read(i->link_type, &frame))
        s->sink->frame(s->sink->context, &frame);
    else
        source_fault(s, FAULT_LINK, b->place);
}

/* Type and length of the block here; a section's byte order is its own. */
static bool block_head(struct source *s, struct capture *c, struct block *out)
{
    if (!source_need(s, BLOCK_LEAST))
        return false;
    const uint8_t *at = source_at(s);
    if (pcapng_is(at)) {
        struct capture probe = {.swapped = false};
        if (word(&probe, at + 8) != ORDER && __builtin_bswap32(word(&probe, at + 8)) != ORDER)
            return false;
        c->swapped = word(&probe, at + 8) != ORDER;
    }
    *out = (struct block){.type = word(c, at), .length = word(c, at + 4), .place = s->offset};
    return out->length >= BLOCK_LEAST && out->length % 4 == 0 && out->length <= BLOCK_MOST;
}

/* The whole block, its second length checked; only for those that fit the buffer. */
static bool block_whole(struct source *s, const struct capture *c, struct block *b)
{
    if (b->length > SOURCE_MOST || !source_need(s, b->length))
        return false;
    b->body = source_at(s) + 8;
    b->size = b->length - BLOCK_LEAST;
    return word(c, source_at(s) + b->length - 4) == b->length;
}

/* To the next block whose lengths agree. */
static bool search(struct source *s, struct capture *c)
{
    struct block b;
    while (source_need(s, BLOCK_LEAST)) {
        bool swapped = c->swapped;
        if (block_head(s, c, &b) && b.type && b.length < SOURCE_MOST && block_whole(s, c, &b))
            return true;
        c->swapped = swapped;
        source_take(s, 1);
    }
    return false;
}

static void block_read(const struct source *s, struct capture *c, const struct block *b,
                       nanos_t *last)
{
    if (b->type == BLOCK_SECTION)
        c->count = 0;
    else if (b->type == BLOCK_INTERFACE)
        interface_read(c, b);
    else if (b->type == BLOCK_ENHANCED || b->type == BLOCK_SIMPLE || b->type == BLOCK_PACKET)
        packet_read_block(s, c, b, last);
}

static void capture_read(struct source *s, struct capture *c)
{
    struct block b;
    nanos_t last = 0;
    while (source_need(s, BLOCK_LEAST)) {
        bool sane = block_head(s, c, &b);
        if (sane && b.length > SOURCE_MOST) { /* of no packet: too long for that */
            if (source_skip(s, b.length))
                continue;
            source_fault(s, FAULT_CUT, b.place);
            return;
        }
        if (sane && block_whole(s, c, &b)) {
            block_read(s, c, &b, &last);
            source_take(s, b.length);
            continue;
        }
        /* A length that reaches over the end is damage if there is another block behind it. */
        bool cut = sane && !source_need(s, b.length);
        uint64_t place = s->offset;
        source_take(s, 1);
        bool found = search(s, c);
        source_fault(s, cut && !found ? FAULT_CUT : FAULT_BLOCK, place);
        if (!found)
            return;
    }
    if (source_left(s))
        source_fault(s, FAULT_CUT, s->offset);
}

void pcapng_read(struct source *s)
{
    struct capture c = {.swapped = false};
    if (!source_need(s, BLOCK_LEAST) || !pcapng_is(source_at(s)))
        source_fault(s, FAULT_HEADER, s->offset);
    else
        capture_read(s, &c);
}
