#include "tracking/filter_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char state_dir[64];
static struct store *store;

static struct parcel_number number_of(unsigned i)
{
    struct parcel_number parcel = {.length = 13};
    snprintf(parcel.text, sizeof parcel.text, "RA%09uFR", i);
    return parcel;
}

static void feed(unsigned from, unsigned to)
{
    struct store_batch *batch;
    struct event event = {
        .at = 1763000000, .code = "ET1", .place = "Lyon", .country = "FR", .step = 3};
    assert_int_equal(store_begin(store, &batch, NULL), 0);
    for (unsigned i = from; i < to; i++) {
        event.parcel = number_of(i);
        assert_int_equal(store_add(batch, &event, 0, 1763000000), ADDED_NEW_PARCEL);
    }
    assert_int_equal(store_commit(batch, NULL), 0);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(state_dir, "/tmp/ecluse-filter-XXXXXX");
    if (!mkdtemp(state_dir))
        return -1;
    return store_open(state_dir, false, &store, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    store_close(store);
    snprintf(command, sizeof command, "rm -rf %s", state_dir);
    return system(command);
}

static struct filter_writer *writer_open(void)
{
    struct filter_writer *w;
    assert_int_equal(filter_writer_open(state_dir, &w, NULL), 0);
    return w;
}

static struct filter *reader_open(void)
{
    struct filter *f;
    assert_int_equal(filter_open(state_dir, &f, NULL), 0);
    return f;
}

static bool has(const struct filter *f, unsigned i)
{
    struct parcel_number parcel = number_of(i);
    return filter_has(f, &parcel);
}

static unsigned count_has(const struct filter *f, unsigned from, unsigned to)
{
    unsigned count = 0;
    for (unsigned i = from; i < to; i++)
        count += has(f, i);
    return count;
}

static void every_set_size_from_nothing_up_is_built(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < 3000; n += n < 70 ? 1 : 157) {
        struct fuse_builder *b = fuse_builder_new(n);
        const uint16_t *fingerprint = NULL;
        struct hash_key key;
        for (int tries = 0; !fingerprint && tries < 64; tries++) {
            fuse_builder_clear(b);
            key = hash_key_random();
            for (uint64_t i = 0; i < n; i++)
                assert_true(fuse_builder_add(b, filter_hash(key, (const char *)&i, sizeof i)));
            fingerprint = fuse_builder_finish(b);
        }
        assert_non_null(fingerprint);
        struct fuse_shape shape = fuse_builder_shape(b);
        assert_true(fuse_shape_is_sound(&shape));
        for (uint64_t i = 0; i < n; i++)
            assert_true(
                fuse_has(&shape, fingerprint, filter_hash(key, (const char *)&i, sizeof i)));
        assert_false(fuse_builder_add(b, 1));
        fuse_builder_free(b);
    }
}

/* Two equal hashes cannot both be peeled: the build says so, and another key is tried. */
static void a_set_that_cannot_be_built_is_noticed(void **state)
{
    (void)state;
    struct fuse_builder *b = fuse_builder_new(100);
    for (uint64_t i = 0; i < 98; i++)
        fuse_builder_add(b, i * UINT64_C(0x9e3779b97f4a7c15) + 1);
    fuse_builder_add(b, UINT64_C(0x123456789abcdef));
    fuse_builder_add(b, UINT64_C(0x123456789abcdef));
    assert_null(fuse_builder_finish(b));
    fuse_builder_free(b);
}

static void a_filter_that_is_missing_says_maybe(void **state)
{
    (void)state;
    struct filter *f = reader_open();
    assert_true(has(f, 1));
    struct filter_figures figures;
    filter_figures(f, &figures);
    assert_false(figures.usable);
    filter_close(f);
}

