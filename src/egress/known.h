/* known.h: which hosts were seen before today: who never was shares the newcomers' budget. The
 * room's own.
 *
 * One file of at most KNOWN_MOST hosts, written anew when it changes. In the first day of a state
 * every host counts as known, since all of them would be new then. A damaged file is begun anew
 * without that day. When it is full, the one that was seen least lately gives way, and is a
 * newcomer if it comes back.
 */
#ifndef ECLUSE_EGRESS_KNOWN_H
#define ECLUSE_EGRESS_KNOWN_H

#include "base/base.h"
#include "egress/map.h"

struct known;

enum { KNOWN_MOST = 65536 };

/* Never fails but for memory (-ENOMEM): 1 with *error says what was wrong with the file. */
int known_open(const char *path, nanos_t wall, struct known **out, struct error *error);

/* Notes that the host is here; whether this is its first day. */
bool known_is_new(struct known *k, const struct egress_host *host, nanos_t wall);

/* The day on which it was first seen, wall clock; 0: never, or before this list began. */
nanos_t known_since(struct known *k, const struct egress_host *host);

/* One host after another, from *cursor 0 on; false at the end. */
bool known_next(const struct known *k, size_t *cursor, struct egress_host *out);

int known_save(struct known *k, struct error *error); /* only if something changed */
void known_close(struct known *k);                    /* takes NULL; saves nothing */

#endif
