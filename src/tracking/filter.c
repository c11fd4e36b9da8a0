#include "tracking/filter_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct filter {
    struct filter_map map;
    bool usable;          /* mapped, whole, and built from the store that is there */
    uint64_t file, store; /* generations at the last look */
    char path[STORE_PATH_SIZE], store_path[STORE_PATH_SIZE];
};

/* ---- the file ------------------------------------------------------------------------------- */

struct filter_layout filter_layout_of(const struct fuse_shape *shape, uint32_t buckets)
{
    size_t fingerprints = (size_t)shape->places * sizeof(uint16_t);
    size_t delta = 2 * FILTER_PAGE + (fingerprints + FILTER_PAGE - 1) / FILTER_PAGE * FILTER_PAGE;
    return (struct filter_layout){2 * FILTER_PAGE, delta,
                                  delta + (size_t)buckets * sizeof(struct filter_bucket)};
}

uint64_t filter_header_checksum(const struct filter_header *header)
{
    return hash_checksum(FILTER_MAGIC, header, offsetof(struct filter_header, checksum));
}

uint32_t filter_bucket_check(struct hash_key key, uint32_t index, const uint32_t mark[FILTER_MARKS])
{
    return (uint32_t)hash_checksum(key.k0 + index, mark, FILTER_MARKS * sizeof *mark);
}

static bool header_is_sound(const struct filter_header *h, size_t size)
{
    return h->magic == FILTER_MAGIC && h->checksum == filter_header_checksum(h) &&
           h->file_size == size && fuse_shape_is_sound(&h->shape) && h->buckets >= 1 &&
           filter_layout_of(&h->shape, h->buckets).size == size;
}

static int map_check(struct filter_map *map)
{
    const struct filter_header *h = map->base;
    if (!header_is_sound(h, map->size))
        return -EPROTO;
    struct filter_layout layout = filter_layout_of(&h->shape, h->buckets);
    uint8_t *base = map->base;
    map->header = h;
    map->changing = (struct filter_changing *)(void *)(base + FILTER_PAGE);
    map->fingerprint = (const uint16_t *)(const void *)(base + layout.fingerprints);
    map->bucket = (struct filter_bucket *)(void *)(base + layout.delta);
    uint64_t checksum =
        hash_checksum(h->key.k0, map->fingerprint, h->shape.places * sizeof(uint16_t));
    return checksum == h->fingerprints_checksum ? 0 : -EPROTO;
}

int filter_map_open(const char *path, bool writable, struct filter_map *out)
{
    struct stat st;
    int fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct filter_map map = {0};
    int code = fstat(fd, &st) != 0 ? -errno : st.st_size < 2 * FILTER_PAGE ? -EPROTO : 0;
    if (code == 0) {
        map.size = (size_t)st.st_size;
        map.base = mmap(NULL, map.size, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
        if (map.base == MAP_FAILED) {
            map.base = NULL;
            code = -errno;
        }
    }
    close(fd);
    if (code == 0)
        code = map_check(&map);
    if (code != 0) {
        filter_map_close(&map);
        return code;
    }
    *out = map;
    return 0;
}

void filter_map_close(struct filter_map *map)
{
    if (map->base)
        munmap(map->base, map->size);
    *map = (struct filter_map){0};
}

/* ---- readers -------------------------------------------------------------------------------- */

int filter_open(const char *state, struct filter **out, struct error *error)
{
    struct filter *f = calloc(1, sizeof *f);
    if (!f)
        return error_set(error, -ENOMEM, "no memory");
    if (store_path(f->path, state, "live.filter") != 0 ||
        store_path(f->store_path, state, "parcels.mdb") != 0) {
        free(f);
        return error_set(error, -ENAMETOOLONG, "%s: the path is too long", state);
    }
    filter_refresh(f);
    *out = f;
    return 0;
}

void filter_close(struct filter *f)
{
    if (!f)
        return;
    filter_map_close(&f->map);
    free(f);
}

void filter_refresh(struct filter *f)
{
    uint64_t file = store_file_generation(f->path);
    if (file != f->file) {
        struct filter_map map = {0};
        filter_map_close(&f->map);
        if (filter_map_open(f->path, false, &map) == 0)
            f->map = map;
        f->file = file;
    }
    f->store = store_file_generation(f->store_path);
    f->usable = f->map.base && f->map.header->store_generation == f->store;
}

static bool delta_has(const struct filter_map *map, uint64_t hash)
{
    const struct filter_header *h = map->header;
    struct filter_spot spot = filter_spot_of(hash, h->buckets);
    for (uint32_t tries = 0; tries < h->buckets; tries++) {
        const struct filter_bucket *bucket = &map->bucket[spot.bucket];
        uint32_t mark[FILTER_MARKS], check;
        check = atomic_load_explicit(&bucket->check, memory_order_acquire);
        for (int i = 0; i < FILTER_MARKS; i++) {
            mark[i] = atomic_load_explicit(&bucket->mark[i], memory_order_relaxed);
            if (mark[i] == spot.mark)
                return true;
        }
        if (check != filter_bucket_check(h->key, spot.bucket, mark))
            return true; /* being written, or damaged: maybe */
        if (mark[FILTER_MARKS - 1] == 0)
            return false;
        spot.bucket = spot.bucket + 1 == h->buckets ? 0 : spot.bucket + 1;
    }
    return true;
}

static bool is_live(const struct filter *f)
{
    return f->usable &&
           atomic_load_explicit(&f->map.changing->state, memory_order_acquire) == FILTER_LIVE;
}

bool filter_has(const struct filter *f, const struct parcel_number *parcel)
{
    if (!is_live(f))
        return true;
    const struct filter_header *h = f->map.header;
    uint64_t hash = filter_hash(h->key, parcel->text, parcel->length);
    /* Over many numbers each of the four places is a miss of its own: they are waited for
     * together. */
    __builtin_prefetch(&f->map.bucket[filter_spot_of(hash, h->buckets).bucket]);
    return fuse_has(&h->shape, f->map.fingerprint, hash) || delta_has(&f->map, hash);
}

void filter_figures(const struct filter *f, struct filter_figures *out)
{
    *out = (struct filter_figures){.usable = is_live(f)};
    if (!f->map.base)
        return;
    const struct filter_header *h = f->map.header;
    out->delta = atomic_load_explicit(&f->map.changing->delta, memory_order_relaxed);
    out->delta_room = (uint64_t)h->buckets * FILTER_BUCKET_ROOM;
    out->numbers = h->numbers + out->delta;
    out->built = h->built;
    if (out->numbers)
        out->bits_per_number_milli = f->map.size * UINT64_C(8000) / out->numbers;
}
