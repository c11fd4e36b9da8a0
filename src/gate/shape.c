#include "gate/shape.h"

#include <stdio.h>

enum { LENGTH_BITS = 2, LONGEST_WORD = 32, SHORTEST_HEX = 16, DIGEST_SIZE = 1024 };

/* A browser that has solved a challenge comes again with these: what it sent before is the same. */
#define PASSING_HEADERS (SHAPE_HAS(COOKIE) | SHAPE_HAS(REFERER))

static const char *const methods[] = {"another method", "GET", "HEAD", "POST", "PUT", "OPTIONS"};
enum { METHOD_COUNT = sizeof methods / sizeof methods[0] };

static const char *const part_names[] = {
#define X(constant, name) name,
    SHAPE_PARTS(X)
#undef X
};

static const char *const header_names[] = {
#define X(constant, name) name,
    SHAPE_HEADERS(X)
#undef X
};

static const char *const length_names[] = {"of up to 5", "of 6 to 12", "of 13 to 24", "of over 24"};

/* ---- One piece of text ----------------------------------------------------------------------- */

enum { LETTER = 1, HEX_LETTER = 2, DIGIT = 4, ELSE = 8 };

static unsigned kind_of(char sign)
{
    if (sign >= '0' && sign <= '9')
        return DIGIT;
    unsigned letter = (unsigned char)sign | 0x20u;
    if (letter >= 'a' && letter <= 'f')
        return HEX_LETTER;
    return letter >= 'g' && letter <= 'z' ? LETTER : ELSE;
}

static enum shape_part part_of(struct text t)
{
    unsigned kinds = 0;
    for (size_t i = 0; i < t.length; i++)
        kinds |= kind_of(t.data[i]);
    if (t.length == 0)
        return SHAPE_EMPTY;
    if (kinds & ELSE)
        return SHAPE_OTHER;
    if (kinds == DIGIT)
        return SHAPE_DIGITS;
    if (!(kinds & DIGIT))
        return SHAPE_WORD;
    return kinds & LETTER || t.length < SHORTEST_HEX ? SHAPE_MIXED : SHAPE_HEX;
}

static uint8_t class_of(struct text t, enum shape_part part)
{
    unsigned length = t.length <= 5 ? 0 : t.length <= 12 ? 1 : t.length <= 24 ? 2 : 3;
    return (uint8_t)((unsigned)part << LENGTH_BITS | length);
}

/* Into what is hashed: words as they are, everything else as its class. */
static void digest(struct writer *w, struct text t, enum shape_part part)
{
    char class = (char)class_of(t, part);
    write_bytes(w, &class, 1);
    if (part == SHAPE_WORD)
        write_bytes(w, t.data, t.length < LONGEST_WORD ? t.length : LONGEST_WORD);
    WRITE_LITERAL(w, "/");
}

/* ---- Path and query -------------------------------------------------------------------------- */

static struct text cut(struct text *rest, char at)
{
    const char *end = rest->length ? memchr(rest->data, at, rest->length) : NULL;
    struct text piece = {rest->data, end ? (size_t)(end - rest->data) : rest->length};
    size_t used = piece.length + (end ? 1 : 0);
    *rest = (struct text){rest->data + used, rest->length - used};
    return piece;
}

static void add(uint8_t *count)
{
    if (*count < UINT8_MAX)
        ++*count;
}

static void read_path(struct shape *s, struct writer *w, struct text path)
{
    if (path.length && path.data[0] == '/')
        path = (struct text){path.data + 1, path.length - 1};
    while (path.length) {
        struct text segment = cut(&path, '/');
        enum shape_part part = part_of(segment);
        if (s->segments < SHAPE_PLACES) {
            s->segment[s->segments] = class_of(segment, part);
            /* Only the first word says where one is; further ones can be drawn at random. */
            digest(w, segment, s->segments && part == SHAPE_WORD ? SHAPE_MIXED : part);
        }
        add(&s->segments);
    }
}

