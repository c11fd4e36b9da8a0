#include "tracking/feed_internal.h"
#include "tracking/test_feed.h"

#include <jansson.h>

#define PLAIN "{\"parcel\":\"RA123456785FR\",\"at\":\"2026-11-20T14:03:00Z\",\"code\":\"ET1\""

static struct caught *line(const char *text)
{
    return feed_text(FEED_NDJSON, text_of(text), 0);
}

static void assert_line_refused(const char *text, enum feed_reason reason, const char *field)
{
    struct caught *caught = line(text);
    if (caught->rejects != 1 || caught->events)
        fail_msg("%s: %zu events, %zu rejects", text, caught->events, caught->rejects);
    assert_reject(caught, 0, 1, reason, field);
    free(caught);
}

static void a_full_line_becomes_an_event(void **state)
{
    (void)state;
    struct caught *caught = line(
        PLAIN ",\"place\":\"Roissy\",\"country\":\"fr\",\"product\":\"Colissimo\","
              "\"delivery_date\":\"2026-11-24\",\"pickup\":\"75012A\",\"source\":\"hub\"}\r\n");
    assert_int_equal(caught->events, 1);
    const struct event *event = caught->event;
    assert_string_equal(event->parcel.text, "RA123456785FR");
    assert_int_equal(event->at, 1795183380);
    assert_int_equal(event->offset, 0);
    assert_int_equal(event->step, STEP_SORTING);
    assert_string_equal(event->code, "ET1");
    assert_string_equal(event->place, "Roissy");
    assert_string_equal(event->country, "FR");
    assert_string_equal(event->product, "Colissimo");
    assert_string_equal(event->pickup, "75012A");
    assert_string_equal(event->source, "hub");
    assert_int_equal(event->delivery_day, day_of_date(2026, 11, 24));
    free(caught);
}

static void order_and_space_do_not_matter(void **state)
{
    (void)state;
    struct caught *caught = line(" { \"code\" : \"EMI\" ,\t\"at\":\"2026-11-20T15:03:00+01:00\", "
                                 "\"parcel\":\"ra 1234 5678 5 fr\" } ");
    assert_int_equal(caught->events, 1);
    assert_int_equal(caught->event[0].at, 1795183380);
    assert_int_equal(caught->event[0].offset, 60);
    assert_int_equal(caught->event[0].step, STEP_DELIVERED);
    free(caught);
}

static void unknown_codes_are_kept_without_a_claim(void **state)
{
    (void)state;
    struct caught *caught = line(
        "{\"parcel\":\"RA123456785FR\",\"at\":\"2026-11-20T14:03:00Z\",\"code\":\"X-17\"}\n"
        "{\"parcel\":\"RA123456785FR\",\"at\":\"2026-11-20T14:03:00Z\",\"code\":\"out_for_"
        "delivery\"}\n"
        "{\"parcel\":\"RA123456785FR\",\"at\":\"2026-11-20T14:03:00Z\",\"code\":\"departing\"}\n");
    assert_int_equal(caught->events, 3);
    assert_string_equal(caught->event[0].code, "X-17");
    assert_int_equal(caught->event[0].step, STEP_UNKNOWN);
    assert_int_equal(caught->event[1].step, STEP_OUT_FOR_DELIVERY);
    assert_int_equal(caught->event[2].step, STEP_IN_TRANSIT);
    free(caught);
}

static void escapes_are_resolved(void **state)
{
    (void)state;
    struct caught *caught =
        line(PLAIN ",\"pl\\u0061ce\":\"N\\u00eemes \\\"3\\/4\\\" \\ud83d\\ude9a\"}");
    assert_int_equal(caught->events, 1);
    assert_string_equal(caught->event[0].place, "Nîmes \"3/4\" \xf0\x9f\x9a\x9a");
    free(caught);
}

static void long_places_are_cut_at_a_character(void **state)
{
    (void)state;
    struct caught *caught =
        line(PLAIN ",\"place\":\"abcdefghijabcdefghijabcdefghijabcdefghijabcdefé9\"}\n" PLAIN
                   ",\"place\":\"abcdefghijabcdefghijabcdefghijabcdefghijabcdefgé\"}");
    assert_string_equal(caught->event[0].place, "abcdefghijabcdefghijabcdefghijabcdefghijabcdefé");
    assert_string_equal(caught->event[1].place, "abcdefghijabcdefghijabcdefghijabcdefghijabcdefg");
    free(caught);
}

