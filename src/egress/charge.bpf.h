/* charge.bpf.h: charging a packet to every account that applies to it, all or none. */
#ifndef ECLUSE_EGRESS_CHARGE_H
#define ECLUSE_EGRESS_CHARGE_H

#include "flow.bpf.h"

#define BURST_NS 1000000000ull

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct egress_settings);
} settings SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, EGRESS_HOSTS + ENTRY_FIRST);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct egress_entry);
} entries SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, EGRESS_HOSTS);
    __type(key, struct egress_pair);
    __type(value, __u32);
} places SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_QUEUE);
    __uint(max_entries, EGRESS_HOSTS);
    __type(value, __u32);
} free_places SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} news SEC(".maps");

struct payers {
    struct egress_entry *host, *pair, *everyone, *newcomers;
};

struct charge {
    const struct egress_settings *settings;
    const struct egress_list *list;
    struct payers by;
    __u64 now; /* 0: not read yet */
    __u32 bytes;
    __u8 held, proven;
};

static __always_inline void wake(struct egress_settings *s)
{
    __u32 word = 1;
    if (s->wake)
        return;
    s->wake = 1;
    bpf_ringbuf_output(&news, &word, sizeof word, BPF_RB_FORCE_WAKEUP);
}

static __always_inline struct egress_entry *entry_at(__u32 index)
{
    return bpf_map_lookup_elem(&entries, &index);
}

/* A place of its own for who is new. Without one, the newcomers' common place pays: never nobody.
 */
static __noinline struct egress_entry *entry_make(struct egress_settings *s,
                                                  const struct egress_pair *who, __u32 kind)
{
    __u32 index, common = ENTRY_NEWCOMERS;
    if (bpf_map_pop_elem(&free_places, &index))
        return entry_at(common);
    struct egress_entry *entry = entry_at(index);
    if (!entry || index < ENTRY_FIRST)
        return entry_at(common);
    entry->host = who->host;
    __builtin_memcpy(entry->to, who->to, 16);
    entry->newcomer = kind == ENTRY_HOST;
    for (int i = 0; i < EGRESS_ACCOUNTS; i++)
        entry->account[i].ceiling = s->rule[i].first;
    *(volatile __u32 *)&entry->kind = kind;
    if (bpf_map_update_elem(&places, who, &index, BPF_NOEXIST)) {
        *(volatile __u32 *)&entry->kind = ENTRY_FREE;
        bpf_map_push_elem(&free_places, &index, BPF_EXIST);
        const __u32 *other = bpf_map_lookup_elem(&places, who);
        return entry_at(other ? *other : common);
    }
    wake(s);
    return entry;
}

static __always_inline struct egress_entry *entry_of(struct egress_settings *s,
                                                     const struct egress_pair *who, __u32 kind)
{
    const __u32 *index = bpf_map_lookup_elem(&places, who);
    return index ? entry_at(*index) : entry_make(s, who, kind);
}

/* A connection remembers where its host's entry is; whether it is still that is in the line that is
 * read anyway. */
static __always_inline struct egress_entry *
host_entry(struct egress_settings *s, const struct egress_pair *who, struct egress_flow *flow)
{
    if (flow && flow->place) {
        struct egress_entry *entry = entry_at(flow->place);
        if (entry && entry->kind == ENTRY_HOST && same_host(&entry->host, &who->host))
            return entry;
    }
    const __u32 *index = bpf_map_lookup_elem(&places, who);
    if (!index)
        return entry_make(s, who, ENTRY_HOST);
    if (flow)
        flow->place = *index;
    return entry_at(*index);
}

static __always_inline bool is_held(struct charge *c, const struct egress_account *a)
{
    if (!a->held_until)
        return false;
    if (!c->now)
        c->now = bpf_ktime_get_boot_ns();
    if (c->now >= a->held_until)
        return false;
    c->held = 1;
    return true;
}

static __always_inline bool is_over(const struct charge *c, const struct egress_account *a)
{
    __u64 ceiling = a->ceiling, spent = a->spent;
    return ceiling < c->bytes || spent > ceiling - c->bytes;
}

/* Whether account i of this packet has no room. */
static __always_inline bool account_is_over(struct charge *c, __u32 i, __u8 per)
{
    i &= EGRESS_ACCOUNTS - 1;
    if (per == PER_PAIR)
        return is_held(c, &c->by.pair->account[i]) || is_over(c, &c->by.pair->account[i]);
    if (is_held(c, &c->by.host->account[i]))
        return true;
    if (per == PER_EVERYONE)
        return is_over(c, &c->by.everyone->account[i]);
    return is_over(c, &c->by.host->account[i]) ||
           (c->by.host->newcomer && is_over(c, &c->by.newcomers->account[i]));
}

