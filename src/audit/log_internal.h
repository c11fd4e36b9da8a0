/* log_internal.h: what log_open.c (how a log is found, and found sound) and log.c (how it grows)
 * share.
 */
#ifndef ECLUSE_AUDIT_LOG_INTERNAL_H
#define ECLUSE_AUDIT_LOG_INTERNAL_H

#include "audit/log.h"
#include "audit/sync.h"

enum {
    SYNC_THREADS = 64,    /* a batch of 5,000 entries is some 45 files: one round */
    OPEN_FILES_MAX = 128, /* written and waiting for their sync */
    CHECKPOINT_SIZE = 32 * 1024,
    COMMIT_TILES = 64, /* no commit reaches further: recorder.h's batch is half as long */
};

/* The last tile of a level, with what the staged entries added to it. */
struct edge {
    uint64_t index;
    unsigned width;
    struct merkle_hash hash[TILE_WIDTH];
};

struct state {
    struct merkle_frontier frontier;
    struct edge edge[TILE_LEVELS];
};

struct audit_log {
    int folder;
    struct signer_key key;
    bool key_is_new; /* the checkpoint on the disk is signed by a former key, of this id: */
    uint32_t former_id;
    struct merkle_hasher *hasher;
    struct sync_pool *pool;
    struct state durable;
    uint8_t *bundle; /* the last bundle's bytes, up to the durable size */
    size_t bundle_length;
    char *staged; /* length-prefixed entries, as a bundle has them */
    size_t staged_length, staged_size, staged_count;
    char checkpoint[CHECKPOINT_SIZE];
    size_t checkpoint_length;
    int open_file[OPEN_FILES_MAX];
    size_t open_count;
};

/* Removes the partial tiles of a write that was cut off: what lies beyond the checkpoint. */
void audit_log_clear_beyond(struct audit_log *log);

#endif
