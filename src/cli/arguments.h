/* arguments.h: the words of the command line, read against the tables of cli.h. */
#ifndef ECLUSE_ARGUMENTS_H
#define ECLUSE_ARGUMENTS_H

#include "cli/cli.h"

#include <stdio.h>

struct command {
    const char *name, *operands, *summary;
    size_t least, most;
    uint64_t options; /* WITH() bits; --help goes with all */
    int (*run)(const struct arguments *a);
};

#define OF_EVERY_VERB (WITH(CONTRACT) | WITH(JSON) | WITH(HELP))

struct verb_form {
    const char *command, *name, *operands;
    size_t least, most; /* operands after the verb */
    uint64_t options;   /* WITH() bits, OF_EVERY_VERB among them */
    const char *summary;
};

struct option_form {
    char letter;                        /* 0: none */
    const char *name, *value, *summary; /* value NULL: it takes none */
};

extern const struct command commands[];
extern const size_t command_count;
extern const struct option_form option_forms[OPTION_COUNT];

/* The option as this command means it. *needed (may be NULL): whether the command must have it. */
struct option_form option_of(const struct command *command, unsigned option, bool *needed);

enum { OPTION_SUMMARY_SIZE = 512 };

/* What the option is, for the lists of all commands: of each that means something of its own by it,
 * what. */
void option_summary(unsigned option, char *out, size_t size);

const struct command *command_named(const char *name); /* NULL when there is none */

/* The verbs of a command in the table's order, after `last` (NULL: the first); NULL at the end. */
const struct verb_form *verb_next(const struct command *command, const struct verb_form *last);
const struct verb_form *verb_named(const struct command *command, const char *name); /* or NULL */

/* Reads argv after the command's name. Returns false with a sentence in *error. Operands are
 * written to `operands`, which has room for argc of them. */
bool arguments_read(const struct command *command, int argc, char **argv, const char **operands,
                    struct arguments *out, struct error *error);

/* The same command as a line to type in a shell, with option `more` (one without a value) besides.
 * False when it does not fit; *out is untouched then. */
bool arguments_line(const struct arguments *a, enum option more, char *out, size_t size);

/* The known command or option nearest to what was typed, or NULL when none is near. */
const char *nearest_command(const char *typed);

void help_all(FILE *out);
/* Of one of its verbs, where that is not NULL. */
void help_command(const struct command *command, const struct verb_form *verb, FILE *out);
void help_verbs(const struct command *command, FILE *out);
void help_mdoc(FILE *out);
void help_markdown(FILE *out);

#endif
