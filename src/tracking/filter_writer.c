#include "tracking/filter_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct filter_writer {
    struct filter_map map; /* base NULL: there is none yet, and readers say "maybe" */
    bool usable;           /* what is mapped covers every number of the store */
    bool unsynced;
    char state[STORE_PATH_SIZE], path[STORE_PATH_SIZE], store_path[STORE_PATH_SIZE];
};

enum { TRIES = 64 };

static uint32_t state_of(const struct filter_writer *w)
{
    return w->map.base ? atomic_load_explicit(&w->map.changing->state, memory_order_relaxed) : 0;
}

int filter_writer_open(const char *state, struct filter_writer **out, struct error *error)
{
    struct filter_writer *w = calloc(1, sizeof *w);
    if (!w)
        return error_set(error, -ENOMEM, "no memory");
    struct writer copy = writer_on(w->state, sizeof w->state - 1);
    write_string(&copy, state);
    if (copy.overflow || store_path(w->path, state, "live.filter") != 0 ||
        store_path(w->store_path, state, "parcels.mdb") != 0) {
        free(w);
        return error_set(error, -ENAMETOOLONG, "%s: the path is too long", state);
    }
    /* One that is missing, damaged or of another store is not an error: it is built again. */
    if (filter_map_open(w->path, true, &w->map) == 0)
        w->usable = w->map.header->store_generation == store_file_generation(w->store_path) &&
                    state_of(w) == FILTER_LIVE;
    *out = w;
    return 0;
}

void filter_writer_close(struct filter_writer *w)
{
    if (!w)
        return;
    filter_map_close(&w->map);
    free(w);
}

/* ---- the delta ------------------------------------------------------------------------------ */

static void bucket_add(struct filter_writer *w, uint32_t index, int free_mark,
                       uint32_t mark[FILTER_MARKS])
{
    struct filter_bucket *bucket = &w->map.bucket[index];
    uint32_t check = filter_bucket_check(w->map.header->key, index, mark);
    /* In between, a reader finds the mark, or a bucket that does not check: maybe in both cases. */
    atomic_store_explicit(&bucket->mark[free_mark], mark[free_mark], memory_order_release);
    atomic_store_explicit(&bucket->check, check, memory_order_release);
    atomic_fetch_add_explicit(&w->map.changing->delta, 1, memory_order_relaxed);
    w->unsynced = true;
}

static int delta_add(struct filter_writer *w, uint64_t hash)
{
    const struct filter_header *h = w->map.header;
    struct filter_spot spot = filter_spot_of(hash, h->buckets);
    for (uint32_t tries = 0; tries < h->buckets; tries++) {
        struct filter_bucket *bucket = &w->map.bucket[spot.bucket];
        uint32_t mark[FILTER_MARKS];
        int free_mark = -1;
        for (int i = FILTER_MARKS - 1; i >= 0; i--) {
            mark[i] = atomic_load_explicit(&bucket->mark[i], memory_order_relaxed);
            if (mark[i] == spot.mark)
                return 0;
            if (mark[i] == 0)
                free_mark = i;
        }
        if (free_mark >= 0) {
            mark[free_mark] = spot.mark;
            bucket_add(w, spot.bucket, free_mark, mark);
            return 0;
        }
        spot.bucket = spot.bucket + 1 == h->buckets ? 0 : spot.bucket + 1;
    }
    return -ENOSPC;
}

int filter_add(struct filter_writer *w, const struct parcel_number *parcel)
{
    if (!w->usable)
        return 0; /* readers say "maybe" to everything until the next build */
    const struct filter_header *h = w->map.header;
    uint32_t used = atomic_load_explicit(&w->map.changing->delta, memory_order_relaxed);
    if (used >= h->buckets * FILTER_BUCKET_ROOM)
        return -ENOSPC;
    return delta_add(w, filter_hash(h->key, parcel->text, parcel->length));
}

static void set_state(struct filter_writer *w, uint32_t state)
{
    if (w->map.base && w->usable)
        atomic_store_explicit(&w->map.changing->state, state, memory_order_release);
    w->usable = false;
    w->unsynced = true;
}

