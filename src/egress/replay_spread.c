#include "egress/replay_spread.h"

#include <stdlib.h>

struct spread {
    spread_part *part;
    void *context;
    struct spread_item *item; /* from 1 on; 0 ends a chain */
    size_t most, given, waiting;
    uint32_t free;
    int64_t second; /* everything before it has been told */
    uint32_t first[SPREAD_SECONDS], last[SPREAD_SECONDS];
};

nanos_t spread_time(const struct spread_item *item, uint32_t k)
{
    return item->start +
           (nanos_t)((__int128)item->span * (2 * (int64_t)k + 1) / (2 * (int64_t)item->parts));
}

uint64_t spread_bytes(const struct spread_item *item, uint32_t k)
{
    unsigned __int128 bytes = item->bytes;
    return (uint64_t)(bytes * (k + 1) / item->parts - bytes * k / item->parts);
}

struct spread *spread_new(size_t most, spread_part *part, void *context)
{
    struct spread *s = calloc(1, sizeof *s);
    if (!s || !(s->item = calloc(most + 1, sizeof *s->item))) {
        free(s);
        return NULL;
    }
    s->most = most;
    s->part = part;
    s->context = context;
    return s;
}

void spread_free(struct spread *s)
{
    if (!s)
        return;
    free(s->item);
    free(s);
}

nanos_t spread_reached(const struct spread *s)
{
    return s->second * NANOS_SECOND;
}

bool spread_is_empty(const struct spread *s)
{
    return s->waiting == 0;
}

static void wait_for(struct spread *s, uint32_t index, int64_t second)
{
    uint32_t at = (uint32_t)(second % SPREAD_SECONDS);
    s->item[index].next = 0;
    if (s->first[at])
        s->item[s->last[at]].next = index;
    else
        s->first[at] = index;
    s->last[at] = index;
}

/* Tells the parts of an item that are before `end`; false when none is left. */
static bool tell_until(struct spread *s, struct spread_item *item, nanos_t end)
{
    while (item->done < item->parts) {
        nanos_t when = spread_time(item, item->done);
        if (when >= end)
            return true;
        s->part(s->context, item, when, spread_bytes(item, item->done));
        item->done++;
    }
    return false;
}

static void one_second(struct spread *s)
{
    uint32_t at = (uint32_t)(s->second % SPREAD_SECONDS), index = s->first[at];
    s->first[at] = s->last[at] = 0;
    s->second++;
    for (uint32_t next; index; index = next) {
        struct spread_item *item = &s->item[index];
        next = item->next;
        if (tell_until(s, item, s->second * NANOS_SECOND)) {
            wait_for(s, index, spread_time(item, item->done) / NANOS_SECOND);
            continue;
        }
        item->next = s->free;
        s->free = index;
        s->waiting--;
    }
}

void spread_advance(struct spread *s, nanos_t to)
{
    int64_t second = to / NANOS_SECOND;
    while (s->second < second && s->waiting)
        one_second(s);
    if (s->second < second)
        s->second = second;
}

void spread_end(struct spread *s)
{
    while (s->waiting)
        one_second(s);
}

void spread_add(struct spread *s, const struct spread_item *item)
{
    struct spread_item copy = *item;
    int64_t end = (copy.start + copy.span) / NANOS_SECOND;
    if (end - s->second >= SPREAD_SECONDS)
        spread_advance(s, (end - SPREAD_SECONDS + 1) * NANOS_SECOND);
    if (!tell_until(s, &copy, s->second * NANOS_SECOND))
        return;
    while (s->waiting == s->most)
        one_second(s);
    if (!tell_until(s, &copy, s->second * NANOS_SECOND))
        return;
    uint32_t index = s->free;
    if (index)
        s->free = s->item[index].next;
    else
        index = (uint32_t)++s->given;
    s->item[index] = copy;
    s->waiting++;
    wait_for(s, index, spread_time(&copy, copy.done) / NANOS_SECOND);
}
