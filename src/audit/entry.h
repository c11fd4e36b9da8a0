/* entry.h: an act as one line of the log: JSON, in one form only.
 *
 *   {"v":1,"at":"2026-11-20T14:03:00.123456789Z","from":"front","n":17,"kind":"hold","actor":"guard
 *   front",
 *    "subject":"c1:...","object":"logins","hold":"hold-2f-front","reason":"61 of 60 requests in 1
 *    h", "numbers":{"used":61,"limit":60},"evidence":"ecluse why hold-2f-front"}
 *
 * Keys stand in this order; those without content are left out. `from` and `n` are the ring and its
 * number: a gap in n shows.
 *
 * Commitment  whoever is named stands as "c1:" and the base64 (URL form, unpadded) of SHA-256 over
 *             a 16-byte salt, a zero byte, the role ("actor" or "subject"), a zero byte, and the
 *             name. Salt and name are kept outside the log, with a retention of their own; once
 *             they are erased nobody can tell whom the entry meant, and the entry still stands
 *             unchanged.
 */
#ifndef ECLUSE_AUDIT_ENTRY_H
#define ECLUSE_AUDIT_ENTRY_H

#include "audit/handover.h"

enum { ENTRY_SIZE = 2048, ENTRY_SALT_SIZE = 16, ENTRY_COMMITMENT_SIZE = 48 };

enum entry_role { ENTRY_ACTOR, ENTRY_SUBJECT, ENTRY_ROLE_COUNT };

struct entry_salts { /* which of the two were committed to, and with what */
    bool used[ENTRY_ROLE_COUNT];
    uint8_t salt[ENTRY_ROLE_COUNT][ENTRY_SALT_SIZE];
};

/* Writes the entry; fresh salts are made where somebody is named. Always fits ENTRY_SIZE. */
void entry_write(const struct handed_over *handed, struct writer *out, struct entry_salts *salts);

/* "c1:..." of a name: to show, from what was kept, that an entry meant it. */
char *entry_commitment(enum entry_role role, const uint8_t salt[ENTRY_SALT_SIZE], struct text name,
                       char out[ENTRY_COMMITMENT_SIZE]);

/* An entry read back, from anybody's log. Names are commitments here. -EBADMSG when it is not an
 * entry of version 1. */
struct entry {
    int64_t at; /* wall clock, nanoseconds */
    enum act_kind kind;
    char from[16];
    uint64_t number;
    struct act act; /* actor and subject as they stand in the entry */
};
int entry_parse(struct text text, struct entry *out);

/* The little that an index needs of an entry written by entry_write(): its time, kind, object
 * and hold, in a tenth of the time. False for anything that is not exactly of that form, which
 * entry_parse() may still read. */
bool entry_glance(struct text text, struct act *out);

/* Whether an actor is a person: "operator NAME". Guards and root are not. */
bool actor_is_person(struct text actor);

#endif
