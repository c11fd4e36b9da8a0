#include "files/flight.h"

static void shrink(struct flights *flights)
{
    while (flights->used && !flights->entry[flights->used - 1].until)
        flights->used--;
}

bool flights_add(struct flights *flights, const struct flight *flight, nanos_t now, nanos_t until)
{
    struct flight *free = NULL;
    for (unsigned i = 0; i < flights->used; i++) {
        struct flight *entry = &flights->entry[i];
        if (entry->until && entry->until <= now)
            entry->until = 0;
        if (entry->until && entry->thing == flight->thing && entry->tree == flight->tree &&
            entry->user == flight->user) {
            entry->until = until;
            return true;
        }
        if (!entry->until && !free)
            free = entry;
    }
    if (!free && flights->used < FLIGHT_MOST)
        free = &flights->entry[flights->used++];
    if (!free)
        return false;
    *free = *flight;
    free->until = until;
    return true;
}

void flights_closed(struct flights *flights, uint64_t thing, nanos_t now)
{
    for (unsigned i = 0; i < flights->used; i++) {
        struct flight *entry = &flights->entry[i];
        if (entry->until && entry->thing == thing && entry->until > now + FLIGHT_CLOSED)
            entry->until = now + FLIGHT_CLOSED;
    }
}

bool flights_has(const struct flights *flights, uint64_t thing, nanos_t now)
{
    for (unsigned i = 0; i < flights->used; i++)
        if (flights->entry[i].thing == thing && flights->entry[i].until > now)
            return true;
    return false;
}

void flights_judged(struct flights *flights, uint64_t thing)
{
    for (unsigned i = 0; i < flights->used; i++)
        if (flights->entry[i].thing == thing)
            flights->entry[i].until = 0;
    shrink(flights);
}

struct flights_count flights_count(const struct flights *flights, const struct flight *flight,
                                   nanos_t now)
{
    unsigned tree = 0, user = 0, share = 0;
    for (unsigned i = 0; i < flights->used; i++) {
        const struct flight *entry = &flights->entry[i];
        if (entry->until <= now || entry->thing == flight->thing)
            continue;
        tree += entry->tree == flight->tree;
        user += entry->user == flight->user;
        share += entry->share == flight->share;
    }
    return (struct flights_count){.own = tree > user ? tree : user, .all = share};
}
