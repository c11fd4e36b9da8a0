#include "egress/replay_world.h"

#include "base/base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { HOLDS_AT_ONCE = 256 };

#define QUIET (UINT64_MAX / 2) /* a ceiling that nothing reaches: it is known to be over */

struct world_look { /* what is known of an entry beside what stands in it */
    uint32_t epoch, generation;
    uint16_t tried, seen; /* accounts whose refusal was told, or only seen, in this epoch */
    bool lost;            /* no ring was free: the newcomers' common count stands for its own */
};

struct replay_world {
    struct contract *contract;
    struct budgets *budgets;
    const struct replay_places *places;
    const int16_t *budget;
    bool enforce;
    struct egress_settings settings;
    struct egress_entry *entries;
    struct principal *principal; /* of each entry */
    struct world_look *look;
    uint32_t *dirty;
    size_t dirty_count;
    uint64_t recorded[EGRESS_ACCOUNTS]; /* of everyone's: what the rings have */
    uint32_t epoch, generation;
    uint64_t last_hold;
    nanos_t next_tick;
    replay_held *held;
    void *context;
    struct hold hold[HOLDS_AT_ONCE];
};

/* ---- Principals ------------------------------------------------------------------------------ */

static struct principal principal_of(const struct replay_world *w, uint32_t index)
{
    const struct egress_pair *who = &w->places->who[index];
    if (w->places->kind[index] == ENTRY_PAIR)
        return principal_pair(who->host.id, who->to);
    return principal_host(who->host.id);
}

/* Whom a hold's principal means, as principal_host() makes it; newcomers are all zero. */
static void who_of(const struct principal *p, struct replay_who *out)
{
    unsigned octet[6];
    char name[13] = "";
    memset(out, 0, sizeof *out);
    if (!p->proven) {
        memcpy(out->id, p->id, sizeof out->id);
        return;
    }
    memcpy(name, p->id, sizeof name - 1);
    if (sscanf(name, "%2x%2x%2x%2x%2x%2x", octet, octet + 1, octet + 2, octet + 3, octet + 4,
               octet + 5) != 6)
        return;
    out->id[0] = 1;
    for (unsigned i = 0; i < 6; i++)
        out->id[10 + i] = (uint8_t)octet[i];
}

/* ---- Between the accounts and the rings ------------------------------------------------------ */

static uint8_t per_of(const struct replay_world *w, unsigned i)
{
    return w->settings.rule[i].per;
}

static bool concerns(const struct replay_world *w, unsigned i, uint32_t index)
{
    return w->budget[i] >= 0 &&
           (per_of(w, i) == PER_PAIR) == (w->places->kind[index] == ENTRY_PAIR);
}

/* What went through an entry since the last time, as of `when`. */
static void entry_count(struct replay_world *w, uint32_t index, nanos_t when, nanos_t now)
{
    struct egress_entry *entry = &w->entries[index];
    const struct principal *p = &w->principal[index];
    for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++) {
        uint64_t went = entry->account[i].spent - entry->recorded[i];
        if (!concerns(w, i, index) || went == 0)
            continue;
        if (budget_spent_before(w->budgets, (unsigned)w->budget[i], p, went, when, now) ==
                -ENOSPC &&
            index != ENTRY_NEWCOMERS) {
            w->look[index].lost = true;
            entry->newcomer = 1;
        }
        entry->recorded[i] = entry->account[i].spent;
        if (per_of(w, i) == PER_EVERYONE)
            w->recorded[i] += went;
    }
}

static void count_all(struct replay_world *w, nanos_t when, nanos_t now)
{
    for (size_t i = 0; i < w->dirty_count; i++)
        entry_count(w, w->dirty[i], when, now);
    entry_count(w, ENTRY_NEWCOMERS, when, now);
}

/* What fits now into an account of this entry. */
static void entry_grant(struct replay_world *w, uint32_t index, unsigned i, nanos_t now)
{
    struct egress_account *a = &w->entries[index].account[i];
    struct outcome o;
    uint64_t left = budget_left(w->budgets, (unsigned)w->budget[i], &w->principal[index], now, &o);
    if (per_of(w, i) != PER_EVERYONE && a->ceiling != QUIET)
        a->ceiling = w->entries[index].recorded[i] + left;
    a->held_until = o.verdict == VERDICT_HOLD ? (uint64_t)o.until : 0;
}

