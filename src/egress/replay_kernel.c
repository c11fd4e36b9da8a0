#include "egress/replay_kernel.h"

#include "egress/replay_table.h"

#include <endian.h>
#include <errno.h>

/* ---- What the program's sources ask of the kernel -------------------------------------------- */

/* Instead of <bpf/bpf_helpers.h>, whose functions exist in the kernel only. */
#define __BPF_HELPERS__
#define SEC(name)
#define __uint(name, value) int(*name)[value]
#define __type(name, value) __typeof__(value) *name
#undef __always_inline
#define __always_inline                             inline __attribute__((always_inline))
#define __noinline                                  __attribute__((noinline))
#define bpf_map_lookup_elem(map, key)               map_lookup(map, key)
#define bpf_map_update_elem(map, key, value, flags) map_update(map, key, value)
#define bpf_map_delete_elem(map, key)               map_delete(map, key)
#define bpf_map_pop_elem(map, value)                map_pop(map, value)
#define bpf_map_push_elem(map, value, flags)        map_update(map, NULL, value)
#define bpf_ringbuf_output(map, data, size, flags)  map_update(map, NULL, data)
#define bpf_skb_load_bytes(skb, offset, to, size)   load_bytes(offset, to, size)
#define bpf_ktime_get_coarse_ns()                   (here.now)
#define bpf_ktime_get_boot_ns()                     (here.now)
/* One process, one thread: nobody else adds. */
#define __sync_fetch_and_add(word, amount)          add_to(word, amount)

struct __sk_buff;

static struct {
    struct replay_tables *tables;
    const uint8_t *data;
    uint32_t captured;
    uint64_t now;
    bool cut; /* a read was refused */
} here;

static void *map_lookup(const void *map, const void *key);
static long map_update(const void *map, const void *key, const void *value);
static long map_delete(const void *map, const void *key);
static long map_pop(const void *map, void *value);

static inline long load_bytes(uint32_t offset, void *to, uint32_t size)
{
    if (offset > here.captured || size > here.captured - offset) {
        here.cut = true;
        return -EFAULT;
    }
    memcpy(to, here.data + offset, size);
    return 0;
}

static inline uint64_t add_to(__UINT64_TYPE__ *word, uint64_t amount)
{
    uint64_t old = *word;
    *word = old + amount;
    return old;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wincompatible-pointer-types"
#include "egress/charge.bpf.h"
#pragma GCC diagnostic pop

/* ---- The tables ------------------------------------------------------------------------------ */

struct range { /* from here to the next one's beginning */
    uint64_t high, low;
    uint32_t class;
};

enum { RANGES = 2 * (2 * CONTRACT_MAX_PREFIXES * (CONTRACT_MAX_CLASSES + 1)) + 1, FAR_SIDES = 16 };

struct replay_tables {
    struct replay_table flows, attempts, fragments;
    size_t range_count;
    struct range range[RANGES];
    uint8_t far_side[FAR_SIDES][6]; /* link addresses from which outside addresses come */
    unsigned far_count;
};

static struct replay_table *table_of_map(const void *map)
{
    if (map == &flows)
        return &here.tables->flows;
    if (map == &attempts)
        return &here.tables->attempts;
    return map == &fragments ? &here.tables->fragments : NULL;
}

static struct range range_at(const uint8_t address[16])
{
    uint64_t words[2];
    memcpy(words, address, sizeof words);
    return (struct range){be64toh(words[0]), be64toh(words[1]), 0};
}

static bool is_after(const struct range *a, const struct range *b)
{
    return a->high != b->high ? a->high > b->high : a->low > b->low;
}

static uint32_t *class_at(const struct replay_tables *t, const uint8_t address[16])
{
    struct range wanted = range_at(address);
    size_t low = 0, high = t->range_count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (is_after(&t->range[middle], &wanted))
            high = middle;
        else
            low = middle;
    }
    return (uint32_t *)(uintptr_t)&t->range[low].class;
}

static void *map_lookup(const void *map, const void *key)
{
    if (map == &classes)
        return class_at(here.tables, ((const struct egress_prefix *)key)->address);
    struct replay_table *t = table_of_map(map);
    return t ? replay_table_find(t, key) : NULL;
}

static long map_update(const void *map, const void *key, const void *value)
{
    struct replay_table *t = table_of_map(map);
    if (t)
        replay_table_put(t, key, value);
    return t ? 0 : -ENOENT;
}

