#include "contract/problem.h"

#include <stdarg.h>
#include <stdlib.h>

/* A quoted value may have been cut within a character, and what is in it is not always fit to be
 * shown: such bytes become question marks, so that every message is text, on a terminal and in
 * JSON. */
static void make_showable(char *text)
{
    size_t left = strlen(text);
    while (left) {
        size_t length = utf8_character((const unsigned char *)text, left);
        if (!length) {
            *text = '?';
            length = 1;
        }
        text += length;
        left -= length;
    }
}

void problem_add(struct problems *problems, uint32_t line, uint32_t column, const char *format, ...)
{
    if (problems->count >= PROBLEMS_MOST)
        return;
    if ((problems->count & (problems->count + 1)) == 0 || !problems->problem) {
        /* grown at 0, 1, 3, 7, ...: to twice as many and one */
        struct problem *more = realloc(problems->problem, (problems->count * 2 + 2) * sizeof *more);
        if (!more)
            return;
        problems->problem = more;
    }
    struct problem *problem = &problems->problem[problems->count++];
    *problem = (struct problem){.line = line, .column = column};
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(problem->text, sizeof problem->text, format, arguments);
    va_end(arguments);
    if (length >= (int)sizeof problem->text)
        memcpy(problem->text + sizeof problem->text - 4, "...", 4);
    make_showable(problem->text);
}

static bool comes_after(const struct problem *a, const struct problem *b)
{
    return a->line > b->line || (a->line == b->line && a->column > b->column);
}

void problems_sort(struct problems *problems)
{
    /* Insertion: stable, and they are few and nearly in order. */
    for (size_t i = 1; i < problems->count; i++) {
        struct problem moved = problems->problem[i];
        size_t to = i;
        for (; to && comes_after(&problems->problem[to - 1], &moved); to--)
            problems->problem[to] = problems->problem[to - 1];
        problems->problem[to] = moved;
    }
}

void problems_free(struct problems *problems)
{
    free(problems->problem);
    *problems = (struct problems){0};
}
