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
static char buffer[ANSWER_SIZE];

static struct answer rendered(struct answer_request request, char *into)
{
    struct answer answer;
    if (!request.contract)
        request.contract = contract;
    if (!request.now)
        request.now = SAMPLE_NOW;
    answer_render(&request, into, ANSWER_SIZE, &answer);
    return answer;
}

/* ---- Validators --------------------------------------------------------------------------- */

/* From a seed of our own: a failure must come back on the next run. */
static uint32_t drawn(uint32_t *seed, uint32_t below)
{
    ++*seed;
    return (uint32_t)(hash_checksum(0, seed, sizeof *seed) % below);
}

/* Every input that a request can differ in, few values each, so that equal pairs are common too. */
static struct answer_request draw_request(uint32_t *seed, struct history *h)
{
    static const struct text bases[] = {
        {NULL, 0}, {"https://a.example", 17}, {"https://b.example", 17}};
    *h = sample_history(6 + drawn(seed, 3));
    h->checksum = 100 + h->count;
    struct answer_request request = {
        .contract = contract,
        .history = h,
        .form = (enum answer_form)drawn(seed, 2),
        .language = (enum language)drawn(seed, LANGUAGE_COUNT),
        .origin_down = drawn(seed, 2),
        .now = SAMPLE_NOW + (int64_t)drawn(seed, 3) * 86000,
        .base = bases[drawn(seed, 3)],
        .retry_after = drawn(seed, 2),
        .typed = bases[drawn(seed, 2)],
    };
    return request;
}

static void test_the_etag_changes_when_and_only_when_the_body_does(void **state)
{
    (void)state;
    static char other[ANSWER_SIZE];
    uint32_t seed = 7;
    unsigned same = 0;
    for (unsigned i = 0; i < 20000; i++) {
        struct history h, g;
        struct answer_request first = draw_request(&seed, &h), second = draw_request(&seed, &g);
        struct answer a = rendered(first, buffer), b = rendered(second, other);
        bool equal = a.length == b.length && memcmp(buffer, other, a.length) == 0;
        same += equal;
        assert_int_equal(strcmp(a.etag, b.etag) == 0, equal);
    }
    assert_in_range(same, 100, 10000);
}

static void test_the_etag_follows_the_texts_of_the_contract(void **state)
{
    (void)state;
    struct history h = sample_history(3);
    struct answer before = rendered((struct answer_request){.history = &h}, buffer);
    assert_int_equal(strlen(before.etag), 18);
    assert_true(before.etag[0] == '"' && before.etag[17] == '"');
    struct contract *renamed = sample_contract();
    strcpy(renamed->organisation, "Another Post");
    answer_prepare(renamed);
    struct answer after =
        rendered((struct answer_request){.history = &h, .contract = renamed}, buffer);
    assert_string_not_equal(before.etag, after.etag);
    answer_prepare(contract);
    after = rendered((struct answer_request){.history = &h}, buffer);
    assert_string_equal(before.etag, after.etag);
    free(renamed);
}

static void test_describe_says_what_render_would(void **state)
{
    (void)state;
    uint32_t seed = 3;
    for (unsigned kind = 0; kind < ANSWER_KIND_COUNT; kind++)
        for (unsigned i = 0; i < 50; i++) {
            struct history h;
            struct answer_request request = draw_request(&seed, &h);
            request.kind = (enum answer_kind)kind;
            struct answer described, answer = rendered(request, buffer);
            answer_describe(&request, &described);
            assert_int_equal(described.length, 0);
            described.length = answer.length;
            assert_memory_equal(&described, &answer, sizeof answer);
        }
}

static void test_a_client_that_knows_dates_only_sees_notices_too(void **state)
{
    (void)state;
    struct history h = sample_history(3);
    struct answer_request request = {.history = &h};
    assert_int_equal(rendered(request, buffer).last_modified, h.changed);
    request.now = h.changed + 86400;
    assert_int_equal(rendered(request, buffer).last_modified, h.changed);
    request.now++;
    assert_int_equal(rendered(request, buffer).last_modified, h.changed + 86400);
    request.origin_down = true;
    assert_int_equal(rendered(request, buffer).last_modified, 0);
}

