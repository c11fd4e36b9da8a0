/* The words of a command line, and back into a line. */
#include "cli/arguments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void a_command_is_said_again_as_it_is_to_be_typed(void **state)
{
    (void)state;
    static char *typed[] = {"hold-2f-front", "-c", "/srv/mairie d'Ath/e.yaml", "--json"};
    const char *operands[4];
    struct arguments a = {.program = "ecluse"};
    struct error error;
    char line[100] = "as before";
    assert_true(arguments_read(command_named("release"), 4, typed, operands, &a, &error));
    assert_true(arguments_line(&a, OPTION_WITHOUT_RECORD, line, sizeof line));
    assert_string_equal(line, "ecluse release --contract '/srv/mairie d'\\''Ath/e.yaml' --json "
                              "--without-record hold-2f-front");
    char small[20] = "as before";
    assert_false(arguments_line(&a, OPTION_WITHOUT_RECORD, small, sizeof small));
    assert_string_equal(small, "as before");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_said_again_as_it_is_to_be_typed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
