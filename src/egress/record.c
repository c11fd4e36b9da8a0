#include "egress/record.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

const char *record_fault_name(enum record_fault fault)
{
    static const char *const names[] = {
#define X(constant, name, text) name,
        RECORD_FAULTS(X)
#undef X
    };
    return (unsigned)fault < FAULT_COUNT ? names[fault] : "unknown";
}

const char *record_fault_text(enum record_fault fault)
{
    static const char *const texts[] = {
#define X(constant, name, text) text,
        RECORD_FAULTS(X)
#undef X
    };
    return (unsigned)fault < FAULT_COUNT ? texts[fault] : "unknown";
}

int source_open(struct source *s, int descriptor, const struct record_sink *sink)
{
    *s = (struct source){.descriptor = descriptor, .sink = sink, .ended = descriptor < 0};
    s->data = malloc(SOURCE_SIZE);
    return s->data ? 0 : -ENOMEM;
}

void source_close(struct source *s)
{
    free(s->data);
    s->data = NULL;
}

bool source_fill(struct source *s, size_t size)
{
    must(size <= SOURCE_MOST);
    if (s->begin) {
        memmove(s->data, s->data + s->begin, s->end - s->begin);
        s->end -= s->begin;
        s->begin = 0;
    }
    while (!s->ended && s->end < size) {
        ssize_t n = read(s->descriptor, s->data + s->end, SOURCE_READ);
        if (n < 0 && errno == EINTR)
            continue;
        s->error = n < 0 ? errno : 0;
        s->ended = n <= 0;
        s->end += n > 0 ? (size_t)n : 0;
        s->sink->progress(s->sink->context, s->offset + s->end);
    }
    return s->end >= size;
}

bool source_skip(struct source *s, uint64_t size)
{
    while (size) {
        size_t here = source_left(s);
        size_t take = size < here ? (size_t)size : here;
        source_take(s, take);
        size -= take;
        if (size && !source_fill(s, 1))
            return false;
    }
    return true;
}

/* Passes by what is left of a line that is too long. */
static bool line_pass(struct source *s)
{
    for (;;) {
        const uint8_t *at = source_at(s);
        const uint8_t *end = memchr(at, '\n', source_left(s));
        source_take(s, end ? (size_t)(end - at) + 1 : source_left(s));
        if (end)
            return true;
        if (!source_fill(s, 1))
            return false;
    }
}

bool source_line(struct source *s, struct text *out)
{
    size_t looked = 0;
    for (;;) {
        const uint8_t *at = source_at(s), *end = NULL;
        size_t left = source_left(s);
        if (left > looked)
            end = memchr(at + looked, '\n', left - looked);
        if (end || (left && !source_need(s, left + 1 <= SOURCE_MOST ? left + 1 : left) &&
                    left < SOURCE_MOST)) {
            at = source_at(s); /* it may have moved */
            size_t length = end ? (size_t)(end - at) : left;
            *out = (struct text){(const char *)at, length};
            source_take(s, end ? length + 1 : length);
            s->line++;
            return true;
        }
        looked = left;
        if (left >= SOURCE_MOST) {
            source_fault(s, FAULT_LINE, ++s->line);
            if (!line_pass(s))
                return false;
            looked = 0;
        } else if (left == 0 && !source_need(s, 1)) {
            return false;
        }
    }
}
