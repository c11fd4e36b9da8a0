/* trail.h: what a hold of bytes out rests on: to whom, on which connections, how much when.
 *
 * One file of TRAIL_SIZE for each hold, `state/egress/holds/hold-2f-egress`, written whole by
 * the guard, read by whoever may: `ecluse why`. Bounded: the largest TRAIL_LISTED destinations
 * and connections by name, all of them in the sums; TRAIL_MOST files, of which the oldest give
 * way. Addresses are personal data: they stand nowhere else, and expire with `keep: holds` after
 * the hold's end. Times are wall clock, in nanoseconds. What is read is checked like input.
 */
#ifndef ECLUSE_EGRESS_TRAIL_H
#define ECLUSE_EGRESS_TRAIL_H

#include "base/base.h"
#include "egress/pace.h"

#include <stdbool.h>

enum { TRAIL_LISTED = 20, TRAIL_MOST = 8192 };

struct trail_destination {
    uint8_t to[16]; /* IPv4 mapped */
    uint64_t bytes, connections;
    nanos_t first, last;
};

struct trail_connection {
    uint8_t from[16], to[16];
    uint16_t from_port, to_port; /* 0 where the protocol has none */
    uint8_t protocol;            /* as IP numbers it */
    uint8_t begun_outside;
    uint8_t spare[2];
    uint64_t bytes;
    nanos_t first, last;
};

struct trail {
    uint64_t magic, check; /* trail_seal() */
    uint64_t hold;
    nanos_t since, until; /* of the hold */
    nanos_t taken;
    nanos_t known_since; /* the day on which the host was first seen; 0: not known */
    uint8_t host[16], to[16];
    uint64_t pair;               /* 1: the hold is of this host and destination, else of the host */
    uint64_t bytes, connections; /* on all that the guard knows of; older ones may be forgotten */
    uint64_t destinations;       /* TRAIL_DESTINATIONS: so many, or more */
    uint64_t listed_destinations, listed_connections;
    struct trail_destination destination[TRAIL_LISTED]; /* largest first */
    struct trail_connection connection[TRAIL_LISTED];
    uint64_t second[PACE_SECONDS], minute[PACE_MINUTES]; /* until `taken`, newest last */
};

#define TRAIL_DESTINATIONS 768
#define TRAIL_SIZE         sizeof(struct trail)

/* Magic and checksum over the rest. */
void trail_seal(struct trail *e);

int trail_write(const char *state, struct trail *e, struct error *error);

/* -ENOENT when there is none, -EACCES, or -EPROTO for a file that was damaged. */
int trail_read(const char *state, uint64_t hold, struct trail *out);

/* What a file's bytes say; false when they are not sound. */
bool trail_parse(const void *data, size_t length, struct trail *out);

/* Removes what ended before `before`, and the oldest beyond `most`; how many. */
size_t trail_expire(const char *state, nanos_t before, size_t most);

#endif
