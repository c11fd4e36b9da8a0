/* The kernel's program and the process together, on an interface of a namespace of their own, with
 * a clock of ours. */
#include "egress/egress.h"
#include "egress/test_packets.h"
#include "egress/trail.h"

#include <net/if.h>
#include <sched.h>
#include <sys/stat.h>

struct works {
    struct contract contract;
    struct stage stage; /* only `kernel` is used: what packets are given to */
    struct egress *egress;
    struct moment moment;
    char folder[64];
};

static const char *const example =
    "ecluse: 1\n"
    "network: {inside: [10.1.0.0/16], interface: lan0}\n"
    "budgets:\n"
    "- {name: theft, meter: bytes_out, per: host, where: {to: unlisted}, at_most: {1h: 200MB, 1d: "
    "500MB, 30d: 3GB}, over: hold, hold_for: 4h}\n"
    "- {name: all, meter: bytes_out, per: everyone, where: {to: unlisted}, at_most: {1d: 2GB, 30d: "
    "3GB}, over: hold, hold_for: 1h}\n";

static const char *const pairs =
    "ecluse: 1\n"
    "network: {inside: [10.1.0.0/16], interface: lan0}\n"
    "budgets:\n"
    "- {name: theft, meter: bytes_out, per: host, where: {to: unlisted}, at_most: {1d: 500MB}, "
    "over: "
    "hold, hold_for: 4h}\n"
    "- {name: each, meter: bytes_out, per: pair, where: {to: unlisted}, at_most: {1h: 20MB}, over: "
    "hold, hold_for: 1h}\n";

static void works_open(struct works *w)
{
    struct error error = {""};
    assert_in_range(egress_open(&w->contract, MODE_ENFORCE, w->moment, &w->egress, &error), 0, 1);
    kernel_close(w->stage.kernel);
    w->stage.kernel = NULL;
    assert_int_equal(kernel_find(if_nametoindex("lan0"), false, &w->stage.kernel, &error), 0);
}

static struct works *works_by(const char *yaml)
{
    struct works *w = calloc(1, sizeof *w);
    assert_non_null(w);
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
        system("mount --make-rprivate / && mount -t sysfs none /sys && ip link add lan0 type veth "
               "peer name far0 && ip link set lan0 up") != 0) {
        free(w);
        skip(); /* a kernel without veth, or a system without iproute2 */
    }
    struct problems problems = {NULL, 0};
    assert_int_equal(contract_parse(yaml, strlen(yaml), &w->contract, &problems), 0);
    snprintf(w->folder, sizeof w->folder, "/dev/shm/ecluse-egress-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->contract.state, sizeof w->contract.state, "%s", w->folder);
    snprintf(w->contract.runtime, sizeof w->contract.runtime, "%s", w->folder);
    w->moment = moment_now(); /* the kernel's own clock stays behind ours from now on */
    struct error error = {""};
    assert_int_equal(budget_create(&w->contract, GUARD_EGRESS, NULL, w->moment, -1, &error), 0);
    works_open(w);
    return w;
}

static struct works *works_new(void)
{
    return works_by(example);
}

static void works_free(struct works *w)
{
    char command[128];
    egress_close(w->egress);
    kernel_close(w->stage.kernel);
    snprintf(command, sizeof command, "rm -rf %s", w->folder);
    assert_int_equal(system(command), 0);
    free(w);
}

static void later(struct works *w, nanos_t span)
{
    w->moment.boot += span;
    w->moment.wall += span;
    egress_tick(w->egress, w->moment);
}

/* About a megabyte at once, as a card's offload would be given it; returns what went. */
static uint64_t send_megabyte(struct works *w, uint8_t host, unsigned destination)
{
    char outside[16];
    struct way way = web;
    way.host = host;
    way.outside = outside;
    snprintf(outside, sizeof outside, "198.51.100.%u", destination);
    struct frame f = frame_tcp(&way, FLAG_ACK, 5001, 1001, 1000);
    f.segment_size = 1;
    f.segments = 18500;
    return send_out(&w->stage, f) == VERDICT_PASS ? 1054 + (uint64_t)(f.segments - 1) * 54 : 0;
}

