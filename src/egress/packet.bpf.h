/* packet.bpf.h: what one packet is: how many bytes of the line it takes, who sent it, to whom, on
 * which connection.
 *
 * Packets are read as attackers may have written them: every read is bounded, and what cannot be
 * understood is taken for what costs its sender most (`odd`: to a destination in no list, on a
 * connection that nobody vouches for).
 */
#ifndef ECLUSE_EGRESS_PACKET_H
#define ECLUSE_EGRESS_PACKET_H

#include "map.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>

#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define FRAGMENT_OFFSET 0x1fff
#define FRAGMENT_MORE   0x2000

enum { TAGS_MOST = 2, EXTENSIONS_MOST = 8, TUNNEL_HEADERS = 256 };

enum direction { DIRECTION_OUT, DIRECTION_IN };

enum packet_kind {
    PACKET_IP,
    PACKET_LOCAL, /* never leaves the link: ARP, and what bridges may not forward */
    PACKET_OTHER  /* no IP: counted as leaving */
};

struct packet {
    struct egress_flow_key key;
    struct egress_host host;
    __u32 bytes; /* on the line, from the link header on: every segment with its own headers */
    __u32 sequence, acknowledged;
    __u32 offset; /* of what follows the headers read so far */
    __u8 kind, odd, syn, ack, ip6;
    __u8 fragment, first_fragment;
    __u32 identification;
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, EGRESS_FRAGMENTS);
    __type(key, struct egress_fragment_key);
    __type(value, __u32);
} fragments SEC(".maps");

struct link_header {
    __u8 to[6], from[6];
    __be16 protocol;
};

struct ip4_header {
    __u8 version_length, service;
    __be16 length, identification, fragment;
    __u8 life, protocol;
    __be16 check;
    __u8 from[4], to[4];
};

struct ip6_header {
    __be32 version_class_label;
    __be16 length;
    __u8 next, life;
    __u8 from[16], to[16];
};

struct tcp_start {
    __be16 from, to;
    __be32 sequence, acknowledged;
    __u8 length, flags;
};

static __always_inline void address_of_ip4(__u8 out[16], const __u8 in[4])
{
    __builtin_memset(out, 0, 10);
    out[10] = 0xff;
    out[11] = 0xff;
    __builtin_memcpy(out + 12, in, 4);
}

/* 01:80:c2:00:00:00 to :0f (IEEE 802.1D 7.12.6). */
static __always_inline bool stays_on_link(const struct link_header *link)
{
    return link->to[0] == 0x01 && link->to[1] == 0x80 && link->to[2] == 0xc2 && !link->to[3] &&
           !link->to[4] && link->to[5] < 0x10;
}

static __always_inline __be16 read_link(struct __sk_buff *skb, struct packet *p, enum direction way)
{
    struct link_header link;
    if (bpf_skb_load_bytes(skb, 0, &link, sizeof link))
        return 0;
    p->host.id[0] = 1;
    __builtin_memcpy(p->host.id + 10, way == DIRECTION_OUT ? link.from : link.to, 6);
    p->offset = sizeof link;
    __be16 protocol = link.protocol;
    for (int i = 0; i < TAGS_MOST; i++) {
        struct {
            __be16 tag, protocol;
        } vlan;
        if (protocol != bpf_htons(ETH_P_8021Q) && protocol != bpf_htons(ETH_P_8021AD))
            break;
        if (bpf_skb_load_bytes(skb, p->offset, &vlan, sizeof vlan))
            return 0;
        protocol = vlan.protocol;
        p->offset += sizeof vlan;
    }
    if (protocol == bpf_htons(ETH_P_ARP) || stays_on_link(&link))
        p->kind = PACKET_LOCAL;
    return protocol;
}

static __always_inline void put_addresses(struct packet *p, const __u8 from[16], const __u8 to[16],
                                          enum direction way)
{
    __builtin_memcpy(p->key.inside, way == DIRECTION_OUT ? from : to, 16);
    __builtin_memcpy(p->key.outside, way == DIRECTION_OUT ? to : from, 16);
}

static __always_inline bool read_ip4(struct __sk_buff *skb, struct packet *p, enum direction way)
{
    struct ip4_header ip;
    if (bpf_skb_load_bytes(skb, p->offset, &ip, sizeof ip) || ip.version_length >> 4 != 4 ||
        (ip.version_length & 15) < 5)
        return false;
    __u8 from[16], to[16];
    address_of_ip4(from, ip.from);
    address_of_ip4(to, ip.to);
    put_addresses(p, from, to, way);
    /* Options may say that the destination is another one (source route). */
    p->odd = (ip.version_length & 15) > 5;
    p->key.protocol = ip.protocol;
    p->identification = ip.identification;
    p->fragment = (ip.fragment & bpf_htons(FRAGMENT_OFFSET)) != 0;
    p->first_fragment = !p->fragment && (ip.fragment & bpf_htons(FRAGMENT_MORE));
    p->offset += (__u32)(ip.version_length & 15) * 4;
    return true;
}

static __always_inline bool is_extension(__u8 next)
{
    return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_FRAGMENT ||
           next == IPPROTO_DSTOPTS || next == IPPROTO_AH || next == IPPROTO_MH;
}

