/* exchange.h: the desk as it runs, one request to it, and how a request is answered. The room's
 * own.
 *
 * One thread does everything but what job.h's threads do. A request is read whole (at most
 * EXCHANGE_BODY), found in the table of routes, checked (who, from where, CSRF), and handed to its
 * function in answer.h. That either answers, or gives a job away: the connection is then suspended,
 * and the function's second half answers when the job is done.
 */
#ifndef ECLUSE_DESK_EXCHANGE_H
#define ECLUSE_DESK_EXCHANGE_H

#include "access/access.h"
#include "audit/audit.h"
#include "desk/desk.h"
#include "desk/job.h"
#include "desk/limits.h"
#include "desk/parts.h"
#include "desk/request.h"
#include "desk/route.h"
#include "desk/snapshot.h"

#include <microhttpd.h>
#include <time.h>

enum {
    EXCHANGE_BODY = 8192,
    EXCHANGE_TEXT = 512,
    PAGE_SIZE_MAX = 1 << 20,
    STREAMS_MAX = 128,
    STREAMS_EACH = 8
};

struct stream;

struct desk {
    const struct desk_setup *setup;
    struct MHD_Daemon *daemon;
    struct sessions sessions;
    struct limits *limits; /* NULL: its segment cannot be opened; sign-ins are then bounded by the
                              queue alone */
    struct handover
        *handover; /* NULL: nothing is recorded; acts that must be durable are refused */
    struct job_queue *sign_ins, *acts;
    int done; /* eventfd of both queues */
    struct snapshot *snapshot;
    struct parts *parts;
    struct audit_reader *reader; /* NULL until the log can be read */
    struct stream *streams;
    size_t stream_count;
    struct job *settling;              /* exchanges whose release or panic was asked for */
    struct timespec operators_changed; /* of the file, when sessions were last held against it */
    uint64_t failed_sign_ins;          /* since the last entry of them */
    nanos_t failed_told;
    char page[PAGE_SIZE_MAX];
};

/* What a job works with: its own copies, so that its thread touches nothing of the desk but what is
 * said in job.h. */
struct work {
    char name[OPERATOR_NAME_SIZE], other[OPERATOR_NAME_SIZE]; /* who does it; to whom */
    char password[OPERATOR_PASSWORD_MAX + 1], new_password[OPERATOR_PASSWORD_MAX + 1];
    char code[16], reason[ACT_REASON_SIZE];
    enum operator_role role;
    struct hold hold;
    bool on;                     /* panic */
    const char *state, *runtime; /* outlive it */
    struct handover *handover;
    struct act act;
    int (*change)(void *context, struct operators *operators);
    bool recorded; /* `act`, before it was done */
    /* What came of it: */
    int result;
    struct error error;
    struct operator operator;
    bool in_force; /* seen to have taken effect */
};

struct exchange {
    struct job job; /* first: a job is its exchange */
    struct desk *desk;
    struct MHD_Connection *connection;
    const struct route *route;
    char method[16], path[256];
    struct text argument;
    char body[EXCHANGE_BODY];
    size_t body_length;
    bool begun, too_long, away, back; /* given to a queue; given back */
    bool https, api, language_chosen;
    int language;
    nanos_t now;
    uint8_t address[16];
    struct text browser, token; /* headers, borrowed from the connection */
    struct session *session;
    char cookie[160];     /* to be set by the answer */
    nanos_t settle_until; /* a request to a guard: until when its effect is waited for */
    struct work work;
};

struct text exchange_header(const struct exchange *x, const char *name);
struct text exchange_query(const struct exchange *x, const char *name);

/* ---- Answers --------------------------------------------------------------------------------- */

enum MHD_Result reply(struct exchange *x, unsigned status, const char *type, struct text body);
/* Takes the object. */
enum MHD_Result reply_json(struct exchange *x, unsigned status, json_t *object);
/* {"error": {"code", "text"}} or a page that says it; `text` is a sentence that a person can act
 * on. */
enum MHD_Result reply_error(struct exchange *x, unsigned status, const char *code,
                            const char *text);
enum MHD_Result reply_see(struct exchange *x, const char *location);
/* To be sent with whatever is replied next; an empty token takes the cookie away. */
void reply_with_cookie(struct exchange *x, const char *token);
enum MHD_Result reply_later(struct exchange *x, unsigned status, nanos_t wait, const char *code,
                            const char *text);

/* Gives the exchange to a queue; answers 503 when that is full. */
enum MHD_Result exchange_away(struct exchange *x, struct job_queue *queue,
                              void (*run)(struct job *));

#endif
