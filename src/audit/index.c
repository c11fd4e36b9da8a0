#include "audit/index.h"

#include "audit/database.h"

#include <errno.h>
#include <stdlib.h>

struct index {
    sqlite3 *database;
    sqlite3_stmt *add, *find, *find_hold;
    uint64_t size, size_before; /* of the transaction */
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS entry (entry INTEGER PRIMARY KEY, at INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, object TEXT NOT NULL, hold TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS entry_at ON entry (at);"
    "CREATE INDEX IF NOT EXISTS entry_hold ON entry (hold) WHERE hold <> '';";

static int read_size(struct index *index)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(index->database, "SELECT coalesce(max(entry) + 1, 0) FROM entry", -1,
                           &statement, NULL) != SQLITE_OK)
        return -EIO;
    int failed = sqlite3_step(statement) == SQLITE_ROW ? 0 : -EIO;
    if (!failed)
        index->size = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return failed;
}

int index_open(const char *path, struct index **out, struct error *error)
{
    struct index *index = calloc(1, sizeof *index);
    if (!index)
        return error_set(error, -ENOMEM, "out of memory");
    int failed = database_open(path, schema, &index->database, error);
    const struct database_statement statements[] = {
        {&index->add, "INSERT OR REPLACE INTO entry (entry, at, kind, object, hold) VALUES (?1, "
                      "?2, ?3, ?4, ?5)"},
        {&index->find,
         "SELECT entry FROM entry WHERE (?1 = '' OR hold = ?1) AND (?2 = '' OR object = ?2)"
         " AND (?3 < 0 OR kind = ?3) AND at >= ?4 AND (?5 = 0 OR at < ?5) AND (?6 = 0 OR entry < "
         "?6)"
         " ORDER BY entry DESC LIMIT ?7"},
        /* A plan of its own: the general one would walk all entries for one hold. */
        {&index->find_hold,
         "SELECT entry FROM entry WHERE hold = ?1 AND hold <> '' AND (?6 = 0 OR entry < ?6)"
         " ORDER BY entry DESC LIMIT ?7"},
    };
    if (!failed)
        failed = database_prepare(index->database, statements,
                                  sizeof statements / sizeof *statements, error);
    if (!failed && (failed = read_size(index)) != 0)
        error_set(error, failed, "%s cannot be read", path);
    if (failed) {
        index_close(index);
        return failed;
    }
    *out = index;
    return 0;
}

void index_close(struct index *index)
{
    if (!index)
        return;
    sqlite3_finalize(index->add);
    sqlite3_finalize(index->find);
    sqlite3_finalize(index->find_hold);
    sqlite3_close(index->database);
    free(index);
}

uint64_t index_size(const struct index *index)
{
    return index->size;
}

int index_begin(struct index *index)
{
    index->size_before = index->size;
    return database_run(index->database, "BEGIN IMMEDIATE");
}

int index_commit(struct index *index)
{
    return database_run(index->database, "COMMIT");
}

void index_rollback(struct index *index)
{
    index->size = index->size_before;
    database_run(index->database, "ROLLBACK");
}

int index_clear(struct index *index)
{
    index->size = 0;
    return database_run(index->database, "DELETE FROM entry");
}

int index_add(struct index *index, uint64_t entry, const struct act *act)
{
    sqlite3_bind_int64(index->add, 1, (sqlite3_int64)entry);
    sqlite3_bind_int64(index->add, 2, act->at);
    sqlite3_bind_int(index->add, 3, act->kind);
    sqlite3_bind_text(index->add, 4, act->object, -1, SQLITE_STATIC);
    sqlite3_bind_text(index->add, 5, act->hold, -1, SQLITE_STATIC);
    int failed = database_step(index->database, index->add);
    if (!failed)
        index->size = entry + 1;
    return failed;
}

/* What cannot be read as an entry is indexed as it is: with nothing known of it. */
static int add_from(struct index *index, struct audit_reader *reader, uint64_t at)
{
    struct text text;
    struct entry entry = {.number = 0};
    int failed = audit_reader_entry(reader, at, &text);
    if (failed)
        return failed;
    if (!entry_glance(text, &entry.act))
        entry_parse(text, &entry);
    return index_add(index, at, &entry.act);
}

long index_follow(struct index *index, struct audit_reader *reader, uint64_t most,
                  struct error *error)
{
    uint64_t size = audit_reader_size(reader);
    int failed = index->size > size ? index_clear(index) : 0;
    uint64_t first = index->size, end = size - first < most ? size : first + most;
    if (failed || first == end)
        return failed ? error_set(error, failed, "the audit index cannot be cleared: %s",
                                  strerror(-failed))
                      : 0;
    failed = index_begin(index);
    if (failed)
        return error_set(error, failed, "the audit index cannot be written: %s", strerror(-failed));
    for (uint64_t at = first; at < end && !failed; at++)
        failed = add_from(index, reader, at);
    if (!failed)
        failed = index_commit(index);
    if (failed) {
        index_rollback(index);
        return error_set(error, failed, "the audit index cannot follow the log: %s",
                         strerror(-failed));
    }
    return (long)(end - first);
}

long index_find(struct index *index, const struct index_query *query, uint64_t *out, size_t most)
{
    bool by_hold = query->hold && query->hold[0];
    sqlite3_stmt *find = by_hold ? index->find_hold : index->find;
    sqlite3_bind_text(find, 1, query->hold ? query->hold : "", -1, SQLITE_STATIC);
    sqlite3_bind_int64(find, 6, (sqlite3_int64)query->before);
    sqlite3_bind_int64(find, 7, (sqlite3_int64)most);
    if (!by_hold) {
        sqlite3_bind_text(find, 2, query->object ? query->object : "", -1, SQLITE_STATIC);
        sqlite3_bind_int(find, 3, query->kind);
        sqlite3_bind_int64(find, 4, query->from);
        sqlite3_bind_int64(find, 5, query->to);
    }
    size_t count = 0;
    int stepped = SQLITE_DONE;
    while (count < most && (stepped = sqlite3_step(find)) == SQLITE_ROW)
        out[count++] = (uint64_t)sqlite3_column_int64(find, 0);
    bool failed = stepped != SQLITE_ROW && stepped != SQLITE_DONE;
    sqlite3_reset(find);
    return failed ? -EIO : (long)count;
}
