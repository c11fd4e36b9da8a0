/* store_internal.h: what store.c and store_writer.c share.
 *
 * One LMDB tree, so that a lookup descends once. Its keys, in order: 0x00 and a name: about the
 * file; 0x01: words of the dictionary; from 0x20 on: parcel numbers.
 */
#ifndef ECLUSE_STORE_INTERNAL_H
#define ECLUSE_STORE_INTERNAL_H

#include "tracking/record.h"

#include <sys/stat.h>

enum { STORE_KEY_FIRST = 0x20, STORE_READERS = 1024, STORE_PATH_SIZE = 512 };

/* Address space, not memory: about 900 M parcels. A file that outgrows half of it gets twice as
 * much at the next open. */
#define STORE_MAP_SIZE ((size_t)64 << 30)

struct store {
    MDB_env *env;
    MDB_txn *read; /* between reads: reset */
    MDB_dbi dbi;
    struct dictionary *dictionary;
    bool read_only;
    int lock; /* writer.lock; -1 */
    size_t page_size, map_size;
    uint64_t generation;
    struct parcel_number expire_after; /* where store_expire() goes on */
    char state[STORE_PATH_SIZE];
    char path[STORE_PATH_SIZE];
    struct record record;
    uint8_t bytes[RECORD_SIZE_MAX]; /* the copy that borrowed texts point into */
};

/* store_open() with another size of map: for tests. */
int store_open_sized(const char *state, bool read_only, size_t map_size, struct store **out,
                     struct error *error);

int store_env_open(struct store *s, struct error *error);
void store_env_close(struct store *s);

/* Negative errno for LMDB's codes, with the text that a person can act on. */
int store_error(struct error *error, int rc, const struct store *s, const char *doing);

/* The reading transaction, begun or renewed; mdb_txn_reset() after. */
int store_read_begin(struct store *s);

/* Writer: the directory, its lock, and what the file must hold before anyone reads it. */
int store_prepare(const char *state, struct error *error);
int store_create(struct store *s, struct error *error);
int store_check_about(struct store *s, MDB_txn *txn);

/* store_add() in two halves: an event's words may be found before its batch begins. False: no
 * memory, or too many words that the dictionary has no room for (dictionary_local()). */
bool store_event_words(struct store *s, const struct event *event, struct record_event *out);
int store_add_words(struct store_batch *batch, const struct parcel_number *parcel,
                    const struct record_event *event, int64_t before, int64_t changed);

/* Identifies the file at a path: changes when another takes its place. 0: none. */
uint64_t store_file_generation(const char *path);

/* Group and mode that readers need, whatever the umask. */
void store_share_file(const char *path, mode_t mode, const struct stat *directory);

static inline int store_path(char out[STORE_PATH_SIZE], const char *state, const char *name)
{
    struct writer w = writer_on(out, STORE_PATH_SIZE - 1);
    write_string(&w, state);
    WRITE_LITERAL(&w, "/tracking/");
    write_string(&w, name);
    out[w.length] = 0;
    return w.overflow ? -1 : 0;
}

#endif
