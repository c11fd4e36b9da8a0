/* contract.h: what must keep working, and what may be lost at most.
 *
 * The operator writes one YAML file. contract_read() turns it into one checked struct contract, or
 * into a list of every mistake in it. The struct has no pointers and a fixed size, so that it can
 * be published to other processes as it is (publish.h), compared, and copied; the price is stated
 * limits (CONTRACT_MAX_*), which the checker names.
 *
 * fields.h      one X-macro table of every field: the checker, docs/contract.md, the JSON Schema
 *               and the manual page come from it (`ecluse-fields`, run by the build)
 * check.h       the rules that span fields: a hold that could break a promise, a way out without a
 *               budget, ...
 * explain.h     the contract in plain sentences, English and French, with the largest loss it
 *               allows
 * publish.h     from `ecluse run` to the guards: two-phase, whole or not at all
 *
 * Units    sizes are bytes (1 kB = 1000 B; KiB, MiB, ... are binary), times are nanoseconds, shares
 *          are millionths.
 * Errors   every problem has a line and a column, and says what is allowed.
 */
#ifndef ECLUSE_CONTRACT_H
#define ECLUSE_CONTRACT_H

#include "base/base.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
    CONTRACT_NAME_SIZE = 64, /* with the final zero byte */
    CONTRACT_PATH_SIZE = 256,
    CONTRACT_MAX_BUDGETS = 64,
    CONTRACT_MAX_WINDOWS = 6, /* of one budget */
    CONTRACT_MAX_PROMISES = 32,
    CONTRACT_MAX_ROUTES = 64,
    CONTRACT_MAX_FORMATS = 16,
    CONTRACT_MAX_SOURCES = 32,
    CONTRACT_MAX_SHARES = 32,
    CONTRACT_MAX_TRUSTED = 16,
    CONTRACT_MAX_CLASSES = 16, /* of destinations, `unlisted` not counted */
    CONTRACT_MAX_BYTES_OUT = 16, /* budgets of bytes_out */
    CONTRACT_MAX_BYTES_TOGETHER = 8, /* of these, how many may count the same bytes */
    CONTRACT_MAX_PREFIXES =
        512, /* of one list: a class, inside, trusted proxies, one protected entry's `from` */
    CONTRACT_MAX_PROTECTED = 32,
    CONTRACT_MAX_WITNESSES = 8,
    CONTRACT_ENDPOINT_SIZE = 128,
    CONTRACT_KEY_SIZE = 256, /* a verifier key as c2sp.org/signed-note writes it */
    CONTRACT_MAX_DISTINCT =
        65536, /* the largest limit of a distinct meter: each thing is remembered */
};

/* The largest limit of all: what the engine counts exactly (500 TB), with room for additions
 * that are taken back. */
#define CONTRACT_MAX_LIMIT UINT64_C(500000000000000)

enum mode { MODE_ENFORCE, MODE_OBSERVE }; /* the most cautious (greatest) of several wins */

enum language { LANGUAGE_FR, LANGUAGE_NL, LANGUAGE_DE, LANGUAGE_EN, LANGUAGE_COUNT };

/* Which process measures a meter and enforces its budgets. */
enum guard {
    GUARD_FRONT,
    GUARD_PACKET,
    GUARD_EGRESS,
    GUARD_FILES,
    GUARD_SIGNALS,
    GUARD_DESK,
    GUARD_COUNT
};

/*    constant          name in YAML        guard    unit     distinct  what one unit is */
#define METERS(X)                                                                                  \
    X(REQUESTS, "requests", FRONT, COUNT, false, "one HTTP request")                               \
    X(ORIGIN_REQUESTS, "origin_requests", FRONT, COUNT, false,                                     \
      "one HTTP request that reaches the origin")                                                  \
    X(PARCELS_READ, "parcels_read", FRONT, COUNT, true,                                            \
      "one parcel found, counted once however often it is read")                                   \
    X(PEOPLE_READ, "people_read", FRONT, COUNT, true, "one person's record read, counted once")    \
    X(LOGIN_FAILURES, "login_failures", FRONT, COUNT, false,                                       \
      "one sign-in that the origin refused")                                                       \
    X(PACKETS, "packets", PACKET, COUNT, false, "one packet received")                             \
    X(BYTES_OUT, "bytes_out", EGRESS, BYTES, false, "one byte that leaves, headers included")      \
    X(FILES_READ, "files_read", FILES, COUNT, true, "one file opened for reading, counted once")   \
    X(FILES_REWRITTEN, "files_rewritten", FILES, COUNT, true,                                      \
      "one existing file changed, counted once")

