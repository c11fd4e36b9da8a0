/* Who pays for an open and a rewrite, and whom it stops. */
#include "files/charging.h"

#include "budget/test_room.h"

#define SECONDS(n) ((nanos_t)(n)*NANOS_SECOND)

struct stage {
    struct room *room;
    struct charging charging;
    struct tree tree, other;
    nanos_t now;
};

static struct budget_rule *add(struct stage *s, const char *name, enum meter meter,
                               enum principal_kind per, uint64_t limit)
{
    struct budget_rule *rule = room_budget(s->room, name, meter, per, OVER_HOLD);
    rule_window(rule, NANOS_HOUR, limit);
    return rule;
}

static int begin(void **state)
{
    struct stage *s = calloc(1, sizeof *s);
    s->room = room_new();
    s->now = s->room->moment.boot;
    s->room->contract->share_count = 2;
    snprintf(s->room->contract->share[0].name, CONTRACT_NAME_SIZE, "exchange");
    snprintf(s->room->contract->share[1].name, CONTRACT_NAME_SIZE, "scans");
    s->room->contract->trusted_count = 1;
    s->tree =
        (struct tree){.id = 1, .principal = principal_named(PRINCIPAL_PROCESS, TEXT("session-3"))};
    s->other =
        (struct tree){.id = 2, .principal = principal_named(PRINCIPAL_PROCESS, TEXT("session-4"))};
    *state = s;
    return 0;
}

static void open_stage(struct stage *s)
{
    struct error error = {""};
    assert_int_equal(
        budget_create(s->room->contract, GUARD_FILES, &s->room->sizes, s->room->moment, -1, &error),
        0);
    assert_int_equal(budget_open(s->room->contract, GUARD_FILES, false, &s->room->b, &error), 0);
    charging_learn(&s->charging, s->room->contract);
}

static int end(void **state)
{
    struct stage *s = *state;
    room_free(s->room);
    free(s);
    return 0;
}

static struct payer payer(const struct stage *s, uint32_t user)
{
    return (struct payer){.user = user, .known = true, .tree = &s->tree, .trusted = -1};
}

static struct charged reads(struct stage *s, const struct payer *p, uint64_t thing)
{
    return charging_charge(&s->charging, s->room->b, METER_FILES_READ, p, thing, s->now);
}

static struct charged rewrites(struct stage *s, const struct payer *p, uint64_t thing)
{
    return charging_charge(&s->charging, s->room->b, METER_FILES_REWRITTEN, p, thing, s->now);
}

static void many_sessions_of_one_user_are_one_user(void **state)
{
    struct stage *s = *state;
    add(s, "sweep", METER_FILES_READ, PRINCIPAL_USER, 10);
    open_stage(s);
    struct payer p = payer(s, 1000);
    for (uint64_t thing = 1; thing <= 10; thing++) {
        p.tree = thing % 2 ? &s->tree : &s->other;
        assert_false(reads(s, &p, thing).refuse);
    }
    struct charged over = reads(s, &p, 11);
    assert_true(over.refuse);
    assert_int_not_equal(over.hold, 0);
    struct payer colleague = payer(s, 1001);
    assert_false(reads(s, &colleague, 1).refuse);
}

static void a_file_read_again_costs_nothing(void **state)
{
    struct stage *s = *state;
    add(s, "sweep", METER_FILES_READ, PRINCIPAL_USER, 3);
    open_stage(s);
    struct payer p = payer(s, 1000);
    for (int i = 0; i < 50; i++)
        assert_false(reads(s, &p, 1).refuse);
}

static void who_is_held_for_what_he_rewrote_reads_nothing_either(void **state)
{
    struct stage *s = *state;
    add(s, "sweep", METER_FILES_READ, PRINCIPAL_USER, 100);
    add(s, "mass", METER_FILES_REWRITTEN, PRINCIPAL_PROCESS, 2);
    open_stage(s);
    struct payer p = payer(s, 1000);
    assert_false(charging_held(&s->charging, s->room->b, &p, s->now).refuse);
    for (uint64_t thing = 1; thing <= 3; thing++)
        rewrites(s, &p, thing);
    struct charged held = charging_held(&s->charging, s->room->b, &p, s->now);
    assert_true(held.refuse);
    assert_int_equal(held.principal.kind, PRINCIPAL_PROCESS);
    p.tree = &s->other; /* another session of his is not that tree */
    assert_false(charging_held(&s->charging, s->room->b, &p, s->now).refuse);
}

/* What has happened is counted by every budget, though one of them is over. */
static void a_rewrite_is_counted_by_all_budgets_though_one_is_over(void **state)
{
    struct stage *s = *state;
    add(s, "tree", METER_FILES_REWRITTEN, PRINCIPAL_PROCESS, 2);
    add(s, "user", METER_FILES_REWRITTEN, PRINCIPAL_USER, 5);
    open_stage(s);
    struct payer p = payer(s, 1000);
    for (uint64_t thing = 1; thing <= 4; thing++)
        rewrites(s, &p, thing);
    p.tree = &s->other;
    assert_int_equal(charging_left(&s->charging, s->room->b, METER_FILES_REWRITTEN, &p, s->now).own,
                     1);
}

