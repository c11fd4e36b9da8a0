/* What is said of shares before anything runs. */
#include "cli/check_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void says(const char *path, enum language language, const char *words, bool wanted)
{
    static struct contract c;
    memset(&c, 0, sizeof c);
    c.share_count = 1;
    snprintf(c.share[0].name, sizeof c.share[0].name, "letters");
    snprintf(c.share[0].path, sizeof c.share[0].path, "%s", path);
    json_t *lines = check_vaults_json(&c, language);
    assert_int_equal(json_array_size(lines), 1);
    const char *line = json_string_value(json_array_get(lines, 0));
    if (!strstr(line, words) == wanted)
        print_error("%s\n", line);
    assert_true((strstr(line, words) != NULL) == wanted);
    json_decref(lines);
}

static void a_place_that_the_guard_refuses_is_a_warning(void **state)
{
    (void)state;
    says("/", LANGUAGE_EN, "WARNING, not guarded", true);
    says("/", LANGUAGE_EN, "share letters: / lies on the file system of `/`", true);
    says("/", LANGUAGE_FR, "ATTENTION, partage letters", true);
    says("/proc", LANGUAGE_EN, "WARNING, not guarded", true);
}

static void what_is_not_mounted_yet_is_no_warning(void **state)
{
    (void)state;
    says("/nowhere/at/all", LANGUAGE_EN, "WARNING", false);
    says("/nowhere/at/all", LANGUAGE_EN, "cannot be checked here", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_that_the_guard_refuses_is_a_warning),
        cmocka_unit_test(what_is_not_mounted_yet_is_no_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
