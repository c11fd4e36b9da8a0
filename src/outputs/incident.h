/* incident.h: what belongs together, so that a person is called once.
 *
 * Alarms come as signs: an area ("guards"), a kind ("guard_down"), a sentence. An incident is one
 * area's: it opens when a sign has stood for INCIDENT_SETTLE, takes in whatever else appears in its
 * area, and is over when its area was without any sign for INCIDENT_QUIET, so that an alarm that
 * comes and goes is one incident. Each thing to tell is one version of it: the opening, another
 * kind joining (at most every INCIDENT_AGAIN), the end.
 *
 * Channels  (the audit log, webhook, mail) each have their own version told. One that was down
 *           while an incident came and went is told its end alone, which says all of it. Nothing is
 *           queued but incidents: INCIDENTS_MAX, of which the oldest that is over makes room.
 * Time      is an argument, the boot clock for durations and the wall clock for people. Across a
 *           restart the state is read back, and the durations begin anew.
 */
#ifndef ECLUSE_INCIDENT_H
#define ECLUSE_INCIDENT_H

#include "base/base.h"

#include <jansson.h>

#define INCIDENT_SETTLE (10 * NANOS_SECOND)
#define INCIDENT_QUIET  (30 * NANOS_SECOND)
#define INCIDENT_AGAIN  (10 * NANOS_MINUTE)

enum {
    INCIDENTS_MAX = 32,
    INCIDENT_KINDS = 16, /* of one incident */
    INCIDENT_CHANNELS = 3,
    INCIDENT_AREA_SIZE = 24,
    INCIDENT_KIND_SIZE = 32,
    INCIDENT_TEXT_SIZE = 360,
    INCIDENT_ID_SIZE = 64,
};

struct sign { /* an alarm as it stands now */
    char area[INCIDENT_AREA_SIZE], kind[INCIDENT_KIND_SIZE], text[INCIDENT_TEXT_SIZE];
};

struct incident_kind {
    char kind[INCIDENT_KIND_SIZE];
    char text[INCIDENT_TEXT_SIZE]; /* the latest that was said of it */
    int64_t since;                 /* wall clock */
    bool standing;                 /* now */
};

struct incident {
    char id[INCIDENT_ID_SIZE]; /* "20261122T031500Z-guards" */
    char area[INCIDENT_AREA_SIZE];
    int64_t began, ended; /* wall clock; ended 0: it is open */
    uint32_t version;     /* 1 the opening; one more at each thing to tell */
    uint32_t told[INCIDENT_CHANNELS];
    uint32_t kind_count;
    struct incident_kind kind[INCIDENT_KINDS];
    uint32_t kinds_said;  /* of kind[], when the version was last raised */
    nanos_t last_sign, last_said; /* boot clock of this boot */
};

struct incident_pending { /* a sign that has not stood long enough */
    char area[INCIDENT_AREA_SIZE], kind[INCIDENT_KIND_SIZE];
    nanos_t since, seen;
};

struct incidents {
    size_t count;
    struct incident incident[INCIDENTS_MAX];
    size_t pending_count;
    struct incident_pending pending[64];
    uint64_t dropped; /* over before they were told, and crowded out */
};

/* Takes what stands now: every sign, each time. True when something is to be told or kept: save it.
 * */
bool incidents_look(struct incidents *all, const struct sign *sign, size_t count, nanos_t boot,
                    int64_t wall);

/* The incident that a channel has to tell, the one that began first; NULL for none. */
struct incident *incidents_next(struct incidents *all, unsigned channel);

/* A channel told it at this version. What is over and told everywhere (`channels`, one bit each) is
 * forgotten. */
void incidents_told(struct incidents *all, const char *id, uint32_t version, unsigned channel,
                    unsigned channels);

size_t incidents_open(const struct incidents *all);

/* To a file and back: what is read is checked like input; false, and *out untouched, when it is not
 * ours. */
json_t *incidents_json(const struct incidents *all);
bool incidents_from_json(const json_t *object, nanos_t boot, struct incidents *out);

#endif
