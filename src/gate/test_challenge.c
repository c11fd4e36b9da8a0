/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "gate/challenge_text.h"
#include "tracking/answer_samples.h"

#include "gate/challenge.h"

#define UNUSED(state) (void)(state)

static const struct challenge_slot usual = {
    .puzzle = {"MYKPoX0Caw885jrcw2tgRYtXk1h0rjNq3oHlFQ", PUZZLE_TEXT_LENGTH},
    .bits = 15,
    .seconds = 9,
    .fields = {"<form>FIELDS", 12}};

static char whole[CHALLENGE_FIELDS_SIZE + 64 * 1024];

/* A page as it is sent, zero-ended. */
static const char *page_of(enum challenge_kind kind, enum language language,
                           const struct challenge_slot *slot)
{
    const struct challenge_page *page = challenge_page(kind, CHALLENGE_HTML, language);
    struct writer w = writer_on(whole, sizeof whole - 1);
    write_text(&w, page->open);
    size_t before = w.length;
    if (page->has_slot)
        challenge_write(&w, kind, language, slot);
    assert_in_range(w.length - before, 0, CHALLENGE_SLOT_SIZE + slot->fields.length);
    write_text(&w, page->close);
    assert_false(w.overflow);
    whole[w.length] = '\0';
    return whole;
}

static int prepare(void **state)
{
    UNUSED(state);
    struct contract *c = sample_contract();
    challenge_prepare(c);
    free(c);
    return 0;
}

static void every_sentence_exists_in_every_language_and_is_nobody_elses(void **state)
{
    UNUSED(state);
    for (unsigned i = 0; i < CHALLENGE_TEXT_COUNT; i++)
        for (unsigned a = 0; a < LANGUAGE_COUNT; a++) {
            struct text one = challenge_text((enum challenge_text)i, (enum language)a);
            assert_true(one.length > 0);
            for (unsigned b = 0; b < a; b++)
                if (text_equal(one, challenge_text((enum challenge_text)i, (enum language)b)))
                    fail_msg("text %u is the same in languages %u and %u: %s", i, a, b, one.data);
        }
}

static void every_page_is_whole_in_its_language(void **state)
{
    UNUSED(state);
    static const char *const open[LANGUAGE_COUNT] = {"<html lang=\"fr\">", "<html lang=\"nl\">",
                                                     "<html lang=\"de\">", "<html lang=\"en\">"};
    for (unsigned kind = 0; kind < CHALLENGE_KIND_COUNT; kind++)
        for (unsigned language = 0; language < LANGUAGE_COUNT; language++) {
            const char *html = page_of((enum challenge_kind)kind, (enum language)language, &usual);
            assert_memory_equal(html, "<!doctype html>\n", 16);
            assert_non_null(strstr(html, open[language]));
            assert_non_null(strstr(html, "<meta name=\"robots\" content=\"noindex\">"));
            assert_non_null(strstr(html, "Poste d’exemple"));
            assert_string_equal(html + strlen(html) - 8, "</html>\n");
        }
}

static void a_page_says_the_seconds_and_refreshes_without_a_script(void **state)
{
    UNUSED(state);
    const char *html = page_of(CHALLENGE_PUZZLE, LANGUAGE_DE, &usual);
    assert_non_null(strstr(html, "<meta name=\"ecluse\" content=\"15 9 MYKPoX0Caw885jrcw2tgRYtXk1h0"
                                 "rjNq3oHlFQ\">"));
    assert_non_null(
        strstr(html, "<noscript><meta http-equiv=\"refresh\" content=\"9\"></noscript>"));
    assert_non_null(strstr(html, "<noscript><p>Diese Seite lädt sich in 9\u00a0Sekunden von"));
    struct challenge_slot slot = usual;
    slot.seconds = 0;
    assert_non_null(
        strstr(page_of(CHALLENGE_BUSY, LANGUAGE_EN, &slot), "reloads by itself in 1\u00a0second;"));
    slot.seconds = 100000;
    assert_non_null(strstr(page_of(CHALLENGE_BUSY, LANGUAGE_EN, &slot), "3600\u00a0seconds"));
}

static void a_form_is_offered_where_it_can_be_and_its_page_does_not_reload(void **state)
{
    UNUSED(state);
    for (unsigned kind = 0; kind < CHALLENGE_KIND_COUNT; kind++) {
        bool offers = kind == CHALLENGE_PUZZLE_OFFER || kind == CHALLENGE_BUSY_OFFER;
        bool reloads = kind == CHALLENGE_PUZZLE || kind == CHALLENGE_BUSY;
        const char *html = page_of((enum challenge_kind)kind, LANGUAGE_FR, &usual);
        assert_int_equal(strstr(html, "<form>FIELDS") != NULL, offers);
        assert_int_equal(strstr(html, "http-equiv=\"refresh\"") != NULL, reloads);
    }
}

