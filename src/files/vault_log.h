/* vault_log.h: the vault's log on disk: what is written, and read back. Room's own.
 *
 * A head (magic, version, a secret key) and then records, each of a multiple of 8 bytes: length,
 * type, checksum, a fixed body, and what has no fixed length. The checksum is XXH3 seeded with the
 * log's secret, so that nothing that a file name or attribute holds can pass for a record. Numbers
 * are little-endian, as the machines that this runs on.
 *
 * Append     one write(2): a process that is killed leaves a whole record or a torn tail.
 * Read       streams; a record that is damaged is passed over to the next whole one, and counted.
 *            What no whole record follows is the tail.
 */
#ifndef ECLUSE_FILES_VAULT_LOG_H
#define ECLUSE_FILES_VAULT_LOG_H

#include "base/base.h"

#include <stdbool.h>

enum { LOG_FORM = 1, LOG_RECORD_MOST = 1 << 18 };

/*    constant  body                  what it says */
#define LOG_RECORDS(X)                                                                             \
    X(KEPT, struct log_version, "a version is kept")                                               \
    X(WRITER, struct log_writer, "who wrote a version, when that was learnt later")                \
    X(PAST, struct log_past, "a version was rewritten or removed")                                 \
    X(MOVED, struct log_moved, "a file or folder has another path")                                \
    X(HELD, struct log_held, "a hold began")                                                       \
    X(FOLDER, struct log_folder, "how a folder is")                                                \
    X(NAMELESS, struct log_nameless, "a version's file was removed")                               \
    X(GONE, struct log_gone, "a version was evicted or expired")                                   \
    X(PLACE, struct log_place, "where a file is: stands for what was moved long ago")

enum log_type {
    LOG_NO_RECORD,
#define X(constant, ...) LOG_##constant,
    LOG_RECORDS(X)
#undef X
        LOG_TYPE_COUNT
};

enum { LOG_TORN = 1, LOG_SAME = 2, LOG_NO_CLONE = 4 };

struct log_version { /* then the path, then the attributes */
    uint64_t id, inode;
    uint32_t generation, mode, owner, group, links;
    uint8_t when;  /* enum vault_when */
    uint8_t flags; /* torn: it changed while it was kept, or may have; same: as the last version */
    uint16_t unused;
    int64_t accessed, modified, changed; /* nanoseconds, wall clock */
    uint64_t size, bytes;                /* as seen; of data on disk */
    uint64_t tree;                       /* who wrote it */
    uint32_t user;
    uint32_t path_length, attributes_length, unused2;
    int64_t at;
};

struct log_writer {
    uint64_t id, tree;
    int64_t at;
    uint32_t user, unused;
};

struct log_past {
    uint64_t id, tree;
    int64_t at;
    uint64_t size_after;
    uint32_t user;
    uint8_t ground, before, after, unused; /* of rewrite.h; ground LOG_UNJUDGED: nobody looked */
    uint16_t entropy_before, entropy_after, read, changed, risen, unused2;
    uint32_t unused3;
};
enum { LOG_UNJUDGED = 255 };

struct log_moved { /* then both paths */
    uint64_t tree;
    int64_t at;
    uint32_t user, from_length, to_length, folder; /* 1: with all that lies in it */
};

struct log_held {
    char hold[40];
    uint64_t tree;
    int64_t from, at;
    uint32_t user, unused;
};

struct log_folder { /* then the path, then the attributes */
    uint64_t inode;
    int64_t accessed, modified, at;
    uint32_t mode, owner, group, path_length, attributes_length, unused;
};

struct log_nameless {
    uint64_t id, tree;
    int64_t at;
    uint32_t user, unused;
};

struct log_gone {
    uint64_t id;
    int64_t at;
};

struct log_place { /* then the path */
    uint64_t inode;
    int64_t at;
    uint32_t generation, path_length;
};

/* A record in memory: the body is of its type, the rest lies behind it, and both are as long as
 * they say (checked when read). */
struct log_record {
    enum log_type type;
    uint64_t offset; /* in the log; 0 of one that is not written yet */
    union {
#define X(constant, body, text) body constant;
        LOG_RECORDS(X)
#undef X
    } body;
    struct text first, second; /* path, or from; attributes, or to */
};

struct vault_log {
    int fd;
    uint64_t length;   /* of what is whole */
    uint64_t reserved; /* blocks laid aside up to here */
    struct hash_key key;
};

/* Opens `name` in a folder for appending, or makes it (0600) with this key. -EUCLEAN when it is of
 * another version or no log. The length is that of the file: read it, then vault_log_cut(). */
int vault_log_open(int folder, const char *name, bool write, struct hash_key fresh,
                   struct vault_log *out);
void vault_log_close(struct vault_log *log);

/* Calls `each` for every record from `offset` on (0: the first), while it returns true. `whole`:
 * behind the last whole record. Returns how many places were damaged, or a negative errno. */
typedef bool (*log_reader)(void *context, const struct log_record *record);
long vault_log_read(const struct vault_log *log, uint64_t offset, log_reader each, void *context,
                    uint64_t *whole);
int vault_log_cut(struct vault_log *log, uint64_t whole);

/* One record at `offset`; `room` (LOG_RECORD_MOST bytes) holds what it points to. -EBADMSG. */
int vault_log_at(const struct vault_log *log, uint64_t offset, char *room, struct log_record *out);

/* Appends, and sets the record's offset. -ENOSPC and other errors leave the log as it was. */
int vault_log_append(struct vault_log *log, struct log_record *record);

#endif
