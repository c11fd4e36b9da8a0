/* ring.h: what a principal spent in each sixtieth of a window, for as long as the window is. The
 * room's own.
 *
 * A charge adds first and sums afterwards, and takes its addition back when the sum is over the
 * limit: of two processes that charge at once at least one sees the other, so a window never admits
 * more than its limit. At the very edge both may be refused; neither is charged then. A process
 * killed between the two leaves at most its own last addition.
 */
#ifndef ECLUSE_BUDGET_RING_H
#define ECLUSE_BUDGET_RING_H

#include "budget/table.h"

struct ring_place {
    word_t *key;
    struct ring *ring;
};

/* What a new ring begins with: charges made before it was given. */
struct ring_seed {
    uint64_t count;
    nanos_t at; /* ring time */
};

bool ring_find(const struct budgets *b, uint64_t h, bool proven, uint64_t key,
               struct ring_place *out);

/* The same, but one that has run out is freed rather than found: laps of long ago could pass for
 * current ones. */
bool ring_find_live(struct budgets *b, uint64_t h, bool proven, uint64_t key, nanos_t time,
                    struct ring_place *out);

/* The ring of a key, made if need be in the place of one that has run out; false when both its sets
 * are full. */
struct ring_ask {
    uint64_t h, key;
    const struct plan_budget *budget;
    nanos_t span, width;
    const struct principal *who;
    struct ring_seed seed;
};
bool ring_take(struct budgets *b, const struct ring_ask *ask, nanos_t time, struct ring_place *out,
               bool *made);

/* Two processes that make a ring at the same moment may take two places. The first in the order of
 * searching stays, with what was charged to both; each looks after it has published its own, so
 * that the later of the two sees both. */
void ring_merge(struct budgets *b, const struct ring_ask *ask, nanos_t time,
                struct ring_place *out);

enum ring_result { RING_DONE, RING_OVER, RING_LOST };

struct ring_charge {
    uint64_t used; /* after the charge, or as it stands when it is over */
    struct slice slice;
};
enum ring_result ring_charge(const struct ring_place *place, uint64_t key, nanos_t span,
                             nanos_t width, uint64_t limit, uint64_t amount, nanos_t time,
                             struct ring_charge *out);
void ring_undo(const struct ring_place *place, struct slice slice, uint64_t amount);

/* Whether it has a ring of a window that the budget had before: a new one begins with that, and not
 * with a first quarter. */
bool ring_has_former(const struct budgets *b, const struct ring_ask *ask);

/* Adds without asking: for what is counted already and only moves. */
void ring_add(const struct ring_place *place, nanos_t span, nanos_t width, uint64_t amount,
              nanos_t time);

/* When `amount` would fit: ring time; 0 if it does now. */
nanos_t ring_fits_at(const struct ring *ring, nanos_t width, uint64_t limit, uint64_t amount,
                     nanos_t time);
uint64_t ring_used(const struct ring *ring, nanos_t width, nanos_t time);

/* Takes `amount` off all buckets in proportion: what those contributed who are now held. */
void ring_relieve(struct ring *ring, nanos_t width, uint64_t amount, nanos_t time);

/* Whether what the ring says about itself is what was written there. */
bool ring_is_sound(const struct ring *ring, uint64_t key);

/* Frees a ring that has run out: nothing about the principal is left. */
bool ring_expire(struct budgets *b, size_t index, nanos_t time);

#endif
