#include "tracking/test_feed.h"

#include <dirent.h>

#define WHEN "\"eventTime\":\"2026-11-20T14:03:00Z\",\"eventTimeZoneOffset\":\"+01:00\","
#define SSCC "\"epcList\":[\"urn:epc:id:sscc:0614141.1234567890\"]"

static struct caught *epcis(const char *text)
{
    return feed_text(FEED_EPCIS, text_of(text), 0);
}

/* One event with the given members, besides its time. */
static struct caught *one_event(const char *members)
{
    char text[2048];
    snprintf(text, sizeof text, "{\"type\":\"ObjectEvent\"," WHEN "%s}", members);
    return epcis(text);
}

static void assert_event_refused(const char *text, enum feed_reason reason, const char *field)
{
    struct caught *caught = epcis(text);
    if (caught->rejects != 1 || caught->events)
        fail_msg("%s: %zu events, %zu rejects", text, caught->events, caught->rejects);
    assert_reject(caught, 0, 1, reason, field);
    free(caught);
}

/* Of each of GS1's examples: the events about parcels, the refusals, and why the first one was
 * refused. */
static const struct {
    const char *file;
    unsigned events, rejects;
    enum feed_reason reason;
    const char *field;
} examples[] = {
    {"EPCISQueryDocument.jsonld", 0, 2, FEED_NO_EVENTS, "epcList"},
    {"Example_9.6.1-ObjectEvent-with-pseudo-SBDH-headers.jsonld", 0, 2, FEED_NO_EVENTS, "epcList"},
    {"Example_9.6.1-ObjectEvent.jsonld", 0, 2, FEED_NO_EVENTS, "epcList"},
    {"Example_9.6.1-with-comment.jsonld", 0, 2, FEED_NO_EVENTS, "epcList"},
    {"Example_9.6.2-ObjectEvent.jsonld", 0, 1, FEED_NO_EVENTS, "epcList"},
    {"Example_9.6.3-AggregationEvent.jsonld", 1, 0, FEED_OK, ""},
    {"Example_9.6.4-TransformationEvent.jsonld", 0, 1, FEED_NO_EVENTS, "epcList"},
    {"PersistentDisposition-example.jsonld", 0, 2, FEED_NO_EVENTS, "epcList"},
    {"WithDigitalLinkID-Example_9.6.1-ObjectEventWithDigitalLink.jsonld", 0, 2, FEED_NO_EVENTS,
     "epcList"},
    {"WithDigitalLinkID-Example_9.6.2-ObjectEventWithDigitalLink.jsonld", 0, 1, FEED_NO_EVENTS,
     "epcList"},
    {"WithDigitalLinkID-Example_9.6.3-AggregationEventWithDigitalLink.jsonld", 1, 0, FEED_OK, ""},
    {"WithDigitalLinkID-Example_9.6.4-TransformationEventWithDigitalLink.jsonld", 0, 1,
     FEED_NO_EVENTS, "epcList"},
    {"WithErrorDeclaration-ErrorDeclarationAndCorrectiveEvent.jsonld", 0, 2, FEED_NO_EVENTS,
     "errorDeclaration"},
    {"WithErrorDeclaration-Example_9.6.1-ObjectEvent-with-error-declaration.jsonld", 0, 2,
     FEED_NO_EVENTS, "errorDeclaration"},
    {"WithFullCombinationOfFields-aggregation_event_all_possible_fields.jsonld", 0, 1,
     FEED_NO_EVENTS, "errorDeclaration"},
    {"WithFullCombinationOfFields-association_event_all_possible_fields.jsonld", 0, 1,
     FEED_NO_EVENTS, "errorDeclaration"},
    {"WithFullCombinationOfFields-object_event_all_possible_fields.jsonld", 0, 1, FEED_NO_EVENTS,
     "errorDeclaration"},
    {"WithFullCombinationOfFields-transaction_event_all_possible_fields.jsonld", 0, 1,
     FEED_NO_EVENTS, "errorDeclaration"},
    {"WithFullCombinationOfFields-transformation_event_all_possible_fields.jsonld", 0, 1,
     FEED_NO_EVENTS, "errorDeclaration"},
};
enum { EXAMPLE_COUNT = sizeof examples / sizeof examples[0] };

