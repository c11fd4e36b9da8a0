/* cli.h: the command `ecluse`, for people at a terminal and for programs.
 *
 * Life        main() reads the words of the command line against the two tables below
 *             (arguments.h), calls one command_NAME(), and exits with what it returns.
 * Lists       COMMANDS and OPTIONS are the only lists: help, usage errors, completion of mistyped
 *             names, the manual page's and docs/commands.md's sections (`ecluse help --mdoc`,
 *             `--markdown`) all come from them.
 * Results     people get aligned text on standard output; --json gives one JSON object there
 *             instead, with the keys that docs/commands.md lists. Progress, warnings and errors go
 *             to standard error.
 * Exit        0 done; 1 done, with rejects, a promise broken or (--alarms) an alarm; 2 could not.
 * Errors      "ecluse: what is wrong; what to do". A bad contract: FILE:LINE:COLUMN: lines, every
 *             mistake.
 *
 * output.h      tables, colours, sizes and durations as people read them, JSON
 * progress.h    the bar for whatever takes over a second
 * arguments.h   the words of the command line
 * situation.h   what runs now: the control page, the live contract, the front's segment
 * rights.h      giving up rights: another user, no new privileges, seccomp, Landlock
 * directories.h the folders under `state` and `runtime`, their owners and modes
 * reload.h      a changed contract: offered, prepared, taken up or rolled back
 * key_turn.h    the keys of passes, made and rotated
 * keeper.h      the child of `ecluse run` that expires parcels
 * desk_child.h  the child of `ecluse run` that is the operators' desk
 * recorder_child.h  the child of `ecluse run` that writes the audit log
 * egress_child.h    the child of `ecluse run` that counts and stops bytes out
 * cosign.h      its side of the witnesses; asker.h: the processes that carry requests to them
 * audit_view.h  `ecluse audit`: its verbs, and how entries are shown; audit_wish.h: which are meant
 * record.h      what commands put on the record, before they do it; chronicle.h: the supervisor
 * unrecorded.h  what was set up before there was a log
 * difference.h  what changes from one contract to the next, and whether it allows more
 * sync.h        the thread of `ecluse run` that makes counts durable
 * children.h    the processes that `ecluse run` starts: one row each
 * child.h       a child process that is started again when it dies
 * evidence_view.h  what a hold of bytes out rests on
 * notify.h      telling systemd how we are
 * status_text.h what `status` found (status/status.h), for a terminal
 * files_view.h  `ecluse files`: which vaults, and what is shown of them
 * hold_text.h   why a hold began, in words
 * typed_time.h  a time as people type it
 * store_look.h  the store, looked at by a child that it may kill
 * nginx_conf.h  the configuration that `ecluse serve` writes
 * serve_parts.h what `ecluse serve` needs of the machine
 */
#ifndef ECLUSE_CLI_H
#define ECLUSE_CLI_H

#include "base/base.h"

#include <stdbool.h>
#include <stddef.h>

enum exit_status { EXIT_DONE = 0, EXIT_PARTLY = 1, EXIT_COULD_NOT = 2 };

