#include "tracking/fuse.h"

#include <stdlib.h>
#include <string.h>

struct fuse_builder {
    struct fuse_shape shape;
    uint64_t numbers, added;
    unsigned block_bits;
    uint64_t *block;      /* where the next hash of each block goes */
    uint64_t *order;      /* hashes by block, then in the order in which they were peeled off */
    uint64_t *place_xor;  /* of the hashes that use a place */
    uint8_t *place_count; /* 4 times how many use it, xor which of their three places it is */
    uint32_t *alone;      /* places that one hash uses; later the fingerprints */
    uint8_t *which;       /* by which of its three places a hash was peeled off */
};

enum { SEGMENT_LARGEST = 1 << 18 };

/* ln x for x >= 1, to 1e-9: not worth a library. */
static double natural_logarithm(double x)
{
    double result = 0;
    for (; x > 1.5; x /= 2)
        result += 0.69314718055994530942;
    double y = (x - 1) / (x + 1), square = y * y, power = y;
    for (int i = 1; i < 24; i += 2, power *= square)
        result += 2 * power / i;
    return result;
}

/* The paper's section 4: the segment length and the surplus for three places a number. */
struct fuse_shape fuse_shape_for(uint64_t numbers)
{
    uint64_t n = numbers < 2 ? 2 : numbers;
    double logarithm = natural_logarithm((double)n);
    double exponent = logarithm / natural_logarithm(3.33) + 2.25;
    uint32_t segment = 1;
    for (int i = 1; i <= (int)exponent && segment < SEGMENT_LARGEST; i++)
        segment *= 2;
    double surplus = 0.875 + 0.25 * natural_logarithm(1e6) / logarithm;
    uint64_t places = (uint64_t)((double)n * (surplus > 1.125 ? surplus : 1.125) + 0.5);
    uint64_t segments = (places + segment - 1) / segment;
    segments = segments > 3 ? segments : 3;
    return (struct fuse_shape){segment, (uint32_t)((segments - 2) * segment),
                               (uint32_t)(segments * segment)};
}

bool fuse_shape_is_sound(const struct fuse_shape *shape)
{
    uint64_t length = shape->segment_length;
    return length >= 1 && length <= SEGMENT_LARGEST && (length & (length - 1)) == 0 &&
           shape->starts >= length && shape->starts % length == 0 &&
           (uint64_t)shape->starts + 2 * length == shape->places;
}

struct fuse_builder *fuse_builder_new(uint64_t numbers)
{
    struct fuse_builder *b = calloc(1, sizeof *b);
    if (!b || numbers > FUSE_MOST_NUMBERS) {
        free(b);
        return NULL;
    }
    b->shape = fuse_shape_for(numbers);
    b->numbers = numbers;
    while (((uint64_t)b->shape.segment_length << b->block_bits) < b->shape.places)
        b->block_bits++;
    size_t places = b->shape.places;
    b->block = calloc((size_t)1 << b->block_bits, sizeof *b->block);
    b->order = malloc((numbers + 1) * sizeof *b->order);
    b->which = malloc(numbers + 1);
    b->place_xor = malloc(places * sizeof *b->place_xor);
    b->place_count = malloc(places);
    b->alone = malloc(places * sizeof *b->alone);
    if (!b->block || !b->order || !b->which || !b->place_xor || !b->place_count || !b->alone) {
        fuse_builder_free(b);
        return NULL;
    }
    fuse_builder_clear(b);
    return b;
}

void fuse_builder_free(struct fuse_builder *b)
{
    if (!b)
        return;
    free(b->block);
    free(b->order);
    free(b->which);
    free(b->place_xor);
    free(b->place_count);
    free(b->alone);
    free(b);
}

