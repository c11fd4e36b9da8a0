#include "audit/verify.h"

#include "audit/tile.h"
#include "audit/verify_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *verify_finding_text(enum verify_finding finding)
{
    static const char *const text[] = {
#define X(constant, text) text,
        VERIFY_FINDINGS(X)
#undef X
    };
    return finding < VERIFY_FINDING_COUNT ? text[finding] : "unknown";
}

struct level { /* the tile that the walk is filling */
    uint64_t index;
    unsigned width;
    struct merkle_hash hash[TILE_WIDTH];
};

struct walk {
    int folder;
    const struct verify_options *options;
    struct verify_report *report;
    struct merkle_hasher *hasher;
    struct checkpoint checkpoint, cosigned;
    struct merkle_frontier frontier;
    struct level level[TILE_LEVELS];
    struct merkle_hash stored[TILE_WIDTH]; /* level 0, as the disk has it */
    uint8_t *bundle;
    char checkpoint_text[NOTE_SIZE_MAX];
};

__attribute__((format(printf, 3, 4))) static bool
found(struct walk *walk, enum verify_finding finding, const char *format, ...)
{
    va_list arguments;
    walk->report->finding = finding;
    va_start(arguments, format);
    vsnprintf(walk->report->place, sizeof walk->report->place, format, arguments);
    va_end(arguments);
    return false;
}

static enum verify_finding finding_of(int failed)
{
    return failed == -EBADMSG ? VERIFY_MALFORMED : VERIFY_MISSING;
}

/* ---- Checkpoints ----------------------------------------------------------------------------- */

/* By the log's key, or one that it had before. */
static bool is_signed_by_log(const struct verify_options *options, const struct note *note)
{
    enum note_verdict verdict = note_verify(note, options->key, NULL);
    for (size_t i = 0; i < options->former_count && verdict == NOTE_NOT_SIGNED; i++)
        if (strcmp(options->former[i].name, options->key->name) == 0)
            verdict = note_verify(note, &options->former[i], NULL);
    return verdict == NOTE_SIGNED;
}