/*    constant   letter  name         value            what it does */
#define OPTIONS(X)                                                                                 \
    X(CONTRACT, 'c', "contract", "FILE",                                                           \
      "the contract (default: the environment's ECLUSE_CONTRACT, or /etc/ecluse/ecluse.yaml)")     \
    X(RUNTIME, 0, "runtime", "DIR",                                                                \
      "the runtime folder, instead of the one that the contract names")                            \
    X(JSON, 0, "json", NULL, "one JSON object instead of text")                                    \
    X(LANG, 0, "lang", "fr|en", "the language of the sentences (en)")                              \
    X(WATCH, 0, "watch", NULL, "show again every second until Ctrl-C")                             \
    X(ALARMS, 0, "alarms", NULL,                                                                   \
      "the alarms alone; exit status 1 while one is on: for cron and monitoring")                  \
    X(OFF, 0, "off", NULL, "end the panic")                                                        \
    X(FORMAT, 0, "format", "auto|epcis|ndjson|csv|suivi", "the form of the feed (auto)")           \
    X(REJECTS, 0, "rejects", "FILE", "where to write the place and reason of each refused event")  \
    X(LISTEN, 0, "listen", "ADDR:PORT", "where to answer (127.0.0.1:8080)")                        \
    X(ORIGIN, 0, "origin", "URL",                                                                  \
      "the service behind, as http://HOST[:PORT] or https://HOST[:PORT]")                          \
    X(DIR, 0, "dir", "DIR", "")                                                                    \
    X(WORKERS, 0, "workers", "N", "nginx workers (one a processor)")                               \
    X(MODULE, 0, "module", "PATH", "ngx_http_ecluse_module.so")                                    \
    X(WITHOUT_RECORD, 0, "without-record", NULL,                                                   \
      "do it even though the audit log cannot be written now; syslog is told")                     \
    X(KEY, 0, "key", "FILE",                                                                       \
      "verifier keys of the log, one a line; of `audit witness`: its own secret key")              \
    X(COSIGNED, 0, "cosigned", "FILE", "a checkpoint of the log that was kept elsewhere")          \
    X(WITNESS, 0, "witness", "FILE",                                                               \
      "verifier keys of the witnesses whose cosignature on it counts")                             \
    X(LOG, 0, "log", "FILE", "verifier keys of the logs to witness; `witness` needs it")           \
    X(LINES, 'n', "lines", "N", "how many entries (20)")                                           \
    X(FOLLOW, 'f', "follow", NULL, "go on with those to come, until Ctrl-C")                       \
    X(FROM, 0, "from", "TIME", "of this time or later, in UTC")                                    \
    X(TO, 0, "to", "TIME|DIR", "")                                                                 \
    X(KIND, 0, "kind", "KIND", "of this kind")                                                     \
    X(HOLD, 0, "hold", "HOLD", "about this hold")                                                  \
    X(SINCE, 0, "since", "TIME",                                                                   \
      "what happened since then: 2026-11-20T14:03:00Z, 14:03 in UTC, or 2h ago")                   \
    X(PATH, 0, "path", "PATH", "this file, or all below this folder of a share")                   \
    X(DRY_RUN, 0, "dry-run", NULL, "say what would be done, and do nothing")                       \
    X(YES, 0, "yes", NULL, "yes to every question")                                                \
    X(OUTPUT, 'o', "output", "FILE",                                                               \
      "where `export` writes, which needs it; - is standard output")                               \
    X(MDOC, 0, "mdoc", NULL, "the lists for the manual page")                                      \
    X(MARKDOWN, 0, "markdown", NULL, "the lists for docs/commands.md")                             \
    X(ROLE, 0, "role", "see|release|administer", "what an operator may do")                        \
    X(PASSWORD_FILE, 0, "password-file", "FILE",                                                   \
      "the first line is the operator's password, instead of asking on the terminal")              \
    X(NAME, 0, "name", "NAME", "whose key it is; `issue` needs it")                                \
    X(LANE, 0, "lane", "LANE", "")                                                                 \
    X(HELP, 'h', "help", NULL, "what the command does, and its options")

enum option {
#define X(constant, ...) OPTION_##constant,
    OPTIONS(X)
#undef X
        OPTION_COUNT
};

/* What one command means by an option that another means otherwise; NULL: as above. MUST: it does
 * nothing without. */
#define OPTION_USES(X)                                                                             \
    X(serve, ORIGIN, MUST, NULL, NULL)                                                             \
    X(serve, DIR, MUST, NULL,                                                                      \
      "where nginx's configuration and files go; it is made where there is none")                  \
    X(audit, DIR, MAY, NULL,                                                                       \
      "a copy of a log, instead of the contract's; what `witness` keeps, which needs it")          \
    X(audit, LISTEN, MAY, NULL, "where `witness` answers, which needs it")                         \
    X(audit, TO, MAY, "TIME", "before this time, in UTC")                                          \
    X(files, TO, MAY, "DIR", "a folder to put the files in, instead of where they were")           \
    X(files, HOLD, MAY, NULL, "what was destroyed by who was held then")                           \
    X(serve, LANE, MAY, "LANE",                                                                    \
      "a lane to open, as NAME=ADDR:PORT[,cert=FILE,key=FILE[,ca=FILE]]")                          \
    X(key, LANE, MAY, NULL, "the lane that the key may use")

#define WITH(constant) (UINT64_C(1) << OPTION_##constant)

enum { OPERANDS_MANY = 1000000 };