static void every_example_of_gs1_has_its_result(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXAMPLE_COUNT; i++) {
        char path[256];
        snprintf(path, sizeof path, "epcis/%s", examples[i].file);
        struct text text = read_input("ECLUSE_DATA", path);
        struct caught *caught = feed_text(FEED_AUTO, text, 0);
        if (caught->format != FEED_EPCIS || caught->events != examples[i].events ||
            caught->rejects != examples[i].rejects)
            fail_msg("%s: %s, %zu events, %zu rejects", examples[i].file,
                     feed_format_name(caught->format), caught->events, caught->rejects);
        if (examples[i].rejects)
            assert_reject(caught, 0, 1, examples[i].reason, examples[i].field);
        free(caught);
        free((char *)(uintptr_t)text.data);
    }
}

static void no_example_is_left_out(void **state)
{
    (void)state;
    char path[1024];
    unsigned found = 0;
    snprintf(path, sizeof path, "%s/epcis", getenv("ECLUSE_DATA"));
    if (access(getenv("ECLUSE_DATA"), R_OK) != 0)
        skip();
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        found += strstr(entry->d_name, ".jsonld") != NULL;
    closedir(folder);
    assert_int_equal(found, EXAMPLE_COUNT);
}

static void the_aggregation_example_is_read_to_the_last_field(void **state)
{
    (void)state;
    struct text text = read_input("ECLUSE_DATA", "epcis/Example_9.6.3-AggregationEvent.jsonld");
    struct caught *caught = feed_text(FEED_AUTO, text, 0);
    const struct event *event = caught->event;
    assert_string_equal(event->parcel.text, "106141412345678908");
    assert_int_equal(event->at, 1370703536);
    assert_int_equal(event->offset, 120);
    assert_int_equal(event->step, STEP_SORTING);
    assert_string_equal(event->code, "receiving");
    assert_string_equal(event->place, "0614141007776");
    free(caught);
    free((char *)(uintptr_t)text.data);
}

static void parcels_are_found_under_all_their_names(void **state)
{
    (void)state;
    static const char *const ids[] = {
        "urn:epc:id:sscc:0614141.1234567890",
        "https://id.gs1.org/00/106141412345678908",
        "https://carrier.example/track/00/106141412345678908?lang=fr",
        "106141412345678908",
        "urn:carrier:parcel:106141412345678908",
        "https://carrier.example/p/106141412345678908",
    };
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        char members[256];
        snprintf(members, sizeof members, "\"bizStep\":\"shipping\",\"epcList\":[\"%s\"]", ids[i]);
        struct caught *caught = one_event(members);
        if (caught->events != 1 || caught->rejects)
            fail_msg("%s", ids[i]);
        assert_string_equal(caught->event[0].parcel.text, "106141412345678908");
        free(caught);
    }
}

static void what_is_no_parcel_is_left_and_a_wrong_parcel_refused(void **state)
{
    (void)state;
    struct caught *caught = one_event(
        "\"bizStep\":\"shipping\",\"parentID\":\"RA123456785FR\",\"childEPCs\":["
        "\"urn:epc:id:sgtin:0614141.107346.2017\",\"https://id.gs1.org/01/70614141123451/21/2017\","
        "\"urn:epc:id:sscc:0614141.123456789\",\"https://id.gs1.org/00/106141412345678901\","
        "\"RA123456786FR\",\"https://p.example/RA123456786FR\",5,\"6P01007508742\",\"box 7\"]");
    assert_int_equal(caught->events, 2);
    assert_string_equal(caught->event[0].parcel.text, "RA123456785FR");
    assert_string_equal(caught->event[1].parcel.text, "6P01007508742");
    assert_int_equal(caught->rejects, 4);
    assert_reject(caught, 0, 1, FEED_PARCEL_FORM, "childEPCs");
    assert_reject(caught, 1, 1, FEED_PARCEL_CHECK, "childEPCs");
    assert_reject(caught, 2, 1, FEED_PARCEL_CHECK, "childEPCs");
    assert_reject(caught, 3, 1, FEED_BAD_FIELD, "childEPCs");
    free(caught);
}

