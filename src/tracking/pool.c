#include "tracking/pool.h"

#include <endian.h>
#include <stdlib.h>

void pool_free(struct pool *p)
{
    free(p->event);
    free(p->run);
    free(p->order);
    *p = (struct pool){0};
}

static bool grow(void **array, uint32_t *room, uint32_t count, size_t size)
{
    if (count < *room)
        return true;
    uint32_t more = *room ? *room * 2 : 4096;
    void *moved = realloc(*array, more * size);
    if (!moved)
        return false;
    *array = moved;
    *room = more;
    return true;
}

/* Ends are zero in a parcel_number, so the whole array compares like the text. */
static int run_compare(const struct pool_run *a, const struct pool_run *b)
{
    return memcmp(a->parcel.text, b->parcel.text, sizeof a->parcel.text);
}

bool pool_add(struct pool *p, const struct parcel_number *parcel, const struct record_event *words,
              uint64_t place)
{
    struct pool_run *last = p->runs ? &p->run[p->runs - 1] : NULL;
    bool same = last && memcmp(&last->parcel, parcel, sizeof *parcel) == 0;
    if (!grow((void **)&p->event, &p->event_room, p->events, sizeof *p->event) ||
        (!same && !grow((void **)&p->run, &p->run_room, p->runs, sizeof *p->run)))
        return false;
    p->event[p->events] = (struct pool_event){*words, place};
    if (same) {
        last->count++;
    } else {
        struct pool_run *run = &p->run[p->runs];
        *run = (struct pool_run){*parcel, p->events, 1};
        p->sorted = p->runs == 0 || (p->sorted && run_compare(run - 1, run) < 0);
        p->runs++;
    }
    p->events++;
    return true;
}

static int order_compare(const void *x, const void *y, void *context)
{
    const struct pool_order *a = x, *b = y;
    const struct pool_run *run = context;
    if (a->head != b->head)
        return a->head < b->head ? -1 : 1;
    int order = run_compare(&run[a->run], &run[b->run]);
    return order ? order : a->run < b->run ? -1 : 1;
}

bool pool_sort(struct pool *p)
{
    if (p->order_room < p->runs) {
        struct pool_order *order = realloc(p->order, p->run_room * sizeof *order);
        if (!order)
            return false;
        p->order = order;
        p->order_room = p->run_room;
    }
    for (uint32_t i = 0; i < p->runs; i++) {
        uint64_t head;
        memcpy(&head, p->run[i].parcel.text, sizeof head);
        p->order[i] = (struct pool_order){be64toh(head), i};
    }
    if (!p->sorted && p->runs > 1)
        qsort_r(p->order, p->runs, sizeof *p->order, order_compare, p->run);
    return true;
}

void pool_clear(struct pool *p)
{
    p->events = p->runs = 0;
}