static long map_delete(const void *map, const void *key)
{
    struct replay_table *t = table_of_map(map);
    if (t)
        replay_table_remove(t, key);
    return 0;
}

static long map_pop(const void *map, void *value)
{
    (void)map, (void)value;
    return -ENOENT;
}

/* ---- Classes: prefixes as ranges, so that the longest is found by halving -------------------- */

static void last_of(const struct egress_prefix *p, uint8_t out[16])
{
    static const uint8_t rest[] = {0xff, 0x7f, 0x3f, 0x1f, 0x0f, 0x07, 0x03, 0x01, 0};
    for (unsigned i = 0; i < 16; i++) {
        unsigned kept = p->bits > 8 * i ? p->bits - 8 * i : 0;
        out[i] = p->address[i] | rest[kept < 8 ? kept : 8];
    }
}

/* False: it was the highest of all. */
static bool next_address(uint8_t address[16])
{
    for (unsigned i = 16; i-- > 0;)
        if (++address[i])
            return true;
    return false;
}

static int by_first(const void *a, const void *b)
{
    return is_after(a, b) ? 1 : is_after(b, a) ? -1 : 0;
}

static uint32_t longest_at(const struct egress_config *config, const struct range *at)
{
    uint32_t bits = 0, class = CLASS_UNLISTED;
    for (size_t i = 0; i < config->prefix_count; i++) {
        const struct egress_prefix *p = &config->prefix[i].prefix;
        if (p->bits < bits)
            continue;
        uint8_t end[16];
        last_of(p, end);
        struct range first = range_at(p->address), last = range_at(end);
        if (is_after(&first, at) || is_after(at, &last))
            continue;
        bits = p->bits;
        class = config->prefix[i].class;
    }
    return class;
}

static void ranges_make(struct replay_tables *t, const struct egress_config *config)
{
    size_t n = 1; /* the first begins at 0 */
    for (size_t i = 0; i < config->prefix_count; i++) {
        const struct egress_prefix *p = &config->prefix[i].prefix;
        uint8_t last[16];
        last_of(p, last);
        t->range[n++] = range_at(p->address);
        if (next_address(last))
            t->range[n++] = range_at(last);
    }
    qsort(t->range, n, sizeof *t->range, by_first);
    for (size_t i = 0; i < n; i++) {
        if (t->range_count && by_first(&t->range[t->range_count - 1], &t->range[i]) == 0)
            continue;
        struct range r = t->range[i];
        r.class = longest_at(config, &r);
        t->range[t->range_count++] = r;
    }
}

int replay_tables_make(const struct egress_config *config, struct replay_tables **out)
{
    struct replay_tables *t = calloc(1, sizeof *t);
    if (!t)
        return -ENOMEM;
    if (replay_table_make(&t->flows, EGRESS_FLOWS, sizeof(struct egress_flow_key),
                          sizeof(struct egress_flow)) < 0 ||
        replay_table_make(&t->attempts, EGRESS_ATTEMPTS, sizeof(struct egress_flow_key),
                          sizeof(struct egress_attempt)) < 0 ||
        replay_table_make(&t->fragments, EGRESS_FRAGMENTS, sizeof(struct egress_fragment_key),
                          sizeof(uint32_t)) < 0) {
        replay_tables_free(t);
        return -ENOMEM;
    }
    ranges_make(t, config);
    *out = t;
    return 0;
}

void replay_tables_free(struct replay_tables *t)
{
    if (!t)
        return;
    replay_table_free(&t->flows);
    replay_table_free(&t->attempts);
    replay_table_free(&t->fragments);
    free(t);
}

uint64_t replay_tables_forgotten(const struct replay_tables *t)
{
    return t->flows.forgotten;
}

uint32_t replay_class_of(const struct replay_tables *t, const uint8_t address[16])
{
    return *class_at(t, address);
}

/* ---- A packet -------------------------------------------------------------------------------- */

/* No line carries more at once without jumbo frames: what is longer is what the card cut up, or
 * put together, beside the capture. */
enum { LINE_MOST = 1500, LINK_MOST = 1500 + 14 + 2 * 4, SEGMENT = 1448 };

static bool is_far_side(const struct replay_tables *t, const uint8_t address[6])
{
    for (unsigned i = 0; i < t->far_count; i++)
        if (memcmp(t->far_side[i], address, 6) == 0)
            return true;
    return false;
}

