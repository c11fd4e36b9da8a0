/* front.h: Ecluse inside nginx.
 *
 * A dynamic module in thin glue over the rooms below it, one file a phase. People who run nginx
 * keep their configuration and add directives (docs/nginx.md).
 *
 * module.c     the directives, how they are merged, which phases we take part in
 * worker.c     from start to end of one worker: what it opens after the fork, the look around once
 *              a second
 * takeup.c     what `ecluse run` publishes, taken up by one worker
 * admit.c      preaccess phase: request budgets; `slow` is a timer, `hold` is 429 or a closed
 *              connection
 * lookup.c     a lookup location, in the content phase or `early` in preaccess: from what was typed
 *              to an answer, or to the origin
 * answer.c     an answer on its way into nginx's filters
 * origin.c     header and body filters: what the origin could not answer is answered here
 * challenge.c  what is said to who does not go on
 * lane.c       the listeners of staff and partners: who may come in, and stands above the public
 * gate.c       the origin's places: who goes on, who waits, who is asked for proof
 * gate_worker.c  the places of one worker, and its look around ten times a second
 * measure.c    log phase: promises, and how the origin does
 * wave.c       what passes the gate, or does not, told to the memory of floods
 * trap.c       an invariant of ours that breaks switches this worker's module off; it never ends
 *              the worker
 *
 * Without an nginx header, and tested beside their files:
 * charges.h    which budgets a request is charged to
 * shield.h     form, check digit, filter, store: in that order
 * forwarded.h  whose request it is, behind trusted proxies
 * health.h     whether the origin is down, from what was seen of it
 *
 * Who waits    nobody: a worker never takes a lock, never calls another process, never sleeps.
 * Memory       one page buffer a worker; a request takes one small context from its pool when it
 *              needs one.
 * Time         the boot clock for budgets and promises, nginx's cached wall clock for what people
 *              read.
 * Failure      nothing published: lookup locations go to their origin, or say that the service is
 *              away. No segment: no admission, answers go on. No store: lookups go to the origin
 *              under its budgets.
 */
#ifndef ECLUSE_FRONT_H
#define ECLUSE_FRONT_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "budget/guard.h"
#include "budget/promise.h"
#include "contract/publish.h"
#include "front/charges.h"
#include "front/credential.h"
#include "front/health.h"
#include "front/place.h"
#include "front/shield.h"
#include "gate/keyring.h"
#include "gate/standing.h"
#include "gate/wave.h"
#include "tracking/tracking.h"

extern ngx_module_t ngx_http_ecluse_module, ngx_http_ecluse_cookie_module;

/* ---- Configuration --------------------------------------------------------------------------- */

enum front_switch { FRONT_OFF, FRONT_OBSERVE, FRONT_ON };
enum front_order { FRONT_FIRST, FRONT_FALLBACK };
enum front_form { FRONT_FORM_BY_ACCEPT, FRONT_FORM_HTML, FRONT_FORM_JSON };

struct front_main {
    ngx_str_t runtime;
    ngx_array_t
        locations;   /* struct front_location *: those with a name that the contract must know */
    ngx_flag_t used; /* `ecluse` is on or observe somewhere */
    ngx_str_t origins[LEDGER_ORIGINS]; /* names of ecluse_origin; [0] is the one without a name */
    ngx_uint_t origin_count;
};

struct front_location {
    ngx_uint_t enabled; /* enum front_switch */
    ngx_uint_t order;   /* enum front_order, NGX_CONF_UNSET_UINT when nothing is said */
    ngx_str_t route;
    ngx_http_complex_value_t *typed; /* of ecluse_lookup */
    ngx_int_t typed_variable;        /* its index when it is one bare variable: no script to run */
    bool rest;                       /* VALUE is $ecluse_rest: see front_goes_on() */
    ngx_uint_t form;                 /* enum front_form */
    bool early; /* of ecluse_lookup: what we answer is answered in preaccess, before nginx's own
                   access rules; what the origin is to answer goes through them */
    ngx_str_t redirect;         /* of ecluse_lookup redirect=; empty: none */
    ngx_uint_t page;            /* enum answer_kind of ecluse_page, NGX_CONF_UNSET_UINT for none */
    ngx_http_handler_pt origin; /* the handler that the location had: proxy_pass and its like */
    ngx_str_t lane;    /* of ecluse_lane; empty: it is the public's */
    ngx_uint_t behind; /* of ecluse_origin: index into front_main.origins */

    /* In each worker's own memory: `route` looked up in the contract. */
    uint64_t route_generation;
    int route_index;
};

/* ---- One request ----------------------------------------------------------------------------- */

