#include "audit/tile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

char *tile_path(int level, uint64_t index, unsigned width, char out[TILE_PATH_SIZE])
{
    must(width >= 1 && width <= TILE_WIDTH && level < TILE_LEVELS);
    uint64_t above = index / 1000;
    unsigned groups = 0;
    uint64_t group[6];
    for (; above && groups < 6; above /= 1000)
        group[groups++] = above % 1000;
    int length = level == TILE_BUNDLES ? snprintf(out, TILE_PATH_SIZE, "tile/entries/")
                                       : snprintf(out, TILE_PATH_SIZE, "tile/%d/", level);
    while (groups > 0)
        length += snprintf(out + length, TILE_PATH_SIZE - (size_t)length, "x%03u/",
                           (unsigned)group[--groups]);
    length +=
        snprintf(out + length, TILE_PATH_SIZE - (size_t)length, "%03u", (unsigned)(index % 1000));
    if (width < TILE_WIDTH)
        snprintf(out + length, TILE_PATH_SIZE - (size_t)length, ".p/%u", width);
    return out;
}

unsigned tile_width(int level, uint64_t index, uint64_t size)
{
    unsigned height = level == TILE_BUNDLES ? 0 : 8 * (unsigned)level;
    uint64_t hashes = size >> height;
    if (index > hashes / TILE_WIDTH)
        return 0;
    uint64_t from = index * TILE_WIDTH;
    return hashes - from < TILE_WIDTH ? (unsigned)(hashes - from) : TILE_WIDTH;
}

static int read_whole(int file, void *out, size_t size, size_t *length)
{
    size_t have = 0;
    while (have < size) {
        ssize_t got = read(file, (char *)out + have, size - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    *length = have;
    return 0;
}

/* Opens a tile, or the full one in the place of a partial one. */
static int tile_open(int folder, int level, uint64_t index, unsigned width)
{
    char path[TILE_PATH_SIZE];
    int file =
        openat(folder, tile_path(level, index, width, path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0 && errno == ENOENT && width < TILE_WIDTH)
        file = openat(folder, tile_path(level, index, TILE_WIDTH, path),
                      O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return file < 0 ? -errno : file;
}

int tile_read(int folder, int level, uint64_t index, unsigned width, struct merkle_hash *out)
{
    struct merkle_hash hash[TILE_WIDTH + 1]; /* one more, so that a file that is too long shows */
    size_t length = 0;
    int file = tile_open(folder, level, index, width);
    if (file < 0)
        return file;
    int failed = read_whole(file, hash, sizeof hash, &length);
    close(file);
    if (failed)
        return failed;
    if (length != width * sizeof *hash && length != TILE_WIDTH * sizeof *hash)
        return -EBADMSG;
    memcpy(out, hash, width * sizeof *hash);
    return 0;
}

long bundle_read(int folder, uint64_t index, unsigned width, uint8_t *out)
{
    size_t length = 0;
    struct stat about;
    int file = tile_open(folder, TILE_BUNDLES, index, width);
    if (file < 0)
        return file;
    int failed = fstat(file, &about) < 0 ? -errno : 0;
    if (!failed && about.st_size > BUNDLE_SIZE_MAX)
        failed = -EBADMSG;
    if (!failed)
        failed = read_whole(file, out, BUNDLE_SIZE_MAX, &length);
    close(file);
    return failed ? failed : (long)length;
}

bool bundle_next(const uint8_t *bundle, size_t length, size_t *at, struct text *entry)
{
    if (length - *at < 2)
        return false;
    size_t size = (size_t)bundle[*at] << 8 | bundle[*at + 1];
    if (length - *at - 2 < size)
        return false;
    *entry = (struct text){(const char *)bundle + *at + 2, size};
    *at += 2 + size;
    return true;
}

static int kept_tile(struct tile_source *source, unsigned level, uint64_t index,
                     const struct tile_kept **out)
{
    struct tile_kept *kept = &source->kept[level];
    unsigned width = tile_width((int)level, index, source->size);
    if (!width)
        return -EINVAL;
    if (!kept->filled || kept->index != index || kept->width != width) {
        int failed = tile_read(source->folder, (int)level, index, width, kept->hash);
        if (failed)
            return failed; /* what was kept is still what it says: tile_read() leaves its output
                              alone */
        kept->filled = true;
        kept->index = index;
        kept->width = width;
    }
    *out = kept;
    return 0;
}

int tile_source_hash(void *context, unsigned height, uint64_t index, struct merkle_hash *out)
{
    struct tile_source *source = context;
    unsigned level = height / 8,
             inner = height % 8; /* the subtree has 2^inner hashes of this level */
    uint64_t first = index << inner;
    const struct tile_kept *tile;
    int failed = kept_tile(source, level, first / TILE_WIDTH, &tile);
    if (failed)
        return failed;
    unsigned at = (unsigned)(first % TILE_WIDTH), count = 1u << inner;
    if (at + count > tile->width)
        return -EINVAL;
    struct merkle_hash hash[TILE_WIDTH / 2];
    memcpy(hash, tile->hash + at, count * sizeof *hash);
    for (; count > 1; count /= 2)
        for (unsigned i = 0; i < count / 2; i++)
            hash[i] = merkle_node(source->hasher, &hash[2 * i], &hash[2 * i + 1]);
    *out = hash[0];
    return 0;
}
