/* The origin's database: one row an event, read by number in time order. */
#include "origin.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

struct origin_database {
    sqlite3 *sqlite;
    sqlite3_stmt *events;
};

static bool failed(sqlite3 *sqlite, const char *doing)
{
    fprintf(stderr, "origin: %s: %s\n", doing, sqlite ? sqlite3_errmsg(sqlite) : "no memory");
    return false;
}

static bool bind_text(sqlite3_stmt *statement, int column, const json_t *event, const char *field)
{
    const char *text = json_string_value(json_object_get(event, field));
    return sqlite3_bind_text(statement, column, text ? text : "", -1, SQLITE_TRANSIENT) ==
           SQLITE_OK;
}

static bool insert_line(sqlite3_stmt *insert, const char *line, size_t length)
{
    json_t *event = json_loadb(line, length, 0, NULL);
    bool good = json_is_object(event) && bind_text(insert, 1, event, "parcel") &&
                bind_text(insert, 2, event, "at") && bind_text(insert, 3, event, "code") &&
                bind_text(insert, 4, event, "place");
    json_decref(event);
    if (!good)
        return false;
    int step = sqlite3_step(insert);
    return sqlite3_reset(insert) == SQLITE_OK && step == SQLITE_DONE;
}

static bool insert_lines(sqlite3 *sqlite, FILE *events)
{
    sqlite3_stmt *insert = NULL;
    const char *sql = "INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?)";
    if (sqlite3_prepare_v2(sqlite, sql, -1, &insert, NULL) != SQLITE_OK)
        return failed(sqlite, "INSERT");
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    unsigned long number = 0;
    bool good = true;
    while (good && (length = getline(&line, &room, events)) > 0) {
        number++;
        good = insert_line(insert, line, (size_t)length);
        if (!good)
            fprintf(stderr, "origin: line %lu is no event that can be stored\n", number);
    }
    free(line);
    sqlite3_finalize(insert);
    return good && !ferror(events);
}

bool database_fill(const char *path, FILE *events)
{
    /* A database that is being made can be made again: it is not worth a sync for each page. */
    static const char make[] = "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; "
                               "PRAGMA cache_size=-65536; PRAGMA locking_mode=EXCLUSIVE; BEGIN;"
                               "CREATE TABLE event (parcel TEXT, at TEXT, code TEXT, place TEXT,"
                               " PRIMARY KEY (parcel, at, code)) WITHOUT ROWID;";
    sqlite3 *sqlite = NULL;
    bool good = sqlite3_open(path, &sqlite) == SQLITE_OK || failed(sqlite, path);
    good = good && (sqlite3_exec(sqlite, make, NULL, NULL, NULL) == SQLITE_OK ||
                    failed(sqlite, "CREATE TABLE"));
    good = good && insert_lines(sqlite, events);
    good = good && (sqlite3_exec(sqlite, "COMMIT; PRAGMA journal_mode=WAL;", NULL, NULL, NULL) ==
                        SQLITE_OK ||
                    failed(sqlite, "COMMIT"));
    sqlite3_close(sqlite);
    return good;
}

struct origin_database *database_open(const char *path)
{
    struct origin_database *database = calloc(1, sizeof *database);
    if (!database)
        return NULL;
    /* After a kill, the first to open recovers the journal; the others wait for it. */
    const char *sql = "SELECT at, code, place FROM event WHERE parcel = ? ORDER BY at";
    if (sqlite3_open_v2(path, &database->sqlite, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        sqlite3_busy_timeout(database->sqlite, 10000) != SQLITE_OK ||
        sqlite3_prepare_v2(database->sqlite, sql, -1, &database->events, NULL) != SQLITE_OK) {
        failed(database->sqlite, path);
        database_close(database);
        return NULL;
    }
    return database;
}

void database_close(struct origin_database *database)
{
    if (!database)
        return;
    sqlite3_finalize(database->events);
    sqlite3_close(database->sqlite);
    free(database);
}

int database_events(struct origin_database *database, const char *number, size_t length,
                    origin_event *event, void *context)
{
    sqlite3_stmt *events = database->events;
    int count = 0, step = SQLITE_ERROR;
    if (sqlite3_bind_text(events, 1, number, (int)length, SQLITE_STATIC) == SQLITE_OK) {
        while ((step = sqlite3_step(events)) == SQLITE_ROW) {
            event(context, (const char *)sqlite3_column_text(events, 0),
                  (const char *)sqlite3_column_text(events, 1),
                  (const char *)sqlite3_column_text(events, 2));
            count++;
        }
    }
    sqlite3_reset(events);
    return step == SQLITE_DONE ? count : -1;
}
