/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "tracking/answer_samples.h"

enum { FR = LANGUAGE_FR, NL = LANGUAGE_NL, DE = LANGUAGE_DE, EN = LANGUAGE_EN };

struct vector {
    const char *parameter, *header;
    int expected;
};

static void expect(const struct contract *c, const struct vector *vectors, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int said = answer_language(c, text_of(vectors[i].parameter), text_of(vectors[i].header));
        if (said != vectors[i].expected)
            fail_msg("lang=%s, Accept-Language: %s gives %d, not %d", vectors[i].parameter,
                     vectors[i].header, said, vectors[i].expected);
    }
}

static struct contract *contract; /* French first, all four listed */

static void test_the_heaviest_language_of_the_header_wins(void **state)
{
    (void)state;
    static const struct vector vectors[] = {
        {"", "nl", NL},
        {"", "fr-BE,fr;q=0.9,nl;q=0.8,en;q=0.7", FR},
        {"", "en;q=0.5, de;q=0.8", DE},
        {"", "en;q=0.5,de;q=0.8,nl;q=0.801", NL},
        {"", "EN-gb", EN},
        {"", "es,pt;q=0.9,de-AT;q=0.1", DE},
        {"", "nl , de", NL}, /* equal weights: the first named */
        {"", "de;q=1.000 ,\tnl;q=1", DE},
        {"", "fr-BE;q=0,fr;q=0.4,de;q=0.3", FR},
        {"", "en;q=0.2,en-US;q=0.9,nl;q=0.5", EN},
    };
    expect(contract, vectors, sizeof vectors / sizeof *vectors);
}

static void test_a_wildcard_stands_for_what_is_not_named(void **state)
{
    (void)state;
    static const struct vector vectors[] = {
        {"", "*", FR},          {"", "fr;q=0,*", NL}, {"", "*;q=0.1,en;q=0.05", FR},
        {"", "en,*;q=0.5", EN}, {"", "es,*;q=0", FR},
    };
    expect(contract, vectors, sizeof vectors / sizeof *vectors);
}

static void test_what_is_unknown_refused_or_malformed_leaves_the_contracts_first(void **state)
{
    (void)state;
    static const struct vector vectors[] = {
        {"", "", FR},
        {"", "es,pt-BR", FR},
        {"", "nl;q=0", FR},
        {"", "nl;q=2", FR},
        {"", "nl;q=", FR},
        {"", "nl;q=0.5x", FR},
        {"", "nl;q=0.1234", FR},
        {"", "nl;level=1", FR},
        {"", "nld,deu,english,n,d", FR},
        {"", ",,;;,;q=1,=,*;*", FR},
        {"", "nl;q=x,de;q=0.1", DE}, /* one that cannot be read takes nothing from the others */
    };
    expect(contract, vectors, sizeof vectors / sizeof *vectors);
}

static void test_the_parameter_wins_where_it_names_a_language(void **state)
{
    (void)state;
    static const struct vector vectors[] = {
        {"de", "fr", DE},    {"nl_BE", "fr", NL},   {"EN-GB", "fr", EN}, {"fr_FR", "en", FR},
        {"es_ES", "en", EN}, {"deutsch", "en", EN}, {"*", "en", EN},     {"f", "en", EN},
    };
    expect(contract, vectors, sizeof vectors / sizeof *vectors);
}

static void test_only_languages_of_the_contract_are_used(void **state)
{
    (void)state;
    static const struct vector vectors[] = {
        {"fr", "", NL}, {"", "fr", NL},       {"", "fr,de;q=0.1", DE},
        {"", "*", NL},  {"", "nl;q=0,*", DE}, {"de", "nl", DE},
    };
    struct contract *c = sample_contract();
    c->languages = 1u << NL | 1u << DE;
    c->first_language = LANGUAGE_NL;
    expect(c, vectors, sizeof vectors / sizeof *vectors);
    free(c);
}

static void test_a_flood_of_ranges_is_not_read_to_its_end(void **state)
{
    (void)state;
    static char header[20000];
    size_t length = 0;
    while (length + 3 < sizeof header - 3)
        memcpy(header + length, "es,", 3), length += 3;
    memcpy(header + length, "nl", 2);
    assert_int_equal(answer_language(contract, TEXT(""), (struct text){header, length + 2}), FR);
}

int main(void)
{
    contract = sample_contract();
    assert_non_null(contract);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_heaviest_language_of_the_header_wins),
        cmocka_unit_test(test_a_wildcard_stands_for_what_is_not_named),
        cmocka_unit_test(test_what_is_unknown_refused_or_malformed_leaves_the_contracts_first),
        cmocka_unit_test(test_the_parameter_wins_where_it_names_a_language),
        cmocka_unit_test(test_only_languages_of_the_contract_are_used),
        cmocka_unit_test(test_a_flood_of_ranges_is_not_read_to_its_end),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(contract);
    return failed;
}
