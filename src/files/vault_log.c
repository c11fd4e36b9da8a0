#include "files/vault_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    HEAD = 64,
    AHEAD = 1 << 20, /* blocks are laid aside by the MiB, so that a full disk stops no record */
    READ = 1 << 20,
};

static const char magic[8] = "ECLVAULT";

struct head {
    char magic[8];
    uint32_t version, unused;
    struct hash_key key;
    uint8_t empty[HEAD - 8 - 8 - 16 - 8];
    uint64_t checksum;
};
_Static_assert(sizeof(struct head) == HEAD, "the head of a log has 64 bytes");

struct prefix {
    uint32_t length; /* of the whole record */
    uint16_t type, unused;
    uint64_t checksum; /* of what follows, seeded with the key, the length and the type */
};

static const size_t body_size[LOG_TYPE_COUNT] = {
#define X(constant, body, text) [LOG_##constant] = sizeof(body),
    LOG_RECORDS(X)
#undef X
};

static uint64_t checksum(const struct vault_log *log, const struct prefix *prefix, const void *data)
{
    uint64_t seed = log->key.k0 ^ (log->key.k1 + ((uint64_t)prefix->length << 16 | prefix->type));
    return hash_checksum(seed, data, prefix->length - sizeof *prefix);
}

static int head_write(int fd, struct hash_key key)
{
    struct head head = {.version = LOG_FORM, .key = key};
    memcpy(head.magic, magic, sizeof magic);
    head.checksum = hash_checksum(0, &head, offsetof(struct head, checksum));
    ssize_t n = pwrite(fd, &head, sizeof head, 0);
    return n == HEAD ? 0 : n < 0 ? -errno : -ENOSPC;
}

