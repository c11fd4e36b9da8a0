#include "front/charges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
/* cmocka wants the two above first */
#include <cmocka.h>

static struct contract contract;

static void add(enum meter meter, enum principal_kind per, int16_t route)
{
    contract.budget[contract.budget_count++] =
        (struct budget_rule){.meter = meter, .per = per, .route = route};
}

static void begin(void)
{
    contract = (struct contract){.route_count = 3};
}

static void a_budget_is_in_the_set_of_its_route_and_meter(void **state)
{
    (void)state;
    struct charges charges;
    begin();
    add(METER_REQUESTS, PRINCIPAL_CLIENT, 1);
    add(METER_ORIGIN_REQUESTS, PRINCIPAL_EVERYONE, 2);
    add(METER_PARCELS_READ, PRINCIPAL_NETWORK, 0);
    add(METER_LOGIN_FAILURES, PRINCIPAL_CLIENT, 2);
    charges_learn(&contract, &charges);
    assert_int_equal(charges.requests[1 + 1], 1);
    assert_int_equal(charges.requests[0 + 1] | charges.requests[2 + 1] | charges.requests[0], 0);
    assert_int_equal(charges.origin[2 + 1], 2);
    assert_int_equal(charges.parcels[0 + 1], 4);
    assert_int_equal(charges.logins[2 + 1], 8);
}

static void a_budget_for_every_route_is_in_all_sets_also_in_that_of_no_route(void **state)
{
    (void)state;
    struct charges charges;
    begin();
    add(METER_REQUESTS, PRINCIPAL_CLIENT, -1);
    charges_learn(&contract, &charges);
    for (int route = -1; route < 3; route++)
        assert_int_equal(charges.requests[route + 1], 1);
}

static void what_the_front_cannot_charge_is_in_no_set(void **state)
{
    (void)state;
    struct charges charges;
    begin();
    add(METER_REQUESTS, PRINCIPAL_ACCOUNT, -1);
    add(METER_BYTES_OUT, PRINCIPAL_EVERYONE, -1);
    charges_learn(&contract, &charges);
    assert_int_equal(charges.requests[0] | charges.origin[0] | charges.parcels[0], 0);
}

static void a_promised_route_is_known(void **state)
{
    (void)state;
    struct charges charges;
    begin();
    contract.promise_count = 2;
    contract.promise[0].route = 2;
    contract.promise[1].route = -1;
    charges_learn(&contract, &charges);
    assert_int_equal(charges.promised, 4);
}

static void window(unsigned budget, const char *name, uint64_t limit, enum over over)
{
    struct budget_rule *rule = &contract.budget[budget];
    snprintf(rule->name, sizeof rule->name, "%s", name);
    rule->mode = MODE_ENFORCE;
    rule->over = over;
    rule->hold_for = NANOS_HOUR;
    rule->window[0] = (struct window){NANOS_HOUR, limit};
    rule->window_count = 1;
}

static char directory[] = "/tmp/ecluse-charges-XXXXXX";
static const struct moment moment = {
    .boot = 1000 * NANOS_SECOND, .wall = 1700000000 * NANOS_SECOND, .boot_id = {1}};
static const struct caller stranger = {.address = {[10] = 0xff, [11] = 0xff, 198, 51, 100, 7}};

static struct budgets *opened(struct charge_who *who)
{
    const struct budget_sizes sizes = {
        .cells = 1 << 10, .rings = 1 << 10, .holds = 512, .things = 1 << 10};
    struct error error = {""};
    struct budgets *b;
    strcpy(strrchr(directory, '-'), "-XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(contract.state, sizeof contract.state, "%s", directory);
    snprintf(contract.runtime, sizeof contract.runtime, "%s", directory);
    assert_int_equal(budget_create(&contract, GUARD_FRONT, &sizes, moment, -1, &error), 0);
    assert_int_equal(budget_open(&contract, GUARD_FRONT, false, &b, &error), 0);
    charge_who(&contract, &stranger, who);
    return b;
}

static void closed(struct budgets *b)
{
    static const char *const made[] = {"front.segment", "budget/front.rings", "budget", ""};
    char path[128];
    budget_close(b);
    for (unsigned i = 0; i < sizeof made / sizeof *made; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, made[i]);
        assert_int_equal(remove(path), 0);
    }
}