/*    function  name       operands             least  most  options */
#define COMMANDS(X)                                                                                \
    X(check, "check", "[FILE]", 0, 1, WITH(CONTRACT) | WITH(JSON) | WITH(LANG),                    \
      "say every mistake in a contract, or the largest loss that it allows")                       \
    X(explain, "explain", "[FILE]", 0, 1, WITH(CONTRACT) | WITH(LANG) | WITH(JSON),                \
      "say a contract in plain sentences, for the person who signs it")                            \
    X(run, "run", "", 0, 0, WITH(CONTRACT),                                                        \
      "publish the contract and look after the guards, until SIGTERM")                             \
    X(serve, "serve", "", 0, 0,                                                                    \
      WITH(CONTRACT) | WITH(LISTEN) | WITH(ORIGIN) | WITH(DIR) | WITH(WORKERS) | WITH(MODULE) |    \
          WITH(LANE),                                                                              \
      "start nginx with the module, and `ecluse run`, for those without an nginx of their own")    \
    X(ingest, "ingest", "[FILE...]", 0, OPERANDS_MANY,                                             \
      WITH(CONTRACT) | WITH(FORMAT) | WITH(REJECTS) | WITH(JSON),                                  \
      "read feeds of parcel events into the store; - or no FILE is standard input")                \
    X(replay, "replay", "INPUT...", 1, OPERANDS_MANY, WITH(CONTRACT) | WITH(JSON),                 \
      "say what would have been held and would have left in captures and flow logs; - is "         \
      "standard input")                                                                            \
    X(status, "status", "", 0, 0,                                                                  \
      WITH(CONTRACT) | WITH(RUNTIME) | WITH(JSON) | WITH(WATCH) | WITH(ALARMS),                    \
      "show alarms, promises, budgets, guards, feeds and the store")                               \
    X(holds, "holds", "", 0, 0, WITH(CONTRACT) | WITH(RUNTIME) | WITH(JSON),                       \
      "list who is held now, and until when")                                                      \
    X(why, "why", "HOLD|CLIENT", 1, 1, WITH(CONTRACT) | WITH(RUNTIME) | WITH(JSON),                \
      "say why a hold began, or what an address, pass, key or user has spent and meets")           \
    X(release, "release", "HOLD...|all", 1, OPERANDS_MANY,                                         \
      WITH(CONTRACT) | WITH(RUNTIME) | WITH(JSON) | WITH(WITHOUT_RECORD),                          \
      "end a hold now; nothing that was counted is refunded")                                      \
    X(waves, "waves", "[forget SHAPE|all]", 0, 2, WITH(CONTRACT) | WITH(RUNTIME) | WITH(JSON),     \
      "list past floods, and what is known of them when they return")                              \
    X(panic, "panic", "", 0, 0,                                                                    \
      WITH(CONTRACT) | WITH(RUNTIME) | WITH(OFF) | WITH(JSON) | WITH(WITHOUT_RECORD),              \
      "put every budget in observe within a second: nobody is refused until panic --off")          \
    X(detach, "detach", "[INTERFACE]", 0, 1,                                                       \
      WITH(CONTRACT) | WITH(RUNTIME) | WITH(JSON) | WITH(WITHOUT_RECORD),                          \
      "take the programs that count and stop bytes out off an interface, which they outlive")      \
    X(files, "files", "list|restore|canaries|opened", 1, 2,                                        \
      WITH(CONTRACT) | WITH(JSON) | WITH(HOLD) | WITH(SINCE) | WITH(PATH) | WITH(DRY_RUN) |        \
          WITH(YES) | WITH(TO),                                                                    \
      "list what the vaults of shares keep, and put files back: those of a hold, since a time, "   \
      "or at a path; list, place and remove canaries; list what was open before the guard")        \
    X(audit, "audit", "[VERB...]", 0, 3,                                                           \
      WITH(CONTRACT) | WITH(JSON) | WITH(DIR) | WITH(KEY) | WITH(COSIGNED) | WITH(WITNESS) |       \
          WITH(LOG) | WITH(LISTEN) | WITH(LINES) | WITH(FOLLOW) | WITH(FROM) | WITH(TO) |          \
          WITH(KIND) | WITH(HOLD) | WITH(OUTPUT) | WITH(WITHOUT_RECORD),                           \
      "the audit log: verify, tail, show, prove, export, index, erase, key, witness")              \
    X(operator, "operator", "VERB [NAME]", 1, 2,                                                   \
      WITH(CONTRACT) | WITH(JSON) | WITH(ROLE) | WITH(PASSWORD_FILE) | WITH(WITHOUT_RECORD),       \
      "who may use the desk: add, list, remove, role, password, totp")                             \
    X(key, "key", "issue|list|revoke [ID]", 1, 2,                                                  \
      WITH(CONTRACT) | WITH(JSON) | WITH(NAME) | WITH(LANE) | WITH(WITHOUT_RECORD),                \
      "signed keys for programs of partners: issue (with --name), list, revoke")                   \
    X(help, "help", "[COMMAND]", 0, 1, WITH(MDOC) | WITH(MARKDOWN),                                \
      "show the commands, or one command's options")

