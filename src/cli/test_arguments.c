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

static void says(const char *command, char *const typed[], int count, const char *wanted)
{
    const char *operands[4];
    char *words[4];
    struct arguments a = {.program = "ecluse"};
    struct error error = {""};
    memcpy(words, typed, (size_t)count * sizeof *words);
    bool read = arguments_read(command_named(command), count, words, operands, &a, &error);
    assert_true(read == !wanted);
    if (wanted && !strstr(error.text, wanted))
        print_error("%s\n", error.text);
    assert_true(!wanted || strstr(error.text, wanted));
}

static void what_another_verb_takes_is_refused_and_not_passed_over(void **state)
{
    (void)state;
    static char *const none[] = {NULL}, *const verify[] = {"verify", "--kind", "hold"},
                       *const tail[] = {"tail", "--kind", "hold"},
                       *const help[] = {"verify", "--kind=hold", "--help"};
    says("audit", verify, 3, "`ecluse audit verify` takes no --kind; ");
    says("audit", tail, 3, NULL);
    says("audit", help, 3, NULL);
    says("operator", none, 0,
         "needs list, add NAME, remove NAME, role NAME, password NAME or totp NAME");
    assert_null(verb_named(command_named("status"), "verify"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_said_again_as_it_is_to_be_typed),
        cmocka_unit_test(what_another_verb_takes_is_refused_and_not_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
