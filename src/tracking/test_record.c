#include "tracking/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct parcel_number number_of(const char *text)
{
    struct parcel_number parcel = {.length = (uint8_t)strlen(text)};
    memcpy(parcel.text, text, parcel.length);
    return parcel;
}

static uint32_t word(struct dictionary *d, enum word_class class, const char *text)
{
    int32_t number = dictionary_word(d, class, text_of(text));
    assert_true(number >= 0);
    return (uint32_t)number;
}

static struct record sample(struct dictionary *d, uint32_t count)
{
    struct record r = {.changed = 1763600000, .count = count};
    for (uint32_t i = 0; i < count; i++) {
        char code[8], place[24];
        snprintf(code, sizeof code, "C%u", i % 7);
        snprintf(place, sizeof place, "FRPlace %u", i);
        r.event[i] = (struct record_event){
            .at = 1763000000 + (int64_t)i * 4000,
            .offset = (int16_t)(i % 3 ? 60 : -300),
            .step = (uint8_t)(1 + i % 11),
            .code = word(d, WORD_CODE, code),
            .place = word(d, WORD_PLACE, place),
            .product = i % 2 ? 0 : word(d, WORD_PRODUCT, "Colissimo"),
            .pickup = i == 3 ? word(d, WORD_PICKUP, "P0042") : 0,
            .source = word(d, WORD_SOURCE, i % 5 ? "depots" : "partner"),
            .delivery_day = i % 4 == 1   ? 20405 + (int32_t)i
                            : i % 4 == 2 ? 20000
                                         : 0,
        };
    }
    return r;
}

static void a_record_comes_back_as_it_was(void **state)
{
    (void)state;
    struct dictionary *d = dictionary_new();
    struct parcel_number parcel = number_of("RA123456785FR");
    for (uint32_t count = 1; count <= STORE_MAX_EVENTS; count += 11) {
        struct record in = sample(d, count), out;
        uint8_t bytes[RECORD_SIZE_MAX];
        size_t length = record_encode(d, &parcel, &in, bytes);
        assert_int_equal(record_decode(d, &parcel, bytes, length, &out), RECORD_OK);
        assert_int_equal(out.count, count);
        assert_int_equal(out.changed, in.changed);
        assert_true(out.checksum == in.checksum);
        for (uint32_t i = 0; i < count; i++) {
            assert_true(out.event[i].at == in.event[i].at);
            assert_int_equal(out.event[i].offset, in.event[i].offset);
            assert_int_equal(out.event[i].step, in.event[i].step);
            assert_int_equal(out.event[i].code, in.event[i].code);
            assert_int_equal(out.event[i].place, in.event[i].place);
            assert_int_equal(out.event[i].product, in.event[i].product);
            assert_int_equal(out.event[i].pickup, in.event[i].pickup);
            assert_int_equal(out.event[i].source, in.event[i].source);
            assert_int_equal(out.event[i].delivery_day, in.event[i].delivery_day);
        }
    }
    dictionary_free(d);
}

static void three_events_take_under_fifty_bytes(void **state)
{
    (void)state;
    struct dictionary *d = dictionary_new();
    struct parcel_number parcel = number_of("RA123456785FR");
    struct record r = {.changed = 1763600000, .count = 3};
    for (int i = 0; i < 3; i++)
        r.event[i] = (struct record_event){.at = 1763000000 + i * 50000,
                                           .offset = 60,
                                           .step = 3,
                                           .code = word(d, WORD_CODE, i ? "ET1" : "PC1"),
                                           .place = word(d, WORD_PLACE, "FRRoissy"),
                                           .product = i ? 0 : word(d, WORD_PRODUCT, "Colissimo"),
                                           .source = word(d, WORD_SOURCE, "depots"),
                                           .delivery_day = i ? 0 : 20410};
    uint8_t bytes[RECORD_SIZE_MAX];
    assert_true(record_encode(d, &parcel, &r, bytes) < 50);
    dictionary_free(d);
}