static __always_inline bool read_ip6(struct __sk_buff *skb, struct packet *p, enum direction way)
{
    struct ip6_header ip;
    if (bpf_skb_load_bytes(skb, p->offset, &ip, sizeof ip) ||
        (ip.version_class_label & bpf_htonl(0xf0000000)) != bpf_htonl(0x60000000))
        return false;
    put_addresses(p, ip.from, ip.to, way);
    p->ip6 = 1;
    p->offset += sizeof ip;
    __u8 next = ip.next;
    for (int i = 0; i < EXTENSIONS_MOST && is_extension(next); i++) {
        struct {
            __u8 next, length;
            __be16 fragment;
            __be32 identification;
        } extension;
        if (bpf_skb_load_bytes(skb, p->offset, &extension, sizeof extension))
            return false;
        if (next == IPPROTO_FRAGMENT) {
            p->fragment = (extension.fragment & bpf_htons(0xfff8)) != 0;
            p->first_fragment = !p->fragment && (extension.fragment & bpf_htons(1));
            p->identification = extension.identification;
            p->offset += 8;
        } else if (next == IPPROTO_AH) {
            p->offset += ((__u32)extension.length + 2) * 4;
        } else {
            p->odd |= next == IPPROTO_ROUTING && extension.fragment & bpf_htons(0xff);
            p->offset += ((__u32)extension.length + 1) * 8;
        }
        next = extension.next;
        if (p->fragment)
            break;
    }
    p->key.protocol = next;
    p->odd |= is_extension(next) && !p->fragment;
    return true;
}

/* Returns the length of the header, 0 where it is not known. */
static __always_inline __u32 read_ports(struct __sk_buff *skb, struct packet *p, enum direction way)
{
    struct tcp_start start = {};
    __u32 header;
    if (p->key.protocol == IPPROTO_TCP) {
        if (bpf_skb_load_bytes(skb, p->offset, &start, sizeof start))
            return 0;
        header = (__u32)(start.length >> 4) * 4;
        p->sequence = bpf_ntohl(start.sequence);
        p->acknowledged = bpf_ntohl(start.acknowledged);
        p->syn = (start.flags & 0x02) != 0;
        p->ack = (start.flags & 0x10) != 0;
    } else if (p->key.protocol == IPPROTO_UDP || p->key.protocol == IPPROTO_UDPLITE ||
               p->key.protocol == IPPROTO_SCTP || p->key.protocol == IPPROTO_DCCP) {
        if (bpf_skb_load_bytes(skb, p->offset, &start, 4))
            return 0;
        header = 8;
    } else {
        return 0;
    }
    p->key.inside_port = way == DIRECTION_OUT ? start.from : start.to;
    p->key.outside_port = way == DIRECTION_OUT ? start.to : start.from;
    return header;
}

/* Later fragments have no ports: the first one leaves them here. One that comes before it proves
 * nothing. */
static __always_inline __u32 read_transport(struct __sk_buff *skb, struct packet *p,
                                            enum direction way)
{
    if (!p->fragment && !p->first_fragment)
        return read_ports(skb, p, way);
    struct egress_fragment_key key = {.identification = p->identification,
                                      .protocol = p->key.protocol};
    __builtin_memcpy(key.from, way == DIRECTION_OUT ? p->key.inside : p->key.outside, 16);
    __builtin_memcpy(key.to, way == DIRECTION_OUT ? p->key.outside : p->key.inside, 16);
    if (p->first_fragment) {
        __u32 header = read_ports(skb, p, way);
        __u32 ports = (__u32)p->key.inside_port << 16 | p->key.outside_port;
        bpf_map_update_elem(&fragments, &key, &ports, BPF_ANY);
        return header;
    }
    const __u32 *ports = bpf_map_lookup_elem(&fragments, &key);
    if (ports) {
        p->key.inside_port = (__u16)(*ports >> 16);
        p->key.outside_port = (__u16)*ports;
    }
    return 0;
}

/* The kernel hands over up to 64 kB at once with one set of headers; the line carries one for each
 * segment. Inside a tunnel the headers are not looked for: what the first segment can hold of them
 * bounds them. */
static __always_inline void count_bytes(const struct __sk_buff *skb, struct packet *p, __u32 header)
{
    __u32 length = skb->len, size = skb->gso_size, segments = skb->gso_segs;
    __u32 headers = p->offset + header;
    p->bytes = length;
    if (skb->vlan_present) {
        p->bytes += 4;
        headers += 4;
    }
    if (!size || length <= size)
        return;
    if (!header && headers < TUNNEL_HEADERS)
        headers = TUNNEL_HEADERS;
    if (!segments)
        segments = (length + size - 1) / size;
    if (segments > 1 && segments < 65536)
        p->bytes += (segments - 1) * headers;
}

static __always_inline void packet_read(struct __sk_buff *skb, struct packet *p, __u8 link,
                                        enum direction way)
{
    __be16 protocol = link ? read_link(skb, p, way) : (__be16)skb->protocol;
    __u32 header = 0;
    bool ip = false;
    if (p->kind == PACKET_LOCAL)
        return;
    if (protocol == bpf_htons(ETH_P_IP))
        ip = read_ip4(skb, p, way);
    else if (protocol == bpf_htons(ETH_P_IPV6))
        ip = read_ip6(skb, p, way);
    if (ip)
        header = read_transport(skb, p, way);
    else
        p->kind = PACKET_OTHER;
    if (link != LINK_HOSTS)
        __builtin_memcpy(p->host.id, p->key.inside, 16);
    count_bytes(skb, p, header);
}

#endif
