#include "gate/token.h"

static const char alphabet[64] = {'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M',
                                  'N', 'O', 'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z',
                                  'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm',
                                  'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
                                  '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '-', '_'};

/* One more than the value of each character; 0: no character of base64url. */
static const uint8_t rank_of[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64};

static unsigned rank(char c)
{
    return rank_of[(uint8_t)c];
}

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
    char *at = out;
    for (; length >= 3; bytes += 3, length -= 3, at += 4) {
        uint32_t three = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];
        at[0] = alphabet[three >> 18];
        at[1] = alphabet[three >> 12 & 63];
        at[2] = alphabet[three >> 6 & 63];
        at[3] = alphabet[three & 63];
    }
    if (length) {
        uint32_t rest = (uint32_t)bytes[0] << 16 | (length > 1 ? (uint32_t)bytes[1] << 8 : 0);
        *at++ = alphabet[rest >> 18];
        *at++ = alphabet[rest >> 12 & 63];
        if (length > 1)
            *at++ = alphabet[rest >> 6 & 63];
    }
    return (size_t)(at - out);
}

int token_claims(struct text text)
{
    if (text.length < 2)
        return -1;
    unsigned first = rank(text.data[0]), second = rank(text.data[1]);
    return first && second ? (int)((first - 1) << 2 | (second - 1) >> 4) : -1;
}

bool token_bytes(struct text text, uint8_t *out, size_t length)
{
    if (text.length != TOKEN_TEXT_LENGTH(length))
        return false;
    uint32_t held = 0;
    unsigned bits = 0;
    bool good = true;
    for (size_t i = 0; i < text.length; i++) {
        unsigned next = rank(text.data[i]);
        good = good && next;
        held = held << 6 | ((next - 1) & 63);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *out++ = (uint8_t)(held >> bits);
        }
    }
    /* Bits left over would be a second text for the same bytes. */
    return good && (held & ((1u << bits) - 1)) == 0;
}
