#include "files/filetype.h"

static const struct form {
    const char *name;
    bool dense, structure;
    size_t at;
    const char *magic;
    size_t length;
} forms[FILETYPE_COUNT] = {[FILETYPE_UNKNOWN] = {.name = "unknown"},
                           [FILETYPE_EMPTY] = {.name = "empty"},
                           [FILETYPE_TEXT] = {.name = "text"},
                           [FILETYPE_ARMOUR] = {.name = "armour"},
#define X(constant, name, dense, structure, at, magic)                                             \
    [FILETYPE_##constant] = {name, dense, structure, at, magic, sizeof magic - 1},
                           FILETYPES(X)
#undef X
};

const char *filetype_name(enum filetype type)
{
    return type < FILETYPE_COUNT ? forms[type].name : "unknown";
}

bool filetype_is_dense(enum filetype type)
{
    return type < FILETYPE_COUNT && forms[type].dense;
}

bool filetype_has_structure(enum filetype type)
{
    return type < FILETYPE_COUNT && forms[type].structure;
}

/* Windows programs begin with two letters only, so their second header is looked for. */
static bool is_windows_program(const uint8_t *head, size_t length)
{
    if (length < 64 || head[0] != 'M' || head[1] != 'Z')
        return false;
    uint32_t at = (uint32_t)head[60] | (uint32_t)head[61] << 8 | (uint32_t)head[62] << 16 |
                  (uint32_t)head[63] << 24;
    return at >= 64 && at <= length - 4 && memcmp(head + at, "PE\0\0", 4) == 0;
}

/* Text in UTF-16 has a mark or a zero in every second byte. */
static bool is_wide_text(const uint8_t *head, size_t length)
{
    if (length < 4 ||
        !((head[0] == 0xff && head[1] == 0xfe) || (head[0] == 0xfe && head[1] == 0xff)))
        return false;
    size_t zeros = 0;
    size_t first = head[0] == 0xff ? 3 : 2;
    for (size_t i = first; i < length; i += 2)
        zeros += head[i] == 0;
    return zeros * 4 > length; /* half of the pairs, so a quarter of the bytes: Latin scripts */
}

static enum filetype text_or_not(const uint8_t *head, size_t length)
{
    size_t blanks = 0, armour = 0;
    for (size_t i = 0; i < length; i++) {
        uint8_t c = head[i];
        if ((c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x1b) || c == 0x7f)
            return is_wide_text(head, length) ? FILETYPE_TEXT : FILETYPE_UNKNOWN;
        blanks += c == ' ' || c == '\t' || c == '\n' || c == '\r';
        armour += (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '+' || c == '/' || c == '=' || c == '-' || c == '_' || c == '\n' ||
                  c == '\r';
    }
    /* 128 bytes of noise have no control character once in 10^7. */
    if (length < 128)
        return utf8_is_valid((struct text){(const char *)head, length}) ? FILETYPE_TEXT
                                                                        : FILETYPE_UNKNOWN;
    if (blanks * 40 < length && armour * 1000 >= length * 985)
        return FILETYPE_ARMOUR; /* base64 in lines of 64 has 15 blanks in a thousand, text 150 */
    return FILETYPE_TEXT;
}

enum filetype filetype_of(const uint8_t *head, size_t length)
{
    if (length == 0)
        return FILETYPE_EMPTY;
    if (length > FILETYPE_HEAD)
        length = FILETYPE_HEAD;
    for (unsigned type = FILETYPE_ARMOUR + 1; type < FILETYPE_COUNT; type++) {
        const struct form *form = &forms[type];
        if (form->at + form->length <= length &&
            memcmp(head + form->at, form->magic, form->length) == 0)
            return (enum filetype)type;
    }
    if (is_windows_program(head, length))
        return FILETYPE_ELF;
    return text_or_not(head, length);
}
