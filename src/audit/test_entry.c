#include "audit/entry.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct handed_over full_act(void)
{
    struct handed_over handed = {.from = HANDOVER_FRONT, .number = 17};
    struct act *act = &handed.act;
    act->at = INT64_C(1795183380) * NANOS_SECOND + 123456789;
    act->kind = ACT_RELEASE;
    act_text(act->actor, sizeof act->actor, TEXT("operator ana"));
    act_text(act->subject, sizeof act->subject, TEXT("198.51.100.7"));
    act_text(act->object, sizeof act->object, TEXT("logins"));
    act_text(act->hold, sizeof act->hold, TEXT("hold-2f-front"));
    act_text(act->reason, sizeof act->reason, TEXT("61 of 60 \"requests\" in 1 h"));
    act_text(act->evidence, sizeof act->evidence, TEXT("ecluse why hold-2f-front"));
    act_number(act, "used", 61);
    act_number(act, "delta", -5);
    return handed;
}

static struct text written(const struct handed_over *handed, char buffer[ENTRY_SIZE],
                           struct entry_salts *salts)
{
    struct writer w = writer_on(buffer, ENTRY_SIZE);
    entry_write(handed, &w, salts);
    return (struct text){buffer, w.length};
}

static void an_entry_reads_back_as_it_was_written(void **state)
{
    (void)state;
    struct handed_over handed = full_act();
    char buffer[ENTRY_SIZE];
    struct entry_salts salts;
    struct entry entry;
    assert_int_equal(entry_parse(written(&handed, buffer, &salts), &entry), 0);
    assert_int_equal(entry.at, handed.act.at);
    assert_int_equal(entry.kind, ACT_RELEASE);
    assert_int_equal(entry.number, 17);
    assert_string_equal(entry.from, "front");
    assert_string_equal(entry.act.reason, handed.act.reason);
    assert_string_equal(entry.act.hold, handed.act.hold);
    assert_int_equal(entry.act.number[0].value, 61);
    assert_int_equal(entry.act.number[1].value, -5);
}

static void nobody_is_named_in_an_entry_and_the_salt_shows_whom_it_meant(void **state)
{
    (void)state;
    struct handed_over handed = full_act();
    char buffer[ENTRY_SIZE], again[ENTRY_SIZE], commitment[ENTRY_COMMITMENT_SIZE];
    struct entry_salts salts, other;
    struct entry entry;
    struct text text = written(&handed, buffer, &salts);
    assert_null(memmem(text.data, text.length, "ana", 3));
    assert_null(memmem(text.data, text.length, "198.51", 6));
    assert_int_equal(entry_parse(text, &entry), 0);
    assert_string_equal(entry.act.subject,
                        entry_commitment(ENTRY_SUBJECT, salts.salt[ENTRY_SUBJECT],
                                         TEXT("198.51.100.7"), commitment));
    entry_commitment(ENTRY_ACTOR, salts.salt[ENTRY_ACTOR], TEXT("ana"), commitment);
    assert_string_equal(entry.act.actor + strlen("operator "), commitment);
    /* the same name in another entry looks different: entries cannot be linked without the salts */
    assert_false(text_equal(text, written(&handed, again, &other)));
}

static void guards_and_root_are_named_plainly(void **state)
{
    (void)state;
    struct handed_over handed = {
        .from = HANDOVER_RUN, .number = 1, .act = {.kind = ACT_STARTED, .actor = "root"}};
    char buffer[ENTRY_SIZE];
    struct entry_salts salts;
    struct text text = written(&handed, buffer, &salts);
    static const char expected[] =
        "{\"v\":1,\"at\":\"1970-01-01T00:00:00.000000000Z\",\"from\":\"run\",\"n\":1,"
        "\"kind\":\"started\",\"actor\":\"root\"}";
    assert_true(text_is(text, expected));
    assert_false(salts.used[ENTRY_ACTOR] || salts.used[ENTRY_SUBJECT]);
}

static void the_largest_act_fits(void **state)
{
    (void)state;
    struct handed_over handed = {.from = HANDOVER_COMMAND, .number = UINT64_MAX};
    struct act *act = &handed.act;
    char quotes[256];
    memset(quotes, '"', sizeof quotes);
    struct text text = {quotes, sizeof quotes};
    act->at = INT64_MAX;
    act->kind = ACT_CONTRACT_REFUSED;
    act_text(act->actor, sizeof act->actor, text);
    act_text(act->subject, sizeof act->subject, text);
    act_text(act->object, sizeof act->object, text);
    act_text(act->hold, sizeof act->hold, text);
    act_text(act->reason, sizeof act->reason, text);
    act_text(act->evidence, sizeof act->evidence, text);
    for (int i = 0; i < ACT_NUMBERS; i++)
        act_number(act, "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"", INT64_MIN);
    char buffer[ENTRY_SIZE];
    struct entry_salts salts;
    assert_in_range(written(&handed, buffer, &salts).length, 600, ENTRY_SIZE);
}

static void what_is_not_an_entry_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{}",
        "[]",
        "{\"v\":2}",
        "{\"v\":1,\"at\":\"2026-11-20T14:03:00Z\",\"from\":\"front\",\"n\":1,\"kind\":\"hold\"}",
        "{\"v\":1,\"at\":\"2026-13-20T14:03:00.000000000Z\",\"from\":\"front\",\"n\":1,\"kind\":"
        "\"hold\"}",
        "{\"v\":1,\"at\":\"2026-11-20T14:03:00.000000000Z\",\"from\":\"front\",\"n\":1,\"kind\":"
        "\"nonsense\"}",
        "{\"v\":1,\"at\":\"2026-11-20T14:03:00.000000000Z\",\"from\":\"front\",\"n\":-1,\"kind\":"
        "\"hold\"}",
        "{\"v\":1,\"at\":\"2026-11-20T14:03:00.000000000Z\",\"from\":\"front\",\"n\":1,\"kind\":"
        "\"hold\",\"numbers\":{\"a\":\"b\"}}",
    };
    struct entry entry;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (entry_parse(text_of(texts[i]), &entry) == 0)
            fail_msg("text %zu was taken", i);
}

