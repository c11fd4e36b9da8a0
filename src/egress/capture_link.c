#include "egress/capture_link.h"

#include <net/if_arp.h>

enum {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_RAW_BSD = 12,
    LINK_RAW_OPENBSD = 14,
    LINK_RAW = 101,
    LINK_LOOP = 108,
    LINK_COOKED = 113,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_COOKED2 = 276,
    ETHERNET_HEADER = 14,
    TAGS_READ = 2,
};

bool capture_link_known(uint32_t link_type)
{
    return link_type == LINK_NULL || link_type == LINK_ETHERNET || link_type == LINK_RAW_BSD ||
           link_type == LINK_RAW_OPENBSD || link_type == LINK_RAW || link_type == LINK_LOOP ||
           link_type == LINK_COOKED || link_type == LINK_IPV4 || link_type == LINK_IPV6 ||
           link_type == LINK_COOKED2;
}

static void drop(struct replay_frame *f, uint32_t size)
{
    uint32_t cut = size < f->captured ? size : f->captured;
    f->data += cut;
    f->captured -= cut;
    f->length -= size < f->length ? size : f->length;
}

static unsigned word_at(const struct replay_frame *f, unsigned offset)
{
    return f->captured >= offset + 2 ? (unsigned)f->data[offset] << 8 | f->data[offset + 1] : 0;
}

/* A cooked header of `size` bytes, its protocol at `protocol`, its kind of hardware at `hardware`.
 */
static void cooked(struct replay_frame *f, unsigned size, unsigned protocol, unsigned hardware)
{
    unsigned of_packet = word_at(f, protocol), kind = word_at(f, hardware), tags = 0;
    drop(f, size);
    for (; tags < TAGS_READ && (of_packet == 0x8100 || of_packet == 0x88a8); tags++) {
        of_packet = word_at(f, 2);
        drop(f, 4);
    }
    if (kind == ARPHRD_ETHER)
        f->length += ETHERNET_HEADER + tags * 4;
}

bool capture_link_read(uint32_t link_type, struct replay_frame *frame)
{
    if (!capture_link_known(link_type))
        return false;
    frame->link = link_type == LINK_ETHERNET;
    if (link_type == LINK_NULL || link_type == LINK_LOOP)
        drop(frame, 4);
    else if (link_type == LINK_COOKED)
        cooked(frame, 16, 14, 2);
    else if (link_type == LINK_COOKED2)
        cooked(frame, 20, 0, 8);
    return true;
}