void filter_open_up(struct filter_writer *w)
{
    set_state(w, FILTER_OPEN);
}

int filter_sync(struct filter_writer *w)
{
    if (!w->map.base || !w->unsynced)
        return 0;
    /* The two parts that change; the kernel writes only their dirty pages. */
    size_t delta = (size_t)((uint8_t *)w->map.bucket - (uint8_t *)w->map.base);
    if (msync((uint8_t *)w->map.base + FILTER_PAGE, FILTER_PAGE, MS_SYNC) != 0 ||
        msync(w->map.bucket, w->map.size - delta, MS_SYNC) != 0)
        return -errno;
    w->unsynced = false;
    return 0;
}

bool filter_wants_build(const struct filter_writer *w)
{
    if (!w->usable)
        return true;
    uint32_t used = atomic_load_explicit(&w->map.changing->delta, memory_order_relaxed);
    return used >= (uint64_t)w->map.header->buckets * FILTER_BUCKET_ROOM * 3 / 4;
}

/* ---- a build -------------------------------------------------------------------------------- */

struct collecting {
    struct fuse_builder *builder;
    struct hash_key key;
};

static int collect(void *context, struct text number)
{
    struct collecting *c = context;
    return fuse_builder_add(c->builder, filter_hash(c->key, number.data, number.length)) ? 0
                                                                                         : -EAGAIN;
}

/* Tries one key after the other: a set that cannot be built with one is unlucky, not impossible. */
static const uint16_t *try_keys(struct fuse_builder *builder, struct store *s, struct hash_key *key,
                                int *code)
{
    for (int i = 0; i < TRIES; i++) {
        struct collecting c = {builder, hash_key_random()};
        if (i)
            fuse_builder_clear(builder);
        *code = store_each_number(s, collect, &c);
        if (*code != 0)
            return NULL;
        const uint16_t *fingerprint = fuse_builder_finish(builder);
        if (fingerprint) {
            *key = c.key;
            return fingerprint;
        }
    }
    *code = -EAGAIN;
    return NULL;
}

