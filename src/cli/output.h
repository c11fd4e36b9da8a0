/* output.h: what people read.
 *
 * Tables whose columns align by what a terminal shows (wide and combining characters counted as
 * such), colour only on a terminal and never with NO_COLOR (no-color.org), figures with their
 * units. Control characters in names from files are shown as ?, so that no name can drive a
 * terminal.
 */
#ifndef ECLUSE_OUTPUT_H
#define ECLUSE_OUTPUT_H

#include "base/base.h"
#include "contract/contract.h"
#include "status/figure.h"

#include <jansson.h>
#include <stdio.h>

enum tone { TONE_PLAIN, TONE_GOOD, TONE_WARNING, TONE_BAD, TONE_DIM, TONE_BOLD };

bool output_colour(FILE *out); /* a terminal, and NO_COLOR is not set */

/* Prints text in a tone, without line end. */
void output_tone(FILE *out, enum tone tone, const char *text);

enum { TABLE_COLUMNS = 10 };

/* Rows of cells, printed with two spaces between columns. Columns whose title begins with > are
 * aligned right. Rows are kept until table_print(), which also empties the table. */
struct table {
    size_t columns;
    const char *title[TABLE_COLUMNS];
    struct table_row *row;
    size_t count, room;
};

struct table table_of(size_t columns, const char *const titles[]);
/* Begins a row; table_cell() then fills its cells from the left. */
void table_row(struct table *t);
__attribute__((format(printf, 3, 4))) void table_cell(struct table *t, enum tone tone,
                                                      const char *format, ...);
void table_print(struct table *t, FILE *out);

size_t text_width(const char *text); /* columns on a terminal */

/* ---- Results --------------------------------------------------------------------------------- */

/* One object on standard output, keys in the order in which they were set, and a line end; frees
 * it. */
void output_json(json_t *object);

/* Says on standard error what went wrong, and with `json` the same as {"error": ...} on standard
 * output. Returns EXIT_COULD_NOT. */
__attribute__((format(printf, 2, 3))) int could_not(bool json, const char *format, ...);

#endif
