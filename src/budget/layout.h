/* layout.h: what the two files of a guard hold, byte by byte. The room's own.
 *
 * Both begin with a header page: what never changes after creation stands under a checksum, and
 * says where each section lies. An opener checks all of it once and from then on uses its own copy
 * (struct budgets), so that nobody who scribbles in the file later can lead it out of bounds.
 * Everything after the header is words that are valid at every step; whatever is read from it as an
 * index or a length is checked where it is used.
 *
 * Keys. h is SipHash of (principal, budget's name) under a secret of this guard's state. A table
 * key is h mixed with the window's span, with the top bit set; a word with the top bit clear is
 * free (0) or being filled (claim marker: who, since when). Every table is sets of one 64-byte line
 * of keys; a key has two candidate sets, and what attackers cannot mint has its second set in a
 * reserve of its own.
 */
#ifndef ECLUSE_BUDGET_LAYOUT_H
#define ECLUSE_BUDGET_LAYOUT_H

#include "budget/budget.h"
#include "budget/guard.h"
#include "budget/words.h"

#define LAYOUT_SEGMENT_MAGIC UINT64_C(0x317467736c636365) /* "eclsgt1" and so on: see `xxd` */
#define LAYOUT_RINGS_MAGIC   UINT64_C(0x316e67726c636365)
#define KEY_REAL             (UINT64_C(1) << 63)

enum {
    LAYOUT_VERSION = 1,
    LAYOUT_PAGE = 4096,
    LAYOUT_MAX_SECTIONS = 16,
    LINE = 64,
    RATES_A_LINE = 8,      /* rate cells: rate.h */
    CELLS_A_LINE = 4,
    KEYS_A_SET = 8,
    /* budgets whose counts are kept: those of the contract, and those that left it */
    SLOT_COUNT = 128,
    SLOT_MAX_SPANS = 12,   /* windows of a budget whose rings may still hold something */
    SAMPLE_SIZE = 256,     /* principals of one day, chosen evenly: see breaker.h */
    TALLY_SHARDS = 8,
    CROWD_COUNT = 16,      /* budgets `per: everyone` whose contributors are followed */
    CROWD_SIZE = 256,
    PROMISE_BINS = 31,
    PROMISE_SLOTS = 2 * CONTRACT_MAX_PROMISES,
    SHRINK_COUNT = 4096,
};

/* X(constant, entry type, which file) */
#define SEGMENT_SECTIONS(X)                                                                        \
    X(SEGMENT_LIVE, struct segment_live)                                                           \
    X(RATES, word_t)                                                                               \
    X(QUARTERS, struct cell)                                                                       \
    X(HOLD_KEYS, word_t)                                                                           \
    X(HOLDS, struct hold_record)                                                                   \
    X(SHRINKS, struct shrink_record)                                                               \
    X(TALLIES, struct tally)                                                                       \
    X(PROMISES, struct promise_slot)

#define RINGS_SECTIONS(X)                                                                          \
    X(RINGS_LIVE, struct rings_live)                                                               \
    X(SLOTS, struct budget_slot)                                                                   \
    X(RING_KEYS, word_t)                                                                           \
    X(RINGS, struct ring)                                                                          \
    X(THINGS, struct cell)                                                                         \
    X(CROWDS, struct crowd)

enum segment_section {
#define X(constant, type) SECTION_##constant,
    SEGMENT_SECTIONS(X)
#undef X
        SEGMENT_SECTION_COUNT
};

enum rings_section {
#define X(constant, type) SECTION_##constant,
    RINGS_SECTIONS(X)
#undef X
        RINGS_SECTION_COUNT
};

struct section {
    uint64_t offset;
    uint32_t count, entry; /* entries, and bytes of one */
};

struct file_header { /* written once, under `check` */
    uint64_t magic;
    uint32_t version, guard;
    uint64_t size;
    uint8_t boot_id[16]; /* of the boot that made it; only a segment is bound to it */
    struct hash_key key; /* a segment belongs to the rings with the same key */
    uint32_t section_count, unused;
    struct section section[LAYOUT_MAX_SECTIONS];
    uint64_t check;
};

/* ---- runtime/GUARD.segment ------------------------------------------------------------------- */

/* The first quarter of what nobody vouches for (cell.h), or a remembered thing (thing.c). */
struct cell {
    word_t key, word;
};

struct hold_record {
    word_t until;       /* boot clock; over when it has passed */
    word_t grace_until, grace_left;
    word_t refused;
    word_t id, budget, span, used, limit, since;
    word_t who;         /* kind, proven, protected, observed: principal_pack() */
    word_t name[2], network[2];
    word_t told;        /* the hold whose beginning was reported, and whether its end was */
};

struct shrink_record {
    word_t key, word; /* share 20 bits, length in s 20 bits, end in s 24 bits */
};

struct tally { /* one process's share of a budget's counters, on lines of its own */
    word_t allowed, slowed, challenged, refused;
    word_t would_slow, would_challenge, would_hold;
    word_t to_network, to_others, no_slot, not_remembered;
    word_t spare[5];
};

struct promise_slot {
    word_t key;         /* of its name */
    word_t span;
    struct {
        word_t kept, bin[PROMISE_BINS];
    } bucket[BUCKETS];
    word_t used_at;     /* boot clock of the last tick that had it in its contract */
    word_t spare[5];
};

struct process_slot {
    word_t pid, started, heartbeat, prepared, running, refused, in_store, spare;
};

