/* Captures in sections and blocks, whole and damaged. */
#include "egress/test_records.h"

#include "egress/pcapng.h"

enum { SECTION = 0x0a0d0d0a, INTERFACE = 1, SIMPLE = 3, NAMES = 4, ENHANCED = 6, ETHERNET = 1 };
enum { BEGAN = 1793577600 };

struct ng {
    struct bytes bytes;
    size_t open; /* where the block that is being written begins */
};

static struct ng *ng_new(bool big)
{
    struct ng *n = calloc(1, sizeof *n);
    assert_non_null(n);
    n->bytes.big = big;
    return n;
}

static void block_begin(struct ng *n, uint32_t type)
{
    n->open = n->bytes.length;
    add32(&n->bytes, type);
    add32(&n->bytes, 0);
}

static void block_end(struct ng *n)
{
    add_filled(&n->bytes, 0, (4 - n->bytes.length % 4) % 4);
    size_t end = n->bytes.length + 4, length = end - n->open;
    add32(&n->bytes, (uint32_t)length);
    n->bytes.length = n->open + 4;
    add32(&n->bytes, (uint32_t)length);
    n->bytes.length = end;
}

static void add_section(struct ng *n)
{
    block_begin(n, SECTION);
    add32(&n->bytes, 0x1a2b3c4d);
    add16(&n->bytes, 1);
    add16(&n->bytes, 0);
    add32(&n->bytes, UINT32_MAX);
    add32(&n->bytes, UINT32_MAX);
    block_end(n);
}

/* resolution 0: without the option; offset of its seconds 0: without it */
static void add_interface(struct ng *n, unsigned link_type, uint8_t resolution, uint32_t offset)
{
    block_begin(n, INTERFACE);
    add16(&n->bytes, link_type);
    add16(&n->bytes, 0);
    add32(&n->bytes, 262144);
    if (resolution) {
        add16(&n->bytes, 9);
        add16(&n->bytes, 1);
        add(&n->bytes, &resolution, 1);
        add_filled(&n->bytes, 0, 3);
    }
    if (offset) {
        add16(&n->bytes, 14);
        add16(&n->bytes, 8);
        add32(&n->bytes, n->bytes.big ? 0 : offset);
        add32(&n->bytes, n->bytes.big ? offset : 0);
    }
    add32(&n->bytes, 0);
    block_end(n);
}

static void add_packet(struct ng *n, uint32_t interface, uint64_t stamp, uint8_t fill)
{
    block_begin(n, ENHANCED);
    add32(&n->bytes, interface);
    add32(&n->bytes, (uint32_t)(stamp >> 32));
    add32(&n->bytes, (uint32_t)stamp);
    add32(&n->bytes, 61);
    add32(&n->bytes, 1514);
    add_filled(&n->bytes, fill, 61);
    block_end(n);
}

static struct found *found_of(struct ng *n)
{
    return found_in(n->bytes.data, n->bytes.length);
}

static void each_interface_has_its_link_type_and_its_clock(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct ng *n = ng_new(big);
        add_section(n);
        add_interface(n, ETHERNET, 0, 0);            /* microseconds */
        add_interface(n, 101, 9, 0);                 /* nanoseconds, raw IP */
        add_interface(n, ETHERNET, 0x80 | 10, 0);    /* 1/1024 s */
        add_interface(n, ETHERNET, 3, BEGAN - 1000); /* milliseconds since an offset */
        add_packet(n, 0, UINT64_C(1000000) * BEGAN + 5, 1);
        add_packet(n, 1, UINT64_C(1000000000) * BEGAN + 6, 0x45);
        add_packet(n, 2, UINT64_C(1024) * BEGAN + 512, 3);
        add_packet(n, 3, 1000250, 4);
        struct found *f = found_of(n);
        assert_int_equal(f->frames, 4);
        assert_int_equal(faults_of(f), 0);
        assert_int_equal(f->frame[0].time, BEGAN * NANOS_SECOND + 5000);
        assert_int_equal(f->frame[1].time, BEGAN * NANOS_SECOND + 6);
        assert_int_equal(f->frame[2].time, BEGAN * NANOS_SECOND + NANOS_SECOND / 2);
        assert_int_equal(f->frame[3].time, BEGAN * NANOS_SECOND + NANOS_SECOND / 4);
        assert_true(f->frame[0].link);
        assert_false(f->frame[1].link);
        assert_int_equal(f->frame[0].captured, 61);
        assert_int_equal(f->frame[0].length, 1514);
        free(f);
        free(n);
    }
}

