#include "gate/challenge_text.h"

static const struct text table[CHALLENGE_TEXT_COUNT][LANGUAGE_COUNT] = {
#define LENGTH(literal)                                                                            \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }
#define X(constant, fr, nl, de, en)                                                                \
    [CHALLENGE_TEXT_##constant] = {LENGTH(fr), LENGTH(nl), LENGTH(de), LENGTH(en)},
    CHALLENGE_TEXTS(X)
#undef X
};

struct text challenge_text(enum challenge_text text, enum language language)
{
    return table[text][language];
}
