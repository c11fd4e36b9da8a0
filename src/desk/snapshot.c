#include "desk/snapshot.h"

#include "status/figure.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

int snapshot_new(const char *runtime, struct snapshot **out, struct error *error)
{
    struct snapshot *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(error, -ENOMEM, "out of memory");
    int failed = situation_begin(runtime, &s->status.s, error);
    if (!failed && !s->status.s.contract)
        failed = error_set(error, -ENOENT, "no contract is in force in %s", runtime);
    if (failed) {
        snapshot_free(s);
        return failed;
    }
    situation_guards(&s->status.s);
    *out = s;
    return 0;
}

void snapshot_free(struct snapshot *s)
{
    if (!s)
        return;
    situation_close(&s->status.s);
    free(s);
}

const struct contract *snapshot_contract(const struct snapshot *s)
{
    return s->status.s.contract;
}

/* The pipe's writer is a process of ours, but looks at a store that feeds wrote: what comes is
 * bounded. */
static void take_store(struct snapshot *s, int store)
{
    for (;;) {
        ssize_t length =
            read(store, (char *)&s->arriving + s->arrived, sizeof s->arriving - s->arrived);
        if (length <= 0)
            return;
        s->arrived += (size_t)length;
        if (s->arrived < sizeof s->arriving)
            continue;
        s->arrived = 0;
        s->arriving.reason[sizeof s->arriving.reason - 1] = 0;
        if (s->arriving.feed_count > CONTRACT_MAX_SOURCES)
            continue;
        for (size_t i = 0; i < s->arriving.feed_count; i++)
            s->arriving.feed[i].name[sizeof s->arriving.feed[i].name - 1] = 0;
        s->status.store = s->arriving;
    }
}

static void remember(struct curve *h, uint32_t value)
{
    if (h->count == HISTORY) {
        memmove(h->value, h->value + 1, sizeof h->value - sizeof h->value[0]);
        h->count--;
    }
    h->value[h->count++] = value;
}

static uint32_t share_used(const struct budget_state *state)
{
    if (!state->has_worst || state->worst.limit == 0)
        return 0;
    double share = (double)state->worst.used / (double)state->worst.limit;
    return share >= 1 ? 1000000 : (uint32_t)(share * 1000000);
}

static void remember_all(struct snapshot *s)
{
    const struct contract *c = s->status.s.contract;
    if (s->history_of != s->status.s.generation) { /* places mean something else now */
        memset(s->kept, 0, sizeof s->kept);
        memset(s->used, 0, sizeof s->used);
        s->history_of = s->status.s.generation;
    }
    if (s->status.s.now.boot - s->history_at < HISTORY_SECONDS * NANOS_SECOND - NANOS_SECOND / 2)
        return;
    s->history_at = s->status.s.now.boot;
    for (unsigned i = 0; i < c->promise_count; i++)
        remember(&s->kept[i], s->promise[i].share);
    for (unsigned i = 0; i < c->budget_count; i++)
        remember(&s->used[i], share_used(&s->budget[i]));
}

void snapshot_take(struct snapshot *s, int store)
{
    struct status *st = &s->status;
    situation_again(&st->s);
    if (store >= 0)
        take_store(s, store);
    st->alarms.count = 0;
    st->broken = 0;
    st->holds = st->noticed = 0;
    memset(st->guard, 0, sizeof st->guard);
    status_look(st);
    if (handover_status(st->s.runtime, &s->audit) < 0)
        s->audit = (struct handover_state){.present = false};
    const struct contract *c = st->s.contract;
    memset(s->promise, 0, sizeof s->promise);
    memset(s->budget, 0, sizeof s->budget);
    const struct budgets *front = st->s.guard[GUARD_FRONT];
    for (unsigned i = 0; front && i < c->promise_count; i++)
        if (c->promise[i].route >= 0)
            promise_state(front, i, st->s.now.boot, &s->promise[i]);
    for (unsigned i = 0; i < c->budget_count; i++)
        if (situation_budgets(&st->s, i))
            budget_state(situation_budgets(&st->s, i), i, st->s.now.boot, &s->budget[i]);
    s->hold_count = situation_holds(&st->s, s->hold, SNAPSHOT_HOLDS);
    remember_all(s);
}

bool snapshot_hold(const struct snapshot *s, struct text name, struct hold *out)
{
    enum guard guard;
    uint64_t id;
    return hold_name_parse(name, &guard, &id) == 0 && situation_hold(&s->status.s, guard, id, out);
}

json_t *snapshot_hold_json(const struct snapshot *s, const struct hold *hold)
{
    const struct moment *now = &s->status.s.now;
    const struct contract *c = s->status.s.contract;
    char name[HOLD_NAME_SIZE], who[PRINCIPAL_TEXT_SIZE], since[CLOCK_TEXT_SIZE],
        until[CLOCK_TEXT_SIZE];
    const struct budget_rule *rule = hold->budget >= 0 && (uint32_t)hold->budget < c->budget_count
                                         ? &c->budget[hold->budget]
                                         : NULL;
    nanos_t span = rule && hold->window < rule->window_count ? rule->window[hold->window].span : 0;
    return json_pack("{s:s,s:o,s:o,s:b,s:I,s:I,s:I,s:I,s:s,s:s}", "hold",
                     hold_name((enum guard)hold->guard, hold->id, name), "principal",
                     json_safe(principal_text(&hold->principal, who)), "budget",
                     rule ? json_safe(rule->name) : json_null(), "observed", (int)hold->observed,
                     "used", (json_int_t)hold->used, "limit", (json_int_t)hold->limit, "span_s",
                     (json_int_t)(span / NANOS_SECOND), "refused", (json_int_t)hold->refused,
                     "since", clock_text(wall_of(now, hold->since), since), "until",
                     clock_text(wall_of(now, hold->until), until));
}

json_t *snapshot_holds_json(const struct snapshot *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->hold_count; i++)
        json_array_append_new(list, snapshot_hold_json(s, &s->hold[i]));
    return list;
}