/* The wide budget stands first in the contract: the order of charging is not the contract's. */
static void who_is_refused_spends_nothing_that_others_share(void **state)
{
    (void)state;
    begin();
    add(METER_ORIGIN_REQUESTS, PRINCIPAL_EVERYONE, -1);
    add(METER_ORIGIN_REQUESTS, PRINCIPAL_NETWORK, -1);
    add(METER_ORIGIN_REQUESTS, PRINCIPAL_CLIENT, -1);
    window(0, "all", 1000, OVER_SLOW);
    window(1, "network", 500, OVER_SLOW);
    window(2, "own", 10, OVER_HOLD);
    struct charge_who who;
    struct budgets *b = opened(&who);
    unsigned allowed = 0;
    for (int i = 0; i < 200; i++) {
        struct charge_result result = charge_all(b, &contract, 7, &who, NULL, moment.boot);
        allowed += result.verdict == VERDICT_ALLOW;
        assert_int_equal(result.paid, result.verdict == VERDICT_ALLOW ? 7 : 0);
    }
    assert_int_equal(allowed, 10);
    assert_int_equal(budget_peek(b, 1, &who.network, moment.boot).used, 10);
    assert_int_equal(budget_peek(b, 0, &who.everyone, moment.boot).used, 10);
    closed(b);
}

static void asking_spends_nothing_and_over_a_budget_begins_its_hold(void **state)
{
    (void)state;
    begin();
    add(METER_LOGIN_FAILURES, PRINCIPAL_CLIENT, -1);
    window(0, "guesses", 3, OVER_HOLD);
    struct charge_who who;
    struct hold held;
    struct budgets *b = opened(&who);
    for (int failure = 0; failure < 3; failure++) {
        for (int i = 0; i < 10; i++)
            assert_int_equal(charge_ask(b, &contract, 1, &who, moment.boot).verdict, VERDICT_ALLOW);
        charge_all(b, &contract, 1, &who, NULL, moment.boot);
    }
    assert_int_equal(holds_list(b, moment.boot, &held, 1), 0);
    struct charge_result result = charge_ask(b, &contract, 1, &who, moment.boot);
    assert_int_equal(result.verdict, VERDICT_HOLD);
    assert_int_equal(result.paid, 0);
    assert_int_equal(result.told, 1);
    assert_int_equal(holds_list(b, moment.boot, &held, 1), 1);
    assert_int_equal(held.used, 3);
    closed(b);
}

/* One who shows a new pass each time would else have a new budget each time. */
static void a_client_is_its_pass_once_that_was_worked_for(void **state)
{
    (void)state;
    begin();
    struct caller caller = {.id = {1, 2, 3, [15] = 9},
                            .pass = 7,
                            .address = {[10] = 0xff, [11] = 0xff, 198, 51, 100, 7}};
    struct charge_who bare, fresh, known;
    charge_who(&contract, &caller, &bare);
    caller.standing = STANDING_FRESH;
    charge_who(&contract, &caller, &fresh);
    caller.standing = STANDING_KNOWN;
    charge_who(&contract, &caller, &known);
    assert_memory_equal(bare.client.id, caller.address, 16);
    assert_memory_equal(fresh.client.id, caller.id, 16);
    assert_memory_equal(known.client.id, caller.id, 16);
    assert_int_equal(bare.client.proven + fresh.client.proven, 0);
    assert_int_equal(known.client.proven, 1);
    assert_memory_equal(&bare.network, &known.network, sizeof known.network);
    assert_memory_equal(bare.client.network, known.client.network, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_budget_is_in_the_set_of_its_route_and_meter),
        cmocka_unit_test(a_budget_for_every_route_is_in_all_sets_also_in_that_of_no_route),
        cmocka_unit_test(what_the_front_cannot_charge_is_in_no_set),
        cmocka_unit_test(a_promised_route_is_known),
        cmocka_unit_test(who_is_refused_spends_nothing_that_others_share),
        cmocka_unit_test(asking_spends_nothing_and_over_a_budget_begins_its_hold),
        cmocka_unit_test(a_client_is_its_pass_once_that_was_worked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
