#include "contract/contract.h"

#include <stdlib.h>

static const struct {
    const char *name;
    enum guard guard;
    enum meter_unit unit;
    bool distinct;
} METER_TABLE[] = {
#define X(constant, name, guard, unit, distinct, what)                                             \
    [METER_##constant] = {name, GUARD_##guard, METER_UNIT_##unit, distinct},
    METERS(X)
#undef X
};

const char *meter_name(enum meter meter)
{
    return (unsigned)meter < METER_COUNT ? METER_TABLE[meter].name : "?";
}

enum guard meter_guard(enum meter meter)
{
    must((unsigned)meter < METER_COUNT);
    return METER_TABLE[meter].guard;
}

enum meter_unit meter_unit(enum meter meter)
{
    must((unsigned)meter < METER_COUNT);
    return METER_TABLE[meter].unit;
}

bool meter_is_distinct(enum meter meter)
{
    must((unsigned)meter < METER_COUNT);
    return METER_TABLE[meter].distinct;
}

bool meter_is_continuity(enum meter meter)
{
    return meter == METER_REQUESTS || meter == METER_ORIGIN_REQUESTS ||
           meter == METER_PARCELS_READ || meter == METER_LOGIN_FAILURES || meter == METER_PACKETS;
}

const char *principal_name(enum principal_kind kind)
{
    static const char *const names[] = {
#define X(constant, name, who) [PRINCIPAL_##constant] = name,
        PRINCIPALS(X)
#undef X
    };
    return (unsigned)kind < PRINCIPAL_KIND_COUNT ? names[kind] : "?";
}

const char *guard_name(enum guard guard)
{
    static const char *const names[] = {
        [GUARD_FRONT] = "front", [GUARD_PACKET] = "packet",   [GUARD_EGRESS] = "egress",
        [GUARD_FILES] = "files", [GUARD_SIGNALS] = "signals", [GUARD_DESK] = "desk",
    };
    return (unsigned)guard < GUARD_COUNT ? names[guard] : "?";
}

bool meter_is_enforced(enum meter meter)
{
    return meter == METER_REQUESTS || meter == METER_ORIGIN_REQUESTS ||
           meter == METER_PARCELS_READ || meter == METER_BYTES_OUT ||
           meter == METER_FILES_READ || meter == METER_FILES_REWRITTEN ||
           meter == METER_LOGIN_FAILURES;
}

bool rule_is_enforced(const struct budget_rule *rule)
{
    return meter_is_enforced(rule->meter) && rule->per != PRINCIPAL_ACCOUNT;
}

static bool wants_front(const struct contract *c)
{
    bool wanted = c->tracking.present;
    for (uint32_t i = 0; i < c->promise_count; i++)
        wanted = wanted || c->promise[i].route >= 0;
    for (uint32_t i = 0; i < c->budget_count; i++)
        wanted = wanted || meter_guard(c->budget[i].meter) == GUARD_FRONT;
    return wanted || !(contract_wants(c, GUARD_EGRESS) || contract_wants(c, GUARD_FILES));
}

bool contract_wants(const struct contract *c, enum guard guard)
{
    switch (guard) {
    case GUARD_FRONT:
        return wants_front(c);
    case GUARD_EGRESS:
        return c->network.present && meter_is_enforced(METER_BYTES_OUT);
    case GUARD_FILES:
        return c->share_count && meter_is_enforced(METER_FILES_READ);
    default:
        return false;
    }
}

const char *mode_name(enum mode mode)
{
    return mode == MODE_ENFORCE ? "enforce" : mode == MODE_OBSERVE ? "observe" : "?";
}

const char *over_name(enum over over)
{
    static const char *const names[] = {"slow", "challenge", "hold"};
    return (unsigned)over <= OVER_HOLD ? names[over] : "?";
}

bool prefix_covers(const struct prefix *prefix, const uint8_t address[16])
{
    unsigned bytes = prefix->bits / 8, rest = prefix->bits % 8;
    if (memcmp(prefix->address, address, bytes) != 0)
        return false;
    return !rest || !((prefix->address[bytes] ^ address[bytes]) >> (8 - rest));
}

bool prefix_list_covers(const struct prefix_list *list, const uint8_t address[16])
{
    for (uint32_t i = 0; i < list->count; i++)
        if (prefix_covers(&list->prefix[i], address))
            return true;
    return false;
}

int contract_protected(const struct contract *c, const uint8_t address[16])
{
    for (uint32_t i = 0; i < c->protected_count; i++)
        if (prefix_list_covers(&c->protected[i].from, address))
            return (int)i;
    return -1;
}

/* HEAD asks for what GET asks for (RFC 9110 section 9.3.2), so a limit on GET that HEAD slipped
 * under would be none. */
static bool method_matches(const struct route_rule *route, struct text method)
{
    return !route->method[0] || text_is(method, route->method) ||
           (text_is(method, "HEAD") && strcmp(route->method, "GET") == 0);
}

/* A path as an origin may read it: servlet containers drop what follows `;` in every segment and
 * resolve `.` and `..` once more behind that, which nginx has not done (`/x/..;/connexion` is
 * `/connexion` to them); trailing blanks are trimmed by many. Only as many bytes are kept as a
 * route's path may have; `beyond` counts segments past them. */
struct plain {
    char path[CONTRACT_PATH_SIZE];
    size_t length, fitted;
    size_t beyond;
};

static void plain_add(struct plain *p, struct text segment)
{
    size_t room = sizeof p->path - p->length;
    if (!p->beyond && segment.length < room) {
        p->path[p->length++] = '/';
        memcpy(p->path + p->length, segment.data, segment.length);
        p->length += segment.length;
        return;
    }
    if (!p->beyond++) {
        p->fitted = p->length;
        if (room) {
            p->path[p->length] = '/';
            memcpy(p->path + p->length + 1, segment.data, room - 1);
        }
        p->length = sizeof p->path;
    }
}

static void plain_up(struct plain *p)
{
    if (p->beyond) {
        if (!--p->beyond)
            p->length = p->fitted;
        return;
    }
    while (p->length && p->path[p->length - 1] != '/')
        p->length--;
    p->length -= p->length > 0;
}

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ';
}

