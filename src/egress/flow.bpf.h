/* flow.bpf.h: who began a connection, and whether both sides took part in it.
 *
 * Whatever is not known to have been begun outside counts as begun inside. To count as begun
 * outside, a TCP connection must have been seen to begin with a SYN from outside, the answer of the
 * inside host, and an acknowledgement of that answer's number from outside, which nobody can send
 * who does not receive; one SYN from inside makes it an inside one. Other protocols have no such
 * proof: there it is the first packet from outside, an answer, and another one from outside. Until
 * then, three times what came in may be answered (as RFC 9000 8.1 does it), and what is more counts
 * as begun inside.
 *
 * Attempts and connections have tables of their own, so that a flood of the one cannot push out the
 * other. Both forget the least used; forgetting turns `begun outside` into `begun inside`, never
 * the other way.
 */
#ifndef ECLUSE_EGRESS_FLOW_H
#define ECLUSE_EGRESS_FLOW_H

#include "packet.bpf.h"

enum { ANSWER_RATIO = 3 };

#define IDLE_NS (180ull * 1000000000) /* of protocols that do not say when they end */

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, EGRESS_FLOWS);
    __type(key, struct egress_flow_key);
    __type(value, struct egress_flow);
} flows SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, EGRESS_ATTEMPTS);
    __type(key, struct egress_flow_key);
    __type(value, struct egress_attempt);
} attempts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(max_entries, EGRESS_PREFIXES);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct egress_prefix);
    __type(value, __u32);
} classes SEC(".maps");

struct sight { /* what is known about a packet's connection */
    struct egress_flow *flow;
    __u32 class;
    __u8 by, proven;
};

static __always_inline __u32 class_of(const struct packet *p)
{
    struct egress_prefix key = {.bits = 128};
    __builtin_memcpy(key.address, p->key.outside, 16);
    /* An IPv6 packet to a mapped address must not pass for the IPv4 destination. */
    if (p->odd || (p->ip6 && key.address[10] == 0xff && key.address[11] == 0xff &&
                   !*(const __u64 *)p->key.outside))
        return CLASS_UNLISTED;
    const __u32 *class = bpf_map_lookup_elem(&classes, &key);
    return class && *class < CLASS_COUNT ? *class : CLASS_UNLISTED;
}

static __always_inline bool same_host(const struct egress_host *a, const struct egress_host *b)
{
    const __u64 *x = (const __u64 *)a->id, *y = (const __u64 *)b->id;
    return x[0] == y[0] && x[1] == y[1];
}

static __always_inline void flow_begin(const struct packet *p, const struct egress_host *host,
                                       __u8 by, __u32 class, __u32 generation)
{
    struct egress_flow flow = {.host = *host,
                               .by = by,
                               .class = (__u16) class,
                               .generation = generation,
                               .first = bpf_ktime_get_coarse_ns()};
    flow.last = flow.first;
    bpf_map_update_elem(&flows, &p->key, &flow, BPF_ANY);
    bpf_map_delete_elem(&attempts, &p->key);
}

static __always_inline void attempt_begin(const struct packet *p, __u8 by)
{
    struct egress_attempt attempt = {.host = p->host,
                                     .by = by,
                                     .begin_sequence = p->sequence,
                                     .bytes_in = by == BY_OUTSIDE ? p->bytes : 0,
                                     .bytes_out = by == BY_INSIDE ? p->bytes : 0};
    bpf_map_update_elem(&attempts, &p->key, &attempt, BPF_ANY);
}

