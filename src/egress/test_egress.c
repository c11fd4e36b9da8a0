/* What the kernel's program does with a packet. Each test loads it anew; without the right to do
 * that they are skipped. */
#include "egress/test_packets.h"

#include <sys/wait.h>

#define ROOT_ONLY()                                                                                \
    (void)state;                                                                                   \
    if (!stage_is_possible())                                                                      \
    skip()

static void a_packet_costs_its_bytes_on_the_line(void **state)
{
    ROOT_ONLY();
    struct stage *s = stage_new(CONTRACT_HEAD, 8);
    assert_int_equal(send_out(s, frame_tcp(&web, FLAG_ACK, 1, 1, 946)), VERDICT_PASS);
    assert_int_equal(spent(s, 7, ACCOUNT_THEFT), 1000);
    assert_int_equal(spent(s, 7, ACCOUNT_PARTNERS), 0);
    assert_int_equal(s->kernel->entries[ENTRY_EVERYONE].account[ACCOUNT_ALL].spent, 1000);
    struct way tagged = web;
    tagged.tags = 2;
    send_out(s, frame_tcp(&tagged, FLAG_ACK, 1, 1, 938));
    assert_int_equal(spent(s, 7, ACCOUNT_THEFT), 2000);
    struct way ip6 = {
        .host = 8, .inside = "2001:db8:1::8", .outside = "2001:db8:2::5", .protocol = IPPROTO_UDP};
    send_out(s, frame_udp(&ip6, 938));
    assert_int_equal(spent(s, 8, ACCOUNT_PARTNERS), 1000);
    stage_free(s);
}

static void every_segment_is_counted_with_its_own_headers(void **state)
{
    ROOT_ONLY();
    struct stage *s = stage_new(CONTRACT_HEAD, 8);
    struct frame f = frame_tcp(&web, FLAG_ACK, 1, 1, 1000);
    f.segment_size = 300;
    f.segments = 4;
    assert_int_equal(send_out(s, f), VERDICT_PASS);
    assert_int_equal(spent(s, 7, ACCOUNT_THEFT), 1000 + 4 * 54);
    f.segments = 0; /* some drivers leave it to be counted */
    send_out(s, f);
    assert_int_equal(spent(s, 7, ACCOUNT_THEFT), 2 * (1000 + 4 * 54));
    struct way tunnel = web;
    tunnel.protocol = IPPROTO_GRE;
    tunnel.host = 9;
    f = (struct frame){.length = 0};
    put_ip(&f, &tunnel, 1000, 0);
    put_zeroes(&f, 1000);
    f.segment_size = 300;
    f.segments = 3;
    send_out(s, f);
    assert_in_range(spent(s, 9, ACCOUNT_THEFT), 1000 + 3 * 58, 1000 + 34 + 2 * 256);
    stage_free(s);
}

static void what_is_over_is_dropped_and_not_counted(void **state)
{
    ROOT_ONLY();
    struct stage *s = stage_new(CONTRACT_HEAD, 8);
    handshake(s, web, false);
    struct egress_entry *entry = entry_of_host(s, 7);
    struct egress_account *theft = &entry->account[ACCOUNT_THEFT];
    theft->ceiling = theft->spent + 1500;
    assert_int_equal(send_out(s, frame_tcp(&web, FLAG_ACK, 1, 1, 946)), VERDICT_PASS);
    uint64_t before = theft->spent;
    uint64_t all = s->kernel->entries[ENTRY_EVERYONE].account[ACCOUNT_ALL].spent;
    assert_int_equal(send_out(s, frame_tcp(&web, FLAG_ACK, 1, 1, 946)), VERDICT_DROP);
    assert_int_equal(theft->spent, before);
    assert_int_equal(s->kernel->entries[ENTRY_EVERYONE].account[ACCOUNT_ALL].spent, all);
    assert_int_equal(theft->refused, 1000);
    assert_int_equal(send_out(s, frame_tcp(&web, FLAG_ACK, 1, 1, 446)), VERDICT_PASS);
    s->kernel->entries[ENTRY_EVERYONE].account[ACCOUNT_ALL].ceiling = 0;
    struct way other = web;
    other.host = 8;
    assert_int_equal(send_out(s, frame_tcp(&other, FLAG_ACK, 1, 1, 446)), VERDICT_DROP);
    stage_free(s);
}

