/* text.h: strings from outside are (pointer, length) and never assumed to end.
 *
 * struct text     a borrowed run of bytes
 * struct writer   a bounded buffer that is appended to; what does not fit sets `overflow` and
 *                 nothing more is written, so that a caller checks once, at the end
 */
#ifndef ECLUSE_TEXT_H
#define ECLUSE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
    const char *data;
    size_t length;
};

#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})

static inline struct text text_of(const char *string)
{
    return (struct text){string, strlen(string)};
}

static inline bool text_equal(struct text a, struct text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static inline bool text_is(struct text a, const char *string)
{
    return text_equal(a, text_of(string));
}

struct writer {
    char *data;
    size_t size;   /* of the buffer */
    size_t length; /* written so far */
    bool overflow;
};

static inline struct writer writer_on(char *buffer, size_t size)
{
    return (struct writer){.data = buffer, .size = size};
}

static inline void write_bytes(struct writer *w, const char *data, size_t length)
{
    if (w->overflow || length > w->size - w->length) {
        w->overflow = true;
        return;
    }
    if (length)
        memcpy(w->data + w->length, data, length);
    w->length += length;
}

static inline void write_text(struct writer *w, struct text t)
{
    write_bytes(w, t.data, t.length);
}

static inline void write_string(struct writer *w, const char *string)
{
    write_bytes(w, string, strlen(string));
}

#define WRITE_LITERAL(w, literal) write_bytes((w), (literal), sizeof(literal) - 1)

void write_unsigned(struct writer *w, uint64_t value);

/* Exactly `width` decimal digits, leading zeroes; value modulo 10^width. */
void write_padded(struct writer *w, unsigned value, unsigned width);

/* Inside a JSON string: escapes what RFC 8259 section 7 requires; bytes above 0x7f pass as they
 * are. */
void write_json_escaped(struct writer *w, struct text t);

/* In HTML text or a quoted attribute: escapes & < > " '. */
void write_html_escaped(struct writer *w, struct text t);

/* Smallest number of single-character edits (insert, delete, replace, swap of neighbours)
 * between two names, for "did you mean"; texts over 64 bytes are as far as can be (SIZE_MAX). */
size_t text_distance(struct text a, struct text b);

#endif
