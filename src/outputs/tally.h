/* tally.h: what each output told, and could not tell.
 *
 * Kept by one thread an output under one lock, held for a copy at most; written now and then to
 * `runtime/outputs/tally.json`, where `status` reads it.
 */
#ifndef ECLUSE_TALLY_H
#define ECLUSE_TALLY_H

#include "base/base.h"

#include <pthread.h>

/*  constant    name         what it tells */
#define OUTPUTS(X)                                                                                 \
    X(RECORD,    "record",    "alarms, to the audit log")                                          \
    X(METRICS,   "metrics",   "figures, to who fetches them")                                      \
    X(EVENTS,    "events",    "entries of the audit log, to a file")                               \
    X(SYSLOG,    "syslog",    "entries of the audit log, to a syslog receiver")                    \
    X(WEBHOOK,   "webhook",   "incidents, to a URL")                                               \
    X(MAIL,      "mail",      "incidents, to a mail command")                                      \
    X(HEARTBEAT, "heartbeat", "that all is well, to a dead man's switch")

enum output {
#define X(constant, ...) OUTPUT_##constant,
    OUTPUTS(X)
#undef X
        OUTPUT_COUNT
};

const char *output_name(enum output output);
const char *output_text(enum output output);

struct output_state {
    bool wanted;             /* the contract has it */
    bool failing;            /* the last try failed */
    uint64_t told, failures; /* since the process began */
    uint64_t skipped;        /* never told */
    uint64_t behind;         /* still to be told */
    int64_t last_told;       /* wall clock; 0: never */
    int64_t failing_since;   /* wall clock; 0: it does not fail */
    char reason[160];        /* of the last failure; no secret in it */
};

struct tally {
    pthread_mutex_t lock;
    struct output_state output[OUTPUT_COUNT];
};

void tally_init(struct tally *tally);
void tally_want(struct tally *tally, enum output output);
void tally_told(struct tally *tally, enum output output, uint64_t count, int64_t wall);
/* Says it in the log too, once for each reason in a row. */
void tally_failed(struct tally *tally, enum output output, const char *reason, int64_t wall);
void tally_left(struct tally *tally, enum output output, uint64_t behind, uint64_t skipped);
void tally_copy(struct tally *tally, struct output_state out[OUTPUT_COUNT]);

/* To and from the file. -ENOENT when there is none, -EPROTO when it is not one. */
int tally_write(const char *path, const struct output_state states[OUTPUT_COUNT], int64_t wall,
                struct error *error);
int tally_read(const char *path, struct output_state out[OUTPUT_COUNT], int64_t *wall);

#endif