static void in_observe_what_is_over_goes_and_is_noticed(void **state)
{
    ROOT_ONLY();
    struct stage *s = stage_new(CONTRACT_HEAD "mode: observe\n", 8);
    handshake(s, web, false);
    struct egress_account *theft = &entry_of_host(s, 7)->account[ACCOUNT_THEFT];
    theft->ceiling = 0;
    theft->held_until = UINT64_MAX;
    uint64_t before = theft->spent;
    assert_int_equal(send_out(s, frame_tcp(&web, FLAG_ACK, 1, 1, 946)), VERDICT_PASS);
    assert_int_equal(theft->spent, before + 1000);
    assert_int_equal(theft->refused, 1000);
    stage_free(s);
}

static void a_hold_stops_until_its_time(void **state)
{
    ROOT_ONLY();
    struct stage *s = stage_new(CONTRACT_HEAD, 8);
    send_out(s, frame_tcp(&web, FLAG_ACK, 1, 1, 100));
    struct egress_account *theft = &entry_of_host(s, 7)->account[ACCOUNT_THEFT];
    theft->held_until = (uint64_t)(clock_boot() + NANOS_HOUR);
    assert_int_equal(send_out(s, frame_tcp(&web, FLAG_ACK, 1, 1, 100)), VERDICT_DROP);
    theft->held_until = (uint64_t)(clock_boot() - 1);
    assert_int_equal(send_out(s, frame_tcp(&web, FLAG_ACK, 1, 1, 100)), VERDICT_PASS);
    /* Held for what everyone shares: the host's own account of that budget says so. */
    entry_of_host(s, 7)->account[ACCOUNT_ALL].held_until = UINT64_MAX;
    assert_int_equal(send_out(s, frame_tcp(&web, FLAG_ACK, 1, 1, 100)), VERDICT_DROP);
    stage_free(s);
}

static void answers_on_connections_begun_outside_are_not_charged(void **state)
{
    ROOT_ONLY();
    struct stage *s = stage_new(CONTRACT_HEAD, 8);
    handshake(s, web, true);
    for (int i = 0; i < 100; i++)
        assert_int_equal(send_out(s, frame_tcp(&web, FLAG_ACK, 5001, 1001, 1400)), VERDICT_PASS);
    assert_int_equal(spent(s, 7, ACCOUNT_THEFT), 0);
    struct way other = web; /* the same addresses and ports, from another machine */
    other.host = 9;
    send_out(s, frame_tcp(&other, FLAG_ACK, 5001, 1001, 946));
    assert_int_equal(spent(s, 9, ACCOUNT_THEFT), 1000);
    send_out(s, frame_tcp(&web, FLAG_SYN, 9000, 0, 0)); /* begun anew, from inside */
    send_out(s, frame_tcp(&web, FLAG_ACK, 9001, 1, 946));
    assert_int_equal(spent(s, 7, ACCOUNT_THEFT), 1054);
    stage_free(s);
}

