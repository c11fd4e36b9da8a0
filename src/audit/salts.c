#include "audit/salts.h"

#include "audit/database.h"

#include <errno.h>
#include <stdlib.h>

struct salts {
    sqlite3 *database;
    sqlite3_stmt *add, *name, *bounds, *erase, *erase_entry;
};

/* secure_delete writes zeroes over what is erased: erased means erased. */
static const char schema[] =
    "PRAGMA secure_delete = ON;"
    "CREATE TABLE IF NOT EXISTS salt (entry INTEGER NOT NULL, role INTEGER NOT NULL, at INTEGER "
    "NOT NULL,"
    " salt BLOB NOT NULL, name TEXT NOT NULL, PRIMARY KEY (entry, role)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS salt_at ON salt (at);";

int salts_open(const char *path, struct salts **out, struct error *error)
{
    struct salts *salts = calloc(1, sizeof *salts);
    if (!salts)
        return error_set(error, -ENOMEM, "out of memory");
    int failed = database_open(path, schema, &salts->database, error);
    const struct database_statement statements[] = {
        {&salts->add,
         "INSERT OR REPLACE INTO salt (entry, role, salt, name, at) VALUES (?1, ?2, ?3, ?4, ?5)"},
        {&salts->name, "SELECT name, salt FROM salt WHERE entry = ?1 AND role = ?2"},
        {&salts->bounds, "SELECT min(entry), max(entry) FROM (SELECT entry FROM salt WHERE at < ?1 "
                         "ORDER BY at LIMIT ?2)"},
        {&salts->erase, "DELETE FROM salt WHERE (entry, role) IN"
                        " (SELECT entry, role FROM salt WHERE at < ?1 ORDER BY at LIMIT ?2)"},
        {&salts->erase_entry, "DELETE FROM salt WHERE entry = ?1"},
    };
    if (!failed)
        failed = database_prepare(salts->database, statements,
                                  sizeof statements / sizeof *statements, error);
    if (failed) {
        salts_close(salts);
        return failed;
    }
    *out = salts;
    return 0;
}

void salts_close(struct salts *salts)
{
    if (!salts)
        return;
    sqlite3_finalize(salts->add);
    sqlite3_finalize(salts->name);
    sqlite3_finalize(salts->bounds);
    sqlite3_finalize(salts->erase);
    sqlite3_finalize(salts->erase_entry);
    sqlite3_close(salts->database);
    free(salts);
}

int salts_begin(struct salts *salts)
{
    return database_run(salts->database, "BEGIN IMMEDIATE");
}

int salts_commit(struct salts *salts)
{
    return database_run(salts->database, "COMMIT");
}

void salts_rollback(struct salts *salts)
{
    database_run(salts->database, "ROLLBACK");
}

int salts_add(struct salts *salts, uint64_t index, enum entry_role role,
              const uint8_t salt[ENTRY_SALT_SIZE], struct text name, int64_t at)
{
    sqlite3_bind_int64(salts->add, 1, (sqlite3_int64)index);
    sqlite3_bind_int(salts->add, 2, (int)role);
    sqlite3_bind_blob(salts->add, 3, salt, ENTRY_SALT_SIZE, SQLITE_STATIC);
    sqlite3_bind_text(salts->add, 4, name.data, (int)name.length, SQLITE_STATIC);
    sqlite3_bind_int64(salts->add, 5, at);
    return database_step(salts->database, salts->add);
}

bool salts_name(struct salts *salts, uint64_t index, enum entry_role role, struct text commitment,
                char *name, size_t size)
{
    sqlite3_bind_int64(salts->name, 1, (sqlite3_int64)index);
    sqlite3_bind_int(salts->name, 2, (int)role);
    bool found = sqlite3_step(salts->name) == SQLITE_ROW &&
                 sqlite3_column_bytes(salts->name, 1) == ENTRY_SALT_SIZE &&
                 sqlite3_column_bytes(salts->name, 0) > 0;
    if (found) {
        char again[ENTRY_COMMITMENT_SIZE];
        const char *kept = (const char *)sqlite3_column_text(salts->name, 0);
        entry_commitment(role, sqlite3_column_blob(salts->name, 1), text_of(kept), again);
        found = text_is(commitment, again);
        if (found)
            act_text(name, size, text_of(kept));
    }
    sqlite3_reset(salts->name);
    return found;
}

/* What was erased must not go on standing in the write-ahead log either. With a reader at work
 * it stays there until the next time. */
static void clear_traces(struct salts *salts)
{
    database_run(salts->database, "PRAGMA wal_checkpoint(TRUNCATE)");
}

long salts_erase(struct salts *salts, int64_t before, unsigned most, uint64_t *first,
                 uint64_t *last)
{
    sqlite3_bind_int64(salts->bounds, 1, before);
    sqlite3_bind_int64(salts->bounds, 2, most);
    bool any = sqlite3_step(salts->bounds) == SQLITE_ROW &&
               sqlite3_column_type(salts->bounds, 0) != SQLITE_NULL;
    if (any) {
        *first = (uint64_t)sqlite3_column_int64(salts->bounds, 0);
        *last = (uint64_t)sqlite3_column_int64(salts->bounds, 1);
    }
    sqlite3_reset(salts->bounds);
    if (!any)
        return 0;
    sqlite3_bind_int64(salts->erase, 1, before);
    sqlite3_bind_int64(salts->erase, 2, most);
    int failed = database_step(salts->database, salts->erase);
    long erased = failed ? failed : sqlite3_changes(salts->database);
    clear_traces(salts);
    return erased;
}

long salts_erase_entry(struct salts *salts, uint64_t index)
{
    sqlite3_bind_int64(salts->erase_entry, 1, (sqlite3_int64)index);
    int failed = database_step(salts->database, salts->erase_entry);
    long erased = failed ? failed : sqlite3_changes(salts->database);
    clear_traces(salts);
    return erased;
}
