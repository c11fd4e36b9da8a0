#include "tracking/feed_internal.h"
#include "tracking/test_feed.h"

#define HEADER "parcel,at,code,place\n"
#define ROW    "RA123456785FR,2026-11-20T14:03:00Z,ET1,Roissy\n"

static struct caught *csv(const char *text)
{
    return feed_text(FEED_CSV, text_of(text), 0);
}

static void rows_under_a_header_become_events(void **state)
{
    (void)state;
    struct caught *caught = csv(HEADER ROW "\r\n" ROW);
    assert_int_equal(caught->events, 2);
    assert_string_equal(caught->event[0].place, "Roissy");
    assert_int_equal(caught->event_place[0], 2);
    assert_int_equal(caught->event_place[1], 4);
    free(caught);
}

static void columns_may_be_in_any_order_and_under_other_names(void **state)
{
    (void)state;
    struct caught *caught =
        csv("Event code;comment;Numero;DATE;pays;Lieu;pickup point;expected\n"
            "AG1;x;6P01007508742;2026-11-20T14:03:00+01:00;FR;Nîmes;75012A;2026-11-24\n");
    assert_int_equal(caught->events, 1);
    assert_string_equal(caught->event[0].parcel.text, "6P01007508742");
    assert_int_equal(caught->event[0].step, STEP_PICKUP);
    assert_int_equal(caught->event[0].offset, 60);
    assert_string_equal(caught->event[0].country, "FR");
    assert_string_equal(caught->event[0].place, "Nîmes");
    assert_string_equal(caught->event[0].pickup, "75012A");
    assert_int_equal(caught->event[0].delivery_day, day_of_date(2026, 11, 24));
    free(caught);
}

static void the_separator_is_recognised(void **state)
{
    (void)state;
    static const char separators[] = {',', ';', '\t'};
    for (size_t i = 0; i < 3; i++) {
        char text[] = HEADER "RA123456785FR,2026-11-20T14:03:00Z,ET1,\"a,b;c\td\"\n";
        bool quoted = false;
        for (char *c = text; *c; c++) {
            quoted ^= *c == '"';
            *c = *c == ',' && !quoted ? separators[i] : *c == '\t' && quoted ? ' ' : *c;
        }
        struct caught *caught = csv(text);
        assert_int_equal(caught->events, 1);
        assert_string_equal(caught->event[0].place, "a,b;c d");
        free(caught);
    }
}

static void quotes_are_those_of_rfc_4180(void **state)
{
    (void)state;
    struct caught *caught =
        csv(HEADER "\"RA123456785FR\",\"2026-11-20T14:03:00Z\",\"ET1\",\"the \"\"big\"\" hub\"\n"
                   "RA123456785FR,2026-11-20T14:03:00Z,ET1,\"open\n"
                   "RA123456785FR,2026-11-20T14:03:00Z,ET1,\"shut\"x\n"
                   "RA123456785FR,2026-11-20T14:03:00Z,ET1,in\"side\n" ROW);
    assert_int_equal(caught->events, 2);
    assert_string_equal(caught->event[0].place, "the \"big\" hub");
    assert_int_equal(caught->rejects, 3);
    for (size_t i = 0; i < 3; i++)
        assert_reject(caught, i, 3 + i, FEED_SYNTAX, "");
    free(caught);
}

static void rows_of_another_width_are_refused(void **state)
{
    (void)state;
    struct caught *caught = csv(HEADER "RA123456785FR,2026-11-20T14:03:00Z,ET1\n"
                                       "RA123456785FR,2026-11-20T14:03:00Z,ET1,Roissy,\n");
    assert_int_equal(caught->events, 0);
    assert_reject(caught, 0, 2, FEED_SYNTAX, "");
    assert_reject(caught, 1, 3, FEED_SYNTAX, "");
    free(caught);
}