static void a_packet_that_anyone_can_send_proves_nothing(void **state)
{
    ROOT_ONLY();
    struct stage *s = stage_new(CONTRACT_HEAD, 8);
    struct way in = web;
    in.in = true;
    send_in(s, frame_tcp(&in, FLAG_SYN, 1000, 0, 0));
    send_out(
        s, frame_tcp(&web, FLAG_SYN | FLAG_ACK, 5000, 1001, 0)); /* within three times what came */
    assert_int_equal(spent(s, 7, ACCOUNT_THEFT), 0);
    send_in(s, frame_tcp(&in, FLAG_ACK, 1001, 777, 0)); /* a number that its sender had to guess */
    send_out(s, frame_tcp(&web, FLAG_ACK, 5001, 1001, 946));
    assert_int_equal(spent(s, 7, ACCOUNT_THEFT), 1000);
    struct way begun = web;
    begun.inside_port = 40001;
    struct way begun_in = begun;
    begun_in.in = true;
    send_out(s, frame_tcp(&begun, FLAG_SYN, 1, 0, 0));
    send_in(s, frame_tcp(&begun_in, FLAG_SYN, 1000, 0, 0)); /* does not make it theirs */
    send_out(s, frame_tcp(&begun, FLAG_SYN | FLAG_ACK, 5000, 1001, 0));
    send_in(s, frame_tcp(&begun_in, FLAG_ACK, 1001, 5001, 0));
    uint64_t before = spent(s, 7, ACCOUNT_THEFT);
    send_out(s, frame_tcp(&begun, FLAG_ACK, 5001, 1001, 946));
    assert_int_equal(spent(s, 7, ACCOUNT_THEFT), before + 1000);
    stage_free(s);
}

static void only_who_completed_a_handshake_can_be_held(void **state)
{
    ROOT_ONLY();
    struct stage *s = stage_new(CONTRACT_HEAD, 8);
    send_out(s, frame_tcp(&web, FLAG_ACK, 1, 1, 100));
    struct egress_account *theft = &entry_of_host(s, 7)->account[ACCOUNT_THEFT];
    theft->ceiling = theft->spent;
    assert_int_equal(send_out(s, frame_tcp(&web, FLAG_ACK, 1, 1, 946)), VERDICT_DROP);
    assert_int_equal(theft->refused, 0);
    assert_int_equal(s->kernel->entries[ENTRY_EVERYONE].account[ACCOUNT_THEFT].refused, 1000);
    theft->ceiling = theft->spent + 108;
    handshake(s, web, false);
    assert_int_equal(send_out(s, frame_tcp(&web, FLAG_ACK, 1, 1, 946)), VERDICT_DROP);
    assert_int_equal(theft->refused, 1000);
    stage_free(s);
}

static void without_handshakes_an_answer_to_an_answer_says_who_began(void **state)
{
    ROOT_ONLY();
    struct stage *s = stage_new(CONTRACT_HEAD, 8);
    struct way out = web;
    out.protocol = IPPROTO_UDP;
    struct way in = out;
    in.in = true;
    send_in(s, frame_udp(&in, 58)); /* 100 bytes came: 300 may be answered */
    send_out(s, frame_udp(&out, 158));
    assert_int_equal(spent(s, 7, ACCOUNT_THEFT), 0);
    send_out(s, frame_udp(&out, 958));
    assert_int_equal(spent(s, 7, ACCOUNT_THEFT), 1000);
    send_in(s, frame_udp(&in, 58));
    send_out(s, frame_udp(&out, 1400));
    assert_int_equal(spent(s, 7, ACCOUNT_THEFT), 1000);
    out.outside_port = 53;
    send_out(s, frame_udp(&out, 958));
    assert_int_equal(spent(s, 7, ACCOUNT_THEFT), 2000);
    stage_free(s);
}

static void later_fragments_follow_their_first(void **state)
{
    ROOT_ONLY();
    struct stage *s = stage_new(CONTRACT_HEAD, 8);
    struct way out = web;
    out.protocol = IPPROTO_UDP;
    struct way in = out;
    in.in = true;
    send_in(s, frame_udp(&in, 58));
    send_out(s, frame_udp(&out, 58));
    send_in(s, frame_udp(&in, 58));
    struct frame later = {.length = 0};
    put_ip(&later, &out, 966, 1);
    put_zeroes(&later, 966);
    send_out(s, later); /* its first fragment was not seen: nobody vouches for it */
    assert_int_equal(spent(s, 7, ACCOUNT_THEFT), 1000);
    struct frame first = {.length = 0};
    put_ip(&first, &out, 966, 0x2000);
    put_ports(&first, &out);
    put_zeroes(&first, 962);
    send_out(s, first);
    send_out(s, later);
    assert_int_equal(spent(s, 7, ACCOUNT_THEFT), 1000);
    stage_free(s);
}

