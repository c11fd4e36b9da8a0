#include "audit/log_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* ---- Staging --------------------------------------------------------------------------------- */

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

/* ---- Writing --------------------------------------------------------------------------------- */

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
    if (before == 0) { /* the name "tile" itself, before a checkpoint may stand for what is in it */
        int folder = openat(log->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int failed = folder < 0 ? -errno : keep_for_sync(log, folder);
        if (failed)
            return failed;
    }
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
        audit_log_clear_beyond(log);
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
