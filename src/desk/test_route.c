#include "desk/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void each_route_is_found_by_its_own_path(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        char path[128];
        size_t length = 0;
        for (const char *at = routes[i].path; *at; at++)
            length += (size_t)sprintf(path + length, *at == '*' ? "hold-2f-front" : "%c", *at);
        const struct route *found;
        struct text argument;
        assert_int_equal(route_find(text_of(routes[i].method), text_of(path), &found, &argument),
                         ROUTE_FOUND);
        assert_ptr_equal(found, &routes[i]);
        assert_int_equal(argument.length, strchr(routes[i].path, '*') ? 13 : 0);
    }
}

static void what_is_not_a_route_is_not_found(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "", "//", "/api", "/api/", "/holds/", "/holds/a/b", "/api/holds//release", "/sign-in/"};
    const struct route *found;
    struct text argument;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        assert_int_equal(route_find(TEXT("GET"), text_of(paths[i]), &found, &argument),
                         ROUTE_NOT_FOUND);
    assert_int_equal(route_find(TEXT("PUT"), TEXT("/api/status"), &found, &argument),
                     ROUTE_OTHER_METHOD);
}

/* What undoes or changes is never open to whoever may only see, and never to who has not signed in.
 */
static void each_change_needs_its_role(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        const struct route *r = &routes[i];
        bool own =
            strstr(r->path, "sign-") || strstr(r->path, "session") || strstr(r->path, "password");
        if (route_changes(r) && (!own || strstr(r->path, "operators")))
            assert_true(r->need >= NEED_RELEASE);
        if (strstr(r->path, "operators"))
            assert_int_equal(r->need, NEED_ADMINISTER);
        if (r->need == NEED_NOTHING)
            assert_true(own || strchr(r->path, '.'));
    }
}

/* docs/desk-openapi.yaml has every route of the interface, with its method and summary, and no
 * other. */
static void the_document_has_each_route_and_no_other(void **state)
{
    (void)state;
    char path[512], line[512], of[128] = "";
    snprintf(path, sizeof path, "%s/docs/desk-openapi.yaml", getenv("ECLUSE_SOURCE"));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t documented = 0, expected = 0;
    while (fgets(line, sizeof line, file)) {
        char method[16];
        if (sscanf(line, "  /%126[^:\n]:", of + 1) == 1 && line[2] == '/') {
            of[0] = '/';
            char *open = strchr(of, '{'), *close = strchr(of, '}');
            if (open && close) {
                *open = '*';
                memmove(open + 1, close + 1, strlen(close));
            }
        } else if (of[0] && strncmp(line, "    ", 4) == 0 &&
                   sscanf(line + 4, "%7[a-z]", method) == 1 && strcmp(method, "paramet") != 0) {
            for (char *c = method; *c; c++)
                *c = (char)(*c - 'a' + 'A');
            const struct route *found;
            struct text argument;
            if (route_find(text_of(method), text_of(of), &found, &argument) != ROUTE_FOUND)
                fail_msg("%s %s is in the document and not in the table", method, of);
            documented++;
        } else if (line[0] != ' ' && line[0] != '\n') {
            of[0] = 0;
        }
    }
    fclose(file);
    for (size_t i = 0; i < ROUTE_COUNT; i++)
        expected += route_is_api(&routes[i]);
    assert_int_equal(documented, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_route_is_found_by_its_own_path),
        cmocka_unit_test(what_is_not_a_route_is_not_found),
        cmocka_unit_test(each_change_needs_its_role),
        cmocka_unit_test(the_document_has_each_route_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