static void test_a_contract_without_stale_after_never_calls_an_answer_old(void **state)
{
    (void)state;
    struct contract *c = sample_contract();
    struct history h = sample_history(3);
    struct answer_request request = {.contract = c, .history = &h, .now = SAMPLE_NOW + 400 * 86400};
    assert_true(answer_is_stale(&request));
    c->tracking.stale_after = 0;
    assert_false(answer_is_stale(&request));
    free(c);
}

/* ---- Headers ------------------------------------------------------------------------------ */

static void test_each_kind_has_its_status_and_its_caching(void **state)
{
    (void)state;
    static const struct {
        enum answer_kind kind;
        unsigned html, json;
        const char *cache;
    } kinds[] = {
        {ANSWER_FOUND, 200, 200, "private, no-cache"},
        {ANSWER_NOT_KNOWN_YET, 404, 404, "no-store"},
        {ANSWER_WRONG_FORM, 404, 400, "no-store"},
        {ANSWER_WRONG_CHECK, 404, 400, "no-store"},
        {ANSWER_HOME, 200, 200, "public, max-age=300"},
        {ANSWER_SEVERAL, 404, 400, "no-store"},
        {ANSWER_NOTICE, 503, 503, "no-store"},
        {ANSWER_HELD, 429, 429, "no-store"},
    };
    struct history h = sample_history(2);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct answer_request request = {
            .kind = kinds[i].kind, .history = &h, .language = LANGUAGE_NL};
        struct answer html = rendered(request, buffer);
        request.form = ANSWER_JSON;
        struct answer json = rendered(request, buffer);
        assert_int_equal(html.status, kinds[i].html);
        assert_int_equal(json.status, kinds[i].json);
        assert_true(text_is(html.cache_control, kinds[i].cache));
        assert_true(text_is(html.content_language, "nl"));
        assert_true(text_is(html.content_type, "text/html; charset=utf-8"));
        assert_true(text_is(json.content_type, "application/json; charset=utf-8"));
        assert_int_equal(html.robots.length == 0, kinds[i].kind == ANSWER_HOME);
        assert_true(html.policy.length > 0 && json.policy.length == 0);
    }
}

/* Reckoned anew by python3, which the build needs anyway, from the page as it is sent. */
static void test_the_policy_names_the_hash_of_each_style_sheet(void **state)
{
    (void)state;
    struct history h = sample_history(2);
    struct answer answer = rendered((struct answer_request){.history = &h}, buffer);
    char path[] = "/tmp/answer-XXXXXX", command[400], hash[128];
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    FILE *page = fdopen(descriptor, "w");
    assert_int_equal(fwrite(buffer, 1, answer.length, page), answer.length);
    fclose(page);
    snprintf(command, sizeof command,
             "python3 -c \"import base64, hashlib, re; page = open('%s', 'rb').read(); "
             "[print(base64.b64encode(hashlib.sha256(s).digest()).decode()) "
             "for s in re.findall(b'<style>(.*?)</style>', page)]\"",
             path);
    FILE *hashes = popen(command, "r");
    assert_non_null(hashes);
    unsigned count = 0;
    char policy[512];
    snprintf(policy, sizeof policy, "%.*s", (int)answer.policy.length, answer.policy.data);
    while (fscanf(hashes, "%127s", hash) == 1) {
        count++;
        if (!strstr(policy, hash))
            fail_msg("%s is not in %s", hash, policy);
    }
    assert_int_equal(pclose(hashes), 0);
    remove(path);
    assert_int_equal(count, 2);
}

/* ---- Prepared bodies ---------------------------------------------------------------------- */