void fuse_builder_clear(struct fuse_builder *b)
{
    size_t blocks = (size_t)1 << b->block_bits;
    for (size_t i = 0; i < blocks; i++)
        b->block[i] = (uint64_t)(((unsigned __int128)i * b->numbers) >> b->block_bits);
    memset(b->order, 0, (b->numbers + 1) * sizeof *b->order);
    memset(b->place_xor, 0, b->shape.places * sizeof *b->place_xor);
    memset(b->place_count, 0, b->shape.places);
    b->added = 0;
}

struct fuse_shape fuse_builder_shape(const struct fuse_builder *b)
{
    return b->shape;
}

/* Into its block, since hashes that are near each other use neighbouring places: without this, each
 * step of the build is a cache miss. A full block's hashes go to the next free cell. */
bool fuse_builder_add(struct fuse_builder *b, uint64_t hash)
{
    if (b->added == b->numbers)
        return false;
    hash += hash == 0; /* 0 marks a free cell; the same is done when the filter is asked */
    uint64_t *next = &b->block[b->block_bits ? hash >> (64 - b->block_bits) : 0];
    uint64_t at = *next;
    while (at >= b->numbers || b->order[at] != 0)
        at = at + 1 >= b->numbers ? 0 : at + 1;
    b->order[at] = hash;
    *next = at + 1;
    b->added++;
    return true;
}

/* False when more than 63 hashes share a place, which hashes of different numbers do not. */
static bool count_places(struct fuse_builder *b)
{
    for (uint64_t i = 0; i < b->numbers; i++) {
        uint64_t hash = b->order[i];
        uint32_t place[3];
        if (hash == 0)
            continue;
        fuse_places(&b->shape, hash, place);
        for (unsigned k = 0; k < 3; k++) {
            b->place_count[place[k]] = (uint8_t)((b->place_count[place[k]] + 4) ^ k);
            b->place_xor[place[k]] ^= hash;
            if (b->place_count[place[k]] < 4)
                return false;
        }
    }
    return true;
}

/* A place that a single hash uses can be given last: take that hash off, and go on. Returns how
 * many came off. */
static uint64_t peel(struct fuse_builder *b)
{
    uint64_t peeled = 0;
    uint32_t waiting = 0;
    for (uint32_t i = 0; i < b->shape.places; i++) {
        b->alone[waiting] = i;
        waiting += b->place_count[i] >> 2 == 1;
    }
    while (waiting) {
        uint32_t at = b->alone[--waiting], place[3];
        if (b->place_count[at] >> 2 != 1)
            continue;
        uint64_t hash = b->place_xor[at];
        unsigned found = b->place_count[at] & 3;
        if (peeled == b->numbers || found > 2)
            return 0;
        b->order[peeled] = hash;
        b->which[peeled] = (uint8_t)found;
        peeled++;
        fuse_places(&b->shape, hash, place);
        for (unsigned k = 0; k < 3; k++) {
            if (k == found)
                continue;
            b->alone[waiting] = place[k];
            waiting += b->place_count[place[k]] >> 2 == 2;
            b->place_count[place[k]] = (uint8_t)((b->place_count[place[k]] - 4) ^ k);
            b->place_xor[place[k]] ^= hash;
        }
        b->place_count[at] = 0;
    }
    return peeled;
}

const uint16_t *fuse_builder_finish(struct fuse_builder *b)
{
    if (!count_places(b) || peel(b) != b->added)
        return NULL;
    uint16_t *fingerprint = (uint16_t *)b->alone;
    memset(fingerprint, 0, b->shape.places * sizeof *fingerprint);
    for (uint64_t i = b->added; i > 0; i--) {
        uint64_t hash = b->order[i - 1];
        uint32_t place[3];
        fuse_places(&b->shape, hash, place);
        uint16_t value = fuse_fingerprint(hash);
        for (unsigned k = 0; k < 3; k++)
            if (k != b->which[i - 1])
                value ^= fingerprint[place[k]];
        fingerprint[place[b->which[i - 1]]] = value;
    }
    return fingerprint;
}
