/* Names of countries. */
#include "tracking/answer_page.h"

#define LENGTH(literal)                                                                            \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

struct country {
    char code[3];
    struct text name[LANGUAGE_COUNT];
};

#define X(code, fr, nl, de, en) {code, {LENGTH(fr), LENGTH(nl), LENGTH(de), LENGTH(en)}},
static const struct country countries[] = {
#include "tracking/country_names.inc"
};
#undef X

enum { COUNTRIES = sizeof countries / sizeof *countries };

struct text country_name(struct text code, enum language language)
{
    if (code.length != 2)
        return (struct text){NULL, 0};
    size_t low = 0, high = COUNTRIES; /* the table is in the order of codes */
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = memcmp(code.data, countries[middle].code, 2);
        if (order == 0)
            return countries[middle].name[language];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return (struct text){NULL, 0};
}
