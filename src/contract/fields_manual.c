#include "contract/check.h"
#include "contract/fields_page.h"

#include <ctype.h>

enum { COLUMNS = 78 };

/* One character as roff reads it. */
static void write_character(struct writer *w, char c, bool *quoted)
{
    if (c == '`') {
        write_string(w, *quoted ? "\\(cq" : "\\(oq");
        *quoted = !*quoted;
    } else if (c == '\\') {
        write_string(w, "\\e");
    } else {
        write_bytes(w, &c, 1);
    }
}

/* Running text: each sentence on a line of its own and none too long, `words` in quotation marks,
 * nothing at the start of a line that roff would take for a request. */
static void write_prose(FILE *out, const char *text)
{
    bool quoted = false;
    size_t column = 0;
    char last = ' ';
    while (*text) {
        char word[256];
        struct writer w = writer_on(word, sizeof word);
        const char *start = text;
        for (; *text && *text != ' '; text++)
            write_character(&w, *text, &quoted);
        must(!w.overflow);
        bool sentence = strchr(".?", last) && (isupper((unsigned char)*start) || *start == '`');
        if (column && (sentence || column + 1 + w.length > COLUMNS)) {
            fputc('\n', out);
            column = 0;
        }
        const char *before = column ? " " : *start == '.' || *start == '\'' ? "\\&" : "";
        column += (size_t)fprintf(out, "%s%.*s", before, (int)w.length, word);
        last = start == text ? last : text[-1];
        text += *text == ' ';
    }
    fputc('\n', out);
}

static void write_words(FILE *out, enum field_type type)
{
    const char *const *words = type_words(type), *const *meanings = type_meanings(type);
    fputs(".Bl -tag -width origin_requests -compact\n", out);
    for (size_t i = 0; words[i]; i++) {
        fprintf(out, ".It Cm %s\n", words[i]);
        write_prose(out, meanings[i]);
    }
    fputs(".El\n", out);
}

static void write_field(FILE *out, const struct field *field)
{
    char value[512], need[128], line[768];
    field_value_words(field, value, sizeof value);
    field_need_words(field, need, sizeof need);
    fprintf(out, ".It Cm %s\n", field->key);
    write_prose(out, field->text);
    snprintf(line, sizeof line, "Value: %s; %s.", value, need);
    write_prose(out, line);
    if (field->type == TYPE_METER || field->type == TYPE_PRINCIPAL || field->type == TYPE_OVER ||
        field->type == TYPE_BEGUN)
        write_words(out, field->type);
}

static void write_section(FILE *out, enum field_scope scope)
{
    const char *path = scope_path(scope);
    fprintf(out, ".Ss %s", scope_title(scope));
    if (*path)
        fprintf(out, " (%s)", path);
    fputs("\n.Bl -tag -width Ds\n", out);
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (FIELDS[i].scope == scope)
            write_field(out, &FIELDS[i]);
    fputs(".El\n", out);
}

void fields_manual(FILE *out)
{
    fputs(".\\\" Written by ecluse-fields from src/contract/fields.h and check.h: change those.\n"
          ".Dd November 22, 2026\n.Dt ECLUSE.YAML 5\n.Os\n.Sh NAME\n.Nm ecluse.yaml\n"
          ".Nd what a service must keep doing, and what it may lose at most\n.Sh DESCRIPTION\n"
          "The file is the contract that\n.Xr ecluse 1\nenforces and proves.\n"
          "It is YAML: maps, lists and single values, without anchors, aliases and tags.\n"
          "Any subset of the sections is a contract.\n"
          "Sizes are bytes: 1 kB is 1000 bytes, 1 KiB is 1024.\n"
          "All mistakes are reported in one run, each with what is allowed.\n",
          out);
    for (unsigned scope = 0; scope < SCOPE_COUNT; scope++)
        write_section(out, (enum field_scope)scope);
    fputs(".Ss Built-in routes\n.Bl -tag -width tracking\n", out);
#define X(name, method, path, match, what)                                                         \
    fprintf(out, ".It Cm %s\n%s%s%s%s", name, method, *(method) ? " " : "", path,                  \
            !*(path)                  ? ""                                                         \
            : (match) == MATCH_PREFIX ? "*\n"                                                      \
                                      : "\n");                                                     \
    write_prose(out, what);
    BUILTIN_ROUTES(X)
#undef X
    fputs(".El\n.Sh FILES\n.Bl -tag -width Ds\n.It Pa /etc/ecluse/ecluse.yaml\nThe contract, "
          "unless\n.Fl c\nor the "
          "environment variable\n.Ev ECLUSE_CONTRACT\nnames another.\n.El\n.Sh EXAMPLES\n.Bd "
          "-literal\n",
          out);
    for (size_t i = 0; EXAMPLE_CONTRACT[i]; i++)
        fprintf(out, "%s\n", EXAMPLE_CONTRACT[i]);
    fputs(".Ed\n.Sh DIAGNOSTICS\nWhat spans several fields is refused as follows, each for its "
          "reason.\n.Bl -bullet\n",
          out);
    for (size_t i = 0; i < RULE_COUNT; i++) {
        fputs(".It\n", out);
        write_prose(out, RULE_TEXTS[i].what);
        write_prose(out, RULE_TEXTS[i].why);
    }
    fputs(".El\n.Sh SEE ALSO\n.Xr ecluse 1\n", out);
}
