/* tile.h: the log's files, as c2sp.org/tlog-tiles lays them out.
 *
 * A tile is 256 hashes (8,192 bytes) of one level; a bundle is 256 entries, each behind its length
 * in two bytes, big endian. The last of a level may be partial. Files are opened below a folder's
 * descriptor, so that a log can be read wherever it lies.
 */
#ifndef ECLUSE_TILE_H
#define ECLUSE_TILE_H

#include "audit/merkle.h"
#include "base/base.h"

enum {
    TILE_WIDTH = 256,
    TILE_LEVELS = 8,   /* of 8 heights each: 2^63 leaves */
    TILE_BUNDLES = -1, /* as a level: the entries */
    TILE_PATH_SIZE = 80,
    AUDIT_ENTRY_MAX = 65535, /* bytes: what two bytes can say */
    BUNDLE_SIZE_MAX = TILE_WIDTH * (AUDIT_ENTRY_MAX + 2),
};

/* "tile/0/x001/x234/067" or, for a width under 256, "tile/0/x001/x234/067.p/112"; level
 * TILE_BUNDLES is "entries". */
char *tile_path(int level, uint64_t index, unsigned width, char out[TILE_PATH_SIZE]);

/* How many hashes (or entries) tile `index` of a level has in a tree of this size: 0 to 256. */
unsigned tile_width(int level, uint64_t index, uint64_t size);

/* Reads exactly the hashes of one tile. 0, -ENOENT, or -EBADMSG when the file is of another
 * length. A full tile serves for a partial one that has been cleared away. */
int tile_read(int folder, int level, uint64_t index, unsigned width, struct merkle_hash *out);

/* Reads a bundle's bytes (at most BUNDLE_SIZE_MAX) and returns their length or a negative errno.
 * A full bundle serves for a partial one; `width` entries are then its beginning. */
long bundle_read(int folder, uint64_t index, unsigned width, uint8_t *out);

/* Entry `n` of a bundle in memory: false when the bundle ends before it does. Walks from `*at`,
 * which it moves on; begin with 0. */
bool bundle_next(const uint8_t *bundle, size_t length, size_t *at, struct text *entry);

/* A merkle_source over a folder of tiles for a tree of `size` leaves. Keeps the last tile of
 * each level, so that neighbouring proofs read little. */
struct tile_source {
    int folder;
    uint64_t size;
    struct merkle_hasher *hasher;
    struct tile_kept {
        bool filled;
        uint64_t index;
        unsigned width;
        struct merkle_hash hash[TILE_WIDTH];
    } kept[TILE_LEVELS];
};

int tile_source_hash(void *source, unsigned height, uint64_t index, struct merkle_hash *out);

#endif
