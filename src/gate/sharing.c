#include "gate/sharing.h"

#include <strings.h>

static bool is_word(struct text text, const char *word)
{
    size_t length = strlen(word);
    return text.length == length && strncasecmp(text.data, word, length) == 0;
}

/* One directive, without its argument and the blanks around it. */
static struct text directive(struct text part)
{
    const char *equal = part.length ? memchr(part.data, '=', part.length) : NULL;
    size_t end = equal ? (size_t)(equal - part.data) : part.length, begin = 0;
    while (begin < end && (part.data[begin] == ' ' || part.data[begin] == '\t'))
        begin++;
    while (end > begin && (part.data[end - 1] == ' ' || part.data[end - 1] == '\t'))
        end--;
    return (struct text){part.data + begin, end - begin};
}

/* `private="field"` is about that field alone (RFC 9111 section 5.2.2.7). */
static bool refuses(struct text part, struct text name)
{
    return is_word(name, "no-store") ||
           (is_word(name, "private") && !memchr(part.data, '=', part.length));
}

enum sharing sharing_of(const struct text *values, size_t count, bool dated)
{
    bool said = false;
    for (size_t i = 0; i < count; i++) {
        struct text rest = values[i];
        while (rest.length) {
            const char *comma = memchr(rest.data, ',', rest.length);
            struct text part = {rest.data, comma ? (size_t)(comma - rest.data) : rest.length};
            struct text name = directive(part);
            if (name.length && refuses(part, name))
                return SHARING_REFUSED;
            said = said || name.length;
            size_t taken = part.length + (comma != NULL);
            rest = (struct text){rest.data + taken, rest.length - taken};
        }
    }
    return said || dated ? SHARING_LIKELY : SHARING_UNSAID;
}