static void read_query(struct shape *s, struct writer *w, struct text query)
{
    while (query.length) {
        struct text value = cut(&query, '&');
        struct text key = cut(&value, '=');
        enum shape_part part = part_of(value);
        enum shape_part named = part_of(key);
        if (s->values < SHAPE_PLACES) {
            s->value[s->values] = class_of(value, part);
            digest(w, key, named == SHAPE_WORD ? SHAPE_MIXED : named);
            digest(w, value, part == SHAPE_WORD ? SHAPE_MIXED : part);
        }
        add(&s->values);
    }
}

struct shape shape_of(struct hash_key key, const struct shape_request *request)
{
    char bytes[DIGEST_SIZE];
    struct writer w = writer_on(bytes, sizeof bytes);
    struct shape s = {.route = (int16_t)request->route,
                      .headers = (uint16_t)request->headers,
                      .version = (uint8_t)request->version};
    for (uint8_t i = 1; i < METHOD_COUNT; i++)
        if (text_is(request->method, methods[i]))
            s.method = i;
    read_path(&s, &w, request->path);
    WRITE_LITERAL(&w, "?");
    read_query(&s, &w, request->query);
    const unsigned headers = s.headers & ~PASSING_HEADERS;
    const uint8_t fixed[] = {s.method,
                             s.version,
                             (uint8_t)(headers & 0xff),
                             (uint8_t)(headers >> 8),
                             s.segments > SHAPE_PLACES ? SHAPE_PLACES + 1 : s.segments,
                             s.values > SHAPE_PLACES ? SHAPE_PLACES + 1 : s.values};
    must(!w.overflow);
    write_bytes(&w, (const char *)fixed, sizeof fixed);
    s.id = siphash(key, bytes, w.length);
    if (s.id == 0)
        s.id = 1;
    return s;
}

/* ---- For people ------------------------------------------------------------------------------ */

static void tell_places(struct writer *w, const char *one, const char *many, uint8_t count,
                        const uint8_t class[SHAPE_PLACES])
{
    if (count == 0)
        return;
    WRITE_LITERAL(w, ", ");
    write_unsigned(w, count);
    WRITE_LITERAL(w, " ");
    write_string(w, count == 1 ? one : many);
    for (unsigned i = 0; i < count && i < SHAPE_PLACES; i++) {
        unsigned part = class[i] >> LENGTH_BITS;
        write_string(w, i ? "; " : " (");
        write_string(w, part < SHAPE_PART_COUNT ? part_names[part] : "other signs");
        if (part == SHAPE_EMPTY || part >= SHAPE_PART_COUNT)
            continue;
        WRITE_LITERAL(w, " ");
        write_string(w, length_names[class[i] & 3]);
    }
    WRITE_LITERAL(w, ")");
}

static void tell_headers(struct writer *w, unsigned headers)
{
    unsigned told = 0;
    for (unsigned i = 0; i <= SHAPE_HAS_COOKIE_BIT; i++) {
        if (headers >> i & 1 || i == SHAPE_HAS_HTML_BIT)
            continue;
        write_string(w, told++ ? ", " : ", without ");
        write_string(w, header_names[i]);
    }
    for (unsigned i = SHAPE_HAS_FORM_BIT; i < SHAPE_HEADER_COUNT; i++) {
        if (!(headers >> i & 1))
            continue;
        WRITE_LITERAL(w, ", with ");
        write_string(w, header_names[i]);
        break;
    }
}

char *shape_text(const struct shape *shape, const struct contract *c, char out[SHAPE_TEXT_SIZE])
{
    struct writer w = writer_on(out, SHAPE_TEXT_SIZE - 1);
    write_string(&w, methods[shape->method < METHOD_COUNT ? shape->method : 0]);
    if (shape->route >= 0 && c && (uint32_t)shape->route < c->route_count) {
        WRITE_LITERAL(&w, " on ");
        write_string(&w, c->route[shape->route].name);
    } else {
        WRITE_LITERAL(&w, " elsewhere");
    }
    tell_places(&w, "segment", "segments", shape->segments, shape->segment);
    tell_places(&w, "value", "values", shape->values, shape->value);
    write_string(&w, shape->version == 20   ? ", HTTP/2"
                     : shape->version == 11 ? ", HTTP/1.1"
                                            : ", HTTP/1.0");
    tell_headers(&w, shape->headers);
    out[w.length] = 0;
    return out;
}
