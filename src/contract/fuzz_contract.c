/* The whole path from bytes to a checked contract: whatever a file holds, it is read or every
 * problem has a place in it; what is read is sound, is published as it is, and can be explained.
 * Seeds: tests/contracts. */
#include "contract/explain.h"
#include "contract/sound.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t lines_of(const uint8_t *data, size_t size)
{
    /* What YAML takes for line ends: CR and LF; NEL, LS and PS count as well, so any C2 or E2 may
     * be one. */
    uint32_t lines = 2;
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n' || data[i] == '\r' || data[i] == 0xc2 || data[i] == 0xe2;
    return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct contract *c;
    static FILE *nowhere;
    if (!c) {
        c = malloc(sizeof *c);
        nowhere = fopen("/dev/null", "w");
        must(c && nowhere);
    }
    struct problems problems;
    int result = contract_parse((const char *)data, size, c, &problems);
    must((result == 0) == (problems.count == 0));
    for (size_t i = 0; i < problems.count; i++) {
        const struct problem *p = &problems.problem[i];
        must(p->line && p->column && p->text[0] && p->line <= lines_of(data, size));
        must(utf8_is_valid(text_of(p->text)));
        must(!i || p->line > p[-1].line || (p->line == p[-1].line && p->column >= p[-1].column));
    }
    problems_free(&problems);
    if (!result) {
        must(contract_is_sound(c));
        contract_explain(c, LANGUAGE_EN, nowhere);
        contract_explain(c, LANGUAGE_FR, nowhere);
    }
    return 0;
}
