#include "outputs/notice.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char *remedy(const char *kind)
{
    return strcmp(kind, "guard_down") == 0 ? "start nginx" : "";
}

static const struct notice_source source = {"Poste d'\"exemple\"", "lock1",
                                            "https://desk.poste.example", remedy};
static const int64_t began = INT64_C(1795183380) * NANOS_SECOND;

static struct incident an_incident(void)
{
    struct incident incident = {.id = "20261120T140300Z-guards",
                                .area = "guards",
                                .began = began,
                                .version = 1,
                                .kind_count = 1};
    incident.kind[0] = (struct incident_kind){.kind = "guard_down",
                                              .text = "the front is \"down\"\nX-Evil: yes",
                                              .since = began,
                                              .standing = true};
    return incident;
}

static json_t *json_of(const struct incident *incident)
{
    char text[NOTICE_SIZE];
    struct writer w = writer_on(text, sizeof text);
    notice_json(&source, incident, &w);
    assert_false(w.overflow);
    json_t *object = json_loadb(text, w.length, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    return object;
}

static void assert_state(const struct incident *incident, const char *state, const char *title)
{
    json_t *object = json_of(incident);
    const json_t *own = json_object_get(object, "ecluse");
    assert_string_equal(json_string_value(json_object_get(own, "state")), state);
    assert_string_equal(json_string_value(json_object_get(own, "id")), incident->id);
    assert_int_equal(json_integer_value(json_object_get(own, "version")), incident->version);
    const char *text = json_string_value(json_object_get(object, "text"));
    assert_true(strncmp(text, title, strlen(title)) == 0);
    json_decref(object);
}

static void a_webhook_is_told_text_and_parts(void **state)
{
    (void)state;
    struct incident incident = an_incident();
    assert_state(&incident, "began", "Poste d'\"exemple\": guard_down began\n");
    json_t *object = json_of(&incident);
    const char *text = json_string_value(json_object_get(object, "text"));
    assert_non_null(strstr(text, "to do: start nginx\n"));
    assert_non_null(strstr(text, "desk: https://desk.poste.example\n"));
    const json_t *alarm =
        json_array_get(json_object_get(json_object_get(object, "ecluse"), "alarms"), 0);
    assert_string_equal(json_string_value(json_object_get(alarm, "kind")), "guard_down");
    assert_string_equal(json_string_value(json_object_get(alarm, "since")), "2026-11-20T14:03:00Z");
    json_decref(object);
}

static void each_state_is_said(void **state)
{
    (void)state;
    struct incident incident = an_incident();
    incident.version = 2;
    assert_state(&incident, "grew", "Poste d'\"exemple\": guard_down grew\n");
    incident.version = 3;
    incident.ended = began + 125 * NANOS_MINUTE;
    assert_state(&incident, "over", "Poste d'\"exemple\": guard_down is over\n");
    json_t *object = json_of(&incident);
    const char *text = json_string_value(json_object_get(object, "text"));
    assert_non_null(strstr(text, "over since 2026-11-20T16:08:00Z (2 h 5 min)"));
    assert_null(strstr(text, "to do"));
    json_decref(object);
}

static void a_mail_has_headers_that_nothing_can_add_to(void **state)
{
    (void)state;
    char text[NOTICE_SIZE];
    struct writer w = writer_on(text, sizeof text - 1);
    struct incident incident = an_incident();
    incident.version = 2;
    notice_mail(&source, &incident, began, &w);
    text[w.length] = 0;
    assert_true(strncmp(text,
                        "Subject: [ecluse] guard_down grew\n"
                        "Date: Fri, 20 Nov 2026 14:03:00 +0000\n"
                        "Message-ID: <20261120T140300Z-guards.2@lock1>\n"
                        "References: <20261120T140300Z-guards.1@lock1>\n"
                        "Auto-Submitted: auto-generated\n",
                        60) == 0);
    assert_non_null(strstr(text, "References: <20261120T140300Z-guards.1@lock1>\n"));
    assert_non_null(strstr(text, "Content-Type: text/plain; charset=utf-8\n"));
    assert_non_null(strstr(text, "the front is \"down\" X-Evil: yes\n"));
    assert_null(strstr(text, "\nX-Evil"));
}

static void the_largest_incident_fits(void **state)
{
    (void)state;
    struct incident incident = an_incident();
    incident.kind_count = INCIDENT_KINDS;
    for (unsigned i = 0; i < INCIDENT_KINDS; i++) {
        memset(incident.kind[i].kind, 'a' + (int)i, INCIDENT_KIND_SIZE - 1);
        memset(incident.kind[i].text, 'x', INCIDENT_TEXT_SIZE - 1);
    }
    json_decref(json_of(&incident));
    char text[NOTICE_SIZE];
    struct writer w = writer_on(text, sizeof text);
    notice_mail(&source, &incident, began, &w);
    assert_false(w.overflow);
}

static void what_is_no_utf_8_is_told_all_the_same(void **state)
{
    (void)state;
    struct incident incident = an_incident();
    strcpy(incident.kind[0].text, "bad \xff byte");
    json_t *object = json_of(&incident);
    assert_non_null(json_object_get(object, "text"));
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_webhook_is_told_text_and_parts),
        cmocka_unit_test(each_state_is_said),
        cmocka_unit_test(a_mail_has_headers_that_nothing_can_add_to),
        cmocka_unit_test(the_largest_incident_fits),
        cmocka_unit_test(what_is_no_utf_8_is_told_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