static void each_mistake_has_its_reason_and_field(void **state)
{
    (void)state;
    struct caught *caught = csv(HEADER ",2026-11-20T14:03:00Z,ET1,\n"
                                       "RA123456785FR,,ET1,\n"
                                       "RA123456785FR,2026-11-20T14:03:00Z,,\n"
                                       "RA123456785FR,2026-11-20T14:03:00Z,ET1,a\x01\n"
                                       "RA123456785FR,2026-11-20T14:03:00Z,ET1,\xff\n");
    assert_int_equal(caught->rejects, 5);
    assert_reject(caught, 0, 2, FEED_NO_PARCEL, "parcel");
    assert_reject(caught, 1, 3, FEED_NO_TIME, "at");
    assert_reject(caught, 2, 4, FEED_NO_CODE, "code");
    assert_reject(caught, 3, 5, FEED_BAD_FIELD, "place");
    assert_reject(caught, 4, 6, FEED_NOT_UTF8, "");
    free(caught);
}

static void a_header_that_cannot_be_used_refuses_every_row(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        enum feed_reason reason;
        const char *field;
    } cases[] = {
        {"at,code\n", FEED_NO_PARCEL, "parcel"},
        {"parcel,code\n", FEED_NO_TIME, "at"},
        {"parcel,at\n", FEED_NO_CODE, "code"},
        {"parcel,at,code,number\n", FEED_BAD_FIELD, "parcel"},
        {"parcel,\"at,code\n", FEED_SYNTAX, "parcel"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "%s%s", cases[i].header, ROW);
        struct caught *caught = csv(text);
        assert_int_equal(caught->events, 0);
        assert_int_equal(caught->rejects, 2);
        assert_reject(caught, 0, 1, cases[i].reason, cases[i].field);
        assert_int_equal(caught->reject[1].reason, cases[i].reason);
        free(caught);
    }
}

static void more_columns_than_can_be_are_refused(void **state)
{
    (void)state;
    char text[1024] = "parcel,at,code";
    for (unsigned i = 3; i < FEED_COLUMNS_MAX; i++)
        strcat(text, ",x");
    struct caught *caught = csv(text);
    assert_int_equal(caught->rejects, 0);
    free(caught);
    caught = csv(strcat(text, ",x"));
    assert_int_equal(caught->reject[0].reason, FEED_TOO_LONG);
    free(caught);
}

static void personal_columns_are_dropped_and_counted(void **state)
{
    (void)state;
    struct caught *caught = csv("parcel,at,code,Recipient Name,E-mail,nom\n"
                                "RA123456785FR,2026-11-20T14:03:00Z,ET1,M. Martin,,Martin\n");
    assert_int_equal(caught->events, 1);
    assert_int_equal(caught->dropped, 2);
    free(caught);
}

static void what_only_was_taken_for_csv_is_refused_once_as_of_no_form(void **state)
{
    (void)state;
    static const struct text inputs[] = {
        {"x", 1},
        {"Dear colleagues,\nplease find, enclosed,\n", 40},
        {"\x7f"
         "ELF\x02\x01\n\0\0\xff\nparcel\n",
         19},
        {"\x89PNG\x1a\nparcel,at,code\n", 21},
    };
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        struct caught *caught = feed_text(FEED_AUTO, inputs[i], 0);
        assert_int_equal(caught->rejects, 1);
        assert_reject(caught, 0, 1, FEED_FORM, "");
        free(caught);
    }
    struct caught *asked = feed_text(FEED_CSV, text_of("x\ny\n"), 0);
    assert_int_equal(asked->rejects, 2);
    assert_reject(asked, 0, 1, FEED_NO_PARCEL, "parcel");
    free(asked);
    struct caught *named = feed_text(FEED_AUTO, text_of("colis;x\n"), 0);
    assert_reject(named, 0, 1, FEED_NO_TIME, "at");
    free(named);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_under_a_header_become_events),
        cmocka_unit_test(columns_may_be_in_any_order_and_under_other_names),
        cmocka_unit_test(the_separator_is_recognised),
        cmocka_unit_test(quotes_are_those_of_rfc_4180),
        cmocka_unit_test(rows_of_another_width_are_refused),
        cmocka_unit_test(each_mistake_has_its_reason_and_field),
        cmocka_unit_test(a_header_that_cannot_be_used_refuses_every_row),
        cmocka_unit_test(what_only_was_taken_for_csv_is_refused_once_as_of_no_form),
        cmocka_unit_test(more_columns_than_can_be_are_refused),
        cmocka_unit_test(personal_columns_are_dropped_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
