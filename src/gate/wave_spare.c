/* Shapes that must not be learned. */
#include "gate/wave_file.h"

#define GENERATION                                                                                 \
    (7 * 24 * 3600) /* seconds: what customers send is seen more than once a week                  \
                     */

static size_t bit_of(uint64_t id, unsigned probe)
{
    return (id >> (probe * 16)) % SPARED_BITS; /* ids are keyed hashes: each 16 bits are as good */
}

bool waves_is_spared(const struct waves *w, uint64_t id)
{
    for (unsigned generation = 0; generation < 2; generation++) {
        unsigned set = 0;
        for (unsigned i = 0; i < SPARED_PROBES; i++) {
            size_t bit = bit_of(id, i);
            set += (unsigned)(LOAD(w->spared.bit[generation][bit / 64]) >> (bit % 64)) & 1;
        }
        if (set == SPARED_PROBES)
            return true;
    }
    return false;
}

void waves_spare_surely(struct waves *w, uint64_t id)
{
    for (unsigned i = 0; i < SPARED_PROBES; i++) {
        size_t bit = bit_of(id, i);
        _Atomic uint64_t *word = &w->spared.bit[0][bit / 64];
        uint64_t mask = UINT64_C(1) << (bit % 64);
        if (!(LOAD(*word) & mask))
            atomic_fetch_or_explicit(word, mask, memory_order_relaxed);
    }
}

void waves_spare(struct waves *waves, const struct shape *shape, bool proven)
{
    if (proven) {
        waves_spare_surely(waves, shape->id);
        return;
    }
    _Atomic uint64_t *candidate = waves->spared.candidate[LOAD(waves->spared.collecting) & 1];
    for (unsigned i = 0; i < WAVES_PROBES; i++) {
        _Atomic uint64_t *place = &candidate[(shape->id + i) % CANDIDATES];
        uint64_t id = LOAD(*place);
        if (id == shape->id)
            return;
        if (id == 0) {
            STORE(*place, shape->id);
            return;
        }
    } /* more shapes than places in one minute: it is seen another time */
}

static void clear(_Atomic uint64_t candidate[CANDIDATES])
{
    for (unsigned i = 0; i < CANDIDATES; i++)
        STORE(candidate[i], 0);
}

static void turn_generations(struct spared *s)
{
    for (unsigned i = 0; i < SPARED_WORDS; i++) {
        STORE(s->bit[1][i], LOAD(s->bit[0][i]));
        STORE(s->bit[0][i], 0);
    }
}

/* A flood that has only begun looks like calm: what was collected counts once the minute after it
 * was calm too. */
void waves_spare_tick(struct waves *w, bool calm, nanos_t now, int64_t wall)
{
    struct spared *s = &w->spared;
    unsigned collecting = LOAD(s->collecting) & 1;
    nanos_t minute = LOAD(s->minute);
    if (!calm || minute == 0 || minute > now) {
        clear(s->candidate[0]);
        clear(s->candidate[1]);
        STORE(s->minute, now);
    } else if (now - minute >= NANOS_MINUTE) {
        for (unsigned i = 0; i < CANDIDATES; i++) {
            uint64_t id = LOAD(s->candidate[!collecting][i]);
            if (id)
                waves_spare_surely(w, id);
        }
        clear(s->candidate[!collecting]);
        STORE(s->collecting, !collecting);
        STORE(s->minute, now);
    }
    int64_t turned = LOAD(s->turned);
    if (turned == 0 || turned > wall)
        STORE(s->turned, wall);
    else if (wall - turned >= GENERATION) {
        turn_generations(s);
        STORE(s->turned, wall);
    }
}
