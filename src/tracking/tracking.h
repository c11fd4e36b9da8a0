/* tracking.h: what is known about parcels, and how it is told.
 *
 * parcel.h   parcel numbers: which can exist at all
 * step.h     the common steps of a parcel's life, and what each carrier's code means: one table
 * event.h    one event, whatever form it came in
 * feed.h     EPCIS 2.0 JSON-LD, NDJSON, CSV, La Poste "Suivi v2": bytes to events, or a reason
 * ingest.h   feeds into the store: checked, idempotent, in any order, atomic by batches, rejects
 *            told
 * store.h    LMDB: a compact checksummed record for each parcel; readers never wait
 * filter.h   which numbers are live, in under 20 bits each: what is not in it touches neither disk
 *            nor origin
 * answer.h   the answer: HTML in four languages, JSON in Suivi v2's form, static notices
 *
 * Who writes: `ecluse ingest` and the keeper of `ecluse run`, one at a time, under
 * `state/tracking/writer.lock`. Who reads: nginx workers and commands, any number, without waiting.
 * Personal data: a record holds codes, times, places of sorting and a pickup point's code; never
 * names, postal addresses, phones or coordinates: feeds that carry them have them dropped and
 * counted.
 */
#ifndef ECLUSE_TRACKING_H
#define ECLUSE_TRACKING_H

#include "tracking/answer.h"
#include "tracking/event.h"
#include "tracking/feed.h"
#include "tracking/filter.h"
#include "tracking/ingest.h"
#include "tracking/parcel.h"
#include "tracking/step.h"
#include "tracking/store.h"

#endif
