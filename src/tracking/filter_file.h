/* filter_file.h: how `state/tracking/live.filter` is laid out, and what its readers and its writer
 * both do with it.
 *
 *   one page    header: fixed when the file is built, checked by a checksum
 *   one page    what changes: state, and how many numbers the delta holds
 *   fingerprints of the fuse filter, covered by a checksum
 *   delta       buckets of 64 bytes: 15 marks of 32 bits and a checksum over them
 *
 * One file, so that a build and its delta are replaced together by one rename. It is whole on the
 * disk (allocated and synced) before it gets its name: a mapping of it cannot meet a full disk.
 *
 * A bucket that is being written, or is damaged, does not match its checksum, and a reader then
 * says "maybe". No reader waits.
 */
#ifndef ECLUSE_FILTER_FILE_H
#define ECLUSE_FILTER_FILE_H

#include "tracking/filter.h"
#include "tracking/fuse.h"
#include "tracking/store_internal.h"

#include <stdatomic.h>

enum {
    FILTER_PAGE = 4096,
    FILTER_MARKS = 15,          /* of one bucket */
    FILTER_BUCKET_ROOM = 9,     /* on average, when the delta is full: few buckets overflow then */
    FILTER_BUCKETS_LEAST = 1024,
    FILTER_LIVE = 0x4c495645,   /* any other state: maybe */
    FILTER_OPEN = 0x4f50454e,   /* numbers were committed that are not in it */
    FILTER_REPLACED = 0x5245504c,
};

#define FILTER_MAGIC UINT64_C(0x3130746c69666345) /* "Ecfilt01" */

struct filter_header {
    uint64_t magic;
    uint64_t file_size;
    struct hash_key key;
    uint64_t numbers;          /* in the fuse filter */
    struct fuse_shape shape;
    uint32_t buckets;
    uint64_t store_generation; /* of the file that it was built from */
    int64_t built;
    uint64_t fingerprints_checksum;
    uint64_t checksum;         /* over what stands above */
};

struct filter_changing {
    _Atomic uint32_t state;
    _Atomic uint32_t delta;    /* numbers added */
};

struct filter_bucket {
    _Atomic uint32_t mark[FILTER_MARKS];
    _Atomic uint32_t check;
};

struct filter_map {
    void *base;
    size_t size;
    const struct filter_header *header;
    struct filter_changing *changing;
    const uint16_t *fingerprint;
    struct filter_bucket *bucket;
};

struct filter_layout {
    size_t fingerprints, delta, size; /* offsets, and the whole */
};

struct filter_layout filter_layout_of(const struct fuse_shape *shape, uint32_t buckets);
uint64_t filter_header_checksum(const struct filter_header *header);

/* Maps and checks a file. -ENOENT, -EPROTO: damaged or of another version. */
int filter_map_open(const char *path, bool writable, struct filter_map *out);
void filter_map_close(struct filter_map *map); /* takes an empty one */

uint32_t filter_bucket_check(struct hash_key key, uint32_t index,
                             const uint32_t mark[FILTER_MARKS]);

static inline uint64_t filter_hash(struct hash_key key, const char *number, size_t length)
{
    uint64_t hash = siphash(key, number, length);
    return hash + (hash == 0);
}

/* Bucket and mark come from other bits than the fuse filter's places. */
struct filter_spot {
    uint32_t bucket, mark;
};

static inline struct filter_spot filter_spot_of(uint64_t hash, uint32_t buckets)
{
    hash = (hash ^ hash >> 31) * UINT64_C(0x9fb21c651e98df25);
    hash ^= hash >> 28;
    uint32_t mark = (uint32_t)hash;
    return (struct filter_spot){(uint32_t)((hash >> 32) * buckets >> 32), mark + (mark == 0)};
}

#endif
