/* place.h: a request's place at the origin, from the moment it asks for one until it is given back.
 *
 *   NONE -> READING -> WAITING -> HELD -> BACK        READING: its body comes first, so that nobody
 *     \________\__________\________/                  holds a place by dribbling one; or it is
 *                                                      judged anew, since a challenge began
 *                          \-> VAIN                   VAIN: to be told that the origin is busy
 *
 * A place is held from the end of preaccess until the origin's answer has been read, or a second
 * after its head when a slow reader drains it, or until the request ends, whichever comes first;
 * and a second at most without a head, so that an application that keeps its readers waiting (long
 * polls) does not run out of places.
 * One request has one place, whatever its internal redirects.
 */
#ifndef ECLUSE_PLACE_H
#define ECLUSE_PLACE_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "gate/ledger.h"
#include "gate/pressure.h"
#include "gate/queue.h"

struct front_location;
struct front_context;

enum place_state { PLACE_NONE, PLACE_READING, PLACE_WAITING, PLACE_HELD, PLACE_VAIN, PLACE_BACK };

struct front_place {
    enum place_state state;
    enum standing standing;
    uint8_t origin, route; /* indexes of the ledger's */
    bool pushed;           /* VAIN: by others, not by time */
    bool ending;           /* what ends it with the request is installed */
    bool seen;             /* the head of the origin's answer was seen, at `head` */
    nanos_t taken, head;
    uint64_t network, pass;
    ngx_http_request_t *request;
    ngx_queue_t link; /* of those held at one origin */
};

/* Life of a worker. Each second front_gate_beat(), inside front_guarded(). */
ngx_int_t front_gate_init(ngx_cycle_t *cycle);
void front_gate_beat(nanos_t now);
void front_gate_exit(void);

/* The ledger of this worker; NULL: there is no gate. */
struct ledger *front_ledger(void);
unsigned front_ledger_slot(void); /* for ledger_count() */

/* Routes of the contract that challenge now, as bits. */
uint64_t front_gate_challenged(void);

/* Preaccess, after the budgets, of a request that would go to the origin. NGX_DECLINED: it goes on.
 * NGX_AGAIN: it waits. NGX_DONE: it was answered, or its body is read first. */
ngx_int_t front_gate(ngx_http_request_t *r, struct front_location *location);
/* Over a budget with `over: challenge`. NGX_DONE: a stranger was asked for proof; NGX_DECLINED: the
 * budget's delay is what follows, for a pass with a strike unless it waits `already`. */
ngx_int_t front_gate_over(ngx_http_request_t *r, struct front_location *location, bool already);
/* It has been through the gate, or is being read or woken: its budgets are not charged again. */
bool front_gate_knows(const struct front_context *context);

/* An unknown number: whether the origin has room for it now. It then holds a place. */
bool front_gate_room(ngx_http_request_t *r, struct front_location *location);

/* Filters: the head of an answer; the end of its body. */
void front_gate_head(ngx_http_request_t *r, struct front_context *context);
void front_gate_end(struct front_context *context);

/* Counts a verdict of the gate on this request. */
void front_gate_count(enum gate_rule rule, enum standing standing, bool observed);

#endif
