/* json_line.h: one JSON object on a line, read without a tree: a member after another, nothing
 * copied. The room's own, for flow logs of a million lines a second.
 *
 * The grammar is RFC 8259's, and all of the line is held to it that is looked at; strings are not
 * decoded, so that one with an escape in it is only said to have one. A nested object is checked,
 * and handed over as text, to be opened in its turn.
 */
#ifndef ECLUSE_EGRESS_JSON_LINE_H
#define ECLUSE_EGRESS_JSON_LINE_H

#include "base/text.h"

enum json_kind { JSON_TEXT, JSON_NUMBER, JSON_WORD, JSON_NESTED }; /* a word is true, false, null */

struct json_value {
    enum json_kind kind;
    bool escaped;
    struct text text; /* between the quotes; of a nested one with its brackets */
};

struct json_line {
    const char *at, *end;
    bool begun;
};

enum { JSON_LINE_DEPTH = 32 };

bool json_line_open(struct json_line *j, struct text line); /* false: it is no object */

enum json_next { JSON_MEMBER, JSON_END, JSON_BROKEN };

/* JSON_END only when nothing but white space follows the object. */
enum json_next json_line_next(struct json_line *j, struct text *key, struct json_value *value);

#endif
