#include "front/forwarded.h"

#include <arpa/inet.h>

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

static bool parse_four(const char *text, uint8_t out[16])
{
    struct in_addr four;
    if (inet_pton(AF_INET, text, &four) != 1)
        return false;
    memcpy(out, mapped_prefix, sizeof mapped_prefix);
    memcpy(out + 12, &four, 4);
    return true;
}

static bool parse_six(const char *text, uint8_t out[16])
{
    struct in6_addr six;
    if (inet_pton(AF_INET6, text, &six) != 1)
        return false;
    memcpy(out, &six, 16);
    return true;
}

bool address_parse(struct text text, uint8_t out[16])
{
    char copy[64];
    if (text.length == 0 || text.length >= sizeof copy || memchr(text.data, 0, text.length))
        return false;
    memcpy(copy, text.data, text.length);
    copy[text.length] = 0;
    if (copy[0] == '[') { /* [2001:db8::1]:443 */
        char *end = strchr(copy, ']');
        if (!end || (end[1] != 0 && end[1] != ':'))
            return false;
        *end = 0;
        return parse_six(copy + 1, out);
    }
    char *colon = strchr(copy, ':');
    if (colon && strchr(colon + 1, ':'))
        return parse_six(copy, out);
    if (colon)
        *colon = 0; /* 192.0.2.1:443 */
    return parse_four(copy, out);
}

static struct text last_hop(struct text *header)
{
    size_t start = header->length;
    while (start > 0 && header->data[start - 1] != ',')
        start--;
    struct text hop = {header->data + start, header->length - start};
    header->length = start > 0 ? start - 1 : 0;
    while (hop.length && (hop.data[0] == ' ' || hop.data[0] == '\t'))
        hop.data++, hop.length--;
    while (hop.length && (hop.data[hop.length - 1] == ' ' || hop.data[hop.length - 1] == '\t'))
        hop.length--;
    return hop;
}

void forwarded_client(const struct prefix_list *trusted, const uint8_t peer[16],
                      const struct text *headers, size_t count, uint8_t client[16])
{
    memcpy(client, peer, 16);
    for (size_t i = count; i-- > 0;) {
        struct text rest = headers[i];
        while (rest.length) {
            if (!prefix_list_covers(trusted, client))
                return;
            if (!address_parse(last_hop(&rest), client))
                return;
        }
    }
}
