/* fuse.h: a binary fuse filter with 16-bit fingerprints (Graf, Lemire: "Binary Fuse Filters: Fast
 * and Smaller Than Xor Filters", 2022), from hashes to an array of fingerprints.
 *
 * Each hash has a fingerprint and three places, in three neighbouring segments of the array; the
 * array is filled so that the three values there xor to the fingerprint. 1.125 places a number when
 * there are many.
 *
 * Memory      fuse_builder_new(): 24 bytes a number, plus the page for few. Time: bench/filter.
 * Failure     some sets cannot be built: fuse_builder_finish() says so, and other hashes (another
 *             key) are tried.
 */
#ifndef ECLUSE_FUSE_H
#define ECLUSE_FUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fuse_shape {
    uint32_t segment_length;  /* a power of two */
    uint32_t starts;          /* how many places the first of the three can be in */
    uint32_t places;          /* in all */
};

#define FUSE_MOST_NUMBERS UINT64_C(3000000000)

struct fuse_shape fuse_shape_for(uint64_t numbers);
bool fuse_shape_is_sound(const struct fuse_shape *shape);

static inline uint16_t fuse_fingerprint(uint64_t hash)
{
    return (uint16_t)(hash ^ hash >> 32);
}

static inline void fuse_places(const struct fuse_shape *shape, uint64_t hash, uint32_t place[3])
{
    uint32_t mask = shape->segment_length - 1;
    uint32_t first = (uint32_t)(((unsigned __int128)hash * shape->starts) >> 64);
    place[0] = first;
    place[1] = (first + shape->segment_length) ^ ((uint32_t)(hash >> 18) & mask);
    place[2] = (first + 2 * shape->segment_length) ^ ((uint32_t)hash & mask);
}

static inline bool fuse_has(const struct fuse_shape *shape, const uint16_t *fingerprint,
                            uint64_t hash)
{
    uint32_t place[3];
    fuse_places(shape, hash, place);
    return (uint16_t)(fingerprint[place[0]] ^ fingerprint[place[1]] ^ fingerprint[place[2]]) ==
           fuse_fingerprint(hash);
}

struct fuse_builder;

struct fuse_builder *fuse_builder_new(uint64_t numbers); /* NULL: no memory */
void fuse_builder_free(struct fuse_builder *b);          /* takes NULL */
void fuse_builder_clear(struct fuse_builder *b);         /* before another try */
struct fuse_shape fuse_builder_shape(const struct fuse_builder *b);

/* False when there are more than were announced. */
bool fuse_builder_add(struct fuse_builder *b, uint64_t hash);

/* The fingerprints, shape.places of them, owned by the builder; NULL when the set cannot be built
 * with these hashes. */
const uint16_t *fuse_builder_finish(struct fuse_builder *b);

#endif