static __noinline __u32 accounts_over(struct charge *c)
{
    __u32 over = 0;
    for (__u32 k = 0; k < EGRESS_CHARGES; k++) {
        if (k >= c->list->count)
            break;
        __u32 i = c->list->index[k] & (EGRESS_ACCOUNTS - 1);
        if (account_is_over(c, i, c->settings->rule[i].per))
            over |= 1u << i;
    }
    return over;
}

/* Returns whether it fits; what does not is taken back by who asked. */
static __always_inline bool account_add(struct egress_account *a, __u64 bytes)
{
    return __sync_fetch_and_add(&a->spent, bytes) + bytes <= a->ceiling;
}

/* The host before everyone: the process reads them in the other order, so that it never grants what
 * was spent. */
static __always_inline bool account_charge(const struct charge *c, __u32 i, __u8 per, __u64 bytes)
{
    i &= EGRESS_ACCOUNTS - 1;
    if (per == PER_PAIR)
        return account_add(&c->by.pair->account[i], bytes);
    bool fits = account_add(&c->by.host->account[i], bytes);
    if (per == PER_EVERYONE)
        return account_add(&c->by.everyone->account[i], bytes);
    if (c->by.host->newcomer)
        fits &= account_add(&c->by.newcomers->account[i], bytes);
    return fits;
}

/* All accounts get `bytes`; the result says which of them had no room. */
static __noinline __u32 accounts_charge(const struct charge *c, __u64 bytes)
{
    __u32 over = 0;
    for (__u32 k = 0; k < EGRESS_CHARGES; k++) {
        if (k >= c->list->count)
            break;
        __u32 i = c->list->index[k] & (EGRESS_ACCOUNTS - 1);
        if (!account_charge(c, i, c->settings->rule[i].per, bytes))
            over |= 1u << i;
    }
    return over;
}

static __always_inline void count_refused(const struct charge *c, __u32 over)
{
    for (__u32 k = 0; k < EGRESS_CHARGES; k++) {
        if (k >= c->list->count)
            break;
        __u32 i = c->list->index[k] & (EGRESS_ACCOUNTS - 1);
        if (!(over & 1u << i))
            continue;
        __sync_fetch_and_add(&c->by.everyone->account[i].refused, c->bytes);
        struct egress_entry *who = c->settings->rule[i].per == PER_PAIR ? c->by.pair : c->by.host;
        if (c->proven)
            __sync_fetch_and_add(&who->account[i].refused, c->bytes);
    }
}

/* The process is gone: one bucket for all, of one second's worth (GCRA). */
static __noinline bool without_guard(struct egress_settings *s, __u64 now, __u32 bytes)
{
    if (now <= s->deadline || !s->without_guard)
        return false;
    __u64 cost = (__u64)bytes * 1000000000 / s->without_guard;
    for (int tries = 0; tries < 4; tries++) {
        __u64 old = s->arrival, from = old > now ? old : now;
        if (from + cost > now + BURST_NS)
            return false;
        if (__sync_val_compare_and_swap(&s->arrival, old, from + cost) == old)
            return true;
    }
    return false;
}

/* Puts the packet on all its accounts if nothing that is enforced is in the way. */
static __always_inline bool charge_fits(struct charge *c, const struct egress_settings *s,
                                        __u32 *over)
{
    *over = accounts_over(c);
    if (*over & s->enforced)
        return false;
    __u32 late = accounts_charge(c, c->bytes) & ~*over;
    if (!(late & s->enforced))
        return true;
    *over |= late; /* another processor was faster */
    accounts_charge(c, -(__u64)c->bytes);
    return false;
}

/* Whether the packet may go. */
static __always_inline bool charge_packet(struct charge *c, struct egress_settings *s)
{
    __u32 over;
    bool go = charge_fits(c, s, &over);
    if (!over)
        return go;
    wake(s);
    if (!go) {
        if (!c->now)
            c->now = bpf_ktime_get_boot_ns();
        if (!c->held && without_guard(s, c->now, c->bytes)) {
            accounts_charge(c, c->bytes);
            return true;
        }
    }
    count_refused(c, over);
    return go;
}

#endif
