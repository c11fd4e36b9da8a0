#include "audit/database.h"

#include <errno.h>
#include <sys/stat.h>

static int errno_of(sqlite3 *database)
{
    switch (sqlite3_errcode(database)) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return 0;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EBADMSG;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
        return -EACCES;
    default:
        return -EIO;
    }
}

int database_run(sqlite3 *database, const char *sql)
{
    return sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : errno_of(database);
}

int database_open(const char *path, const char *schema, sqlite3 **out, struct error *error)
{
    mode_t before = umask(0077); /* SQLite makes the file, and its -wal, with what this leaves */
    int opened = sqlite3_open_v2(
        path, out, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    int failed = opened == SQLITE_OK ? 0 : -EACCES;
    if (!failed) {
        sqlite3_busy_timeout(*out, 2000);
        failed = database_run(*out, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; "
                                    "PRAGMA wal_autocheckpoint = 4000;");
    }
    if (!failed)
        failed = database_run(*out, schema);
    umask(before);
    return failed ? error_set(error, failed, "%s: %s", path,
                              *out ? sqlite3_errmsg(*out) : "out of memory")
                  : 0;
}

int database_prepare(sqlite3 *database, const struct database_statement *statements, size_t count,
                     struct error *error)
{
    for (size_t i = 0; i < count; i++)
        if (sqlite3_prepare_v3(database, statements[i].sql, -1, SQLITE_PREPARE_PERSISTENT,
                               statements[i].statement, NULL) != SQLITE_OK)
            return error_set(error, errno_of(database), "%s", sqlite3_errmsg(database));
    return 0;
}

int database_step(sqlite3 *database, sqlite3_stmt *statement)
{
    int stepped = sqlite3_step(statement);
    int failed = stepped == SQLITE_DONE ? 0 : errno_of(database);
    sqlite3_reset(statement);
    return failed;
}