static void what_stays_inside_or_on_the_link_is_not_counted(void **state)
{
    ROOT_ONLY();
    struct stage *s = stage_new(CONTRACT_HEAD, 8);
    struct way near = web;
    near.outside = "10.1.200.1";
    send_out(s, frame_tcp(&near, FLAG_ACK, 1, 1, 946));
    struct frame arp = {.length = 0};
    put_link(&arp, &web, 0x0806);
    put_zeroes(&arp, 46);
    send_out(s, arp);
    assert_null(entry_of_host(s, 7));
    struct frame strange = {.length = 0};
    put_link(&strange, &web, 0x88b5);
    put_zeroes(&strange, 86);
    send_out(s, strange);
    assert_int_equal(spent(s, 7, ACCOUNT_THEFT), 100);
    stage_free(s);
}

static void what_could_mean_another_destination_is_unlisted(void **state)
{
    ROOT_ONLY();
    struct stage *s = stage_new(CONTRACT_HEAD, 8);
    struct way w = web;
    w.outside = "203.0.113.5";
    struct frame f = frame_tcp(&w, FLAG_ACK, 1, 1, 946);
    send_out(s, f);
    assert_int_equal(spent(s, 7, ACCOUNT_PARTNERS), 1000);
    f.data[14] = 0x46; /* one word of options */
    send_out(s, f);
    assert_int_equal(spent(s, 7, ACCOUNT_PARTNERS), 1000);
    assert_int_equal(spent(s, 7, ACCOUNT_THEFT), 1000);
    struct way six = {.host = 8,
                      .inside = "2001:db8:1::8",
                      .outside = "2001:db8:2::5",
                      .protocol = IPPROTO_ROUTING};
    f = (struct frame){.length = 0};
    put_ip(&f, &six, 946, 0);
    put_zeroes(&f, 946);
    f.data[54] = IPPROTO_UDP;
    f.data[57] = 1; /* one segment is left: the destination is not the last */
    send_out(s, f);
    assert_int_equal(spent(s, 8, ACCOUNT_THEFT), 1000);
    six.outside = "::ffff:203.0.113.5";
    six.protocol = IPPROTO_UDP;
    send_out(s, frame_udp(&six, 938));
    assert_int_equal(spent(s, 8, ACCOUNT_THEFT), 2000);
    stage_free(s);
}

static void new_hosts_share_what_one_may_have(void **state)
{
    ROOT_ONLY();
    struct stage *s = stage_new(CONTRACT_HEAD, 4);
    s->kernel->entries[ENTRY_NEWCOMERS].account[ACCOUNT_THEFT].ceiling = 6500;
    unsigned passed = 0;
    for (uint8_t host = 1; host <= 20; host++) {
        struct way w = web;
        w.host = host;
        passed += send_out(s, frame_tcp(&w, FLAG_ACK, 1, 1, 946)) == VERDICT_PASS;
    }
    assert_int_equal(passed, 6);
    assert_non_null(entry_of_host(s, 4));
    assert_null(entry_of_host(s, 5)); /* no place was left: the newcomers' own paid */
    struct egress_entry *known = entry_of_host(s, 1);
    known->newcomer = 0;
    struct way w = web;
    w.host = 1;
    assert_int_equal(send_out(s, frame_tcp(&w, FLAG_ACK, 1, 1, 946)), VERDICT_PASS);
    stage_free(s);
}

