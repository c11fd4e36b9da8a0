#include "tracking/test_feed.h"
#include "tracking/feed_internal.h"

#define LINE(code)                                                                                 \
    "{\"parcel\":\"RA123456785FR\",\"at\":\"2026-11-20T14:03:00Z\",\"code\":\"" code "\"}"
#define SUIVI                                                                                      \
    "{\"returnCode\":200,\"shipment\":{\"idShip\":\"6P01007508742\",\"event\":["                   \
    "{\"code\":\"DI1\",\"date\":\"2026-11-20T14:03:00Z\"}]}}"
#define EPCIS_EVENT                                                                                \
    "{\"eventTime\":\"2026-11-20T14:03:00Z\",\"bizStep\":\"shipping\","                            \
    "\"epcList\":[\"urn:epc:id:sscc:0614141.1234567890\"]}"
#define EPCIS                                                                                      \
    "{\n  \"@context\": [\"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld\"],\n"   \
    "  \"epcisBody\": {\"eventList\": [\n" EPCIS_EVENT ",\n" EPCIS_EVENT "\n]}}\n"
#define CSV "parcel,at,code\nRA123456785FR,2026-11-20T14:03:00Z,ET1\n"

static const struct {
    const char *text;
    enum feed_format format;
} inputs[] = {
    {LINE("ET1") "\n" LINE("DI1") "\n", FEED_NDJSON},
    {LINE("ET1") "\nx\n\r\n" LINE("DI1"), FEED_NDJSON},
    {"\xef\xbb\xbf" LINE("ET1") "\r\n", FEED_NDJSON},
    {"{\"x\":{\"shipment\":1,\"@context\":2},\"y\":\"\\\"returnCode\\\":\","
     "\"code\":\"ET1\"}\n",
     FEED_NDJSON},
    {"{}\n" SUIVI, FEED_NDJSON},
    {"{\"a\":1}", FEED_NDJSON},
    {"{", FEED_NDJSON},
    {CSV, FEED_CSV},
    {"\xef\xbb\xbf" CSV, FEED_CSV},
    {"x", FEED_CSV},
    {SUIVI, FEED_SUIVI},
    {SUIVI "\n" SUIVI "\n", FEED_SUIVI},
    {"[" SUIVI "," SUIVI "]", FEED_SUIVI},
    {"{\"lang\":\"fr_FR\",\"scope\":\"open\",\"returnCode\":404}", FEED_SUIVI},
    {EPCIS, FEED_EPCIS},
    {"[" EPCIS_EVENT "]", FEED_EPCIS},
    {EPCIS "]\n" EPCIS, FEED_EPCIS},
    {"{\"eventTime\":\"x\n" EPCIS, FEED_EPCIS},
    {"{\"epcisBody\":1", FEED_EPCIS},
};
enum { INPUT_COUNT = sizeof inputs / sizeof inputs[0] };

static void formats_are_recognised_by_their_first_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < INPUT_COUNT; i++) {
        struct caught *caught = feed_text(FEED_AUTO, text_of(inputs[i].text), 0);
        if (caught->format != inputs[i].format)
            fail_msg("%s: %s", inputs[i].text, feed_format_name(caught->format));
        free(caught);
    }
}

static void pieces_of_any_size_give_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < INPUT_COUNT; i++) {
        struct caught *whole = feed_text(FEED_AUTO, text_of(inputs[i].text), 0);
        assert_true(whole->events + whole->rejects > 0);
        for (size_t piece = 1; piece < 70; piece += piece < 8 ? 1 : 13) {
            struct caught *pieces = feed_text(FEED_AUTO, text_of(inputs[i].text), piece);
            assert_memory_equal(pieces, whole, sizeof *whole);
            free(pieces);
        }
        free(whole);
    }
}

static void a_format_that_is_asked_for_is_taken_at_its_word(void **state)
{
    (void)state;
    struct caught *caught = feed_text(FEED_NDJSON, text_of("\xef\xbb\xbf" CSV), 1);
    assert_int_equal(caught->format, FEED_NDJSON);
    assert_int_equal(caught->rejects, 2);
    assert_reject(caught, 0, 1, FEED_SYNTAX, "");
    free(caught);
    caught = feed_text(FEED_SUIVI, text_of(LINE("ET1")), 0);
    assert_reject(caught, 0, 1, FEED_NO_EVENTS, "shipment");
    free(caught);
}

static void nothing_in_is_nothing_out(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n", " \r\n\t\n", "\xef\xbb\xbf"};
    for (int format = FEED_AUTO; format <= FEED_SUIVI; format++)
        for (size_t i = 0; i < 4; i++) {
            struct caught *caught = feed_text((enum feed_format)format, text_of(texts[i]), 1);
            assert_true(caught->events == 0 && caught->rejects == 0);
            free(caught);
        }
}