static void built_and_added_numbers_are_never_missed(void **state)
{
    (void)state;
    enum { BUILT = 100000, ADDED = 3000, TRIED = 1000000 };
    struct filter_writer *w = writer_open();
    struct filter *f = reader_open();
    feed(0, BUILT);
    assert_true(filter_wants_build(w));
    assert_int_equal(filter_build(w, store, NULL), 0);
    filter_refresh(f);
    for (unsigned i = BUILT; i < BUILT + ADDED; i++) {
        struct parcel_number parcel = number_of(i);
        assert_int_equal(filter_add(w, &parcel), 0);
    }
    assert_int_equal(filter_sync(w), 0);
    assert_int_equal(count_has(f, 0, BUILT + ADDED), BUILT + ADDED);
    unsigned wrong = count_has(f, BUILT + ADDED, BUILT + ADDED + TRIED);
    assert_in_range(wrong, 1,
                    60); /* 1 in 65536: 15 expected; none would mean that nothing was asked */
    filter_writer_close(w);
    w = writer_open(); /* another process goes on with the same delta */
    struct parcel_number parcel = number_of(5000000);
    assert_int_equal(filter_add(w, &parcel), 0);
    assert_true(has(f, 5000000));
    filter_close(f);
    filter_writer_close(w);
}

static void a_full_delta_asks_for_a_build(void **state)
{
    (void)state;
    struct filter_writer *w = writer_open();
    feed(0, 1000);
    assert_int_equal(filter_build(w, store, NULL), 0);
    assert_false(filter_wants_build(w));
    unsigned i = 1000;
    int code = 0;
    for (; code == 0 && i < 100000; i++) {
        struct parcel_number parcel = number_of(i);
        code = filter_add(w, &parcel);
    }
    assert_int_equal(code, -ENOSPC);
    assert_int_equal(i - 1001, FILTER_BUCKETS_LEAST * FILTER_BUCKET_ROOM);
    assert_true(filter_wants_build(w));
    struct filter *f = reader_open();
    assert_int_equal(count_has(f, 1000, i - 1), i - 1001);
    filter_open_up(w);
    assert_true(has(f, 987654)); /* what the delta has no room for is not refused */
    filter_close(f);
    filter_writer_close(w);
}

static void a_reader_of_a_replaced_filter_says_maybe_until_it_looks(void **state)
{
    (void)state;
    struct filter_writer *w = writer_open();
    feed(0, 1000);
    assert_int_equal(filter_build(w, store, NULL), 0);
    struct filter *f = reader_open();
    assert_false(has(f, 500000));
    assert_int_equal(filter_build(w, store, NULL), 0);
    assert_true(has(f, 500000)); /* it may have been added to the new one since */
    filter_refresh(f);
    assert_false(has(f, 500000));
    filter_close(f);
    filter_writer_close(w);
}

static void a_store_put_in_place_of_the_old_one_makes_the_filter_say_maybe(void **state)
{
    (void)state;
    char command[200];
    struct filter_writer *w = writer_open();
    feed(0, 100);
    assert_int_equal(filter_build(w, store, NULL), 0);
    filter_writer_close(w);
    struct filter *f = reader_open();
    assert_false(has(f, 500000));
    snprintf(command, sizeof command,
             "cd %s/tracking && cp parcels.mdb restored && mv restored parcels.mdb", state_dir);
    assert_int_equal(system(command), 0);
    assert_true(store_was_replaced(store));
    filter_refresh(f);
    assert_true(has(f, 500000));
    w = writer_open();
    assert_true(filter_wants_build(w));
    filter_writer_close(w);
    filter_close(f);
}

static off_t next_mark(int fd, off_t size, off_t from)
{
    off_t delta = size - FILTER_BUCKETS_LEAST * 64, at = from < delta ? delta : from / 64 * 64;
    for (uint32_t mark = 0;; at = at + 64 < size ? at + 64 : delta) {
        assert_int_equal(pread(fd, &mark, sizeof mark, at), sizeof mark);
        if (mark)
            return at;
    }
}

