#include "audit/log.h"

#include "audit/sync.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

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

const char *audit_log_origin(const struct audit_log *log)
{
    return log->key.verifier.name;
}

uint64_t audit_log_size(const struct audit_log *log)
{
    return log->durable.frontier.size;
}

size_t audit_log_staged(const struct audit_log *log)
{
    return log->staged_count;
}

struct text audit_log_checkpoint(const struct audit_log *log)
{
    return (struct text){log->checkpoint, log->checkpoint_length};
}

bool audit_log_key_is_new(const struct audit_log *log, uint32_t *former)
{
    if (former && log->key_is_new)
        *former = log->former_id;
    return log->key_is_new;
}

/* ---- Opening
 * -------------------------------------------------------------------------------------- */

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

static void clear_beyond(struct audit_log *log)
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
        clear_beyond(log);
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

/* ---- Staging
 * -------------------------------------------------------------------------------------- */

int64_t audit_log_stage(struct audit_log *log, struct text entry)
{
    if (entry.length > AUDIT_ENTRY_MAX)
        return -EMSGSIZE;
    size_t wanted = log->staged_length + 2 + entry.length;
    if (wanted > log->staged_size) {
        size_t size = wanted * 2;
        char *larger = realloc(log->staged, size);
        if (!larger)
            return -ENOMEM;
        log->staged = larger;
        log->staged_size = size;
    }
    log->staged[log->staged_length] = (char)(entry.length >> 8);
    log->staged[log->staged_length + 1] = (char)entry.length;
    memcpy(log->staged + log->staged_length + 2, entry.data, entry.length);
    log->staged_length = wanted;
    return (int64_t)(audit_log_size(log) + log->staged_count++);
}

/* ---- Writing
 * -------------------------------------------------------------------------------------- */

static int make_folders(int folder, const char *path)
{
    char part[TILE_PATH_SIZE];
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t length = (size_t)(slash - path);
        memcpy(part, path, length);
        part[length] = 0;
        if (mkdirat(folder, part, 0750) < 0 && errno != EEXIST)
            return -errno;
    }
    return 0;
}

static int sync_open_files(struct audit_log *log)
{
    int failed = sync_all(log->pool, log->open_file, log->open_count);
    while (log->open_count > 0)
        close(log->open_file[--log->open_count]);
    return failed;
}

static int keep_for_sync(struct audit_log *log, int file)
{
    log->open_file[log->open_count++] = file;
    return log->open_count == OPEN_FILES_MAX ? sync_open_files(log) : 0;
}

static int write_file(struct audit_log *log, const char *path, const void *data, size_t length)
{
    int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
    int file = openat(log->folder, path, flags, 0640);
    if (file < 0 && errno == ENOENT) {
        int failed = make_folders(log->folder, path);
        if (failed)
            return failed;
        file = openat(log->folder, path, flags, 0640);
    }
    if (file < 0)
        return -errno;
    for (size_t done = 0; done < length;) {
        ssize_t wrote = write(file, (const char *)data + done, length - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0) {
            int failed = -errno;
            close(file);
            return failed;
        }
        done += (size_t)wrote;
    }
    return keep_for_sync(log, file);
}

/* One commit while it is under way. */
struct commit {
    struct audit_log *log;
    struct state *next;
    uint8_t *bundle; /* the bundle that is being filled */
    size_t bundle_length;
    struct error *error;
};

static int write_tile(struct commit *commit, int level, uint64_t index, unsigned width,
                      const void *data, size_t length)
{
    char path[TILE_PATH_SIZE];
    int failed = write_file(commit->log, tile_path(level, index, width, path), data, length);
    return failed ? error_set(commit->error, failed, "%s: %s", path, strerror(-failed)) : 0;
}

/* Adds a hash to a level's last tile; a tile that becomes full is written and its hash goes up. */
static int add_hash(struct commit *commit, int level, struct merkle_hash hash)
{
    for (; level < TILE_LEVELS; level++) {
        struct edge *edge = &commit->next->edge[level];
        edge->hash[edge->width++] = hash;
        if (edge->width < TILE_WIDTH)
            return 0;
        int failed =
            write_tile(commit, level, edge->index, TILE_WIDTH, edge->hash, sizeof edge->hash);
        if (failed)
            return failed;
        struct merkle_hash row[TILE_WIDTH];
        memcpy(row, edge->hash, sizeof row);
        for (unsigned count = TILE_WIDTH / 2; count > 0; count /= 2)
            for (unsigned i = 0; i < count; i++)
                row[i] = merkle_node(commit->log->hasher, &row[2 * i], &row[2 * i + 1]);
        hash = row[0];
        edge->index++;
        edge->width = 0;
    }
    return 0;
}