enum meter {
#define X(constant, ...) METER_##constant,
    METERS(X)
#undef X
        METER_COUNT
};

enum meter_unit { METER_UNIT_COUNT, METER_UNIT_BYTES };

/*    constant  name        who that is */
#define PRINCIPALS(X)                                                                              \
    X(CLIENT, "client", "a valid pass if one is shown, otherwise an address (IPv6: its /64)")      \
    X(NETWORK, "network", "a /24 (IPv6: a /48)")                                                   \
    X(ACCOUNT, "account", "a signed-in account of the service")                                    \
    X(HOST, "host",                                                                                \
      "a machine inside: its link address where one link is seen, else its IP address")            \
    X(PAIR, "pair", "a host and one destination")                                                  \
    X(USER, "user", "a user of the operating system or of a file share")                           \
    X(PROCESS, "process", "the process tree below the service or login session that started it")   \
    X(SHARE, "share", "everything done to one share")                                              \
    X(EVERYONE, "everyone", "all together; over it, the largest contributors are held")

enum principal_kind {
#define X(constant, ...) PRINCIPAL_##constant,
    PRINCIPALS(X)
#undef X
        PRINCIPAL_KIND_COUNT
};

/* What happens over a budget, mildest first. */
enum over { OVER_SLOW, OVER_CHALLENGE, OVER_HOLD };

/* Who began the connections whose bytes count. */
enum begun { BEGUN_INSIDE, BEGUN_OUTSIDE, BEGUN_ANY };

struct prefix { /* IPv4 as ::ffff:a.b.c.d, so `bits` of a /16 is 112 */
    uint8_t address[16];
    uint8_t bits;
};

struct prefix_list {
    uint32_t count;
    struct prefix prefix[CONTRACT_MAX_PREFIXES];
};

struct window {
    nanos_t span;
    uint64_t limit;
};

struct budget_rule {
    char name[CONTRACT_NAME_SIZE];
    enum meter meter;
    enum principal_kind per;
    enum over over;
    enum mode mode; /* MODE_OBSERVE here is for this budget alone */
    enum begun begun;
    int16_t route; /* index into routes, -1: every route */
    int16_t share; /* index into shares, -1: every share */
    int16_t trusted; /* index into trusted, -1: everybody who is not trusted */
    int16_t class; /* index into classes, CONTRACT_CLASS_UNLISTED, or CONTRACT_CLASS_ANY */
    uint32_t window_count;
    struct window window[CONTRACT_MAX_WINDOWS]; /* shortest first */
    nanos_t hold_for;                           /* 0 unless over == OVER_HOLD */
    uint32_t
        breaker; /* millionths of yesterday's principals in good standing that it may hold; default
                  * 50000, and 1000000, so never, where meter_is_continuity() does not hold */
    uint32_t line; /* in the file, for messages */
};

enum { CONTRACT_CLASS_ANY = -1, CONTRACT_CLASS_UNLISTED = -2 };

struct promise_rule {
    char name[CONTRACT_NAME_SIZE];
    int16_t route;    /* -1: not about a route */
    uint32_t success; /* millionths; 990000 is 99 % */
    nanos_t within;   /* an answer later than this is no success */
    nanos_t over;     /* the window it is measured over */
    bool statement; /* a promise about the first public statement: `within` counts from the start of
                       an incident */
    uint32_t line;
};

enum match { MATCH_EXACT, MATCH_PREFIX };

struct route_rule {
    char name[CONTRACT_NAME_SIZE];
    char method[16];               /* "" is any */
    char path[CONTRACT_PATH_SIZE]; /* without the trailing * of a prefix; "": named by
                                      `ecluse_route` only */
    enum match match;
    bool any_case; /* the path's ASCII letters; the method never */
    bool builtin;  /* api, tracking, home and (without a path) login: known without being written */
};

