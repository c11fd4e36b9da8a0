#include "files/charging.h"

enum { READ, REWRITTEN };

static unsigned index_of(enum meter meter)
{
    return meter == METER_FILES_READ ? READ : REWRITTEN;
}

void charging_learn(struct charging *charging, const struct contract *contract)
{
    memset(charging, 0, sizeof *charging);
    charging->contract = contract;
    for (unsigned share = 0; share < contract->share_count; share++)
        charging->share[share] =
            principal_named(PRINCIPAL_SHARE, text_of(contract->share[share].name));
    for (unsigned i = 0; i < contract->budget_count; i++) {
        const struct budget_rule *rule = &contract->budget[i];
        if (meter_guard(rule->meter) != GUARD_FILES)
            continue;
        unsigned who = (unsigned)(rule->trusted + 1), meter = index_of(rule->meter);
        for (unsigned share = 0; share < contract->share_count; share++)
            if (rule->share < 0 || rule->share == (int)share) {
                unsigned at = charging->count[who][share][meter]++;
                charging->budget[who][share][meter][at] = (uint8_t)i;
            }
    }
}

/* Whom a budget counts; false when that is not known. An everyone-budget holds its largest
 * contributors: users. */
static bool payer_of(const struct charging *charging, const struct budget_rule *rule,
                     const struct payer *payer, struct principal *out)
{
    if (rule->per == PRINCIPAL_SHARE)
        *out = charging->share[payer->share];
    else if (rule->per == PRINCIPAL_PROCESS && payer->tree)
        *out = payer->tree->principal;
    else if (rule->per != PRINCIPAL_PROCESS && payer->known)
        *out = owner_user(payer->user);
    else if (rule->per == PRINCIPAL_EVERYONE)
        *out = principal_everyone();
    else
        return false;
    return true;
}

struct walk { /* over the budgets that apply */
    const struct charging *charging;
    const struct payer *payer;
    const uint8_t *budget;
    unsigned count, at;
    const struct budget_rule *rule;
    struct principal principal;
};

static bool walk_next(struct walk *w)
{
    while (w->at < w->count) {
        w->rule = &w->charging->contract->budget[w->budget[w->at++]];
        if (payer_of(w->charging, w->rule, w->payer, &w->principal))
            return true;
    }
    return false;
}

static struct walk walk_begin(const struct charging *charging, const struct payer *payer,
                              unsigned meter)
{
    unsigned who = (unsigned)(payer->trusted + 1);
    return (struct walk){.charging = charging,
                         .payer = payer,
                         .budget = charging->budget[who][payer->share][meter],
                         .count = charging->count[who][payer->share][meter]};
}

static unsigned budget_index(const struct walk *w)
{
    return w->budget[w->at - 1];
}

static void note(struct charged *charged, const struct walk *w, const struct outcome *outcome)
{
    charged->refuse |= outcome->verdict == VERDICT_HOLD;
    if (!outcome->hold || charged->hold)
        return;
    charged->hold = outcome->hold;
    charged->budget = (int16_t)budget_index(w);
    charged->principal = w->principal;
}

struct charged charging_held(const struct charging *charging, struct budgets *b,
                             const struct payer *payer, nanos_t now)
{
    struct charged charged = {.budget = -1};
    for (unsigned meter = READ; meter <= REWRITTEN; meter++)
        for (struct walk w = walk_begin(charging, payer, meter); walk_next(&w);) {
            struct outcome outcome = budget_peek(b, budget_index(&w), &w.principal, now);
            if (outcome.hold)
                note(&charged, &w, &outcome);
        }
    return charged;
}

struct charged charging_charge(const struct charging *charging, struct budgets *b, enum meter meter,
                               const struct payer *payer, uint64_t thing, nanos_t now)
{
    struct charged charged = {.budget = -1};
    bool happened = meter == METER_FILES_REWRITTEN; /* so every budget has to know */
    for (struct walk w = walk_begin(charging, payer, index_of(meter));
         (happened || !charged.refuse) && walk_next(&w);) {
        struct outcome outcome =
            budget_charge_distinct(b, budget_index(&w), &w.principal, thing, now);
        note(&charged, &w, &outcome);
    }
    return charged;
}

struct charging_left charging_left(const struct charging *charging, struct budgets *b,
                                   enum meter meter, const struct payer *payer, nanos_t now)
{
    struct charging_left left = {UINT64_MAX, UINT64_MAX};
    for (struct walk w = walk_begin(charging, payer, index_of(meter)); walk_next(&w);) {
        struct outcome outcome = budget_peek(b, budget_index(&w), &w.principal, now);
        if (w.rule->mode == MODE_OBSERVE)
            continue;
        bool all = w.rule->per == PRINCIPAL_SHARE || w.rule->per == PRINCIPAL_EVERYONE;
        uint64_t this = outcome.limit > outcome.used ? outcome.limit - outcome.used : 0;
        uint64_t *least = all ? &left.all : &left.own;
        *least = this < *least ? this : *least;
    }
    return left;
}

void charging_shrink(struct budgets *b, const struct payer *payer, uint32_t share, nanos_t now,
                     nanos_t until)
{
    if (payer->known) {
        struct principal user = owner_user(payer->user);
        budget_shrink(b, &user, share, now, until);
    }
    if (payer->tree)
        budget_shrink(b, &payer->tree->principal, share, now, until);
}
