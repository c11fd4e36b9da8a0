/* The past against a contract: the same holds and the same bytes as the kernel and its process
 * would have given, with the record's own clock. */
#include "egress/replay.h"
#include "egress/test_packets.h"

#include <ftw.h>

#define SECOND NANOS_SECOND
#define MB     UINT64_C(1000000)
#define BEGAN  (INT64_C(1793577600) * NANOS_SECOND) /* Monday, 2 November 2026 */

#define HEAD                                                                                       \
    "ecluse: 1\nmode: observe\n"                                                                   \
    "network: {inside: [10.1.0.0/16, '2001:db8:1::/48'], interface: lan0, destinations: "          \
    "{partners: [203.0.113.0/24]}}\nbudgets:\n"                                                    \
    "- {name: partners, meter: bytes_out, per: host, where: {to: partners}, at_most: {1h: 2MB}, "  \
    "over: hold, hold_for: 1h}\n"
#define THEFT(windows)                                                                             \
    "- {name: theft, meter: bytes_out, per: host, where: {to: unlisted}, at_most: {" windows       \
    "}, over: hold, hold_for: 4h}\n"
#define ALL(windows)                                                                               \
    "- {name: all, meter: bytes_out, per: everyone, where: {to: unlisted}, at_most: {" windows     \
    "}, over: hold, hold_for: 1h}\n"

struct past {
    struct contract contract;
    struct replay *replay;
    const struct replay_report *report;
    nanos_t now;
};

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

static struct past *past_new(const char *yaml)
{
    struct past *p = calloc(1, sizeof *p);
    struct problems problems = {NULL, 0};
    struct error error = {""};
    char folder[] = "/tmp/ecluse-replay-XXXXXX";
    assert_non_null(p);
    if (contract_parse(yaml, strlen(yaml), &p->contract, &problems))
        print_message("%s\n", problems.problem[0].text);
    problems_free(&problems);
    assert_non_null(mkdtemp(folder));
    int code = replay_open(&p->contract, folder, &p->replay, &error);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    if (code)
        print_message("%s\n", error.text);
    assert_int_equal(code, 0);
    p->now = BEGAN;
    return p;
}

static void past_free(struct past *p)
{
    replay_close(p->replay);
    free(p);
}

static void give(struct past *p, const struct frame *f, uint32_t length)
{
    replay_frame(p->replay, &(struct replay_frame){.time = p->now,
                                                   .data = f->data,
                                                   .captured = f->length,
                                                   .length = length ? length : f->length,
                                                   .link = true});
}

static void give_tcp(struct past *p, struct way way, bool in, unsigned flags, uint32_t sequence,
                     uint32_t acknowledged, size_t payload)
{
    way.in = in;
    struct frame f = frame_tcp(&way, flags, sequence, acknowledged, payload);
    give(p, &f, 0);
}

static void shake_hands(struct past *p, struct way way, bool from_outside)
{
    if (from_outside) {
        give_tcp(p, way, true, FLAG_SYN, 1000, 0, 0);
        give_tcp(p, way, false, FLAG_SYN | FLAG_ACK, 5000, 1001, 0);
        give_tcp(p, way, true, FLAG_ACK, 1001, 5001, 0);
        return;
    }
    give_tcp(p, way, false, FLAG_SYN, 5000, 0, 0);
    give_tcp(p, way, true, FLAG_SYN | FLAG_ACK, 1000, 5001, 0);
    give_tcp(p, way, false, FLAG_ACK, 5001, 1001, 0);
}

/* Segments of a kilobyte. */
static void send_kilobytes(struct past *p, struct way way, unsigned count, nanos_t over)
{
    nanos_t first = p->now;
    for (unsigned i = 0; i < count; i++) {
        p->now = first + over * (nanos_t)i / (nanos_t)count;
        give_tcp(p, way, false, FLAG_ACK, 5001, 1001, 1000 - 54);
    }
}