static bool read_checkpoint(struct walk *walk)
{
    int file = openat(walk->folder, "checkpoint", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return found(walk, VERIFY_NO_CHECKPOINT, "checkpoint");
    ssize_t length = read(file, walk->checkpoint_text, sizeof walk->checkpoint_text);
    close(file);
    struct note note;
    if (length < 0 ||
        note_parse((struct text){walk->checkpoint_text, (size_t)length}, &note) != 0 ||
        checkpoint_parse(note.body, &walk->checkpoint) != 0)
        return found(walk, VERIFY_BAD_CHECKPOINT, "checkpoint");
    walk->report->size = walk->checkpoint.size;
    snprintf(walk->report->key_text, sizeof walk->report->key_text, "%.*s+%08x",
             (int)note.signature[0].name.length, note.signature[0].name.data, note.signature[0].id);
    if (!walk->options->key)
        return true;
    if (!text_is(walk->checkpoint.origin, walk->options->key->name) ||
        !is_signed_by_log(walk->options, &note))
        return found(walk, VERIFY_BAD_SIGNATURE, "checkpoint");
    walk->report->key_authenticated = true;
    return true;
}

/* A checkpoint that somebody kept counts when a witness cosigned it, or, where no witness is
 * named, when the log signed it. */
static bool cosigned_counts(struct walk *walk, const struct note *note)
{
    const struct verify_options *options = walk->options;
    if (options->key && note_verify(note, options->key, NULL) == NOTE_WRONG)
        return false;
    size_t signed_by = 0;
    for (size_t i = 0; i < options->witness_count; i++) {
        enum note_verdict verdict = note_verify(note, &options->witnesses[i], NULL);
        if (verdict == NOTE_WRONG)
            return false;
        signed_by += verdict == NOTE_SIGNED;
    }
    if (options->witness_count == 0)
        return !options->key || is_signed_by_log(options, note);
    return signed_by > 0;
}

static bool read_cosigned(struct walk *walk)
{
    struct note note;
    walk->cosigned.size = UINT64_MAX;
    if (!walk->options->cosigned.length)
        return true;
    struct checkpoint cosigned;
    if (note_parse(walk->options->cosigned, &note) != 0 ||
        checkpoint_parse(note.body, &cosigned) != 0 ||
        !text_equal(cosigned.origin, walk->checkpoint.origin) || !cosigned_counts(walk, &note))
        return found(walk, VERIFY_BAD_COSIGNED, "the cosigned checkpoint");
    walk->cosigned = cosigned;
    walk->report->cosigned_size = cosigned.size;
    if (cosigned.size > walk->checkpoint.size)
        return found(walk, VERIFY_ROLLED_BACK, "checkpoint, entry %llu",
                     (unsigned long long)walk->checkpoint.size);
    return true;
}

static bool check_cosigned_root(struct walk *walk)
{
    if (walk->frontier.size != walk->cosigned.size)
        return true;
    struct merkle_hash root = merkle_root(walk->hasher, &walk->frontier);
    if (!merkle_equal(&root, &walk->cosigned.root))
        return found(walk, VERIFY_HISTORY_CHANGED, "an entry before %llu",
                     (unsigned long long)walk->cosigned.size);
    walk->report->rollback_excluded = true;
    return true;
}

/* ---- Tiles ----------------------------------------------------------------------------------- */

/* Compares what the entries hash to with the tile on the disk; a partial one may have been
 * cleared away, then the full one (of a later, unfinished write) serves. */
static bool check_tile(struct walk *walk, int level, const struct level *computed)
{
    struct merkle_hash stored[TILE_WIDTH];
    char path[TILE_PATH_SIZE];
    tile_path(level, computed->index, computed->width, path);
    int failed = tile_read(walk->folder, level, computed->index, computed->width, stored);
    if (failed)
        return found(walk, finding_of(failed), "%s", path);
    for (unsigned i = 0; i < computed->width; i++)
        if (!merkle_equal(&stored[i], &computed->hash[i]))
            return found(walk, VERIFY_TILE_CHANGED, "%s, hash %u", path, i);
    return true;
}

static struct merkle_hash tile_root(struct walk *walk, const struct level *tile)
{
    struct merkle_hash row[TILE_WIDTH];
    memcpy(row, tile->hash, sizeof row);
    for (unsigned count = TILE_WIDTH / 2; count > 0; count /= 2)
        for (unsigned i = 0; i < count; i++)
            row[i] = merkle_node(walk->hasher, &row[2 * i], &row[2 * i + 1]);
    return row[0];
}

/* Level 0 is compared entry by entry, so that a wrong entry is named; the levels above when a
 * tile is full. */
static bool add_upwards(struct walk *walk, struct merkle_hash hash)
{
    for (int level = 1; level < TILE_LEVELS; level++) {
        struct level *tile = &walk->level[level];
        tile->hash[tile->width++] = hash;
        if (tile->width < TILE_WIDTH)
            return true;
        if (!check_tile(walk, level, tile))
            return false;
        hash = tile_root(walk, tile);
        tile->index++;
        tile->width = 0;
    }
    return true;
}

static bool check_bundle(struct walk *walk, uint64_t index, unsigned width)
{
    struct level *tile = &walk->level[0];
    char path[TILE_PATH_SIZE];
    tile_path(TILE_BUNDLES, index, width, path);
    long length = bundle_read(walk->folder, index, width, walk->bundle);
    if (length < 0)
        return found(walk, finding_of((int)length), "%s", path);
    int failed = tile_read(walk->folder, 0, index, width, walk->stored);
    if (failed)
        return found(walk, finding_of(failed), "%s", tile_path(0, index, width, path));
    size_t at = 0;
    for (unsigned i = 0; i < width; i++) {
        struct text entry;
        unsigned long long number = index * TILE_WIDTH + i;
        if (!bundle_next(walk->bundle, (size_t)length, &at, &entry))
            return found(walk, VERIFY_MALFORMED, "%s, entry %llu", path, number);
        tile->hash[i] = merkle_leaf(walk->hasher, entry.data, entry.length);
        if (!merkle_equal(&tile->hash[i], &walk->stored[i]))
            return found(walk, VERIFY_ENTRY_CHANGED, "%s, entry %llu", path, number);
        merkle_append(walk->hasher, &walk->frontier, &tile->hash[i]);
        if (!check_cosigned_root(walk))
            return false;
        if (walk->options->entry)
            walk->options->entry(walk->options->context, number, entry);
    }
    if (at != (size_t)length && width == TILE_WIDTH)
        return found(walk, VERIFY_MALFORMED, "%s, after its last entry", path);
    return width < TILE_WIDTH || add_upwards(walk, tile_root(walk, tile));
}

static bool check_entries(struct walk *walk)
{
    uint64_t size = walk->checkpoint.size;
    if (!check_cosigned_root(walk)) /* of an empty tree */
        return false;
    for (uint64_t index = 0; index * TILE_WIDTH < size; index++) {
        if (!check_bundle(walk, index, tile_width(TILE_BUNDLES, index, size)))
            return false;
        if (walk->options->progress && index % 256 == 0)
            walk->options->progress(walk->options->context, walk->frontier.size, size);
    }
    for (int level = 1; level < TILE_LEVELS; level++)
        if (walk->level[level].width && !check_tile(walk, level, &walk->level[level]))
            return false;
    struct merkle_hash root = merkle_root(walk->hasher, &walk->frontier);
    return merkle_equal(&root, &walk->checkpoint.root) ||
           found(walk, VERIFY_ROOT_DIFFERS, "checkpoint");
}

static bool check_other_files(struct walk *walk)
{
    struct verify_files files = {walk->folder, walk->checkpoint.size, walk->hasher, walk->bundle};
    char place[sizeof walk->report->place] = "";
    int failed = verify_files(&files, place, sizeof place);
    if (!failed)
        return true;
    return found(walk, failed == -EEXIST ? VERIFY_FOREIGN_FILE : finding_of(failed), "%s", place);
}

int audit_verify(const char *folder, const struct verify_options *options,
                 struct verify_report *out)
{
    struct verify_report report = {.finding = VERIFY_SOUND};
    struct walk *walk = calloc(1, sizeof *walk);
    if (!walk)
        return -ENOMEM;
    walk->options = options;
    walk->report = &report;
    walk->hasher = merkle_hasher_new();
    walk->bundle = malloc(BUNDLE_SIZE_MAX);
    walk->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = walk->hasher && walk->bundle ? 0 : -ENOMEM;
    if (!failed && walk->folder < 0)
        failed = -errno;
    if (!failed && read_checkpoint(walk) && read_cosigned(walk) && check_entries(walk))
        check_other_files(walk);
    if (walk->folder >= 0)
        close(walk->folder);
    merkle_hasher_free(walk->hasher);
    free(walk->bundle);
    free(walk);
    if (!failed)
        *out = report;
    return failed;
}
