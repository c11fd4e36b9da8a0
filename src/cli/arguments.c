#include "cli/arguments.h"

#include <stdlib.h>
#include <string.h>

const struct command commands[] = {
#define X(function, name, operands, least, most, options, summary)                                 \
    {name, operands, summary, least, most, (options) | WITH(HELP), command_##function},
    COMMANDS(X)
#undef X
};
const size_t command_count = sizeof commands / sizeof commands[0];

const struct option_form option_forms[OPTION_COUNT] = {
#define X(constant, letter, name, value, summary) {letter, name, value, summary},
    OPTIONS(X)
#undef X
};

static const struct verb_form verb_forms[] = {
#define VERB(command, verb, operands, least, most, options, summary)                               \
    {command, #verb, operands, least, most, (options) | OF_EVERY_VERB, summary},
#define X(...) VERB("audit", __VA_ARGS__)
    AUDIT_VERBS(X)
#undef X
#define X(...) VERB("operator", __VA_ARGS__)
    OPERATOR_VERBS(X)
#undef X
#define X(...) VERB("key", __VA_ARGS__)
    KEY_VERBS(X)
#undef X
#undef VERB
};
enum { VERB_COUNT = sizeof verb_forms / sizeof verb_forms[0] };

struct option_use {
    const char *command;
    enum option option;
    enum { MAY, MUST } need;
    const char *value, *summary;
};

static const struct option_use option_uses[] = {
#define X(command, option, need, value, summary) {#command, OPTION_##option, need, value, summary},
    OPTION_USES(X)
#undef X
};
enum { OPTION_USE_COUNT = sizeof option_uses / sizeof option_uses[0] };

struct option_form option_of(const struct command *command, unsigned option, bool *needed)
{
    struct option_form form = option_forms[option];
    if (needed)
        *needed = false;
    for (size_t i = 0; i < OPTION_USE_COUNT; i++) {
        const struct option_use *use = &option_uses[i];
        if (use->option != option || strcmp(use->command, command->name) != 0)
            continue;
        if (use->value)
            form.value = use->value;
        if (use->summary)
            form.summary = use->summary;
        if (needed)
            *needed = use->need == MUST;
    }
    return form;
}

void option_summary(unsigned option, char *out, size_t size)
{
    int length = snprintf(out, size, "%s", option_forms[option].summary);
    for (size_t i = 0; i < OPTION_USE_COUNT; i++) {
        const struct option_use *use = &option_uses[i];
        if (use->option == option && use->summary && length >= 0 && (size_t)length < size)
            length += snprintf(out + length, size - (size_t)length, "%sof `%s`: %s",
                               length ? "; " : "", use->command, use->summary);
    }
}

const struct command *command_named(const char *name)
{
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

const struct verb_form *verb_next(const struct command *command, const struct verb_form *last)
{
    for (const struct verb_form *verb = last ? last + 1 : verb_forms;
         verb < verb_forms + VERB_COUNT; verb++)
        if (strcmp(verb->command, command->name) == 0)
            return verb;
    return NULL;
}

const struct verb_form *verb_named(const struct command *command, const char *name)
{
    const struct verb_form *verb = verb_next(command, NULL);
    while (verb && strcmp(verb->name, name) != 0)
        verb = verb_next(command, verb);
    return verb;
}

/* Two edits in a word of four letters would match nearly anything. */
static bool is_near(const char *typed, const char *known, size_t *best)
{
    size_t distance = text_distance(text_of(typed), text_of(known));
    size_t most = strlen(known) > 4 ? 2 : 1;
    if (distance > most || distance >= *best)
        return false;
    *best = distance;
    return true;
}

const char *nearest_command(const char *typed)
{
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < command_count; i++)
        if (is_near(typed, commands[i].name, &best))
            nearest = commands[i].name;
    return nearest;
}

static const char *nearest_option(const struct command *command, const char *typed)
{
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        if ((command->options & UINT64_C(1) << i) && is_near(typed, option_forms[i].name, &best))
            nearest = option_forms[i].name;
    return nearest;
}

/* One word being read: which option it names, and the value that is attached to it. */
struct word {
    int option;        /* enum option, or -1 */
    const char *value; /* after = or after the letter; NULL when not attached */
};

static bool word_long(const struct command *command, const char *text, struct word *out,
                      struct error *error)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : strlen(text);
    char name[64];
    if (length < sizeof name) {
        memcpy(name, text, length);
        name[length] = 0;
        for (int i = 0; i < OPTION_COUNT; i++) {
            if ((command->options & UINT64_C(1) << i) && strcmp(option_forms[i].name, name) == 0) {
                *out = (struct word){i, equals ? equals + 1 : NULL};
                return true;
            }
        }
    }
    const char *near = length < sizeof name ? nearest_option(command, name) : NULL;
    if (near)
        error_set(error, 0, "no option --%.40s; did you mean --%s?", text, near);
    else
        error_set(error, 0, "no option --%.40s; `ecluse %s --help` lists them", text,
                  command->name);
    return false;
}

static bool word_short(const struct command *command, const char *text, struct word *out,
                       struct error *error)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        if ((command->options & UINT64_C(1) << i) && option_forms[i].letter == text[0]) {
            *out = (struct word){i, text[1] ? text + 1 : NULL};
            return true;
        }
    }
    error_set(error, 0, "no option -%.40s; `ecluse %s --help` lists them", text, command->name);
    return false;
}

