/* form_reader.h: the other half of challenge_fields(), for its test and its fuzz target: what a
 * browser makes of the hidden fields, and what a server makes of what the browser sends.
 *
 * Written from the standards and not from challenge_fields.c: HTML's attribute values with the five
 * references that occur, the entry list with its line ends, the encodings UTF-8 and windows-1252,
 * and the parser of application/x-www-form-urlencoded. All of it only as far as it occurs here;
 * anything else is a failure. */
#ifndef ECLUSE_GATE_FORM_READER_H
#define ECLUSE_GATE_FORM_READER_H

#include "gate/challenge.h"

#include <stdlib.h>

/* ---- A body, as a server reads it ------------------------------------------------------------ */

static inline unsigned form_hex(unsigned char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = c ? strchr(digits, c) : NULL;
    return found ? (unsigned)(found - digits) % 16 : 99;
}

/* One list for a body: each byte of a name or value as it is, 0x100 after a name, 0x101 after a
 * value. Returns how many. */
static inline size_t form_decode(const char *data, size_t length, uint16_t *out)
{
    size_t count = 0;
    for (size_t i = 0; i < length;) {
        if (data[i] == '&') {
            i++;
            continue;
        }
        bool value = false;
        for (; i < length && data[i] != '&'; i++) {
            unsigned char c = (unsigned char)data[i];
            if (c == '=' && !value) {
                value = true;
                out[count++] = 0x100;
            } else if (c == '%' && i + 2 < length && form_hex((unsigned char)data[i + 1]) < 16 &&
                       form_hex((unsigned char)data[i + 2]) < 16) {
                out[count++] = (uint16_t)(form_hex((unsigned char)data[i + 1]) * 16 +
                                          form_hex((unsigned char)data[i + 2]));
                i += 2;
            } else {
                out[count++] = c == '+' ? ' ' : c;
            }
        }
        if (!value)
            out[count++] = 0x100;
        out[count++] = 0x101;
    }
    return count;
}

/* ---- A page's fields, as a browser reads them and sends them --------------------------------- */

struct form_reader {
    const char *at, *end;
    bool latin, failed;
};

static inline bool form_take(struct form_reader *in, const char *literal)
{
    size_t length = strlen(literal);
    if ((size_t)(in->end - in->at) < length || memcmp(in->at, literal, length) != 0)
        return false;
    in->at += length;
    return true;
}

/* The next character of an attribute's value, 0 at its end. */
static inline uint32_t form_character(struct form_reader *in)
{
    static const struct {
        const char *reference;
        uint32_t is;
    } references[] = {{"&amp;", '&'},  {"&lt;", '<'},   {"&gt;", '>'},  {"&quot;", '"'},
                      {"&#39;", '\''}, {"&#13;", '\r'}, {"&#10;", '\n'}};
    if (form_take(in, "\""))
        return 0;
    for (size_t i = 0; i < sizeof references / sizeof references[0]; i++)
        if (form_take(in, references[i].reference))
            return references[i].is;
    const unsigned char *at = (const unsigned char *)in->at;
    unsigned more = at[0] < 0x80 ? 0 : at[0] < 0xe0 ? 1 : at[0] < 0xf0 ? 2 : 3;
    if (in->at + more >= in->end || strchr("&<>\r\n'", at[0]) || !at[0]) {
        in->failed = true;
        return 0;
    }
    uint32_t c = more == 0 ? at[0] : at[0] & (0x3fu >> more);
    for (unsigned i = 1; i <= more; i++)
        c = c << 6 | (at[i] & 0x3f);
    in->at += more + 1;
    return c;
}

/* The byte of windows-1252 for a character, 0x100 when it has none. */
static inline unsigned form_latin(uint32_t c)
{
    static const uint16_t high[32] = {
        0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,  0x2030, 0x160,
        0x2039, 0x152,  0x8d,   0x17d,  0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
        0x2013, 0x2014, 0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};
    if (c < 0x80 || (c >= 0xa0 && c <= 0xff))
        return c;
    for (unsigned i = 0; i < 32; i++)
        if (high[i] == c)
            return 0x80 + i;
    return 0x100;
}

/* What it sends of one name or value; a lone CR or LF would become CRLF. */
static inline size_t form_send_value(struct form_reader *in, uint16_t *out)
{
    size_t count = 0;
    uint32_t before = 0;
    for (uint32_t c; !in->failed && (c = form_character(in)) != 0; before = c) {
        if (c == '\n' && before != '\r')
            out[count++] = '\r';
        if (before == '\r' && c != '\n')
            out[count++] = '\n';
        if (in->latin) {
            in->failed = form_latin(c) > 0xff;
            out[count++] = (uint16_t)form_latin(c);
        } else if (c < 0x80) {
            out[count++] = (uint16_t)c;
        } else {
            unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
            out[count++] = (uint16_t)((0xff00u >> (more + 1) & 0xff) | c >> 6 * more);
            while (more--)
                out[count++] = (uint16_t)(0x80 | (c >> 6 * more & 0x3f));
        }
    }
    if (before == '\r')
        out[count++] = '\n';
    return count;
}

/* The list that form_decode() would make of what the browser sends; false when the page is not what
 * a browser can read that way. */
static inline bool form_send(const char *html, size_t length, uint16_t *out, size_t *count)
{
    struct form_reader in = {.at = html, .end = html + length};
    *count = 0;
    if (!form_take(&in, "<form id=\"again\" method=\"post\" accept-charset=\""))
        return false;
    in.latin = form_take(&in, "windows-1252");
    if (!in.latin && !form_take(&in, "utf-8"))
        return false;
    if (!form_take(&in, "\">\n"))
        return false;
    while (!in.failed && in.at < in.end) {
        if (!form_take(&in, "<input type=\"hidden\" name=\""))
            return false;
        *count += form_send_value(&in, out + *count);
        out[(*count)++] = 0x100;
        if (!form_take(&in, " value=\""))
            return false;
        *count += form_send_value(&in, out + *count);
        out[(*count)++] = 0x101;
        if (!form_take(&in, ">\n"))
            return false;
    }
    return !in.failed;
}

#endif
