#include "outputs/eve.h"
#include "outputs/telling.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct eve_source source = {"poste.example/ecluse", "lock1", "Poste d'exemple"};

static struct entry an_entry(void)
{
    struct entry entry = {
        .at = INT64_C(1795183380123456789),
        .kind = ACT_HOLD,
        .from = "front",
        .number = 17,
        .act = {.kind = ACT_HOLD,
                .actor = "guard front",
                .subject = "c1:abc",
                .object = "logins",
                .hold = "hold-2f-front",
                .reason = "61 of 60 \"requests\" in 1 h",
                .evidence = "ecluse why hold-2f-front"},
    };
    act_number(&entry.act, "used", 61);
    act_number(&entry.act, "left", -1);
    return entry;
}

static json_t *line_of(const struct entry *entry)
{
    char line[EVE_LINE_SIZE];
    struct writer w = writer_on(line, sizeof line);
    eve_write(&source, 123, entry, &w);
    assert_int_equal(line[w.length - 1], '\n');
    assert_null(memchr(line, '\n', w.length - 1));
    json_t *object = json_loadb(line, w.length, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    return object;
}

/* "event.category.0" in nested objects and lists. */
static const json_t *member(const json_t *object, const char *path)
{
    char part[40];
    while (*path) {
        size_t length = strcspn(path, ".");
        memcpy(part, path, length);
        part[length] = 0;
        object = json_is_array(object) ? json_array_get(object, (size_t)(part[0] - '0'))
                                       : json_object_get(object, part);
        path += length + (path[length] == '.');
    }
    return object;
}

static void assert_member(const json_t *object, const char *path, const char *value)
{
    const char *found = json_string_value(member(object, path));
    if (found == NULL)
        fail_msg("no %s", path);
    assert_string_equal(found, value);
}

static void a_line_is_json_with_names_of_eve_and_ecs(void **state)
{
    (void)state;
    struct entry entry = an_entry();
    json_t *object = line_of(&entry);
    static const char *const expected[][2] = {
        {"timestamp", "2026-11-20T14:03:00.123456+0000"},
        {"@timestamp", "2026-11-20T14:03:00.123456Z"},
        {"event_type", "ecluse"},
        {"ecs.version", EVE_ECS_VERSION},
        {"event.id", "poste.example/ecluse/123"},
        {"event.kind", "event"},
        {"event.category.0", "intrusion_detection"},
        {"event.type.0", "denied"},
        {"event.action", "hold"},
        {"event.outcome", "success"},
        {"event.module", "ecluse"},
        {"event.dataset", "ecluse.audit"},
        {"event.provider", "front"},
        {"event.reason", "61 of 60 \"requests\" in 1 h"},
        {"message", "hold: logins: 61 of 60 \"requests\" in 1 h"},
        {"rule.name", "logins"},
        {"observer.product", "ecluse"},
        {"host.name", "lock1"},
        {"organization.name", "Poste d'exemple"},
        {"ecluse.hold", "hold-2f-front"},
        {"ecluse.subject", "c1:abc"},
        {"ecluse.actor", "guard front"},
        {"ecluse.evidence", "ecluse why hold-2f-front"},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_member(object, expected[i][0], expected[i][1]);
    assert_int_equal(json_integer_value(member(object, "event.sequence")), 123);
    assert_int_equal(json_integer_value(member(object, "event.severity")), SEVERITY_NOTICE);
    assert_int_equal(json_integer_value(member(object, "ecluse.number")), 17);
    assert_int_equal(json_integer_value(member(object, "ecluse.numbers.used")), 61);
    assert_int_equal(json_integer_value(member(object, "ecluse.numbers.left")), -1);
    json_decref(object);
}

static void every_act_has_a_line_and_what_is_empty_is_left_out(void **state)
{
    (void)state;
    for (enum act_kind kind = 0; kind < ACT_KIND_COUNT; kind++) {
        struct entry entry = {.kind = kind, .from = "run"};
        json_t *object = line_of(&entry);
        assert_member(object, "event.action", act_kind_name(kind));
        assert_null(member(object, "rule"));
        assert_null(member(object, "event.reason"));
        assert_null(json_object_get(member(object, "ecluse"), "subject"));
        json_decref(object);
    }
}

static void the_longest_entry_fits(void **state)
{
    (void)state;
    struct entry entry = {.at = INT64_MAX, .kind = ACT_HOLD, .number = INT64_MAX};
    struct act *act = &entry.act;
    /* U+0001 in the JSON of an entry is taken as it is, and takes six bytes in a line. */
    memset(act->actor, 1, sizeof act->actor - 1);
    memset(act->subject, 1, sizeof act->subject - 1);
    memset(act->object, 1, sizeof act->object - 1);
    memset(act->hold, 1, sizeof act->hold - 1);
    memset(act->reason, 1, sizeof act->reason - 1);
    memset(act->evidence, 1, sizeof act->evidence - 1);
    memset(entry.from, 1, sizeof entry.from - 1);
    for (unsigned i = 0; i < ACT_NUMBERS; i++) {
        memset(act->number[i].name, 1, sizeof act->number[i].name - 1);
        act->number[i].name[0] = (char)('a' + i);
        act->number[i].value = INT64_MIN;
    }
    json_t *object = line_of(&entry);
    json_decref(object);
}

static void an_entry_of_a_later_version_is_told_too(void **state)
{
    (void)state;
    char line[EVE_LINE_SIZE];
    struct writer w = writer_on(line, sizeof line);
    eve_write_unknown(&source, 9, INT64_C(1795183380) * NANOS_SECOND, &w);
    json_t *object = json_loadb(line, w.length, JSON_REJECT_DUPLICATES, NULL);
    assert_member(object, "event.id", "poste.example/ecluse/9");
    assert_member(object, "event.action", "unknown");
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_json_with_names_of_eve_and_ecs),
        cmocka_unit_test(every_act_has_a_line_and_what_is_empty_is_left_out),
        cmocka_unit_test(the_longest_entry_fits),
        cmocka_unit_test(an_entry_of_a_later_version_is_told_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