static void every_kind_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (enum act_kind kind = 0; kind < ACT_KIND_COUNT; kind++) {
        enum act_kind back;
        assert_true(act_kind_named(text_of(act_kind_name(kind)), &back));
        assert_int_equal(back, kind);
    }
}

static void a_text_is_cut_at_a_character(void **state)
{
    (void)state;
    char field[4];
    act_text(field, sizeof field, TEXT("ab\xc3\xa9z"));
    assert_string_equal(field, "ab");
}

static void a_glance_sees_what_reading_does_or_nothing(void **state)
{
    (void)state;
    static const struct act acts[] = {
        {.at = INT64_C(1795183380123456789),
         .kind = ACT_HOLD,
         .actor = "guard front",
         .subject = "198.51.100.7",
         .object = "logins",
         .hold = "hold-2f-front",
         .reason = "61 of 60",
         .evidence = "ecluse why"},
        {.at = 1, .kind = ACT_STARTED},
        {.at = 7, .kind = ACT_SIGN_IN, .actor = "operator ana", .hold = "hold-1-front"},
        {.at = 7, .kind = ACT_CONTRACT, .object = "quote \" and \\"},
    };
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        char buffer[ENTRY_SIZE];
        struct writer w = writer_on(buffer, sizeof buffer);
        struct entry_salts salts;
        struct handed_over handed = {.from = HANDOVER_FRONT, .number = 17, .act = acts[i]};
        struct entry read = {.number = 0};
        struct act seen = {.at = 0};
        entry_write(&handed, &w, &salts);
        struct text text = {buffer, w.length};
        assert_int_equal(entry_parse(text, &read), 0);
        assert_int_equal(entry_glance(text, &seen), i < 3); /* what is escaped is left to reading */
        if (i == 3)
            continue;
        assert_int_equal(seen.at, read.at);
        assert_int_equal(seen.kind, read.kind);
        assert_string_equal(seen.object, read.act.object);
        assert_string_equal(seen.hold, read.act.hold);
        for (size_t cut = 0; cut < text.length / 2; cut++)
            entry_glance((struct text){buffer, cut}, &seen);
    }
}

static void what_was_not_done_is_taken_back_for_the_same_hold(void **state)
{
    (void)state;
    const struct act act = full_act().act;
    struct act back = act_not_done(&act, act.at + 5, "the disk is full");
    assert_int_equal(back.kind, ACT_ALARM);
    assert_int_equal(back.at, act.at + 5);
    assert_string_equal(back.actor, act.actor);
    assert_string_equal(back.subject, act.subject);
    assert_string_equal(back.hold, act.hold);
    assert_string_equal(back.object, "release");
    assert_string_equal(back.reason, "not done: the disk is full");
}

/* Readers of the log look a kind up there. */
static void every_kind_stands_in_the_document(void **state)
{
    (void)state;
    const char *source = getenv("ECLUSE_SOURCE");
    char path[512], wanted[64];
    static char text[1 << 17];
    if (!source)
        skip();
    snprintf(path, sizeof path, "%s/docs/audit.md", source);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    char *kinds = strstr(text, "\nKinds: "), *end = kinds ? strstr(kinds, "\n\n") : NULL;
    assert_non_null(end);
    *end = 0;
    for (enum act_kind kind = 0; kind < ACT_KIND_COUNT; kind++) {
        snprintf(wanted, sizeof wanted, "`%s`", act_kind_name(kind));
        if (!strstr(kinds, wanted))
            print_error("docs/audit.md lacks %s\n", wanted);
        assert_non_null(strstr(kinds, wanted));
    }
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_glance_sees_what_reading_does_or_nothing),
        cmocka_unit_test(an_entry_reads_back_as_it_was_written),
        cmocka_unit_test(nobody_is_named_in_an_entry_and_the_salt_shows_whom_it_meant),
        cmocka_unit_test(guards_and_root_are_named_plainly),
        cmocka_unit_test(the_largest_act_fits),
        cmocka_unit_test(what_is_not_an_entry_is_refused),
        cmocka_unit_test(every_kind_has_a_name_of_its_own),
        cmocka_unit_test(a_text_is_cut_at_a_character),
        cmocka_unit_test(what_was_not_done_is_taken_back_for_the_same_hold),
        cmocka_unit_test(every_kind_stands_in_the_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