static void begin_connections(struct works *w)
{
    for (uint8_t host = 1; host <= 3; host++) {
        for (unsigned destination = 1; destination <= 5; destination++) {
            char outside[16];
            struct way way = web;
            way.host = host;
            way.outside = outside;
            snprintf(outside, sizeof outside, "198.51.100.%u", destination);
            handshake(&w->stage, way, false);
        }
    }
}

static void slow_theft_over_three_hosts_ends_at_the_month(void **state)
{
    (void)state;
    if (!stage_is_possible())
        skip();
    struct works *w = works_new();
    begin_connections(w);
    uint64_t stolen = 0, lately = 0;
    for (int day = 0; day < 30; day++) {
        for (int hour = 0; hour < 24; hour++) {
            for (unsigned i = 0; i < 42; i++) { /* 1 GB a day, evenly */
                stolen += send_megabyte(w, (uint8_t)(1 + i % 3), 1 + i % 5);
                later(w, NANOS_HOUR / 42);
            }
        }
        lately = day == 9 ? stolen : lately;
    }
    assert_in_range(stolen, 2950000000, 3001000000);
    assert_true(lately > 2900000000); /* it was the long window that stopped it, early on */
    struct hold hold[8];
    struct budgets *b;
    struct error error;
    assert_int_equal(budget_open(&w->contract, GUARD_EGRESS, true, &b, &error), 0);
    assert_in_range(holds_list(b, w->moment.boot, hold, 8), 1, 6);
    budget_close(b);
    works_free(w);
}

static void fast_theft_ends_at_the_hour_then_the_day(void **state)
{
    (void)state;
    if (!stage_is_possible())
        skip();
    struct works *w = works_new();
    begin_connections(w);
    uint64_t first = 0, all = 0;
    for (int hour = 0; hour < 24; hour++) {
        for (int i = 0; i < 600; i++) {
            all += send_megabyte(w, 1, 1);
            later(w, 6 * NANOS_SECOND);
        }
        first = hour == 0 ? all : first;
    }
    assert_in_range(first, 195000000, 200000000);
    assert_in_range(all, 490000000, 501000000);
    works_free(w);
}

/* The process is killed at its worst moment: after the kernel let bytes go that it had not been
 * told of. */
static void a_restart_forgets_nothing(void **state)
{
    (void)state;
    if (!stage_is_possible())
        skip();
    struct works *w = works_new();
    begin_connections(w);
    uint64_t all = 0;
    for (int round = 0; round < 8; round++) {
        for (int i = 0; i < 50; i++)
            all += send_megabyte(w, 1, 1);
        egress_close(w->egress); /* nothing is counted on the way out */
        for (int i = 0; i < 10; i++)
            all += send_megabyte(w, 1, 1);
        works_open(w);
        later(w, NANOS_SECOND);
    }
    assert_in_range(all, 195000000, 200000000);
    works_free(w);
}

static size_t holds_now(const struct works *w, struct hold *out, size_t most)
{
    struct budgets *b;
    struct error error;
    assert_int_equal(budget_open(&w->contract, GUARD_EGRESS, true, &b, &error), 0);
    size_t count = holds_list(b, w->moment.boot, out, most);
    budget_close(b);
    return count;
}

static uint64_t sum(const uint64_t *numbers, size_t count)
{
    uint64_t all = 0;
    for (size_t i = 0; i < count; i++)
        all += numbers[i];
    return all;
}

static void a_hold_has_its_evidence_for_as_long_as_the_contract_says(void **state)
{
    (void)state;
    if (!stage_is_possible())
        skip();
    struct works *w = works_new();
    begin_connections(w);
    uint64_t to_first = 0, to_second = 0;
    for (int i = 0; i < 50; i++)
        to_first += send_megabyte(w, 3, 1); /* whose connections came last */
    later(w, NANOS_SECOND);
    for (int i = 0; i < 200; i++)
        to_second += send_megabyte(w, 3, 2);
    later(w, NANOS_SECOND);
    later(w, NANOS_SECOND);
    struct hold hold;
    struct trail e;
    assert_int_equal(holds_now(w, &hold, 1), 1);
    assert_int_equal(trail_read(w->folder, hold.id, &e), 0);
    assert_int_equal(e.host[15], 3);
    assert_int_equal(e.listed_destinations, 5);
    assert_int_equal(e.destination[0].to[15], 2); /* 198.51.100.2: most */
    assert_int_equal(e.destination[1].to[15], 1);
    assert_in_range(e.destination[0].bytes, to_second, to_second + 1000);
    assert_in_range(e.destination[1].bytes, to_first, to_first + 1000);
    assert_int_equal(e.connections, 5);
    assert_in_range(sum(e.second, PACE_SECONDS), to_first + to_second, to_first + to_second + 2000);
    assert_true(e.destination[0].first <= e.destination[0].last);
    for (nanos_t passed = 0; passed < hold.until - hold.since; passed += 10 * NANOS_MINUTE)
        later(w, 10 * NANOS_MINUTE); /* to its end */
    later(w, w->contract.keep.holds - NANOS_HOUR);
    assert_int_equal(trail_read(w->folder, hold.id, &e), 0);
    later(w, 2 * NANOS_HOUR);
    assert_int_equal(trail_read(w->folder, hold.id, &e), -ENOENT);
    works_free(w);
}

