/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "tracking/answer_samples.h"

#include <jansson.h>

static struct contract *contract;
static char buffer[ANSWER_SIZE];

/* To be decref'd by the caller. */
static json_t *answered(struct answer_request request, struct answer *out)
{
    request.contract = contract;
    request.form = ANSWER_JSON;
    request.now = SAMPLE_NOW;
    answer_render(&request, buffer, sizeof buffer, out);
    json_error_t error;
    json_t *document = json_loadb(buffer, out->length, JSON_REJECT_DUPLICATES, &error);
    if (!document)
        fail_msg("byte %d: %s in %.*s", error.position, error.text, (int)out->length, buffer);
    return document;
}

static const char *string_at(json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "(absent)";
}

static json_int_t integer_at(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : -999;
}

/* The keys of an object in their order, joined by spaces. */
static const char *keys_of(json_t *object)
{
    static char keys[512];
    keys[0] = '\0';
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        strcat(keys, keys[0] ? " " : "");
        strcat(keys, key);
    }
    return keys;
}

static void test_a_parcel_has_the_fields_of_suivi_v2_in_their_order(void **state)
{
    (void)state;
    static const char *const locales[LANGUAGE_COUNT] = {"fr_FR", "nl_NL", "de_DE", "en_GB"};
    for (unsigned language = 0; language < LANGUAGE_COUNT; language++) {
        struct history h = sample_history(8);
        h.pickup = TEXT("A2P-17");
        struct answer answer;
        json_t *top = answered(
            (struct answer_request){.history = &h, .language = (enum language)language}, &answer);
        assert_int_equal(answer.status, 200);
        assert_string_equal(
            keys_of(top),
            "lang scope returnCode returnMessage idShip shipment asOf stale originDown");
        assert_string_equal(string_at(top, "lang"), locales[language]);
        assert_int_equal(integer_at(top, "returnCode"), 200);
        json_t *shipment = json_object_get(top, "shipment");
        assert_string_equal(
            keys_of(shipment),
            "idShip urlDetail holder product isFinal entryDate deliveryDate estimDate "
            "timeline event contextData url");
        assert_string_equal(string_at(shipment, "idShip"), "RB123456785GB");
        assert_true(json_is_true(json_object_get(shipment, "isFinal")));
        assert_string_equal(string_at(shipment, "deliveryDate"), "2026-11-21T11:25:00+01:00");
        assert_string_equal(string_at(shipment, "estimDate"), "2026-11-23T00:00:00+01:00");
        json_t *context = json_object_get(shipment, "contextData");
        assert_string_equal(keys_of(context),
                            "deliveryChoice removalPoint originCountry arrivalCountry");
        assert_string_equal(string_at(context, "originCountry"), "GB");
        assert_string_equal(string_at(context, "arrivalCountry"), "FR");
        assert_string_equal(string_at(json_object_get(context, "removalPoint"), "idPoint"),
                            "A2P-17");
        json_decref(top);
    }
}

static void test_events_are_newest_first_and_show_codes_that_clients_know(void **state)
{
    (void)state;
    struct history h = sample_history(6);
    struct answer answer;
    json_t *top =
        answered((struct answer_request){.history = &h, .language = LANGUAGE_EN}, &answer);
    json_t *events = json_object_get(json_object_get(top, "shipment"), "event");
    assert_int_equal(json_array_size(events), 6);
    json_t *first = json_array_get(events, 0), *taken = json_array_get(events, 4);
    assert_string_equal(keys_of(first), "order code label date");
    assert_int_equal(integer_at(first, "order"), 6);
    assert_string_equal(string_at(first, "code"), "ET4");
    assert_string_equal(string_at(first, "label"), "In transit");
    assert_string_equal(string_at(first, "date"), "2026-11-21T11:25:00+01:00");
    assert_int_equal(integer_at(taken, "order"), 2);
    assert_string_equal(string_at(taken, "code"), "PC1"); /* the feed said UPU's EMA */
    assert_string_equal(string_at(taken, "date"), "2026-11-19T22:25:00+00:00");
    json_decref(top);
}

