#include "cli/arguments.h"
#include "cli/children.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

static int unknown_command(const char *typed)
{
    const char *near = nearest_command(typed);
    if (near)
        fprintf(stderr, "ecluse: no command `%.100s`; did you mean `ecluse %s`?\n", typed, near);
    else
        fprintf(stderr, "ecluse: no command `%.100s`; `ecluse help` lists them\n", typed);
    return EXIT_COULD_NOT;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    const char **operands = calloc((size_t)argc + 1, sizeof *operands);
    if (operands == NULL) {
        fputs("ecluse: no memory\n", stderr);
        return EXIT_COULD_NOT;
    }
    struct arguments a = {.program = argv[0]};
    struct error error;
    int status = EXIT_COULD_NOT;
    if (!arguments_read(command, argc - 2, argv + 2, operands, &a, &error)) {
        fprintf(stderr, "ecluse: %s\n", error.text);
    } else if (a.option[OPTION_HELP]) {
        help_command(command, a.operand_count ? verb_named(command, a.operand[0]) : NULL, stdout);
        status = EXIT_DONE;
    } else {
        status = command->run(&a);
    }
    free(operands);
    return status;
}

/* What was written may still be in the buffer: a full disk behind a redirection shows only here. */
static int finish(int status)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("ecluse: the result could not be written to standard output\n", stderr);
        return EXIT_COULD_NOT;
    }
    return status;
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "C.UTF-8"); /* widths of characters; nothing else follows the locale */
    if (argc < 2) {
        help_all(stderr);
        return EXIT_COULD_NOT;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        puts("ecluse " ECLUSE_VERSION);
        return finish(EXIT_DONE);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help_all(stdout);
        return finish(EXIT_DONE);
    }
    struct child_words words;
    const struct child_kind *child = child_kind_told(argc, argv, &words);
    if (child)
        child->main(&words);
    const struct command *command = command_named(argv[1]);
    return finish(command ? run_command(command, argc, argv) : unknown_command(argv[1]));
}
