/* database.h: the few lines of SQLite that the index and the salts have in common.
 *
 * Write-ahead logging, synchronous NORMAL: a crash of the machine may take the last moments, never
 * the file's soundness. Errors come as negative errno: -ENOSPC for a full disk, -EBUSY, -EBADMSG
 * for a damaged file, -EIO otherwise.
 */
#ifndef ECLUSE_AUDIT_DATABASE_H
#define ECLUSE_AUDIT_DATABASE_H

#include "base/base.h"

#include <sqlite3.h>

struct database_statement {
    sqlite3_stmt **statement;
    const char *sql;
};

/* Opens or makes the file (0600) and runs the schema. *out is set even on failure when SQLite
 * asks to close it. */
int database_open(const char *path, const char *schema, sqlite3 **out, struct error *error);
int database_prepare(sqlite3 *database, const struct database_statement *statements, size_t count,
                     struct error *error);
int database_run(sqlite3 *database, const char *sql);
/* Runs a statement that gives no rows, and makes it ready for the next time. */
int database_step(sqlite3 *database, sqlite3_stmt *statement);

#endif
