/* origin.h: the service behind Ecluse in the demo and the benchmarks.
 *
 * A small honest one: HTTP/1.1, a real SQLite database on disk, one query an answer, no cache, no
 * tricks that make it slow or weak. It refuses nothing. Killing it is killing a process.
 *
 *   GET /suivi/NUMBER              the parcel's history as a page; 404 when the database does not
 * have it GET /suivi/v2/idships/NUMBER   the same as JSON GET / and GET /tarifs          a page
 *   POST /connexion                a page
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

struct origin_page {
    unsigned status;
    const char *type;
    size_t length;
    char body[ORIGIN_BODY_MAX];
};

/* What the service says to one request. The path has no query string. */
void page_make(struct origin_database *database, bool post, const char *path, size_t length,
               struct origin_page *page);

#endif
