#include "desk/request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <strings.h>

static struct text trimmed(struct text t)
{
    while (t.length && (t.data[0] == ' ' || t.data[0] == '\t')) {
        t.data++;
        t.length--;
    }
    while (t.length && (t.data[t.length - 1] == ' ' || t.data[t.length - 1] == '\t'))
        t.length--;
    return t;
}

/* What stands before `mark`, taken off *rest; all of it when there is no mark. */
static struct text take_until(struct text *rest, char mark)
{
    const char *at = rest->length ? memchr(rest->data, mark, rest->length) : NULL;
    size_t length = at ? (size_t)(at - rest->data) : rest->length;
    struct text taken = {rest->data, length};
    rest->data += at ? length + 1 : length;
    rest->length -= at ? length + 1 : length;
    return taken;
}

struct text cookie_find(struct text header, const char *name)
{
    while (header.length) {
        struct text pair = trimmed(take_until(&header, ';'));
        struct text key = take_until(&pair, '=');
        if (text_is(key, name))
            return pair;
    }
    return (struct text){"", 0};
}

/* ---- Forms ----------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int percent_decoded(struct text coded, struct writer *out)
{
    for (size_t i = 0; i < coded.length; i++) {
        char c = coded.data[i] == '+' ? ' ' : coded.data[i];
        if (c == '%') {
            int high = i + 1 < coded.length ? hex_digit(coded.data[i + 1]) : -1;
            int low = i + 2 < coded.length ? hex_digit(coded.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return -EINVAL;
            c = (char)(high << 4 | low);
            i += 2;
        }
        write_bytes(out, &c, 1);
    }
    return out->overflow ? -ENAMETOOLONG : 0;
}

/* Text that a person may have typed: line ends and tabs are all the controls it has. */
static bool is_typed(struct text t)
{
    if (!utf8_is_valid(t))
        return false;
    for (size_t i = 0; i < t.length; i++) {
        unsigned char c = (unsigned char)t.data[i];
        if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

int form_field(struct text form, const char *name, char *out, size_t size)
{
    char decoded[2048];
    must(size > 0 && size <= sizeof decoded);
    while (form.length) {
        struct text value = take_until(&form, '&');
        struct text key = take_until(&value, '=');
        if (!text_is(key, name))
            continue;
        struct writer w = writer_on(decoded, size - 1);
        int failed = percent_decoded(value, &w);
        if (!failed && !is_typed((struct text){decoded, w.length}))
            failed = -EINVAL;
        if (failed)
            return failed;
        memcpy(out, decoded, w.length);
        out[w.length] = 0;
        return 0;
    }
    return -ENOENT;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static const struct json_field *field_named(const struct json_field *fields, size_t count,
                                            const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

static int fields_check(json_t *object, const struct json_field *fields, size_t count,
                        struct error *error)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        const struct json_field *field = field_named(fields, count, name);
        if (!field)
            return error_set(error, -EINVAL, "the body has a member that is not known here");
        if (!json_is_string(value) ||
            !is_typed((struct text){json_string_value(value), json_string_length(value)}))
            return error_set(error, -EINVAL, "`%s` must be a string of text", field->name);
        if (json_string_length(value) >= field->size)
            return error_set(error, -ENAMETOOLONG, "`%s` has more than %zu bytes", field->name,
                             field->size - 1);
    }
    for (size_t i = 0; i < count; i++)
        if (fields[i].required && !json_object_get(object, fields[i].name))
            return error_set(error, -EINVAL, "`%s` is missing", fields[i].name);
    return 0;
}

int json_body(struct text body, const struct json_field *fields, size_t count, struct error *error)
{
    json_error_t wrong;
    json_t *object = json_loadb(body.data, body.length, JSON_REJECT_DUPLICATES, &wrong);
    if (!json_is_object(object)) {
        json_decref(object);
        return error_set(error, -EINVAL, "the body is not a JSON object");
    }
    int failed = fields_check(object, fields, count, error);
    for (size_t i = 0; !failed && i < count; i++) {
        const json_t *value = json_object_get(object, fields[i].name);
        if (value)
            memcpy(fields[i].out, json_string_value(value), json_string_length(value) + 1);
    }
    json_decref(object);
    return failed;
}

/* ---- Where from ------------------------------------------------------------------------------ */

static bool same_letters(struct text a, struct text b)
{
    return a.length == b.length && strncasecmp(a.data, b.data, a.length) == 0;
}

/* "https://host[:port]" of a URL, without its path. */
static struct text origin_of(struct text url)
{
    size_t at = 0;
    for (unsigned slashes = 0; at < url.length; at++)
        if (url.data[at] == '/' && ++slashes == 3)
            break;
    return (struct text){url.data, at};
}

bool provenance_is_ours(const struct provenance *p)
{
    if (p->fetch_site.length && !text_is(p->fetch_site, "same-origin") &&
        !text_is(p->fetch_site, "none"))
        return false;
    if (!p->origin.length)
        return true;
    if (p->address.length)
        return same_letters(p->origin, origin_of(p->address));
    struct text scheme = p->https ? TEXT("https://") : TEXT("http://");
    return p->origin.length == scheme.length + p->host.length &&
           same_letters((struct text){p->origin.data, scheme.length}, scheme) &&
           same_letters((struct text){p->origin.data + scheme.length, p->host.length}, p->host);
}

/* The host without its port. */
static struct text without_port(struct text host)
{
    if (host.length && host.data[0] == '[') {
        const char *end = memchr(host.data, ']', host.length);
        return end ? (struct text){host.data + 1, (size_t)(end - host.data) - 1} : host;
    }
    return take_until(&host, ':');
}

static bool is_address(struct text t)
{
    char text[64];
    uint8_t ignored[16];
    if (t.length == 0 || t.length >= sizeof text)
        return false;
    memcpy(text, t.data, t.length);
    text[t.length] = 0;
    return inet_pton(AF_INET, text, ignored) == 1 || inet_pton(AF_INET6, text, ignored) == 1;
}

bool host_is_ours(struct text host, struct text address)
{
    struct text name = without_port(host);
    if (is_address(name) || same_letters(name, TEXT("localhost")))
        return true;
    struct text ours = origin_of(address);
    const char *slashes = memmem(ours.data, ours.length, "//", 2);
    if (!slashes)
        return false;
    size_t scheme = (size_t)(slashes - ours.data) + 2;
    return same_letters(name,
                        without_port((struct text){ours.data + scheme, ours.length - scheme}));
}

bool forwarded_address(struct text header, uint8_t out[16])
{
    struct text last = {"", 0};
    while (header.length)
        last = trimmed(take_until(&header, ','));
    char text[64];
    uint8_t four[4];
    if (last.length == 0 || last.length >= sizeof text)
        return false;
    memcpy(text, last.data, last.length);
    text[last.length] = 0;
    if (inet_pton(AF_INET, text, four) == 1) {
        memset(out, 0, 10);
        out[10] = out[11] = 0xff;
        memcpy(out + 12, four, sizeof four);
        return true;
    }
    uint8_t six[16];
    if (inet_pton(AF_INET6, text, six) != 1)
        return false;
    memcpy(out, six, sizeof six);
    return true;
}

enum language language_wanted(struct text accept_language)
{
    while (accept_language.length) {
        struct text one = trimmed(take_until(&accept_language, ','));
        struct text tag = trimmed(take_until(&one, ';'));
        if (tag.length >= 2 && (tag.length == 2 || tag.data[2] == '-')) {
            if (strncasecmp(tag.data, "fr", 2) == 0)
                return LANGUAGE_FR;
            if (strncasecmp(tag.data, "en", 2) == 0)
                return LANGUAGE_EN;
        }
    }
    return LANGUAGE_EN;
}
