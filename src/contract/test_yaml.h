/* test_yaml.h: what a contract says, and what is said about it. For the tests of this room. */
#ifndef ECLUSE_TEST_YAML_H
#define ECLUSE_TEST_YAML_H

#include "contract/contract.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define UNUSED(state) (void)(state)

static inline struct contract *contract_new(void)
{
    struct contract *c = malloc(sizeof *c);
    assert_non_null(c);
    return c;
}

/* The contract, which the caller frees; fails with the problems if there are any. */
static inline struct contract *accepted(const char *yaml)
{
    struct contract *c = contract_new();
    struct problems problems;
    int result = contract_parse(yaml, strlen(yaml), c, &problems);
    for (size_t i = 0; i < problems.count; i++)
        print_error("%u:%u: %s\n", problems.problem[i].line, problems.problem[i].column,
                    problems.problem[i].text);
    problems_free(&problems);
    assert_int_equal(result, 0);
    return c;
}

static inline void accepts(const char *yaml)
{
    free(accepted(yaml));
}

struct expected {
    uint32_t line, column;
    const char *part; /* of the message */
};

/* Exactly these problems, in this order. */
static inline void refuses_all(const char *yaml, size_t length, const struct expected *expected,
                               size_t count)
{
    struct contract *c = contract_new();
    memset(c, 0x5a, sizeof *c);
    struct problems problems;
    assert_int_equal(contract_parse(yaml, length, c, &problems), -EINVAL);
    for (size_t i = 0; i < sizeof *c; i++)
        assert_int_equal(((unsigned char *)c)[i], 0x5a); /* untouched */
    free(c);
    bool same = problems.count == count;
    for (size_t i = 0; i < count && same; i++) {
        const struct problem *p = &problems.problem[i];
        same = p->line == expected[i].line && p->column == expected[i].column &&
               strstr(p->text, expected[i].part);
        if (!same)
            print_error("expected %u:%u: ... %s\n", expected[i].line, expected[i].column,
                        expected[i].part);
    }
    for (size_t i = 0; i < problems.count && !same; i++)
        print_error("found %u:%u: %s\n", problems.problem[i].line, problems.problem[i].column,
                    problems.problem[i].text);
    problems_free(&problems);
    assert_true(same);
}

static inline void refuses(const char *yaml, uint32_t line, uint32_t column, const char *part)
{
    refuses_all(yaml, strlen(yaml), &(struct expected){line, column, part}, 1);
}

#endif
