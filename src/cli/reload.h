/* reload.h: a contract's file that changes while `ecluse run` runs.
 *
 * A change is seen within two seconds (or at once on SIGHUP), is read whole, and is offered to the
 * guards as contract/publish.h says: all take it up, or none does. A file that does not check, or
 * that a guard refuses, changes nothing; the reason is logged and shown by `status` until the file
 * is in force or is changed again. One that loosens containment takes effect only once its entry in
 * the audit log is durable (difference.h says what loosens).
 */
#ifndef ECLUSE_RELOAD_H
#define ECLUSE_RELOAD_H

#include "budget/guard.h"
#include "cli/chronicle.h"
#include "cli/difference.h"
#include "contract/publish.h"
#include "status/bulletin.h"

#include <time.h>

struct file_stamp { /* which bytes a name led to */
    struct timespec changed;
    uint64_t inode, size;
};

struct reload {
    const char *file;
    struct control *control;
    struct contract *live; /* owned */
    struct contract *next; /* owned; what is offered, NULL when nothing is */
    uint64_t generation;   /* of live */
    uint64_t last;         /* highest number that was ever offered: numbers are never used twice */
    nanos_t deadline;      /* of the offer, boot clock */
    struct file_stamp stamp;      /* as last looked at */
    bool wanted;                  /* changed, and to be read once it rests */
    struct bulletin *bulletin;    /* told of each outcome */
    struct chronicle *chronicle;  /* may be NULL: nothing is put on the record, or waited for */
    struct difference difference; /* from live to next */
    uint64_t recorded;            /* number of the act that must be durable first; 0: none */
    bool told;                    /* the bulletin has changed and is to be written */
};

enum reload_result { RELOAD_NOTHING, RELOAD_TAKEN };

/* Takes over what lives in `runtime` or publishes the file's contract (which it takes ownership of)
 * as the first. With r->wanted the file is read again at the first look: it had mistakes, and
 * from_file is what was last in force (last_contract.h). */
int reload_begin(struct reload *r, struct contract *from_file, struct error *error);

/* The segments of all guards, read-only; NULL where there is none: nobody is asked there. */
struct guard_segments {
    struct budgets *of[GUARD_COUNT];
};

/* Every second, and at once with `now_please` on SIGHUP.
 * RELOAD_TAKEN: r->live is another contract now, and the old one is freed. */
enum reload_result reload_look(struct reload *r, const struct guard_segments *guards,
                               bool now_please, nanos_t now);

/* While an offer stands, several times a second. */
enum reload_result reload_step(struct reload *r, const struct guard_segments *guards, nanos_t now);

void reload_end(struct reload *r);

#endif