/* Bits of the file are flipped, one at a time: every number is still "live". */
static void a_damaged_filter_never_misses_a_number(void **state)
{
    (void)state;
    enum { NUMBERS = 500, FLIPS = 300 };
    char path[128];
    struct filter_writer *w = writer_open();
    feed(0, NUMBERS - 100);
    assert_int_equal(filter_build(w, store, NULL), 0);
    for (unsigned i = NUMBERS - 100; i < NUMBERS; i++) {
        struct parcel_number parcel = number_of(i);
        assert_int_equal(filter_add(w, &parcel), 0);
    }
    filter_writer_close(w);
    snprintf(path, sizeof path, "%s/tracking/live.filter", state_dir);
    int fd = open(path, O_RDWR);
    off_t size = lseek(fd, 0, SEEK_END);
    uint32_t draw = 12345;
    for (int flip = 0; flip < FLIPS; flip++) {
        draw = draw * 1664525 + 1013904223;
        off_t at = flip < 120 ? flip : (off_t)((uint64_t)draw * (uint64_t)size >> 32);
        if (flip >= 200) /* where a number's mark is in the delta */
            at = next_mark(fd, size, at);
        uint8_t was, damaged;
        assert_int_equal(pread(fd, &was, 1, at), 1);
        damaged = (uint8_t)(was ^ (1 << flip % 8));
        assert_int_equal(pwrite(fd, &damaged, 1, at), 1);
        struct filter *f = reader_open();
        assert_int_equal(count_has(f, 0, NUMBERS), NUMBERS);
        filter_close(f);
        assert_int_equal(pwrite(fd, &was, 1, at), 1);
    }
    assert_int_equal(ftruncate(fd, size / 2), 0);
    struct filter *f = reader_open();
    assert_true(has(f, 500000));
    filter_close(f);
    close(fd);
}

struct watched {
    struct filter *f;
    _Atomic unsigned added;
    _Atomic bool done;
    unsigned missed;
};

static void *watch(void *context)
{
    struct watched *w = context;
    bool done;
    do {
        done = atomic_load(&w->done);
        unsigned added = atomic_load_explicit(&w->added, memory_order_acquire);
        for (unsigned i = added > 50 ? added - 50 : 0; i < added; i++)
            w->missed += !has(w->f, 1000 + i);
    } while (!done);
    return NULL;
}

static void readers_never_miss_what_is_being_added(void **state)
{
    (void)state;
    struct filter_writer *w = writer_open();
    feed(0, 1000);
    assert_int_equal(filter_build(w, store, NULL), 0);
    struct watched watched[2] = {{.f = reader_open()}, {.f = reader_open()}};
    pthread_t thread[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, watch, &watched[i]);
    for (unsigned i = 0; i < 9000; i++) {
        struct parcel_number parcel = number_of(1000 + i);
        assert_int_equal(filter_add(w, &parcel), 0);
        for (int k = 0; k < 2; k++)
            atomic_store_explicit(&watched[k].added, i + 1, memory_order_release);
    }
    for (int i = 0; i < 2; i++) {
        atomic_store(&watched[i].done, true);
        pthread_join(thread[i], NULL);
        assert_int_equal(watched[i].missed, 0);
        filter_close(watched[i].f);
    }
    filter_writer_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_set_size_from_nothing_up_is_built),
        cmocka_unit_test(a_set_that_cannot_be_built_is_noticed),
#define X(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        X(a_filter_that_is_missing_says_maybe),
        X(built_and_added_numbers_are_never_missed),
        X(a_full_delta_asks_for_a_build),
        X(a_reader_of_a_replaced_filter_says_maybe_until_it_looks),
        X(a_store_put_in_place_of_the_old_one_makes_the_filter_say_maybe),
        X(a_damaged_filter_never_misses_a_number),
        X(readers_never_miss_what_is_being_added),
#undef X
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