static void everyone_grant(struct replay_world *w, unsigned i, nanos_t now)
{
    struct egress_account *a = &w->entries[ENTRY_EVERYONE].account[i];
    struct principal everyone = principal_everyone();
    if (a->ceiling != QUIET)
        a->ceiling =
            w->recorded[i] + budget_left(w->budgets, (unsigned)w->budget[i], &everyone, now, NULL);
}

/* ---- An epoch of an entry -------------------------------------------------------------------- */

static void quiet_end(struct egress_entry *entry)
{
    for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++)
        if (entry->account[i].ceiling == QUIET)
            entry->account[i].ceiling = entry->recorded[i];
}

static void entry_touch(struct replay_world *w, uint32_t index, nanos_t now)
{
    struct world_look *look = &w->look[index];
    if (look->epoch != w->epoch) {
        look->epoch = w->epoch;
        look->tried = look->seen = 0;
        if (index >= ENTRY_FIRST)
            w->dirty[w->dirty_count++] = index;
        quiet_end(&w->entries[index]);
    }
    if (look->generation == w->generation)
        return;
    look->generation = w->generation;
    for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++)
        if (concerns(w, i, index))
            entry_grant(w, index, i, now);
}

static uint32_t payer_of(const struct replay_world *w, const struct replay_act *act, unsigned i)
{
    return per_of(w, i) == PER_PAIR ? act->pair : act->host;
}

static void grant_all(struct replay_world *w, const struct replay_act *act, uint32_t over)
{
    for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++) {
        uint32_t payer = payer_of(w, act, i);
        struct world_look *look = &w->look[payer];
        if (!(over & 1u << i) || look->tried & 1u << i || (look->seen & 1u << i && !act->proven))
            continue;
        entry_count(w, payer, act->now, act->now);
        entry_grant(w, payer, i, act->now);
        if (per_of(w, i) == PER_EVERYONE)
            everyone_grant(w, i, act->now);
        if (w->entries[act->host].newcomer && per_of(w, i) == PER_HOST) {
            entry_count(w, ENTRY_NEWCOMERS, act->now, act->now);
            entry_grant(w, ENTRY_NEWCOMERS, i, act->now);
        }
    }
}

/* ---- What was refused ------------------------------------------------------------------------ */

static void tell_hold(struct replay_world *w, const struct replay_act *act, const struct hold *h)
{
    struct replay_who who;
    if (h->id <= w->last_hold)
        return;
    w->last_hold = h->id;
    if (h->principal.kind == PRINCIPAL_PAIR)
        memcpy(who.id, w->places->who[act->pair].host.id, sizeof who.id);
    else
        who_of(&h->principal, &who);
    w->held(w->context, h, &who, act);
}

/* Everyone's largest contributors may be many at once. */
static void tell_holds(struct replay_world *w, const struct replay_act *act)
{
    for (size_t i = holds_list(w->budgets, act->now, w->hold, HOLDS_AT_ONCE); i-- > 0;)
        tell_hold(w, act, &w->hold[i]);
}

/* Nothing more is to be learnt of this account in this epoch, where nothing is stopped. */
static void quieten(struct replay_world *w, uint32_t payer, unsigned i)
{
    if (w->settings.enforced & 1u << i)
        return;
    w->entries[payer].account[i].ceiling = QUIET;
    if (per_of(w, i) == PER_EVERYONE)
        w->entries[ENTRY_EVERYONE].account[i].ceiling = QUIET;
    else if (w->entries[payer].newcomer)
        w->entries[ENTRY_NEWCOMERS].account[i].ceiling = QUIET;
}