static int write_all(int fd, const void *data, size_t length, off_t at)
{
    const uint8_t *bytes = data;
    while (length) {
        ssize_t put = pwrite(fd, bytes, length, at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put < 0 ? -errno : -EIO;
        bytes += put;
        at += put;
        length -= (size_t)put;
    }
    return 0;
}

/* Every bucket is written, empty ones with their checksum too: what a lost write leaves as zeroes
 * does not check. */
static int write_delta(int fd, const struct filter_header *h, off_t at)
{
    enum { AT_ONCE = 1024 };
    static const uint32_t none[FILTER_MARKS];
    uint32_t bucket[AT_ONCE][FILTER_MARKS + 1];
    memset(bucket, 0, sizeof bucket);
    for (uint32_t i = 0; i < h->buckets; i += AT_ONCE) {
        uint32_t count = h->buckets - i < AT_ONCE ? h->buckets - i : AT_ONCE;
        for (uint32_t k = 0; k < count; k++)
            bucket[k][FILTER_MARKS] = filter_bucket_check(h->key, i + k, none);
        int code =
            write_all(fd, bucket, count * sizeof *bucket, at + (off_t)i * (off_t)sizeof *bucket);
        if (code != 0)
            return code;
    }
    return 0;
}

static int write_file(int fd, const struct filter_header *h, const uint16_t *fingerprint)
{
    struct filter_layout layout = filter_layout_of(&h->shape, h->buckets);
    uint32_t live = FILTER_LIVE;
    int code = -posix_fallocate(fd, 0, (off_t)layout.size);
    if (code == 0)
        code = write_all(fd, h, sizeof *h, 0);
    if (code == 0)
        code = write_all(fd, &live, sizeof live, FILTER_PAGE);
    if (code == 0)
        code = write_all(fd, fingerprint, h->shape.places * sizeof *fingerprint,
                         (off_t)layout.fingerprints);
    if (code == 0)
        code = write_delta(fd, h, (off_t)layout.delta);
    if (code == 0 && fsync(fd) != 0)
        code = -errno;
    return code;
}

static int sync_directory(const struct filter_writer *w)
{
    char path[STORE_PATH_SIZE];
    (void)store_path(path, w->state, "");
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int code = fsync(fd) != 0 ? -errno : 0;
    close(fd);
    return code;
}

static int put_file(struct filter_writer *w, const char *temporary)
{
    /* Readers of the old file say "maybe" from here until they take up the new one: what is added
     * from now on is only in the new one. Killed in between, the old file stays marked, and is
     * built again. */
    set_state(w, FILTER_REPLACED);
    if (rename(temporary, w->path) != 0)
        return -errno;
    int code = sync_directory(w);
    filter_map_close(&w->map);
    w->unsynced = false;
    if (code == 0)
        code = filter_map_open(w->path, true, &w->map);
    w->usable = code == 0;
    return code;
}

static int replace_file(struct filter_writer *w, const struct filter_header *h,
                        const uint16_t *fingerprint, struct error *error)
{
    char temporary[STORE_PATH_SIZE];
    struct stat st;
    if (store_path(temporary, w->state, "live.filter.new") != 0)
        return error_set(error, -ENAMETOOLONG, "%s: the path is too long", w->state);
    (void)unlink(temporary); /* one that a killed build left */
    int fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    int code = fd < 0 ? -errno : write_file(fd, h, fingerprint);
    if (code == 0 && stat(w->state, &st) == 0)
        store_share_file(temporary, 0640, &st);
    if (fd >= 0)
        close(fd);
    if (code == 0)
        code = put_file(w, temporary);
    if (code != 0) {
        (void)unlink(temporary);
        return error_set(error, code, "%s: cannot be written: %s", w->path, strerror(-code));
    }
    return 0;
}

/* So large that fingerprints and delta together stay under 20 bits a number, when there are many.
 * */
static uint32_t buckets_for(uint64_t numbers, const struct fuse_shape *shape)
{
    uint64_t spare = numbers * 39 / 16 / 8 * 8; /* 19.5 bits a number, in bytes */
    uint64_t used = (uint64_t)shape->places * 2 + 3 * FILTER_PAGE;
    uint64_t buckets = spare > used ? (spare - used) / sizeof(struct filter_bucket) : 0;
    return buckets > FILTER_BUCKETS_LEAST ? (uint32_t)buckets : FILTER_BUCKETS_LEAST;
}

int filter_build(struct filter_writer *w, struct store *s, struct error *error)
{
    struct store_figures figures;
    int code = store_figures(s, &figures);
    if (code != 0)
        return error_set(error, code, "%s: cannot be read: %s", w->store_path, strerror(-code));
    struct fuse_builder *builder = fuse_builder_new(figures.parcels);
    if (!builder)
        return error_set(error, -ENOMEM, "no memory for a filter of %llu numbers",
                         (unsigned long long)figures.parcels);
    struct filter_header h = {
        .magic = FILTER_MAGIC,
        .numbers = figures.parcels,
        .shape = fuse_builder_shape(builder),
        .store_generation = store_generation(s),
        .built = clock_wall() / NANOS_SECOND,
    };
    const uint16_t *fingerprint = try_keys(builder, s, &h.key, &code);
    if (fingerprint) {
        h.buckets = buckets_for(h.numbers, &h.shape);
        h.file_size = filter_layout_of(&h.shape, h.buckets).size;
        h.fingerprints_checksum =
            hash_checksum(h.key.k0, fingerprint, h.shape.places * sizeof *fingerprint);
        h.checksum = filter_header_checksum(&h);
        code = replace_file(w, &h, fingerprint, error);
    } else {
        error_set(error, code, "%s: a filter of its %llu numbers cannot be built", w->store_path,
                  (unsigned long long)h.numbers);
    }
    fuse_builder_free(builder);
    return code;
}
