/* traffic.h: customers, staff and a flood at once, each a stream with a character of its own.
 *
 *   traffic --to 127.0.0.1:PORT [--numbers FILE] [--warm S] [--seconds S] [--seed N] [--live]
 *           --stream NAME,KEY=VALUE,... [--stream ...]
 *
 * A stream is open loop (`rate`: they come when they come, Poisson, whether or not the front keeps
 * up) or closed loop (`at_once`: when one ends, the next begins at once). The wait of an open one
 * runs from the moment it was due, so a generator that is late is seen as late. Only what was due
 * inside the window after the warming up counts; at its end those who wait still get their time.
 *
 * After the window one JSON object is printed; with --live a line each second before it.
 * Bounds: only 127.0.0.0/8, sources too; at most 20,000 a second and 12,000 at once a stream, 120
 * s, 10,000,000 requests.
 *
 * traffic.c          the loop
 * traffic_plan.c     streams as they are written on the command line
 * traffic_request.c  what a stream sends, and whether an answer is what it came for
 * traffic_wire.c     TCP or TLS, HTTP/1.1 or HTTP/2, as much of them as one request needs
 */
#ifndef ECLUSE_LAB_TRAFFIC_H
#define ECLUSE_LAB_TRAFFIC_H

#include "customers.h"

#include <openssl/ssl.h>

enum {
    TRAFFIC_STREAMS_MAX = 8,
    TRAFFIC_AT_ONCE_MAX = 12000,
    TRAFFIC_SECONDS_MAX = 120,
    TRAFFIC_REQUESTS_MAX = 10000000,
    TRAFFIC_REQUEST_MAX = 1024,
    TRAFFIC_REPLY_MAX = 32768, /* no answer of the lab is larger */
    TRAFFIC_STATUS_MAX = 600,
};

/*  constant  name          what it sends, and what is a success */
#define TRAFFIC_KINDS(X)                                                                           \
    X(LOOKUP, "lookup", "GET /suivi/NUMBER of the list: 200 with the number in it")                \
    X(RANDOM, "s10", "GET /suivi/ and a well-formed random number")                                \
    X(JUNK, "junk", "GET /suivi/ and 6 to 12 letters and digits")                                  \
    X(QUERY, "query", "GET /recherche?q= and 10 letters and digits: 200")                          \
    X(LOGIN, "login", "POST /connexion with a random name and password: 200")                      \
    X(SCAN, "scan", "POST /scans: 200")

enum traffic_kind {
#define X(constant, ...) TRAFFIC_##constant,
    TRAFFIC_KINDS(X)
#undef X
        TRAFFIC_KIND_COUNT
};

/* What came of one request; statuses are counted by number beside it. */
#define TRAFFIC_ENDS(X)                                                                            \
    X(GOOD, "good")                                                                                \
    X(OTHER, "other")     /* an answer, but not what it came for */                                \
    X(CLOSED, "closed")   /* without an answer */                                                  \
    X(REFUSED, "refused") /* no connection */                                                      \
    X(LATE, "late")       /* no whole answer in time */

enum traffic_end {
#define X(constant, name) TRAFFIC_END_##constant,
    TRAFFIC_ENDS(X)
#undef X
        TRAFFIC_END_COUNT
};

struct traffic_stream {
    char name[32];
    enum traffic_kind kind;
    double rate;        /* a second; 0: closed loop */
    unsigned at_once;   /* of an open one: at most so many wait */
    uint32_t from;      /* first source address, host order; 0: the system's choice */
    unsigned from_bits; /* of the prefix that they are spread over */
    unsigned addresses;
    uint16_t port;    /* 0: of --to */
    nanos begin, end; /* from the start; end 0: with the window */
    nanos within;
    bool tls, http2, html; /* html: sends what a browser sends */
    char **cookie;         /* one an address, from a file of lines ADDRESS COOKIE; NULL: none */
    uint32_t *cookie_address;
    size_t cookies;
    const char *header; /* one more, "Name: value"; NULL: none */

    uint64_t made; /* requests so far */
    unsigned out;  /* now on their way */
    unsigned owed; /* of a closed one: to begin */
    nanos next;
    uint64_t due, not_made; /* in the window; not made since at_once were out */
    uint64_t end_of[TRAFFIC_END_COUNT], status[TRAFFIC_STATUS_MAX];
    uint64_t ended;     /* of any, within the window */
    struct tally waits; /* of the good */
    struct tally lags;  /* from due to begun: the generator's own, part of the waits */
    uint64_t live_good, live_ended, live_due;
    struct tally live_waits;
};

struct traffic_plan {
    struct sockaddr_in to;
    nanos warm, seconds;
    uint64_t random;
    bool live;
    struct plan numbers; /* of customers.h: its list alone */
    size_t streams;
    struct traffic_stream stream[TRAFFIC_STREAMS_MAX];
};

bool traffic_plan_read(int count, char **arguments, struct traffic_plan *plan);
void traffic_plan_free(struct traffic_plan *plan);
/* The source of the stream's i-th request; 0: the system's choice. */
uint32_t traffic_source(const struct traffic_stream *stream, uint64_t i);

struct traffic_request {
    const char *method;
    char path[96], body[96];
    const char *mark; /* must stand in a good answer's body; NULL: nothing must */
    const char *cookie;
};
void traffic_request_make(struct traffic_plan *plan, struct traffic_stream *stream, uint64_t i,
                          struct traffic_request *out);
bool traffic_is_good(const struct traffic_stream *stream, unsigned status);

/* ---- One connection -------------------------------------------------------------------------- */

struct wire {
    int descriptor; /* -1: closed */
    SSL *tls;       /* NULL: plain */
    bool http2, shaken;
    char out[TRAFFIC_REQUEST_MAX + 256];
    size_t out_length, out_sent;
    char in[TRAFFIC_REPLY_MAX + 1];
    size_t in_length;
};

bool wire_setup(void); /* once; false when TLS is not to be had */

/* Connects without waiting, with the request ready to be sent. */
bool wire_open(struct wire *w, const struct traffic_plan *plan, const struct traffic_stream *stream,
               uint32_t source, const struct traffic_request *request);
void wire_close(struct wire *w);

enum wire_news { WIRE_WAIT, WIRE_WHOLE, WIRE_CLOSED, WIRE_REFUSED };
/* Goes on as far as it can. WHOLE: *status, and whether `mark` stands in what was kept. */
enum wire_news wire_go_on(struct wire *w, const char *mark, unsigned *status, bool *marked);

#endif
