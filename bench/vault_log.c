/* bench-vault-log FOLDER [RECORDS]: the vault's log beside LMDB, for the one thing that is asked of
 * both: a record of a version each, whole after a kill at any instant, read back when opened. LMDB
 * has a transaction a record, without syncs, since nobody may wait; neither has the log. */
#include "files/history.h"

#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct log_record record_of(unsigned i, char path[64])
{
    snprintf(path, 64, "folder %u/document %u.odt", i / 100, i);
    return (struct log_record){
        .type = LOG_KEPT,
        .body.KEPT = {.id = i + 1, .inode = 1000 + i, .size = 16384, .bytes = 16384, .at = 1},
        .first = text_of(path),
    };
}

static bool apply(void *history, const struct log_record *record)
{
    return history_apply(history, record) == 0;
}

static void with_log(int folder, unsigned count)
{
    struct vault_log log;
    struct history *history;
    char path[64];
    uint64_t whole;
    must(vault_log_open(folder, "bench.log", true, hash_key_random(), &log) == 0);
    nanos_t began = clock_boot();
    for (unsigned i = 0; i < count; i++) {
        struct log_record record = record_of(i, path);
        must(vault_log_append(&log, &record) == 0);
    }
    nanos_t wrote = clock_boot();
    must(history_new(log.key, &history) == 0);
    must(vault_log_read(&log, 0, apply, history, &whole) == 0);
    printf("%-6s append %5.2f us a record, %3.0f bytes; read back %.2f s\n", "log",
           (double)(wrote - began) / 1000 / count, (double)log.length / count,
           (double)(clock_boot() - wrote) / NANOS_SECOND);
    history_free(history);
    vault_log_close(&log);
    must(unlinkat(folder, "bench.log", 0) == 0);
}

static void with_lmdb(const char *folder, unsigned count)
{
    MDB_env *environment;
    MDB_txn *transaction;
    MDB_dbi table;
    char file[4096], path[64];
    snprintf(file, sizeof file, "%s/bench.mdb", folder);
    must(mdb_env_create(&environment) == 0 &&
         mdb_env_set_mapsize(environment, (size_t)4 << 30) == 0 &&
         mdb_env_open(environment, file, MDB_NOSUBDIR | MDB_NOSYNC, 0600) == 0);
    nanos_t began = clock_boot();
    for (unsigned i = 0; i < count; i++) {
        struct log_record record = record_of(i, path);
        char value[sizeof record.body.KEPT + 64];
        memcpy(value, &record.body.KEPT, sizeof record.body.KEPT);
        memcpy(value + sizeof record.body.KEPT, path, record.first.length);
        MDB_val key = {sizeof record.body.KEPT.id, &record.body.KEPT.id};
        MDB_val data = {sizeof record.body.KEPT + record.first.length, value};
        must(mdb_txn_begin(environment, NULL, 0, &transaction) == 0 &&
             mdb_dbi_open(transaction, NULL, MDB_INTEGERKEY, &table) == 0 &&
             mdb_put(transaction, table, &key, &data, 0) == 0 && mdb_txn_commit(transaction) == 0);
    }
    nanos_t wrote = clock_boot();
    struct stat status;
    must(stat(file, &status) == 0);
    printf("%-6s append %5.2f us a record, %3.0f bytes\n", "LMDB",
           (double)(wrote - began) / 1000 / count, (double)status.st_blocks * 512 / count);
    mdb_env_close(environment);
    unlink(file);
    snprintf(file, sizeof file, "%s/bench.mdb-lock", folder);
    unlink(file);
}

int main(int count, char **words)
{
    unsigned records = count > 2 ? (unsigned)atoi(words[2]) : 100000;
    int folder = count > 1 ? open(words[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (folder < 0 || records == 0) {
        fprintf(stderr, "usage: bench-vault-log FOLDER [RECORDS]\n");
        return 2;
    }
    with_log(folder, records);
    with_lmdb(words[1], records);
    return 0;
}