/* What has no address inside leaves if it goes from one that is no router of the far side to one
 * that is: so a forged source is still its link address's. */
static bool leaves_by_link(const struct replay_tables *t, const struct replay_frame *f)
{
    return f->link && f->captured >= 12 && is_far_side(t, f->data) && !is_far_side(t, f->data + 6);
}

static void learn_far_side(struct replay_tables *t, const struct replay_frame *f)
{
    if (!f->link || t->far_count == FAR_SIDES || f->data[0] & 1 || is_far_side(t, f->data + 6))
        return;
    memcpy(t->far_side[t->far_count++], f->data + 6, 6);
}

static void turn_round(struct packet *p, const struct replay_frame *f)
{
    struct egress_flow_key key = p->key;
    memcpy(p->key.inside, key.outside, 16);
    memcpy(p->key.outside, key.inside, 16);
    p->key.inside_port = key.outside_port;
    p->key.outside_port = key.inside_port;
    if (f->link)
        memcpy(p->host.id + 10, f->data, 6);
    else
        memcpy(p->host.id, p->key.inside, 16);
}

static enum replay_way way_of(struct replay_tables *t, const struct replay_frame *f,
                              struct packet *p)
{
    if (p->kind == PACKET_LOCAL)
        return REPLAY_INSIDE;
    if (p->kind == PACKET_OTHER && here.cut)
        return REPLAY_UNREADABLE;
    if (p->kind != PACKET_OTHER && *class_at(t, p->key.inside) == CLASS_INSIDE)
        return class_of(p) == CLASS_INSIDE ? REPLAY_INSIDE : REPLAY_OUT;
    if (p->kind != PACKET_OTHER && *class_at(t, p->key.outside) == CLASS_INSIDE)
        return REPLAY_IN;
    return leaves_by_link(t, f) ? REPLAY_OUT : REPLAY_ELSEWHERE;
}

void replay_frame_look(struct replay_tables *t, const struct replay_frame *frame, nanos_t now,
                       struct replay_sight *out)
{
    uint32_t most = frame->link ? LINK_MOST : LINE_MOST;
    struct __sk_buff skb = {.len = frame->length, .gso_size = frame->length > most ? SEGMENT : 0};
    here.tables = t;
    here.data = frame->data;
    here.captured = frame->captured;
    here.now = (uint64_t)now;
    here.cut = false;
    if (!frame->link && frame->captured)
        skb.protocol = frame->data[0] >> 4 == 6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
    struct packet p = {};
    packet_read(&skb, &p, frame->link, DIRECTION_OUT);
    *out = (struct replay_sight){.way = way_of(t, frame, &p), .bytes = p.bytes};
    if (out->way == REPLAY_IN) {
        learn_far_side(t, frame);
        turn_round(&p, frame);
        if (!p.odd)
            sight_in(&p, 1);
    }
    if (out->way != REPLAY_OUT)
        return;
    struct sight sight = {.class = CLASS_UNLISTED, .by = BY_INSIDE};
    if (p.kind == PACKET_IP)
        sight_out(&p, &sight, 1);
    out->host = p.host;
    memcpy(out->to, p.key.outside, 16);
    out->class = sight.class;
    out->by = sight.by;
    out->proven = sight.proven;
    if (sight.flow) {
        out->place = &sight.flow->place;
        sight.flow->bytes += p.bytes;
        sight.flow->last = (uint64_t)now;
    }
}

/* ---- Its accounts ---------------------------------------------------------------------------- */

static struct charge charge_of(const struct replay_toll *toll)
{
    here.now = (uint64_t)toll->now;
    return (struct charge){.settings = toll->settings,
                           .list = &toll->settings->applies[toll->list & (EGRESS_LISTS - 1)],
                           .by = {.host = &toll->entries[toll->host],
                                  .pair = &toll->entries[toll->pair],
                                  .everyone = &toll->entries[ENTRY_EVERYONE],
                                  .newcomers = &toll->entries[ENTRY_NEWCOMERS]},
                           .now = (uint64_t)toll->now,
                           .bytes = toll->bytes,
                           .proven = toll->proven};
}

uint32_t replay_toll_over(const struct replay_toll *toll)
{
    struct charge c = charge_of(toll);
    return accounts_over(&c);
}

bool replay_toll_take(const struct replay_toll *toll)
{
    struct charge c = charge_of(toll);
    return charge_packet(&c, toll->settings);
}