static void steps_come_from_what_says_most(void **state)
{
    (void)state;
    static const struct {
        const char *members, *code;
        enum step step;
    } cases[] = {
        {"\"bizStep\":\"shipping\",\"disposition\":\"in_transit\",", "shipping", STEP_IN_TRANSIT},
        {"\"bizStep\":\"urn:epcglobal:cbv:bizstep:accepting\",", "accepting", STEP_ACCEPTED},
        {"\"bizStep\":\"https://ref.gs1.org/cbv/BizStep-receiving\",", "receiving", STEP_SORTING},
        {"\"bizStep\":\"inspecting\",\"disposition\":\"damaged\",", "inspecting", STEP_INCIDENT},
        {"\"bizStep\":\"receiving\",\"disposition\":\"returned\",", "receiving", STEP_RETURNED},
        {"\"bizStep\":\"storing\",\"disposition\":\"available\",", "storing", STEP_PICKUP},
        {"\"bizStep\":\"shipping\",\"persistentDisposition\":{\"set\":[\"completeness_verified\","
         "\"stolen\"]},",
         "shipping", STEP_INCIDENT},
        {"\"disposition\":\"in_transit\",", "in_transit", STEP_IN_TRANSIT},
        {"\"bizStep\":\"https://carrier.example/steps#MD2\",", "MD2", STEP_OUT_FOR_DELIVERY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char members[512];
        snprintf(members, sizeof members, "%s" SSCC, cases[i].members);
        struct caught *caught = one_event(members);
        if (caught->events != 1 || caught->event[0].step != cases[i].step)
            fail_msg("%s: %s", cases[i].members, step_name((enum step)caught->event[0].step));
        assert_string_equal(caught->event[0].code, cases[i].code);
        free(caught);
    }
}

static void places_are_codes_never_coordinates(void **state)
{
    (void)state;
    static const struct {
        const char *members, *place;
        unsigned dropped;
    } cases[] = {
        {"\"readPoint\":{\"id\":\"urn:epc:id:sgln:0614141.00777.0\"},", "0614141007776", 0},
        {"\"readPoint\":{\"id\":\"urn:epc:id:sgln:0614141.00777.gate4\"},", "0614141007776.gate4",
         0},
        {"\"bizLocation\":{\"id\":\"https://id.gs1.org/414/0614141007776/254/7\"},",
         "0614141007776.7", 0},
        {"\"readPoint\":{\"id\":\"geo:48.85,2.35\"},\"bizLocation\":{\"id\":\"https://p.example/"
         "LYS\"},",
         "LYS", 1},
        {"\"readPoint\":{\"id\":\"geo:48.85,2.35\"},", "", 1},
        {"\"readPoint\":{\"id\":\"urn:epc:id:sgln:nonsense\"},", "", 0},
        {"\"readPoint\":{},", "", 0},
        {"\"example:latitude\":48.85,", "", 1},
        {"\"latitude\":48.85,", "", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char members[512];
        snprintf(members, sizeof members, "\"bizStep\":\"shipping\",%s" SSCC, cases[i].members);
        struct caught *caught = one_event(members);
        assert_int_equal(caught->events, 1);
        assert_string_equal(caught->event[0].place, cases[i].place);
        assert_int_equal(caught->dropped, cases[i].dropped);
        free(caught);
    }
}

static void each_mistake_has_its_reason_and_field(void **state)
{
    (void)state;
    assert_event_refused("{\"type\":\"ObjectEvent\",\"bizStep\":\"shipping\"," SSCC "}",
                         FEED_NO_TIME, "eventTime");
    assert_event_refused("{\"eventTime\":\"2026-11-20T14:03:00\",\"bizStep\":\"shipping\"," SSCC
                         "}",
                         FEED_NO_TIME, "eventTime");
    assert_event_refused("{\"eventTime\":\"today\",\"bizStep\":\"shipping\"," SSCC "}",
                         FEED_BAD_TIME, "eventTime");
    assert_event_refused("{\"eventTime\":\"2026-11-20T14:03:00Z\",\"eventTimeZoneOffset\":\"1\","
                         "\"bizStep\":\"shipping\"," SSCC "}",
                         FEED_BAD_FIELD, "eventTimeZoneOffset");
    assert_event_refused("{" WHEN SSCC "}", FEED_NO_CODE, "bizStep");
    assert_event_refused("{" WHEN "\"bizStep\":5," SSCC "}", FEED_BAD_FIELD, "bizStep");
    assert_event_refused("{" WHEN "\"bizStep\":\"shipping\",\"readPoint\":5," SSCC "}",
                         FEED_BAD_FIELD, "readPoint");
    assert_event_refused("{" WHEN "\"bizStep\":\"shipping\"}", FEED_NO_EVENTS, "epcList");
    assert_event_refused("{\"epcisBody\":{\"eventList\":[]}}", FEED_NO_EVENTS, "eventList");
    assert_event_refused("{\"epcisBody\":{\"eventList\":[7]}}", FEED_BAD_FIELD, "eventList");
    assert_event_refused("[]", FEED_NO_EVENTS, "eventList");
}

static void what_is_no_event_in_a_list_of_events_is_refused(void **state)
{
    (void)state;
    struct caught *caught =
        epcis("{\"eventList\":[{" WHEN "\"bizStep\":\"shipping\"," SSCC "},\"x\"]}");
    assert_int_equal(caught->events, 1);
    assert_int_equal(caught->rejects, 1);
    assert_reject(caught, 0, 1, FEED_BAD_FIELD, "eventList");
    free(caught);
}

static void events_come_bare_in_lists_and_in_documents(void **state)
{
    (void)state;
#define EVENT "{" WHEN "\"bizStep\":\"shipping\"," SSCC "}"
#define BODY  "\"epcisBody\":{\"eventList\":[" EVENT "," EVENT "]}"
    static const struct {
        const char *text;
        unsigned events;
    } cases[] = {
        {EVENT, 1},
        {EVENT "\n" EVENT, 2},
        {"[" EVENT "," EVENT "]", 2},
        {"{" BODY "}", 2},
        {"{\"eventList\":[" EVENT "]}", 1},
        {"{" BODY "}\n{" BODY "}", 4},
        {"[{" BODY "},{" BODY "}]", 4},
        {"{\"epcisBody\":{\"queryResults\":{\"resultsBody\":{\"eventList\":[" EVENT "]}}}}", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct caught *caught = epcis(cases[i].text);
        if (caught->events != cases[i].events || caught->rejects)
            fail_msg("%s: %zu events, %zu rejects", cases[i].text, caught->events, caught->rejects);
        assert_int_equal(caught->event_place[caught->events - 1], cases[i].events);
        free(caught);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_of_gs1_has_its_result),
        cmocka_unit_test(no_example_is_left_out),
        cmocka_unit_test(the_aggregation_example_is_read_to_the_last_field),
        cmocka_unit_test(parcels_are_found_under_all_their_names),
        cmocka_unit_test(what_is_no_parcel_is_left_and_a_wrong_parcel_refused),
        cmocka_unit_test(steps_come_from_what_says_most),
        cmocka_unit_test(places_are_codes_never_coordinates),
        cmocka_unit_test(each_mistake_has_its_reason_and_field),
        cmocka_unit_test(what_is_no_event_in_a_list_of_events_is_refused),
        cmocka_unit_test(events_come_bare_in_lists_and_in_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