struct front_context {
    uint64_t generation; /* of the contract that `route` is an index into */
    int route;
    const struct front_location *came_in; /* where `route` was found */
    nanos_t waits_until; /* a delayed request is refused when it has waited until then; 0: has not
                            waited */
    uint64_t paid;       /* budgets that allowed it while others delayed it */
    uint64_t told;       /* budgets of failed sign-ins that had no room for it, and counted it */
    const struct front_location *cleared; /* where `early` found that the origin is to be asked */
    bool asked;                           /* a lookup goes to the origin: `parcel` says which */
    bool replacing;                       /* the header filter has taken the answer's place */
    bool replaced;                        /* ... and the body filter has sent it */
    struct parcel_number parcel;
    struct text body; /* what replaces the origin's */
    struct front_place place; /* at the origin */
    struct front_credential credential; /* who asks: front_caller() */
    struct front_challenge *challenge; /* what is being said, while a form's body is read */
};

struct front_context *front_context_find(ngx_http_request_t *r); /* NULL when it has none */
struct front_context *front_context_take(ngx_http_request_t *r); /* NULL when memory is short */

static inline struct front_location *front_location_of(ngx_http_request_t *r)
{
    return ngx_http_get_module_loc_conf(r, ngx_http_ecluse_module);
}

static inline struct text front_text(ngx_str_t s)
{
    return (struct text){(const char *)s.data, s.len};
}

/* ---- One worker ------------------------------------------------------------------------------ */

struct front_worker {
    bool off; /* a mistake of ours was met: nothing of the core is called again in this process */
    const char *runtime;
    const struct control *control;
    struct contract *contract, *next;    /* in force; prepared */
    uint64_t running, prepared, refused; /* generations; 0 none */
    struct budgets *budgets;             /* NULL: admission is off */
    ino_t segment;                       /* the file that is mapped */
    int slot;
    struct store *store;
    struct filter *filter;
    bool store_off; /* two workers died in it */
    struct charges charges;
    struct health origin;
    nanos_t boot_base;       /* boot clock minus nginx's cached clock */
    uint32_t refused_lately; /* in this second: a flood is not worth a page each */
    uint32_t waiting;        /* delayed requests now */
    uint32_t blind_asks;     /* lookups sent to the origin this second for want of a store */
    char *page;              /* ANSWER_SIZE bytes to render into */
};

extern struct front_worker front;

static inline bool front_ready(void)
{
    return front.contract && !front.off;
}

static inline struct shield front_shield(void)
{
    return (struct shield){front.contract, front.store_off ? NULL : front.store, front.filter,
                           front.budgets, front.slot};
}

/* The contract's, or panic: looked at for each charge, not once a second. It is one load. */
static inline enum mode front_mode(void)
{
    if (front.control && control_panic(front.control))
        return MODE_OBSERVE;
    return front.contract ? front.contract->mode : MODE_ENFORCE;
}

/* The boot clock as of the last turn of nginx's loop: good enough where a millisecond is. */
static inline nanos_t front_loop_time(void)
{
    return front.boot_base + (nanos_t)ngx_current_msec * NANOS_MILLISECOND;
}

ngx_int_t front_worker_init(ngx_cycle_t *cycle);
void front_worker_exit(ngx_cycle_t *cycle);

/* The route of a request: the location's `ecluse_route`, else the contract's own match; -1 for
 * none. */
int front_route(ngx_http_request_t *r, struct front_location *location);

static inline void front_count(enum guard_counter counter)
{
    if (front.budgets)
        guard_count(front.budgets, counter, 1);
}

/* A path that goes on with a slash after where its number stands is no lookup but the origin's,
 * as in any other location: /suivi/style/page.css beside /suivi/NUMBER, without a regular
 * expression. */
bool front_goes_on(ngx_http_request_t *r, const struct front_location *location);

/* ---- Phases ---------------------------------------------------------------------------------- */

ngx_int_t front_admit(ngx_http_request_t *r);  /* preaccess */
ngx_int_t front_lookup(ngx_http_request_t *r); /* content, of a lookup location */
/* Preaccess, of an `early` one: NGX_DECLINED when the origin is to be asked. */
ngx_int_t front_lookup_early(ngx_http_request_t *r);
ngx_int_t front_page(ngx_http_request_t *r); /* content, of ecluse_page */
ngx_int_t front_measure(ngx_http_request_t *r);
void front_filters_install(void);

/* What the phases share. */
void front_peer_address(const ngx_connection_t *connection, uint8_t address[16]);
void front_client_address(ngx_http_request_t *r, uint8_t address[16]);
struct charge_result front_charge(ngx_http_request_t *r, const struct front_location *location,
                                  uint64_t budgets, const uint64_t *thing);
ngx_int_t front_wait(ngx_http_request_t *r, struct front_context *context, nanos_t until);
ngx_int_t front_refuse(ngx_http_request_t *r, struct front_location *location, nanos_t until);

/* ---- Answers --------------------------------------------------------------------------------- */

