/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "tracking/answer_page.h"
#include "tracking/answer_samples.h"

#include <stdio.h>

static struct contract *contract;
static char buffer[ANSWER_SIZE + 1]; /* and a zero, for strstr() */

static const char *rendered(struct answer_request request)
{
    struct answer answer;
    request.contract = contract;
    request.now = SAMPLE_NOW;
    answer_render(&request, buffer, ANSWER_SIZE, &answer);
    buffer[answer.length] = '\0';
    return buffer;
}

static unsigned times(const char *page, const char *what)
{
    unsigned count = 0;
    for (; (page = strstr(page, what)); page += strlen(what))
        count++;
    return count;
}

/* ---- Well-formed: what is opened is closed, in order; what is referred to is there, once -- */

static bool is_void(const char *name)
{
    static const char *const names[] = {"meta", "link", "input", "br"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Reads one tag after its '<'; returns what follows its '>', or NULL. Attributes are NAME or
 * NAME="VALUE". */
static const char *read_tag(const char *at, char name[32])
{
    int length = 0;
    if (sscanf(at, "%31[a-z0-9/]%n", name, &length) != 1)
        return NULL;
    at += length;
    while (*at == ' ') {
        at += 1 + strspn(at + 1, "abcdefghijklmnopqrstuvwxyz-");
        if (strncmp(at, "=\"", 2) != 0)
            continue;
        at += 2 + strcspn(at + 2, "\"<");
        if (*at++ != '"')
            return NULL;
    }
    return *at == '>' ? at + 1 : NULL;
}

static void expect_well_formed(const char *page)
{
    char open[32][32], name[32];
    size_t depth = 0;
    assert_memory_equal(page, "<!doctype html>\n", 16);
    for (const char *at = page + 16; (at = strpbrk(at, "<>"));) {
        const char *after = *at == '<' ? read_tag(at + 1, name) : NULL;
        if (!after)
            fail_msg("not a tag: %.40s", at);
        at = after;
        if (is_void(name))
            continue;
        if (name[0] != '/') {
            assert_true(depth < 32);
            strcpy(open[depth++], name);
        } else if (depth == 0 || strcmp(open[--depth], name + 1) != 0) {
            fail_msg("%s closes %s before %.40s", name, depth ? open[depth] : "nothing", at);
        }
        if (strcmp(name, "style") == 0)
            at = strstr(at, "</style>");
    }
    assert_int_equal(depth, 0);
}

static void expect_referred(const char *page, const char *attribute)
{
    char id[32], defined[64];
    for (const char *at = page; (at = strstr(at, attribute));) {
        at += strlen(attribute);
        assert_int_equal(sscanf(at, "%31[a-z]\"", id), 1);
        snprintf(defined, sizeof defined, " id=\"%s\"", id);
        if (times(page, defined) != 1)
            fail_msg("%s%s is there %u times", attribute, id, times(page, defined));
    }
}

static void expect_sound(const char *page, enum language language)
{
    static const char *const tags[] = {"fr", "nl", "de", "en"};
    char html[32];
    snprintf(html, sizeof html, "<html lang=\"%s\">", tags[language]);
    expect_well_formed(page);
    expect_referred(page, " for=\"");
    expect_referred(page, " aria-labelledby=\"");
    expect_referred(page, " aria-describedby=\"");
    expect_referred(page, " href=\"#");
    assert_int_equal(times(page, html), 1);
    assert_int_equal(times(page, "<h1>"), 1);
    assert_int_equal(times(page, "<main "), 1);
    assert_int_equal(times(page, "<title>"), 1);
    assert_int_equal(times(page, "<script"), 0);
    assert_int_equal(times(page, "http"),
                     1); /* the name space in the icon, which nothing is fetched from */
}

static void test_every_page_is_well_formed_in_every_language(void **state)
{
    (void)state;
    for (unsigned language = 0; language < LANGUAGE_COUNT; language++)
        for (unsigned kind = 0; kind < ANSWER_KIND_COUNT; kind++) {
            struct history h = sample_history(8);
            struct answer_request request = {.kind = (enum answer_kind)kind,
                                             .language = (enum language)language,
                                             .history = &h,
                                             .typed = TEXT("x"),
                                             .origin_down = true};
            expect_sound(rendered(request), (enum language)language);
            struct answer answer;
            struct text page = answer_static((enum answer_kind)kind, ANSWER_HTML,
                                             (enum language)language, &answer);
            if (!page.length)
                continue;
            memcpy(buffer, page.data, page.length);
            buffer[page.length] = '\0';
            expect_sound(buffer, (enum language)language);
        }
}

/* ---- What a parcel's page says ------------------------------------------------------------ */

static void test_a_parcels_page_says_where_it_is_what_follows_and_what_was(void **state)
{
    (void)state;
    struct history h = sample_history(6);
    const char *page = rendered((struct answer_request){.history = &h, .language = LANGUAGE_DE});
    assert_non_null(strstr(page, "<title>RB123456785GB – Unterwegs – Poste d’exemple</title>"));
    assert_non_null(strstr(page, "<strong>RB123456785GB</strong>"));
    assert_non_null(strstr(page, "<h1>Unterwegs</h1>\n<p>Das Paket ist auf dem Weg"));
    assert_non_null(strstr(page, "<time datetime=\"2026-11-23\">Montag, 23. November</time>"));
    assert_non_null(
        strstr(page, ">Stand: <time datetime=\"2026-11-21T11:29:00+01:00\">11:29, 21.11.</time>"));
    assert_non_null(strstr(page, "<li aria-current=\"step\">Unterwegs"));
    assert_int_equal(times(page, "<li class=\"ahead\">"), 2);
    assert_int_equal(times(page, "<time datetime"), 8); /* six events, the expected day, as of */
    assert_non_null(strstr(
        page,
        "Donnerstag, 19. November, 22:25\u00a0UTC</time><br>Leeds, Vereinigtes Königreich</li>"));
    assert_true(strstr(page, "Beim Zoll") < strstr(page, "Angenommen</strong>"));
}

static void test_the_year_is_written_where_it_is_another(void **state)
{
    (void)state;
    struct history h = sample_history(1);
    h.event[0].at -= 365 * 86400;
    sample_add(&h, sample_life[1], SAMPLE_NOW, 60);
    const char *page = rendered((struct answer_request){.history = &h, .language = LANGUAGE_EN});
    assert_non_null(strstr(page, "Friday 21 November 2025, "));
    assert_non_null(strstr(page, "Saturday 21 November, 13:00<"));
}

static bool shows_day(const struct history *h)
{
    return strstr(rendered((struct answer_request){.history = h}), "Livraison prévue") != NULL;
}

static void test_an_expected_day_is_shown_while_it_can_still_come(void **state)
{
    (void)state;
    struct history h = sample_history(7);
    assert_true(shows_day(&h));
    h.delivery_day = SAMPLE_NOW / 86400;
    assert_true(shows_day(&h));
    h.delivery_day--;
    assert_false(shows_day(&h));
    h = sample_history(8);
    assert_false(shows_day(&h));
    h = sample_history(7);
    sample_add(&h, (struct sample_event){STEP_PICKUP, "AG1", "", ""}, SAMPLE_NOW, 60);
    assert_false(shows_day(&h));
}

static void test_notices_say_that_the_origin_is_down_and_that_news_is_old(void **state)
{
    (void)state;
    struct history h = sample_history(6);
    struct answer_request request = {.history = &h, .language = LANGUAGE_EN};
    assert_int_equal(times(rendered(request), "role=\"note\""), 0);
    request.origin_down = true;
    assert_int_equal(times(rendered(request), "technical problems"), 1);
    assert_int_equal(times(rendered(request), "no recent news"), 0);
    request.origin_down = false;
    h.changed = SAMPLE_NOW - 86401;
    assert_int_equal(times(rendered(request), "no recent news"), 1);
    sample_add(&h, sample_life[7], SAMPLE_NOW - 90000, 60); /* delivered: nothing more will come */
    assert_int_equal(times(rendered(request), "no recent news"), 0);
}

static void test_hostile_texts_stay_texts(void **state)
{
    (void)state;
    struct history h = sample_history(2);
    sample_add(&h, (struct sample_event){STEP_UNKNOWN, "<x>", "<script>\"'&</style><h1>", "<>"},
               SAMPLE_NOW, 60);
    h.event[2].step = 255;
    h.product = h.pickup = TEXT("<script>\"'&");
    memcpy(h.parcel.text, "<script>\"'&ab", 13);
    expect_sound(rendered((struct answer_request){.history = &h}), LANGUAGE_FR);
    struct answer_request typed = {.kind = ANSWER_WRONG_FORM, .typed = TEXT("\"><script>")};
    expect_sound(rendered(typed), LANGUAGE_FR);
    assert_int_equal(times(buffer, "&quot;&gt;&lt;script&gt;"), 2); /* repeated, and in the form */
}

static void test_a_hundred_events_of_the_longest_kind_fit(void **state)
{
    (void)state;
    static char quotes[1000]; /* longer than a record's places ever are, and six bytes a character
                                 once escaped */
    memset(quotes, '"', sizeof quotes);
    struct history h = sample_history(STORE_MAX_EVENTS);
    for (uint32_t i = 0; i < h.count; i++) {
        h.event[i].place = (struct text){quotes, sizeof quotes};
        h.event[i].step = STEP_ATTEMPTED;
        h.event[i].at -= (int64_t)(i % 2) * 366 * 86400;
        memcpy(h.event[i].country, "GS", 2);
    }
    const char *page = rendered((struct answer_request){.history = &h, .language = LANGUAGE_FR});
    assert_int_equal(times(page, "<li><strong>"), STORE_MAX_EVENTS);
    assert_int_equal(times(page, "plus anciennes"), 0);
    expect_sound(page, LANGUAGE_FR);
}

static void test_a_bare_location_number_is_no_place_for_a_customer(void **state)
{
    (void)state;
    struct history h = sample_history(4);
    struct answer_request request = {.history = &h, .language = LANGUAGE_EN, .now = SAMPLE_NOW};
    h.event[0].place = TEXT("3012345600012");
    h.event[1].place = TEXT("3012345600029.quai-4");
    h.event[2].place = TEXT("75012");
    h.event[3].place = TEXT("3012345600036 Lyon");
    const char *page = rendered(request);
    assert_null(strstr(page, "3012345600012"));
    assert_null(strstr(page, "3012345600029"));
    assert_non_null(strstr(page, "<br>United Kingdom")); /* where the second was scanned */
    assert_non_null(strstr(page, "<br>75012"));
    assert_non_null(strstr(page, "<br>3012345600036 Lyon"));
    expect_sound(page, LANGUAGE_EN);
}

static void test_what_does_not_fit_is_cut_to_the_newest_events(void **state)
{
    (void)state;
    struct history h = sample_history(STORE_MAX_EVENTS);
    h.event[99].place = TEXT("newest");
    h.event[0].place = TEXT("oldest");
    struct answer_request request = {.contract = contract, .history = &h, .now = SAMPLE_NOW};
    unsigned before = 0;
    for (size_t size = 7000; size < 12000; size += 7) {
        struct writer w = writer_on(buffer, size);
        answer_html_parcel(&w, &request, false);
        assert_false(w.overflow);
        buffer[w.length] = '\0';
        assert_non_null(strstr(buffer, "newest"));
        assert_null(strstr(buffer, "oldest"));
        assert_int_equal(times(buffer, "plus anciennes"), 1);
        assert_in_range(times(buffer, "<li><strong>"), before, size / 100);
        before = times(buffer, "<li><strong>");
        expect_sound(buffer, LANGUAGE_FR);
    }
    assert_true(before > 10);
}

static void test_when_to_come_back_is_said_in_the_fitting_unit(void **state)
{
    (void)state;
    static const struct {
        uint32_t seconds;
        const char *said;
    } times_to_wait[] = {{0, "in a few moments."},
                         {1, "in 1\u00a0second."},
                         {45, "in 45\u00a0seconds."},
                         {60, "in 1\u00a0minute."},
                         {90, "in 90\u00a0seconds."},
                         {121, "in 3\u00a0minutes."},
                         {7199, "in 120\u00a0minutes."},
                         {7201, "in 3\u00a0hours."},
                         {UINT32_MAX, "in 1193047\u00a0hours."}};
    for (size_t i = 0; i < sizeof times_to_wait / sizeof *times_to_wait; i++) {
        struct answer_request request = {
            .kind = ANSWER_HELD, .language = LANGUAGE_EN, .retry_after = times_to_wait[i].seconds};
        if (!strstr(rendered(request), times_to_wait[i].said))
            fail_msg("%u: no \"%s\"", times_to_wait[i].seconds, times_to_wait[i].said);
    }
}

int main(void)
{
    contract = sample_contract();
    assert_non_null(contract);
    answer_prepare(contract);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_page_is_well_formed_in_every_language),
        cmocka_unit_test(test_a_parcels_page_says_where_it_is_what_follows_and_what_was),
        cmocka_unit_test(test_the_year_is_written_where_it_is_another),
        cmocka_unit_test(test_an_expected_day_is_shown_while_it_can_still_come),
        cmocka_unit_test(test_notices_say_that_the_origin_is_down_and_that_news_is_old),
        cmocka_unit_test(test_hostile_texts_stay_texts),
        cmocka_unit_test(test_a_hundred_events_of_the_longest_kind_fit),
        cmocka_unit_test(test_a_bare_location_number_is_no_place_for_a_customer),
        cmocka_unit_test(test_what_does_not_fit_is_cut_to_the_newest_events),
        cmocka_unit_test(test_when_to_come_back_is_said_in_the_fitting_unit),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(contract);
    return failed;
}
