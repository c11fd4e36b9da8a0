/* Zeek's conn.log, in both of its forms. */
#include "egress/test_records.h"

#include "egress/zeek.h"

#define FIELDS                                                                                     \
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\t"     \
    "orig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\t"          \
    "orig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\n"
#define HEAD                                                                                       \
    "#separator "                                                                                  \
    "\\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n" FIELDS
#define ROW                                                                                        \
    "1793577600.25\tCaaa\t10.1.0.7\t40000\t198.51.100.9\t443\ttcp\tssl\t2.5\t9000\t100\tSF\tT\t"   \
    "F\t0\tShADadFf\t10\t9520\t8\t516\t-\n"
#define JSON                                                                                       \
    "{\"ts\":1793577600.25,\"uid\":\"Caaa\",\"id.orig_h\":\"10.1.0.7\",\"id.orig_p\":40000,"       \
    "\"id.resp_h\":\"198.51.100.9\",\"id.resp_p\":443,\"proto\":\"tcp\",\"service\":\"ssl\","      \
    "\"duration\":2.5,\"orig_bytes\":9000,\"resp_bytes\":100,\"conn_state\":\"SF\","               \
    "\"local_orig\":true,\"local_resp\":false,\"missed_bytes\":0,\"history\":\"ShADadFf\","        \
    "\"orig_pkts\":10,\"orig_ip_bytes\":9520,\"resp_pkts\":8,\"resp_ip_bytes\":516}\n"

static void is_the_example(const struct found *f)
{
    assert_int_equal(f->flows, 1);
    assert_int_equal(faults_of(f), 0);
    const struct replay_flow *flow = &f->flow[0];
    assert_int_equal(flow->start, INT64_C(1793577600250000000));
    assert_int_equal(flow->end - flow->start, INT64_C(2500000000));
    assert_int_equal(flow->from[15], 7);
    assert_int_equal(flow->to[15], 9);
    assert_int_equal(flow->protocol, 6);
    assert_int_equal(flow->bytes_from, 9520 + 10 * 14);
    assert_int_equal(flow->bytes_to, 516 + 8 * 14);
    assert_true(flow->began_known && flow->established);
    assert_true(flow->local_known && flow->from_local);
    assert_false(flow->has_link);
}

static void both_forms_say_the_same(void **state)
{
    (void)state;
    struct found *f = found_in_text(HEAD ROW);
    is_the_example(f);
    free(f);
    f = found_in_text(JSON);
    is_the_example(f);
    free(f);
}

static void a_header_may_come_again_with_other_columns(void **state)
{
    (void)state;
    struct found *f = found_in_text(HEAD ROW "#close\t2026-11-02\n#separator \\x7c\n"
                                             "#unset_field|(none)\n#path|conn\n"
                                             "#fields|proto|id.resp_h|id.orig_h|ts|duration\n"
                                             "udp|198.51.100.8|10.1.0.8|1793577601|(none)\n");
    assert_int_equal(f->flows, 2);
    assert_int_equal(f->flow[1].protocol, 17);
    assert_int_equal(f->flow[1].from[15], 8);
    assert_int_equal(f->flow[1].end, f->flow[1].start);
    assert_int_equal(faults_of(f), 0);
    free(f);
}

/* conn_state and history -> begun known, established */
static void the_state_says_who_began_and_whether_hands_were_shaken(void **state)
{
    (void)state;
    static const struct {
        const char *state, *history;
        bool known, established;
    } said[] = {{"SF", "ShADadFf", true, true},  {"S1", "ShADad", true, true},
                {"RSTO", "ShADadR", true, true}, {"RSTR", "ShADadr", true, true},
                {"S0", "S", true, false},        {"REJ", "Sr", true, false},
                {"RSTOS0", "SR", true, false},   {"SH", "SF", true, false},
                {"SHR", "hf", true, false},      {"RSTRH", "hr", true, false},
                {"OTH", "Cc", false, false},     {"SF", "^hADafF", false, true}};
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        char line[512];
        snprintf(line, sizeof line,
                 HEAD "1793577600\tC\t10.1.0.7\t1\t198.51.100.9\t2\ttcp\t-\t1\t1\t1\t%s\t-\t-\t0\t"
                      "%s\t1\t60\t1\t60\t-\n",
                 said[i].state, said[i].history);
        struct found *f = found_in_text(line);
        assert_int_equal(f->flows, 1);
        assert_int_equal(f->flow[0].began_known, said[i].known);
        assert_int_equal(f->flow[0].established, said[i].established);
        assert_false(f->flow[0].local_known);
        free(f);
    }
}

static uint64_t bytes_out(const char *payload, const char *missed, const char *packets,
                          const char *bytes)
{
    char line[512];
    snprintf(line, sizeof line,
             HEAD "1793577600\tC\t10.1.0.7\t1\t198.51.100.9\t2\ttcp\t-\t1\t%s\t1\tSF\t-\t-\t%s\t"
                  "Sh\t%s\t%s\t1\t60\t-\n",
             payload, missed, packets, bytes);
    struct found *f = found_in_text(line);
    assert_int_equal(f->flows, 1);
    uint64_t result = f->flow[0].bytes_from;
    free(f);
    return result;
}

