/* What follows from being over: holds, releases, modes and who is spared. */
#include "budget/layout.h"
#include "budget/test_room.h"

#include <fcntl.h>

static struct room *room_with(enum meter meter, enum principal_kind per, enum over over,
                              nanos_t span, uint64_t limit)
{
    struct room *r = room_new();
    rule_window(room_budget(r, "b", meter, per, over), span, limit);
    return r;
}

static struct outcome charge_times(struct room *r, const struct principal *p, unsigned times,
                                   nanos_t now)
{
    struct outcome o = {0};
    for (unsigned i = 0; i < times; i++)
        o = budget_charge(r->b, 0, p, 1, now);
    return o;
}

static void a_hold_says_its_numbers_and_ends_at_its_time(void **state)
{
    (void)state;
    struct room *r = room_with(METER_REQUESTS, PRINCIPAL_CLIENT, OVER_HOLD, 10 * NANOS_SECOND, 5);
    room_open(r);
    struct principal p = room_address(r, 7), other = room_address(r, 8);
    nanos_t now = r->moment.boot;
    struct outcome o = charge_times(r, &p, 6, now);
    assert_int_equal(o.verdict, VERDICT_HOLD);
    assert_true(o.hold != 0);
    assert_true(o.until == now + NANOS_HOUR);
    assert_int_equal(charge_times(r, &other, 1, now).verdict, VERDICT_ALLOW);
    assert_int_equal(budget_charge(r->b, 0, &p, 1, now + 20 * NANOS_MINUTE).hold, o.hold);
    struct hold h[4];
    assert_int_equal(holds_list(r->b, now, h, 4), 1);
    assert_int_equal(h[0].id, o.hold);
    assert_int_equal(h[0].used, 5);
    assert_int_equal(h[0].limit, 5);
    assert_int_equal(h[0].refused, 2);
    assert_memory_equal(h[0].principal.id, p.id, 16);
    assert_true(hold_find(r->b, o.hold, &h[1]));
    nanos_t later = now + NANOS_HOUR + 1;
    budget_tick(r->b, later);
    assert_int_equal(holds_list(r->b, later, h, 4), 0);
    assert_int_equal(charge_times(r, &p, 1, later).verdict, VERDICT_ALLOW);
    room_free(r);
}

static void a_release_refunds_nothing_but_a_tenth_in_advance(void **state)
{
    (void)state;
    struct room *r = room_with(METER_BYTES_OUT, PRINCIPAL_HOST, OVER_HOLD, NANOS_HOUR, 50);
    room_open(r);
    struct principal p = principal_named(PRINCIPAL_HOST, TEXT("h"));
    nanos_t now = r->moment.boot;
    struct outcome o = charge_times(r, &p, 51, now);
    assert_int_equal(o.verdict, VERDICT_HOLD);
    assert_int_equal(hold_release(r->b, o.hold + 1, now), -ENOENT);
    assert_int_equal(hold_release(r->b, o.hold, now), 0);
    assert_int_equal(hold_release(r->b, o.hold, now), -ENOENT);
    assert_int_equal(charge_times(r, &p, 5, now + 1).verdict, VERDICT_ALLOW);
    o = charge_times(r, &p, 1, now + 1);
    assert_int_equal(o.verdict, VERDICT_HOLD);
    assert_int_equal(o.used, 50);
    room_free(r);
}

/* As two processes leave it that began one at the same instant. */
static void a_twin_of_a_hold_ends_with_it(void **state)
{
    (void)state;
    for (int which = 0; which < 2; which++) {
        struct room *r = room_with(METER_BYTES_OUT, PRINCIPAL_HOST, OVER_HOLD, NANOS_HOUR, 50);
        room_open(r);
        struct principal p = principal_named(PRINCIPAL_HOST, TEXT("h"));
        nanos_t now = r->moment.boot;
        uint64_t id[2] = {charge_times(r, &p, 51, now).hold, 9999};
        size_t at = 0;
        while (atomic_load(&r->b->holds[at].id) != id[0])
            at++;
        size_t twin = at / KEYS_A_SET * KEYS_A_SET + KEYS_A_SET - 1;
        assert_true(twin != at);
        memcpy((void *)&r->b->holds[twin], (void *)&r->b->holds[at], sizeof *r->b->holds);
        atomic_store(&r->b->holds[twin].id, id[1]);
        atomic_store(&r->b->hold_keys[twin], atomic_load(&r->b->hold_keys[at]));
        assert_int_equal(hold_release(r->b, id[which], now), 0);
        struct hold h;
        assert_int_equal(holds_list(r->b, now, &h, 1), 0);
        assert_int_equal(charge_times(r, &p, 5, now + 1).verdict, VERDICT_ALLOW);
        budget_tick(r->b, now + NANOS_SECOND);
        assert_int_equal(charge_times(r, &p, 1, now + NANOS_SECOND).verdict, VERDICT_HOLD);
        room_free(r);
    }
}

