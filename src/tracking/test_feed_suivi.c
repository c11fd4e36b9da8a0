#include "tracking/test_feed.h"

#define SHIPMENT_HEAD                                                                              \
    "\"shipment\":{\"idShip\":\"6P01007508742\",\"holder\":4,\"product\":\"colissimo\","
#define EVENTS                                                                                     \
    "\"event\":[{\"order\":2,\"code\":\"AG1\",\"label\":\"Votre colis vous attend\","              \
    "\"date\":\"2026-11-20T14:03:00+01:00\"},"                                                     \
    "{\"order\":1,\"code\":\"DR1\",\"label\":\"x\",\"date\":\"2026-11-18T08:00:00+01:00\"}]"
#define ANSWER                                                                                     \
    "{\"lang\":\"fr_FR\",\"scope\":\"open\",\"returnCode\":200," SHIPMENT_HEAD                     \
    "\"isFinal\":false,\"estimDate\":\"2026-11-24T00:00:00+01:00\"," EVENTS ","                    \
    "\"contextData\":{\"removalPoint\":{\"name\":\"Tabac du Port\",\"code\":\"75012A\"},"          \
    "\"deliveryChoice\":{\"email\":\"a@b.example\"}}}}"

static struct caught *suivi(const char *text)
{
    return feed_text(FEED_SUIVI, text_of(text), 0);
}

static void assert_answer_refused(const char *text, enum feed_reason reason, const char *field)
{
    struct caught *caught = suivi(text);
    if (caught->rejects != 1 || caught->events)
        fail_msg("%s: %zu events, %zu rejects", text, caught->events, caught->rejects);
    assert_reject(caught, 0, 1, reason, field);
    free(caught);
}

static void an_answer_becomes_the_events_of_its_parcel(void **state)
{
    (void)state;
    struct caught *caught = suivi(ANSWER);
    assert_int_equal(caught->events, 2);
    const struct event *event = caught->event;
    assert_string_equal(event[0].parcel.text, "6P01007508742");
    assert_string_equal(event[0].code, "AG1");
    assert_int_equal(event[0].step, STEP_PICKUP);
    assert_int_equal(event[0].offset, 60);
    assert_string_equal(event[0].product, "colissimo");
    assert_string_equal(event[0].pickup, "75012A");
    assert_int_equal(event[0].delivery_day, day_of_date(2026, 11, 24));
    assert_string_equal(event[0].place, "");
    assert_int_equal(event[1].step, STEP_ANNOUNCED);
    assert_int_equal(caught->event_place[1], 2);
    assert_int_equal(caught->dropped, 2); /* the point's name, the choice's email */
    free(caught);
}

static void the_day_of_a_delivery_that_was_is_no_expectation(void **state)
{
    (void)state;
    struct caught *caught = suivi("{\"returnCode\":200," SHIPMENT_HEAD
                                  "\"isFinal\":true,\"deliveryDate\":\"2026-11-20\"," EVENTS "}}");
    assert_int_equal(caught->events, 2);
    assert_int_equal(caught->event[0].delivery_day, 0);
    free(caught);
}

static void a_pickup_point_that_is_no_code_is_dropped(void **state)
{
    (void)state;
    struct caught *caught = suivi("{\"returnCode\":200," SHIPMENT_HEAD EVENTS
                                  ",\"contextData\":{\"removalPoint\":\"12 rue du Port\"}}}");
    assert_int_equal(caught->events, 2);
    assert_string_equal(caught->event[0].pickup, "");
    assert_int_equal(caught->dropped, 1);
    free(caught);
}

static void answers_without_a_history_are_refused(void **state)
{
    (void)state;
    assert_answer_refused(
        "{\"returnCode\":104,\"returnMessage\":\"x\",\"idShip\":\"6P01007508742\"}", FEED_NO_EVENTS,
        "returnCode");
    assert_answer_refused("{\"returnCode\":\"200\"," SHIPMENT_HEAD EVENTS "}}", FEED_NO_EVENTS,
                          "returnCode");
    assert_answer_refused("{\"returnCode\":200}", FEED_NO_EVENTS, "shipment");
    assert_answer_refused("{\"returnCode\":200," SHIPMENT_HEAD "\"event\":[]}}", FEED_NO_EVENTS,
                          "event");
    assert_answer_refused("{\"returnCode\":200,\"shipment\":{" EVENTS "}}", FEED_NO_PARCEL,
                          "idShip");
    assert_answer_refused("{\"returnCode\":200,\"shipment\":{\"idShip\":\"6P01007508743\"," EVENTS
                          "}}",
                          FEED_PARCEL_CHECK, "idShip");
    assert_answer_refused("{\"returnCode\":200,\"shipment\":{\"idShip\":7," EVENTS "}}",
                          FEED_BAD_FIELD, "idShip");
    assert_answer_refused("{\"returnCode\":200," SHIPMENT_HEAD "\"estimDate\":\"soon\"," EVENTS
                          "}}",
                          FEED_BAD_FIELD, "deliveryDate");
    assert_answer_refused("[]", FEED_NO_EVENTS, "");
}

static void a_bad_event_leaves_the_others(void **state)
{
    (void)state;
    struct caught *caught =
        suivi("{\"returnCode\":200," SHIPMENT_HEAD "\"event\":[7,"
              "{\"code\":\"DI1\"},{\"code\":\"DI1\",\"date\":\"2026-11-20T14:03:00\"},"
              "{\"code\":\"DI1\",\"date\":\"x\"},{\"date\":\"2026-11-20T14:03:00Z\"},"
              "{\"code\":1,\"date\":\"2026-11-20T14:03:00Z\"},"
              "{\"code\":\"DI1\",\"date\":\"2026-11-20T14:03:00Z\"}]}}");
    assert_int_equal(caught->events, 1);
    assert_int_equal(caught->event_place[0], 7);
    assert_reject(caught, 0, 1, FEED_BAD_FIELD, "event");
    assert_reject(caught, 1, 2, FEED_NO_TIME, "date");
    assert_reject(caught, 2, 3, FEED_NO_TIME, "date");
    assert_reject(caught, 3, 4, FEED_BAD_TIME, "date");
    assert_reject(caught, 4, 5, FEED_NO_CODE, "code");
    assert_reject(caught, 5, 6, FEED_BAD_FIELD, "code");
    free(caught);
}

static void many_answers_come_as_lines_or_as_a_list(void **state)
{
    (void)state;
    struct caught *lines = suivi(ANSWER "\n{\"returnCode\":404}\n" ANSWER "\n");
    struct caught *list = suivi("[" ANSWER ",{\"returnCode\":404}," ANSWER "]");
    assert_int_equal(lines->events, 4);
    assert_int_equal(list->events, 4);
    assert_reject(lines, 0, 3, FEED_NO_EVENTS, "returnCode");
    assert_reject(list, 0, 3, FEED_NO_EVENTS, "returnCode");
    assert_int_equal(list->event_place[3], 5);
    free(lines);
    free(list);
    assert_answer_refused("[7]", FEED_BAD_FIELD, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_becomes_the_events_of_its_parcel),
        cmocka_unit_test(the_day_of_a_delivery_that_was_is_no_expectation),
        cmocka_unit_test(a_pickup_point_that_is_no_code_is_dropped),
        cmocka_unit_test(answers_without_a_history_are_refused),
        cmocka_unit_test(a_bad_event_leaves_the_others),
        cmocka_unit_test(many_answers_come_as_lines_or_as_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
