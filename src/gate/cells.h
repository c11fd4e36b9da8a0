/* cells.h: small counts of what nobody may remember without bound, in shared memory.
 *
 * A fixed table of cells of 16 bytes, each a 64-bit key and the moment at which its count will have
 * drained away; a count drains by one each `each` (the caller's, always the same for one table). So
 * one word says how many there are now, and a cell whose moment has passed says the same as no
 * cell: it may be taken by another. When all eight places of a key are taken by cells that still
 * count, the key is not remembered, and the caller is told.
 *
 * Keys     hashes that nobody outside can choose (of a network under the salt, of a pass): they are
 *          used as they are; 0 is no key.
 * Shared   any number of processes add at once, without locks. One that dies leaves a valid table.
 * Failure  what is read is checked like input: a table of another form is refused by cells_at(); a
 *          moment further ahead than a full count would put it means nothing.
 * Cost     two cache lines at most.
 */
#ifndef ECLUSE_CELLS_H
#define ECLUSE_CELLS_H

#include "base/base.h"

struct cells; /* lives in memory that the caller gives */

enum { CELLS_FULL = 1 << 20, CELLS_ALIGNMENT = 64 }; /* no count goes higher */

/* Bytes for a table of so many cells (rounded up to a power of two, 64 at least). */
size_t cells_footprint(uint32_t count);

/* Makes an empty table in `memory`, which is aligned to CELLS_ALIGNMENT. */
struct cells *cells_make(void *memory, uint32_t count);

/* The table that is there; NULL unless it is one and lies within `size`. */
struct cells *cells_at(void *memory, size_t size);

/* Adds `amount` to the key's count; returns what it is now, rounded up, or -1 when there was no
 * room to remember it. */
int32_t cells_add(struct cells *cells, uint64_t key, uint32_t amount, nanos_t each, nanos_t now);

/* The count as it is now, rounded up. */
int32_t cells_count(const struct cells *cells, uint64_t key, nanos_t each, nanos_t now);

/* Remembers that the key was seen now, for `keep`, unless it is remembered already: then how long
 * ago that was. 0: for the first time. -1: there was no room. */
nanos_t cells_seen(struct cells *cells, uint64_t key, nanos_t keep, nanos_t now);

/* ---- Three tables that the front's ledger holds ---------------------------------------------- */

/* Passes given to a network: a budget of them an hour, as a count that drains. In calm times half
 * of it is given, for waiting all of it; for work done a pass is given always, and over the budget
 * the next puzzle is dearer (puzzle_bits()). */
enum { ISSUE_BUDGET = 256 };
#define ISSUE_EACH (NANOS_HOUR / ISSUE_BUDGET)

/* Strikes of a pass: each counts for an hour; a third within that, and the pass counts for nothing
 * until it is down to two again, an hour later. */
enum { STRIKES_OUT = 3 };
#define STRIKE_EACH    NANOS_HOUR

/* Proofs and tickets that were redeemed: again within GRACE is a page's second request, which gives
 * the same pass; later it is a replay. */
#define REDEEMED_GRACE (10 * NANOS_SECOND)
#define REDEEMED_KEEP  (15 * NANOS_MINUTE)

#endif
