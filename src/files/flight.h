/* flight.h: files that are open for writing, and not judged yet. The room's own.
 *
 * A rewrite counts when it is judged, a moment after the file is closed (or, if it is not, within
 * two seconds: vault_service.h). Whoever opened ten thousand files first and wrote afterwards
 * would be done before the first was counted. So opens of existing files count provisionally: no
 * more are in flight, for one who pays, than its budgets have left; what is above waits for a
 * verdict on the others, and is refused when none comes in time.
 *
 * Cost      a scan of the entries in use, at most FLIGHT_MOST: 1 us for 500.
 */
#ifndef ECLUSE_FILES_FLIGHT_H
#define ECLUSE_FILES_FLIGHT_H

#include "base/base.h"

enum { FLIGHT_MOST = 1024 };

/* However little is left, so many may be in flight: what a program keeps open and does not change
 * must not keep it from opening the file that crosses its budget, and shows. */
enum { FLIGHT_ALWAYS = 8 };

/* Judged for certain after this long: when it stays open, and when it was closed. */
#define FLIGHT_OPEN   (2 * NANOS_SECOND)
#define FLIGHT_CLOSED (300 * NANOS_MILLISECOND)
/* A removed file, until it is known whether another one takes its name. */
#define FLIGHT_GONE   (350 * NANOS_MILLISECOND)

struct flight {
    uint64_t thing, tree;
    uint32_t user;
    uint16_t share;
    nanos_t until; /* 0: free */
};

struct flights {
    unsigned used; /* entries before this may be in use */
    struct flight entry[FLIGHT_MOST];
};

/* One more, until then; false when there is no room: then it waits like one that is over. */
bool flights_add(struct flights *flights, const struct flight *flight, nanos_t now, nanos_t until);
/* It was closed, by whoever. */
void flights_closed(struct flights *flights, uint64_t thing, nanos_t now);
bool flights_has(const struct flights *flights, uint64_t thing, nanos_t now);
/* It was judged. */
void flights_judged(struct flights *flights, uint64_t thing);

/* Whether one more may be in flight. */
static inline bool flights_fit(unsigned count, uint64_t left)
{
    return count < left || count < FLIGHT_ALWAYS;
}

/* What is in flight without the thing itself: the more of its tree's and its user's, and the
 * share's. */
struct flights_count {
    unsigned own, all;
};
struct flights_count flights_count(const struct flights *flights, const struct flight *flight,
                                   nanos_t now);

#endif
