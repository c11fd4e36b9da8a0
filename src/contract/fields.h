/* fields.h: every field of a contract, once.
 *
 * From this table come the keys and values that the checker knows (read.c), docs/contract.md, the
 * JSON Schema
 * docs/contract.schema.json and the manual page ecluse.yaml(5) (all by `ecluse-fields`). A field is
 * added here,
 * and in struct contract, and nowhere else; what spans fields is a rule in check.h.
 *
 * Columns
 *   scope     the map in which it stands
 *   key       as written
 *   type      enum field_type: how its value is read, and described
 *   to        where the value goes: IN(struct, member), or the scope in which a map or list
 *             continues
 *   need      enum field_need
 *   fallback  the value taken when it is not written, as it would be written; NULL for none
 *   low high  of durations (nanoseconds), sizes (bytes), shares (millionths) and counts; 0 0: any
 *   example   a value as it would be written
 *   text      what it is, in one sentence or two
 *
 * The order is that of the reference page and that in which values are read: what is referred to
 * (routes, shares, classes) stands
 * before what refers to it.
 */
#ifndef ECLUSE_FIELDS_H
#define ECLUSE_FIELDS_H

#include "contract/contract.h"

#include <stddef.h>

enum field_type {
    TYPE_VERSION,   /* the form of the contract: 1 */
    TYPE_TITLE,     /* text of any kind, 127 bytes */
    TYPE_NAME,      /* text of any kind, 63 bytes */
    TYPE_WORD,      /* letters, digits, - and _: can stand in a directive and in `where` */
    TYPE_PATH,
    TYPE_INTERFACE,
    TYPE_ORIGIN,    /* a log's name: no spaces, no `+`; 127 bytes */
    TYPE_KEY,       /* a verifier key: NAME+ID+BASE64 */
    TYPE_URL,       /* http:// or https:// */
    TYPE_LISTEN,    /* ADDR:PORT or unix:/path */
    TYPE_SYSLOG,    /* unix:/path, udp:ADDR:PORT or tcp:ADDR:PORT */
    TYPE_MODE,      /* the next seven: one of a list of words */
    TYPE_OVER,
    TYPE_BEGUN,
    TYPE_ATTACH,
    TYPE_METER,
    TYPE_PRINCIPAL,
    TYPE_STATEMENT,
    TYPE_CASE,
    TYPE_DURATION,
    TYPE_SIZE,
    TYPE_RATE,
    TYPE_SHARE,     /* a share in per cent */
    TYPE_COUNT,
    TYPE_MATCH,     /* "POST /connexion", "/recherche*" */
    TYPE_LANGUAGES, /* lists of scalars */
    TYPE_FORMATS,
    TYPE_PREFIXES,
    TYPE_CLASSES,   /* a map of class names to lists of prefixes */
    TYPE_WINDOWS,   /* a map of durations to amounts */
    TYPE_ROUTE_REF, /* names that are defined elsewhere in the file */
    TYPE_SHARE_REF,
    TYPE_TRUSTED_REF,
    TYPE_CLASS_REF,
    TYPE_MAP,       /* goes on in another scope */
    TYPE_LIST,      /* a list of maps of another scope */
};

enum field_need {
    NEED_NO,
    NEED_YES,
    NEED_WITH_HOLD,         /* required with `over: hold`, refused without */
    NEED_ROUTE_OR_STATEMENT, /* exactly one of the fields of this need */
    NEED_WITH_ROUTE,        /* required with `route`, refused without */
};

enum field_scope {
    SCOPE_CONTRACT,
    SCOPE_ORGANISATION,
    SCOPE_TRACKING,
    SCOPE_SOURCE,
    SCOPE_NETWORK,
    SCOPE_FILES,
    SCOPE_FILE_SHARE,
    SCOPE_TRUSTED,
    SCOPE_VAULT,
    SCOPE_PROTECTED,
    SCOPE_ROUTE,
    SCOPE_KEEP,
    SCOPE_AUDIT,
    SCOPE_WITNESS,
    SCOPE_DESK,
    SCOPE_OUTPUTS,
    SCOPE_PASSES,
    SCOPE_PROMISE,
    SCOPE_BUDGET,
    SCOPE_WHERE,
    SCOPE_COUNT,
};