static void test_the_timeline_has_five_stages_reached_up_to_the_current_one(void **state)
{
    (void)state;
    struct history h = sample_history(5);
    sample_add(&h, (struct sample_event){STEP_INCIDENT, "PB1", "", ""}, SAMPLE_NOW, 60);
    struct answer answer;
    json_t *top =
        answered((struct answer_request){.history = &h, .language = LANGUAGE_NL}, &answer);
    json_t *timeline = json_object_get(json_object_get(top, "shipment"), "timeline");
    static const int types[] = {1, 1, -1, 0, 0};
    assert_int_equal(json_array_size(timeline), 5);
    for (size_t i = 0; i < 5; i++) {
        json_t *stage = json_array_get(timeline, i);
        assert_int_equal(integer_at(stage, "id"), i + 1);
        assert_int_equal(json_is_true(json_object_get(stage, "status")), i < 3);
        assert_int_equal(integer_at(stage, "type"), types[i]);
        assert_int_equal(json_object_get(stage, "date") != NULL, i < 3);
        assert_true(strlen(string_at(stage, "longLabel")) > strlen(string_at(stage, "shortLabel")));
    }
    assert_string_equal(string_at(json_array_get(timeline, 2), "date"),
                        "2026-11-20T16:25:00+00:00");
    assert_string_equal(string_at(json_array_get(timeline, 2), "country"), "GB");
    assert_string_equal(string_at(json_array_get(timeline, 4), "shortLabel"), "Bezorgd");
    json_decref(top);
}

static void test_the_age_of_the_answer_is_told(void **state)
{
    (void)state;
    struct history h = sample_history(3);
    h.changed = SAMPLE_NOW - 86401;
    struct answer answer;
    json_t *top = answered((struct answer_request){.history = &h, .origin_down = true}, &answer);
    assert_string_equal(string_at(top, "asOf"), "2026-11-20T11:59:59+00:00");
    assert_true(json_is_true(json_object_get(top, "stale")));
    assert_true(json_is_true(json_object_get(top, "originDown")));
    json_decref(top);
}

static void test_links_begin_with_the_base_unless_it_is_none(void **state)
{
    (void)state;
    struct history h = sample_history(3);
    struct answer answer;
    json_t *top = answered(
        (struct answer_request){.history = &h, .base = TEXT("https://a.example\"")}, &answer);
    assert_string_equal(string_at(json_object_get(top, "shipment"), "url"),
                        "https://a.example\"/suivi/RB123456785GB?lang=fr");
    json_decref(top);
    top = answered((struct answer_request){.history = &h, .base = TEXT("https://a\xff")}, &answer);
    assert_string_equal(string_at(json_object_get(top, "shipment"), "urlDetail"),
                        "/suivi/RB123456785GB?lang=fr");
    json_decref(top);
}

static void test_errors_have_suivi_v2s_codes_and_http_statuses(void **state)
{
    (void)state;
    static const struct {
        enum answer_kind kind;
        unsigned status;
        int code;
        const char *number;
    } errors[] = {
        {ANSWER_NOT_KNOWN_YET, 404, 104, "RB123456785GB"},
        {ANSWER_WRONG_FORM, 400, 400, "x\"<"},
        {ANSWER_WRONG_CHECK, 400, 400, "x\"<"},
        {ANSWER_SEVERAL, 400, 400, ""},
        {ANSWER_NOTICE, 503, 503, ""},
        {ANSWER_HELD, 429, 429, ""},
    };
    static const struct parcel_number number = {.length = 13, .text = "RB123456785GB"};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        struct answer answer;
        struct answer_request request = {.kind = errors[i].kind,
                                         .language = LANGUAGE_DE,
                                         .parcel = &number,
                                         .typed = TEXT("x\"<"),
                                         .retry_after = 7};
        json_t *top = answered(request, &answer);
        assert_int_equal(answer.status, errors[i].status);
        assert_string_equal(keys_of(top), "lang scope returnCode returnMessage idShip");
        assert_int_equal(integer_at(top, "returnCode"), errors[i].code);
        assert_string_equal(string_at(top, "idShip"), errors[i].number);
        assert_int_equal(answer.retry_after, i < 4 ? 0 : 7);
        json_decref(top);
    }
}

int main(void)
{
    contract = sample_contract();
    assert_non_null(contract);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_parcel_has_the_fields_of_suivi_v2_in_their_order),
        cmocka_unit_test(test_events_are_newest_first_and_show_codes_that_clients_know),
        cmocka_unit_test(test_the_timeline_has_five_stages_reached_up_to_the_current_one),
        cmocka_unit_test(test_the_age_of_the_answer_is_told),
        cmocka_unit_test(test_links_begin_with_the_base_unless_it_is_none),
        cmocka_unit_test(test_errors_have_suivi_v2s_codes_and_http_statuses),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(contract);
    return failed;
}