int vault_log_open(int folder, const char *name, bool write, struct hash_key fresh,
                   struct vault_log *out)
{
    int flags = (write ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW;
    int fd = openat(folder, name, flags, 0600);
    if (fd < 0)
        return -errno;
    off_t length = lseek(fd, 0, SEEK_END);
    int status = 0;
    if (length >= 0 && length < HEAD && write) /* killed while it was made: nothing is in it */
        status = head_write(fd, fresh);
    struct head head;
    if (status == 0 && pread(fd, &head, sizeof head, 0) != HEAD)
        status = -EUCLEAN;
    if (status == 0 && (memcmp(head.magic, magic, sizeof magic) != 0 || head.version != LOG_FORM ||
                        head.checksum != hash_checksum(0, &head, offsetof(struct head, checksum))))
        status = -EUCLEAN;
    if (status < 0) {
        close(fd);
        return status;
    }
    *out = (struct vault_log){
        .fd = fd, .length = length < HEAD ? HEAD : (uint64_t)length, .key = head.key};
    return 0;
}

void vault_log_close(struct vault_log *log)
{
    if (log->fd >= 0)
        close(log->fd);
    log->fd = -1;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* Lengths that the body says, in the order in which they lie behind it. */
static bool lengths_of(const struct log_record *r, uint64_t *first, uint64_t *second)
{
    *first = *second = 0;
    switch (r->type) {
    case LOG_KEPT:
        *first = r->body.KEPT.path_length;
        *second = r->body.KEPT.attributes_length;
        return true;
    case LOG_FOLDER:
        *first = r->body.FOLDER.path_length;
        *second = r->body.FOLDER.attributes_length;
        return true;
    case LOG_MOVED:
        *first = r->body.MOVED.from_length;
        *second = r->body.MOVED.to_length;
        return true;
    case LOG_PLACE:
        *first = r->body.PLACE.path_length;
        return true;
    default:
        return true;
    }
}

/* The record whose whole bytes lie at `data`; false when they are none. */
static bool decode(const struct vault_log *log, const char *data, size_t left, uint64_t offset,
                   struct log_record *out, size_t *length)
{
    struct prefix prefix;
    if (left < sizeof prefix)
        return false;
    memcpy(&prefix, data, sizeof prefix);
    if (prefix.type == LOG_NO_RECORD || prefix.type >= LOG_TYPE_COUNT || prefix.length % 8 != 0 ||
        prefix.length > left || prefix.length > LOG_RECORD_MOST ||
        prefix.length < sizeof prefix + body_size[prefix.type] ||
        prefix.checksum != checksum(log, &prefix, data + sizeof prefix))
        return false;
    struct log_record record = {.type = (enum log_type)prefix.type, .offset = offset};
    memcpy(&record.body, data + sizeof prefix, body_size[prefix.type]);
    uint64_t first, second, room = prefix.length - sizeof prefix - body_size[prefix.type];
    if (!lengths_of(&record, &first, &second) || first > room || second > room - first)
        return false;
    const char *behind = data + sizeof prefix + body_size[prefix.type];
    record.first = (struct text){behind, first};
    record.second = (struct text){behind + first, second};
    *out = record;
    *length = prefix.length;
    return true;
}

struct reading {
    const struct vault_log *log;
    char *data;
    size_t have, at;
    uint64_t offset; /* in the file, of data[0] */
    bool end;
};

static int fill(struct reading *r)
{
    memmove(r->data, r->data + r->at, r->have - r->at);
    r->offset += r->at;
    r->have -= r->at;
    r->at = 0;
    while (r->have < READ) {
        ssize_t n =
            pread(r->log->fd, r->data + r->have, READ - r->have, (off_t)(r->offset + r->have));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0) {
            r->end = true;
            break;
        }
        r->have += (size_t)n;
    }
    return 0;
}

static bool all_zero(const struct reading *r)
{
    for (size_t i = r->at; i < r->have; i++)
        if (r->data[i])
            return false;
    return true;
}

long vault_log_read(const struct vault_log *log, uint64_t offset, log_reader each, void *context,
                    uint64_t *whole)
{
    struct reading r = {.log = log, .data = malloc(READ), .offset = offset ? offset : HEAD};
    long damaged = 0;
    bool lost = false, more = true;
    *whole = r.offset;
    if (r.data == NULL)
        return -ENOMEM;
    while (more) {
        if (!r.end && r.have - r.at < LOG_RECORD_MOST) {
            int status = fill(&r);
            if (status < 0) {
                free(r.data);
                return status;
            }
        }
        if (r.have - r.at < sizeof(struct prefix) || (lost && r.end && all_zero(&r)))
            break;
        struct log_record record;
        size_t length;
        if (!decode(log, r.data + r.at, r.have - r.at, r.offset + r.at, &record, &length)) {
            lost = true;
            r.at += 8;
            continue;
        }
        damaged += lost;
        lost = false;
        more = each(context, &record);
        r.at += length;
        *whole = r.offset + r.at;
    }
    free(r.data);
    return damaged;
}

int vault_log_cut(struct vault_log *log, uint64_t whole)
{
    if (ftruncate(log->fd, (off_t)whole) != 0)
        return -errno;
    log->length = whole;
    log->reserved = whole;
    return 0;
}

int vault_log_at(const struct vault_log *log, uint64_t offset, char *room, struct log_record *out)
{
    struct prefix prefix;
    size_t length;
    if (pread(log->fd, &prefix, sizeof prefix, (off_t)offset) != (ssize_t)sizeof prefix ||
        prefix.length > LOG_RECORD_MOST ||
        pread(log->fd, room, prefix.length, (off_t)offset) != (ssize_t)prefix.length ||
        !decode(log, room, prefix.length, offset, out, &length))
        return -EBADMSG;
    return 0;
}

/* ---- Appending ------------------------------------------------------------------------------- */

static void lengths_set(struct log_record *r)
{
    uint32_t first = (uint32_t)r->first.length, second = (uint32_t)r->second.length;
    switch (r->type) {
    case LOG_KEPT:
        r->body.KEPT.path_length = first;
        r->body.KEPT.attributes_length = second;
        break;
    case LOG_FOLDER:
        r->body.FOLDER.path_length = first;
        r->body.FOLDER.attributes_length = second;
        break;
    case LOG_MOVED:
        r->body.MOVED.from_length = first;
        r->body.MOVED.to_length = second;
        break;
    case LOG_PLACE:
        r->body.PLACE.path_length = first;
        break;
    default:
        break;
    }
}

/* Blocks beyond the end, without making the file longer. Not every file system can. */
static void reserve(struct vault_log *log, size_t length)
{
    if (log->length + length <= log->reserved)
        return;
    if (fallocate(log->fd, FALLOC_FL_KEEP_SIZE, (off_t)log->length, AHEAD) == 0)
        log->reserved = log->length + AHEAD;
}

int vault_log_append(struct vault_log *log, struct log_record *record)
{
    must(record->type > LOG_NO_RECORD && record->type < LOG_TYPE_COUNT);
    lengths_set(record);
    struct prefix prefix = {.type = (uint16_t)record->type};
    size_t body = body_size[record->type];
    size_t length = sizeof prefix + body + record->first.length + record->second.length;
    size_t whole = (length + 7) & ~(size_t)7;
    if (whole > LOG_RECORD_MOST)
        return -E2BIG;
    char few[1024], *bytes = whole <= sizeof few ? few : malloc(whole);
    if (bytes == NULL)
        return -ENOMEM;
    char *p = bytes + sizeof prefix;
    memcpy(p, &record->body, body);
    p += body;
    if (record->first.length)
        memcpy(p, record->first.data, record->first.length);
    p += record->first.length;
    if (record->second.length)
        memcpy(p, record->second.data, record->second.length);
    memset(bytes + length, 0, whole - length);
    prefix.length = (uint32_t)whole;
    prefix.checksum = checksum(log, &prefix, bytes + sizeof prefix);
    memcpy(bytes, &prefix, sizeof prefix);
    reserve(log, whole);
    ssize_t n = pwrite(log->fd, bytes, whole, (off_t)log->length);
    int status = n == (ssize_t)whole ? 0 : n < 0 ? -errno : -ENOSPC;
    if (status == 0) {
        record->offset = log->length;
        log->length += whole;
    } else if (n > 0 && ftruncate(log->fd, (off_t)log->length) != 0) {
        status = -errno; /* the next record is written over it all the same */
    }
    if (bytes != few)
        free(bytes);
    return status;
}
