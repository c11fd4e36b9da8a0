/* vault_internal.h: what the parts of the vault share. */
#ifndef ECLUSE_FILES_VAULT_INTERNAL_H
#define ECLUSE_FILES_VAULT_INTERNAL_H

#include "files/history.h"
#include "files/vault.h"
#include "files/vault_log.h"

#include <pthread.h>
#include <stdatomic.h>

#define VAULT_STORE "store"
#define VAULT_LOG   "log"

enum { VAULT_NAME_SIZE = 40, VAULT_BUCKET = 4096, VAULT_RESERVE = 16 << 20 };

/* ---- The place (vault_place.c) --------------------------------------------------------------- */

struct vault_place {
    int share, store; /* folders */
    dev_t device;
    enum vault_kind kind;
};

/* `make`: it is made when it is not there; else -ENOENT. Tells the kind only when it is made or
 * opened for writing. */
int vault_place_open(const char *share, int root, bool make, struct vault_place *out,
                     struct error *error);
void vault_place_close(struct vault_place *place);

/* "2a/7f3": the clone of a version, below `store`. Its folder is made by clone_create(). */
char *clone_name(uint64_t id, char out[VAULT_NAME_SIZE]);
int clone_create(int store, uint64_t id);  /* a descriptor for writing, or negative */
int clone_open(int store, uint64_t id);    /* for reading */
void clone_remove(int store, uint64_t id); /* and its folder, when it was the last */
bool clone_is_there(int store, uint64_t id);

/* ---- The vault ------------------------------------------------------------------------------- */

struct vault {
    char share[CONTRACT_PATH_SIZE];
    size_t share_length;
    struct vault_place place;
    int lock_file;
    int own; /* /proc/self/fd: names there are read from it, in half the time */
    pthread_mutex_t mutex; /* of all that follows, but for what is atomic */
    struct vault_limits limits;
    struct vault_log log;
    struct history *history;
    _Atomic uint64_t next_id;
    bool reserved;      /* the blocks that are given up first are there */
    bool broken;        /* memory ran out half-way: nothing is kept any more, and that is told */
    nanos_t swept;      /* when expiry was looked at last */
    uint32_t poor_user; /* had nothing to give when he was last over his limit, */
    nanos_t poor_at;    /* then */
    _Atomic uint64_t not_covered, failed, refused, evicted, expired;
    vault_watcher watcher;
    void *watcher_context;
};

/* With the mutex held: appends and applies. */
int vault_note(struct vault *v, struct log_record *record);
/* Room on a full disk: gives up the reserve. False when that was done before. */
bool vault_give_up_reserve(struct vault *v);
void vault_take_reserve(struct vault *v);
/* With the mutex held: makes room for a user; whether he may go on. */
bool vault_make_room(struct vault *v, uint32_t user, nanos_t now);
/* Writes the log anew when that is worth it. Takes the mutex itself. */
void vault_compact(struct vault *v, nanos_t now, bool always);

/* Whether two files of a size lie on the same blocks; false when that cannot be told. */
bool vault_same_blocks(int one, int other, uint64_t size);
struct vault_file vault_identity(int fd, const struct stat *status);
/* Where it is on the share, or where it was last; false when that cannot be told. */
bool vault_find_path(const struct vault *v, int fd, const struct stat *status,
                     char out[VAULT_PATH_SIZE]);
int vault_load(const struct vault_log *log, struct history **out, uint64_t *whole, long *damaged);

#endif