static void a_release_is_asked_for_by_a_file_that_its_owner_alone_can_write(void **state)
{
    (void)state;
    struct room *r = room_with(METER_BYTES_OUT, PRINCIPAL_HOST, OVER_HOLD, NANOS_HOUR, 1);
    room_open(r);
    struct principal p = principal_named(PRINCIPAL_HOST, TEXT("h"));
    nanos_t now = r->moment.boot;
    struct outcome o = charge_times(r, &p, 2, now);
    char path[200], name[HOLD_NAME_SIZE];
    snprintf(path, sizeof path, "%s/releases", r->folder);
    assert_int_equal(release_apply(r->b, r->folder, now), 0);
    assert_int_equal(release_request(r->folder, GUARD_FILES, o.hold, NULL), 0);
    assert_int_equal(release_apply(r->b, r->folder, now), 0); /* another guard's */
    assert_int_equal(release_request(r->folder, GUARD_FRONT, o.hold, NULL), 0);
    assert_int_equal(chmod(path, 0777), 0);
    assert_int_equal(release_apply(r->b, r->folder, now), 0);
    assert_int_equal(release_request(r->folder, GUARD_FRONT, o.hold, NULL), -EACCES);
    assert_int_equal(chmod(path, 0755), 0);
    snprintf(path, sizeof path, "%s/releases/%s", r->folder, hold_name(GUARD_FRONT, o.hold, name));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(release_apply(r->b, r->folder, now), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(release_request(r->folder, GUARD_FRONT, o.hold, NULL), 0);
    assert_int_equal(release_apply(r->b, r->folder, now), 1);
    struct hold h;
    assert_int_equal(holds_list(r->b, now + 1, &h, 1), 0);
    room_free(r);
}

static void names_of_holds_are_read_strictly(void **state)
{
    (void)state;
    char name[HOLD_NAME_SIZE];
    enum guard guard;
    uint64_t id;
    assert_int_equal(hold_name_parse(text_of(hold_name(GUARD_FRONT, 0x2f, name)), &guard, &id), 0);
    assert_string_equal(name, "hold-2f-front");
    assert_int_equal(id, 0x2f);
    static const char *const bad[] = {"",
                                      "hold-",
                                      "hold--front",
                                      "hold-2f",
                                      "hold-2f-",
                                      "hold-2F-front",
                                      "hold-0-front",
                                      "hold-2f-fronts",
                                      "../hold-2f",
                                      "hold-2f-front/",
                                      "hold-11111111111111111-front"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(hold_name_parse(text_of(bad[i]), &guard, &id), -EINVAL);
}

static void the_most_cautious_mode_wins_and_observe_changes_nothing(void **state)
{
    (void)state;
    struct room *r = room_with(METER_REQUESTS, PRINCIPAL_CLIENT, OVER_HOLD, 10 * NANOS_SECOND, 5);
    room_open(r);
    nanos_t now = r->moment.boot;
    struct principal a = room_address(r, 1), b = room_address(r, 2);
    struct outcome o = charge_times(r, &a, 6, now);
    assert_int_equal(o.verdict, VERDICT_HOLD);
    budget_set_mode(r->b, MODE_OBSERVE); /* panic */
    o = charge_times(r, &a, 1, now);
    assert_int_equal(o.verdict, VERDICT_ALLOW);
    assert_int_equal(o.would_be, VERDICT_HOLD);
    o = charge_times(r, &b, 6, now);
    assert_int_equal(o.verdict, VERDICT_ALLOW);
    assert_int_equal(o.would_be, VERDICT_HOLD);
    struct hold h[2];
    assert_int_equal(holds_list(r->b, now, h, 2), 2);
    assert_true(h[0].observed && !h[1].observed);
    assert_int_equal(budget_peek(r->b, 0, &b, now).hold, h[0].id);
    budget_set_mode(r->b, MODE_ENFORCE);
    /* noticed before, held now; who is not over any more is free, whatever was noticed */
    o = budget_peek(r->b, 0, &b, now);
    assert_true(o.verdict == VERDICT_HOLD && o.hold == 0);
    o = budget_peek(r->b, 0, &b, now + 11 * NANOS_SECOND);
    assert_true(o.verdict == VERDICT_ALLOW && o.would_be == VERDICT_ALLOW && o.hold == 0);
    assert_int_equal(charge_times(r, &b, 1, now).verdict, VERDICT_HOLD);
    r->contract->budget[0].mode = MODE_OBSERVE;
    assert_int_equal(charge_times(r, &a, 1, now).verdict, VERDICT_ALLOW);
    struct budget_state s;
    budget_state(r->b, 0, now, &s);
    assert_int_equal(s.refused, 2);
    assert_int_equal(s.would_hold, 3);
    room_free(r);
}

static void protected_ones_are_spared_for_continuity_and_not_for_what_leaves(void **state)
{
    (void)state;
    struct room *r = room_with(METER_REQUESTS, PRINCIPAL_CLIENT, OVER_HOLD, 10 * NANOS_SECOND, 5);
    rule_window(room_budget(r, "people", METER_BYTES_OUT, PRINCIPAL_CLIENT, OVER_HOLD), NANOS_HOUR,
                5);
    r->contract->protected_count = 1;
    r->contract->protected[0].from.count = 1;
    r->contract->protected[0].from.prefix[0] =
        (struct prefix){.address = {[10] = 0xff, [11] = 0xff, [12] = 10}, .bits = 104};
    room_open(r);
    struct principal p = room_address(r, 10u << 24 | 5);
    assert_int_equal(p.protected_by, 0);
    nanos_t now = r->moment.boot;
    assert_int_equal(charge_times(r, &p, 1000, now).would_be, VERDICT_ALLOW);
    struct outcome o = {0};
    for (int i = 0; i < 6; i++)
        o = budget_charge(r->b, 1, &p, 1, now);
    assert_int_equal(o.verdict, VERDICT_HOLD);
    room_free(r);
}

static void holds_of_one_kind_leave_the_slots_of_others(void **state)
{
    (void)state;
    struct room *r = room_with(METER_REQUESTS, PRINCIPAL_CLIENT, OVER_HOLD, NANOS_MINUTE, 1);
    rule_window(room_budget(r, "n", METER_REQUESTS, PRINCIPAL_NETWORK, OVER_HOLD), NANOS_MINUTE, 1);
    room_open(r);
    nanos_t now = r->moment.boot;
    for (uint32_t i = 0; i < 3000; i++) {
        struct principal p = room_address(r, i * 977);
        charge_times(r, &p, 2, now);
    }
    struct budget_state s;
    budget_state(r->b, 0, now, &s);
    assert_in_range(s.held, 400, 512); /* a quarter of 2048 slots is for addresses */
    assert_true(s.no_slot > 1000);
    struct principal pass = room_pass(r, 1);
    assert_true(charge_times(r, &pass, 2, now).hold != 0);
    uint8_t address[16] = {[10] = 0xff, [11] = 0xff, [12] = 9};
    struct principal network = principal_network(r->contract, address);
    budget_charge(r->b, 1, &network, 1, now);
    assert_true(budget_charge(r->b, 1, &network, 1, now).hold != 0);
    room_free(r);
}

static void over_what_everyone_shares_the_largest_is_held_and_the_rest_goes_on(void **state)
{
    (void)state;
    struct room *r = room_with(METER_REQUESTS, PRINCIPAL_EVERYONE, OVER_HOLD, NANOS_DAY, 10000);
    room_open(r);
    nanos_t now = r->moment.boot;
    struct principal thief = principal_named(PRINCIPAL_HOST, TEXT("thief")), honest[20];
    for (unsigned i = 0; i < 20; i++) {
        char name[8];
        snprintf(name, sizeof name, "h%u", i);
        honest[i] = principal_named(PRINCIPAL_HOST, text_of(name));
        assert_int_equal(budget_charge(r->b, 0, &honest[i], 100, now).verdict, VERDICT_ALLOW);
    }
    struct outcome o = {0};
    while (o.verdict == VERDICT_ALLOW)
        o = budget_charge(r->b, 0, &thief, 300, now);
    assert_true(o.until <= now + NANOS_SECOND);
    assert_int_equal(budget_charge(r->b, 0, &honest[0], 300, now).verdict, VERDICT_HOLD);
    now += NANOS_SECOND;
    budget_tick(r->b, now);
    assert_int_equal(budget_charge(r->b, 0, &honest[0], 300, now).verdict, VERDICT_ALLOW);
    o = budget_charge(r->b, 0, &thief, 1, now);
    assert_int_equal(o.verdict, VERDICT_HOLD);
    assert_true(o.hold != 0);
    struct hold h[4];
    assert_int_equal(holds_list(r->b, now, h, 4), 1);
    room_free(r);
}

static void a_release_does_not_widen_what_everyone_shares(void **state)
{
    (void)state;
    struct room *r = room_with(METER_BYTES_OUT, PRINCIPAL_EVERYONE, OVER_HOLD, NANOS_DAY, 1000);
    room_open(r);
    nanos_t now = r->moment.boot;
    struct principal thief = principal_named(PRINCIPAL_HOST, TEXT("thief"));
    struct principal other = principal_named(PRINCIPAL_HOST, TEXT("other"));
    assert_int_equal(budget_charge(r->b, 0, &thief, 950, now).verdict, VERDICT_ALLOW);
    assert_int_equal(budget_charge(r->b, 0, &thief, 100, now).verdict, VERDICT_HOLD);
    budget_tick(r->b, now + NANOS_SECOND);
    struct hold h;
    assert_int_equal(holds_list(r->b, now, &h, 1), 1);
    assert_int_equal(hold_release(r->b, h.id, now), 0);
    assert_int_equal(budget_charge(r->b, 0, &other, 990, now).verdict, VERDICT_ALLOW);
    assert_int_equal(budget_charge(r->b, 0, &thief, 20, now).verdict, VERDICT_HOLD);
    room_free(r);
}

static void what_did_not_fit_counts_for_whom_to_hold(void **state)
{
    (void)state;
    struct room *r = room_with(METER_BYTES_OUT, PRINCIPAL_EVERYONE, OVER_HOLD, NANOS_DAY, 1000);
    room_open(r);
    nanos_t now = r->moment.boot;
    struct principal thief = principal_named(PRINCIPAL_HOST, TEXT("thief"));
    struct principal other = principal_named(PRINCIPAL_HOST, TEXT("other"));
    assert_int_equal(budget_charge(r->b, 0, &thief, 700, now).verdict, VERDICT_ALLOW);
    assert_int_equal(budget_charge(r->b, 0, &other, 500, now).verdict, VERDICT_HOLD);
    budget_tick(r->b, now + NANOS_SECOND);
    assert_int_equal(budget_charge(r->b, 0, &other, 500, now).verdict, VERDICT_ALLOW);
    assert_int_equal(budget_charge(r->b, 0, &thief, 1, now).verdict, VERDICT_HOLD);
    room_free(r);
}

/* Thieves who take turns: each takes what it can until it is held. Whatever they do, a window sees
 * at most twice its limit, which is what `explain` says. */
static void taking_turns_gets_no_more_than_twice_what_everyone_shares(void **state)
{
    (void)state;
    struct room *r = room_with(METER_BYTES_OUT, PRINCIPAL_EVERYONE, OVER_HOLD, NANOS_HOUR, 10000);
    rule_window(&r->contract->budget[0], NANOS_DAY, 30000);
    r->contract->budget[0].hold_for = NANOS_MINUTE;
    room_open(r);
    nanos_t now = r->moment.boot;
    uint64_t hour = 0, day = 0, random = room_seed();
    for (int second = 0; second < 24 * 3600; second += 2) {
        if (second % 3600 == 0)
            hour = 0;
        for (int i = 0; i < 20; i++) {
            char name[8];
            snprintf(name, sizeof name, "t%u", (unsigned)(room_random(&random) % 30));
            struct principal p = principal_named(PRINCIPAL_HOST, text_of(name));
            uint64_t amount = 1 + room_random(&random) % 900;
            if (budget_charge(r->b, 0, &p, amount, now).verdict == VERDICT_ALLOW) {
                hour += amount;
                day += amount;
            }
        }
        assert_true(hour <= 20000);
        assert_true(day <= 60000);
        now += 2 * NANOS_SECOND;
        budget_tick(r->b, now);
    }
    assert_true(day > 30000); /* some were held, and others went on */
    struct budget_state s;
    budget_state(r->b, 0, now, &s);
    assert_true(s.has_worst && s.worst.used <= s.worst.limit);
    room_free(r);
}

static void a_signal_shrinks_a_budget_that_grows_back(void **state)
{
    (void)state;
    struct room *r = room_with(METER_BYTES_OUT, PRINCIPAL_HOST, OVER_SLOW, NANOS_MINUTE, 1000);
    room_open(r);
    nanos_t now = r->moment.boot;
    struct principal p = principal_named(PRINCIPAL_HOST, TEXT("h"));
    assert_int_equal(budget_shrink(r->b, &p, 200000, now, now + 100 * NANOS_SECOND), 0);
    assert_int_equal(budget_shrink(r->b, &p, 900000, now, now + 50 * NANOS_SECOND), 0);
    assert_in_range(budget_peek(r->b, 0, &p, now + NANOS_SECOND).limit, 200, 220);
    assert_in_range(budget_peek(r->b, 0, &p, now + 50 * NANOS_SECOND).limit, 580, 620);
    assert_int_equal(budget_charge(r->b, 0, &p, 700, now + 50 * NANOS_SECOND).verdict,
                     VERDICT_SLOW);
    assert_int_equal(budget_peek(r->b, 0, &p, now + 102 * NANOS_SECOND).limit, 1000);
    room_free(r);
}

static void a_signal_shrinks_rates_too(void **state)
{
    (void)state;
    struct room *r = room_with(METER_REQUESTS, PRINCIPAL_CLIENT, OVER_SLOW, 10 * NANOS_SECOND, 10);
    room_open(r);
    nanos_t now = r->moment.boot;
    struct principal p = room_address(r, 7), other = room_address(r, 8);
    assert_int_equal(charge_times(r, &p, 2, now).verdict, VERDICT_ALLOW);
    charge_times(r, &other, 2, now);
    assert_int_equal(budget_shrink(r->b, &p, 200000, now, now + NANOS_DAY), 0);
    /* Two of ten were a fifth of the window: now a unit is worth half of it. */
    assert_int_equal(charge_times(r, &p, 1, now).verdict, VERDICT_ALLOW);
    assert_int_equal(charge_times(r, &p, 1, now).verdict, VERDICT_SLOW);
    assert_int_equal(charge_times(r, &other, 8, now).verdict, VERDICT_ALLOW);
    room_free(r);
}

static void every_verdict_is_counted_once(void **state)
{
    (void)state;
    struct room *r = room_with(METER_REQUESTS, PRINCIPAL_CLIENT, OVER_SLOW, 10 * NANOS_SECOND, 10);
    room_open(r);
    struct principal p = room_address(r, 7);
    charge_times(r, &p, 15, r->moment.boot);
    struct budget_state s;
    budget_state(r->b, 0, r->moment.boot, &s);
    assert_int_equal(s.allowed, 10);
    assert_int_equal(s.slowed, 5);
    assert_int_equal(s.charged, 15);
    room_free(r);
}

static void what_was_only_noticed_binds_nobody_afterwards(void **state)
{
    (void)state;
    struct room *r = room_with(METER_REQUESTS, PRINCIPAL_CLIENT, OVER_HOLD, 10 * NANOS_SECOND, 5);
    room_open(r);
    struct principal p = room_address(r, 7);
    nanos_t now = r->moment.boot;
    budget_set_mode(r->b, MODE_OBSERVE);
    assert_true(charge_times(r, &p, 6, now).hold != 0);
    budget_set_mode(r->b, MODE_ENFORCE);
    struct budget_state s;
    budget_state(r->b, 0, now, &s);
    assert_int_equal(s.held, 0);
    struct outcome o = charge_times(r, &p, 1, now + 20 * NANOS_SECOND); /* its rate has recovered */
    assert_int_equal(o.verdict, VERDICT_ALLOW);
    room_free(r);
}

/* Against a model that remembers when each thing was last seen. */
static void things_are_counted_once_while_they_are_in_the_window(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < (room_is_long() ? 100u : 8u); round++) {
        struct room *r = room_with(METER_FILES_READ, PRINCIPAL_USER, OVER_SLOW, NANOS_HOUR, 200);
        room_open(r);
        struct principal user = principal_named(PRINCIPAL_USER, TEXT("u"));
        static nanos_t seen[600];
        memset(seen, 0, sizeof seen);
        uint64_t random = room_seed() + round;
        nanos_t now = r->moment.boot;
        unsigned refused = 0;
        for (int i = 0; i < 5000; i++) {
            now += (nanos_t)(room_random(&random) % (uint64_t)(20 * NANOS_SECOND));
            uint64_t thing = room_random(&random) % 600;
            struct outcome o = budget_charge_distinct(r->b, 0, &user, thing + 1, now);
            unsigned exact = 0, wide = 0;
            for (unsigned k = 0; k < 600; k++) {
                exact += k != thing && seen[k] && seen[k] > now - NANOS_HOUR;
                wide += k != thing && seen[k] &&
                        seen[k] > now - NANOS_HOUR - NANOS_MINUTE - NANOS_SECOND;
            }
            if (o.verdict == VERDICT_ALLOW) {
                assert_true(exact < 200);
                seen[thing] = now;
            } else {
                assert_true(wide >= 200);
                refused++;
            }
        }
        assert_true(refused > 100);
        room_free(r);
    }
}

/* Nothing is lost unseen: a full table makes things cost again, and is told. */
static void things_that_find_no_room_are_told(void **state)
{
    (void)state;
    struct room *r = room_with(METER_FILES_READ, PRINCIPAL_USER, OVER_SLOW, NANOS_HOUR, 50000);
    r->sizes.things = 1024;
    room_open(r);
    struct principal user = principal_named(PRINCIPAL_USER, TEXT("u"));
    struct budget_state s;
    for (uint64_t thing = 1; thing <= 400; thing++)
        budget_charge_distinct(r->b, 0, &user, thing, r->moment.boot);
    budget_state(r->b, 0, r->moment.boot, &s);
    assert_int_equal(s.not_remembered, 0);
    for (uint64_t thing = 1; thing <= 4000; thing++)
        budget_charge_distinct(r->b, 0, &user, thing, r->moment.boot);
    budget_state(r->b, 0, r->moment.boot, &s);
    assert_in_range(s.not_remembered, 4000 - 1024, 4000 - 600);
    room_free(r);
}

/* 200,000 distinct things a day in a window of a day: a national operator's normal use. */
static void as_many_things_are_remembered_by_default_as_are_read_in_a_day(void **state)
{
    (void)state;
    struct room *r = room_with(METER_FILES_READ, PRINCIPAL_USER, OVER_SLOW, NANOS_DAY, 50000);
    r->sizes.things = 0;
    room_open(r);
    struct budget_state s;
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 500000; i++) {
            uint8_t pass[16] = {(uint8_t)(i % 50), 1}, address[16] = {0};
            struct principal p = principal_pass(r->contract, pass, address);
            budget_charge_distinct(r->b, 0, &p, i, r->moment.boot + round);
        }
    }
    budget_state(r->b, 0, r->moment.boot, &s);
    assert_int_equal(s.not_remembered, 0);
    assert_int_equal(s.worst.used, 10000); /* read again, nothing cost again */
    room_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hold_says_its_numbers_and_ends_at_its_time),
        cmocka_unit_test(a_release_refunds_nothing_but_a_tenth_in_advance),
        cmocka_unit_test(a_twin_of_a_hold_ends_with_it),
        cmocka_unit_test(a_release_is_asked_for_by_a_file_that_its_owner_alone_can_write),
        cmocka_unit_test(names_of_holds_are_read_strictly),
        cmocka_unit_test(the_most_cautious_mode_wins_and_observe_changes_nothing),
        cmocka_unit_test(protected_ones_are_spared_for_continuity_and_not_for_what_leaves),
        cmocka_unit_test(holds_of_one_kind_leave_the_slots_of_others),
        cmocka_unit_test(over_what_everyone_shares_the_largest_is_held_and_the_rest_goes_on),
        cmocka_unit_test(a_release_does_not_widen_what_everyone_shares),
        cmocka_unit_test(what_did_not_fit_counts_for_whom_to_hold),
        cmocka_unit_test(taking_turns_gets_no_more_than_twice_what_everyone_shares),
        cmocka_unit_test(a_signal_shrinks_a_budget_that_grows_back),
        cmocka_unit_test(a_signal_shrinks_rates_too),
        cmocka_unit_test(every_verdict_is_counted_once),
        cmocka_unit_test(what_was_only_noticed_binds_nobody_afterwards),
        cmocka_unit_test(things_are_counted_once_while_they_are_in_the_window),
        cmocka_unit_test(things_that_find_no_room_are_told),
        cmocka_unit_test(as_many_things_are_remembered_by_default_as_are_read_in_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
