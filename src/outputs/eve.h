/* eve.h: an entry of the audit log as one line of JSON.
 *
 *   {"timestamp":"2026-11-20T14:03:00.123456+0000","event_type":"ecluse","@timestamp":"...",
 *    "ecs":{...},"event":{"id":"poste.example/ecluse/17","sequence":17,"action":"hold",...},
 *    "message":"...","rule":{"name":"logins"},"observer":{...},"host":{...},"ecluse":{...}}
 *
 * The first two members are EVE's (Suricata); what follows are ECS's names; `ecluse` holds what
 * neither has a name for. docs/outputs.md describes each. Actors and subjects are the log's
 * commitments, never names.
 */
#ifndef ECLUSE_EVE_H
#define ECLUSE_EVE_H

#include "audit/entry.h"

enum { EVE_LINE_SIZE = 8192, EVE_ID_SIZE = 320 };

#define EVE_ECS_VERSION "8.11.0"

struct eve_source { /* the same for every line; borrowed */
    const char *origin;       /* of the log */
    const char *host;         /* this machine's name */
    const char *organisation; /* "" when it has no name */
};

/* "ORIGIN/INDEX": by it a receiver knows a line that it has already. */
void eve_id_write(const struct eve_source *source, uint64_t index, struct writer *out);

/* The line and its end. Always fits EVE_LINE_SIZE for what entry_parse() gave. */
void eve_write(const struct eve_source *source, uint64_t index, const struct entry *entry,
               struct writer *out);

/* Of an entry that entry_parse() does not understand (a later version's): what is known of it. */
void eve_write_unknown(const struct eve_source *source, uint64_t index, nanos_t wall,
                       struct writer *out);

/* "2026-11-20T14:03:00.123456" and what ends it ("Z", "+0000"). */
void eve_time_write(int64_t at, const char *zone, struct writer *out);

/* The sentence that people read: "hold: logins: 61 of 60 requests in 1 h". */
void eve_message_write(const struct entry *entry, struct writer *out);

#endif
