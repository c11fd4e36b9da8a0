/* store.h: a record for each parcel, in LMDB, read by many and written by one.
 *
 * Layout      `state/tracking/parcels.mdb` (+ `-lock`). Key: the canonical number. Value: checksum
 *             (over number and value, so that a record that damage moved under another number is
 *             refused), last change, then the events in time order, delta coded, places, codes,
 *             products and sources through a dictionary in the same file.
 * Readers     store_get() never waits for the writer, and gives a wrong answer never: a record that
 *             does not check is STORE_DAMAGED. LMDB itself may crash on a damaged file
 *             (docs/decisions): callers in a worker note that they are inside.
 * Writer      one: opening for writing takes `state/tracking/writer.lock` (-EBUSY, with the pid of
 *             who has it). A batch is one transaction: all or nothing, durable when store_commit()
 *             returns.
 * Size        20 M parcels of 3 events: under 2.5 GB; under 3.5 GB after 10 M random updates
 *             (bench/ingest).
 */
#ifndef ECLUSE_STORE_H
#define ECLUSE_STORE_H

#include "tracking/event.h"

enum { STORE_MAX_EVENTS = 100 }; /* of one parcel */

struct store;

enum store_result { STORE_FOUND, STORE_ABSENT, STORE_DAMAGED, STORE_FAILED };

struct history_event {
    int64_t at;
    int16_t offset;
    uint8_t step;
    struct text code, place; /* borrowed: valid until the next store_get() of this store handle */
    char country[3];
};

struct history {
    struct parcel_number parcel;
    int64_t changed;      /* seconds, wall clock: when the newest event was fed */
    int32_t delivery_day; /* expected; 0 unknown */
    struct text product, pickup, source;
    uint32_t count;                               /* 1 to STORE_MAX_EVENTS */
    struct history_event event[STORE_MAX_EVENTS]; /* oldest first */
    uint64_t checksum; /* of the record: the answer's ETag comes from it */
};

int store_open(const char *state, bool read_only, struct store **out, struct error *error);
void store_close(struct store *s); /* takes NULL */

/* Fills *out, whose texts are borrowed from the store handle. One thread a handle. Allocates
 * only for words that are new since the handle was opened. */
enum store_result store_get(struct store *s, const struct parcel_number *parcel,
                            struct history *out);

/* Changes whenever a new file takes the place of the old one (restored from a backup, say). */
uint64_t store_generation(const struct store *s);
bool store_was_replaced(const struct store *s); /* stat(2): reopen then */

/* ---- The writer ------------------------------------------------------------------------- */

enum store_added {
    ADDED_NEW_PARCEL,
    ADDED_EVENT,
    ADDED_NOTHING, /* the same event (time, code, place, country) was there and said nothing new */
    ADDED_TOO_MANY,
    ADDED_TOO_EARLY,
    ADDED_FACTS, /* it was there, and now says another delivery day, product or pickup point */
};

struct store_batch;
/* Events of one parcel that follow each other are put once; numbers in increasing order touch each
 * page once. */
int store_begin(struct store *s, struct store_batch **out, struct error *error);
/* `before`: an event older than the parcel's first by more than these seconds is refused.
 * `changed`: wall clock seconds. Negative errno when the batch cannot go on (full disk, ...): abort
 * it then. */
int store_add(struct store_batch *batch, const struct event *event, int64_t before,
              int64_t changed);
int store_commit(struct store_batch *batch, struct error *error); /* frees the batch either way */

/* About how many pages of the file this batch has touched. Pages that it replaces are free again
 * two batches later: what one batch may touch bounds how much the file grows. */
size_t store_batch_pages(const struct store_batch *batch);
void store_abort(struct store_batch *batch);

/* Removes parcels whose last event is older than `oldest` (seconds), at most `most` a call,
 * resuming where the last call ended. Returns how many were removed, or a negative errno; *done
 * when the whole store has been looked at. */
long store_expire(struct store *s, int64_t oldest, size_t most, bool *done, struct error *error);

struct store_figures {
    uint64_t parcels, bytes_used, bytes_file, bytes_map;
};
int store_figures(struct store *s, struct store_figures *out);

/* Every number in the store, in key order, for the filter's build. Returns the callback's first
 * non-zero answer. */
int store_each_number(struct store *s, int (*each)(void *context, struct text number),
                      void *context);

#endif
