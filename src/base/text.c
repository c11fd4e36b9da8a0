#include "base/text.h"

void write_unsigned(struct writer *w, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    write_bytes(w, digits + at, sizeof digits - at);
}

void write_padded(struct writer *w, unsigned value, unsigned width)
{
    char digits[10];
    if (width > sizeof digits)
        width = sizeof digits;
    for (unsigned i = width; i > 0; i--, value /= 10)
        digits[i - 1] = (char)('0' + value % 10);
    write_bytes(w, digits, width);
}

void write_json_escaped(struct writer *w, struct text t)
{
    static const char hex[] = "0123456789abcdef";
    size_t plain = 0;
    if (!t.length) /* its data may be NULL, to which not even 0 may be added */
        return;
    for (size_t i = 0; i < t.length; i++) {
        unsigned char c = (unsigned char)t.data[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        write_bytes(w, t.data + plain, i - plain);
        plain = i + 1;
        char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        if (c == '"' || c == '\\') {
            escape[1] = (char)c;
            write_bytes(w, escape, 2);
        } else {
            write_bytes(w, escape, 6);
        }
    }
    write_bytes(w, t.data + plain, t.length - plain);
}

static struct text html_entity(char c)
{
    switch (c) {
    case '&':
        return TEXT("&amp;");
    case '<':
        return TEXT("&lt;");
    case '>':
        return TEXT("&gt;");
    case '"':
        return TEXT("&quot;");
    case '\'':
        return TEXT("&#39;");
    default:
        return (struct text){NULL, 0};
    }
}

void write_html_escaped(struct writer *w, struct text t)
{
    size_t plain = 0;
    if (!t.length)
        return;
    for (size_t i = 0; i < t.length; i++) {
        struct text entity = html_entity(t.data[i]);
        if (!entity.length)
            continue;
        write_bytes(w, t.data + plain, i - plain);
        write_text(w, entity);
        plain = i + 1;
    }
    write_bytes(w, t.data + plain, t.length - plain);
}

static size_t smallest(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t text_distance(struct text a, struct text b)
{
    enum { LONGEST = 64 };
    if (a.length > LONGEST || b.length > LONGEST)
        return SIZE_MAX;
    size_t row[3][LONGEST + 1];
    size_t *before = row[0], *last = row[1], *current = row[2];
    for (size_t j = 0; j <= b.length; j++)
        last[j] = j;
    for (size_t i = 1; i <= a.length; i++) {
        current[0] = i;
        for (size_t j = 1; j <= b.length; j++) {
            size_t replace = last[j - 1] + (a.data[i - 1] != b.data[j - 1]);
            current[j] = smallest(replace, smallest(last[j], current[j - 1]) + 1);
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1])
                current[j] = smallest(current[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = last;
        last = current;
        current = oldest;
    }
    return last[b.length];
}