static void a_pair_is_held_and_shown_with_its_host_and_destination(void **state)
{
    (void)state;
    if (!stage_is_possible())
        skip();
    struct works *w = works_by(pairs);
    begin_connections(w);
    uint64_t sent = 0;
    for (int i = 0; i < 40; i++)
        sent += send_megabyte(w, 3, 3);
    later(w, NANOS_SECOND);
    later(w, NANOS_SECOND);
    assert_in_range(sent, 19000000, 20000000);
    struct hold hold;
    struct trail e;
    char text[PRINCIPAL_TEXT_SIZE];
    assert_int_equal(holds_now(w, &hold, 1), 1);
    assert_string_equal(principal_text(&hold.principal, text), "02:00:00:00:00:03 to 198.51.100.3");
    assert_int_equal(trail_read(w->folder, hold.id, &e), 0);
    assert_int_equal(e.pair, 1);
    assert_int_equal(e.listed_destinations, 1);
    assert_in_range(e.bytes, sent, sent + 1000);
    assert_true(send_megabyte(w, 3, 4) > 0); /* another destination is another pair */
    assert_true(send_megabyte(w, 1, 3) > 0);
    works_free(w);
}

/* Hosts of addresses of their own, so that each has its connections. */
static uint64_t send_megabytes_of(struct works *w, uint8_t host, unsigned count)
{
    char inside[16];
    uint64_t sent = 0;
    struct way way = web;
    way.host = host;
    way.inside = inside;
    snprintf(inside, sizeof inside, "10.1.0.%u", host);
    handshake(&w->stage, way, false);
    for (unsigned i = 0; i < count; i++) {
        struct frame f = frame_tcp(&way, FLAG_ACK, 5001, 1001, 1000);
        f.segment_size = 1;
        f.segments = 18500;
        sent += send_out(&w->stage, f) == VERDICT_PASS ? 1000000 : 0;
    }
    return sent;
}

static void over_what_everyone_has_those_who_took_most_are_held(void **state)
{
    (void)state;
    if (!stage_is_possible())
        skip();
    struct works *w = works_by(
        "ecluse: 1\n"
        "network: {inside: [10.1.0.0/16], interface: lan0}\n"
        "budgets:\n"
        "- {name: all, meter: bytes_out, per: everyone, where: {to: unlisted}, at_most: {1h: "
        "100MB}, over: hold, hold_for: 1h}\n");
    uint64_t sent = send_megabytes_of(w, 1, 5) + send_megabytes_of(w, 2, 70);
    later(w, NANOS_SECOND);
    sent += send_megabytes_of(w, 3, 20);
    later(w, NANOS_SECOND);
    sent += send_megabytes_of(w, 1, 20);
    later(w, NANOS_SECOND);
    later(w, NANOS_SECOND);
    assert_in_range(sent, 97000000, 101000000);
    struct hold hold[4];
    char text[PRINCIPAL_TEXT_SIZE];
    size_t count = holds_now(w, hold, 4);
    assert_in_range(count, 1, 3);
    bool most = false;
    for (size_t i = 0; i < count; i++)
        most = most || strcmp(principal_text(&hold[i].principal, text), "02:00:00:00:00:02") == 0;
    assert_true(most);
    works_free(w);
}

/* A public server's answer that goes on while the contract changes: other programs, the same
 * connections. */
