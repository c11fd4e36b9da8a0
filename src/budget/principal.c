#include "budget/table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_ipv4(const uint8_t address[16])
{
    return memcmp(address, mapped, sizeof mapped) == 0;
}

/* The leading bytes of an address; the rest of `out` is zero already. Each length is written out,
 * so that the compiler copies words: every request that a budget concerns comes by here. */
static void copy_client(uint8_t out[16], const uint8_t address[16], bool ipv4)
{
    if (ipv4)
        memcpy(out, address, 16);
    else
        memcpy(out, address, 8);
}

static void copy_network(uint8_t out[16], const uint8_t address[16], bool ipv4)
{
    if (ipv4)
        memcpy(out, address, 15);
    else
        memcpy(out, address, 6);
}

static unsigned network_bits(const uint8_t address[16])
{
    return is_ipv4(address) ? 120 : 48;
}

static int16_t protected_index(const struct contract *c, const uint8_t address[16])
{
    return (int16_t)contract_protected(c, address);
}

struct principal principal_client(const struct contract *c, const uint8_t address[16])
{
    struct principal p = {.kind = PRINCIPAL_CLIENT, .protected_by = protected_index(c, address)};
    bool ipv4 = is_ipv4(address);
    copy_client(p.id, address, ipv4);
    copy_network(p.network, address, ipv4);
    return p;
}

struct principal principal_pass(const struct contract *c, const uint8_t pass[16],
                                const uint8_t address[16])
{
    struct principal p = principal_client(c, address);
    p.proven = 1;
    memcpy(p.id, pass, 16);
    return p;
}

struct principal principal_network(const struct contract *c, const uint8_t address[16])
{
    struct principal p = {.kind = PRINCIPAL_NETWORK, .protected_by = protected_index(c, address)};
    copy_network(p.id, address, is_ipv4(address));
    return p;
}

/* A name of up to 15 bytes stands for itself, its length last; a longer one as 15 bytes of BLAKE2b
 * and 0xff, since people may choose names and must not find two that collide. */
struct principal principal_named(enum principal_kind kind, struct text name)
{
    struct principal p = {.kind = (uint8_t)kind, .proven = 1, .protected_by = -1};
    if (name.length <= 15) {
        if (name.length)
            memcpy(p.id, name.data, name.length);
        p.id[15] = (uint8_t)name.length;
        return p;
    }
    crypto_generichash(p.id, 16, (const uint8_t *)name.data, name.length, NULL, 0);
    p.id[15] = 0xff;
    return p;
}

static bool is_link(const uint8_t id[16])
{
    static const uint8_t link[10] = {1};
    return memcmp(id, link, sizeof link) == 0;
}

struct principal principal_host(const uint8_t id[16])
{
    char name[16];
    const uint8_t *a = id + 10;
    if (is_link(id)) {
        snprintf(name, sizeof name, "%02x%02x%02x%02x%02x%02x", a[0], a[1], a[2], a[3], a[4], a[5]);
        return principal_named(PRINCIPAL_HOST, text_of(name));
    }
    struct principal p = {.kind = PRINCIPAL_HOST, .protected_by = -1};
    memcpy(p.id, id, sizeof p.id);
    return p;
}

struct principal principal_pair(const uint8_t host[16], const uint8_t to[16])
{
    struct principal p = {.kind = PRINCIPAL_PAIR, .proven = 1, .protected_by = -1};
    memcpy(p.id, host, sizeof p.id);
    memcpy(p.network, to, sizeof p.network);
    return p;
}

struct principal principal_everyone(void)
{
    return (struct principal){.kind = PRINCIPAL_EVERYONE, .proven = 1, .protected_by = -1};
}

static void address_text(const uint8_t address[16], unsigned bits, char *out, size_t size)
{
    char text[INET6_ADDRSTRLEN] = "?";
    bool ipv4 = is_ipv4(address);
    inet_ntop(ipv4 ? AF_INET : AF_INET6, ipv4 ? address + 12 : address, text, sizeof text);
    unsigned shown = ipv4 ? bits - 96 : bits;
    if (bits == 128)
        snprintf(out, size, "%s", text);
    else
        snprintf(out, size, "%s/%u", text, shown);
}

static void named_text(const struct principal *p, char *out, size_t size)
{
    const char *kind =
        p->kind < PRINCIPAL_KIND_COUNT ? principal_name((enum principal_kind)p->kind) : "unknown";
    char name[16] = "";
    if (p->kind == PRINCIPAL_HOST && p->id[15] == 12) { /* of principal_host() */
        const uint8_t *a = p->id;
        snprintf(out, size, "%.2s:%.2s:%.2s:%.2s:%.2s:%.2s", a, a + 2, a + 4, a + 6, a + 8, a + 10);
        return;
    }
    if (p->id[15] <= 15) {
        for (unsigned i = 0; i < p->id[15]; i++)
            name[i] = p->id[i] >= 0x20 && p->id[i] != 0x7f ? (char)p->id[i] : '?';
        snprintf(out, size, "%s %s", kind, name);
        return;
    }
    snprintf(out, size, "%s %02x%02x%02x%02x...", kind, p->id[0], p->id[1], p->id[2], p->id[3]);
}

