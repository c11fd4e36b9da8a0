#include "desk/route.h"

const struct route routes[ROUTE_COUNT] = {
#define X(constant, method, path, need, text) {ROUTE_##constant, method, path, NEED_##need, text},
    ROUTES(X)
#undef X
};

/* The end of the segment that begins at `at`. */
static size_t segment_end(struct text path, size_t at)
{
    while (at < path.length && path.data[at] != '/')
        at++;
    return at;
}

static bool path_fits(const char *form, struct text path, struct text *argument)
{
    size_t at = 0;
    for (; *form; form++) {
        if (*form != '*') {
            if (at == path.length || path.data[at++] != *form)
                return false;
            continue;
        }
        size_t end = segment_end(path, at);
        if (end == at)
            return false;
        *argument = (struct text){path.data + at, end - at};
        at = end;
    }
    return at == path.length;
}

enum route_found route_find(struct text method, struct text path, const struct route **out,
                            struct text *argument)
{
    enum route_found found = ROUTE_NOT_FOUND;
    if (text_is(method, "HEAD"))
        method = TEXT("GET");
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        struct text taken = {"", 0};
        if (!path_fits(routes[i].path, path, &taken))
            continue;
        found = ROUTE_OTHER_METHOD;
        if (!text_is(method, routes[i].method))
            continue;
        *out = &routes[i];
        *argument = taken;
        return ROUTE_FOUND;
    }
    return found;
}

bool route_changes(const struct route *route)
{
    return strcmp(route->method, "GET") != 0;
}

bool route_is_api(const struct route *route)
{
    return strncmp(route->path, "/api/", 5) == 0;
}
