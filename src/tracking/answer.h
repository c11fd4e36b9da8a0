/* answer.h: what the public reads.
 *
 * Rendered into a caller's buffer, without allocation; ANSWER_SIZE is enough for the largest answer, and what would not fit is cut to
 * the newest events, never to half a page. HTML works without JavaScript, on a phone, with a screen reader; there is no third
 * party in it. Every text exists in French, Dutch, German and English.
 *
 * Cost        JSON under 2 us, HTML under 5 us (bench/answer).
 */
#ifndef ECLUSE_ANSWER_H
#define ECLUSE_ANSWER_H

#include "tracking/store.h"

enum { ANSWER_SIZE = 64 * 1024, ANSWER_ETAG_SIZE = 40 };

enum answer_form { ANSWER_HTML, ANSWER_JSON };

/*  what is to be told */
enum answer_kind {
    ANSWER_FOUND,
    ANSWER_NOT_KNOWN_YET, /* well-formed, unknown: 404, "not known yet" */
    ANSWER_WRONG_FORM,    /* 404: what a number looks like */
    ANSWER_WRONG_CHECK,   /* 404: a digit is mistyped */
    ANSWER_HOME,          /* the search form */
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
    uint32_t retry_after;               /* ANSWER_NOTICE, ANSWER_HELD: seconds */
};

struct answer {
    unsigned status;
    struct text content_type;
    struct text cache_control;
    char etag[ANSWER_ETAG_SIZE]; /* with its quotes; "" when there is none */
    int64_t last_modified;       /* seconds; 0 when there is none */
    size_t length;               /* of the body */
};

/* Renders the body into buffer (at least ANSWER_SIZE bytes). */
void answer_render(const struct answer_request *request, char *buffer, size_t size, struct answer *out);

/* The validators alone, for If-None-Match: what answer_render() would say, without the body. */
void answer_describe(const struct answer_request *request, struct answer *out);

/* Which language to use: ?lang= ("fr", "fr_FR", "nl-BE") first, then Accept-Language with its weights (RFC 9110 section 12.5.4), then the
 * contract's first; only languages that the contract lists. */
enum language answer_language(const struct contract *c, struct text lang_parameter, struct text accept_language);

/* Rendered bodies that do not depend on a parcel are prepared once per language. */
void answer_prepare(const struct contract *c);

#endif
