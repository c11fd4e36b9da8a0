/* Captures as libpcap writes them, whole and damaged. */
#include "egress/test_records.h"

#include "egress/pcap.h"

enum { MICROSECONDS = 0xa1b2c3d4, NANOSECONDS = 0xa1b23c4d, ETHERNET = 1, BEGAN = 1793577600 };

static void add_header(struct bytes *b, uint32_t magic, uint32_t link_type)
{
    add32(b, magic);
    add16(b, 2);
    add16(b, 4);
    add32(b, 0);
    add32(b, 0);
    add32(b, 262144);
    add32(b, link_type);
}

static void add_packet(struct bytes *b, uint32_t second, uint32_t fraction, uint8_t fill)
{
    add32(b, second);
    add32(b, fraction);
    add32(b, 60);
    add32(b, 1514);
    add_filled(b, fill, 60);
}

static struct bytes *capture(uint32_t packets)
{
    struct bytes *b = calloc(1, sizeof *b);
    assert_non_null(b);
    add_header(b, MICROSECONDS, ETHERNET);
    for (uint32_t i = 0; i < packets; i++)
        add_packet(b, BEGAN + i, i, (uint8_t)(i + 1));
    return b;
}

static void both_byte_orders_and_both_clocks_are_read(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct bytes *b = calloc(1, sizeof *b);
        assert_non_null(b);
        b->big = i & 1;
        add_header(b, i & 2 ? NANOSECONDS : MICROSECONDS, ETHERNET);
        add_packet(b, BEGAN, 999999, 7);
        struct found *f = found_in(b->data, b->length);
        assert_int_equal(f->frames, 1);
        assert_int_equal(f->frame[0].time, BEGAN * NANOS_SECOND + (i & 2 ? 999999 : 999999000));
        assert_int_equal(f->frame[0].captured, 60);
        assert_int_equal(f->frame[0].length, 1514);
        assert_true(f->frame[0].link);
        assert_int_equal(f->first_byte[0], 7);
        assert_int_equal(faults_of(f), 0);
        free(f);
        free(b);
    }
}

static void a_capture_that_ends_in_a_packet_gives_the_others(void **state)
{
    (void)state;
    struct bytes *b = capture(5);
    struct found *f = found_in(b->data, b->length - 10);
    assert_int_equal(f->frames, 4);
    assert_int_equal(f->faults[FAULT_CUT], 1);
    assert_int_equal(f->place[FAULT_CUT], 24 + 4 * 76);
    assert_int_equal(faults_of(f), 1);
    free(f);
    free(b);
}

static void behind_a_damaged_packet_header_reading_goes_on(void **state)
{
    (void)state;
    struct bytes *b = capture(10);
    memset(b->data + 24 + 3 * 76 + 8, 0xff, 4); /* the fourth's length */
    struct found *f = found_in(b->data, b->length);
    assert_int_equal(f->frames, 9);
    assert_int_equal(f->first_byte[3], 5);
    assert_int_equal(f->faults[FAULT_PACKET], 1);
    assert_int_equal(f->place[FAULT_PACKET], 24 + 3 * 76);
    assert_int_equal(faults_of(f), 1);
    free(f);
    free(b);
}

static void a_hole_in_the_file_costs_what_was_in_it(void **state)
{
    (void)state;
    struct bytes *b = capture(20);
    size_t from = 24 + 5 * 76 + 31, size = 333;
    memmove(b->data + from, b->data + from + size, b->length - from - size);
    struct found *f = found_in(b->data, b->length - size);
    assert_in_range(f->frames, 14, 16);
    assert_int_equal(f->first_byte[f->frames - 1], 20);
    assert_int_equal(f->faults[FAULT_PACKET], 1);
    free(f);
    free(b);
}

static void a_link_type_that_is_not_read_is_said_once(void **state)
{
    (void)state;
    struct bytes *b = calloc(1, sizeof *b);
    assert_non_null(b);
    add_header(b, MICROSECONDS, 105);
    add_packet(b, BEGAN, 0, 1);
    struct found *f = found_in(b->data, b->length);
    assert_int_equal(f->frames, 0);
    assert_int_equal(f->faults[FAULT_LINK], 1);
    free(f);
    free(b);
}

/* link type, hardware; where the IP header begins, and what the line carried of 1514 bytes */
static void each_link_type_begins_at_its_ip_header(void **state)
{
    (void)state;
    static const struct {
        uint32_t type, begin, length;
    } known[] = {{101, 0, 1514}, {228, 0, 1514},      {0, 4, 1510},
                 {108, 4, 1510}, {113, 16, 1514 - 2}, {276, 20, 1514 - 6}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct bytes *b = calloc(1, sizeof *b);
        assert_non_null(b);
        add_header(b, MICROSECONDS, known[i].type);
        add_packet(b, BEGAN, 0, 0);
        uint8_t *packet = b->data + b->length - 60;
        packet[known[i].begin] = 0x45;
        packet[known[i].type == 113 ? 3 : 9] = 1; /* ARPHRD_ETHER, where there is such a field */
        struct found *f = found_in(b->data, b->length);
        assert_int_equal(f->frames, 1);
        assert_false(f->frame[0].link);
        assert_int_equal(f->first_byte[0], 0x45);
        assert_int_equal(f->frame[0].length, known[i].length);
        free(f);
        free(b);
    }
}

/* Each byte of a small capture set to each of some values: nothing else may happen than that
 * packets or faults are told. */
static void no_single_byte_stops_it(void **state)
{
    (void)state;
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
    struct bytes *b = capture(4);
    for (size_t i = 0; i < b->length; i++) {
        for (size_t v = 0; v < sizeof values; v++) {
            uint8_t old = b->data[i];
            b->data[i] = values[v];
            struct found *f = found_in(b->data, b->length);
            assert_true(f->frames + faults_of(f) > 0);
            if (i >= 24)
                assert_true(f->frames >= 1);
            free(f);
            b->data[i] = old;
        }
    }
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_byte_orders_and_both_clocks_are_read),
        cmocka_unit_test(a_capture_that_ends_in_a_packet_gives_the_others),
        cmocka_unit_test(behind_a_damaged_packet_header_reading_goes_on),
        cmocka_unit_test(a_hole_in_the_file_costs_what_was_in_it),
        cmocka_unit_test(a_link_type_that_is_not_read_is_said_once),
        cmocka_unit_test(each_link_type_begins_at_its_ip_header),
        cmocka_unit_test(no_single_byte_stops_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
