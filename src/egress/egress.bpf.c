/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
 *
 * The kernel's half of the room: two classifiers for clsact. egress_out sees every packet that
 * inside hosts send, charges it and drops it when it is over; egress_in sees what comes back, only
 * to know who began. See egress.h.
 */
#include "charge.bpf.h"

#define TC_NEXT (-1) /* TC_ACT_UNSPEC: other filters decide */
#define TC_DROP 2    /* TC_ACT_SHOT */

SEC("tc")
int egress_out(struct __sk_buff *skb)
{
    __u32 zero = 0;
    struct egress_settings *s = bpf_map_lookup_elem(&settings, &zero);
    if (!s || s->layout != EGRESS_LAYOUT)
        return TC_NEXT;
    struct packet p = {};
    packet_read(skb, &p, s->link, DIRECTION_OUT);
    if (p.kind == PACKET_LOCAL)
        return TC_NEXT;
    struct sight sight = {.class = CLASS_UNLISTED, .by = BY_INSIDE};
    if (p.kind == PACKET_IP)
        sight_out(&p, &sight, s->generation);
    if (sight.class == CLASS_INSIDE || sight.class >= CLASS_COUNT || sight.by >= BY_COUNT)
        return TC_NEXT;
    __u32 list = sight.class * BY_COUNT + sight.by;
    asm volatile(""
                 : "+r"(list)); /* the compiler knows its bounds, the verifier only sees a mask */
    struct charge c = {.settings = s,
                       .list = &s->applies[list & (EGRESS_LISTS - 1)],
                       .bytes = p.bytes,
                       .proven = sight.proven};
    bool go = true;
    if (c.list->count) {
        struct egress_pair who = {.host = p.host};
        c.by.everyone = entry_at(ENTRY_EVERYONE);
        c.by.newcomers = entry_at(ENTRY_NEWCOMERS);
        c.by.host = host_entry(s, &who, sight.flow);
        c.by.pair = c.by.host;
        if (s->pairs) {
            __builtin_memcpy(who.to, p.key.outside, 16);
            c.by.pair = entry_of(s, &who, ENTRY_PAIR);
        }
        if (!c.by.everyone || !c.by.newcomers || !c.by.host || !c.by.pair)
            return TC_NEXT;
        go = charge_packet(&c, s);
    }
    if (go && sight.flow) {
        __sync_fetch_and_add(&sight.flow->bytes, p.bytes);
        sight.flow->last = bpf_ktime_get_coarse_ns();
    }
    return go ? TC_NEXT : TC_DROP;
}

SEC("tc")
int egress_in(struct __sk_buff *skb)
{
    __u32 zero = 0;
    const struct egress_settings *s = bpf_map_lookup_elem(&settings, &zero);
    if (!s || s->layout != EGRESS_LAYOUT)
        return TC_NEXT;
    struct packet p = {};
    packet_read(skb, &p, s->link, DIRECTION_IN);
    if (p.kind != PACKET_IP || p.odd || class_of(&p) == CLASS_INSIDE)
        return TC_NEXT;
    sight_in(&p, s->generation);
    return TC_NEXT;
}

char egress_license[] SEC("license") = "Dual BSD/GPL";
