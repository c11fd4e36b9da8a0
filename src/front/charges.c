#include "front/charges.h"

static bool is_ours(const struct budget_rule *rule)
{
    return rule->per == PRINCIPAL_CLIENT || rule->per == PRINCIPAL_NETWORK ||
           rule->per == PRINCIPAL_EVERYONE;
}

static uint64_t *set_of(struct charges *charges, enum meter meter)
{
    switch (meter) {
    case METER_REQUESTS:
        return charges->requests;
    case METER_ORIGIN_REQUESTS:
        return charges->origin;
    case METER_PARCELS_READ:
        return charges->parcels;
    case METER_LOGIN_FAILURES:
        return charges->logins;
    default:
        return NULL;
    }
}

void charges_learn(const struct contract *c, struct charges *out)
{
    *out = (struct charges){0};
    for (unsigned i = 0; i < c->budget_count; i++) {
        const struct budget_rule *rule = &c->budget[i];
        uint64_t *set = set_of(out, rule->meter);
        if (!set || !is_ours(rule))
            continue;
        for (int route = -1; route < (int)c->route_count; route++)
            if (rule->route < 0 || rule->route == route)
                set[route + 1] |= UINT64_C(1) << i;
    }
    for (unsigned i = 0; i < c->promise_count; i++)
        if (c->promise[i].route >= 0)
            out->promised |= UINT64_C(1) << c->promise[i].route;
}

void charge_who(const struct contract *c, const struct caller *caller, struct charge_who *out)
{
    out->client = caller_has_pass(caller) ? principal_pass(c, caller->id, caller->address)
                                          : principal_client(c, caller->address);
    out->client.proven = caller->standing >= STANDING_KNOWN;
    /* principal_network() of the same address, which the client's own principal has at hand */
    out->network = (struct principal){.kind = PRINCIPAL_NETWORK,
                                      .protected_by = out->client.protected_by};
    memcpy(out->network.id, out->client.network, sizeof out->network.id);
    out->everyone = principal_everyone();
}

static const struct principal *payer(const struct charge_who *who, enum principal_kind per)
{
    if (per == PRINCIPAL_CLIENT)
        return &who->client;
    return per == PRINCIPAL_NETWORK ? &who->network : &who->everyone;
}

/* What one principal of the request owes. */
static void charge_kind(struct budgets *b, const struct contract *c, uint64_t set,
                        enum principal_kind per, const struct principal *p, const uint64_t *thing,
                        nanos_t now, struct charge_result *result)
{
    for (; set; set &= set - 1) {
        unsigned i = (unsigned)__builtin_ctzll(set);
        if (c->budget[i].per != per)
            continue;
        struct outcome outcome =
            thing ? budget_charge_distinct(b, i, p, *thing, now) : budget_charge(b, i, p, 1, now);
        if (outcome.verdict == VERDICT_ALLOW)
            result->paid |= UINT64_C(1) << i;
        if (outcome.verdict == VERDICT_ALLOW || outcome.verdict < result->verdict)
            continue;
        if (outcome.verdict > result->verdict || outcome.until > result->until)
            result->until = outcome.until;
        result->verdict = outcome.verdict;
    }
}

struct charge_result charge_all(struct budgets *b, const struct contract *c, uint64_t set,
                                const struct charge_who *who, const uint64_t *thing, nanos_t now)
{
    static const enum principal_kind narrowest_first[] = {PRINCIPAL_CLIENT, PRINCIPAL_NETWORK,
                                                          PRINCIPAL_EVERYONE};
    struct charge_result result = {.verdict = VERDICT_ALLOW};
    for (unsigned k = 0; k < 3 && result.verdict == VERDICT_ALLOW; k++)
        charge_kind(b, c, set, narrowest_first[k], payer(who, narrowest_first[k]), thing, now,
                    &result);
    return result;
}

struct charge_result charge_ask(struct budgets *b, const struct contract *c, uint64_t set,
                                const struct charge_who *who, nanos_t now)
{
    uint64_t full = 0;
    for (uint64_t rest = set; rest; rest &= rest - 1) {
        unsigned i = (unsigned)__builtin_ctzll(rest);
        if (budget_peek(b, i, payer(who, c->budget[i].per), now).would_be != VERDICT_ALLOW)
            full |= UINT64_C(1) << i;
    }
    if (full == 0)
        return (struct charge_result){.verdict = VERDICT_ALLOW};
    struct charge_result result = charge_all(b, c, full, who, NULL, now);
    result.paid = 0;
    result.told = full;
    return result;
}

bool charge_stranger_may(const struct budgets *b, const struct contract *c, uint64_t set,
                         const struct charge_who *who, nanos_t now)
{
    for (; set; set &= set - 1) {
        unsigned i = (unsigned)__builtin_ctzll(set);
        if (c->budget[i].per == PRINCIPAL_CLIENT)
            continue; /* its own share: nobody else draws on it */
        struct outcome outcome = budget_peek(b, i, payer(who, c->budget[i].per), now);
        if (outcome.used >= outcome.limit - outcome.limit / 2)
            return false;
    }
    return true;
}