/* Parcel number formats: see tracking/parcel.h for what each checks. */
enum parcel_format_kind { FORMAT_S10, FORMAT_COLISSIMO, FORMAT_SSCC, FORMAT_DIGITS, FORMAT_ALNUM };

struct parcel_format {
    enum parcel_format_kind kind;
    uint8_t shortest, longest; /* of FORMAT_DIGITS and FORMAT_ALNUM */
};

struct source_rule { /* a feed of events that is trusted */
    char name[CONTRACT_NAME_SIZE];
    nanos_t silent_after; /* 0: never an alarm; else no event for that long is one */
    uint64_t
        usual_per_hour; /* 0: learned from the last 7 days; over 10 times as many is an alarm */
};

struct tracking_rules {
    bool present;
    uint32_t format_count;
    struct parcel_format format[CONTRACT_MAX_FORMATS];
    nanos_t stale_after;
    nanos_t ahead;  /* an event dated further in the future is refused; default 15 min */
    nanos_t before; /* an event older than the parcel's first by more than this is refused; default
                       60 d */
    uint32_t source_count; /* 0: any source is accepted */
    struct source_rule source[CONTRACT_MAX_SOURCES];
};

struct share_rule {
    char name[CONTRACT_NAME_SIZE];
    char path[CONTRACT_PATH_SIZE];
    uint64_t copy_up_to; /* bytes; for file systems without reflinks */
    uint64_t canaries;   /* files that nobody opens; 0: none */
};

/* A program that writes or reads much, on purpose: a database, a backup. Budgets with `where:
 * {trusted: NAME}` are its own, and no others count what it does. */
struct trusted_rule {
    char name[CONTRACT_NAME_SIZE];
    char executable[CONTRACT_PATH_SIZE];
    char user[CONTRACT_NAME_SIZE]; /* of the operating system: a name or a number */
};

struct vault_rules { /* past versions of files, of each share */
    uint64_t at_most;  /* bytes; 0: a fifth of the share's file system */
    uint64_t per_user; /* bytes; 0: a quarter of at_most */
    nanos_t keep;      /* default 30 d */
};

struct destination_class {
    char name[CONTRACT_NAME_SIZE];
    struct prefix_list to;
};

struct network_rules {
    bool present;
    char interface[16];
    bool attach_host;       /* attach: host (own uplink) or gateway (default) */
    uint64_t without_guard; /* bytes per second when user space is gone past its deadline; default 1
                               MB/s */
    struct prefix_list inside;
    uint32_t class_count;
    struct destination_class class[CONTRACT_MAX_CLASSES];
};

struct protected_rule {
    char name[CONTRACT_NAME_SIZE];
    struct prefix_list from;
};

struct witness_rule { /* who is asked for cosignatures of the audit log */
    char name[CONTRACT_NAME_SIZE];
    char url[CONTRACT_PATH_SIZE];
    char key[CONTRACT_KEY_SIZE];
};

struct audit_rules {
    char origin[CONTRACT_NAME_SIZE * 2]; /* "" when not written: the recorder makes one */
    uint32_t witness_count;
    struct witness_rule witness[CONTRACT_MAX_WITNESSES];
};

struct desk_rules {
    bool present;
    char listen[CONTRACT_ENDPOINT_SIZE]; /* "127.0.0.1:9443", "[::1]:9443" or "unix:/path" */
    char address[CONTRACT_PATH_SIZE];    /* how browsers reach it; "" when not written */
};

struct output_rules { /* "" wherever not written: that output is off */
    char metrics[CONTRACT_ENDPOINT_SIZE];
    char events[CONTRACT_PATH_SIZE];
    char syslog[CONTRACT_ENDPOINT_SIZE]; /* "unix:/dev/log", "udp:192.0.2.1:514" or "tcp:..." */
    char webhook[CONTRACT_PATH_SIZE];    /* a file (0600) that holds the URL */
    char mail[CONTRACT_PATH_SIZE];       /* a command that takes a message on its standard input */
    char heartbeat[CONTRACT_PATH_SIZE];  /* a file (0600) that holds the URL */
    nanos_t heartbeat_every;
};

struct pass_rules {
    char keys[CONTRACT_PATH_SIZE]; /* "": STATE/front/pass.keys (gate/keyring.h) */
    nanos_t rotate;                /* default 7 d */
};

