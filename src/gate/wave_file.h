/* wave_file.h: how waves lie in their file. The noun's own. */
#ifndef ECLUSE_WAVE_FILE_H
#define ECLUSE_WAVE_FILE_H

#include "gate/distinct.h"
#include "gate/wave.h"

enum {
    WAVES_VERSION = 1,
    WAVES_PROBES = 8,
    SPARED_BITS = 1 << 16,
    SPARED_WORDS = SPARED_BITS / 64,
    SPARED_PROBES = 3,
    CANDIDATES = 64, /* shapes of one calm minute */
};

#define WAVES_MAGIC UINT64_C(0x7365766177636500)

struct waves_head {
    uint64_t magic, version, size;
    struct hash_key key;
    uint64_t check; /* of what stands above */
};

/* A shape as three words, so that what two processes write at once is wrong at most, never torn
 * within a word. The first is its id; 0: nobody's. */
struct shape_words {
    _Atomic uint64_t word[3];
};

_Static_assert(sizeof(struct shape) == sizeof(struct shape_words), "a shape is three words");

struct wave_slot {
    struct shape_words shape;
    _Atomic uint64_t count[WAVE_FATE_COUNT];
};

/* What is counted now: of the wave that is on, or of the last second. */
struct wave_now {
    _Atomic uint64_t number; /* of the wave that is on; 0: none */
    _Atomic int64_t begin;
    _Atomic nanos_t challenged; /* boot clock, when something last was */
    _Atomic uint64_t routes, most_a_second, known;
    _Atomic uint64_t count[WAVE_FATE_COUNT]; /* all, those of no slot included */
    _Atomic uint64_t total_before;           /* at the last tick */
    _Atomic uint64_t met;                    /* known shapes, since the last tick */
    struct distinct sources, networks;
    struct wave_slot slot[WAVE_SHAPES];
};

/* Shapes that must not be learned: two generations of a Bloom filter, so that what was not seen
 * for two of them is forgotten; and those of this calm minute and the last, which are not sure yet.
 */
struct spared {
    _Atomic uint64_t bit[2][SPARED_WORDS];
    _Atomic int64_t turned; /* wall clock, seconds: when the generations were last turned */
    _Atomic uint64_t candidate[2][CANDIDATES];
    _Atomic nanos_t minute; /* boot clock: when the collecting one began */
    _Atomic uint32_t collecting;
};

struct learned_slot {
    struct shape_words shape;
    _Atomic uint64_t wave, met;
    _Atomic int64_t since, until;
};

struct record {
    _Atomic uint64_t number; /* 0 while it is written */
    struct wave wave;        /* by the process that has the turn alone */
};

struct waves {
    struct waves_head head;
    _Atomic nanos_t turn; /* boot clock of the last tick */
    _Atomic uint64_t next;
    struct wave_now now;
    struct spared spared;
    _Atomic uint64_t known[WAVE_LEARNED]; /* ids of `learned`, side by side for who only asks */
    struct learned_slot learned[WAVE_LEARNED];
    struct record record[WAVE_RECORDS];
};

#define LOAD(place)         atomic_load_explicit(&(place), memory_order_relaxed)
#define STORE(place, value) atomic_store_explicit(&(place), (value), memory_order_relaxed)
#define ADD(place, value)   atomic_fetch_add_explicit(&(place), (value), memory_order_relaxed)

static inline void shape_store(struct shape_words *to, const struct shape *from)
{
    uint64_t word[3];
    memcpy(word, from, sizeof word);
    for (unsigned i = 3; i-- > 0;) /* the id last: a shape that has one has the rest */
        STORE(to->word[i], word[i]);
}

static inline struct shape shape_load(const struct shape_words *from)
{
    struct shape shape;
    uint64_t word[3];
    for (unsigned i = 0; i < 3; i++)
        word[i] = LOAD(from->word[i]);
    memcpy(&shape, word, sizeof shape);
    return shape;
}

/* A time that is read from the file: readers turn it to nanoseconds. */
static inline int64_t wall_within(int64_t wall)
{
    const int64_t most = INT64_MAX / NANOS_SECOND;
    return wall < 0 ? 0 : wall > most ? most : wall;
}

bool waves_is_spared(const struct waves *w, uint64_t id);
void waves_spare_surely(struct waves *w, uint64_t id);
void waves_spare_tick(struct waves *w, bool calm, nanos_t now, int64_t wall);
void waves_learn(struct waves *w, const struct shape *shape, uint64_t wave, int64_t wall);

#endif
