#include "base/utf8.h"

size_t utf8_character(const unsigned char *at, size_t left)
{
    unsigned char c = at[0];
    if (c < 0x80)
        return 1;
    if (c < 0xc2 || c > 0xf4)
        return 0;
    size_t length = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (left < length)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((c == 0xe0 && at[1] < 0xa0) || (c == 0xed && at[1] > 0x9f) || (c == 0xf0 && at[1] < 0x90) ||
        (c == 0xf4 && at[1] > 0x8f))
        return 0;
    return length;
}

bool utf8_is_valid(struct text text)
{
    const unsigned char *at = (const unsigned char *)text.data;
    size_t i = 0;
    while (i < text.length) {
        uint64_t eight;
        if (text.length - i >= sizeof eight) {
            memcpy(&eight, at + i, sizeof eight);
            if (!(eight & UINT64_C(0x8080808080808080))) {
                i += sizeof eight;
                continue;
            }
        }
        size_t length = utf8_character(at + i, text.length - i);
        if (!length)
            return false;
        i += length;
    }
    return true;
}

bool text_has_controls(struct text text)
{
    const unsigned char *at = (const unsigned char *)text.data;
    for (size_t i = 0; i < text.length; i++) {
        if (at[i] < 0x20 || at[i] == 0x7f)
            return true;
        if (at[i] == 0xc2 && i + 1 < text.length && at[i + 1] < 0xa0)
            return true;
        if (at[i] != 0xe2 || i + 2 >= text.length)
            continue;
        unsigned char second = at[i + 1], third = at[i + 2];
        if (second == 0x80 && ((third >= 0xa8 && third <= 0xae) || third == 0x8e || third == 0x8f))
            return true; /* U+2028 to U+202E, U+200E, U+200F */
        if (second == 0x81 && third >= 0xa6 && third <= 0xa9)
            return true; /* U+2066 to U+2069 */
    }
    return false;
}

size_t utf8_cut(struct text text, size_t most)
{
    if (text.length <= most)
        return text.length;
    size_t length = most;
    while (length > 0 && ((unsigned char)text.data[length] & 0xc0) == 0x80)
        length--;
    return length;
}