struct keep_rules {      /* how long personal data is kept */
    nanos_t tracking;    /* default 180 d after a parcel's last event */
    nanos_t holds;       /* evidence of an ended hold; default 30 d */
    nanos_t audit_names; /* whom audit entries meant; default 365 d */
};

struct contract {
    char organisation[CONTRACT_NAME_SIZE * 2];
    uint32_t languages; /* bit 1 << enum language; all four by default */
    enum language
        first_language; /* of pages when a reader states no preference: the first in `languages` */
    enum mode mode;     /* MODE_ENFORCE unless written */
    char state[CONTRACT_PATH_SIZE];
    char runtime[CONTRACT_PATH_SIZE];
    struct tracking_rules tracking;
    struct network_rules network;
    uint32_t share_count;
    struct share_rule share[CONTRACT_MAX_SHARES];
    uint32_t trusted_count;
    struct trusted_rule trusted[CONTRACT_MAX_TRUSTED];
    struct vault_rules vault;
    struct prefix_list trusted_proxies;
    uint32_t protected_count;
    struct protected_rule protected[CONTRACT_MAX_PROTECTED];
    uint32_t route_count;
    struct route_rule route[CONTRACT_MAX_ROUTES];
    uint32_t promise_count;
    struct promise_rule promise[CONTRACT_MAX_PROMISES];
    uint32_t budget_count;
    struct budget_rule budget[CONTRACT_MAX_BUDGETS];
    struct keep_rules keep;
    struct audit_rules audit;
    struct desk_rules desk;
    struct output_rules outputs;
    struct pass_rules passes;
};

/* One mistake in a contract file. */
struct problem {
    uint32_t line, column; /* from 1 */
    char text[400];        /* what is wrong, and what is allowed */
};

struct problems {
    struct problem *problem; /* in the file's order; owned, see problems_free */
    size_t count;
};

void problems_free(struct problems *problems); /* takes an empty one */

/* Reads and checks a contract of at most 1 MiB. Returns 0 and fills *out, or -EINVAL with every
 * mistake in *problems (freed by the caller), or another negative errno with *error when the
 * file cannot be read. *out is untouched on failure. struct contract is large (about 0.5 MB):
 * allocate it. */
int contract_read(const char *path, struct contract *out, struct problems *problems,
                  struct error *error);
int contract_parse(const char *yaml, size_t length, struct contract *out,
                   struct problems *problems);

bool prefix_covers(const struct prefix *prefix, const uint8_t address[16]);

/* Whether any prefix of the list covers `address` (IPv4 mapped). A scan: lists are of a
 * configuration's size. */
bool prefix_list_covers(const struct prefix_list *list, const uint8_t address[16]);

/* Index of the protected entry that covers an address, or -1. */
int contract_protected(const struct contract *c, const uint8_t address[16]);

/* Route of a request: the first rule whose method and path match, or -1. Path without query
 * string, as nginx has normalised it. GET covers HEAD. Built-in routes come first; a route
 * without `match` is only ever named by nginx's `ecluse_route`. The same path to many an origin,
 * so the same here: with one slash more at its end, with parameters (`;a`, in any segment), with
 * blanks at its end. A rule with a `;` of its own takes paths as they are. */
int contract_route(const struct contract *c, struct text method, struct text path);

int contract_route_named(const struct contract *c, struct text name);  /* index or -1 */
int contract_budget_named(const struct contract *c, struct text name); /* index or -1 */

const char *meter_name(enum meter meter);
enum guard meter_guard(enum meter meter);
bool meter_is_enforced(enum meter meter); /* whether this release counts it; else its budgets are
                                             checked, and that is said */
/* Whether the contract needs a guard that this release has: the front unless all is about
 * others. */
bool contract_wants(const struct contract *c, enum guard guard);
/* Whether it enforces this budget: nobody knows of accounts yet. */
bool rule_is_enforced(const struct budget_rule *rule);
enum meter_unit meter_unit(enum meter meter);
bool meter_is_distinct(enum meter meter);
bool meter_is_continuity(
    enum meter meter); /* about being answered; else about what leaves or is destroyed */
const char *principal_name(enum principal_kind kind);
const char *guard_name(enum guard guard); /* "front", "packet", ... */
const char *mode_name(enum mode mode);
const char *over_name(enum over over);

#endif
