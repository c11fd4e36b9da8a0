#include "cli/output.h"

#include "cli/cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

enum { CELL_SIZE = 200 };

struct table_row {
    size_t filled;
    struct {
        enum tone tone;
        char text[CELL_SIZE];
    } cell[TABLE_COLUMNS];
};

bool output_colour(FILE *out)
{
    const char *no_colour = getenv("NO_COLOR");
    if (no_colour && *no_colour)
        return false;
    const char *terminal = getenv("TERM");
    return isatty(fileno(out)) && !(terminal && strcmp(terminal, "dumb") == 0);
}

void output_tone(FILE *out, enum tone tone, const char *text)
{
    static const char *const codes[] = {"",           "\033[32m", "\033[33m",
                                        "\033[1;31m", "\033[2m",  "\033[1m"};
    if (tone == TONE_PLAIN || !output_colour(out))
        fputs(text, out);
    else
        fprintf(out, "%s%s\033[0m", codes[tone], text);
}

/* Width of the character at *text, which is moved past it; bytes that are no character count as one
 * column. */
static size_t character_width(const char **text)
{
    mbstate_t state = {0};
    wchar_t wide;
    size_t length = mbrtowc(&wide, *text, strlen(*text), &state);
    if (length == (size_t)-1 || length == (size_t)-2 || length == 0) {
        *text += 1;
        return 1;
    }
    *text += length;
    int width = wcwidth(wide);
    return width < 0 ? 1 : (size_t)width;
}

size_t text_width(const char *text)
{
    size_t width = 0;
    while (*text)
        width += character_width(&text);
    return width;
}

/* C0 and C1 controls: U+0080 to U+009F are two bytes, C2 80 to C2 9F. */
static void make_printable(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at; at++) {
        if (*at < 0x20 || *at == 0x7f) {
            *at = '?';
        } else if (*at == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f) {
            *at++ = '?';
            *at = '?';
        }
    }
}

/* A cell that was cut must not end in half a character. */
static void trim_half_character(char *text)
{
    size_t length = strlen(text), start = length;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0 || (unsigned char)text[start - 1] < 0xc0)
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t need = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (length - (start - 1) < need)
        text[start - 1] = 0;
}

struct table table_of(size_t columns, const char *const titles[])
{
    must(columns <= TABLE_COLUMNS);
    struct table t = {.columns = columns};
    for (size_t i = 0; i < columns; i++)
        t.title[i] = titles[i];
    return t;
}

void table_row(struct table *t)
{
    if (t->count == t->room) {
        size_t room = t->room ? t->room * 2 : 16;
        struct table_row *row = realloc(t->row, room * sizeof *row);
        must(row != NULL);
        t->row = row;
        t->room = room;
    }
    t->row[t->count++].filled = 0;
}

void table_cell(struct table *t, enum tone tone, const char *format, ...)
{
    struct table_row *row = &t->row[t->count - 1];
    must(row->filled < t->columns);
    char *text = row->cell[row->filled].text;
    row->cell[row->filled++].tone = tone;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, CELL_SIZE, format, arguments);
    va_end(arguments);
    if (length >= CELL_SIZE)
        trim_half_character(text);
    make_printable(text);
}

static const char *title_text(const char *title)
{
    return *title == '>' ? title + 1 : title;
}

static void print_cell(FILE *out, const char *title, enum tone tone, const char *text, size_t width,
                       bool last)
{
    size_t own = text_width(text);
    int gap = own < width ? (int)(width - own) : 0;
    if (*title == '>')
        fprintf(out, "%*s", gap, "");
    output_tone(out, tone, text);
    if (*title != '>' && !last)
        fprintf(out, "%*s", gap, "");
    fputs(last ? "\n" : "  ", out);
}

void table_print(struct table *t, FILE *out)
{
    size_t width[TABLE_COLUMNS];
    bool titled = false;
    for (size_t i = 0; i < t->columns; i++) {
        width[i] = text_width(title_text(t->title[i]));
        titled = titled || width[i];
        for (size_t j = 0; j < t->count; j++) {
            size_t own = i < t->row[j].filled ? text_width(t->row[j].cell[i].text) : 0;
            width[i] = own > width[i] ? own : width[i];
        }
    }
    for (size_t i = 0; titled && i < t->columns; i++)
        print_cell(out, t->title[i], TONE_DIM, title_text(t->title[i]), width[i],
                   i + 1 == t->columns);
    for (size_t j = 0; j < t->count; j++) {
        const struct table_row *row = &t->row[j];
        for (size_t i = 0; i < row->filled; i++)
            print_cell(out, t->title[i], row->cell[i].tone, row->cell[i].text, width[i],
                       i + 1 == row->filled);
    }
    free(t->row);
    t->row = NULL;
    t->count = t->room = 0;
}

void output_json(json_t *object)
{
    json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
    putchar('\n');
    json_decref(object);
}

int could_not(bool json, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "ecluse: %s\n", text);
    if (json) {
        json_t *object = json_object();
        json_object_set_new(object, "error", json_safe(text));
        output_json(object);
    }
    return EXIT_COULD_NOT;
}