static void what_zeek_missed_is_added_as_far_as_the_payload_shows_it(void **state)
{
    (void)state;
    assert_int_equal(bytes_out("9000", "0", "10", "9520"), 9520 + 140);
    assert_int_equal(bytes_out("9000", "500", "10", "9520"), 9520 + 140);
    assert_int_equal(bytes_out("90000", "500", "10", "9520"), 9520 + 140 + 500);
    assert_int_equal(bytes_out("90000", "99999999", "10", "9520"), 90000 + 140);
    assert_int_equal(bytes_out("14600", "0", "-", "-"), 14600 + 10 * 54);
    assert_int_equal(bytes_out("-", "0", "-", "-"), 0);
}

static void lines_that_are_not_in_order_are_counted_by_kind_and_place(void **state)
{
    (void)state;
    struct found *f = found_in_text(
        HEAD ROW
        "1793577600\tC\t10.1.0.300\t1\t198.51.100.9\t2\ttcp\t-\t1\t1\t1\tSF\t-\t-\t0\tS\t1\t"
        "60\t1\t60\t-\n"
        "yesterday\tC\t10.1.0.7\t1\t198.51.100.9\t2\ttcp\t-\t1\t1\t1\tSF\t-\t-\t0\tS\t1\t60\t"
        "1\t60\t-\n"
        "1793577600\tC\t10.1.0.7\t1\t198.51.100.9\t2\ttcp\t-\t1\t-5\t1\tSF\t-\t-\t0\tS\t1\t"
        "60\t1\t60\t-\n"
        "1793577600\tC\t10.1.0.7\n" ROW);
    assert_int_equal(f->flows, 2);
    assert_int_equal(f->faults[FAULT_ADDRESS], 1);
    assert_int_equal(f->place[FAULT_ADDRESS], 8);
    assert_int_equal(f->faults[FAULT_TIME], 1);
    assert_int_equal(f->faults[FAULT_NUMBER], 1);
    assert_int_equal(f->faults[FAULT_SYNTAX], 1);
    assert_int_equal(f->place[FAULT_SYNTAX], 11);
    free(f);
}

static void other_logs_are_passed_by_and_a_log_without_its_fields_is_said(void **state)
{
    (void)state;
    struct found *f =
        found_in_text("#separator \\x09\n#path\tdns\n#fields\tts\tquery\n1\texample\n");
    assert_int_equal(f->others, 1);
    assert_int_equal(faults_of(f), 0);
    free(f);
    f = found_in_text("#separator \\x09\n#path\tconn\n#fields\tts\tquery\n1\texample\n");
    assert_int_equal(f->faults[FAULT_FIELDS], 1);
    free(f);
    f = found_in_text("{\"_path\":\"dns\",\"ts\":1}\n" JSON);
    assert_int_equal(f->others, 1);
    assert_int_equal(f->flows, 1);
    free(f);
}

static void link_addresses_and_other_forms_of_time_are_taken_where_they_are(void **state)
{
    (void)state;
    struct found *f = found_in_text(
        "{\"ts\":\"2026-11-02T00:00:00.5Z\",\"id.orig_h\":\"2001:db8::7\",\"id.resp_h\":"
        "\"2001:db8::9\",\"proto\":\"udp\",\"orig_l2_addr\":\"02:00:00:00:00:07\","
        "\"resp_l2_addr\":\"02:00:00:00:01:01\",\"vlan\":5,\"orig_pkts\":2,\"orig_ip_bytes\":100}\n"
        "{\"ts\":1793577600500,\"id.orig_h\":\"10.1.0.7\",\"id.resp_h\":\"198.51.100.9\","
        "\"proto\":\"icmp\",\"duration\":5e-06}\n");
    assert_int_equal(f->flows, 2);
    assert_int_equal(f->flow[0].start, INT64_C(1793577600500000000));
    assert_true(f->flow[0].has_link);
    assert_int_equal(f->flow[0].from_link[5], 7);
    assert_int_equal(f->flow[0].bytes_from, 100 + 2 * 18);
    assert_int_equal(f->flow[1].start, INT64_C(1793577600500000000));
    assert_int_equal(f->flow[1].end - f->flow[1].start, 5000);
    free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_say_the_same),
        cmocka_unit_test(a_header_may_come_again_with_other_columns),
        cmocka_unit_test(the_state_says_who_began_and_whether_hands_were_shaken),
        cmocka_unit_test(what_zeek_missed_is_added_as_far_as_the_payload_shows_it),
        cmocka_unit_test(lines_that_are_not_in_order_are_counted_by_kind_and_place),
        cmocka_unit_test(other_logs_are_passed_by_and_a_log_without_its_fields_is_said),
        cmocka_unit_test(link_addresses_and_other_forms_of_time_are_taken_where_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