static void each_section_has_its_byte_order_and_its_interfaces(void **state)
{
    (void)state;
    struct ng *n = ng_new(false);
    add_section(n);
    add_interface(n, ETHERNET, 0, 0);
    add_packet(n, 0, UINT64_C(1000000) * BEGAN, 1);
    n->bytes.big = true;
    add_section(n);
    add_packet(n, 0, UINT64_C(1000000) * BEGAN, 2); /* of no interface: a new section */
    add_interface(n, ETHERNET, 0, 0);
    add_packet(n, 0, UINT64_C(1000000) * BEGAN, 3);
    struct found *f = found_of(n);
    assert_int_equal(f->frames, 2);
    assert_int_equal(f->first_byte[1], 3);
    assert_int_equal(f->faults[FAULT_INTERFACE], 1);
    free(f);
    free(n);
}

static void blocks_of_other_kinds_and_simple_packets_are_met(void **state)
{
    (void)state;
    struct ng *n = ng_new(false);
    add_section(n);
    block_begin(n, NAMES);
    add_filled(&n->bytes, 9, 40);
    block_end(n);
    add_interface(n, ETHERNET, 0, 0);
    add_packet(n, 0, UINT64_C(1000000) * BEGAN, 1);
    block_begin(n, SIMPLE);
    add32(&n->bytes, 50);
    add_filled(&n->bytes, 7, 50);
    block_end(n);
    struct found *f = found_of(n);
    assert_int_equal(f->frames, 2);
    assert_int_equal(f->frame[1].captured, 50);
    assert_int_equal(f->frame[1].time, BEGAN * NANOS_SECOND); /* as of the one before */
    free(f);
    free(n);
}

static void behind_a_damaged_block_reading_goes_on(void **state)
{
    (void)state;
    struct ng *n = ng_new(false);
    add_section(n);
    add_interface(n, ETHERNET, 0, 0);
    for (uint8_t i = 0; i < 10; i++)
        add_packet(n, 0, UINT64_C(1000000) * BEGAN + i, i);
    size_t packet = (n->bytes.length - 28 - 24) / 10;
    assert_int_equal(n->bytes.length, 28 + 24 + 10 * packet);
    size_t fourth = n->bytes.length - 7 * packet;
    n->bytes.data[fourth + 4] ^= 0x40; /* its first length */
    struct found *f = found_of(n);
    assert_int_equal(f->frames, 9);
    assert_int_equal(f->first_byte[3], 4);
    assert_int_equal(f->faults[FAULT_BLOCK], 1);
    assert_int_equal(f->place[FAULT_BLOCK], fourth);
    assert_int_equal(faults_of(f), 1);
    free(f);
    free(n);
}

static void a_capture_that_ends_in_a_block_gives_the_others(void **state)
{
    (void)state;
    struct ng *n = ng_new(false);
    add_section(n);
    add_interface(n, ETHERNET, 0, 0);
    for (uint8_t i = 0; i < 3; i++)
        add_packet(n, 0, UINT64_C(1000000) * BEGAN + i, i);
    n->bytes.length -= 5;
    struct found *f = found_of(n);
    assert_int_equal(f->frames, 2);
    assert_int_equal(f->faults[FAULT_CUT], 1);
    free(f);
    free(n);
}

static void no_single_byte_stops_it(void **state)
{
    (void)state;
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
    struct ng *n = ng_new(false);
    add_section(n);
    add_interface(n, ETHERNET, 6, 5);
    for (uint8_t i = 0; i < 3; i++)
        add_packet(n, 0, UINT64_C(1000000) * BEGAN + i, i);
    for (size_t i = 0; i < n->bytes.length; i++) {
        for (size_t v = 0; v < sizeof values; v++) {
            uint8_t old = n->bytes.data[i];
            n->bytes.data[i] = values[v];
            struct found *f = found_of(n);
            assert_true(f->frames + faults_of(f) > 0);
            free(f);
            n->bytes.data[i] = old;
        }
    }
    free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_interface_has_its_link_type_and_its_clock),
        cmocka_unit_test(each_section_has_its_byte_order_and_its_interfaces),
        cmocka_unit_test(blocks_of_other_kinds_and_simple_packets_are_met),
        cmocka_unit_test(behind_a_damaged_block_reading_goes_on),
        cmocka_unit_test(a_capture_that_ends_in_a_block_gives_the_others),
        cmocka_unit_test(no_single_byte_stops_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