static bool option_take(const struct command *command, struct arguments *a, struct word word,
                        int argc, char **argv, int *at, struct error *error)
{
    const struct option_form own = option_of(command, (unsigned)word.option, NULL), *form = &own;
    if (form->value == NULL && word.value) {
        error_set(error, 0, "--%s takes no value", form->name);
        return false;
    }
    if (form->value && word.value == NULL) {
        if (*at + 1 >= argc) {
            error_set(error, 0, "--%s needs a value: %s", form->name, form->value);
            return false;
        }
        word.value = argv[++*at];
    }
    if (a->option[word.option]) {
        error_set(error, 0, "--%s is given twice", form->name);
        return false;
    }
    a->option[word.option] = form->value ? word.value : "";
    return true;
}

static int needs_operands(const struct command *command, struct error *error)
{
    char verbs[256] = "";
    size_t length = 0;
    for (const struct verb_form *verb = verb_next(command, NULL); verb && length < sizeof verbs;
         verb = verb_next(command, verb))
        length += (size_t)snprintf(verbs + length, sizeof verbs - length, "%s%s%s%s",
                                   length == 0                   ? ""
                                   : verb_next(command, verb) ? ", "
                                                              : " or ",
                                   verb->name, *verb->operands ? " " : "", verb->operands);
    return error_set(error, 0, "`ecluse %s` needs %s", command->name,
                     *verbs ? verbs : command->operands);
}

/* What another verb of the command takes is not passed over as if it had been heeded. */
static bool verb_fits(const struct command *command, const struct arguments *a, struct error *error)
{
    const struct verb_form *verb =
        a->operand_count && !a->option[OPTION_HELP] ? verb_named(command, a->operand[0]) : NULL;
    for (unsigned i = 0; verb && i < OPTION_COUNT; i++) {
        if (!a->option[i] || (verb->options & UINT64_C(1) << i))
            continue;
        error_set(error, 0,
                  "`ecluse %s %s` takes no --%s; `ecluse %s %s --help` lists what it takes",
                  command->name, verb->name, option_forms[i].name, command->name, verb->name);
        return false;
    }
    return true;
}

static bool operands_fit(const struct command *command, const struct arguments *a,
                         struct error *error)
{
    if (a->option[OPTION_HELP])
        return true;
    if (a->operand_count < command->least) {
        needs_operands(command, error);
        return false;
    }
    if (a->operand_count > command->most) {
        error_set(error, 0, "`ecluse %s` does not take `%.100s`; usage: ecluse %s [OPTION...] %s",
                  command->name, a->operand[command->most], command->name, command->operands);
        return false;
    }
    return true;
}

bool arguments_read(const struct command *command, int argc, char **argv, const char **operands,
                    struct arguments *out, struct error *error)
{
    struct arguments a = {.operand = operands};
    bool options_end = false;
    for (int i = 0; i < argc; i++) {
        const char *text = argv[i];
        if (options_end || text[0] != '-' || text[1] == 0) {
            operands[a.operand_count++] = text;
            continue;
        }
        if (strcmp(text, "--") == 0) {
            options_end = true;
            continue;
        }
        struct word word;
        bool known = text[1] == '-' ? word_long(command, text + 2, &word, error)
                                    : word_short(command, text + 1, &word, error);
        if (!known || !option_take(command, &a, word, argc, argv, &i, error))
            return false;
    }
    if (!operands_fit(command, &a, error) || !verb_fits(command, &a, error))
        return false;
    a.program = out->program;
    a.command = command->name;
    *out = a;
    return true;
}

/* ---- Back into a line ------------------------------------------------------------------------ */

static void line_word(FILE *line, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "%+,-./:=@_";
    if (*word && word[strspn(word, plain)] == 0) {
        fprintf(line, " %s", word);
        return;
    }
    fputs(" '", line);
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", line);
        else
            fputc(*word, line);
    fputc('\'', line);
}

bool arguments_line(const struct arguments *a, enum option more, char *out, size_t size)
{
    char *text = NULL;
    size_t length = 0;
    FILE *line = open_memstream(&text, &length);
    must(line != NULL);
    fprintf(line, "ecluse %s", a->command);
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        if (!a->option[i] && i != more)
            continue;
        fprintf(line, " --%s", option_forms[i].name);
        if (option_forms[i].value)
            line_word(line, a->option[i]);
    }
    for (size_t i = 0; i < a->operand_count; i++)
        line_word(line, a->operand[i]);
    must(fclose(line) == 0);
    bool fits = length < size;
    if (fits)
        memcpy(out, text, length + 1);
    free(text);
    return fits;
}