static void connections_keep_who_began_them_when_programs_change(void **state)
{
    (void)state;
    if (!stage_is_possible())
        skip();
    struct works *w = works_new();
    struct way way = web;
    handshake(&w->stage, way, true);
    send_out(&w->stage, frame_tcp(&way, FLAG_ACK, 5001, 1001, 1000));
    w->contract.budget[0].window[0].limit = 100000000;
    egress_close(w->egress);
    works_open(w);
    uint32_t index;
    struct egress_pair who = {.host = {{1, [10] = 2, [15] = way.host}}};
    uint64_t before = kernel_place(w->stage.kernel, &who, &index) == 0
                          ? w->stage.kernel->entries[index].account[0].spent
                          : 0;
    for (int i = 0; i < 10; i++)
        send_out(&w->stage, frame_tcp(&way, FLAG_ACK, 6001, 1001, 1000));
    if (kernel_place(w->stage.kernel, &who, &index) == 0)
        assert_int_equal(w->stage.kernel->entries[index].account[0].spent, before);
    assert_int_equal(w->stage.kernel->settings->generation, 2);
    works_free(w);
}

static void another_contract_comes_in_place_or_says_that_it_needs_other_programs(void **state)
{
    (void)state;
    if (!stage_is_possible())
        skip();
    struct works *w = works_new();
    struct error error;
    struct contract *next = malloc(sizeof *next);
    assert_non_null(next);
    *next = w->contract;
    next->budget[0].mode = MODE_OBSERVE;
    assert_int_equal(egress_prepare(w->egress, next, &error), 0);
    egress_rollback(w->egress);
    assert_int_equal(w->stage.kernel->settings->enforced, 3);
    assert_int_equal(egress_prepare(w->egress, next, &error), 0);
    assert_true(egress_commit(w->egress, next));
    later(w, NANOS_SECOND);
    assert_int_equal(w->stage.kernel->settings->enforced, 2);
    w->contract = *next;
    w->contract.budget[0].window[0].limit /= 2;
    assert_int_equal(egress_prepare(w->egress, &w->contract, &error), 0);
    assert_false(egress_commit(w->egress, &w->contract));
    egress_rollback(w->egress);
    snprintf(w->contract.network.interface, sizeof w->contract.network.interface, "none0");
    assert_int_equal(egress_check(&w->contract, &error), -ENODEV);
    works_free(w);
    free(next);
}

static void programs_of_another_state_are_not_taken_over(void **state)
{
    (void)state;
    if (!stage_is_possible())
        skip();
    struct works *w = works_new();
    struct egress *other;
    struct error error;
    struct contract *next = malloc(sizeof *next);
    assert_non_null(next);
    *next = w->contract;
    snprintf(next->state, sizeof next->state, "%s/other", w->folder);
    mkdir(next->state, 0700);
    assert_int_equal(budget_create(next, GUARD_EGRESS, NULL, w->moment, -1, &error), 0);
    assert_int_equal(egress_open(next, MODE_ENFORCE, w->moment, &other, &error), -EBUSY);
    egress_tidy(next); /* nor taken off */
    kernel_close(w->stage.kernel);
    assert_int_equal(kernel_find(if_nametoindex("lan0"), false, &w->stage.kernel, &error), 0);
    w->contract.network.present = false;
    egress_tidy(&w->contract);
    kernel_close(w->stage.kernel);
    assert_int_equal(kernel_find(if_nametoindex("lan0"), false, &w->stage.kernel, &error), -ENOENT);
    w->stage.kernel = NULL;
    works_free(w);
    free(next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_theft_over_three_hosts_ends_at_the_month),
        cmocka_unit_test(fast_theft_ends_at_the_hour_then_the_day),
        cmocka_unit_test(a_restart_forgets_nothing),
        cmocka_unit_test(a_hold_has_its_evidence_for_as_long_as_the_contract_says),
        cmocka_unit_test(a_pair_is_held_and_shown_with_its_host_and_destination),
        cmocka_unit_test(over_what_everyone_has_those_who_took_most_are_held),
        cmocka_unit_test(connections_keep_who_began_them_when_programs_change),
        cmocka_unit_test(another_contract_comes_in_place_or_says_that_it_needs_other_programs),
        cmocka_unit_test(programs_of_another_state_are_not_taken_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
