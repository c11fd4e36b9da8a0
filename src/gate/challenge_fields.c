/* A form that was sent, as hidden fields. How bodies are read: WHATWG URL Standard, section 5.1
 * (application/x-www-form-urlencoded parsing); what a browser makes of hidden fields: HTML
 * Standard, "Constructing the entry list" and "URL-encoded form data". */
#include "gate/challenge.h"

#include "base/utf8.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A broken escape stands for itself. */
static size_t unescape(struct text in, char *out)
{
    size_t length = 0;
    for (size_t i = 0; i < in.length; i++) {
        char c = in.data[i] == '+' ? ' ' : in.data[i];
        if (c == '%' && in.length - i > 2) {
            int high = hex_digit(in.data[i + 1]), low = hex_digit(in.data[i + 2]);
            if (high >= 0 && low >= 0) {
                c = (char)(high << 4 | low);
                i += 2;
            }
        }
        out[length++] = c;
    }
    return length;
}

struct field {
    struct text name, value;
};

/* Reads the next field into `room` (as large as the body), in front of which stands what is left.
 */
static bool next_field(struct text *left, char *room, struct field *out)
{
    while (left->length && left->data[0] == '&') {
        left->data++;
        left->length--;
    }
    if (!left->length)
        return false;
    const char *end = memchr(left->data, '&', left->length);
    struct text name = {left->data, end ? (size_t)(end - left->data) : left->length};
    struct text value = {"", 0};
    left->data += name.length;
    left->length -= name.length;
    const char *equals = memchr(name.data, '=', name.length);
    if (equals) {
        value.data = equals + 1;
        value.length = (size_t)(name.data + name.length - value.data);
        name.length = (size_t)(equals - name.data);
    }
    out->name = (struct text){room, unescape(name, room)};
    room += out->name.length;
    out->value = (struct text){room, unescape(value, room)};
    return true;
}

/* A browser makes CRLF of each lone CR or LF, and HTML has no NUL. */
static bool comes_back(struct text t)
{
    for (size_t i = 0; i < t.length; i++) {
        char c = t.data[i];
        bool after_cr = i > 0 && t.data[i - 1] == '\r';
        bool before_lf = i + 1 < t.length && t.data[i + 1] == '\n';
        if (c == '\0' || (c == '\n' && !after_cr) || (c == '\r' && !before_lf))
            return false;
    }
    return true;
}

static bool is_charset_field(struct text name) /* which browsers fill in themselves */
{
    static const char reserved[] = "_charset_";
    if (name.length != sizeof reserved - 1)
        return false;
    for (size_t i = 0; i < name.length; i++)
        if ((name.data[i] | 0x20) != (reserved[i] | 0x20))
            return false;
    return true;
}

/* What windows-1252 has at 0x80 to 0x9f, as UTF-8; where it has nothing, the WHATWG's Encoding
 * Standard puts the control of the same number. The rest of its bytes are their own code points. */
#define CONTROL(byte) "\xc2" byte
static const char upper_half[32][4] = {
    "€",
    CONTROL("\x81"),
    "‚",
    "ƒ",
    "„",
    "…",
    "†",
    "‡",
    "ˆ",
    "‰",
    "Š",
    "‹",
    "Œ",
    CONTROL("\x8d"),
    "Ž",
    CONTROL("\x8f"),
    CONTROL("\x90"),
    "‘",
    "’",
    "“",
    "”",
    "•",
    "–",
    "—",
    "˜",
    "™",
    "š",
    "›",
    "œ",
    CONTROL("\x9d"),
    "ž",
    "Ÿ",
};

static void write_byte(struct writer *w, unsigned char byte)
{
    if (byte < 0xa0) {
        write_string(w, upper_half[byte - 0x80]);
    } else {
        char pair[2] = {(char)(0xc0 | byte >> 6), (char)(0x80 | (byte & 0x3f))};
        write_bytes(w, pair, sizeof pair);
    }
}

/* A line end is written by its number: HTML would make one LF of CRLF. */
static void write_value(struct writer *w, struct text t, bool utf8)
{
    size_t plain = 0;
    for (size_t i = 0; i < t.length; i++) {
        unsigned char c = (unsigned char)t.data[i];
        if (c != '\r' && c != '\n' && (utf8 || c < 0x80))
            continue;
        write_html_escaped(w, (struct text){t.data + plain, i - plain});
        plain = i + 1;
        if (c == '\r')
            WRITE_LITERAL(w, "&#13;");
        else if (c == '\n')
            WRITE_LITERAL(w, "&#10;");
        else
            write_byte(w, c);
    }
    write_html_escaped(w, (struct text){t.data + plain, t.length - plain});
}

static bool look(struct text body, char *room, bool *utf8)
{
    struct field field;
    bool any = false;
    *utf8 = true;
    while (next_field(&body, room, &field)) {
        if (!field.name.length || is_charset_field(field.name) || !comes_back(field.name) ||
            !comes_back(field.value))
            return false;
        *utf8 = *utf8 && utf8_is_valid(field.name) && utf8_is_valid(field.value);
        any = true;
    }
    return any;
}

bool challenge_fields(struct text body, struct writer *w)
{
    char room[CHALLENGE_BODY_MAX];
    struct field field;
    bool utf8;
    if (body.length > sizeof room || !look(body, room, &utf8))
        return false;
    const struct writer before = *w;
    if (w->size - w->length > CHALLENGE_FIELDS_SIZE)
        w->size = w->length + CHALLENGE_FIELDS_SIZE;
    WRITE_LITERAL(w, "<form id=\"again\" method=\"post\" accept-charset=\"");
    write_string(w, utf8 ? "utf-8" : "windows-1252");
    WRITE_LITERAL(w, "\">\n");
    while (!w->overflow && next_field(&body, room, &field)) {
        WRITE_LITERAL(w, "<input type=\"hidden\" name=\"");
        write_value(w, field.name, utf8);
        WRITE_LITERAL(w, "\" value=\"");
        write_value(w, field.value, utf8);
        WRITE_LITERAL(w, "\">\n");
    }
    if (w->overflow) {
        *w = before;
        return false;
    }
    w->size = before.size;
    return true;
}