#define IN(structure, member) offsetof(struct structure, member), SCOPE_COUNT
#define HERE(scope)           0, SCOPE_##scope /* goes on in another scope, on the same struct */
#define AT(structure, member, scope) offsetof(struct structure, member), SCOPE_##scope
#define NOWHERE               0, SCOPE_COUNT

#define CONTRACT_FIELDS(X)                                                                        \
    X(CONTRACT, "ecluse", VERSION, NOWHERE, YES, NULL, 0, 0, "1",                                 \
      "The form of the contract that the file is written in. There is one so far.")               \
    X(CONTRACT, "organisation", MAP, HERE(ORGANISATION), NO, NULL, 0, 0, NULL,                    \
      "Whose service this is: shown on the pages that customers see.")                            \
    X(ORGANISATION, "name", TITLE, IN(contract, organisation), YES, NULL, 0, 0,                   \
      "\"Poste d'exemple\"", "The name that customers know.")                                     \
    X(ORGANISATION, "languages", LANGUAGES, IN(contract, languages), NO, "[fr, nl, de, en]", 0,   \
      0, "[nl, fr]",                                                                              \
      "The languages of its pages. The first is used when a reader states no preference.")        \
    X(CONTRACT, "mode", MODE, IN(contract, mode), NO, "enforce", 0, 0, "observe",                 \
      "Whether verdicts are carried out, or only decided and recorded. The most cautious of "     \
      "this, of a budget's own `mode` and of nginx's `ecluse` directive wins.")                   \
    X(CONTRACT, "state", PATH, IN(contract, state), NO, "/var/lib/ecluse", 0, 0,                  \
      "/var/lib/ecluse",                                                                          \
      "The directory of what must survive a restart: counts of long windows, the parcel "         \
      "store, the audit log.")                                                                    \
    X(CONTRACT, "runtime", PATH, IN(contract, runtime), NO, "/run/ecluse", 0, 0, "/run/ecluse",   \
      "The directory of what guards share while they run. It may be lost at a reboot.")           \
    X(CONTRACT, "tracking", MAP, AT(contract, tracking, TRACKING), NO, NULL, 0, 0, NULL,          \
      "Parcel tracking answered from Ecluse's own store.")                                        \
    X(TRACKING, "formats", FORMATS, AT(tracking_rules, format, COUNT), YES, NULL, 0, 0,           \
      "[s10, colissimo, sscc]",                                                                   \
      "Which parcel numbers can exist at all. What has another form, or a wrong check digit, "    \
      "is refused before anything is looked up.")                                                 \
    X(TRACKING, "stale_after", DURATION, IN(tracking_rules, stale_after), NO, "24h",              \
      NANOS_MINUTE, 366 * NANOS_DAY, "24h", "An answer older than this says so.")                 \
    X(TRACKING, "ahead", DURATION, IN(tracking_rules, ahead), NO, "15m", 0, 7 * NANOS_DAY,        \
      "15m", "An event dated further in the future than this is refused.")                        \
    X(TRACKING, "before", DURATION, IN(tracking_rules, before), NO, "60d", NANOS_HOUR,            \
      3660 * NANOS_DAY, "60d",                                                                    \
      "An event that is older than the parcel's first one by more than this is refused.")         \
    X(TRACKING, "sources", LIST, AT(tracking_rules, source, SOURCE), NO, NULL, 0, 0, NULL,        \
      "The feeds of events that are trusted. When the list is there, an event must name one "     \
      "of them as its `source`.")                                                                 \
    X(SOURCE, "name", NAME, IN(source_rule, name), YES, NULL, 0, 0, "roissy",                     \
      "What the events of this feed carry as `source`.")                                          \
    X(SOURCE, "silent_after", DURATION, IN(source_rule, silent_after), NO, NULL, NANOS_MINUTE,    \
      366 * NANOS_DAY, "6h",                                                                      \
      "A feed without an event for this long is an alarm. Without it, silence is none.")          \
    X(SOURCE, "usual_per_hour", COUNT, IN(source_rule, usual_per_hour), NO, NULL, 1,              \
      1000000000000, "20000",                                                                     \
      "How many events an hour are usual; ten times as many are an alarm. Without it, it is "     \
      "learned from the last seven days.")                                                        \
    X(CONTRACT, "network", MAP, AT(contract, network, NETWORK), NO, NULL, 0, 0, NULL,             \
      "What leaves through a network interface, and where it may go. Each class of "              \
      "destinations, and `unlisted`, needs a budget of `bytes_out`: a way out without a limit "   \
      "is an error.")                                                                             \
    X(NETWORK, "inside", PREFIXES, IN(network_rules, inside), YES, NULL, 0, 0, "[10.1.0.0/16]",   \
      "The addresses of the machines whose bytes are counted.")                                   \
    X(NETWORK, "interface", INTERFACE, IN(network_rules, interface), YES, NULL, 0, 0, "lan0",     \
      "The network interface at which bytes are counted and stopped.")                            \
    X(NETWORK, "attach", ATTACH, IN(network_rules, attach_host), NO, "gateway", 0, 0, "host",     \
      "What the interface is: the inside of a gateway, where other machines' bytes arrive, or "   \
      "this host's own uplink.")                                                                  \
    X(NETWORK, "without_guard", RATE, IN(network_rules, without_guard), NO, "1MB/s", 1000,        \
      1000000000000, "1MB/s",                                                                     \
      "What may still leave, all together, when the process that refills allowances has been "    \
      "gone past its deadline. Never unlimited, or stopping the guard would be the thief's "      \
      "key.")                                                                                     \
    X(NETWORK, "destinations", CLASSES, AT(network_rules, class, COUNT), NO, NULL, 0, 0,          \
      "{backup: [10.9.0.5]}",                                                                     \
      "Classes of destinations by name. The longest prefix wins; an address that is in none "     \
      "is `unlisted`.")                                                                           \
    X(CONTRACT, "files", MAP, HERE(FILES), NO, NULL, 0, 0, NULL,                                  \
      "The file shares that are guarded.")                                                        \
    X(FILES, "shares", LIST, AT(contract, share, FILE_SHARE), YES, NULL, 0, 0, NULL,              \
      "The shares. Each is a mount of its own, and none holds the machine's root file system.")   \
    X(FILE_SHARE, "name", WORD, IN(share_rule, name), YES, NULL, 0, 0, "exchange",                \
      "How budgets call it.")                                                                     \
    X(FILE_SHARE, "path", PATH, IN(share_rule, path), YES, NULL, 0, 0, "/srv/exchange",           \
      "Where it is mounted.")                                                                     \
    X(FILE_SHARE, "copy_up_to", SIZE, IN(share_rule, copy_up_to), NO, "64MB", 0,                  \
      UINT64_C(1) << 44, "64MB",                                                                  \
      "On file systems without reflinks: the largest file of which a copy is kept before it "     \
      "is rewritten. Larger ones are not covered.")                                               \
    X(FILE_SHARE, "canaries", COUNT, IN(share_rule, canaries), NO, "8", 0, 64, "8",               \
      "How many files that nobody has a reason to open are laid out in the share, hidden, with "  \
      "`ecluse files canaries place`. Who opens one has smaller budgets for an hour; who opens "  \
      "two in different directories is held. 0: none.")                                           \
    X(FILES, "trusted", LIST, AT(contract, trusted, TRUSTED), NO, NULL, 0, 0, NULL,               \
      "Programs that read or rewrite much on purpose: a database, a backup. Each needs budgets "  \
      "of its own, for `files_read` and for `files_rewritten`, with `where: {trusted: NAME}`; no " \
      "others count what it does.")                                                               \
    X(TRUSTED, "name", WORD, IN(trusted_rule, name), YES, NULL, 0, 0, "database",                 \
      "How budgets call it.")                                                                     \
    X(TRUSTED, "executable", PATH, IN(trusted_rule, executable), YES, NULL, 0, 0,                 \
      "/usr/lib/postgresql/15/bin/postgres",                                                      \
      "The program's file. Never an interpreter: whatever it runs would be trusted.")             \
    X(TRUSTED, "user", NAME, IN(trusted_rule, user), YES, NULL, 0, 0, "postgres",                 \
      "The user as whom it reads and writes: a name, or a number.")                               \
    X(FILES, "vault", MAP, AT(contract, vault, VAULT), NO, NULL, 0, 0, NULL,                      \
      "What is kept of files that were rewritten or removed, of each share. A file's last "       \
      "version is kept whatever stands here.")                                                    \
    X(VAULT, "at_most", SIZE, IN(vault_rules, at_most), NO, NULL, UINT64_C(1) << 20,              \
      UINT64_C(1) << 50, "200GB",                                                                 \
      "How much room past versions take in all. Without it, a fifth of the share's file system.") \
    X(VAULT, "per_user", SIZE, IN(vault_rules, per_user), NO, NULL, UINT64_C(1) << 20,             \
      UINT64_C(1) << 50, "50GB",                                                                  \
      "How much of it the acts of one user take. Who is over it loses the past versions that he " \
      "wrote himself, and when that does not do, may write no more; nobody else is touched. "     \
      "Without it, a quarter of `at_most`.")                                                      \
    X(VAULT, "keep", DURATION, IN(vault_rules, keep), NO, "30d", NANOS_HOUR, 3660 * NANOS_DAY,    \
      "30d", "How long past versions are kept.")                                                  \
    X(CONTRACT, "trusted_proxies", PREFIXES, IN(contract, trusted_proxies), NO, NULL, 0, 0,       \
      "[192.0.2.10]",                                                                             \
      "Load balancers and proxies whose X-Forwarded-For is believed. The client is the last "     \
      "address before them.")                                                                     \
    X(CONTRACT, "protected", LIST, AT(contract, protected, PROTECTED), NO, NULL, 0, 0, NULL,      \
      "Who is never held for the sake of continuity: depot scanners, partners' systems. What "    \
      "leaves or is destroyed stays limited for them too.")                                       \
    X(PROTECTED, "name", NAME, IN(protected_rule, name), YES, NULL, 0, 0, "depot scanners",       \
      "Who they are.")                                                                            \
    X(PROTECTED, "from", PREFIXES, IN(protected_rule, from), YES, NULL, 0, 0, "[10.20.0.0/16]",   \
      "Their addresses.")                                                                         \
    X(CONTRACT, "routes", LIST, AT(contract, route, ROUTE), NO, NULL, 0, 0, NULL,                 \
      "Names for parts of the service, for budgets and promises. `api`, `tracking`, `home` "      \
      "and `login` are known without being written; `login` may be listed to say where it is. "   \
      "The first that matches counts.")                                                           \
    X(ROUTE, "name", WORD, IN(route_rule, name), YES, NULL, 0, 0, "login",                        \
      "How budgets and promises call it.")                                                        \
    X(ROUTE, "match", MATCH, IN(route_rule, path), NO, NULL, 0, 0, "\"POST /connexion\"",         \
      "A method (or none, for any) and a path without query string; a `*` at its end stands "     \
      "for anything. As origins do, it takes for the same path one that has a slash more or "     \
      "less at its end, parameters behind `;` in any segment (`/connexion;a`) or blanks at its "  \
      "end (`/connexion%20`). Without `match`, the route is what nginx's directive "              \
      "`ecluse_route` says it is.")                                                               \
    X(ROUTE, "case", CASE, IN(route_rule, any_case), NO, "exact", 0, 0, "any",                    \
      "Whether the path's letters count as they are written. Write `any` where the origin "       \
      "answers `/Connexion` as it answers `/connexion` (IIS and Express do, unless told "         \
      "otherwise), or a budget on the route is escaped with a capital letter.")                   \
    X(CONTRACT, "keep", MAP, AT(contract, keep, KEEP), NO, NULL, 0, 0, NULL,                      \
      "How long personal data is kept: parcel numbers and addresses are personal data in law.")   \
    X(KEEP, "tracking", DURATION, IN(keep_rules, tracking), NO, "180d", NANOS_HOUR,               \
      3660 * NANOS_DAY, "180d", "A parcel's history, counted from its last event.")               \
    X(KEEP, "holds", DURATION, IN(keep_rules, holds), NO, "30d", NANOS_HOUR, 3660 * NANOS_DAY,    \
      "30d", "The evidence of a hold, counted from its end.")                                     \
    X(KEEP, "audit_names", DURATION, IN(keep_rules, audit_names), NO, "365d", NANOS_DAY,          \
      3660 * NANOS_DAY, "365d",                                                                   \
      "Whom an entry of the audit log meant. Afterwards nobody can tell; the entry stands.")      \
    X(CONTRACT, "audit", MAP, AT(contract, audit, AUDIT), NO, NULL, 0, 0, NULL,                   \
      "The audit log. It is kept with or without this section.")                                  \
    X(AUDIT, "origin", ORIGIN, IN(audit_rules, origin), NO, NULL, 0, 0, "poste.example/ecluse",   \
      "The log's name in the world, and its key's. Without it, one is made from the "             \
      "organisation's name. It cannot be changed later without beginning a new log.")             \
    X(AUDIT, "witnesses", LIST, AT(audit_rules, witness, WITNESS), NO, NULL, 0, 0, NULL,          \
      "Who is asked to cosign each checkpoint, so that a log that was rolled back shows.")        \
    X(WITNESS, "name", NAME, IN(witness_rule, name), YES, NULL, 0, 0, "regulator",                \
      "Who it is.")                                                                               \
    X(WITNESS, "url", URL, IN(witness_rule, url), YES, NULL, 0, 0, "https://witness.example/log", \
      "The submission prefix of its service (c2sp.org/tlog-witness).")                            \
    X(WITNESS, "key", KEY, IN(witness_rule, key), YES, NULL, 0, 0,                                \
      "witness.example/w1+a5f0c3d2+BNzQw3Qv1s8UfV1V2hJ2b3mJv5b0kq0fJ2tGm9nT0s1p",                 \
      "Its verifier key, as it publishes it.")                                                    \
    X(CONTRACT, "desk", MAP, AT(contract, desk, DESK), NO, NULL, 0, 0, NULL,                      \
      "The operators' desk: a page and an HTTP interface.")                                       \
    X(DESK, "listen", LISTEN, IN(desk_rules, listen), NO, "127.0.0.1:9443", 0, 0,                 \
      "127.0.0.1:9443",                                                                           \
      "Where it answers, in plain HTTP: put TLS before it, with an nginx of its own.")            \
    X(DESK, "address", URL, IN(desk_rules, address), NO, NULL, 0, 0, "https://desk.poste.example", \
      "How browsers reach it, for links in alarms. Over https, its cookies are marked so.")       \
    X(CONTRACT, "outputs", MAP, AT(contract, outputs, OUTPUTS), NO, NULL, 0, 0, NULL,             \
      "Where other programs hear of what happens. Each is off unless it is written.")             \
    X(OUTPUTS, "metrics", LISTEN, IN(output_rules, metrics), NO, NULL, 0, 0, "127.0.0.1:9464",    \
      "Where Prometheus may fetch figures.")                                                      \
    X(OUTPUTS, "events", PATH, IN(output_rules, events), NO, NULL, 0, 0,                          \
      "/var/log/ecluse/eve.json",                                                                 \
      "A file of one-line JSON events, in Suricata's EVE form with ECS field names.")             \
    X(OUTPUTS, "syslog", SYSLOG, IN(output_rules, syslog), NO, NULL, 0, 0, "unix:/dev/log",       \
      "Where RFC 5424 messages go.")                                                              \
    X(OUTPUTS, "webhook", PATH, IN(output_rules, webhook), NO, NULL, 0, 0,                        \
      "/etc/ecluse/webhook.url",                                                                  \
      "A file, readable by its owner only, that holds the URL to which alarms are posted.")       \
    X(OUTPUTS, "mail", PATH, IN(output_rules, mail), NO, NULL, 0, 0, "/etc/ecluse/mail-alarm",    \
      "A command that takes an alarm as a mail message on its standard input.")                   \
    X(OUTPUTS, "heartbeat", PATH, IN(output_rules, heartbeat), NO, NULL, 0, 0,                    \
      "/etc/ecluse/heartbeat.url",                                                                \
      "A file, readable by its owner only, that holds the URL of a dead man's switch outside.")   \
    X(OUTPUTS, "heartbeat_every", DURATION, IN(output_rules, heartbeat_every), NO, "1m",          \
      10 * NANOS_SECOND, NANOS_DAY, "1m", "How often it is told that all is well.")               \
    X(CONTRACT, "passes", MAP, AT(contract, passes, PASSES), NO, NULL, 0, 0, NULL,                 \
      "The signed cookies by which the front tells customers apart, and clients' keys.")          \
    X(PASSES, "keys", PATH, IN(pass_rules, keys), NO, NULL, 0, 0,                                 \
      "/var/lib/ecluse/front/pass.keys",                                                          \
      "The file of the keys that passes are signed with; beside it lie those of clients. By "     \
      "default `front/pass.keys` in `state`. Fronts that are given the same file accept each "    \
      "other's passes.")                                                                          \
    X(PASSES, "rotate", DURATION, IN(pass_rules, rotate), NO, "7d", NANOS_DAY, 366 * NANOS_DAY,   \
      "7d",                                                                                       \
      "How long one key signs. The next is in the file as long before; passes outlive the "       \
      "change.")                                                                                  \
    X(CONTRACT, "promises", LIST, AT(contract, promise, PROMISE), NO, NULL, 0, 0, NULL,           \
      "What must keep working, and is measured.")                                                 \
    X(PROMISE, "name", NAME, IN(promise_rule, name), YES, NULL, 0, 0, "tracking answers",         \
      "How it is called.")                                                                        \
    X(PROMISE, "route", ROUTE_REF, IN(promise_rule, route), ROUTE_OR_STATEMENT, NULL, 0, 0,       \
      "tracking", "The part of the service that is promised.")                                    \
    X(PROMISE, "statement", STATEMENT, IN(promise_rule, statement), ROUTE_OR_STATEMENT, NULL, 0,  \
      0, "first",                                                                                 \
      "Instead of a route: the first public statement after the start of an incident.")           \
    X(PROMISE, "within", DURATION, IN(promise_rule, within), YES, NULL, NANOS_MILLISECOND,        \
      30 * NANOS_DAY, "300ms",                                                                    \
      "How long an answer, or the statement, may take. A later answer is no success.")            \
    X(PROMISE, "success", SHARE, IN(promise_rule, success), WITH_ROUTE, NULL, 500000, 1000000,    \
      "99%",                                                                                      \
      "The share of answers that are given in time, in per cent of all of them. A status of 500 "  \
      "or more counts as one that failed, a challenge or a turn away from a full origin (503) "    \
      "too; a 404 for a number that nobody knows was answered. A request that is refused over a "  \
      "budget (status 429, or the connection closed) is no answer and is not counted: `refused` "  \
      "in `ecluse status` is.")                                                                    \
    X(PROMISE, "over", DURATION, IN(promise_rule, over), WITH_ROUTE, NULL, NANOS_MINUTE,          \
      31 * NANOS_DAY, "5m", "The window over which that share is measured.")                      \
    X(CONTRACT, "budgets", LIST, AT(contract, budget, BUDGET), NO, NULL, 0, 0, NULL,              \
      "What may be spent or lost at most, and is enforced.")                                      \
    X(BUDGET, "name", NAME, IN(budget_rule, name), YES, NULL, 0, 0, "bulk theft",                 \
      "How it is called. Counts are kept under this name when the contract changes.")             \
    X(BUDGET, "meter", METER, IN(budget_rule, meter), YES, NULL, 0, 0, "bytes_out",               \
      "What is counted.")                                                                         \
    X(BUDGET, "per", PRINCIPAL, IN(budget_rule, per), YES, NULL, 0, 0, "host",                    \
      "Who is charged.")                                                                          \
    X(BUDGET, "where", MAP, HERE(WHERE), NO, NULL, 0, 0, NULL,                                    \
      "Which part of it counts. Without it, all of it.")                                          \
    X(WHERE, "route", ROUTE_REF, IN(budget_rule, route), NO, NULL, 0, 0, "login",                 \
      "For what the front counts: one route, built in or listed.")                                \
    X(WHERE, "share", SHARE_REF, IN(budget_rule, share), NO, NULL, 0, 0, "exchange",              \
      "For files: one share.")                                                                    \
    X(WHERE, "trusted", TRUSTED_REF, IN(budget_rule, trusted), NO, NULL, 0, 0, "database",        \
      "For files: one trusted program. Without it, everybody who is not trusted.")                \
    X(WHERE, "to", CLASS_REF, IN(budget_rule, class), NO, NULL, 0, 0, "unlisted",                 \
      "For bytes_out: one class of destinations, or `unlisted`.")                                 \
    X(BUDGET, "begun", BEGUN, IN(budget_rule, begun), NO, "inside", 0, 0, "inside",               \
      "For bytes_out: on connections begun by whom. What answers a connection begun outside "     \
      "is `outside`.")                                                                            \
    X(BUDGET, "at_most", WINDOWS, AT(budget_rule, window, COUNT), YES, NULL, 0, 0,                \
      "{1h: 200MB, 1d: 500MB}",                                                                   \
      "The limit over each window of time. All hold at once, and the windows slide.")             \
    X(BUDGET, "over", OVER, IN(budget_rule, over), YES, NULL, 0, 0, "hold",                       \
      "What happens over the limit.")                                                             \
    X(BUDGET, "hold_for", DURATION, IN(budget_rule, hold_for), WITH_HOLD, NULL, NANOS_SECOND,     \
      30 * NANOS_DAY, "4h", "How long a hold lasts, unless it is released before.")               \
    X(BUDGET, "mode", MODE, IN(budget_rule, mode), NO, "enforce", 0, 0, "observe",                \
      "`observe` tries out this budget alone: it is counted and recorded, and changes nothing.")  \
    X(BUDGET, "breaker", SHARE, IN(budget_rule, breaker), NO, "5%", 1000, 1000000, "5%",          \
      "If the budget would hold more than this share of the principals that were in good "        \
      "standing yesterday, it stops only who is four times over a limit, with an alarm.")

