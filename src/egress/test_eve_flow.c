/* Flow records of Suricata's EVE log. */
#include "egress/test_records.h"

#include "egress/eve_flow.h"

#define FLOW                                                                                       \
    "\"flow\":{\"pkts_toserver\":10,\"pkts_toclient\":8,\"bytes_toserver\":9660,"                  \
    "\"bytes_toclient\":628,\"start\":\"2026-11-02T01:00:00.250000+0100\",\"end\":"                \
    "\"2026-11-02T00:00:02.750000Z\",\"age\":2,\"state\":\"closed\",\"reason\":\"timeout\"}"
#define ENDS                                                                                       \
    "\"src_ip\":\"10.1.0.7\",\"src_port\":40000,\"dest_ip\":\"198.51.100.9\",\"dest_port\":443,"   \
    "\"proto\":\"TCP\","
#define RECORD(tcp)                                                                                \
    "{\"timestamp\":\"2026-11-02T00:01:00.000000+0000\",\"flow_id\":1,\"event_type\":"             \
    "\"flow\"," ENDS FLOW tcp "}\n"
#define FLAGS(ts, tc) ",\"tcp\":{\"tcp_flags_ts\":\"" ts "\",\"tcp_flags_tc\":\"" tc "\"}"

static void a_flow_is_what_it_says(void **state)
{
    (void)state;
    struct found *f = found_in_text(RECORD(FLAGS("1b", "1b")));
    assert_int_equal(f->flows, 1);
    assert_int_equal(faults_of(f), 0);
    assert_int_equal(f->flow[0].start, INT64_C(1793577600250000000));
    assert_int_equal(f->flow[0].end - f->flow[0].start, INT64_C(2500000000));
    assert_int_equal(f->flow[0].bytes_from, 9660);
    assert_int_equal(f->flow[0].bytes_to, 628);
    assert_int_equal(f->flow[0].packets_to, 8);
    assert_int_equal(f->flow[0].protocol, 6);
    assert_true(f->flow[0].began_known && f->flow[0].established);
    free(f);
}

static void flags_say_who_began_and_whether_hands_were_shaken(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool known, established;
    } said[] = {{RECORD(FLAGS("1b", "1b")), true, true},
                {RECORD(FLAGS("02", "00")), true, false},
                {RECORD(FLAGS("06", "12")), true, false},
                {RECORD(FLAGS("18", "18")), false, true},
                {RECORD(""), false, true}};
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        struct found *f = found_in_text(said[i].line);
        assert_int_equal(f->flows, 1);
        assert_int_equal(f->flow[0].began_known, said[i].known);
        assert_int_equal(f->flow[0].established, said[i].established);
        free(f);
    }
}

static void other_records_are_passed_by_without_being_read_to_their_end(void **state)
{
    (void)state;
    struct found *f = found_in_text(
        "{\"timestamp\":\"x\",\"event_type\":\"alert\",\"alert\":{broken\n" RECORD(""));
    assert_int_equal(f->others, 1);
    assert_int_equal(f->flows, 1);
    assert_int_equal(faults_of(f), 0);
    free(f);
}

static void what_is_broken_is_told_by_kind_and_line(void **state)
{
    (void)state;
    struct found *f = found_in_text(RECORD(
        "") "{\"event_type\":\"flow\"," ENDS "\"flow\":{\"start\":\n"
            "{\"event_type\":\"flow\"," ENDS "\"flow\":{}}\n"
            "{\"event_type\":\"flow\",\"src_ip\":\"10.1.0.7\"}\n"
            "{\"event_type\":\"flow\",\"src_ip\":\"x\",\"dest_ip\":\"y\",\"proto\":\"TCP\"," FLOW
            "}\n");
    assert_int_equal(f->flows, 1);
    assert_int_equal(f->faults[FAULT_SYNTAX], 1);
    assert_int_equal(f->place[FAULT_SYNTAX], 2);
    assert_int_equal(f->faults[FAULT_TIME], 1);
    assert_int_equal(f->faults[FAULT_FIELDS], 1);
    assert_int_equal(f->faults[FAULT_ADDRESS], 1);
    assert_int_equal(f->place[FAULT_ADDRESS], 5);
    free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flow_is_what_it_says),
        cmocka_unit_test(flags_say_who_began_and_whether_hands_were_shaken),
        cmocka_unit_test(other_records_are_passed_by_without_being_read_to_their_end),
        cmocka_unit_test(what_is_broken_is_told_by_kind_and_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
