/* The values that name something on a network: a log's name and keys, addresses to listen on,
 * URLs. */
#include "contract/read_parts.h"

#include <arpa/inet.h>

static bool has_spaces(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] == ' ')
            return true;
    return text.length == 0;
}

static bool is_origin(struct text text)
{
    return !has_spaces(text) && !memchr(text.data, '+', text.length);
}

/* NAME+8 hexadecimal digits+base64: whether the digits belong to the key is seen by whoever uses
 * it. */
static bool is_key(struct text text)
{
    const char *first = memchr(text.data, '+', text.length);
    size_t after = first ? text.length - (size_t)(first - text.data) - 1 : 0;
    if (has_spaces(text) || !first || first == text.data || after < 10 || first[9] != '+')
        return false;
    for (const char *digit = first + 1; digit < first + 9; digit++)
        if (!((*digit >= '0' && *digit <= '9') || (*digit >= 'a' && *digit <= 'f')))
            return false;
    return true;
}

static bool is_url(struct text text)
{
    static const char *const schemes[] = {"https://", "http://"};
    for (size_t i = 0; i < 2; i++) {
        size_t length = strlen(schemes[i]);
        if (text.length > length && memcmp(text.data, schemes[i], length) == 0)
            return !has_spaces(text) && text.data[length] != '/';
    }
    return false;
}

static bool begins(struct text text, const char *with)
{
    return text.length > strlen(with) && memcmp(text.data, with, strlen(with)) == 0;
}

static bool is_unix_path(struct text text)
{
    enum { SUN_PATH_MOST = 107 }; /* sockaddr_un, with its final zero */
    return begins(text, "unix:/") && text.length - strlen("unix:") <= SUN_PATH_MOST;
}

/* "127.0.0.1:9443", "[::1]:9443": numbers only, so that no name has to be looked up. */
static bool is_address_and_port(struct text text)
{
    char address[64];
    unsigned char binary[16];
    size_t colon = text.length;
    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    if (colon < 2 || text.length == colon || text.length - colon > 5 || colon > sizeof address)
        return false;
    unsigned port = 0;
    for (size_t i = colon; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        port = port * 10 + (unsigned)(text.data[i] - '0');
    }
    size_t length = colon - 1;
    bool six = text.data[0] == '[' && text.data[length - 1] == ']' && length > 2;
    memcpy(address, text.data + six, length - 2 * six);
    address[length - 2 * six] = 0;
    return port >= 1 && port <= 65535 && inet_pton(six ? AF_INET6 : AF_INET, address, binary) == 1;
}

static bool is_syslog(struct text text)
{
    if (begins(text, "udp:") || begins(text, "tcp:"))
        return is_address_and_port((struct text){text.data + 4, text.length - 4});
    return is_unix_path(text);
}

void read_endpoint(struct reading *r, const struct field *field, char *to, struct node *value)
{
    static const struct {
        enum field_type type;
        size_t size;
        bool (*fits)(struct text text);
        const char *wanted;
    } kinds[] = {
        {TYPE_ORIGIN, CONTRACT_NAME_SIZE * 2, is_origin, "a name without spaces and `+`"},
        {TYPE_KEY, CONTRACT_KEY_SIZE, is_key, "a verifier key: NAME+ID+KEY"},
        {TYPE_URL, CONTRACT_PATH_SIZE, is_url, "an address that begins with https:// or http://"},
        {TYPE_LISTEN, CONTRACT_ENDPOINT_SIZE, NULL, "ADDRESS:PORT, [ADDRESS]:PORT or unix:/path"},
        {TYPE_SYSLOG, CONTRACT_ENDPOINT_SIZE, is_syslog,
         "unix:/path, udp:ADDRESS:PORT or tcp:ADDRESS:PORT"},
    };
    size_t kind = 0;
    while (kinds[kind].type != field->type)
        kind++;
    struct text text = value->text;
    bool fits =
        kinds[kind].fits ? kinds[kind].fits(text) : is_unix_path(text) || is_address_and_port(text);
    if (fits && text.length < kinds[kind].size) {
        memcpy(to, text.data, text.length + 1);
        return;
    }
    read_complain(r, value, "`%s` cannot be `%.80s`; it is %s, at most %zu bytes, such as %s",
                  field->key, text.data, kinds[kind].wanted, kinds[kind].size - 1, field->example);
}