static void an_entry_that_was_given_away_is_not_found_again(void **state)
{
    ROOT_ONLY();
    struct stage *s = stage_new(CONTRACT_HEAD, 8);
    struct egress_pair who = {.host = {{1, [10] = 2, [15] = 7}}};
    uint32_t index;
    handshake(s, web, false);
    send_out(s, frame_tcp(&web, FLAG_ACK, 5001, 1001, 946));
    assert_int_equal(kernel_place(s->kernel, &who, &index), 0);
    assert_int_equal(kernel_forget(s->kernel, &who), 0);
    assert_int_equal(kernel_give_back(s->kernel, index), 0);
    send_out(s,
             frame_tcp(&web, FLAG_ACK, 5001, 1001, 946)); /* the connection remembers the old one */
    assert_int_equal(spent(s, 7, ACCOUNT_THEFT), 1000);
    assert_int_equal(s->kernel->entries[index].account[ACCOUNT_THEFT].spent, 0);
    stage_free(s);
}

static void past_the_deadline_a_stated_rate_is_left(void **state)
{
    ROOT_ONLY();
    struct stage *s = stage_new(CONTRACT_HEAD, 8);
    send_out(s, frame_tcp(&web, FLAG_ACK, 1, 1, 946));
    struct egress_account *theft = &entry_of_host(s, 7)->account[ACCOUNT_THEFT];
    theft->ceiling = theft->spent + 2000;
    s->kernel->settings->without_guard = 10000;
    s->kernel->settings->deadline = 1;
    unsigned passed = 0;
    for (int i = 0; i < 100; i++)
        passed += send_out(s, frame_tcp(&web, FLAG_ACK, 1, 1, 946)) == VERDICT_PASS;
    assert_in_range(passed, 2 + 9,
                    2 + 12); /* what was left, one second's worth, and the test's own time */
    assert_int_equal(theft->spent, 1000 * (passed + 1));
    theft->held_until = UINT64_MAX;
    s->kernel->settings->arrival = 0;
    assert_int_equal(send_out(s, frame_tcp(&web, FLAG_ACK, 1, 1, 946)), VERDICT_DROP);
    stage_free(s);
}

static void pairs_are_counted_each_for_itself(void **state)
{
    ROOT_ONLY();
    struct stage *s = stage_new(CONTRACT_HEAD "- {name: pairs, meter: bytes_out, per: pair, where: "
                                              "{to: unlisted}, at_most: {1h: 5kB}, over: hold, "
                                              "hold_for: 1h}\n",
                                8);
    struct way other = web;
    other.outside = "198.51.100.10";
    unsigned first = 0, second = 0;
    for (int i = 0; i < 10; i++) {
        first += send_out(s, frame_tcp(&web, FLAG_ACK, 1, 1, 946)) == VERDICT_PASS;
        second += send_out(s, frame_tcp(&other, FLAG_ACK, 1, 1, 946)) == VERDICT_PASS;
    }
    assert_int_equal(first, 5);
    assert_int_equal(second, 5);
    assert_int_equal(spent(s, 7, ACCOUNT_THEFT), 10000);
    stage_free(s);
}

/* Whatever bytes arrive, they get a verdict, and what passes unlisted is on someone's account. */
static void any_bytes_get_a_verdict(void **state)
{
    ROOT_ONLY();
    struct stage *s = stage_new(CONTRACT_HEAD, 8);
    uint64_t x = 20261122;
    unsigned passed = 0;
    for (int i = 0; i < 5000; i++) {
        struct frame f = i & 1 ? frame_tcp(&web, FLAG_ACK, 1, 1, 60) : frame_udp(&web, 60);
        for (int k = 0; k < 6; k++) {
            x = x * 6364136223846793005u + 1442695040888963407u;
            f.data[14 + (x >> 33) % (f.length - 14)] = (uint8_t)(x >> 25);
        }
        x = x * 6364136223846793005u + 1442695040888963407u;
        f.length = 34 + (uint32_t)((x >> 33) % (f.length - 33)); /* a test run takes no less */
        int out = run(s, &f, false), in = run(s, &f, true);
        assert_true(out == VERDICT_PASS || out == VERDICT_DROP);
        assert_int_equal(in, VERDICT_PASS);
        passed += out == VERDICT_PASS;
    }
    assert_in_range(passed, 1000, 5000);
    stage_free(s);
}

