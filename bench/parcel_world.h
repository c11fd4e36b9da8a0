/* parcel_world.h: the parcels that make-parcels tells of.
 *
 * A parcel is a function of the seed and its index alone, so any order and any part of the same
 * world can be told again without keeping it. Numbers rise with the index.
 */
#ifndef ECLUSE_PARCEL_WORLD_H
#define ECLUSE_PARCEL_WORLD_H

#include "tracking/event.h"

enum { EVENTS_MOST = 40, SECONDS_A_DAY = 86400 };

#define PARCELS_MOST UINT64_C(100000000)

struct world {
    uint64_t count, seed;
    int64_t now;
    unsigned events; /* exactly so many for each parcel; 0: as many as have happened */
    unsigned skip;   /* of them, left out later: they are told all the same */
};

struct chance {
    uint64_t state;
};

/* Numbers that begin alike. `share`: of a hundred parcels. */
struct number_class {
    enum parcel_format_kind kind;
    const char *start;
    unsigned digits; /* of the body, that count up */
    unsigned share;
    const char *product;
};

struct parcel {
    const struct number_class *class;
    char number[PARCEL_TEXT_MAX + 1];
    const char *origin; /* country */
};

enum where { AT_ORIGIN, AT_EXCHANGE, AT_SORTING, AT_OFFICE, AT_COUNTER };

struct moment {
    const char *code;
    enum where where;
    uint32_t hours; /* at most, since the one before */
};

struct happening {
    const struct moment *moment;
    int64_t at;
    const char *place, *country;
};

struct history {
    struct happening event[EVENTS_MOST];
    unsigned count;
    int32_t expected_day;
    unsigned pickup; /* 0: none */
};

uint64_t chance_below(struct chance *chance, uint64_t bound);
struct chance chance_of(uint64_t seed, uint64_t index);

struct parcel parcel_number_of(const struct world *world, uint64_t index);
struct parcel parcel_tell(const struct world *world, uint64_t index, struct history *history);

#endif