static struct replay_flow flow_of(const char *from, const char *to, uint64_t out, nanos_t start,
                                  nanos_t span)
{
    struct replay_flow f = {.start = start,
                            .end = start + span,
                            .from = {[10] = 0xff, [11] = 0xff},
                            .to = {[10] = 0xff, [11] = 0xff},
                            .protocol = IPPROTO_TCP,
                            .bytes_from = out,
                            .packets_from = 10,
                            .packets_to = 10,
                            .began_known = true,
                            .established = true};
    assert_int_equal(inet_pton(AF_INET, from, f.from + 12), 1);
    assert_int_equal(inet_pton(AF_INET, to, f.to + 12), 1);
    return f;
}

/* ---- Packets --------------------------------------------------------------------------------- */

static void a_theft_is_held_at_its_limit_and_what_follows_would_not_have_left(void **state)
{
    (void)state;
    struct past *p = past_new(HEAD THEFT("1h: 1MB, 1d: 3MB"));
    shake_hands(p, web, false);
    send_kilobytes(p, web, 5000, 50 * SECOND);
    const struct replay_report *r = replay_end(p->replay);
    assert_int_equal(r->hold_count, 1);
    assert_int_equal(r->hold[0].limit, MB);
    assert_in_range(r->hold[0].used, MB - 1000, MB);
    assert_in_range(r->hold[0].since, BEGAN + 9 * SECOND, BEGAN + 11 * SECOND);
    assert_int_equal(r->hold[0].until - r->hold[0].since, 4 * NANOS_HOUR);
    assert_int_equal(r->hold[0].to[15], 9);
    assert_int_equal(r->hold[0].who.id[15], 7);
    assert_int_equal(r->sum[0][0].left, 5000 * 1000 + 2 * 54);
    assert_in_range(r->sum[0][0].would_have_left, MB - 1000, MB);
    assert_int_equal(r->holds_enforced, 1);
    past_free(p);
}

static void nothing_listed_or_within_its_budget_is_touched(void **state)
{
    (void)state;
    struct past *p = past_new(HEAD THEFT("1h: 1MB"));
    struct way partner = web;
    partner.outside = "203.0.113.9";
    shake_hands(p, web, false);
    shake_hands(p, partner, false);
    send_kilobytes(p, web, 990, 50 * SECOND);
    send_kilobytes(p, partner, 1990, 50 * SECOND);
    const struct replay_report *r = replay_end(p->replay);
    assert_int_equal(r->holds, 0);
    assert_int_equal(r->sum[0][0].left, r->sum[0][0].would_have_left);
    assert_int_equal(r->sum[2][0].left, 1990 * 1000 + 2 * 54);
    assert_int_equal(r->sum[2][0].would_have_left, r->sum[2][0].left);
    past_free(p);
}

static void after_a_hold_and_its_window_another_limit_may_leave_until_the_day_is_full(void **state)
{
    (void)state;
    struct past *p = past_new(HEAD THEFT("1h: 1MB, 1d: 3MB"));
    shake_hands(p, web, false);
    for (int hour = 0; hour < 23; hour++)
        send_kilobytes(p, web, 2000, NANOS_HOUR);
    const struct replay_report *r = replay_end(p->replay);
    assert_in_range(r->sum[0][0].would_have_left, 3 * MB - 5000, 3 * MB);
    assert_in_range(r->holds_enforced, 4, 6);
    /* Where nothing is stopped the first window stays full, and one hold follows the other. */
    assert_in_range(r->holds, 5, 6);
    past_free(p);
}

static void answers_of_a_server_count_only_where_a_budget_says_so(void **state)
{
    (void)state;
    struct past *p = past_new(HEAD THEFT("1h: 1MB"));
    shake_hands(p, web, true);
    send_kilobytes(p, web, 3000, 50 * SECOND);
    const struct replay_report *r = replay_end(p->replay);
    assert_int_equal(r->holds, 0);
    assert_int_equal(r->sum[0][1].packets, 3001);
    assert_int_equal(r->uncharged.left, r->sum[0][1].left);
    past_free(p);
}

static void who_only_sends_is_stopped_and_holds_nobody(void **state)
{
    (void)state;
    struct past *p = past_new(HEAD THEFT("1h: 1MB"));
    send_kilobytes(p, web, 3000, 50 * SECOND);
    const struct replay_report *r = replay_end(p->replay);
    assert_int_equal(r->holds + r->holds_enforced, 0);
    assert_in_range(r->sum[0][0].would_have_left, MB - 1000, MB);
    past_free(p);
}

