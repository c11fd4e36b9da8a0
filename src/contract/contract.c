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

bool route_matches(const struct route_rule *route, struct text method, struct text path)
{
    size_t length = strlen(route->path);
    if (!length || path.length < length || memcmp(path.data, route->path, length) != 0)
        return false;
    return (route->match == MATCH_PREFIX || path.length == length) && method_matches(route, method);
}

int contract_route(const struct contract *c, struct text method, struct text path)
{
    for (uint32_t i = 0; i < c->route_count; i++)
        if (route_matches(&c->route[i], method, path))
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
