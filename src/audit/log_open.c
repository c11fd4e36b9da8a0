#include "audit/log_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int load_edge(struct audit_log *log, int level, uint64_t size, struct error *error)
{
    struct edge *edge = &log->durable.edge[level];
    uint64_t hashes = size >> (8 * (unsigned)level);
    edge->index = hashes / TILE_WIDTH;
    edge->width = (unsigned)(hashes % TILE_WIDTH);
    char path[TILE_PATH_SIZE];
    int failed =
        edge->width ? tile_read(log->folder, level, edge->index, edge->width, edge->hash) : 0;
    if (failed)
        return error_set(error, failed, "%s: %s", tile_path(level, edge->index, edge->width, path),
                         strerror(-failed));
    return 0;
}

static int load_bundle(struct audit_log *log, uint64_t size, struct error *error)
{
    unsigned width = (unsigned)(size % TILE_WIDTH);
    uint64_t index = size / TILE_WIDTH;
    char path[TILE_PATH_SIZE];
    log->bundle_length = 0;
    if (!width)
        return 0;
    tile_path(TILE_BUNDLES, index, width, path);
    long length = bundle_read(log->folder, index, width, log->bundle);
    if (length < 0)
        return error_set(error, (int)length, "%s: %s", path, strerror((int)-length));
    size_t at = 0;
    for (unsigned i = 0; i < width; i++) {
        struct text entry;
        if (!bundle_next(log->bundle, (size_t)length, &at, &entry))
            return error_set(error, -EBADMSG, "%s: ends within entry %u", path, i);
        struct merkle_hash hash = merkle_leaf(log->hasher, entry.data, entry.length);
        if (!merkle_equal(&hash, &log->durable.edge[0].hash[i]))
            return error_set(error, -EBADMSG, "%s: entry %u is not the one in the tree", path, i);
    }
    log->bundle_length = at; /* a full bundle that was begun beyond the checkpoint may follow */
    return 0;
}

/* The frontier from the last tiles, and its root against the checkpoint's. */
static int load_tree(struct audit_log *log, const struct checkpoint *checkpoint,
                     struct error *error)
{
    for (int level = 0; level < TILE_LEVELS; level++) {
        int failed = load_edge(log, level, checkpoint->size, error);
        if (failed)
            return failed;
    }
    struct tile_source *source = calloc(1, sizeof *source);
    if (!source)
        return error_set(error, -ENOMEM, "out of memory");
    *source = (struct tile_source){
        .folder = log->folder, .size = checkpoint->size, .hasher = log->hasher};
    struct merkle_frontier *frontier = &log->durable.frontier;
    frontier->size = checkpoint->size;
    int failed = 0;
    for (unsigned height = 0; height < 63 && !failed; height++)
        if (checkpoint->size >> height & 1)
            failed = tile_source_hash(source, height, (checkpoint->size >> height) - 1,
                                      &frontier->peak[height]);
    free(source);
    if (failed)
        return error_set(error, failed, "the last tiles cannot be read: %s", strerror(-failed));
    struct merkle_hash root = merkle_root(log->hasher, frontier);
    if (!merkle_equal(&root, &checkpoint->root))
        return error_set(error, -EBADMSG,
                         "the last tiles do not agree with the checkpoint of %llu entries",
                         (unsigned long long)checkpoint->size);
    return load_bundle(log, checkpoint->size, error);
}

/* Signed by the log's key, or before that by a key that was rotated since. */
static bool is_signed(struct audit_log *log, const struct note *note,
                      const struct verifier_key *former, size_t count)
{
    enum note_verdict verdict = note_verify(note, &log->key.verifier, NULL);
    for (size_t i = 0; i < count && verdict == NOTE_NOT_SIGNED; i++) {
        if (!text_is(text_of(former[i].name), log->key.verifier.name) ||
            note_verify(note, &former[i], NULL) != NOTE_SIGNED)
            continue;
        log->key_is_new = true;
        log->former_id = former[i].id;
        return true;
    }
    return verdict == NOTE_SIGNED;
}

/* Partial tiles beyond the checkpoint are what is left of a write that was cut off or failed.
 * The log may grow past them without ever writing them again, and then they would stand for
 * something that never was. */