static void over_the_bytes_of_everyone_the_largest_is_held(void **state)
{
    (void)state;
    struct past *p = past_new(HEAD THEFT("1h: 100MB") ALL("1h: 1MB"));
    struct way small = web;
    small.host = 8;
    small.inside = "10.1.0.8";
    shake_hands(p, web, false);
    shake_hands(p, small, false);
    send_kilobytes(p, small, 20, SECOND);
    send_kilobytes(p, web, 3000, 5 * SECOND);
    const struct replay_report *r = replay_end(p->replay);
    assert_int_equal(r->holds, 1);
    assert_int_equal(r->hold[0].who.id[15], 7);
    assert_in_range(r->sum[0][0].would_have_left, MB - 1000, MB);
    past_free(p);
}

static void from_the_second_day_on_new_hosts_share_one_budget(void **state)
{
    (void)state;
    struct past *p = past_new(HEAD THEFT("1h: 1MB"));
    shake_hands(p, web, false);
    for (uint8_t n = 0; n < 4; n++) {
        struct way way = web;
        p->now += n == 0 ? 30 * NANOS_HOUR : SECOND;
        way.host = (uint8_t)(20 + n);
        shake_hands(p, way, false);
        send_kilobytes(p, way, 500, SECOND);
    }
    const struct replay_report *r = replay_end(p->replay);
    assert_in_range(r->sum[0][0].would_have_left, MB - 1000, MB + 300);
    assert_in_range(r->holds, 1, 2);
    past_free(p);
}

static void a_forged_source_is_still_its_link_address(void **state)
{
    (void)state;
    struct past *p = past_new(HEAD THEFT("1h: 1MB"));
    struct way forged = web;
    forged.inside = "192.0.2.1";
    shake_hands(p, web, false); /* shows who the gateway is */
    send_kilobytes(p, forged, 3000, 5 * SECOND);
    const struct replay_report *r = replay_end(p->replay);
    assert_int_equal(r->elsewhere, 0);
    assert_in_range(r->sum[0][0].would_have_left, MB - 1000, MB);
    past_free(p);
}

static void what_stays_inside_or_is_elsewhere_is_said_and_not_counted(void **state)
{
    (void)state;
    struct past *p = past_new(HEAD THEFT("1h: 1MB"));
    struct way inner = web, foreign = web;
    inner.outside = "10.1.0.9";
    foreign.inside = "192.0.2.1";
    send_kilobytes(p, inner, 3, SECOND);
    send_kilobytes(p, foreign, 4, SECOND);
    const struct replay_report *r = replay_end(p->replay);
    assert_int_equal(r->inside, 3);
    assert_int_equal(r->elsewhere, 4);
    assert_int_equal(r->sum[0][0].left, 0);
    past_free(p);
}

static void what_a_card_cut_up_counts_as_the_segments_that_it_became(void **state)
{
    (void)state;
    struct past *p = past_new(HEAD THEFT("1h: 1MB"));
    struct frame f = frame_tcp(&web, FLAG_ACK, 5001, 1001, 1000);
    give(p, &f, 54 + 10 * 1448); /* captured in part */
    const struct replay_report *r = replay_end(p->replay);
    assert_int_equal(r->sum[0][0].left, 10 * (1448 + 54) + 54);
    past_free(p);
}

static void a_packet_cut_before_its_addresses_is_said_to_be_unreadable(void **state)
{
    (void)state;
    struct past *p = past_new(HEAD THEFT("1h: 1MB"));
    struct frame f = frame_tcp(&web, FLAG_ACK, 5001, 1001, 1000);
    f.length = 20;
    give(p, &f, 1054);
    assert_int_equal(replay_end(p->replay)->unreadable, 1);
    past_free(p);
}

/* ---- Time ------------------------------------------------------------------------------------ */

