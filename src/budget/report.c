/* What began and ended since the last report, told once, by whichever process takes the turn.
 *
 * Each hold's record remembers whether its beginning and its end were told (`told`: the id, and
 * TOLD_END), so that the turn may go from process to process, and a process that dies between
 * reading and telling repeats itself rather than leaving something out. A slot that is given to
 * another before its end was told (the same principal, held again at once) still has its old id in
 * `told`.
 */
#include "budget/hold.h"

#include "budget/charge.h"

#define TOLD_END (UINT64_C(1) << 63)

enum { SINGLY = 20 }; /* more of one kind in a report are told as one */

struct tally_of { /* of one budget and event, while a report is made */
    uint32_t count;
    uint64_t slot; /* in `out`, when they are told as one; else UINT64_MAX */
};

struct report {
    struct budgets *b;
    nanos_t now;
    struct budget_news *out;
    size_t most, count;
    struct tally_of tally[CONTRACT_MAX_BUDGETS + 1][BUDGET_EVENTS]
                         [2]; /* [budget + 1][event][observed] */
};

static struct tally_of *tally_at(struct report *r, const struct hold *hold, enum budget_event event)
{
    return &r->tally[hold->budget + 1][event][hold->observed];
}

static bool coalesced(const struct tally_of *tally, bool observed)
{
    return observed || tally->count > SINGLY;
}

/* Whether there is place to tell it; else it is told next time. */
static bool tell(struct report *r, enum budget_event event, const struct hold *hold)
{
    struct tally_of *tally = tally_at(r, hold, event);
    if (coalesced(tally, hold->observed) && tally->slot != UINT64_MAX) {
        struct budget_news *news = &r->out[tally->slot];
        news->count++;
        news->first = hold->id < news->first ? hold->id : news->first;
        news->last = hold->id > news->last ? hold->id : news->last;
        if (hold->used > news->hold.used)
            news->hold = *hold;
        return true;
    }
    if (r->count == r->most)
        return false;
    if (coalesced(tally, hold->observed))
        tally->slot = r->count;
    r->out[r->count++] = (struct budget_news){
        .event = event, .hold = *hold, .count = 1, .first = hold->id, .last = hold->id};
    return true;
}

static enum budget_event end_of(const struct hold_record *record)
{
    return atomic_load(&record->grace_until) ? BUDGET_RELEASED : BUDGET_ENDED;
}

/* As it began: one that was released before its beginning was told ends already. */
static struct hold as_it_began(const struct report *r, const struct hold_record *record,
                               const struct hold *hold)
{
    struct hold begun = *hold;
    if (end_of(record) == BUDGET_RELEASED && hold->budget >= 0)
        begun.until = hold_until(&plan_of(r->b)->budget[hold->budget], hold->since);
    return begun;
}

/* What is to be told of one slot: calls `each` for every event, and marks it as told when that says
 * so. */
static void look_at(struct report *r, size_t at,
                    bool (*each)(struct report *, enum budget_event, const struct hold *),
                    bool mark)
{
    struct hold_record *record = &r->b->holds[at];
    struct hold hold;
    if (!hold_read(r->b, at, &hold))
        return;
    uint64_t told = atomic_load(&record->told);
    uint64_t before = told & ~TOLD_END;
    if (before && before != hold.id && !(told & TOLD_END)) {
        struct hold former = {.id = before, .budget = -1};
        if (!each(r, BUDGET_ENDED, &former))
            return;
    }
    if (before != hold.id) {
        struct hold begun = as_it_began(r, record, &hold);
        if (!each(r, BUDGET_HELD, &begun))
            return;
        told = hold.id;
    }
    if (!(told & TOLD_END) && !hold_in_force(record, r->now) && each(r, end_of(record), &hold))
        told |= TOLD_END;
    if (mark)
        atomic_store(&record->told, told);
}

static bool count_event(struct report *r, enum budget_event event, const struct hold *hold)
{
    tally_at(r, hold, event)->count++;
    return true;
}

static void look_at_holds(struct report *r)
{
    size_t count = (size_t)r->b->hold_sets * KEYS_A_SET;
    for (size_t i = 0; i < count; i++)
        look_at(r, i, count_event, false);
    for (size_t i = 0; i < count; i++)
        look_at(r, i, tell, true);
}

static void look_at_breakers(struct report *r)
{
    const struct plan *plan = plan_of(r->b);
    for (unsigned i = 0; i < plan->budget_count; i++) {
        if (plan->budget[i].slot >= SLOT_COUNT)
            continue;
        bool open = breaker_is_open(r->b, &plan->budget[i], r->now);
        word_t *told = &r->b->slots[plan->budget[i].slot].breaker_told;
        if (open == (atomic_load(told) != 0) || r->count == r->most)
            continue;
        atomic_store(told, open);
        r->out[r->count++] =
            (struct budget_news){.event = open ? BUDGET_BREAKER : BUDGET_BREAKER_OFF,
                                 .hold = {.budget = (int16_t)i},
                                 .count = 1};
    }
}

size_t budget_report(struct budgets *b, nanos_t now, struct budget_news *out, size_t most)
{
    uint64_t second = (uint64_t)(now / NANOS_SECOND) + 1, last = atomic_load(&b->live->reported);
    if (b->read_only || last == second ||
        !atomic_compare_exchange_strong(&b->live->reported, &last, second))
        return 0;
    struct report r = {.b = b, .now = now, .out = out, .most = most};
    for (unsigned i = 0; i <= CONTRACT_MAX_BUDGETS; i++)
        for (unsigned event = 0; event < BUDGET_EVENTS; event++)
            r.tally[i][event][0].slot = r.tally[i][event][1].slot = UINT64_MAX;
    look_at_holds(&r);
    look_at_breakers(&r);
    return r.count;
}

bool hold_is_told(const struct budgets *b, uint64_t id, nanos_t now)
{
    size_t count = (size_t)b->hold_sets * KEYS_A_SET;
    if (!somebody_reports(b, now))
        return true;
    for (size_t i = 0; id && i < count; i++)
        if (atomic_load(&b->holds[i].id) == id)
            return (atomic_load(&b->holds[i].told) & ~TOLD_END) == id;
    return true;
}
