/* ingest.h: feeds into the store.
 *
 * Checked, idempotent (the same event twice is one), in any order, in atomic batches. kill -9 at
 * any moment loses nothing that was reported as done; the same input again completes it. Runs while
 * nginx serves.
 *
 * Journal     `state/tracking/feeds` keeps, for each source, the last event's time of arrival and a
 *             count an hour for the last 7 days: `ecluse status` raises the alarms of the
 *             contract's `sources` from it.
 */
#ifndef ECLUSE_INGEST_H
#define ECLUSE_INGEST_H

#include "tracking/feed.h"

struct ingest_totals {
    uint64_t events;          /* read and well-formed */
    uint64_t added, repeated; /* new to the store; already there */
    uint64_t parcels;         /* new parcels */
    uint64_t rejected[FEED_REASON_COUNT];
    uint64_t dropped;    /* personal fields left out */
    uint64_t bytes;      /* read */
    uint64_t committed;  /* events in batches that are durable */
    bool filter_failed;  /* it could not be written: lookups are slower, not wrong */
    bool journal_failed; /* nor `feeds`: alarms of `sources` are of an earlier run */
};

struct ingest; /* one run: the writer's lock, the store, the filter */

struct ingest_options {
    const struct contract *contract;
    enum feed_format format;
    FILE *rejects;       /* "FILE:PLACE: reason [name]" lines; NULL for none. Never the content */
    int64_t now;         /* wall clock, seconds */
    size_t batch_events; /* 0: the default */
    /* Called about ten times a second. May be NULL. */
    void (*progress)(void *context, const struct ingest_totals *totals);
    void *context;
};

/* -EBUSY when another writer holds the lock (the error says which pid). */
int ingest_begin(const struct ingest_options *options, struct ingest **out, struct error *error);
/* One input. `name` is used in the rejects file. */
int ingest_input(struct ingest *ingest, const char *name, int descriptor, struct error *error);
/* Commits what is open, rebuilds the filter if it wants it, fills totals; frees in any case. */
int ingest_end(struct ingest *ingest, struct ingest_totals *totals, struct error *error);

struct feed_source_state {
    char name[CONTRACT_NAME_SIZE];
    int64_t last; /* wall clock seconds of the last arrival; 0 never */
    uint64_t this_hour, usual_per_hour;
    bool silent, flooding; /* alarms */
    bool unseen; /* what came is not to be read by whoever looks: neither silent nor not */
};
/* What `status` shows of the feeds; returns how many were written. */
size_t feed_sources(const struct contract *c, int64_t now, struct feed_source_state *out,
                    size_t most);

#endif