static void clear_partial_beyond(struct audit_log *log, int level, uint64_t index, unsigned width)
{
    char path[TILE_PATH_SIZE];
    *strrchr(tile_path(level, index, 1, path), '/') = 0;
    int descriptor = openat(log->folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *folder = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (!folder) {
        if (descriptor >= 0)
            close(descriptor);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(folder));) {
        uint64_t number;
        if (decimal_parse(text_of(entry->d_name), &number) && number > width)
            unlinkat(dirfd(folder), entry->d_name, 0);
    }
    closedir(folder);
    if (width == 0)
        unlinkat(log->folder, path, AT_REMOVEDIR);
}

void audit_log_clear_beyond(struct audit_log *log)
{
    for (int level = TILE_BUNDLES; level < TILE_LEVELS; level++) {
        const struct edge *edge = &log->durable.edge[level == TILE_BUNDLES ? 0 : level];
        for (uint64_t ahead = 0; ahead < (level <= 0 ? COMMIT_TILES : 2); ahead++)
            clear_partial_beyond(log, level, edge->index + ahead, ahead ? 0 : edge->width);
    }
}

static int load_checkpoint(struct audit_log *log, const struct verifier_key *former, size_t count,
                           struct error *error)
{
    int file = openat(log->folder, "checkpoint", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0 && errno == ENOENT)
        return 0; /* a new log */
    if (file < 0)
        return error_set(error, -errno, "checkpoint: %s", strerror(errno));
    ssize_t length = read(file, log->checkpoint, sizeof log->checkpoint);
    close(file);
    struct note note;
    struct checkpoint checkpoint;
    if (length < 0 || note_parse((struct text){log->checkpoint, (size_t)length}, &note) != 0 ||
        checkpoint_parse(note.body, &checkpoint) != 0)
        return error_set(error, -EBADMSG, "checkpoint: is not a signed checkpoint");
    if (!text_is(checkpoint.origin, log->key.verifier.name) ||
        !is_signed(log, &note, former, count))
        return error_set(error, -EBADMSG, "checkpoint: is not signed by this log's key");
    log->checkpoint_length = (size_t)length;
    int failed = load_tree(log, &checkpoint, error);
    return failed == -ENOENT ? -EBADMSG
                             : failed; /* what a checkpoint covers was on the disk once */
}

static int open_folder(struct audit_log *log, const char *folder, struct error *error)
{
    if (mkdir(folder, 0750) < 0 && errno != EEXIST)
        return error_set(error, -errno, "%s cannot be made: %s", folder, strerror(errno));
    log->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (log->folder < 0)
        return error_set(error, -errno, "%s cannot be opened: %s", folder, strerror(errno));
    if (flock(log->folder, LOCK_EX | LOCK_NB) < 0)
        return error_set(error, -EBUSY, "%s has another writer", folder);
    return 0;
}

int audit_log_open(const char *folder, const struct signer_key *key, struct audit_log **out,
                   struct error *error)
{
    return audit_log_open_former(folder, key, NULL, 0, out, error);
}

int audit_log_open_former(const char *folder, const struct signer_key *key,
                          const struct verifier_key *former, size_t count, struct audit_log **out,
                          struct error *error)
{
    struct audit_log *log = calloc(1, sizeof *log);
    if (!log)
        return error_set(error, -ENOMEM, "out of memory");
    log->folder = -1;
    log->key = *key;
    log->hasher = merkle_hasher_new();
    log->bundle = malloc(BUNDLE_SIZE_MAX);
    log->pool = sync_pool_new(SYNC_THREADS);
    int failed = log->hasher && log->bundle && log->pool
                     ? 0
                     : error_set(error, -ENOMEM, "out of memory or threads");
    if (!failed)
        failed = open_folder(log, folder, error);
    if (!failed)
        failed = load_checkpoint(log, former, count, error);
    if (!failed)
        audit_log_clear_beyond(log);
    if (failed) {
        audit_log_close(log);
        return failed;
    }
    *out = log;
    return 0;
}

void audit_log_close(struct audit_log *log)
{
    if (!log)
        return;
    sync_pool_free(log->pool);
    merkle_hasher_free(log->hasher);
    if (log->folder >= 0)
        close(log->folder);
    signer_key_wipe(&log->key);
    free(log->bundle);
    free(log->staged);
    free(log);
}