static void pair_text(const struct principal *p, char *out, size_t size)
{
    struct principal host = principal_host(p->id);
    char from[PRINCIPAL_TEXT_SIZE], to[INET6_ADDRSTRLEN];
    principal_text(&host, from);
    address_text(p->network, 128, to, sizeof to);
    snprintf(out, size, "%.46s to %s", from, to);
}

/* An address is masked to its /64 or is an IPv4 one, so the id of a pass is none. */
static bool is_pass(const struct principal *p)
{
    static const uint8_t none[8] = {0};
    return p->kind == PRINCIPAL_CLIENT &&
           (p->proven || (!is_ipv4(p->id) && memcmp(p->id + 8, none, sizeof none) != 0));
}

char *principal_text(const struct principal *p, char out[PRINCIPAL_TEXT_SIZE])
{
    if (p->kind == PRINCIPAL_EVERYONE)
        snprintf(out, PRINCIPAL_TEXT_SIZE, "everyone");
    else if (is_pass(p))
        snprintf(out, PRINCIPAL_TEXT_SIZE, "pass %02x%02x%02x%02x...", p->id[0], p->id[1], p->id[2],
                 p->id[3]);
    else if (p->kind == PRINCIPAL_PAIR)
        pair_text(p, out, PRINCIPAL_TEXT_SIZE);
    else if (p->kind == PRINCIPAL_HOST && !p->proven)
        address_text(p->id, 128, out, PRINCIPAL_TEXT_SIZE);
    else if (p->kind == PRINCIPAL_CLIENT)
        address_text(p->id, is_ipv4(p->id) ? 128 : 64, out, PRINCIPAL_TEXT_SIZE);
    else if (p->kind == PRINCIPAL_NETWORK)
        address_text(p->id, network_bits(p->id), out, PRINCIPAL_TEXT_SIZE);
    else
        named_text(p, out, PRINCIPAL_TEXT_SIZE);
    return out;
}

static bool read_address(const char *text, uint8_t out[16])
{
    memcpy(out, mapped, sizeof mapped);
    return inet_pton(AF_INET, text, out + 12) == 1 || inet_pton(AF_INET6, text, out) == 1;
}

static bool read_link(const char *text, uint8_t out[16])
{
    unsigned byte[6];
    int length = 0;
    memset(out, 0, 16);
    out[0] = 1;
    if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &byte[0], &byte[1], &byte[2], &byte[3], &byte[4],
               &byte[5], &length) != 6 ||
        length != 17 || text[length])
        return false;
    for (int i = 0; i < 6; i++)
        out[10 + i] = (uint8_t)byte[i];
    return true;
}

int principal_parse(const struct contract *c, struct text text, struct principal *out)
{
    char copy[INET6_ADDRSTRLEN + 4];
    if (text_is(text, "everyone")) {
        *out = principal_everyone();
        return 0;
    }
    if (text.length >= sizeof copy || (text.length && memchr(text.data, 0, text.length)))
        return -EINVAL;
    if (text.length)
        memcpy(copy, text.data, text.length);
    copy[text.length] = 0;
    char *slash = strchr(copy, '/');
    if (slash)
        *slash = 0;
    uint8_t address[16];
    if (!slash && read_link(copy, address)) {
        *out = principal_host(address);
        return 0;
    }
    if (!read_address(copy, address))
        return -EINVAL;
    if (!slash) {
        *out = principal_client(c, address);
        return 0;
    }
    char *end;
    unsigned long bits = strtoul(slash + 1, &end, 10);
    bool ipv4 = is_ipv4(address);
    if (slash[1] < '0' || slash[1] > '9' || *end)
        return -EINVAL;
    if (bits == (ipv4 ? 24 : 48))
        *out = principal_network(c, address);
    else if (bits == (ipv4 ? 32 : 64))
        *out = principal_client(c, address);
    else
        return -EINVAL;
    return 0;
}

void principal_unpack(uint64_t who, const uint64_t name[2], const uint64_t network[2],
                      struct principal *out)
{
    *out = (struct principal){.kind = (uint8_t)(who & 0xff),
                              .proven = who >> 8 & 1,
                              .protected_by = (int16_t)((int)(who >> 16 & 0xff) - 1)};
    if (out->kind >= PRINCIPAL_KIND_COUNT)
        out->kind = PRINCIPAL_EVERYONE;
    memcpy(out->id, name, 16);
    memcpy(out->network, network, 16);
}

bool principal_payer(const struct principal *p, struct principal *out)
{
    static const uint8_t none[16];
    if (p->kind == PRINCIPAL_PAIR || memcmp(p->network, none, 16) == 0)
        return false;
    *out = (struct principal){.kind = PRINCIPAL_NETWORK, .proven = 1, .protected_by = -1};
    memcpy(out->id, p->network, 16);
    return true;
}
