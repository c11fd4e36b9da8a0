#include "desk/limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct limits {
    struct contract *contract;
    struct budgets *budgets;
};

/* A contract of the desk's own, which holds nothing but these budgets. */
static struct contract *own_contract(const char *state, const char *runtime)
{
    static const struct budget_rule rules[DESK_BUDGET_COUNT] = {
#define X(constant, name_, per_, span1, limit1, span2, limit2)                                     \
    {.name = name_,                                                                                \
     .meter = METER_LOGIN_FAILURES,                                                                \
     .per = PRINCIPAL_##per_,                                                                      \
     .over = OVER_SLOW,                                                                            \
     .mode = MODE_ENFORCE,                                                                         \
     .route = -1,                                                                                  \
     .share = -1,                                                                                  \
     .trusted = -1,                                                                                \
     .class = CONTRACT_CLASS_ANY,                                                                  \
     .window_count = 2,                                                                            \
     .window = {{span1, limit1}, {span2, limit2}},                                                 \
     .breaker = 1000000},
        DESK_BUDGETS(X)
#undef X
    };
    struct contract *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    snprintf(c->state, sizeof c->state, "%s", state);
    snprintf(c->runtime, sizeof c->runtime, "%s", runtime);
    memcpy(c->budget, rules, sizeof rules);
    c->budget_count = DESK_BUDGET_COUNT;
    return c;
}

int limits_create(const char *state, const char *runtime, int group, struct moment moment,
                  struct error *error)
{
    static const struct budget_sizes sizes = {
        .cells = 1 << 12, .rings = 1 << 10, .holds = 256, .things = 1 << 10};
    struct contract *c = own_contract(state, runtime);
    int code = c ? budget_create(c, GUARD_DESK, &sizes, moment, group, error)
                 : error_set(error, -ENOMEM, "out of memory");
    free(c);
    return code;
}

int limits_open(const char *state, const char *runtime, struct limits **out, struct error *error)
{
    struct limits *limits = calloc(1, sizeof *limits);
    if (!limits || !(limits->contract = own_contract(state, runtime))) {
        free(limits);
        return error_set(error, -ENOMEM, "out of memory");
    }
    int code = budget_open(limits->contract, GUARD_DESK, false, &limits->budgets, error);
    if (code < 0) {
        free(limits->contract);
        free(limits);
        return code;
    }
    *out = limits;
    return 0;
}

void limits_close(struct limits *limits)
{
    if (!limits)
        return;
    budget_close(limits->budgets);
    free(limits->contract);
    free(limits);
}

static struct principal who(const struct limits *limits, enum desk_budget budget,
                            const uint8_t address[16], struct text account)
{
    return budget == DESK_BUDGET_SIGN_INS_CLIENT ? principal_client(limits->contract, address)
                                                 : principal_named(PRINCIPAL_ACCOUNT, account);
}

nanos_t limits_wait(struct limits *limits, const uint8_t address[16], struct text account,
                    nanos_t now)
{
    nanos_t longest = 0;
    for (unsigned i = 0; limits && i < DESK_BUDGET_COUNT; i++) {
        struct principal p = who(limits, (enum desk_budget)i, address, account);
        struct outcome outcome = budget_peek(limits->budgets, i, &p, now);
        nanos_t until = outcome.until > now ? outcome.until : now + NANOS_SECOND;
        if (outcome.verdict != VERDICT_ALLOW && until > longest)
            longest = until;
    }
    return longest;
}

void limits_failed(struct limits *limits, const uint8_t address[16], struct text account,
                   nanos_t now)
{
    for (unsigned i = 0; limits && i < DESK_BUDGET_COUNT; i++) {
        struct principal p = who(limits, (enum desk_budget)i, address, account);
        budget_charge(limits->budgets, i, &p, 1, now);
    }
}

void limits_tick(struct limits *limits, nanos_t now)
{
    if (limits)
        budget_tick(limits->budgets, now);
}
