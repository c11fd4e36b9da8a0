/* window.h: one window of one budget, charged for one principal, wherever its count is kept. The
 * room's own. */
#ifndef ECLUSE_BUDGET_WINDOW_H
#define ECLUSE_BUDGET_WINDOW_H

#include "budget/cell.h"
#include "budget/plan.h"
#include "budget/rate.h"
#include "budget/ring.h"

struct level { /* who pays: the principal itself, or its network when there is no room */
    const struct principal *who;
    uint64_t h;
};

struct touch { /* what was done to one window, and how to undo it */
    enum { TOUCH_NOTHING, TOUCH_RATE, TOUCH_QUARTER, TOUCH_RING } done;
    bool over, made;
    enum charged_to charged_to;
    uint64_t used, limit;
    nanos_t until; /* boot clock; 0 now */
    word_t *rate_cell;
    uint64_t print;
    struct rate rate;
    struct cell *cell;
    uint64_t unit;
    struct ring_place ring;
    struct slice slice;
};

struct touching {
    struct budgets *b;
    const struct plan_budget *budget;
    const struct plan_window *window;
    uint64_t limit;  /* as signals leave it, times BREAKER_TIMES if generous */
    bool generous;
    uint64_t amount;
    nanos_t now, time;
};

/* False when this level has no room for the window (nothing was done then). */
bool window_charge(const struct touching *t, const struct level *level, struct touch *out);
void window_undo(const struct touch *touch, uint64_t amount);

/* What charging one unit would find; changes nothing. False when this level has no count of it. */
bool window_peek(const struct touching *t, const struct level *level, struct touch *out);

/* A thing that this window counts already, since `seen` (ring time), is seen again: counted now
 * too, which window_undo() takes back; window_moved() then takes the old count away. In that order
 * a kill leaves one too many. */
void window_again(const struct touching *t, const struct level *level, nanos_t seen,
                  struct touch *out);
void window_moved(const struct touching *t, const struct touch *touch, nanos_t seen);

#endif
