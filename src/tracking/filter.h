/* filter.h: which numbers are live.
 *
 * A binary fuse filter (Graf, Lemire 2022) of 16-bit fingerprints: about 18 bits a number, false
 * positives 0.0015 %, no false negatives; keyed with a secret of each build (SipHash), so that
 * false positives that someone has found expire with the next build. Numbers fed since the last
 * build are in a small mutable table beside it (the delta). At most 20 bits a number in all.
 *
 * File        `state/tracking/live.filter`: both parts, replaced together by rename. Only the delta
 *             changes in between, written by the one writer while readers read.
 * Readers     map it; filter_refresh() once a second takes up a new build. filter_has() touches no
 *             disk. 4 to 40 ns while its lines are in the processor's cache; over 20,000,000
 *             numbers each place is a miss: about 100 ns for a live number, 200 ns for an unknown
 *             one, and twice that on a busy machine.
 * Absent      a filter that is missing, damaged or older than the store says "maybe" to everything:
 *             slower, never wrong.
 */
#ifndef ECLUSE_FILTER_H
#define ECLUSE_FILTER_H

#include "tracking/parcel.h"
#include "tracking/store.h"

struct filter;

int filter_open(const char *state, struct filter **out, struct error *error);
void filter_close(struct filter *f); /* takes NULL */
void filter_refresh(struct filter *f); /* cheap when nothing changed: two statx(2) */

/* False: certainly not live. */
bool filter_has(const struct filter *f, const struct parcel_number *parcel);

struct filter_figures {
    uint64_t numbers, delta, delta_room;
    uint64_t bits_per_number_milli; /* 1000 times the bits a live number, delta included */
    int64_t built; /* wall clock seconds */
    bool usable;
};
void filter_figures(const struct filter *f, struct filter_figures *out);

/* ---- The writer ------------------------------------------------------------------------- */

struct filter_writer;
int filter_writer_open(const char *state, struct filter_writer **out, struct error *error);
void filter_writer_close(struct filter_writer *w);
/* Before the batch that brings the number is committed, so that no committed number is ever missed.
 * -ENOSPC: the delta is full; call filter_build() first. */
int filter_add(struct filter_writer *w, const struct parcel_number *parcel);
/* Makes durable what was added: before the commit too, or a power cut could keep the parcel and
 * lose its number. */
int filter_sync(struct filter_writer *w);
/* Readers say "maybe" to everything from here until the next filter_build(), and filter_add() does
 * nothing: for a feed that brings more new numbers than the delta holds. Durable with
 * filter_sync(). */
void filter_open_up(struct filter_writer *w);
bool filter_wants_build(const struct filter_writer *w);
/* Reads every number of the store, committed ones only; 28 bytes of memory a number while it runs.
 * Reseeds when a set cannot be built. */
int filter_build(struct filter_writer *w, struct store *s, struct error *error);

#endif