static void any_single_damaged_bit_is_refused(void **state)
{
    (void)state;
    struct dictionary *d = dictionary_new();
    struct parcel_number parcel = number_of("RA123456785FR");
    struct record in = sample(d, 5), out;
    uint8_t bytes[RECORD_SIZE_MAX];
    size_t length = record_encode(d, &parcel, &in, bytes);
    for (size_t bit = 0; bit < length * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(record_decode(d, &parcel, bytes, length, &out), RECORD_OK);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t cut = 0; cut < length; cut++)
        assert_int_not_equal(record_decode(d, &parcel, bytes, cut, &out), RECORD_OK);
    assert_int_equal(record_decode(d, &parcel, bytes, length, &out), RECORD_OK);
    dictionary_free(d);
}

static void a_record_under_another_number_is_refused(void **state)
{
    (void)state;
    struct dictionary *d = dictionary_new();
    struct parcel_number parcel = number_of("RA123456785FR"), other = number_of("RA123456799FR");
    struct record in = sample(d, 2), out;
    uint8_t bytes[RECORD_SIZE_MAX];
    size_t length = record_encode(d, &parcel, &in, bytes);
    assert_int_equal(record_decode(d, &other, bytes, length, &out), RECORD_DAMAGED);
    dictionary_free(d);
}

/* The same numbers of words, but other words: what a record joined to another file's dictionary
 * would show. */
static void a_record_with_another_dictionary_is_refused(void **state)
{
    (void)state;
    struct dictionary *d = dictionary_new(), *other = dictionary_new();
    struct parcel_number parcel = number_of("RA123456785FR");
    struct record in = sample(d, 1), out;
    uint8_t bytes[RECORD_SIZE_MAX];
    size_t length = record_encode(d, &parcel, &in, bytes);
    word(other, WORD_CODE, "C0");
    assert_int_equal(record_decode(other, &parcel, bytes, length, &out), RECORD_UNKNOWN_WORD);
    word(other, WORD_PLACE, "FRElsewhere");
    word(other, WORD_PRODUCT, "Colissimo");
    word(other, WORD_SOURCE, "partner");
    assert_int_equal(record_decode(other, &parcel, bytes, length, &out), RECORD_DAMAGED);
    dictionary_free(d);
    dictionary_free(other);
}

static void words_that_a_full_dictionary_has_no_room_for_are_written_out(void **state)
{
    (void)state;
    struct dictionary *d = dictionary_new(), *reader = dictionary_new();
    for (int class = 0; class < WORD_CLASS_COUNT; class ++)
        d->bound[class] = 0;
    struct parcel_number parcel = number_of("RA123456785FR");
    struct record in = sample(d, 4), out;
    assert_true(in.event[0].code >= WORD_LOCAL);
    uint8_t bytes[RECORD_SIZE_MAX];
    size_t length = record_encode(d, &parcel, &in, bytes);
    assert_int_equal(record_decode(reader, &parcel, bytes, length, &out), RECORD_OK);
    static struct history history;
    record_history(reader, bytes, &out, &history);
    assert_true(text_is(history.event[3].code, "C3"));
    assert_true(text_is(history.event[3].place, "Place 3"));
    assert_string_equal(history.event[3].country, "FR");
    assert_true(text_is(history.product, "Colissimo"));
    assert_true(text_is(history.pickup, "P0042"));
    assert_true(record_own(d, bytes, &out));
    assert_int_equal(out.event[3].code, in.event[3].code);
    dictionary_free(d);
    dictionary_free(reader);
}

static void the_last_event_that_says_it_decides(void **state)
{
    (void)state;
    struct dictionary *d = dictionary_new();
    struct record r = {.count = 3};
    r.event[0] = (struct record_event){.delivery_day = 20400, .pickup = word(d, WORD_PICKUP, "P1")};
    r.event[1] = (struct record_event){.delivery_day = 20401, .pickup = 0};
    static struct history history;
    record_history(d, NULL, &r, &history);
    assert_int_equal(history.delivery_day, 20401);
    assert_true(text_is(history.pickup, "P1"));
    assert_int_equal(history.product.length, 0);
    dictionary_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_comes_back_as_it_was),
        cmocka_unit_test(three_events_take_under_fifty_bytes),
        cmocka_unit_test(any_single_damaged_bit_is_refused),
        cmocka_unit_test(a_record_under_another_number_is_refused),
        cmocka_unit_test(a_record_with_another_dictionary_is_refused),
        cmocka_unit_test(words_that_a_full_dictionary_has_no_room_for_are_written_out),
        cmocka_unit_test(the_last_event_that_says_it_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