/* What comes first after some commands, and what it takes besides --contract, --json and --help.
 *    verb      operands           least most  options, and what it does */
#define AUDIT_VERBS(X)                                                                             \
    X(verify, "[DIR]", 0, 1, WITH(DIR) | WITH(KEY) | WITH(COSIGNED) | WITH(WITNESS),               \
      "read a log whole and say whether it is what its checkpoint says; needs no other file")      \
    X(tail, "", 0, 0,                                                                              \
      WITH(DIR) | WITH(LINES) | WITH(FOLLOW) | WITH(FROM) | WITH(TO) | WITH(KIND) | WITH(HOLD),    \
      "show the newest entries")                                                                   \
    X(show, "ENTRY", 1, 1, WITH(DIR),                                                              \
      "show one entry, and whom it meant where that is still kept")                                \
    X(prove, "ENTRY", 1, 1, WITH(DIR),                                                             \
      "write the proof that an entry is in the log (c2sp.org/tlog-proof)")                         \
    X(export, "", 0, 0,                                                                            \
      WITH(DIR) | WITH(FROM) | WITH(TO) | WITH(KIND) | WITH(HOLD) | WITH(OUTPUT) |                 \
          WITH(WITHOUT_RECORD),                                                                    \
      "write entries with their proofs into one file; check-export.py checks it")                  \
    X(index, "", 0, 0, 0, "build the index of the log anew")                                       \
    X(erase, "ENTRY", 1, 1, WITH(WITHOUT_RECORD),                                                  \
      "erase whom an entry meant, for good; the entry stands")                                     \
    X(key, "show|backup FILE|rotate", 1, 2, WITH(WITHOUT_RECORD),                                  \
      "show the log's verifier key, copy the secret key, or begin a new one")                      \
    X(witness, "[NAME]", 0, 1, WITH(DIR) | WITH(LISTEN) | WITH(LOG) | WITH(KEY),                   \
      "run a witness for the logs of others (c2sp.org/tlog-witness)")

#define OPERATOR_VERBS(X)                                                                          \
    X(list, "", 0, 0, 0, "show who there is, and what each may do")                                \
    X(add, "NAME", 1, 1, WITH(ROLE) | WITH(PASSWORD_FILE) | WITH(WITHOUT_RECORD),                  \
      "add one (with --role); the one-time secret is shown once")                                  \
    X(remove, "NAME", 1, 1, WITH(WITHOUT_RECORD), "remove one, who is signed out")                 \
    X(role, "NAME", 1, 1, WITH(ROLE) | WITH(WITHOUT_RECORD), "change what one may do (--role)")    \
    X(password, "NAME", 1, 1, WITH(PASSWORD_FILE) | WITH(WITHOUT_RECORD),                          \
      "set a password, to be changed at the next sign-in")                                         \
    X(totp, "NAME", 1, 1, WITH(WITHOUT_RECORD),                                                    \
      "make a new one-time secret, shown once; the old one is worth nothing")

#define KEY_VERBS(X)                                                                               \
    X(issue, "", 0, 0, WITH(NAME) | WITH(LANE) | WITH(WITHOUT_RECORD),                             \
      "issue a key (with --name); its secret is shown once")                                       \
    X(list, "", 0, 0, 0, "show whose keys there are, and which are revoked")                       \
    X(revoke, "ID", 1, 1, 0, "revoke a key; the front refuses it within a second")

/* What the command line said. Options not given are NULL; those without a value are "". */
struct arguments {
    const char *option[OPTION_COUNT];
    const char **operand;
    size_t operand_count;
    const char *program; /* argv[0] */
    const char *command; /* its name */
};

#define X(function, ...) int command_##function(const struct arguments *a);
COMMANDS(X)
#undef X

#endif
