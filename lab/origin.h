/* origin.h: the service behind Ecluse in the demo and the benchmarks.
 *
 * A small honest one: HTTP/1.1, a real SQLite database on disk, one query an answer, no cache. It
 * refuses nothing, and has no more connections than it was told to: the next wait in the kernel's
 * queue. What a request costs it beyond its query is said when it is started, for an application
 * that thinks (`--work`, microseconds of CPU; signing in costs five times as much). Killing it is
 * killing a process.
 *
 *   GET /suivi/NUMBER              the parcel's history as a page; 404 when the database has none
 *   GET /suivi/v2/idships/NUMBER   the same as JSON
 *   GET / and GET /tarifs          a page
 *   GET /recherche                 a page
 *   POST /connexion, POST /scans   a page
 *   GET /_counts                   how many requests of each kind have come, as JSON; the same on
 *                                  standard output at each SIGUSR1
 */
#ifndef ECLUSE_LAB_ORIGIN_H
#define ECLUSE_LAB_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { ORIGIN_NUMBER_MAX = 30, ORIGIN_BODY_MAX = 32768 };

struct origin_database; /* one connection: one thread each */

/* Fills a new database from NDJSON events as `make-parcels` writes them. Returns false with the
 * reason on stderr. */
bool database_fill(const char *path, FILE *events);

struct origin_database *database_open(const char *path); /* NULL with the reason on stderr */
void database_close(struct origin_database *database);   /* takes NULL */

/* Calls `event` for each event of a parcel, oldest first. Returns how many there were, -1 when
 * SQLite failed. */
typedef void origin_event(void *context, const char *at, const char *code, const char *place);
int database_events(struct origin_database *database, const char *number, size_t length,
                    origin_event *event, void *context);

/*  constant  name        which requests */
#define ORIGIN_ROUTES(X)                                                                           \
    X(PARCEL, "parcel", "a parcel that the database has")                                          \
    X(UNKNOWN, "unknown", "one that it does not have")                                             \
    X(SEARCH, "search", "GET /recherche")                                                          \
    X(LOGIN, "login", "POST /connexion")                                                           \
    X(SCAN, "scan", "POST /scans")                                                                 \
    X(OTHER, "other", "anything else")

enum origin_route {
#define X(constant, ...) ORIGIN_##constant,
    ORIGIN_ROUTES(X)
#undef X
        ORIGIN_ROUTE_COUNT
};

struct origin_page {
    enum origin_route route;
    unsigned status;
    const char *type;
    size_t length;
    char body[ORIGIN_BODY_MAX];
};

/* What the service says to one request. The path has no query string. */
void page_make(struct origin_database *database, bool post, const char *path, size_t length,
               struct origin_page *page);

#endif