static void null_and_empty_are_not_said(void **state)
{
    (void)state;
    struct caught *caught = line(PLAIN ",\"place\":null,\"country\":\"\",\"delivery_date\":null}");
    assert_int_equal(caught->events, 1);
    assert_string_equal(caught->event[0].country, "");
    free(caught);
    assert_line_refused("{\"parcel\":null,\"at\":\"2026-11-20T14:03:00Z\",\"code\":\"ET1\"}",
                        FEED_NO_PARCEL, "parcel");
}

static void each_mistake_has_its_reason_and_field(void **state)
{
    (void)state;
    assert_line_refused("{\"at\":\"2026-11-20T14:03:00Z\",\"code\":\"ET1\"}", FEED_NO_PARCEL,
                        "parcel");
    assert_line_refused("{\"parcel\":\"RA12\",\"at\":\"2026-11-20T14:03:00Z\",\"code\":\"ET1\"}",
                        FEED_PARCEL_FORM, "parcel");
    assert_line_refused(
        "{\"parcel\":\"RA123456784FR\",\"at\":\"2026-11-20T14:03:00Z\",\"code\":\"ET1\"}",
        FEED_PARCEL_CHECK, "parcel");
    assert_line_refused("{\"parcel\":\"RA123456785FR\",\"code\":\"ET1\"}", FEED_NO_TIME, "at");
    assert_line_refused(
        "{\"parcel\":\"RA123456785FR\",\"at\":\"2026-11-20T14:03:00\",\"code\":\"ET1\"}",
        FEED_NO_TIME, "at");
    assert_line_refused("{\"parcel\":\"RA123456785FR\",\"at\":\"20/11/2026\",\"code\":\"ET1\"}",
                        FEED_BAD_TIME, "at");
    assert_line_refused("{\"parcel\":\"RA123456785FR\",\"at\":\"2026-11-20T14:03:00Z\"}",
                        FEED_NO_CODE, "code");
    assert_line_refused(
        "{\"parcel\":\"RA123456785FR\",\"at\":\"2026-11-20T14:03:00Z\",\"code\":\"two words\"}",
        FEED_BAD_FIELD, "code");
    assert_line_refused("{\"parcel\":123,\"at\":\"2026-11-20T14:03:00Z\",\"code\":\"ET1\"}",
                        FEED_BAD_FIELD, "parcel");
    assert_line_refused(PLAIN ",\"country\":\"XX\"}", FEED_BAD_FIELD, "country");
    assert_line_refused(PLAIN ",\"country\":\"FRA\"}", FEED_BAD_FIELD, "country");
    assert_line_refused(PLAIN ",\"delivery_date\":\"soon\"}", FEED_BAD_FIELD, "delivery_date");
    assert_line_refused(PLAIN ",\"pickup\":\"chez Mme Martin\"}", FEED_BAD_FIELD, "pickup");
    assert_line_refused(PLAIN ",\"pickup\":\"12345678901234567\"}", FEED_BAD_FIELD, "pickup");
    assert_line_refused(PLAIN ",\"source\":\"a\\tb\"}", FEED_BAD_FIELD, "source");
}

static void controls_and_reordering_marks_are_refused(void **state)
{
    (void)state;
    assert_line_refused(PLAIN ",\"place\":\"a\\u0000b\"}", FEED_BAD_FIELD, "place");
    assert_line_refused(PLAIN ",\"place\":\"a\\nb\"}", FEED_BAD_FIELD, "place");
    assert_line_refused(PLAIN ",\"place\":\"a\\u007fb\"}", FEED_BAD_FIELD, "place");
    assert_line_refused(PLAIN ",\"place\":\"a\xc2\x85"
                              "b\"}",
                        FEED_BAD_FIELD, "place");
    assert_line_refused(PLAIN ",\"place\":\"a\\u202eb\"}", FEED_BAD_FIELD, "place");
    assert_line_refused(PLAIN ",\"place\":\"a\\u2066b\"}", FEED_BAD_FIELD, "place");
    assert_line_refused(PLAIN ",\"product\":\"a\\u2028b\"}", FEED_BAD_FIELD, "product");
    assert_line_refused(PLAIN ",\"place\":\"a\tb\"}", FEED_SYNTAX, "");
}

static void a_name_that_comes_twice_is_refused(void **state)
{
    (void)state;
    assert_line_refused(PLAIN ",\"code\":\"DI1\"}", FEED_BAD_FIELD, "code");
    assert_line_refused(PLAIN ",\"place\":null,\"pl\\u0061ce\":\"x\"}", FEED_BAD_FIELD, "place");
    struct caught *caught = line(PLAIN ",\"other\":1,\"other\":2}");
    assert_int_equal(caught->events, 1);
    free(caught);
}

