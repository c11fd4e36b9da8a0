/* The kernel's program and the process together, on an interface of a namespace of their own, with
 * a clock of ours. */
#include "egress/egress.h"
#include "egress/test_packets.h"

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

static void works_open(struct works *w)
{
    struct error error = {""};
    assert_in_range(egress_open(&w->contract, MODE_ENFORCE, w->moment, &w->egress, &error), 0, 1);
    kernel_close(w->stage.kernel);
    w->stage.kernel = NULL;
    assert_int_equal(kernel_find(if_nametoindex("lan0"), false, &w->stage.kernel, &error), 0);
}

static struct works *works_new(void)
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
    assert_int_equal(contract_parse(example, strlen(example), &w->contract, &problems), 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_theft_over_three_hosts_ends_at_the_month),
        cmocka_unit_test(fast_theft_ends_at_the_hour_then_the_day),
        cmocka_unit_test(a_restart_forgets_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