/* Everyone's windows are looked at once an epoch: who is held then is held for long. */
static void refuse(struct replay_world *w, const struct replay_act *act, unsigned i)
{
    uint32_t payer = payer_of(w, act, i);
    struct world_look *everyone = &w->look[ENTRY_EVERYONE];
    if (per_of(w, i) == PER_EVERYONE) {
        if (everyone->tried & 1u << i)
            return;
        everyone->tried = (uint16_t)(everyone->tried | 1u << i);
        count_all(w, act->now, act->now);
    }
    struct outcome o = budget_refused(w->budgets, (unsigned)w->budget[i], &w->principal[payer],
                                      act->bytes, act->now);
    entry_grant(w, payer, i, act->now);
    struct hold hold;
    if (per_of(w, i) == PER_EVERYONE) {
        w->generation++;
        tell_holds(w, act);
    } else if (o.hold > w->last_hold && hold_find(w->budgets, o.hold, &hold)) {
        tell_hold(w, act, &hold);
    }
}

static void refuse_all(struct replay_world *w, const struct replay_act *act, uint32_t over)
{
    for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++) {
        struct world_look *look = &w->look[payer_of(w, act, i)];
        if (!(over & 1u << i) || look->tried & 1u << i)
            continue;
        look->seen = (uint16_t)(look->seen | 1u << i);
        if (!act->proven)
            continue;
        look->tried = (uint16_t)(look->tried | 1u << i);
        refuse(w, act, i);
        quieten(w, payer_of(w, act, i), i);
    }
}

/* ---- Charging -------------------------------------------------------------------------------- */

static void count_before(struct replay_world *w, const struct replay_act *act, nanos_t when)
{
    entry_count(w, act->host, when, act->now);
    if (act->pair != act->host)
        entry_count(w, act->pair, when, act->now);
    if (w->entries[act->host].newcomer)
        entry_count(w, ENTRY_NEWCOMERS, when, act->now);
}

void replay_world_fetch(const struct replay_world *w, uint32_t host)
{
    const char *entry = (const char *)&w->entries[host];
    __builtin_prefetch(entry, 1);
    __builtin_prefetch(entry + 64, 1);
    __builtin_prefetch(&w->look[host], 1);
}

bool replay_world_charge(struct replay_world *w, const struct replay_act *act)
{
    struct replay_toll toll = {.settings = &w->settings,
                               .entries = w->entries,
                               .host = act->host,
                               .pair = act->pair,
                               .list = act->list,
                               .bytes = act->bytes,
                               .proven = act->proven,
                               .now = act->now};
    bool late = act->when < act->now;
    entry_touch(w, act->host, act->now);
    if (act->pair != act->host)
        entry_touch(w, act->pair, act->now);
    if (late)
        count_before(w, act, act->now);
    uint32_t over = replay_toll_over(&toll);
    if (over) {
        grant_all(w, act, over);
        over = replay_toll_over(&toll);
    }
    bool goes = replay_toll_take(&toll);
    if (over)
        refuse_all(w, act, over);
    if (late)
        count_before(w, act, act->when);
    return goes;
}

void replay_world_turn(struct replay_world *w, nanos_t then, nanos_t now)
{
    count_all(w, then, then);
    w->dirty_count = 0;
    w->epoch++;
    w->look[ENTRY_EVERYONE].tried = 0;
    w->look[ENTRY_NEWCOMERS].tried = w->look[ENTRY_NEWCOMERS].seen = 0;
    quiet_end(&w->entries[ENTRY_NEWCOMERS]);
    for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++)
        if (w->entries[ENTRY_EVERYONE].account[i].ceiling == QUIET)
            w->entries[ENTRY_EVERYONE].account[i].ceiling = w->recorded[i];
    if (now < w->next_tick)
        return;
    w->next_tick = now + NANOS_SECOND;
    budget_tick(w->budgets, now);
}

/* ---- Places ---------------------------------------------------------------------------------- */

void replay_world_place_made(struct replay_world *w, uint32_t index, bool newcomer)
{
    w->look[index] = (struct world_look){.epoch = w->epoch - 1, .generation = w->generation - 1};
    struct egress_entry *entry = &w->entries[index];
    w->principal[index] = principal_of(w, index);
    memset(entry, 0, sizeof *entry);
    entry->host = w->places->who[index].host;
    memcpy(entry->to, w->places->who[index].to, sizeof entry->to);
    entry->kind = w->places->kind[index];
    entry->newcomer = newcomer;
}

void replay_world_place_known(struct replay_world *w, uint32_t index)
{
    w->entries[index].newcomer = w->look[index].lost;
}