static void what_is_not_json_is_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "{",
        "}",
        "[]",
        "null",
        "x",
        "{}x",
        PLAIN,
        PLAIN ",}",
        PLAIN "}}",
        PLAIN ",\"a\"}",
        PLAIN ",\"a\":}",
        PLAIN ",\"a\":01}",
        PLAIN ",\"a\":1.}",
        PLAIN ",\"a\":.5}",
        PLAIN ",\"a\":+1}",
        PLAIN ",\"a\":1e}",
        PLAIN ",\"a\":tru}",
        PLAIN ",\"a\":[1,]}",
        PLAIN ",\"a\":[1 2]}",
        PLAIN ",\"a\":{\"b\"}}",
        PLAIN ",a:1}",
        PLAIN ",\"a\":\"\\x\"}",
        PLAIN ",\"a\":\"\\u12g4\"}",
        PLAIN ",\"a\":\"\\ud800\"}",
        PLAIN ",\"a\":\"\\udc00\"}",
        PLAIN ",\"a\":\"\\ud800\\u0041\"}",
        PLAIN ",\"a\":\"b}",
        PLAIN ",\"a\":\"\\",
        PLAIN ",\"a\":'b'}",
        PLAIN ",\"a\":NaN}",
        PLAIN ",\"a\":-}",
        PLAIN "} {}",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_line_refused(lines[i], FEED_SYNTAX, "");
    assert_line_refused("{}", FEED_NO_PARCEL, "parcel");
}

static void what_is_not_utf8_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\xff",     "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80",
        "\xe2\x82", "\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, PLAIN ",\"note\":\"a%sb\"}", bad[i]);
        assert_line_refused(text, FEED_NOT_UTF8, "");
    }
}

static void unknown_fields_are_skipped_however_deep_up_to_a_bound(void **state)
{
    (void)state;
    for (unsigned depth = 60; depth <= 66; depth++) {
        char text[512];
        struct writer w = writer_on(text, sizeof text - 1);
        WRITE_LITERAL(&w, PLAIN ",\"x\":");
        for (unsigned i = 0; i < depth; i++)
            WRITE_LITERAL(&w, "[");
        for (unsigned i = 0; i < depth; i++)
            WRITE_LITERAL(&w, "]");
        WRITE_LITERAL(&w, "}");
        text[w.length] = 0;
        struct caught *caught = line(text);
        assert_int_equal(caught->events, depth < FEED_DEPTH_MAX);
        free(caught);
    }
    struct caught *caught =
        line(PLAIN ",\"x\":{\"y\":[1,-2.5e+3,true,false,null,{\"z\":\"\\n\"}]}}");
    assert_int_equal(caught->events, 1);
    free(caught);
}

static void personal_fields_are_dropped_and_counted(void **state)
{
    (void)state;
    struct caught *caught =
        line(PLAIN ",\"recipient\":{\"name\":\"M\",\"street\":\"s\"},\"email\":\"\",\"phone\":null,"
                   "\"Latitude\":48.8,\"destinataire_nom\":\"M\",\"prénom\":\"A\","
                   "\"details\":{\"sender\":{\"name\":\"x\"},\"postal_code\":\"75012\",\"weight\":"
                   "2},\"weight\":2}");
    assert_int_equal(caught->events, 1);
    /* recipient, Latitude, destinataire_nom, prénom, sender, postal_code */
    assert_int_equal(caught->dropped, 6);
    free(caught);
}

/* ---- Against jansson ------------------------------------------------------------------------- */

static bool jansson_text(const json_t *root, const char *name, struct text *out, bool *wrong)
{
    const json_t *value = json_object_get(root, name);
    *out = (struct text){NULL, 0};
    if (!value)
        return false;
    if (json_is_string(value))
        *out = (struct text){json_string_value(value), json_string_length(value)};
    else if (!json_is_null(value))
        *wrong = true;
    return true;
}