static void time_that_runs_backwards_is_counted_at_the_time_reached(void **state)
{
    (void)state;
    struct past *p = past_new(HEAD THEFT("1h: 1MB"));
    shake_hands(p, web, false);
    send_kilobytes(p, web, 600, SECOND);
    p->now -= 3 * NANOS_HOUR;
    send_kilobytes(p, web, 600, SECOND);
    const struct replay_report *r = replay_end(p->replay);
    assert_int_equal(r->backwards, 600);
    assert_in_range(r->backwards_most, 2 * NANOS_HOUR, 3 * NANOS_HOUR);
    assert_int_equal(r->holds, 1);
    past_free(p);
}

static void a_single_jump_ahead_is_not_believed_and_a_confirmed_one_is(void **state)
{
    (void)state;
    struct past *p = past_new(HEAD THEFT("1h: 1MB"));
    shake_hands(p, web, false);
    send_kilobytes(p, web, 600, SECOND);
    nanos_t here = p->now;
    p->now = here + 1000 * NANOS_DAY;
    send_kilobytes(p, web, 1, SECOND);
    p->now = here;
    send_kilobytes(p, web, 300, SECOND);
    p->now += 5 * NANOS_DAY;
    send_kilobytes(p, web, 1, SECOND);
    p->now -= SECOND; /* near enough */
    send_kilobytes(p, web, 899, SECOND);
    const struct replay_report *r = replay_end(p->replay);
    assert_int_equal(r->jumps, 1);
    assert_int_equal(r->holds, 0); /* five days lie between the two */
    assert_in_range(r->last, here + 5 * NANOS_DAY, here + 6 * NANOS_DAY);
    past_free(p);
}

/* ---- Flows ----------------------------------------------------------------------------------- */

static void a_flow_is_spread_over_its_time(void **state)
{
    (void)state;
    struct past *p = past_new(HEAD THEFT("1h: 1MB"));
    struct replay_flow even = flow_of("10.1.0.7", "198.51.100.9", 8 * MB, BEGAN, 10 * NANOS_HOUR);
    struct replay_flow fast = flow_of("10.1.0.8", "198.51.100.9", 8 * MB, BEGAN, 5 * NANOS_HOUR);
    replay_flow(p->replay, &fast);
    replay_flow(p->replay, &even);
    const struct replay_report *r = replay_end(p->replay);
    assert_int_equal(r->hold_count, 2); /* 1.6 MB an hour: at once, and when that hold has ended */
    assert_int_equal(r->hold[0].who.id[15], 8);
    assert_in_range(r->hold[0].since, BEGAN + 35 * NANOS_MINUTE, BEGAN + 40 * NANOS_MINUTE);
    assert_int_equal(r->sum[0][0].left, 16 * MB);
    assert_int_equal(r->row_count, 2);
    assert_int_equal(r->late, 0);
    past_free(p);
}

static void flows_told_in_the_order_of_their_ends_count_in_that_of_their_bytes(void **state)
{
    (void)state;
    struct past *p = past_new(HEAD THEFT("1h: 1MB"));
    /* The short one of the second hour is told before the long one that began with the first. */
    struct replay_flow brief =
        flow_of("10.1.0.7", "198.51.100.9", MB / 2, BEGAN + 90 * NANOS_MINUTE, SECOND);
    struct replay_flow lengthy = flow_of("10.1.0.7", "198.51.100.9", 2 * MB, BEGAN, 3 * NANOS_HOUR);
    replay_flow(p->replay, &brief);
    replay_flow(p->replay, &lengthy);
    const struct replay_report *r = replay_end(p->replay);
    assert_int_equal(r->holds, 1);
    assert_in_range(r->hold[0].since, BEGAN + 90 * NANOS_MINUTE, BEGAN + 91 * NANOS_MINUTE);
    past_free(p);
}

