/* ledger.h: what the workers of one front know together: `runtime/front.gate`.
 *
 * `ecluse run` makes it before the workers start and keeps a sound one; each worker maps it; status
 * and `ecluse why` map it for reading. Everything in it is words that are valid at every step, read
 * and written with relaxed atomics, so a worker may be killed anywhere. Its size is fixed; nothing
 * in it grows with the number of sources, and nothing in it outlives a reboot (`runtime` does not).
 *
 * Checked   magic, version and size when it is opened; whatever is read from it as an index is
 *           bounded where it is used; names are cut at their end.
 * Failure   absent, of another version, damaged: -ENOENT, -EPROTO, -EUCLEAN; the front goes on
 *           without a gate and says so.
 */
#ifndef ECLUSE_LEDGER_H
#define ECLUSE_LEDGER_H

#include "gate/cells.h"
#include "gate/demand.h"

enum {
    LEDGER_VERSION = 3,
    LEDGER_ORIGINS = 8,
    LEDGER_WORKERS = 64,
    LEDGER_SHARDS = 8,       /* of the counts: workers do not share a line */
    LEDGER_ISSUES = 1 << 16, /* cells (cells.h): 16 bytes each */
    LEDGER_STRIKES = 1 << 16,
    LEDGER_REDEEMED = 1 << 17,
    LEDGER_CELLS_HEAD = 4096 /* of a table, at most */
};

/* The gauges of one worker at one origin. */
struct ledger_pressure {
    demand_word limit, in_flight, waiting;
    demand_word baseline; /* of all routes asked of late, the median; nanoseconds */
};

struct ledger_worker {
    _Alignas(64) demand_word pid; /* 0: free */
    demand_word beat;             /* boot clock */
    demand_word lag;              /* of its event loop, nanoseconds, the worst of the last second */
    demand_word backlog;          /* connections that wait to be accepted, the most of a listener */
    demand_word connections, connections_most;
    demand_word shedding; /* whether it closes slow connections now: enum shed reasons as bits */
    struct ledger_pressure origin[LEDGER_ORIGINS];
};

enum { LEDGER_DONE, LEDGER_WOULD, LEDGER_MODES };  /* enforced; observed */
enum { LEDGER_ANYONE, LEDGER_GOOD, LEDGER_KINDS }; /* the caller was known (or a lane), or not */

struct ledger_counts {
    _Alignas(64) demand_word rule[GATE_RULE_COUNT][LEDGER_MODES][LEDGER_KINDS];
    demand_word admitted[STANDING_COUNT];
};

struct ledger_name {
    demand_word hash; /* 0: free */
    _Atomic char text[CONTRACT_NAME_SIZE];
};

/* The whole file. Whoever adds a table adds it here and raises LEDGER_VERSION. */
struct ledger {
    uint64_t magic;
    uint32_t version, size;
    uint8_t boot_id[16]; /* its times are of this boot: another's file is made anew */
    struct ledger_counts counts[LEDGER_SHARDS];
    struct ledger_name origin_name[LEDGER_ORIGINS]; /* [0] is the default, without a name */
    struct ledger_name route_name[GATE_ROUTES];     /* [0] is for requests on no route */
    struct demand route[GATE_ROUTES];
    /* pressure.h's baselines, of workers that knew them; a route may have several origins */
    demand_word usual[LEDGER_ORIGINS][GATE_ROUTES];
    struct ledger_worker worker[LEDGER_WORKERS];
    demand_word token_fault[TOKEN_FAULT_COUNT][LEDGER_MODES]; /* tokens that were refused, by why */
    _Alignas(CELLS_ALIGNMENT) uint8_t issues[LEDGER_CELLS_HEAD + LEDGER_ISSUES * 16];
    _Alignas(CELLS_ALIGNMENT) uint8_t strikes[LEDGER_CELLS_HEAD + LEDGER_STRIKES * 16];
    _Alignas(CELLS_ALIGNMENT) uint8_t redeemed[LEDGER_CELLS_HEAD + LEDGER_REDEEMED * 16];
};

/* `ecluse run`. `group` may write it, -1: nobody else. 0; 1 when an unusable one was replaced; or a
 * negative errno. */
int ledger_create(const char *runtime, int group, struct error *error);

/* -ENOENT, -EPROTO (another version), -EUCLEAN (damaged, foreign, of another boot). */
int ledger_open(const char *runtime, bool read_only, struct ledger **out, struct error *error);
void ledger_close(struct ledger *ledger);   /* takes NULL */
uint64_t ledger_inode(const char *runtime); /* of what has its name now; 0: nothing */

/* Passes given, strikes, redeemed proofs (cells.h); NULL when damaged: then none is remembered. */
struct cells *ledger_issues(struct ledger *ledger);
struct cells *ledger_strikes(struct ledger *ledger);
struct cells *ledger_redeemed(struct ledger *ledger);

/* ---- Workers --------------------------------------------------------------------------------- */

/* A slot for this process, of a dead one's if need be; -1 when none is free. */
int ledger_join(struct ledger *ledger, int pid, nanos_t now);
void ledger_part(struct ledger *ledger, int slot);

/* The index for a route's (an origin's) name, made if need be; 0 when the table is full or the name
 * is empty: the one without a name. */
unsigned ledger_route(struct ledger *ledger, struct text name);
unsigned ledger_origin(struct ledger *ledger, struct text name);

void ledger_count(struct ledger *ledger, unsigned shard, enum gate_rule rule,
                  enum standing standing, bool observed);
void ledger_admit(struct ledger *ledger, unsigned shard, enum standing standing);

/* ---- Readers --------------------------------------------------------------------------------- */

uint64_t ledger_counted(const struct ledger *ledger, enum gate_rule rule, unsigned mode,
                        unsigned kind);
/* Refused, challenged or told to wait in vain, though known: what ought to be 0. */
uint64_t ledger_good_refused(const struct ledger *ledger);
uint64_t ledger_admitted(const struct ledger *ledger, enum standing standing);
char *ledger_name_text(const struct ledger_name *name, char out[CONTRACT_NAME_SIZE]); /* "": free */

#endif