/* A packet from inside on a connection that has not proved itself. */
static __always_inline void attempt_out(const struct packet *p, struct sight *sight,
                                        __u32 generation)
{
    bool tcp = p->key.protocol == IPPROTO_TCP;
    sight->by = BY_INSIDE;
    if (tcp && p->syn && !p->ack) {
        bpf_map_delete_elem(&flows, &p->key);
        attempt_begin(p, BY_INSIDE);
        return;
    }
    struct egress_attempt *attempt = bpf_map_lookup_elem(&attempts, &p->key);
    if (!attempt || !same_host(&attempt->host, &p->host)) {
        if (!tcp)
            attempt_begin(p, BY_INSIDE);
        return;
    }
    __u64 out = __sync_fetch_and_add(&attempt->bytes_out, p->bytes) + p->bytes;
    if (attempt->by == BY_OUTSIDE) {
        if (!tcp) {
            attempt->state = ATTEMPT_ANSWERED;
        } else if (p->syn && p->acknowledged == attempt->begin_sequence + 1) {
            attempt->answer_sequence = p->sequence;
            attempt->state = ATTEMPT_ANSWERED;
        }
        if (out <= attempt->bytes_in * ANSWER_RATIO)
            sight->by = BY_OUTSIDE;
        return;
    }
    if (attempt->state == ATTEMPT_ANSWERED &&
        (!tcp || (p->ack && p->acknowledged == attempt->answer_sequence + 1))) {
        sight->proven = 1;
        flow_begin(p, &p->host, BY_INSIDE, sight->class, generation);
        sight->flow = bpf_map_lookup_elem(&flows, &p->key);
    }
}

static __always_inline void sight_out(const struct packet *p, struct sight *sight, __u32 generation)
{
    struct egress_flow *flow = bpf_map_lookup_elem(&flows, &p->key);
    bool tcp = p->key.protocol == IPPROTO_TCP;
    if (flow && same_host(&flow->host, &p->host) && !p->syn && !p->odd &&
        (tcp || bpf_ktime_get_coarse_ns() - flow->last < IDLE_NS)) {
        if (flow->generation != generation) {
            flow->class = (__u16)class_of(p);
            flow->generation = generation;
        }
        sight->flow = flow;
        sight->class = flow->class;
        sight->by = flow->by;
        sight->proven = 1;
        return;
    }
    sight->class = class_of(p);
    if (sight->class == CLASS_INSIDE)
        return;
    if (p->odd)
        sight->by = BY_INSIDE;
    else
        attempt_out(p, sight, generation);
}

static __always_inline void attempt_in_tcp(const struct packet *p, struct egress_attempt *attempt,
                                           __u32 generation)
{
    if (attempt->by == BY_INSIDE) {
        if (p->syn && p->ack && p->acknowledged == attempt->begin_sequence + 1) {
            attempt->answer_sequence = p->sequence;
            attempt->state = ATTEMPT_ANSWERED;
        }
        return;
    }
    /* What the server sent along with its answer may be acknowledged with it, no more. */
    __u32 beyond = p->acknowledged - (attempt->answer_sequence + 1);
    if (attempt->state == ATTEMPT_ANSWERED && p->ack && !p->syn && beyond <= attempt->bytes_out)
        flow_begin(p, &attempt->host, BY_OUTSIDE, CLASS_UNLISTED, generation - 1);
}

static __always_inline void sight_in(const struct packet *p, __u32 generation)
{
    bool tcp = p->key.protocol == IPPROTO_TCP, begins = tcp ? p->syn && !p->ack : !p->fragment;
    struct egress_attempt *attempt = bpf_map_lookup_elem(&attempts, &p->key);
    if (!attempt) {
        const struct egress_flow *flow = begins && !tcp ? bpf_map_lookup_elem(&flows, &p->key) : 0;
        if (begins && !(flow && bpf_ktime_get_coarse_ns() - flow->last < IDLE_NS))
            attempt_begin(p, BY_OUTSIDE);
        return;
    }
    if (tcp && begins) {
        /* A new try; but one that the inside host has begun is not taken from it by a packet that
         * anyone can send. */
        if (attempt->by == BY_OUTSIDE && attempt->begin_sequence != p->sequence)
            attempt_begin(p, BY_OUTSIDE);
        return;
    }
    __sync_fetch_and_add(&attempt->bytes_in, p->bytes);
    if (tcp)
        attempt_in_tcp(p, attempt, generation);
    else if (attempt->by == BY_INSIDE)
        attempt->state = ATTEMPT_ANSWERED;
    else if (attempt->state == ATTEMPT_ANSWERED)
        flow_begin(p, &attempt->host, BY_OUTSIDE, CLASS_UNLISTED, generation - 1);
}

#endif
