#include "audit/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

struct audit_reader {
    int folder;
    struct merkle_hasher *hasher;
    struct tile_source source;
    char note_text[NOTE_SIZE_MAX];
    size_t note_length;
    struct checkpoint checkpoint;
    uint8_t *bundle; /* the last one read */
    uint64_t bundle_index;
    unsigned bundle_width;
    long bundle_length; /* 0: none */
};

int audit_reader_refresh(struct audit_reader *reader, struct error *error)
{
    char text[NOTE_SIZE_MAX];
    struct note note;
    struct checkpoint checkpoint;
    int file = openat(reader->folder, "checkpoint", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return error_set(error, -errno, "the log has no checkpoint yet");
    ssize_t length = read(file, text, sizeof text);
    close(file);
    if (length < 0 || note_parse((struct text){text, (size_t)length}, &note) != 0 ||
        checkpoint_parse(note.body, &checkpoint) != 0)
        return error_set(error, -EBADMSG, "the log's checkpoint is not a signed checkpoint");
    memcpy(reader->note_text, text, (size_t)length);
    reader->note_length = (size_t)length;
    checkpoint_parse((struct text){reader->note_text, note.body.length}, &reader->checkpoint);
    reader->source.size = reader->checkpoint.size;
    return 0;
}

int audit_reader_open(const char *folder, struct audit_reader **out, struct error *error)
{
    struct audit_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return error_set(error, -ENOMEM, "out of memory");
    reader->hasher = merkle_hasher_new();
    reader->bundle = malloc(BUNDLE_SIZE_MAX);
    reader->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    reader->source = (struct tile_source){.folder = reader->folder, .hasher = reader->hasher};
    int failed = reader->hasher && reader->bundle ? 0 : error_set(error, -ENOMEM, "out of memory");
    if (!failed && reader->folder < 0)
        failed = error_set(error, -errno, "%s cannot be read: %s", folder, strerror(errno));
    if (!failed)
        failed = audit_reader_refresh(reader, error);
    if (failed) {
        audit_reader_close(reader);
        return failed;
    }
    *out = reader;
    return 0;
}

void audit_reader_close(struct audit_reader *reader)
{
    if (!reader)
        return;
    if (reader->folder >= 0)
        close(reader->folder);
    merkle_hasher_free(reader->hasher);
    free(reader->bundle);
    free(reader);
}

uint64_t audit_reader_size(const struct audit_reader *reader)
{
    return reader->checkpoint.size;
}

struct text audit_reader_checkpoint(const struct audit_reader *reader)
{
    return (struct text){reader->note_text, reader->note_length};
}

int audit_reader_entry(struct audit_reader *reader, uint64_t index, struct text *out)
{
    if (index >= reader->checkpoint.size)
        return -ERANGE;
    uint64_t tile = index / TILE_WIDTH;
    unsigned width = tile_width(TILE_BUNDLES, tile, reader->checkpoint.size);
    if (!reader->bundle_length || reader->bundle_index != tile || reader->bundle_width < width) {
        reader->bundle_length = 0;
        long length = bundle_read(reader->folder, tile, width, reader->bundle);
        if (length < 0)
            return (int)length;
        reader->bundle_index = tile;
        reader->bundle_width = width;
        reader->bundle_length = length;
    }
    size_t at = 0;
    for (uint64_t i = 0; i <= index % TILE_WIDTH; i++)
        if (!bundle_next(reader->bundle, (size_t)reader->bundle_length, &at, out))
            return -EBADMSG;
    return 0;
}

int audit_reader_inclusion(struct audit_reader *reader, uint64_t index, struct merkle_proof *out)
{
    return merkle_prove_inclusion(reader->hasher, index, reader->checkpoint.size, tile_source_hash,
                                  &reader->source, out);
}

int audit_reader_consistency(struct audit_reader *reader, uint64_t size1, struct merkle_proof *out)
{
    return merkle_prove_consistency(reader->hasher, size1, reader->checkpoint.size,
                                    tile_source_hash, &reader->source, out);
}

static int write_extra(struct text entry, struct writer *out)
{
    size_t size = sodium_base64_ENCODED_LEN(entry.length, sodium_base64_VARIANT_ORIGINAL);
    char *base64 = malloc(size);
    if (!base64)
        return -ENOMEM;
    sodium_bin2base64(base64, size, (const uint8_t *)entry.data, entry.length,
                      sodium_base64_VARIANT_ORIGINAL);
    WRITE_LITERAL(out, "extra ");
    write_string(out, base64);
    WRITE_LITERAL(out, "\n");
    free(base64);
    return 0;
}

int audit_reader_proof(struct audit_reader *reader, uint64_t index, struct writer *out)
{
    struct text entry;
    struct merkle_proof proof;
    int failed = audit_reader_entry(reader, index, &entry);
    if (!failed)
        failed = audit_reader_inclusion(reader, index, &proof);
    if (failed)
        return failed;
    WRITE_LITERAL(out, "c2sp.org/tlog-proof@v1\n");
    failed = write_extra(entry, out);
    WRITE_LITERAL(out, "index ");
    write_unsigned(out, index);
    WRITE_LITERAL(out, "\n");
    for (size_t i = 0; i < proof.count; i++) {
        hash_write(&proof.hash[i], out);
        WRITE_LITERAL(out, "\n");
    }
    WRITE_LITERAL(out, "\n");
    write_text(out, audit_reader_checkpoint(reader));
    return failed ? failed : out->overflow ? -EMSGSIZE : 0;
}
