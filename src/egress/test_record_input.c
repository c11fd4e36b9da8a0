/* One input, in whichever form it is in, from a descriptor. */
#include "egress/test_records.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#define CONN                                                                                       \
    "{\"ts\":1793577600,\"id.orig_h\":\"10.1.0.7\",\"id.resp_h\":\"198.51.100.9\",\"proto\":"      \
    "\"tcp\"}\n"

struct feed {
    int descriptor;
    const char *data;
    size_t length, piece;
};

static void *feed_run(void *context)
{
    const struct feed *f = context;
    for (size_t done = 0; done < f->length;) {
        size_t n = f->length - done < f->piece ? f->length - done : f->piece;
        ssize_t written = write(f->descriptor, f->data + done, n);
        if (written <= 0)
            break;
        done += (size_t)written;
    }
    close(f->descriptor);
    return NULL;
}

/* The same bytes through a pipe, in pieces. */
static struct found *found_in_pipe(const char *data, size_t length, size_t piece,
                                   struct record_input *out)
{
    int ends[2];
    pthread_t thread;
    struct found *f = calloc(1, sizeof *f);
    assert_non_null(f);
    assert_int_equal(pipe(ends), 0);
    struct feed feed = {ends[1], data, length, piece};
    struct record_sink sink = sink_of(f);
    assert_int_equal(pthread_create(&thread, NULL, feed_run, &feed), 0);
    assert_int_equal(record_input(ends[0], &sink, out), 0);
    pthread_join(thread, NULL);
    close(ends[0]);
    return f;
}

static void pieces_of_a_pipe_are_put_together(void **state)
{
    (void)state;
    static const char two[] = CONN CONN;
    struct record_input in;
    for (size_t piece = 1; piece < sizeof two; piece += 7) {
        struct found *f = found_in_pipe(two, sizeof two - 1, piece, &in);
        assert_int_equal(f->flows, 2);
        assert_int_equal(faults_of(f), 0);
        assert_int_equal(in.bytes, sizeof two - 1);
        free(f);
    }
    struct found *f = found_in_pipe(two, sizeof two - 2, 64, &in); /* without its last line end */
    assert_int_equal(f->flows, 2);
    free(f);
}

static void a_line_that_is_too_long_is_passed_by(void **state)
{
    (void)state;
    size_t size = 3 * (size_t)SOURCE_MOST, length = 0;
    char *data = malloc(size + 1000);
    assert_non_null(data);
    length += (size_t)sprintf(data, "%s", CONN);
    memset(data + length, 'x', size);
    length += size;
    length += (size_t)sprintf(data + length, "\n%s", CONN);
    struct record_input in;
    struct found *f = found_in_pipe(data, length, 60000, &in);
    assert_int_equal(f->flows, 2);
    assert_int_equal(f->faults[FAULT_LINE], 1);
    assert_int_equal(f->place[FAULT_LINE], 2);
    assert_int_equal(faults_of(f), 1);
    free(f);
    free(data);
}

static void what_is_compressed_is_said_with_what_reads_it(void **state)
{
    (void)state;
    struct record_input in;
    struct found *f = found_in_pipe("\x1f\x8b\x08 and so on", 13, 100, &in);
    assert_int_equal(f->faults[FAULT_COMPRESSED], 1);
    assert_string_equal(in.decompressor, "zcat");
    free(f);
    f = found_in_pipe("\x28\xb5\x2f\xfd and so on", 14, 100, &in);
    assert_string_equal(in.decompressor, "zstdcat");
    free(f);
    f = found_in_pipe("GIF89a", 6, 100, &in);
    assert_int_equal(f->faults[FAULT_FORM], 1);
    assert_null(in.decompressor);
    free(f);
}

static void nothing_is_no_fault_and_a_reading_error_is_one(void **state)
{
    (void)state;
    struct record_input in;
    struct found *f = found_in_pipe("", 0, 1, &in);
    assert_int_equal(faults_of(f), 0);
    struct record_sink sink = sink_of(f);
    assert_int_equal(record_input(99999, &sink, &in), 0);
    assert_int_equal(in.error, EBADF);
    assert_int_equal(f->faults[FAULT_INPUT], 1);
    free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_a_pipe_are_put_together),
        cmocka_unit_test(a_line_that_is_too_long_is_passed_by),
        cmocka_unit_test(what_is_compressed_is_said_with_what_reads_it),
        cmocka_unit_test(nothing_is_no_fault_and_a_reading_error_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