/* The hash of the script in the page is the one that the policy lets run (a browser would be silent
 * about a page that does nothing), and no policy lets anything else run. */
static void a_policy_names_what_stands_in_the_page(void **state)
{
    UNUSED(state);
    for (unsigned kind = 0; kind < CHALLENGE_KIND_COUNT; kind++) {
        const struct challenge_page *page =
            challenge_page((enum challenge_kind)kind, CHALLENGE_HTML, LANGUAGE_NL);
        const char *html = page_of((enum challenge_kind)kind, LANGUAGE_NL, &usual);
        char policy[1024];
        assert_in_range(page->about.policy.length, 1, sizeof policy - 1);
        memcpy(policy, page->about.policy.data, page->about.policy.length);
        policy[page->about.policy.length] = '\0';
        assert_memory_equal(policy, "default-src 'none'; ", 20);
        assert_int_equal(strstr(html, "<script>") != NULL, strstr(policy, "script-src ") != NULL);
        assert_null(strstr(policy, "unsafe"));
        bool sends = strstr(html, "<form>") != NULL;
        assert_int_equal(strstr(policy, "form-action") == NULL, sends);
    }
}

static void nothing_of_it_is_kept_or_listed(void **state)
{
    UNUSED(state);
    for (unsigned kind = 0; kind < CHALLENGE_KIND_COUNT; kind++)
        for (unsigned form = 0; form < CHALLENGE_FORM_COUNT; form++) {
            const struct answer *about =
                &challenge_page((enum challenge_kind)kind, (enum challenge_form)form, LANGUAGE_EN)
                     ->about;
            assert_int_equal(about->status, kind == CHALLENGE_LANE ? 403 : 503);
            assert_true(text_is(about->cache_control, "no-store"));
            assert_true(text_is(about->robots, "noindex"));
            assert_int_equal(about->etag[0], 0);
        }
}

static void programs_get_a_few_words(void **state)
{
    UNUSED(state);
    const struct challenge_page *json = challenge_page(CHALLENGE_BUSY, CHALLENGE_JSON, LANGUAGE_EN);
    assert_false(json->has_slot);
    assert_memory_equal(json->open.data, "{\"status\":503,\"message\":\"The service is very busy",
                        47);
    assert_memory_equal(json->open.data + json->open.length - 3, "\"}\n", 3);
    const struct challenge_page *text =
        challenge_page(CHALLENGE_PUZZLE, CHALLENGE_TEXT, LANGUAGE_DE);
    assert_memory_equal(text->open.data, "Der Dienst ist stark ausgelastet", 32);
    assert_true(text_is(text->about.content_type, "text/plain; charset=utf-8"));
    assert_int_equal(text->close.length, 0);
}

static void the_longest_name_of_an_organisation_fits_and_is_escaped(void **state)
{
    UNUSED(state);
    struct contract *c = sample_contract();
    memset(c->organisation, '"', sizeof c->organisation - 1);
    c->organisation[sizeof c->organisation - 1] = '\0';
    challenge_prepare(c);
    assert_null(strstr(page_of(CHALLENGE_PUZZLE, LANGUAGE_FR, &usual), "\"\"\""));
    assert_non_null(strstr(page_of(CHALLENGE_PUZZLE, LANGUAGE_FR, &usual), "&quot;&quot;&quot;"));
    free(c);
    prepare(NULL);
}

static void a_page_stays_readable_while_the_next_is_prepared(void **state)
{
    UNUSED(state);
    struct text before = challenge_page(CHALLENGE_PUZZLE, CHALLENGE_HTML, LANGUAGE_FR)->open;
    char copy[64];
    memcpy(copy, before.data, sizeof copy);
    struct contract *c = sample_contract();
    strcpy(c->organisation, "Another");
    challenge_prepare(c);
    assert_memory_equal(before.data, copy, sizeof copy);
    assert_ptr_not_equal(challenge_page(CHALLENGE_PUZZLE, CHALLENGE_HTML, LANGUAGE_FR)->open.data,
                         before.data);
    free(c);
    prepare(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sentence_exists_in_every_language_and_is_nobody_elses),
        cmocka_unit_test(every_page_is_whole_in_its_language),
        cmocka_unit_test(a_page_says_the_seconds_and_refreshes_without_a_script),
        cmocka_unit_test(a_form_is_offered_where_it_can_be_and_its_page_does_not_reload),
        cmocka_unit_test(a_policy_names_what_stands_in_the_page),
        cmocka_unit_test(nothing_of_it_is_kept_or_listed),
        cmocka_unit_test(programs_get_a_few_words),
        cmocka_unit_test(the_longest_name_of_an_organisation_fits_and_is_escaped),
        cmocka_unit_test(a_page_stays_readable_while_the_next_is_prepared),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
