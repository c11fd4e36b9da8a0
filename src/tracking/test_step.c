#include "tracking/test_feed.h"

#include "tracking/step.h"
#include "tracking/step_table.h"

static void every_step_is_labelled_in_every_language(void **state)
{
    (void)state;
    for (int step = 0; step < STEP_COUNT; step++)
        for (int language = 0; language < LANGUAGE_COUNT; language++) {
            struct text label = step_label((enum step)step, (enum language)language);
            struct text next = step_next((enum step)step, (enum language)language);
            assert_true(label.length >= 4 && label.length < 48);
            assert_int_equal(next.length == 0, step_is_final((enum step)step));
            assert_true(!next.length || next.data[next.length - 1] == '.');
        }
    assert_true(text_is(step_label(STEP_DELIVERED, LANGUAGE_NL), "Bezorgd"));
    assert_true(text_is(step_label(STEP_OUT_FOR_DELIVERY, LANGUAGE_DE), "In Zustellung"));
}

static void names_are_unique_and_go_both_ways(void **state)
{
    (void)state;
    for (int step = 1; step < STEP_COUNT; step++)
        assert_int_equal(step_of_name(text_of(step_name((enum step)step))), step);
    assert_int_equal(step_of_name(TEXT("unknown")), STEP_UNKNOWN);
    assert_int_equal(step_of_name(TEXT("deliver")), STEP_UNKNOWN);
}

static void only_what_is_over_is_final(void **state)
{
    (void)state;
    for (int step = 0; step < STEP_COUNT; step++) {
        bool over = step == STEP_DELIVERED || step == STEP_RETURNED;
        assert_int_equal(step_is_final((enum step)step), over);
        assert_int_equal(step_stage((enum step)step) == STAGE_DONE, over);
    }
    assert_int_equal(step_sentiment(STEP_INCIDENT), -1);
    assert_int_equal(step_sentiment(STEP_CUSTOMS), 0);
    assert_int_equal(step_sentiment(STEP_DELIVERED), 1);
}

static void the_code_shown_for_a_step_means_that_step(void **state)
{
    (void)state;
    for (int step = 1; step < STEP_COUNT; step++) {
        struct text code = text_of(step_laposte_code((enum step)step));
        assert_int_equal(step_of_code(CODES_LAPOSTE, code), step);
    }
}

static void carriers_codes_mean_the_common_steps(void **state)
{
    (void)state;
    enum code_list list = CODE_LIST_COUNT;
    assert_int_equal(step_of_any_code(TEXT("MD2"), &list), STEP_OUT_FOR_DELIVERY);
    assert_int_equal(list, CODES_LAPOSTE);
    assert_int_equal(step_of_any_code(TEXT("EMH"), &list), STEP_ATTEMPTED);
    assert_int_equal(list, CODES_UPU);
    list = CODE_LIST_COUNT;
    assert_int_equal(step_of_any_code(TEXT("ZZ9"), &list), STEP_UNKNOWN);
    assert_int_equal(list, CODE_LIST_COUNT);
    assert_int_equal(step_of_code(CODES_UPU, TEXT("MD2")), STEP_UNKNOWN);
    assert_int_equal(step_of_code(CODES_UPU, TEXT("EM")), STEP_UNKNOWN);
    assert_int_equal(step_of_code(CODES_UPU, TEXT("EMII")), STEP_UNKNOWN);
    assert_int_equal(step_of_code(CODES_UPU, TEXT("")), STEP_UNKNOWN);
}

static void all_upu_events_are_there(void **state)
{
    (void)state;
    static const char *const codes[] = {
        "EMA", "EMB", "EMC", "EMD", "EME", "EMF", "EMG", "EMH", "EMI", "EMJ", "EMK", "EXA", "EXB",
        "EXC", "EXD", "EXX", "EDA", "EDB", "EDC", "EDD", "EDE", "EDF", "EDG", "EDH", "EDX"};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (step_of_code(CODES_UPU, text_of(codes[i])) == STEP_UNKNOWN)
            fail_msg("%s", codes[i]);
}

static void epcis_names_are_taken_in_all_their_forms(void **state)
{
    (void)state;
    static const char *const shipping[] = {"shipping", "urn:epcglobal:cbv:bizstep:shipping",
                                           "https://ref.gs1.org/cbv/BizStep-shipping",
                                           "cbv:BizStep-shipping"};
    static const char *const returned[] = {"returned", "urn:epcglobal:cbv:disp:returned",
                                           "https://ref.gs1.org/cbv/Disp-returned"};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(step_of_code(CODES_EPCIS_STEP, text_of(shipping[i])), STEP_IN_TRANSIT);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(step_of_code(CODES_EPCIS_DISPOSITION, text_of(returned[i])),
                         STEP_RETURNED);
    assert_int_equal(step_of_code(CODES_EPCIS_STEP, text_of(returned[1])), STEP_UNKNOWN);
    struct text bare = step_bare_code(CODES_EPCIS_STEP, text_of(shipping[1]));
    assert_true(text_is(bare, "shipping"));
}

/* A code that stands twice in a list would mean what its first row says, whatever the second does.
 */
static void no_code_stands_twice_in_its_list(void **state)
{
    (void)state;
#define X(code, step, meaning) code,
    static const char *const codes[][64] = {{CODES_OF_LAPOSTE(X)},
                                            {CODES_OF_UPU(X)},
                                            {CODES_OF_EPCIS_STEPS(X)},
                                            {CODES_OF_EPCIS_DISPOSITIONS(X)}};
#undef X
    for (size_t list = 0; list < 4; list++)
        for (size_t i = 0; codes[list][i]; i++) {
            assert_true(strlen(codes[list][i]) <= 24);
            for (size_t k = 0; k < i; k++)
                assert_string_not_equal(codes[list][i], codes[list][k]);
        }
}

/* The manual's tables are this table: a code that is missing there, or means another step, is told.
 */
static void the_manual_has_every_code_with_its_step(void **state)
{
    (void)state;
    struct text manual = read_input("ECLUSE_SOURCE", "docs/feeds.md");
#define X(code, step, meaning) {code, STEP_##step},
    static const struct {
        const char *code;
        enum step step;
    } rows[] = {CODES_OF_LAPOSTE(X) CODES_OF_UPU(X) CODES_OF_EPCIS_STEPS(X)
                    CODES_OF_EPCIS_DISPOSITIONS(X)};
#undef X
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char row[128];
        int length =
            snprintf(row, sizeof row, "\n| `%s` | %s | ", rows[i].code, step_name(rows[i].step));
        if (!memmem(manual.data, manual.length, row, (size_t)length))
            fail_msg("docs/feeds.md has no row%s", row);
    }
    free((char *)(uintptr_t)manual.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_is_labelled_in_every_language),
        cmocka_unit_test(names_are_unique_and_go_both_ways),
        cmocka_unit_test(only_what_is_over_is_final),
        cmocka_unit_test(the_code_shown_for_a_step_means_that_step),
        cmocka_unit_test(carriers_codes_mean_the_common_steps),
        cmocka_unit_test(all_upu_events_are_there),
        cmocka_unit_test(epcis_names_are_taken_in_all_their_forms),
        cmocka_unit_test(no_code_stands_twice_in_its_list),
        cmocka_unit_test(the_manual_has_every_code_with_its_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
