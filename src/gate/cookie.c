#include "gate/cookie.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct text trimmed(const char *begin, const char *end)
{
    while (begin < end && is_blank(*begin))
        begin++;
    while (end > begin && is_blank(end[-1]))
        end--;
    return (struct text){begin, (size_t)(end - begin)};
}

static void take(struct text pair, struct cookies *out)
{
    static const char ours[] = "ecluse_";
    const size_t prefix = sizeof ours - 1;
    if (pair.length <= prefix || memcmp(pair.data, ours, prefix) != 0)
        return;
    const char *equal = memchr(pair.data, '=', pair.length);
    if (!equal)
        return;
    struct text name = {pair.data, (size_t)(equal - pair.data)};
    struct text value = {equal + 1, pair.length - name.length - 1};
    struct text *place = text_is(name, COOKIE_PASS)     ? &out->pass
                         : text_is(name, COOKIE_PROOF)  ? &out->proof
                         : text_is(name, COOKIE_TICKET) ? &out->ticket
                                                        : NULL;
    if (place && place->length == 0)
        *place = value;
}

void cookies_read(struct text header, struct cookies *out)
{
    const char *at = header.data, *end = header.data + header.length;
    while (at < end) {
        const char *next = memchr(at, ';', (size_t)(end - at));
        const char *stop = next ? next : end;
        take(trimmed(at, stop), out);
        at = stop + 1;
    }
}

size_t cookie_line(const char *name, struct text value, int64_t max_age, bool secure,
                   char out[COOKIE_LINE_MAX])
{
    struct writer w = writer_on(out, COOKIE_LINE_MAX);
    write_string(&w, name);
    WRITE_LITERAL(&w, "=");
    write_text(&w, value);
    WRITE_LITERAL(&w, "; Path=/; Max-Age=");
    write_unsigned(&w, (uint64_t)(max_age > 0 ? max_age : 0));
    WRITE_LITERAL(&w, "; HttpOnly; SameSite=Lax");
    if (secure)
        WRITE_LITERAL(&w, "; Secure");
    return w.overflow ? 0 : w.length;
}