static int add_entry(struct commit *commit, struct text entry)
{
    uint8_t *to = commit->bundle + commit->bundle_length;
    to[0] = (uint8_t)(entry.length >> 8);
    to[1] = (uint8_t)entry.length;
    memcpy(to + 2, entry.data, entry.length);
    commit->bundle_length += 2 + entry.length;
    struct merkle_hash leaf = merkle_leaf(commit->log->hasher, entry.data, entry.length);
    merkle_append(commit->log->hasher, &commit->next->frontier, &leaf);
    uint64_t size = commit->next->frontier.size;
    if (size % TILE_WIDTH == 0) {
        int failed = write_tile(commit, TILE_BUNDLES, size / TILE_WIDTH - 1, TILE_WIDTH,
                                commit->bundle, commit->bundle_length);
        if (failed)
            return failed;
        commit->bundle_length = 0;
    }
    return add_hash(commit, 0, leaf);
}

static int write_partial_tiles(struct commit *commit)
{
    uint64_t size = commit->next->frontier.size;
    int failed = 0;
    if (commit->bundle_length)
        failed = write_tile(commit, TILE_BUNDLES, size / TILE_WIDTH, (unsigned)(size % TILE_WIDTH),
                            commit->bundle, commit->bundle_length);
    for (int level = 0; level < TILE_LEVELS && !failed; level++) {
        const struct edge *edge = &commit->next->edge[level];
        const struct edge *before = &commit->log->durable.edge[level];
        if (edge->width && (edge->width != before->width || edge->index != before->index))
            failed = write_tile(commit, level, edge->index, edge->width, edge->hash,
                                edge->width * sizeof *edge->hash);
    }
    return failed;
}

static int write_entries(struct commit *commit)
{
    const struct audit_log *log = commit->log;
    struct text entry;
    int failed = 0;
    for (size_t at = 0;
         !failed && bundle_next((const uint8_t *)log->staged, log->staged_length, &at, &entry);)
        failed = add_entry(commit, entry);
    return failed ? failed : write_partial_tiles(commit);
}

/* The folders that name this batch's first and last files, each up to the top: what mkdir and
 * open added to them must not be lost either. A batch that runs over a thousand bundles touches
 * folders in between, too. */
static int keep_folders_for_sync(struct audit_log *log, int level, uint64_t index, unsigned width,
                                 bool *top)
{
    char path[TILE_PATH_SIZE];
    tile_path(level, index, width, path);
    for (char *slash; (slash = strrchr(path, '/'));) {
        *slash = 0;
        if (!strchr(path, '/')) { /* "tile", which is above all */
            if (*top)
                return 0;
            *top = true;
        }
        int folder = openat(log->folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0)
            return -errno;
        int failed = keep_for_sync(log, folder);
        if (failed)
            return failed;
    }
    return 0;
}

static int open_folders(struct commit *commit)
{
    struct audit_log *log = commit->log;
    uint64_t before = audit_log_size(log), after = commit->next->frontier.size;
    bool top = false;
    for (int level = TILE_BUNDLES; level < TILE_LEVELS; level++) {
        unsigned height = level == TILE_BUNDLES ? 0 : 8 * (unsigned)level;
        uint64_t last = (after >> height) / TILE_WIDTH;
        if (after >> height == before >> height) /* no file of this level was written */
            continue;
        for (uint64_t group = (before >> height) / TILE_WIDTH / 1000; group <= last / 1000;
             group++) {
            uint64_t index = group == last / 1000 ? last : group * 1000;
            unsigned width = tile_width(level, index, after);
            if (!width && index > 0)
                width = tile_width(level, --index, after);
            int failed = width ? keep_folders_for_sync(log, level, index, width, &top) : 0;
            if (failed)
                return failed;
        }
    }
    return 0;
}

/* The checkpoint under a temporary name outside the log's own: it is synced with the tiles, and
 * believed after its rename only. */
static int write_checkpoint(struct commit *commit, struct writer *text)
{
    struct checkpoint checkpoint = {.origin = text_of(commit->log->key.verifier.name),
                                    .size = commit->next->frontier.size};
    checkpoint.root = merkle_root(commit->log->hasher, &commit->next->frontier);
    checkpoint_write(&checkpoint, text);
    struct text body = {text->data, text->length};
    WRITE_LITERAL(text, "\n");
    note_sign(&commit->log->key, body, 0, text);
    must(!text->overflow);
    int failed = write_file(commit->log, "checkpoint.new", text->data, text->length);
    return failed ? error_set(commit->error, failed, "checkpoint.new: %s", strerror(-failed)) : 0;
}