void replay_world_place_gone(struct replay_world *w, uint32_t index)
{
    memset(&w->entries[index], 0, sizeof w->entries[index]);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static int folders_make(const struct replay_world_options *o, struct contract *c,
                        struct error *error)
{
    const char *name = o->enforce ? "enforced" : "observed";
    if ((size_t)snprintf(c->state, sizeof c->state, "%s/%s", o->folder, name) >= sizeof c->state)
        return error_set(error, -ENAMETOOLONG, "%s is too long a name", o->folder);
    memcpy(c->runtime, c->state, sizeof c->runtime);
    char budget[CONTRACT_PATH_SIZE + 16];
    snprintf(budget, sizeof budget, "%s/budget", c->state);
    if ((mkdir(c->state, 0700) < 0 || mkdir(budget, 0700) < 0) && errno != EEXIST)
        return error_set(error, -errno, "%s cannot be made: %s", c->state, strerror(errno));
    return 0;
}

static int world_parts(struct replay_world *w, const struct replay_world_options *o,
                       struct error *error)
{
    w->contract = malloc(sizeof *w->contract);
    w->entries = calloc(REPLAY_PLACES, sizeof *w->entries);
    w->principal = calloc(REPLAY_PLACES, sizeof *w->principal);
    w->look = calloc(REPLAY_PLACES, sizeof *w->look);
    w->dirty = calloc(REPLAY_PLACES, sizeof *w->dirty);
    if (!w->contract || !w->entries || !w->principal || !w->look || !w->dirty)
        return error_set(error, -ENOMEM, "no memory for the accounts of the hosts");
    w->principal[ENTRY_NEWCOMERS] = principal_named(PRINCIPAL_HOST, TEXT("newcomers"));
    *w->contract = *o->contract;
    w->contract->mode = o->enforce ? MODE_ENFORCE : MODE_OBSERVE;
    int code = folders_make(o, w->contract, error);
    if (code < 0)
        return code;
    w->settings = o->config->settings;
    w->settings.deadline = UINT64_MAX;
    w->settings.enforced = config_enforced(o->config, w->contract, MODE_ENFORCE);
    /* Rate cells and distinct things are of other meters. */
    const struct budget_sizes sizes = {.cells = 1024, .things = 1024};
    const struct moment moment = {.boot = o->begin, .wall = o->begin};
    code = budget_create(w->contract, GUARD_EGRESS, &sizes, moment, -1, error);
    return code < 0 ? code : budget_open(w->contract, GUARD_EGRESS, false, &w->budgets, error);
}

int replay_world_open(const struct replay_world_options *options, struct replay_world **out,
                      struct error *error)
{
    struct replay_world *w = calloc(1, sizeof *w);
    if (!w)
        return error_set(error, -ENOMEM, "no memory");
    w->places = options->places;
    w->budget = options->config->budget;
    w->enforce = options->enforce;
    w->held = options->held;
    w->context = options->context;
    w->epoch = 1;
    w->generation = 1;
    int code = world_parts(w, options, error);
    if (code < 0) {
        replay_world_close(w);
        return code;
    }
    for (uint32_t i = 0; i < ENTRY_FIRST; i++)
        w->look[i] = (struct world_look){.epoch = 1, .generation = 1};
    *out = w;
    return 0;
}

nanos_t replay_world_epoch(const struct replay_world *w)
{
    nanos_t shortest = NANOS_DAY;
    for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++)
        if (w->budget[i] >= 0 && w->contract->budget[w->budget[i]].window[0].span < shortest)
            shortest = w->contract->budget[w->budget[i]].window[0].span;
    return shortest / 60;
}

uint64_t replay_world_no_slot(const struct replay_world *w, nanos_t now)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++) {
        struct budget_state state;
        if (w->budget[i] < 0)
            continue;
        budget_state(w->budgets, (unsigned)w->budget[i], now, &state);
        sum += state.no_slot;
    }
    return sum;
}

void replay_world_close(struct replay_world *w)
{
    if (!w)
        return;
    budget_close(w->budgets);
    free(w->contract);
    free(w->entries);
    free(w->principal);
    free(w->look);
    free(w->dirty);
    free(w);
}
