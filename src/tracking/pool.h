/* pool.h: events that wait to be put, sorted by number.
 *
 * Random updates in the order in which they come would rewrite a page each; sorted over a large
 * pool, each page is rewritten once a pool. Events of one number keep the order in which they came.
 *
 * Memory      taken as it fills: 120 bytes an event at most (pool_room() events).
 */
#ifndef ECLUSE_POOL_H
#define ECLUSE_POOL_H

#include "tracking/record.h"

struct pool_event {
    struct record_event words;
    uint64_t place; /* in its input */
};

struct pool_run { /* events that came one after the other for one number */
    struct parcel_number parcel;
    uint32_t first, count;
};

struct pool_order {
    uint64_t head; /* of the number, big-endian: most comparisons end here */
    uint32_t run;
};

struct pool {
    struct pool_event *event;
    struct pool_run *run;
    struct pool_order *order;
    uint32_t events, runs;
    uint32_t event_room, run_room, order_room;
    bool sorted; /* so far */
};

void pool_free(struct pool *p);
/* False: no memory; nothing was added. */
bool pool_add(struct pool *p, const struct parcel_number *parcel, const struct record_event *words,
              uint64_t place);
/* Fills p->order (p->runs entries). False: no memory. */
bool pool_sort(struct pool *p);
void pool_clear(struct pool *p); /* keeps the memory */

#endif