/* One flipped, dropped, doubled or foreign byte, or a piece of another line. */
static size_t mutate(char *text, size_t length, size_t size, unsigned *seed)
{
    static const char *const pieces[] = {"\\u00e9",   "\\ud83d\\ude9a",
                                         "\\",        "\"",
                                         "{",         "}",
                                         "[",         "]",
                                         ":",         ",",
                                         "null",      "true",
                                         "1e5",       "-0",
                                         "0.5",       "\xc3\xa9",
                                         "\xff",      "\\u0000",
                                         " ",         "\t",
                                         "\"code\":", "\"a\":{\"b\":[1,2]},",
                                         "\x01",      "\\n",
                                         "\\ud800",   "\xf0\x9f\x9a\x9a",
                                         "00"};
    size_t at = (size_t)rand_r(seed) % (length + 1);
    if (rand_r(seed) % 3 == 0 && length > at) {
        memmove(text + at, text + at + 1, length - at - 1);
        return length - 1;
    }
    if (rand_r(seed) % 4 == 0 && length > at) {
        text[at] = (char)rand_r(seed);
        return length;
    }
    const char *piece = pieces[(size_t)rand_r(seed) % (sizeof pieces / sizeof pieces[0])];
    size_t added = strlen(piece);
    if (length + added > size)
        return length;
    memmove(text + at + added, text + at, length - at);
    memcpy(text + at, piece, added);
    return length + added;
}

static bool beyond_comparison(const json_error_t *error)
{
    enum json_error_code code = json_error_code(error);
    return code == json_error_duplicate_key || code == json_error_null_byte_in_key ||
           code == json_error_numeric_overflow;
}

/* Returns 0 when both refuse, 1 when both take, 2 where jansson has rules of its own. */
static int compare_with_jansson(struct text text)
{
    static char scratch[FEED_LINE_MAX];
    struct draft draft;
    uint64_t dropped = 0;
    json_error_t error;
    enum feed_reason reason = ndjson_fields(text, scratch, &draft, &dropped);
    json_t *root =
        json_loadb(text.data, text.length,
                   JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
    if (!root && beyond_comparison(&error))
        return 2;
    bool object = root && json_is_object(root);
    if (object != (reason == FEED_OK))
        fail_msg("%.*s: %s, jansson: %s", (int)text.length, text.data, feed_reason_name(reason),
                 object ? "ok" : error.text);
    for (int field = 0; object && field < FIELD_COUNT; field++) {
        struct text value;
        bool wrong = false;
        bool present = jansson_text(root, feed_field_name((enum feed_field)field), &value, &wrong);
        assert_int_equal(present, (draft.present >> field) & 1);
        assert_int_equal(wrong, (draft.wrong >> field) & 1);
        assert_true(text_equal(value, draft.value[field]));
    }
    json_decref(root);
    return object;
}

static void the_fast_parser_reads_what_jansson_reads(void **state)
{
    (void)state;
    static const char *const seeds[] = {
        PLAIN ",\"place\":\"Roissy\",\"country\":\"FR\",\"x\":{\"a\":[1,2.5,\"b\"]}}",
        "{\"parcel\":\"6P01007508742\",\"at\":\"2026-11-20T14:03:00+01:00\",\"code\":\"EMA\","
        "\"name\":\"\\u00e9\\n\"}",
        "{ \"source\" : \"hub\" , \"product\":\"N\xc3\xaemes "
        "\\ud83d\\ude9a\",\"y\":[[],{},null,true,false,-1e-5] }",
        "{}",
    };
    unsigned seed = 20261120, outcomes[3] = {0};
    for (unsigned i = 0; i < 400000; i++) {
        char text[512];
        const char *from = seeds[i % 4];
        size_t length = strlen(from);
        memcpy(text, from, length);
        for (int n = rand_r(&seed) % 4; n >= 0; n--)
            length = mutate(text, length, sizeof text, &seed);
        outcomes[compare_with_jansson((struct text){text, length})]++;
    }
    assert_true(outcomes[0] > 50000 && outcomes[1] > 50000); /* both outcomes were really tried */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_line_becomes_an_event),
        cmocka_unit_test(order_and_space_do_not_matter),
        cmocka_unit_test(unknown_codes_are_kept_without_a_claim),
        cmocka_unit_test(escapes_are_resolved),
        cmocka_unit_test(long_places_are_cut_at_a_character),
        cmocka_unit_test(null_and_empty_are_not_said),
        cmocka_unit_test(each_mistake_has_its_reason_and_field),
        cmocka_unit_test(controls_and_reordering_marks_are_refused),
        cmocka_unit_test(a_name_that_comes_twice_is_refused),
        cmocka_unit_test(what_is_not_json_is_refused),
        cmocka_unit_test(what_is_not_utf8_is_refused),
        cmocka_unit_test(unknown_fields_are_skipped_however_deep_up_to_a_bound),
        cmocka_unit_test(personal_fields_are_dropped_and_counted),
        cmocka_unit_test(the_fast_parser_reads_what_jansson_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
