/* shape.h: what a request looks like when everything that is drawn at random is taken out of it.
 *
 * A flood varies parameters so that no two of its requests are alike; its program does not vary
 * what kinds of values stand where, nor which headers it sends. A shape is that remainder: method,
 * protocol, route, for the first segments of the path and the first values of the query what they
 * are made of and about how long they are, and which usual headers are there.
 *
 * Words  a first segment of letters alone counts as itself in `id`, since /recherche and /connexion
 * are different things; all others can be drawn at random, too. In the fields and in shape_text()
 *        every word is only "a word", so that what people typed is never shown nor stored.
 * Key    ids are keyed (SipHash): nobody outside can look for two requests of the same id.
 * Cost   one pass over path and query; nothing is allocated.
 */
#ifndef ECLUSE_SHAPE_H
#define ECLUSE_SHAPE_H

#include "base/base.h"
#include "contract/contract.h"

/*    constant  name          what a segment or value is made of */
#define SHAPE_PARTS(X)                                                                             \
    X(NONE, "nothing")                                                                             \
    X(EMPTY, "empty")                                                                              \
    X(DIGITS, "digits")                                                                            \
    X(HEX, "hexadecimal")                                                                          \
    X(WORD, "a word")                                                                              \
    X(MIXED, "letters and digits")                                                                 \
    X(OTHER, "other signs")

enum shape_part {
#define X(constant, name) SHAPE_##constant,
    SHAPE_PARTS(X)
#undef X
        SHAPE_PART_COUNT
};

/* Which usual headers a request has. */
#define SHAPE_HEADERS(X)                                                                           \
    X(ACCEPT, "Accept")                                                                            \
    X(HTML, "Accept: text/html")                                                                   \
    X(LANGUAGE, "Accept-Language")                                                                 \
    X(ENCODING, "Accept-Encoding")                                                                 \
    X(AGENT, "User-Agent")                                                                         \
    X(REFERER, "Referer")                                                                          \
    X(COOKIE, "Cookie")                                                                            \
    X(FORM, "a form as body")                                                                      \
    X(BODY, "a body")

enum shape_header {
#define X(constant, name) SHAPE_HAS_##constant##_BIT,
    SHAPE_HEADERS(X)
#undef X
        SHAPE_HEADER_COUNT
};

#define SHAPE_HAS(constant) (1u << SHAPE_HAS_##constant##_BIT)

enum { SHAPE_PLACES = 4 }; /* segments and values that are looked at; more count as `more` */

struct shape_request {
    struct text method, path, query; /* path and query as they came, without the `?` */
    int route;                       /* index in the contract, or -1 */
    unsigned version;                /* 10, 11, 20 */
    unsigned headers;                /* SHAPE_HAS() bits */
};

/* Without pointers and of a fixed size, so that it can lie in a shared file. All fields may hold
 * anything when read from one; shape_text() copes. */
struct shape {
    uint64_t id; /* never 0 */
    int16_t route;
    uint16_t headers;
    uint8_t method; /* of SHAPE_METHODS; 0 is another */
    uint8_t version;
    uint8_t segments, values;      /* how many there are, at most 255 */
    uint8_t segment[SHAPE_PLACES]; /* part and length: (enum shape_part) << 2 | length class */
    uint8_t value[SHAPE_PLACES];
};

struct shape shape_of(struct hash_key key, const struct shape_request *request);

/* "POST /…, route login, 2 values (letters and digits of 6 to 12; empty), HTTP/1.1, without
 * Accept-Language, Cookie". Cut when it does not fit. */
#define SHAPE_TEXT_SIZE 256
char *shape_text(const struct shape *shape, const struct contract *c, char out[SHAPE_TEXT_SIZE]);

#endif
