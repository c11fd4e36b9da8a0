#include "gate/token.h"

static const char alphabet[64] = {
    'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P',
    'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'a', 'b', 'c', 'd', 'e', 'f',
    'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v',
    'w', 'x', 'y', 'z', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '-', '_'};

#define NO 64 /* no character of base64url */

static const uint8_t value_of[256] = {
    [0 ... 255] = NO, ['A'] = 0,  ['B'] = 1,  ['C'] = 2,  ['D'] = 3,  ['E'] = 4,  ['F'] = 5,
    ['G'] = 6,        ['H'] = 7,  ['I'] = 8,  ['J'] = 9,  ['K'] = 10, ['L'] = 11, ['M'] = 12,
    ['N'] = 13,       ['O'] = 14, ['P'] = 15, ['Q'] = 16, ['R'] = 17, ['S'] = 18, ['T'] = 19,
    ['U'] = 20,       ['V'] = 21, ['W'] = 22, ['X'] = 23, ['Y'] = 24, ['Z'] = 25, ['a'] = 26,
    ['b'] = 27,       ['c'] = 28, ['d'] = 29, ['e'] = 30, ['f'] = 31, ['g'] = 32, ['h'] = 33,
    ['i'] = 34,       ['j'] = 35, ['k'] = 36, ['l'] = 37, ['m'] = 38, ['n'] = 39, ['o'] = 40,
    ['p'] = 41,       ['q'] = 42, ['r'] = 43, ['s'] = 44, ['t'] = 45, ['u'] = 46, ['v'] = 47,
    ['w'] = 48,       ['x'] = 49, ['y'] = 50, ['z'] = 51, ['0'] = 52, ['1'] = 53, ['2'] = 54,
    ['3'] = 55,       ['4'] = 56, ['5'] = 57, ['6'] = 58, ['7'] = 59, ['8'] = 60, ['9'] = 61,
    ['-'] = 62,       ['_'] = 63};

const char *token_fault_name(enum token_fault fault)
{
    static const char *const name[] = {
#define X(constant, text, meaning) [TOKEN_##constant] = text,
        TOKEN_FAULTS(X)
#undef X
    };
    return (unsigned)fault < TOKEN_FAULT_COUNT ? name[fault] : "unknown";
}

size_t token_text(const uint8_t *bytes, size_t length, char *out)
{
    size_t written = 0;
    uint32_t held = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < length; i++) {
        held = held << 8 | bytes[i];
        for (bits += 8; bits >= 6;) {
            bits -= 6;
            out[written++] = alphabet[held >> bits & 63];
        }
    }
    if (bits)
        out[written++] = alphabet[held << (6 - bits) & 63];
    return written;
}

bool token_bytes(struct text text, uint8_t *out, size_t length)
{
    if (text.length != TOKEN_TEXT_LENGTH(length))
        return false;
    uint32_t held = 0;
    unsigned bits = 0;
    uint8_t bad = 0;
    for (size_t i = 0; i < text.length; i++) {
        uint8_t value = value_of[(uint8_t)text.data[i]];
        bad |= value;
        held = held << 6 | (value & 63);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *out++ = (uint8_t)(held >> bits);
        }
    }
    /* Bits left over would be a second text for the same bytes. */
    return !(bad & NO) && (held & ((1u << bits) - 1)) == 0;
}
