/* answer.h: what the public reads.
 *
 * Rendered into a caller's buffer, without allocation; ANSWER_SIZE is enough for the largest
 * answer, and what would not fit is cut to the newest events, never to half a page. HTML works
 * without JavaScript, on a phone, with a screen reader; there is no third party in it. Every text
 * exists in French, Dutch, German and English.
 *
 * Life        answer_prepare() once in each process, and again with each new contract; then the
 *             rest, from one thread.
 * Search      the form asks GET /suivi?id=TYPED&lang=fr; whoever answers redirects to
 *             /suivi/NUMBER?lang=fr. Language links are relative ("?lang=nl"), so a page works
 *             under whatever path it is shown.
 * Old news    an answer older than the contract's stale_after says so, unless the parcel's story is
 *             over (delivered, returned).
 * Times       are shown as the feed gave them, in its own offset; "UTC" is added where that is
 *             zero.
 * Cost        1 us for 3 events, 2 us for 8, JSON or HTML; 0.1 us a language; a static answer is
 *             two copies, 110 instructions (bench/answer).
 */
#ifndef ECLUSE_ANSWER_H
#define ECLUSE_ANSWER_H

#include "tracking/store.h"

enum { ANSWER_SIZE = 64 * 1024, ANSWER_ETAG_SIZE = 40 };

enum answer_form { ANSWER_HTML, ANSWER_JSON };

/* What is to be told. The statuses are those of HTML; JSON says 400 to ANSWER_WRONG_*. */
enum answer_kind {
    ANSWER_FOUND,
    ANSWER_NOT_KNOWN_YET, /* well-formed, unknown: 404, "not known yet" */
    ANSWER_WRONG_FORM,    /* 404: what a number looks like */
    ANSWER_WRONG_CHECK,   /* 404: a digit is mistyped */
    ANSWER_HOME,          /* the search form */
    ANSWER_SEVERAL,       /* 400: a list of numbers, where one is answered at a time; JSON mostly */
    ANSWER_NOTICE,        /* 503: the service behind is away; tracking still works */
    ANSWER_HELD,          /* 429: too many requests, when to come back */
};

struct answer_request {
    enum answer_kind kind;
    enum answer_form form;
    enum language language;
    const struct contract *contract;
    const struct history *history;      /* ANSWER_FOUND */
    const struct parcel_number *parcel; /* ANSWER_NOT_KNOWN_YET; may be NULL */
    struct text typed;                  /* ANSWER_WRONG_*: what the reader typed; escaped here */
    bool origin_down;                   /* a notice says that the answer comes from the store */
    int64_t now;                        /* wall clock, seconds */
    uint32_t retry_after; /* ANSWER_NOTICE, ANSWER_HELD: seconds; 0: "a few moments" */
    struct text base;     /* JSON: "https://track.example" in front of its url; may be empty */
};

/* What the response says of itself. Empty texts are headers not to be sent; all are static. */
struct answer {
    unsigned status;
    struct text content_type;
    struct text content_language;
    struct text cache_control;
    struct text policy; /* Content-Security-Policy: nothing but the page's own style sheet */
    struct text robots; /* X-Robots-Tag */
    char etag[ANSWER_ETAG_SIZE]; /* strong, with its quotes; "" when there is none */
    int64_t last_modified;       /* seconds; 0 when there is none */
    uint32_t retry_after;        /* seconds; 0 when there is none */
    size_t length;               /* of the body */
};

/* Headers that every answer carries, whatever it says. */
/*    name                      value */
#define ANSWER_HEADERS(X)                                                                          \
    X("Vary", "Accept-Language")                                                                   \
    X("X-Content-Type-Options", "nosniff")                                                         \
    X("Referrer-Policy", "same-origin")

/* Prepares what does not depend on a parcel, for each language. What answer_static() returned
 * before stays readable until the second call after it: a worker that is still sending an old page
 * sends it to the end. */
void answer_prepare(const struct contract *c);

/* Renders the body into buffer (at least ANSWER_SIZE bytes). */
void answer_render(const struct answer_request *request, char *buffer, size_t size,
                   struct answer *out);

/* The validators alone, for If-None-Match: what answer_render() would say, without the body (length
 * is 0). */
void answer_describe(const struct answer_request *request, struct answer *out);

/* The prepared body of a kind that does not depend on a parcel: the way to answer a flood. It
 * repeats neither what was typed nor when to come back (out->retry_after is 0: the caller sets it).
 * Empty, and *out untouched, for ANSWER_FOUND and before answer_prepare(). */
struct text answer_static(enum answer_kind kind, enum answer_form form, enum language language,
                          struct answer *out);

/* Which language to use: ?lang= ("fr", "fr_FR", "nl-BE") first, then Accept-Language with its
 * weights (RFC 9110 section 12.5.4), then the contract's first; only languages that the contract
 * lists. */
enum language answer_language(const struct contract *c, struct text lang_parameter,
                              struct text accept_language);

#endif