static int publish_checkpoint(struct audit_log *log)
{
    if (renameat(log->folder, "checkpoint.new", log->folder, "checkpoint") < 0)
        return -errno;
    return sync_all(log->pool, &log->folder, 1);
}

/* Partial tiles whose full tile is durable now are of no use to anyone. */
static void clear_partial_tiles(struct audit_log *log, const struct state *before,
                                const struct state *now)
{
    for (int level = TILE_BUNDLES; level < TILE_LEVELS; level++) {
        const struct edge *old = &before->edge[level == TILE_BUNDLES ? 0 : level];
        const struct edge *new = &now->edge[level == TILE_BUNDLES ? 0 : level];
        if (old->index == new->index)
            continue;
        char path[TILE_PATH_SIZE];
        for (unsigned width = 1; width <= old->width; width++)
            unlinkat(log->folder, tile_path(level, old->index, width, path), 0);
        *strrchr(tile_path(level, old->index, 1, path), '/') = 0;
        unlinkat(log->folder, path, AT_REMOVEDIR);
    }
}

static int make_durable(struct commit *commit, struct writer *checkpoint)
{
    struct audit_log *log = commit->log;
    int failed = write_entries(commit);
    if (!failed)
        failed = write_checkpoint(commit, checkpoint);
    int synced = failed ? 0 : open_folders(commit);
    int round = sync_open_files(log); /* also closes what a failed write left open */
    if (failed)
        return failed;
    if (!synced)
        synced = round;
    if (!synced)
        synced = publish_checkpoint(log);
    return synced ? error_set(commit->error, synced, "the batch could not be made durable: %s",
                              strerror(-synced))
                  : 0;
}

int audit_log_commit(struct audit_log *log, struct error *error)
{
    if (log->staged_count == 0)
        return 0;
    static_assert(sizeof log->checkpoint <= NOTE_SIZE_MAX, "a checkpoint is a note");
    char text[CHECKPOINT_SIZE];
    struct writer checkpoint = writer_on(text, sizeof text);
    struct commit commit = {.log = log,
                            .next = malloc(sizeof *commit.next),
                            .bundle = malloc(BUNDLE_SIZE_MAX),
                            .error = error};
    int failed = commit.next && commit.bundle ? 0 : error_set(error, -ENOMEM, "out of memory");
    if (!failed) {
        *commit.next = log->durable;
        memcpy(commit.bundle, log->bundle, log->bundle_length);
        commit.bundle_length = log->bundle_length;
        failed = make_durable(&commit, &checkpoint);
    }
    if (!failed) {
        clear_partial_tiles(log, &log->durable, commit.next);
        log->durable = *commit.next;
        uint8_t *old = log->bundle;
        log->bundle = commit.bundle;
        commit.bundle = old;
        log->bundle_length = commit.bundle_length;
        memcpy(log->checkpoint, text, checkpoint.length);
        log->checkpoint_length = checkpoint.length;
        log->staged_length = log->staged_count = 0;
        log->key_is_new = false;
    }
    if (failed)
        clear_beyond(log);
    free(commit.bundle);
    free(commit.next);
    return failed;
}

int audit_log_cosigned(struct audit_log *log, uint64_t size, struct text lines, struct error *error)
{
    if (size != audit_log_size(log))
        return error_set(error, -ESTALE, "the log has grown past %llu entries",
                         (unsigned long long)size);
    if (lines.length > sizeof log->checkpoint - log->checkpoint_length)
        return error_set(error, -EMSGSIZE, "more cosignatures than a checkpoint may have");
    char text[CHECKPOINT_SIZE];
    struct writer whole = writer_on(text, sizeof text);
    write_text(&whole, audit_log_checkpoint(log));
    write_text(&whole, lines);
    int failed = write_file(log, "checkpoint.new", whole.data, whole.length);
    int synced = sync_open_files(log);
    if (!failed)
        failed = synced;
    if (!failed)
        failed = publish_checkpoint(log);
    if (failed)
        return error_set(error, failed, "the cosigned checkpoint could not be written: %s",
                         strerror(-failed));
    memcpy(log->checkpoint, text, whole.length);
    log->checkpoint_length = whole.length;
    return 0;
}