/* As loopback's: twelve zeroes on every frame. */
static void where_link_addresses_are_nobodys_hosts_are_known_by_their_ip_address(void **state)
{
    ROOT_ONLY();
    struct stage *s = stage_new(CONTRACT_HEAD, 8);
    struct egress_pair by_link = {.host = {{1, [10] = 2, [15] = 7}}};
    struct egress_pair by_address = {
        .host = {{[10] = 0xff, [11] = 0xff, [12] = 10, [13] = 1, [15] = 7}}};
    uint32_t index;
    s->kernel->settings->link = LINK_HEADER;
    assert_int_equal(send_out(s, frame_tcp(&web, FLAG_ACK, 1, 1, 946)), VERDICT_PASS);
    assert_int_equal(kernel_place(s->kernel, &by_link, &index), -ENOENT);
    assert_int_equal(kernel_place(s->kernel, &by_address, &index), 0);
    assert_int_equal(s->kernel->entries[index].account[ACCOUNT_THEFT].spent, 1000);
    stage_free(s);
}

/* As a guard that gave up its rights does it, on kernels that refuse bpf(2) to strangers. */
static int work_without_rights(const struct kernel *k)
{
    struct egress_pair who = {.host = {{1, [10] = 2, [15] = 77}}};
    struct egress_flow_key keys[16];
    struct egress_flow flows[16];
    uint32_t index, next, count = 16;
    if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)
        return 1;
    if (kernel_make(k, &who.host) != 0 || kernel_place(k, &who, &index) != 0 ||
        kernel_forget(k, &who) != 0 || kernel_give_back(k, index) != 0)
        return 2;
    int code = bpf_map_lookup_batch(k->flows, NULL, &next, keys, flows, &count, NULL);
    return (code == 0 || code == -ENOENT) && count == 1 ? 0 : 3;
}

static void entries_and_connections_are_worked_on_without_any_right(void **state)
{
    ROOT_ONLY();
    struct stage *s = stage_new(CONTRACT_HEAD, 8);
    handshake(s, web, false);
    pid_t pid = fork();
    if (pid == 0)
        _exit(work_without_rights(s->kernel));
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    stage_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_costs_its_bytes_on_the_line),
        cmocka_unit_test(every_segment_is_counted_with_its_own_headers),
        cmocka_unit_test(what_is_over_is_dropped_and_not_counted),
        cmocka_unit_test(in_observe_what_is_over_goes_and_is_noticed),
        cmocka_unit_test(a_hold_stops_until_its_time),
        cmocka_unit_test(answers_on_connections_begun_outside_are_not_charged),
        cmocka_unit_test(a_packet_that_anyone_can_send_proves_nothing),
        cmocka_unit_test(only_who_completed_a_handshake_can_be_held),
        cmocka_unit_test(without_handshakes_an_answer_to_an_answer_says_who_began),
        cmocka_unit_test(later_fragments_follow_their_first),
        cmocka_unit_test(what_stays_inside_or_on_the_link_is_not_counted),
        cmocka_unit_test(what_could_mean_another_destination_is_unlisted),
        cmocka_unit_test(new_hosts_share_what_one_may_have),
        cmocka_unit_test(an_entry_that_was_given_away_is_not_found_again),
        cmocka_unit_test(past_the_deadline_a_stated_rate_is_left),
        cmocka_unit_test(pairs_are_counted_each_for_itself),
        cmocka_unit_test(any_bytes_get_a_verdict),
        cmocka_unit_test(where_link_addresses_are_nobodys_hosts_are_known_by_their_ip_address),
        cmocka_unit_test(entries_and_connections_are_worked_on_without_any_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