/* `length` bytes of one line: an event with a note as long as it takes. */
static char *line_of(size_t length, const char *after)
{
    static const char start[] = "{\"parcel\":\"RA123456785FR\",\"at\":\"2026-11-20T14:03:00Z\","
                                "\"code\":\"ET1\",\"note\":\"";
    char *text = malloc(length + strlen(after) + 1);
    assert_non_null(text);
    memset(text, 'x', length);
    memcpy(text, start, sizeof start - 1);
    memcpy(text + length - 2, "\"}", 2);
    strcpy(text + length, after);
    return text;
}

static void a_line_too_long_is_refused_and_the_next_is_read(void **state)
{
    (void)state;
    for (size_t piece = 0; piece <= 4096; piece += 4096) {
        char *longest = line_of(FEED_LINE_MAX, "\n" LINE("DI1"));
        char *over = line_of(FEED_LINE_MAX + 1, "\n" LINE("DI1"));
        struct caught *caught = feed_text(FEED_NDJSON, text_of(longest), piece);
        assert_true(caught->events == 2 && caught->rejects == 0);
        free(caught);
        caught = feed_text(FEED_NDJSON, text_of(over), piece);
        assert_int_equal(caught->events, 1);
        assert_int_equal(caught->event_place[0], 2);
        assert_reject(caught, 0, 1, FEED_TOO_LONG, "");
        free(caught);
        free(longest);
        free(over);
    }
    char *endless = line_of(1 << 20, "");
    struct caught *caught = feed_text(FEED_AUTO, text_of(endless), 1000);
    assert_true(caught->events == 0 && caught->rejects == 1);
    assert_reject(caught, 0, 1, FEED_TOO_LONG, "");
    free(caught);
    free(endless);
}

/* Far from the head, where lines are read in place and not from what was kept back. */
static void a_line_in_place_may_be_as_long_as_one_in_pieces(void **state)
{
    (void)state;
    for (size_t over = 0; over <= 1; over++) {
        char *line = line_of(FEED_LINE_MAX + over, "\n" LINE("DI1") "\n");
        size_t length = strlen(line);
        char *text = malloc(FEED_HEAD_MAX + length);
        assert_non_null(text);
        memset(text, '\n', FEED_HEAD_MAX);
        memcpy(text + FEED_HEAD_MAX, line, length);
        struct caught *caught =
            feed_text(FEED_NDJSON, (struct text){text, FEED_HEAD_MAX + length}, 0);
        assert_int_equal(caught->events, 2 - over);
        assert_int_equal(caught->rejects, over);
        free(caught);
        free(text);
        free(line);
    }
}

static void a_broken_document_is_refused_and_the_next_is_read(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "{\"eventTime\":\"x\ny\"}\n",
        "{\"eventTime\":[}\n",
        "{\"eventTime\":1\n",
        "{\"eventTime\"{}}\n",
        "{\"eventTime\":1}]\n",
        "{\"eventTime\":}\n",
        "x\n",
        "{\"eventTime\":1,\"eventTime\":2}\n",
        "{\"eventTime\":\"\xff\"}\n",
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%s" EPCIS, broken[i]);
        struct caught *caught = feed_text(FEED_EPCIS, text_of(text), 3);
        if (caught->events != 2 || caught->rejects < 1 || caught->rejects > 2)
            fail_msg("%s: %zu events, %zu rejects", broken[i], caught->events, caught->rejects);
        assert_int_equal(caught->reject[0].place, 1);
        free(caught);
    }
}

static void an_input_that_is_cut_short_is_said_to_be(void **state)
{
    (void)state;
    size_t whole = strlen(EPCIS) - 2; /* without its last bracket */
    struct caught *caught = feed_text(FEED_AUTO, (struct text){EPCIS, whole}, 0);
    assert_int_equal(caught->events, 2);
    assert_reject(caught, 0, 3, FEED_SYNTAX, "");
    free(caught);
}

static void documents_deeper_than_can_be_are_refused(void **state)
{
    (void)state;
    for (unsigned depth = FEED_DEPTH_MAX - 1; depth <= FEED_DEPTH_MAX; depth++) {
        char text[1024];
        struct writer w = writer_on(text, sizeof text - 1);
        WRITE_LITERAL(&w, "{\"eventTime\":");
        for (unsigned i = 0; i < depth; i++)
            WRITE_LITERAL(&w, "[");
        for (unsigned i = 0; i < depth; i++)
            WRITE_LITERAL(&w, "]");
        WRITE_LITERAL(&w, "}");
        struct caught *caught = feed_text(FEED_EPCIS, (struct text){text, w.length}, 0);
        assert_reject(caught, 0, 1, depth < FEED_DEPTH_MAX ? FEED_BAD_FIELD : FEED_SYNTAX,
                      depth < FEED_DEPTH_MAX ? "eventTime" : "");
        free(caught);
    }
}

