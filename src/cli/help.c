#include "status/alarm.h"
#include "budget/guard.h"
#include "cli/arguments.h"

#include <string.h>

static void option_text(const struct option_form *form, char *out, size_t size)
{
    char letter[8] = "    ";
    if (form->letter)
        snprintf(letter, sizeof letter, "-%c, ", form->letter);
    snprintf(out, size, "%s--%s%s%s", letter, form->name, form->value ? " " : "",
             form->value ? form->value : "");
}

void help_all(FILE *out)
{
    fputs("ecluse: keeps an essential public service answering, and what it may lose within limits"
          "\n\nusage: ecluse COMMAND [OPTION...] [OPERAND...]\n\n",
          out);
    for (size_t i = 0; i < command_count; i++)
        fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`ecluse COMMAND --help` shows a command's options; `ecluse --version` the version.\n"
          "Exit status: 0 done; 1 done, with rejects, a promise broken or an alarm (`status\n"
          "--alarms`); 2 could not.\n",
          out);
}

void help_verbs(const struct command *command, FILE *out)
{
    for (const struct verb_form *verb = verb_next(command, NULL); verb;
         verb = verb_next(command, verb)) {
        fprintf(out, "  ecluse %s %s%s%s\n      %s\n", command->name, verb->name,
                *verb->operands ? " " : "", verb->operands, verb->summary);
        bool some = false;
        for (unsigned i = 0; i < OPTION_COUNT; i++) {
            if (!(verb->options & ~OF_EVERY_VERB & UINT64_C(1) << i))
                continue;
            fprintf(out, "%s --%s", some ? "" : "      with", option_forms[i].name);
            some = true;
        }
        if (some)
            fputc('\n', out);
    }
}

static void help_options(const struct command *command, uint64_t options, FILE *out)
{
    char text[80];
    size_t widest = 0;
    bool needed;
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        struct option_form form = option_of(command, i, &needed);
        option_text(&form, text, sizeof text);
        if ((options & UINT64_C(1) << i) && strlen(text) > widest)
            widest = strlen(text);
    }
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        struct option_form form = option_of(command, i, &needed);
        option_text(&form, text, sizeof text);
        if (options & UINT64_C(1) << i)
            fprintf(out, "  %-*s  %s%s\n", (int)widest, text, needed ? "needed: " : "",
                    form.summary);
    }
}

void help_command(const struct command *command, const struct verb_form *verb, FILE *out)
{
    const char *operands = verb ? verb->operands : command->operands;
    fprintf(out, "ecluse %s%s%s: %s\n\nusage: ecluse %s%s%s", command->name, verb ? " " : "",
            verb ? verb->name : "", verb ? verb->summary : command->summary, command->name,
            verb ? " " : "", verb ? verb->name : "");
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        bool needed;
        struct option_form form = option_of(command, i, &needed);
        if (needed)
            fprintf(out, " --%s %s", form.name, form.value);
    }
    fprintf(out, " [OPTION...]%s%s\n\n", *operands ? " " : "", operands);
    if (!verb && verb_next(command, NULL)) {
        help_verbs(command, out);
        fputc('\n', out);
    }
    help_options(command, verb ? verb->options : command->options, out);
}

/* A word of running text: mdoc reads a line that begins with a full stop or quote as a macro, and
 * \ as an escape. */
static void mdoc_word(const char *word, size_t length, FILE *out)
{
    if (*word == '.' || *word == '\'')
        fputs("\\&", out);
    for (size_t i = 0; i < length; i++) {
        if (word[i] == '\\')
            fputs("\\e", out);
        else
            putc(word[i], out);
    }
}

/* A sentence, its full stop included, in lines that mandoc's lint finds short enough. */
static void mdoc_sentence(const char *text, FILE *out)
{
    const size_t longest = 78;
    size_t column = 0;
    while (*text) {
        size_t length = strcspn(text, " ");
        bool breaks = column && column + 1 + length > longest;
        if (column)
            putc(breaks ? '\n' : ' ', out);
        column = (breaks || column == 0 ? 0 : column + 1) + length;
        mdoc_word(text, length, out);
        text += length;
        text += *text == ' ';
    }
    fputs(".\n", out);
}

static void mdoc_option(const struct option_form *form, const char *macro, FILE *out)
{
    fprintf(out, "%sFl ", macro);
    if (form->letter)
        fprintf(out, "%c | Fl ", form->letter);
    fprintf(out, "-%s", form->name);
    if (form->value)
        fprintf(out, " Ar %s", form->value);
    putc('\n', out);
}

