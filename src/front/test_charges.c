#include "front/charges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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
    charges_learn(&contract, &charges);
    assert_int_equal(charges.requests[1 + 1], 1);
    assert_int_equal(charges.requests[0 + 1] | charges.requests[2 + 1] | charges.requests[0], 0);
    assert_int_equal(charges.origin[2 + 1], 2);
    assert_int_equal(charges.parcels[0 + 1], 4);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_budget_is_in_the_set_of_its_route_and_meter),
        cmocka_unit_test(a_budget_for_every_route_is_in_all_sets_also_in_that_of_no_route),
        cmocka_unit_test(what_the_front_cannot_charge_is_in_no_set),
        cmocka_unit_test(a_promised_route_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