struct field {
    enum field_scope scope;
    const char *key;
    enum field_type type;
    size_t offset;
    enum field_scope into; /* SCOPE_COUNT: a value */
    enum field_need need;
    const char *fallback;
    uint64_t low, high;
    const char *example;
    const char *text;
};

extern const struct field FIELDS[];
extern const size_t FIELD_COUNT;

/* The words that a field of a type may hold, ended by NULL; NULL for types that are no choice. */
const char *const *type_words(enum field_type type);
/* What each of them means, in the same order. */
const char *const *type_meanings(enum field_type type);

/* "network.destinations", "budgets[].where.to": the section of a scope, "" for the whole; and its
 * struct's size. */
const char *scope_path(enum field_scope scope);
size_t scope_size(enum field_scope scope);

/* The routes that are known without being written. `login` has no path until `routes` gives it
 * one: every service with accounts has such a route and none the same path, and budgets may name
 * it from the first day. */
#define BUILTIN_ROUTES(X)                                                                         \
    X("api", "GET", "/suivi/v2/idships/", MATCH_PREFIX, "a parcel's history for programs")        \
    X("tracking", "GET", "/suivi/", MATCH_PREFIX, "a parcel's page")                              \
    X("home", "GET", "/", MATCH_EXACT, "the page with the search form")                           \
    X("login", "", "", MATCH_EXACT,                                                               \
      "signing in: where that is, `routes` or nginx's `ecluse_route login` says")

enum { BUILTIN_ROUTE_COUNT = 4 };

#endif