struct segment_live {
    word_t second;        /* the last second that somebody ticked */
    word_t holds_live;    /* slots in use, so that a charge can skip the look when there is none */
    word_t shrinks_until; /* nothing is shrunk after this */
    word_t quarters_swept, rings_swept, things_swept, rates_swept;
    word_t deaths[2];     /* when processes last died inside the store */
    word_t store_off;     /* 1: switched off */
    word_t store_generation;
    word_t retired;       /* 1: replaced by a newer file; reopen */
    word_t reported;       /* the last second that was reported */
    /* what some process of the guard saw of the origin */
    word_t origin_down_since, origin_down_seen;
    word_t spare[1];
    struct process_slot process[GUARD_MAX_PROCESSES];
    word_t counter[64];   /* enum guard_counter */
};

_Static_assert(COUNTER_COUNT <= 64, "guard counters outgrew their section");
_Static_assert(sizeof(struct cell) == 16 && sizeof(struct hold_record) == 128, "layout");
_Static_assert(sizeof(struct tally) == 128, "layout");

/* ---- state/budget/GUARD.rings ---------------------------------------------------------------- */

struct anchor { /* ring time = boot clock + offset, in one boot */
    uint8_t boot_id[16];
    int64_t offset;
    uint64_t check;
};

struct rings_live {
    struct anchor anchor[2];
    word_t anchor_in_use;
    word_t last_time, last_wall; /* ring time and wall clock at the last sync */
    word_t next_hold;
    word_t day;                  /* ring time in days, of the samples */
    word_t spare[3];
};

struct sample { /* the SAMPLE_SIZE smallest h of a day; the lowest bit says "was held" */
    word_t h[SAMPLE_SIZE];
};

struct budget_slot {
    word_t key;                  /* of the name */
    char name[CONTRACT_NAME_SIZE];
    word_t used_at;              /* ring time of the last tick that had it in its contract */
    word_t span[SLOT_MAX_SPANS];
    word_t breaker_until;        /* ring time; in observe until then */
    word_t breaker_told;         /* 1: that it opened was reported */
    word_t spare[8];
    struct sample today, yesterday;
};

struct ring {
    word_t expires;              /* ring time at which the last count has left the window */
    word_t budget, span;         /* key of the budget's name; nanoseconds */
    word_t who;
    word_t name[2];
    word_t check;                /* of what stands above but for `expires`, and the key */
    word_t seeded;               /* what it began with */
    word_t count[BUCKETS];
    word_t spare_count[3];
};

struct contributor {
    word_t key, who, name[2], network[2];
    word_t count[CONTRACT_MAX_WINDOWS], error[CONTRACT_MAX_WINDOWS];
    word_t decayed; /* ring time of the last decay */
    word_t spare;
};

struct crowd {
    word_t budget; /* key of the name, 0 free */
    word_t used_at;
    word_t wanted[CONTRACT_MAX_WINDOWS]; /* the largest charge refused since the last tick */
    struct contributor contributor[CROWD_SIZE];
};

_Static_assert(sizeof(struct ring) == 9 * LINE, "layout");
_Static_assert(sizeof(struct budget_slot) % LINE == 0, "layout");

/* ---- An open segment ------------------------------------------------------------------------- */

struct plan_window {
    nanos_t span, width;
    uint64_t limit;
    bool cell;          /* a rate cell; otherwise a ring */
    uint64_t step;      /* of the rate cell: ticks that one unit is worth */
    uint64_t tolerance; /* limit * step */
    uint64_t mix;       /* what makes the table key of this window from h */
};

struct plan_budget {
    const struct budget_rule *rule;
    uint64_t key;       /* of the name */
    unsigned slot;      /* into SLOTS and TALLIES */
    int crowd;          /* into CROWDS, or -1 */
    unsigned window_count;
    bool distinct, continuity, everyone, all_rates, any_rate;
    nanos_t longest;
    struct plan_window window[CONTRACT_MAX_WINDOWS];
};

struct plan { /* a contract as this room runs it */
    const struct contract *contract;
    unsigned budget_count, promise_count;
    struct plan_budget budget[CONTRACT_MAX_BUDGETS];
    unsigned promise_slot[CONTRACT_MAX_PROMISES];
};

struct table { /* sets of one line of keys */
    uint32_t common, reserve; /* sets */
};

struct budgets {
    enum guard guard;
    bool read_only;
    uint8_t *segment, *rings_file;
    size_t segment_size, rings_size;
    int rings_fd;
    /* device and inode: has the file been replaced? */
    uint8_t segment_identity[16], rings_identity[16];
    char segment_path[CONTRACT_PATH_SIZE + 64];
    struct hash_key key;
    unsigned shard;
    _Atomic int mode;
    struct plan *_Atomic plan;
    struct plan *prepared, *former;

    struct segment_live *live;
    word_t *rates;
    struct table rate_table;
    struct cell *quarters;
    struct table quarter_table;
    word_t *hold_keys;
    struct hold_record *holds;
    uint32_t hold_sets;
    struct shrink_record *shrinks;
    struct tally *tallies;
    struct promise_slot *promises;

    struct rings_live *rings_live;
    struct budget_slot *slots;
    word_t *ring_keys;
    struct ring *rings;
    struct table ring_table;
    struct cell *things;
    struct table thing_table;
    struct crowd *crowds;
    nanos_t offset;
};

static inline nanos_t ring_time(const struct budgets *b, nanos_t now)
{
    return now + b->offset > 0 ? now + b->offset : 0;
}

#endif
