/* wave.h: floods remembered: what each was made of, and what it was made of known when it returns.
 *
 * A wave is the time from a route's first challenge, or from the return of a known shape, until
 * none has been for WAVE_CALM. While it lasts its requests are counted by shape (shape.h); when it
 * ends, a record of it stays, and its shapes are learned: whoever sends them again is challenged
 * from the first second, whether the origin is short or not.
 *
 * Never learned  shapes that callers with history or a lane send, at any time; shapes that got an
 *                answer of the origin in calm times, a minute before and after which nothing was
 *                challenged; shapes whose senders solve challenges; shapes that went on to the
 *                origin all the while, on other routes. So what customers send cannot be turned
 *                against them. The price: who sends the flood's shape in calm times first keeps it
 *                from being learned, and gains no more than a first wave has anyway.
 * Forgotten      WAVE_KEEP after a shape was last met in a wave, or by `ecluse waves forget`.
 * Memory         fixed: one file `state/front/waves` of waves_footprint() bytes that all workers
 *                map. Shapes beyond the WAVE_SHAPES most frequent are counted together. Sources and
 *                networks are counted by HyperLogLog (Flajolet et al. 2007; 1024 registers, about
 *                3 % off), so that no address is kept.
 * Processes      any number see and ask at once, with relaxed atomics: a figure may be a few off,
 *                none is ever out of bounds. One process a second ticks.
 * Time           `now` is the boot clock; `wall` seconds since 1970 for what outlives a boot.
 * Failure        a file of another version or size is begun anew by waves_create(); what is read
 *                from it is checked like input.
 */
#ifndef ECLUSE_WAVE_H
#define ECLUSE_WAVE_H

#include "gate/shape.h"

struct waves;

enum {
    WAVE_SHAPES = 256,  /* told apart in one wave */
    WAVE_TOP = 8,       /* kept of it */
    WAVE_RECORDS = 64,  /* waves remembered */
    WAVE_LEARNED = 256, /* shapes known at once */
};

#define WAVE_CALM (30 * NANOS_SECOND)
#define WAVE_KEEP (30 * NANOS_DAY)

/*    constant   name          what became of a request */
#define WAVE_FATES(X)                                                                              \
    X(ORIGIN, "origin", "reached the origin")                                                      \
    X(CHALLENGED, "challenged", "was asked for proof")                                             \
    X(SOLVED, "solved", "came back with proof")                                                    \
    X(REFUSED, "refused", "was refused, or waited in vain")

enum wave_fate {
#define X(constant, ...) WAVE_##constant,
    WAVE_FATES(X)
#undef X
        WAVE_FATE_COUNT
};

const char *wave_fate_name(enum wave_fate fate);

struct wave_shape {
    struct shape shape;
    uint64_t count[WAVE_FATE_COUNT];
};

/* One wave, over or (end 0) still on. */
struct wave {
    uint64_t number;    /* from 1, never reused */
    int64_t begin, end; /* wall clock, seconds */
    uint64_t routes;    /* bits of the routes that were challenged or refused */
    uint64_t count[WAVE_FATE_COUNT];
    uint64_t most_a_second;
    uint64_t sources, networks; /* about */
    uint32_t shape_count;       /* most frequent first */
    struct wave_shape shape[WAVE_TOP];
    uint32_t learned; /* of its shapes */
    uint32_t known;   /* 1: it was recognised by a shape of an earlier one */
};

struct wave_learned {
    struct shape shape;
    uint64_t wave;        /* that it was learned from */
    int64_t since, until; /* wall clock, seconds */
    uint64_t met;         /* requests recognised by it */
};

/* ---- Life ------------------------------------------------------------------------------------ */

size_t waves_footprint(void);

/* `ecluse run`, before the workers start: makes the file, or keeps a sound one. `group` may write
 * it, -1: nobody else. 0, 1 when an unusable one was replaced, or a negative errno. */
int waves_create(const char *state, int group, struct error *error);

int waves_open(const char *state, bool read_only, struct waves **out, struct error *error);
void waves_close(struct waves *waves); /* takes NULL */

struct hash_key waves_key(const struct waves *waves); /* for shape_of(): the same in all workers */

/* ---- Workers --------------------------------------------------------------------------------- */

/* What became of a request that is no lookup from the store, while anything is challenged. Source
 * and network are keyed hashes. Costs two cache lines more or less. */
void waves_see(struct waves *waves, const struct shape *shape, enum wave_fate fate, uint64_t source,
               uint64_t network);

/* A shape that must not be learned: `proven`, when a caller with history or a lane sent it;
 * otherwise the origin answered it well in calm times, which counts once the calm has lasted. */
void waves_spare(struct waves *waves, const struct shape *shape, bool proven);

/* Whether a shape is known from an earlier wave; counts that it was met. */
bool waves_know(struct waves *waves, uint64_t shape, int64_t wall);

/* Once a second from one process (whichever takes the turn; others get false at once): `challenged`
 * are the routes that are challenged now. True when a wave has just ended, told in *ended. */
bool waves_tick(struct waves *waves, uint64_t challenged, nanos_t now, int64_t wall,
                struct wave *ended);

/* ---- Operators ------------------------------------------------------------------------------- */

size_t waves_list(const struct waves *waves, struct wave *out, size_t most); /* newest first */
size_t waves_learned(const struct waves *waves, int64_t wall, struct wave_learned *out,
                     size_t most);
bool waves_forget(struct waves *waves, uint64_t shape); /* whether it was known */

#endif