static void a_flow_told_days_late_counts_where_it_was(void **state)
{
    (void)state;
    struct past *p = past_new(HEAD THEFT("1h: 1MB, 30d: 8MB"));
    for (int day = 0; day < 10; day++) {
        struct replay_flow small =
            flow_of("10.1.0.9", "198.51.100.9", 1000, BEGAN + day * NANOS_DAY, SECOND);
        replay_flow(p->replay, &small);
    }
    struct replay_flow slow = flow_of("10.1.0.7", "198.51.100.9", 9 * MB, BEGAN, 9 * NANOS_DAY);
    replay_flow(p->replay, &slow);
    const struct replay_report *r = replay_end(p->replay);
    assert_in_range(r->late, 7 * MB, 9 * MB);
    assert_in_range(r->holds, 1, 7);
    for (size_t i = 0; i < r->hold_count; i++) /* the month's: it was 42 kB an hour */
        assert_int_equal(r->hold[i].window, 1);
    past_free(p);
}

static void who_began_a_flow_decides_and_an_unknown_beginner_counts_as_inside(void **state)
{
    (void)state;
    struct past *p = past_new(HEAD THEFT("1h: 1MB"));
    struct replay_flow answer = flow_of("198.51.100.9", "10.1.0.7", 1000, BEGAN, SECOND);
    answer.bytes_to = 5 * MB;
    replay_flow(p->replay, &answer);
    answer.began_known = false;
    replay_flow(p->replay, &answer);
    answer.began_known = true;
    answer.established = false; /* three times what came may be answered */
    replay_flow(p->replay, &answer);
    const struct replay_report *r = replay_end(p->replay);
    assert_int_equal(r->sum[0][1].left, 5 * MB + 3000);
    assert_int_equal(r->sum[0][0].left, 10 * MB - 3000);
    past_free(p);
}

static void weeks_and_hosts_have_a_row_each(void **state)
{
    (void)state;
    struct past *p = past_new(HEAD THEFT("1h: 1MB"));
    for (int day = 0; day < 14; day++) {
        struct replay_flow f = flow_of("10.1.0.7", "198.51.100.9", (uint64_t)(1000 + day),
                                       BEGAN + day * NANOS_DAY, SECOND);
        replay_flow(p->replay, &f);
        f = flow_of("10.1.0.8", "198.51.100.9", 10, BEGAN + day * NANOS_DAY, SECOND);
        replay_flow(p->replay, &f);
    }
    const struct replay_report *r = replay_end(p->replay);
    assert_int_equal(r->row_count, 4);
    assert_int_equal(r->row[0].week, BEGAN);
    assert_int_equal(r->row[0].left, 7 * 1000 + 21);
    assert_int_equal(r->row[1].left, 70);
    assert_int_equal(r->row[2].week, BEGAN + 7 * NANOS_DAY);
    assert_int_equal(r->row[2].left, 7 * 1000 + 70);
    past_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_theft_is_held_at_its_limit_and_what_follows_would_not_have_left),
        cmocka_unit_test(nothing_listed_or_within_its_budget_is_touched),
        cmocka_unit_test(after_a_hold_and_its_window_another_limit_may_leave_until_the_day_is_full),
        cmocka_unit_test(answers_of_a_server_count_only_where_a_budget_says_so),
        cmocka_unit_test(who_only_sends_is_stopped_and_holds_nobody),
        cmocka_unit_test(over_the_bytes_of_everyone_the_largest_is_held),
        cmocka_unit_test(from_the_second_day_on_new_hosts_share_one_budget),
        cmocka_unit_test(a_forged_source_is_still_its_link_address),
        cmocka_unit_test(what_stays_inside_or_is_elsewhere_is_said_and_not_counted),
        cmocka_unit_test(what_a_card_cut_up_counts_as_the_segments_that_it_became),
        cmocka_unit_test(a_packet_cut_before_its_addresses_is_said_to_be_unreadable),
        cmocka_unit_test(time_that_runs_backwards_is_counted_at_the_time_reached),
        cmocka_unit_test(a_single_jump_ahead_is_not_believed_and_a_confirmed_one_is),
        cmocka_unit_test(a_flow_is_spread_over_its_time),
        cmocka_unit_test(flows_told_in_the_order_of_their_ends_count_in_that_of_their_bytes),
        cmocka_unit_test(a_flow_told_days_late_counts_where_it_was),
        cmocka_unit_test(who_began_a_flow_decides_and_an_unknown_beginner_counts_as_inside),
        cmocka_unit_test(weeks_and_hosts_have_a_row_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