static void plain_of(struct text path, struct plain *p)
{
    const char *at = path.data, *end = path.data + path.length;
    bool folder = false; /* it ends with a slash, or with a name for a folder */
    p->length = p->beyond = 0;
    while (at < end) {
        at += *at == '/';
        const char *next = memchr(at, '/', (size_t)(end - at));
        next = next ? next : end;
        const char *parameters = memchr(at, ';', (size_t)(next - at));
        struct text segment = {at, (size_t)((parameters ? parameters : next) - at)};
        while (next == end && segment.length && is_blank(segment.data[segment.length - 1]))
            segment.length--;
        at = next;
        folder = !segment.length || text_is(segment, ".") || text_is(segment, "..");
        if (text_is(segment, ".."))
            plain_up(p);
        else if (!folder)
            plain_add(p, segment);
    }
    if (folder)
        plain_add(p, (struct text){"", 0});
}

static bool needs_plain(struct text path)
{
    return path.length &&
           (is_blank(path.data[path.length - 1]) || memchr(path.data, ';', path.length));
}

static bool same_bytes(const char *a, const char *b, size_t length, bool any_case)
{
    if (!any_case)
        return memcmp(a, b, length) == 0;
    for (size_t i = 0; i < length; i++)
        if (a[i] != b[i] && ((a[i] ^ b[i]) != 0x20 || (a[i] | 0x20) < 'a' || (a[i] | 0x20) > 'z'))
            return false;
    return true;
}

static size_t without_slash(const char *path, size_t length)
{
    return length > 1 && path[length - 1] == '/' ? length - 1 : length;
}

/* Most routes are told from a path by its first two characters, without asking for lengths. */
static bool begins_alike(const struct route_rule *route, struct text path)
{
    if (path.length < 2 || !route->path[0] || route->any_case)
        return true;
    return path.data[0] == route->path[0] && (!route->path[1] || path.data[1] == route->path[1]);
}

static bool matches_as_it_is(const struct route_rule *route, struct text method, struct text path)
{
    if (!begins_alike(route, path))
        return false;
    size_t length = strlen(route->path);
    if (!length)
        return false;
    if (route->match == MATCH_EXACT) {
        length = without_slash(route->path, length);
        path.length = without_slash(path.data, path.length);
        if (path.length != length)
            return false;
    }
    return path.length >= length && same_bytes(path.data, route->path, length, route->any_case) &&
           method_matches(route, method);
}

static struct text path_for(const struct route_rule *route, struct text path, struct text plain)
{
    return plain.length && !strchr(route->path, ';') ? plain : path;
}

int contract_route(const struct contract *c, struct text method, struct text path)
{
    struct plain p;
    struct text plain = {NULL, 0};
    if (needs_plain(path)) {
        plain_of(path, &p);
        plain = (struct text){p.path, p.length};
    }
    for (uint32_t i = 0; i < c->route_count; i++)
        if (matches_as_it_is(&c->route[i], method, path_for(&c->route[i], path, plain)))
            return (int)i;
    return -1;
}

int contract_route_named(const struct contract *c, struct text name)
{
    for (uint32_t i = 0; i < c->route_count; i++)
        if (text_is(name, c->route[i].name))
            return (int)i;
    return -1;
}

int contract_budget_named(const struct contract *c, struct text name)
{
    for (uint32_t i = 0; i < c->budget_count; i++)
        if (text_is(name, c->budget[i].name))
            return (int)i;
    return -1;
}