static void test_static_bodies_are_those_rendered_without_slots(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < ANSWER_KIND_COUNT; kind++)
        for (unsigned form = 0; form < ANSWER_FORM_COUNT; form++)
            for (unsigned language = 0; language < LANGUAGE_COUNT; language++) {
                struct answer prepared = {.status = 1}, answer;
                struct text body = answer_static((enum answer_kind)kind, (enum answer_form)form,
                                                 (enum language)language, &prepared);
                if (kind == ANSWER_FOUND) {
                    assert_int_equal(body.length, 0);
                    assert_int_equal(prepared.status, 1);
                    continue;
                }
                answer = rendered((struct answer_request){.kind = (enum answer_kind)kind,
                                                          .form = (enum answer_form)form,
                                                          .language = (enum language)language},
                                  buffer);
                assert_int_equal(body.length, answer.length);
                assert_memory_equal(body.data, buffer, body.length);
                assert_memory_equal(&prepared, &answer, sizeof answer);
            }
}

static void test_pages_stay_small(void **state)
{
    (void)state;
    struct answer answer;
    for (unsigned language = 0; language < LANGUAGE_COUNT; language++) {
        for (unsigned kind = ANSWER_NOT_KNOWN_YET; kind < ANSWER_KIND_COUNT; kind++)
            assert_in_range(
                answer_static((enum answer_kind)kind, ANSWER_HTML, (enum language)language, &answer)
                    .length,
                1, 4096);
        struct history h = sample_history(8);
        answer = rendered(
            (struct answer_request){.history = &h, .language = (enum language)language}, buffer);
        assert_in_range(answer.length, 1, 12000);
    }
}

static void test_an_old_body_stays_readable_while_the_next_is_prepared(void **state)
{
    (void)state;
    struct answer answer;
    struct text old = answer_static(ANSWER_HOME, ANSWER_HTML, LANGUAGE_EN, &answer);
    memcpy(buffer, old.data, old.length);
    struct contract *renamed = sample_contract();
    strcpy(renamed->organisation, "Another Post");
    answer_prepare(renamed);
    assert_memory_equal(old.data, buffer, old.length);
    struct text next = answer_static(ANSWER_HOME, ANSWER_HTML, LANGUAGE_EN, &answer);
    assert_ptr_not_equal(next.data, old.data);
    answer_prepare(contract);
    free(renamed);
}

static void test_the_largest_contract_can_be_prepared(void **state)
{
    (void)state;
    struct contract *c = sample_contract();
    memset(c->organisation, '"', sizeof c->organisation - 1);
    c->tracking.format_count = CONTRACT_MAX_FORMATS;
    for (unsigned i = 0; i < CONTRACT_MAX_FORMATS; i++)
        c->tracking.format[i] = (struct parcel_format){.kind = FORMAT_COLISSIMO};
    answer_prepare(c); /* aborts when there is no room */
    answer_prepare(contract);
    free(c);
}

int main(void)
{
    contract = sample_contract();
    assert_non_null(contract);
    answer_prepare(contract);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_etag_changes_when_and_only_when_the_body_does),
        cmocka_unit_test(test_the_etag_follows_the_texts_of_the_contract),
        cmocka_unit_test(test_describe_says_what_render_would),
        cmocka_unit_test(test_a_client_that_knows_dates_only_sees_notices_too),
        cmocka_unit_test(test_a_contract_without_stale_after_never_calls_an_answer_old),
        cmocka_unit_test(test_each_kind_has_its_status_and_its_caching),
        cmocka_unit_test(test_the_policy_names_the_hash_of_each_style_sheet),
        cmocka_unit_test(test_static_bodies_are_those_rendered_without_slots),
        cmocka_unit_test(test_pages_stay_small),
        cmocka_unit_test(test_an_old_body_stays_readable_while_the_next_is_prepared),
        cmocka_unit_test(test_the_largest_contract_can_be_prepared),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(contract);
    return failed;
}