static void a_share_that_no_budget_names_is_not_counted_by_it(void **state)
{
    struct stage *s = *state;
    add(s, "here", METER_FILES_READ, PRINCIPAL_USER, 1)->share = 1;
    open_stage(s);
    struct payer p = payer(s, 1000);
    for (uint64_t thing = 1; thing <= 5; thing++)
        assert_false(reads(s, &p, thing).refuse);
    p.share = 1;
    assert_false(reads(s, &p, 6).refuse);
    assert_true(reads(s, &p, 7).refuse);
}

static void a_budget_of_a_share_counts_everybody_on_it(void **state)
{
    struct stage *s = *state;
    add(s, "all of it", METER_FILES_READ, PRINCIPAL_SHARE, 4)->share = 0;
    open_stage(s);
    for (uint32_t user = 1000; user < 1004; user++) {
        struct payer p = payer(s, user);
        assert_false(reads(s, &p, user).refuse);
    }
    struct payer next = payer(s, 1004);
    assert_true(reads(s, &next, 1004).refuse);
    next.share = 1;
    assert_false(reads(s, &next, 1005).refuse);
}

static void a_trusted_program_pays_from_its_own_budgets_alone(void **state)
{
    struct stage *s = *state;
    add(s, "people", METER_FILES_REWRITTEN, PRINCIPAL_USER, 2);
    add(s, "database", METER_FILES_REWRITTEN, PRINCIPAL_USER, 4)->trusted = 0;
    open_stage(s);
    struct payer trusted = payer(s, 1000);
    trusted.trusted = 0;
    for (uint64_t thing = 1; thing <= 4; thing++)
        assert_false(rewrites(s, &trusted, thing).refuse);
    assert_true(rewrites(s, &trusted, 5).refuse);
    struct payer same = payer(s, 1000);
    assert_false(rewrites(s, &same, 6).refuse);
}

/* A thread that was gone is nobody: what it did still counts for the share and for everyone. */
static void who_is_not_known_is_counted_where_nobody_needs_to_be(void **state)
{
    struct stage *s = *state;
    add(s, "tree", METER_FILES_REWRITTEN, PRINCIPAL_PROCESS, 1);
    add(s, "user", METER_FILES_REWRITTEN, PRINCIPAL_USER, 1);
    add(s, "share", METER_FILES_REWRITTEN, PRINCIPAL_SHARE, 3);
    open_stage(s);
    struct payer nobody = {.trusted = -1};
    for (uint64_t thing = 1; thing <= 3; thing++)
        assert_false(rewrites(s, &nobody, thing).refuse);
    assert_true(rewrites(s, &nobody, 4).refuse);
}

static void a_canary_leaves_a_tenth_and_the_second_nothing(void **state)
{
    struct stage *s = *state;
    add(s, "sweep", METER_FILES_READ, PRINCIPAL_USER, 100);
    open_stage(s);
    struct payer p = payer(s, 1000);
    charging_shrink(s->room->b, &p, 100000, s->now, s->now + NANOS_HOUR);
    for (uint64_t thing = 1; thing <= 10; thing++)
        assert_false(reads(s, &p, thing).refuse);
    struct payer colleague = payer(s, 1001);
    charging_shrink(s->room->b, &colleague, 0, s->now, s->now + NANOS_HOUR);
    colleague.tree = &s->other;
    assert_true(reads(s, &colleague, 1).refuse);
    assert_true(reads(s, &p, 11).refuse);
}

static void in_observe_a_hold_is_noticed_and_stops_nobody(void **state)
{
    struct stage *s = *state;
    add(s, "sweep", METER_FILES_READ, PRINCIPAL_USER, 1)->mode = MODE_OBSERVE;
    open_stage(s);
    struct payer p = payer(s, 1000);
    reads(s, &p, 1);
    struct charged over = reads(s, &p, 2);
    assert_false(over.refuse);
    assert_int_not_equal(over.hold, 0);
    assert_int_equal(charging_left(&s->charging, s->room->b, METER_FILES_READ, &p, s->now).own,
                     UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_sessions_of_one_user_are_one_user, begin, end),
        cmocka_unit_test_setup_teardown(a_file_read_again_costs_nothing, begin, end),
        cmocka_unit_test_setup_teardown(who_is_held_for_what_he_rewrote_reads_nothing_either, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_rewrite_is_counted_by_all_budgets_though_one_is_over,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_share_that_no_budget_names_is_not_counted_by_it, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_budget_of_a_share_counts_everybody_on_it, begin, end),
        cmocka_unit_test_setup_teardown(a_trusted_program_pays_from_its_own_budgets_alone, begin,
                                        end),
        cmocka_unit_test_setup_teardown(who_is_not_known_is_counted_where_nobody_needs_to_be, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_canary_leaves_a_tenth_and_the_second_nothing, begin, end),
        cmocka_unit_test_setup_teardown(in_observe_a_hold_is_noticed_and_stops_nobody, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
