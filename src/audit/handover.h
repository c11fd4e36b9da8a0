/* handover.h: from the guards to the one writer, without ever waiting.
 *
 * Each guard has a ring in `runtime/NAME.audit`, which its processes write and the writer reads.
 * What the writer has taken and what is durable stands in `runtime/audit.status`, which the writer
 * alone writes: a guard that was taken over can spoil its own ring, and nothing else. What is read
 * from a ring is checked like input.
 *
 * Numbers   each ring numbers its acts from 1, in order; the number is in the entry, so that a gap
 *           shows.
 * Full      the act is counted as lost, and the writer makes an entry of the count. One quarter of
 *           each ring is reserved for acts that somebody waits for (handover_durably), so that a
 *           flood of holds cannot keep a release off the record.
 * Killed    a process that dies between taking a place and filling it leaves a hole; the writer
 *           passes over it after a second and counts it.
 * Cost      about 100 ns an act. No system call, no allocation.
 */
#ifndef ECLUSE_AUDIT_HANDOVER_H
#define ECLUSE_AUDIT_HANDOVER_H

#include "audit/act.h"

enum { HANDOVER_PLACES = 1 << 14, HANDOVER_FEW_PLACES = 1 << 10 };

/*  constant  name       places, of 700 bytes  who writes it */
#define HANDOVER_NAMES(X)                                                                          \
    X(FRONT, "front", HANDOVER_PLACES, "the nginx workers")                                        \
    X(RUN, "run", HANDOVER_FEW_PLACES, "the supervisor")                                           \
    X(KEEPER, "keeper", HANDOVER_FEW_PLACES, "the keeper")                                         \
    X(COMMAND, "command", HANDOVER_FEW_PLACES, "commands of root: release, panic, export")         \
    X(INGEST, "ingest", HANDOVER_FEW_PLACES, "ecluse ingest")                                      \
    X(DESK, "desk", HANDOVER_FEW_PLACES, "the desk")                                               \
    X(EGRESS, "egress", HANDOVER_PLACES, "the egress guard")                                       \
    X(FILES, "files", HANDOVER_PLACES, "the files guard")                                          \
    X(HERALD, "herald", HANDOVER_FEW_PLACES, "the herald: alarms")

enum handover_name {
#define X(constant, ...) HANDOVER_##constant,
    HANDOVER_NAMES(X)
#undef X
        HANDOVER_COUNT
};

const char *handover_name(enum handover_name name);
uint64_t handover_places(enum handover_name name);

/* ---- A guard's side -------------------------------------------------------------------------- */

struct handover;

/* `ecluse run`, before anything else: makes the ring (`group` may write, -1 for nobody else) or
 * takes over one that is there. */
int handover_create(const char *runtime, enum handover_name name, int group, struct error *error);

/* The same, and the writer's page, for a writer that runs as another user (-1: as we do): the
 * files become its own, so that it may read them; it can make none in `runtime`. */
int handover_create_for(const char *runtime, enum handover_name name, int owner, int group,
                        struct error *error);
int handover_create_status(const char *runtime, int owner, struct error *error);

/* -ENOENT when there is no ring: the caller goes on without a record, and says so. */
int handover_open(const char *runtime, enum handover_name name, struct handover **out,
                  struct error *error);
void handover_close(struct handover *handover); /* takes NULL */

/* Returns the act's number, or 0 when it did not fit (counted as lost). NULL is taken, and
 * returns 0. */
uint64_t handover_act(struct handover *handover, const struct act *act);

/* For acts that loosen containment: returns 0 once the act's entry is durable, -ETIMEDOUT when
 * it is not after `patience`, -ENOBUFS when even the reserved places are full. The caller does
 * the act only then. Sleeps; never on a hot path. */
int handover_durably(struct handover *handover, const struct act *act, nanos_t patience);

/* The same in two parts, for whoever has other things to do meanwhile. 0 when there is no place. */
uint64_t handover_reserved(struct handover *handover, const struct act *act);
bool handover_is_durable(struct handover *handover, uint64_t number);

/* ---- The writer's side ----------------------------------------------------------------------- */

struct handover_reader;

/* Makes `runtime/audit.status`, and opens every ring that is there; handover_reader_look() opens
 * those that come later. */
int handover_reader_new(const char *runtime, struct handover_reader **out, struct error *error);
void handover_reader_free(struct handover_reader *reader); /* takes NULL */
void handover_reader_look(struct handover_reader *reader);

struct handed_over {
    enum handover_name from;
    uint64_t number;
    struct act act; /* checked: kind in range, texts zero-ended and valid UTF-8 */
};

/* The next act of any ring, in turn; false when all are empty. `now` (boot clock) is for holes. */
bool handover_next(struct handover_reader *reader, nanos_t now, struct handed_over *out);

/* Acts lost since the last call, per ring (did not fit, left as a hole, or unreadable). */
uint64_t handover_lost(struct handover_reader *reader, enum handover_name name);

/* All that was taken from the rings up to here is durable: those who wait go on, and the places
 * are free. */
void handover_durable(struct handover_reader *reader, nanos_t now, uint64_t log_size,
                      uint64_t witnessed_size);

/* A witness has cosigned, at this time of the boot clock. */
void handover_witnessed(struct handover_reader *reader, nanos_t when);

/* ---- For status ------------------------------------------------------------------------------ */

struct handover_state {
    bool present;
    int32_t writer;    /* pid */
    nanos_t heartbeat; /* boot clock, of the last time that all was durable */
    uint64_t log_size, witnessed_size;
    nanos_t witnessed_at; /* boot clock, of the last cosignature; 0: none since the writer began */
    uint64_t waiting[HANDOVER_COUNT]; /* handed over, not durable yet */
    uint64_t lost[HANDOVER_COUNT];    /* since the ring was made */
};
int handover_status(const char *runtime, struct handover_state *out);

#endif