static void mdoc_verbs(const struct command *command, FILE *out)
{
    if (verb_next(command, NULL))
        fputs(".Bl -tag -width Ds\n", out);
    for (const struct verb_form *verb = verb_next(command, NULL); verb;
         verb = verb_next(command, verb)) {
        fprintf(out, ".It Cm %s", verb->name);
        if (*verb->operands)
            fprintf(out, " Ar \"%s\"", verb->operands);
        fputc('\n', out);
        mdoc_sentence(verb->summary, out);
        const uint64_t own = verb->options & ~OF_EVERY_VERB;
        for (unsigned i = 0, told = 0; own && i < OPTION_COUNT; i++)
            if (own & UINT64_C(1) << i) {
                const bool last = !(own >> i >> 1);
                fprintf(out, "%s.Fl -%s%s\n", told++ ? "" : "With\n", option_forms[i].name,
                        last ? " ." : " ,");
            }
    }
    if (verb_next(command, NULL))
        fputs(".El\n", out);
}

void help_mdoc(FILE *out)
{
    for (size_t i = 0; i < command_count; i++) {
        fprintf(out, ".Ss %s\n.Nm\n.Cm %s\n", commands[i].name, commands[i].name);
        for (unsigned j = 0; j < OPTION_COUNT; j++) {
            bool needed;
            struct option_form form = option_of(&commands[i], j, &needed);
            if (commands[i].options & ~WITH(HELP) & UINT64_C(1) << j)
                mdoc_option(&form, needed ? "." : ".Op ", out);
        }
        if (*commands[i].operands)
            /* In quotes, one that may be left out whole is one word to mandoc's lint. */
            fprintf(out, *commands[i].operands == '[' ? ".Ar \"%s\"\n" : ".Ar %s\n",
                    commands[i].operands);
        fputs(".Pp\n", out);
        mdoc_sentence(commands[i].summary, out);
        mdoc_verbs(&commands[i], out);
    }
    fputs(".Ss Options\n.Bl -tag -width Ds\n", out);
    for (unsigned j = 0; j < OPTION_COUNT; j++) {
        char summary[OPTION_SUMMARY_SIZE];
        option_summary(j, summary, sizeof summary);
        mdoc_option(&option_forms[j], ".It ", out);
        mdoc_sentence(summary, out);
    }
    fputs(".El\n", out);
}

void help_markdown(FILE *out)
{
    fputs("| command | what it does |\n|---|---|\n", out);
    for (size_t i = 0; i < command_count; i++) {
        char operands[64], *to = operands;
        for (const char *from = commands[i].operands; *from && to < operands + 60; from++) {
            if (*from == '|')
                *to++ = '\\'; /* it would end the table's cell */
            *to++ = *from;
        }
        *to = 0;
        fprintf(out, "| `ecluse %s%s%s` | %s |\n", commands[i].name, *operands ? " " : "", operands,
                commands[i].summary);
    }
    fputs("\n| option | of | what it does |\n|---|---|---|\n", out);
    for (unsigned j = 0; j < OPTION_COUNT; j++) {
        const struct option_form *form = &option_forms[j];
        fputs("| `", out);
        if (form->letter)
            fprintf(out, "-%c`, `", form->letter);
        fprintf(out, "--%s%s", form->name, form->value ? " " : "");
        for (const char *from = form->value ? form->value : ""; *from; from++)
            fprintf(out, "%s%c", *from == '|' ? "\\" : "", *from);
        fputs("` |", out);
        size_t used = 0;
        for (size_t i = 0; i < command_count; i++)
            if (commands[i].options & UINT64_C(1) << j && ++used)
                if (j != OPTION_HELP)
                    fprintf(out, " %s", commands[i].name);
        char summary[OPTION_SUMMARY_SIZE];
        option_summary(j, summary, sizeof summary);
        fprintf(out, "%s | %s |\n", j == OPTION_HELP ? " every command" : "", summary);
    }
}

static void alarms_markdown(FILE *out)
{
    fputs("\n| alarm | what it means | what to do |\n|---|---|---|\n", out);
    for (int i = 0; i < ALARM_KIND_COUNT; i++)
        fprintf(out, "| `%s` | %s | %s |\n", alarm_name((enum alarm_kind)i),
                alarm_meaning((enum alarm_kind)i), alarm_remedy((enum alarm_kind)i));
}

static void counters_markdown(FILE *out)
{
    fputs("\n| counter | what it counts |\n|---|---|\n", out);
#define X(constant, name, meaning) fprintf(out, "| `%s` | %s |\n", name, meaning);
    GUARD_COUNTERS(X)
#undef X
}

int command_help(const struct arguments *a)
{
    if (a->option[OPTION_MDOC]) {
        help_mdoc(stdout);
        return EXIT_DONE;
    }
    if (a->option[OPTION_MARKDOWN]) {
        help_markdown(stdout);
        alarms_markdown(stdout);
        counters_markdown(stdout);
        return EXIT_DONE;
    }
    if (a->operand_count == 0) {
        help_all(stdout);
        return EXIT_DONE;
    }
    const struct command *command = command_named(a->operand[0]);
    if (command == NULL) {
        fprintf(stderr, "ecluse: no command `%.100s`; `ecluse help` lists them\n", a->operand[0]);
        return EXIT_COULD_NOT;
    }
    help_command(command, NULL, stdout);
    return EXIT_DONE;
}