static void an_event_too_long_leaves_the_rest_of_its_document(void **state)
{
    (void)state;
    static const char start[] = "{\"epcisBody\":{\"eventList\":[" EPCIS_EVENT ",{\"note\":\"";
    static const char end[] = "\"}," EPCIS_EVENT "]}}";
    size_t note = FEED_UNIT_MAX + 1, length = sizeof start - 1 + note + sizeof end - 1;
    char *text = malloc(length);
    assert_non_null(text);
    memset(text, 'x', length);
    memcpy(text, start, sizeof start - 1);
    memcpy(text + length - (sizeof end - 1), end, sizeof end - 1);
    struct caught *caught = feed_text(FEED_EPCIS, (struct text){text, length}, 1 << 16);
    assert_int_equal(caught->events, 2);
    assert_int_equal(caught->event_place[1], 3);
    assert_int_equal(caught->rejects, 1);
    assert_reject(caught, 0, 2, FEED_TOO_LONG, "");
    free(caught);
    free(text);
}

static enum feed_reason refuse_all(void *context, const struct event *event, uint64_t place)
{
    (void)context;
    (void)event;
    (void)place;
    return FEED_FUTURE;
}

static void what_the_sink_refuses_is_rejected_once_with_its_reason(void **state)
{
    (void)state;
    struct caught *caught = calloc(1, sizeof *caught);
    struct feed *feed =
        feed_new(FEED_AUTO, &test_rules, (struct feed_sink){caught, refuse_all, catch_reject});
    feed_bytes(feed, LINE("ET1"), strlen(LINE("ET1")));
    feed_end(feed);
    assert_int_equal(caught->rejects, 1);
    assert_reject(caught, 0, 1, FEED_FUTURE, "");
    feed_free(feed);
    free(caught);
}

static void every_reason_and_format_has_a_name(void **state)
{
    (void)state;
    for (int reason = 0; reason < FEED_REASON_COUNT; reason++)
        assert_true(*feed_reason_name((enum feed_reason)reason) &&
                    *feed_reason_text((enum feed_reason)reason));
    assert_string_equal(feed_reason_name(FEED_PARCEL_CHECK), "parcel_check_digit");
    assert_string_equal(feed_format_name(FEED_EPCIS), "epcis");
}

static void personal_names_are_known_in_many_spellings(void **state)
{
    (void)state;
    static const char *const personal[] = {
        "name",
        "Name",
        "recipient",
        "recipient_name",
        "senderAddress",
        "street",
        "phone",
        "phone-number",
        "e_mail",
        "lat",
        "lon",
        "latitude",
        "LONGITUDE",
        "geo",
        "signature",
        "nom",
        "prénom",
        "Prénom",
        "adresse",
        "téléphone",
        "destinataire",
        "expéditeur",
        "example:latitude",
        "zip",
        "zipCode",
        "username",
        "address",
    };
    static const char *const others[] = {"",      "weight",  "label",     "holder", "url",
                                         "names", "latency", "geography", "id",     "note"};
    for (size_t i = 0; i < sizeof personal / sizeof personal[0]; i++)
        if (!field_is_personal(text_of(personal[i])))
            fail_msg("%s", personal[i]);
    for (size_t i = 0; personal_name(i); i++) /* a row out of its order would not be found */
        if (!field_is_personal(text_of(personal_name(i))))
            fail_msg("%s", personal_name(i));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (field_is_personal(text_of(others[i])))
            fail_msg("%s", others[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_are_recognised_by_their_first_names),
        cmocka_unit_test(pieces_of_any_size_give_the_same),
        cmocka_unit_test(a_format_that_is_asked_for_is_taken_at_its_word),
        cmocka_unit_test(nothing_in_is_nothing_out),
        cmocka_unit_test(a_line_too_long_is_refused_and_the_next_is_read),
        cmocka_unit_test(a_line_in_place_may_be_as_long_as_one_in_pieces),
        cmocka_unit_test(a_broken_document_is_refused_and_the_next_is_read),
        cmocka_unit_test(an_input_that_is_cut_short_is_said_to_be),
        cmocka_unit_test(documents_deeper_than_can_be_are_refused),
        cmocka_unit_test(an_event_too_long_leaves_the_rest_of_its_document),
        cmocka_unit_test(what_the_sink_refuses_is_rejected_once_with_its_reason),
        cmocka_unit_test(every_reason_and_format_has_a_name),
        cmocka_unit_test(personal_names_are_known_in_many_spellings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
