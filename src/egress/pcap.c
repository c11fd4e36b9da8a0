#include "egress/pcap.h"

#include "egress/capture_link.h"

enum {
    FILE_HEADER = 24,
    PACKET_HEADER = 16,
    PACKET_MOST = 262144, /* libpcap's MAXIMUM_SNAPLEN */
};

#define SANE_GAP (400 * (int64_t)86400) /* seconds from one packet to the next, while searching */

struct capture {
    bool swapped;
    uint32_t fractions; /* of a second */
    uint32_t link_type;
    int64_t last; /* second of the last packet; 0: none yet */
};

struct header {
    uint32_t second, fraction, captured, length;
};

static uint32_t word(const uint8_t *at, bool swapped)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return swapped ? __builtin_bswap32(value) : value;
}

static bool magic_read(const uint8_t *at, struct capture *out)
{
    for (int swapped = 0; swapped < 2; swapped++) {
        uint32_t magic = word(at, swapped);
        if (magic == 0xa1b2c3d4 || magic == 0xa1b23c4d) {
            *out = (struct capture){.swapped = swapped,
                                    .fractions = magic == 0xa1b2c3d4 ? 1000000 : 1000000000};
            return true;
        }
    }
    return false;
}

bool pcap_is(const uint8_t begin[4])
{
    struct capture c;
    return magic_read(begin, &c);
}

static struct header header_read(const struct capture *c, const uint8_t *at)
{
    return (struct header){word(at, c->swapped), word(at + 4, c->swapped), word(at + 8, c->swapped),
                           word(at + 12, c->swapped)};
}

/* A sum of headers that some cards write has a fraction over a second: that is not damage. */
static bool is_sane(const struct capture *c, const struct header *h)
{
    return h->captured <= PACKET_MOST && h->length <= 16 * PACKET_MOST &&
           h->captured <= h->length && h->fraction / 2 < c->fractions;
}

static bool is_likely(const struct capture *c, const uint8_t *at, struct header *out)
{
    *out = header_read(c, at);
    int64_t gap = (int64_t)out->second - c->last;
    return is_sane(c, out) && out->length > 0 && out->captured > 0 &&
           out->fraction < c->fractions && (!c->last || (gap < SANE_GAP && gap > -SANE_GAP));
}

/* To the next packet that is followed by another one, or by the end. */
static bool search(struct source *s, const struct capture *c)
{
    while (source_need(s, PACKET_HEADER)) {
        struct header h, next;
        if (is_likely(c, source_at(s), &h)) {
            size_t both = PACKET_HEADER + (size_t)h.captured + PACKET_HEADER;
            if (source_need(s, both) ? is_likely(c, source_at(s) + both - PACKET_HEADER, &next)
                                     : source_left(s) == both - PACKET_HEADER)
                return true;
        }
        source_take(s, 1);
    }
    return false;
}

static void packet(const struct source *s, struct capture *c, const struct header *h)
{
    struct replay_frame frame = {.time =
                                     (nanos_t)h->second * NANOS_SECOND +
                                     (nanos_t)h->fraction * (NANOS_SECOND / (nanos_t)c->fractions),
                                 .data = source_at(s) + PACKET_HEADER,
                                 .captured = h->captured,
                                 .length = h->length};
    c->last = h->second;
    capture_link_read(c->link_type, &frame);
    s->sink->frame(s->sink->context, &frame);
}

static bool header_of_file(struct source *s, struct capture *c)
{
    if (!source_need(s, FILE_HEADER) || !magic_read(source_at(s), c)) {
        source_fault(s, source_left(s) < FILE_HEADER ? FAULT_CUT : FAULT_HEADER, s->offset);
        return false;
    }
    c->link_type = word(source_at(s) + 20, c->swapped) & 0xffff; /* above: length of the checksum */
    if (!capture_link_known(c->link_type)) {
        source_fault(s, FAULT_LINK, s->offset);
        return false;
    }
    source_take(s, FILE_HEADER);
    return true;
}

void pcap_read(struct source *s)
{
    struct capture c;
    if (!header_of_file(s, &c))
        return;
    while (source_need(s, PACKET_HEADER)) {
        struct header h = header_read(&c, source_at(s));
        if (is_sane(&c, &h) && source_need(s, PACKET_HEADER + (size_t)h.captured)) {
            packet(s, &c, &h);
            source_take(s, PACKET_HEADER + (size_t)h.captured);
            continue;
        }
        /* A length that reaches over the end is damage if there is another packet behind it. */
        bool sane = is_sane(&c, &h);
        uint64_t place = s->offset;
        source_take(s, 1);
        bool found = search(s, &c);
        source_fault(s, sane && !found ? FAULT_CUT : FAULT_PACKET, place);
        if (!found)
            return;
    }
    if (source_left(s))
        source_fault(s, FAULT_CUT, s->offset);
}
