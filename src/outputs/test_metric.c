#include "outputs/metric.h"
#include "outputs/telling.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static char page_text[65536];

static const char *page(bool open_metrics, void (*fill)(struct metric_page *page))
{
    struct writer w = writer_on(page_text, sizeof page_text - 1);
    struct metric_page p = metric_page_on(&w, open_metrics);
    fill(&p);
    metric_end(&p);
    assert_false(w.overflow);
    page_text[w.length] = 0;
    return page_text;
}

static void some(struct metric_page *p)
{
    metric_family(p, METRIC_BUDGET_VERDICTS);
    metric_sample(p, 3, "logins", "held", NULL);
    metric_sample(p, 18446744073709551615.0, "logins", "slowed", NULL);
    metric_single(p, METRIC_STORE_USED, 30460000000.0);
    metric_family(p, METRIC_BUILD);
    metric_sample(p, 1, "0.1.0", NULL);
}

static void open_metrics_names_a_counter_without_total_and_ends(void **state)
{
    (void)state;
    assert_string_equal(
        page(true, some),
        "# TYPE ecluse_budget_verdicts counter\n"
        "# HELP ecluse_budget_verdicts What the budget decided; would_ is what it would have, in "
        "observe\n"
        "ecluse_budget_verdicts_total{budget=\"logins\",verdict=\"held\"} 3\n"
        "ecluse_budget_verdicts_total{budget=\"logins\",verdict=\"slowed\"} 1.84467440737096e+19\n"
        "# TYPE ecluse_store_used_bytes gauge\n"
        "# UNIT ecluse_store_used_bytes bytes\n"
        "# HELP ecluse_store_used_bytes Bytes of the store that hold something\n"
        "ecluse_store_used_bytes 30460000000\n"
        "# TYPE ecluse_build info\n"
        "# HELP ecluse_build The version that runs\n"
        "ecluse_build_info{version=\"0.1.0\"} 1\n"
        "# EOF\n");
}

static void the_older_form_has_neither_units_nor_infos_nor_an_end(void **state)
{
    (void)state;
    const char *text = page(false, some);
    assert_non_null(strstr(text, "# TYPE ecluse_budget_verdicts_total counter\n"));
    assert_non_null(strstr(text, "# TYPE ecluse_build_info gauge\n"));
    assert_null(strstr(text, "# UNIT"));
    assert_null(strstr(text, "# EOF"));
}

static void strange(struct metric_page *p)
{
    metric_family(p, METRIC_PROMISE_KEPT);
    metric_sample(p, NAN, "a\"b\\c\nd", NULL);
    metric_sample(p, -INFINITY,
                  "\xff"
                  "caf\xc3\xa9",
                  NULL);
}

static void a_label_s_value_is_escaped(void **state)
{
    (void)state;
    const char *text = page(true, strange);
    assert_non_null(strstr(text, "{promise=\"a\\\"b\\\\c\\nd\"} NaN\n"));
    assert_non_null(strstr(text, "{promise=\"?caf\xc3\xa9\"} -Inf\n"));
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), own = strlen(end);
    return length >= own && strcmp(text + length - own, end) == 0;
}

/* prometheus.io/docs/practices/naming: one prefix, base units as suffix, and `_total` for counters
 * only, which is added. */
static void names_keep_the_conventions(void **state)
{
    (void)state;
    static const struct {
        const char *name, *unit;
    } table[] = {
#define X(constant, name, type, unit, labels, what) {name, unit},
        METRICS
#undef X
    };
    static const char *const endings[] = {"seconds", "bytes", "ratio"};
    for (unsigned i = 0; i < METRIC_COUNT; i++) {
        const char *name = table[i].name;
        assert_true(strncmp(name, "ecluse_", 7) == 0);
        assert_true(strspn(name, "abcdefghijklmnopqrstuvwxyz_") == strlen(name));
        assert_false(ends_with(name, "_total") || ends_with(name, "_info"));
        for (unsigned j = 0; j < 3; j++)
            if (ends_with(name, endings[j]) != (strcmp(table[i].unit, endings[j]) == 0))
                fail_msg("%s and its unit `%s`", name, table[i].unit);
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(name, table[j].name);
    }
}

/* Refresh what is committed with what this prints when it fails. */
static void the_document_has_the_tables(void **state)
{
    (void)state;
    static char document[131072];
    char path[512];
    const char *source = getenv("ECLUSE_SOURCE");
    if (source == NULL)
        skip();
    snprintf(path, sizeof path, "%s/docs/outputs.md", source);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    document[fread(document, 1, sizeof document - 1, file)] = 0;
    fclose(file);
    void (*const tables[])(struct writer * out) = {metric_markdown, telling_markdown};
    for (size_t i = 0; i < 2; i++) {
        struct writer w = writer_on(page_text, sizeof page_text - 1);
        tables[i](&w);
        page_text[w.length] = 0;
        if (strstr(document, page_text) == NULL) {
            fputs(page_text, stderr);
            fail_msg("docs/outputs.md does not have this table");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_metrics_names_a_counter_without_total_and_ends),
        cmocka_unit_test(the_older_form_has_neither_units_nor_infos_nor_an_end),
        cmocka_unit_test(a_label_s_value_is_escaped),
        cmocka_unit_test(names_keep_the_conventions),
        cmocka_unit_test(the_document_has_the_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
