#include "tracking/step.h"

#include "tracking/step_table.h"

struct step_row {
    const char *name;
    enum step_stage stage;
    bool final;
    int8_t sentiment;
    const char *laposte;
    struct text label[LANGUAGE_COUNT], next[LANGUAGE_COUNT];
};

static const struct step_row steps[STEP_COUNT] = {
#define X(constant, name, stage, final, sentiment, laposte, fr, fr_next, nl, nl_next, de, de_next, \
          en, en_next)                                                                             \
    [STEP_##constant] = {name,                                                                     \
                         STAGE_##stage,                                                            \
                         final,                                                                    \
                         sentiment,                                                                \
                         laposte,                                                                  \
                         {[LANGUAGE_FR] = TEXT_OF(fr),                                             \
                          [LANGUAGE_NL] = TEXT_OF(nl),                                             \
                          [LANGUAGE_DE] = TEXT_OF(de),                                             \
                          [LANGUAGE_EN] = TEXT_OF(en)},                                            \
                         {[LANGUAGE_FR] = TEXT_OF(fr_next),                                        \
                          [LANGUAGE_NL] = TEXT_OF(nl_next),                                        \
                          [LANGUAGE_DE] = TEXT_OF(de_next),                                        \
                          [LANGUAGE_EN] = TEXT_OF(en_next)}},
#define TEXT_OF(literal)                                                                           \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }
    STEPS(X)
#undef X
};

static const struct step_row *row_of(enum step step)
{
    return &steps[(unsigned)step < STEP_COUNT ? step : STEP_UNKNOWN];
}

const char *step_name(enum step step)
{
    return row_of(step)->name;
}

struct text step_label(enum step step, enum language language)
{
    return row_of(step)->label[(unsigned)language < LANGUAGE_COUNT ? language : LANGUAGE_EN];
}

struct text step_next(enum step step, enum language language)
{
    return row_of(step)->next[(unsigned)language < LANGUAGE_COUNT ? language : LANGUAGE_EN];
}

enum step_stage step_stage(enum step step)
{
    return row_of(step)->stage;
}

bool step_is_final(enum step step)
{
    return row_of(step)->final;
}

int step_sentiment(enum step step)
{
    return row_of(step)->sentiment;
}

const char *step_laposte_code(enum step step)
{
    return row_of(step)->laposte;
}

enum step step_of_name(struct text name)
{
    for (int step = STEP_UNKNOWN + 1; step < STEP_COUNT; step++)
        if (text_is(name, steps[step].name))
            return (enum step)step;
    return STEP_UNKNOWN;
}

/* ---- Codes ----------------------------------------------------------------------------------- */

enum { CODE_SIZE = 24 };

struct code_row {
    uint8_t length;
    uint8_t step;
    char code[CODE_SIZE];
};

#define X(code, step, meaning) {sizeof(code) - 1, STEP_##step, code},
static const struct code_row laposte_codes[] = {CODES_OF_LAPOSTE(X)};
static const struct code_row upu_codes[] = {CODES_OF_UPU(X)};
static const struct code_row epcis_steps[] = {CODES_OF_EPCIS_STEPS(X)};
static const struct code_row epcis_dispositions[] = {CODES_OF_EPCIS_DISPOSITIONS(X)};
#undef X

#define ROWS(table)                                                                                \
    {                                                                                              \
        table, sizeof(table) / sizeof(table)[0]                                                    \
    }
static const struct {
    const struct code_row *row;
    size_t count;
} lists[CODE_LIST_COUNT] = {
    [CODES_LAPOSTE] = ROWS(laposte_codes),
    [CODES_UPU] = ROWS(upu_codes),
    [CODES_EPCIS_STEP] = ROWS(epcis_steps),
    [CODES_EPCIS_DISPOSITION] = ROWS(epcis_dispositions),
};

static bool take_prefix(struct text *text, struct text prefix)
{
    if (text->length <= prefix.length || memcmp(text->data, prefix.data, prefix.length) != 0)
        return false;
    text->data += prefix.length;
    text->length -= prefix.length;
    return true;
}

struct text step_bare_code(enum code_list list, struct text code)
{
    static const struct text none = {NULL, 0};
    const struct text forms[CODE_LIST_COUNT][4] = {
        [CODES_LAPOSTE] = {none},
        [CODES_UPU] = {none},
        [CODES_EPCIS_STEP] = {TEXT("urn:epcglobal:cbv:bizstep:"),
                              TEXT("https://ref.gs1.org/cbv/BizStep-"),
                              TEXT("http://ref.gs1.org/cbv/BizStep-"), TEXT("cbv:BizStep-")},
        [CODES_EPCIS_DISPOSITION] = {TEXT("urn:epcglobal:cbv:disp:"),
                                     TEXT("https://ref.gs1.org/cbv/Disp-"),
                                     TEXT("http://ref.gs1.org/cbv/Disp-"), TEXT("cbv:Disp-")},
    };
    for (size_t i = 0; i < 4; i++)
        if (forms[list][i].length && take_prefix(&code, forms[list][i]))
            break;
    return code;
}

enum step step_of_code(enum code_list list, struct text code)
{
    if (list == CODES_EPCIS_STEP || list == CODES_EPCIS_DISPOSITION)
        code = step_bare_code(list, code);
    for (size_t i = 0; i < lists[list].count; i++) {
        const struct code_row *row = &lists[list].row[i];
        if (row->length == code.length && row->code[0] == code.data[0] &&
            memcmp(row->code, code.data, code.length) == 0)
            return (enum step)row->step;
    }
    return STEP_UNKNOWN;
}

enum step step_of_any_code(struct text code, enum code_list *list)
{
    static const enum code_list tried[] = {CODES_LAPOSTE, CODES_UPU};
    for (size_t i = 0; i < sizeof tried / sizeof tried[0]; i++) {
        enum step step = step_of_code(tried[i], code);
        if (step == STEP_UNKNOWN)
            continue;
        if (list)
            *list = tried[i];
        return step;
    }
    return STEP_UNKNOWN;
}
