/* What a command puts on the record where nobody writes it. */
#include "cli/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What is said on standard error meanwhile. */
static void refused_saying(const struct arguments *a, const char *runtime, char *said, size_t size)
{
    struct act act = record_act(ACT_PANIC, "root", "asked for", "every budget is to observe only");
    FILE *file = tmpfile();
    int before = dup(STDERR_FILENO);
    assert_true(file && before >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    int status = record_durably(a, runtime, &act, "the panic");
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    rewind(file);
    said[fread(said, 1, size - 1, file)] = 0;
    fclose(file);
    assert_int_equal(status, EXIT_COULD_NOT);
}

static void who_is_dead_is_not_waited_for_and_what_to_type_is_said(void **state)
{
    (void)state;
    char runtime[] = "/tmp/ecluse-record-XXXXXX", path[64], said[1024];
    struct arguments a = {.command = "panic", .option = {[OPTION_RUNTIME] = runtime}};
    struct error error;
    assert_non_null(mkdtemp(runtime));
    assert_int_equal(handover_create(runtime, HANDOVER_COMMAND, -1, &error), 0);
    nanos_t began = clock_boot();
    refused_saying(&a, runtime, said, sizeof said);
    assert_true(clock_boot() - began < RECORD_PATIENCE / 2);
    assert_non_null(strstr(said, "`ecluse run` does not run"));
    snprintf(path, sizeof path, "ecluse panic --runtime %s --without-record\n", runtime);
    assert_non_null(strstr(said, path));
    snprintf(path, sizeof path, "rm -r %s", runtime);
    assert_int_equal(system(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_dead_is_not_waited_for_and_what_to_type_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