struct front_answer {
    struct text body;
    bool lasting; /* body stays readable until it is sent; else it is copied into the request's pool
                   */
    struct answer about;
};

/* What the reader said of languages, and the answer to it. The choice is remembered for as long as
 * the contract is in force: readers send a few dozen different headers. front_language() is for
 * outside front_guarded(), the other for inside. */
struct front_wish {
    struct text parameter, header;
};
struct front_wish front_wish(ngx_http_request_t *r);
enum language front_choose(const struct front_wish *wish);
enum language front_language(ngx_http_request_t *r);
enum answer_form front_form(ngx_http_request_t *r, const struct front_location *location);

/* The prepared page of a kind; kept for as long as the contract is in force. To be called inside
 * front_guarded(). */
const struct front_answer *front_prepared(enum answer_kind kind, enum answer_form form,
                                          enum language language);

/* A copy of it, for outside front_guarded(). */
void front_static(enum answer_kind kind, enum answer_form form, enum language language,
                  struct front_answer *out);
enum { FRONT_NOTICE_RETRY_SECONDS = 30 };

/* Sets the response's headers for an answer, replacing none that is there. NGX_OK or NGX_ERROR. */
ngx_int_t front_set_headers(ngx_http_request_t *r, const struct answer *about, size_t length);
ngx_int_t front_push_header(ngx_http_request_t *r, const char *name, size_t name_length,
                            struct text value);

/* Headers and body; returns what a content handler returns. */
ngx_int_t front_send(ngx_http_request_t *r, const struct front_answer *answer);

/* What the store says of the parcel that the origin could not answer, else the notice. False:
 * nothing to say. */
bool front_stand_in(ngx_http_request_t *r, struct front_location *location,
                    const struct front_context *context, struct front_answer *out);

/* ---- The gate (place.h) ---------------------------------------------------------------------- */

/* Who asks; never NULL. With a contract in force, outside front_guarded(). What a request shows is
 * verified once, and kept in its context. Who shows nothing is told anew each time, without one:
 * read it before the next call; front_caller() after front_context_take() gives one that stays.
 * front_payer() has no network and no wide where that is the case: enough for charging. */
const struct caller *front_caller(ngx_http_request_t *r);
const struct caller *front_payer(ngx_http_request_t *r);
enum standing front_standing(ngx_http_request_t *r); /* of front_caller(), where no more is asked */

/* Whether its reader speaks TLS, to us or to a proxy before us: for `Secure` on cookies. */
bool front_is_secure(ngx_http_request_t *r);

/* What is said to who does not go on: asked for proof, or told that the service is busy and when
 * to come back, as `rule` says. A small form's body is read first, to give it back. Returns what a
 * content handler returns: in a phase, finalize the request with it and return NGX_DONE. */
ngx_int_t front_challenge(ngx_http_request_t *r, struct front_location *location,
                          enum gate_rule rule);

/* What is said to who comes to a lane without its certificate or key. */
ngx_int_t front_lane_closed(ngx_http_request_t *r, struct front_location *location);

/* Raises a caller who shows what the location's lane asks for; for front_caller(). */
void front_lane_raise(ngx_http_request_t *r, struct caller *caller);
/* Preaccess, of a lane's location: true when the request was turned away and answered. */
bool front_lane_shut(ngx_http_request_t *r, struct front_location *location);

/* credential.c, for challenge.c, inside front_guarded(): the keys (a ring without one signs
 * nothing); how hard a puzzle this caller's network gets; seconds that the ticket it shows still
 * lacks, 0 when it shows none that is good. */
const struct keyring *front_keyring(void);
unsigned front_puzzle_bits(const struct caller *caller);
unsigned front_ticket_lacks(ngx_http_request_t *r);

/* ---- Floods remembered (gate/wave.h) --------------------------------------------------------- */

/* Whether a request that would go to the origin looks like a past flood; counts that it was met. */
bool front_wave_known(ngx_http_request_t *r, int route);
/* What became of it. Callers with history are not told of. */
void front_wave_see(ngx_http_request_t *r, const struct caller *caller, int route,
                    enum wave_fate fate);
/* Log phase: the origin answered it well (2xx, 3xx). */
void front_wave_spare(ngx_http_request_t *r, const struct caller *caller, int route);
struct act; /* audit/act.h */
/* Once a second, within front_guarded(). True when a flood has ended: what is to be recorded. */
bool front_wave_beat(uint64_t challenged, nanos_t now, struct act *ended);
void front_wave_close(void);

/* ---- Our own mistakes ------------------------------------------------------------------------ */

/* Runs work(argument); a must() that fails inside ends it, switches the module off in this worker,
 * and gives false. All calls into the rooms below go through here. Nothing of nginx that keeps
 * state is called inside. */
bool front_guarded(void (*work)(void *argument), void *argument);
void front_trap_install(void);

#endif
