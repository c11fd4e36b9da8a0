/* What counts as a rewrite, and what does not: on files of memory, of real kinds. */
#include "files/filetype.h"
#include "files/rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

enum { SEED = 7, KIB = 1024 };

struct bytes {
    uint8_t *data;
    size_t length;
};

static struct bytes bytes_new(size_t length)
{
    struct bytes b = {calloc(1, length + 1), length};
    assert_non_null(b.data);
    return b;
}

static int file_of(struct bytes b)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, b.data, b.length, 0), (ssize_t)b.length);
    return fd;
}

static uint64_t noise_word(uint64_t key, uint64_t i)
{
    return siphash_words3((struct hash_key){key, 11}, i, 0, 0);
}

/* XOR with a key stream: what any cipher makes of it. */
static void encrypt(struct bytes b, size_t from, size_t to)
{
    for (size_t i = from; i < to && i < b.length; i++)
        b.data[i] ^= (uint8_t)(noise_word(99, i / 8) >> (i % 8 * 8));
}

static struct bytes copy(struct bytes b)
{
    struct bytes c = bytes_new(b.length);
    memcpy(c.data, b.data, b.length);
    return c;
}

static struct bytes read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    struct bytes b = bytes_new(16 * 1024 * KIB);
    b.length = fread(b.data, 1, b.length, f);
    fclose(f);
    return b;
}

static struct bytes source_file(const char *name)
{
    const char *root = getenv("ECLUSE_SOURCE");
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", root ? root : "../..", name);
    return read_file(path);
}

static struct bytes text_of_length(size_t length)
{
    struct bytes page = source_file("CONTRIBUTING.md");
    struct bytes b = bytes_new(length);
    for (size_t i = 0; i < length; i++)
        b.data[i] = page.data[(i * (1 + i / page.length)) % page.length];
    for (size_t i = 0; i < length; i += page.length) /* lines, not letters in any order */
        memcpy(b.data + i, page.data, page.length < length - i ? page.length : length - i);
    free(page.data);
    return b;
}

static struct bytes gzip_of(struct bytes b)
{
    struct bytes out = bytes_new(b.length + 1024);
    z_stream s = {.next_in = b.data,
                  .avail_in = (uInt)b.length,
                  .next_out = out.data,
                  .avail_out = (uInt)out.length};
    assert_int_equal(deflateInit2(&s, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&s, Z_FINISH), Z_STREAM_END);
    out.length = s.total_out;
    deflateEnd(&s);
    return out;
}

static size_t put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    return 2;
}

static size_t put32(uint8_t *p, size_t v)
{
    put16(p, (unsigned)(v & 0xffff));
    put16(p + 2, (unsigned)(v >> 16 & 0xffff));
    return 4;
}

static size_t put_entry(uint8_t *p, const char *name, size_t packed, size_t whole, bool local,
                        size_t at)
{
    size_t n = 0, length = strlen(name);
    memcpy(p, local ? "PK\3\4" : "PK\1\2", 4);
    n = local ? 4 : 6;
    n += put16(p + n, 20) + put16(p + n + 2, 0) + put16(p + n + 4, 8) + 4 + 4;
    n += put32(p + n, packed);
    n += put32(p + n, whole);
    n += put16(p + n, (unsigned)length) + 2;
    if (!local) {
        n += 10;
        n += put32(p + n, at);
    }
    memcpy(p + n, name, length);
    return n + length;
}

/* A document as office programs write it: a zip of XML. */
static struct bytes document_of(struct bytes text)
{
    static const char *const names[] = {"[Content_Types].xml", "word/document.xml"};
    struct bytes out = bytes_new(text.length * 3 + 4096);
    size_t at[2], packed[2], n = 0;
    for (int i = 0; i < 2; i++) {
        z_stream s = {.next_in = text.data, .avail_in = (uInt)(i ? text.length : 300)};
        uint8_t *room = malloc(text.length + 1024);
        assert_non_null(room);
        s.next_out = room;
        s.avail_out = (uInt)(text.length + 1024);
        assert_int_equal(deflateInit2(&s, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
        assert_int_equal(deflate(&s, Z_FINISH), Z_STREAM_END);
        at[i] = n;
        packed[i] = s.total_out;
        n += put_entry(out.data + n, names[i], packed[i], i ? text.length : 300, true, 0);
        memcpy(out.data + n, room, packed[i]);
        n += packed[i];
        deflateEnd(&s);
        free(room);
    }
    size_t directory = n;
    for (int i = 0; i < 2; i++)
        n += put_entry(out.data + n, names[i], packed[i], i ? text.length : 300, false, at[i]);
    size_t length = n - directory;
    memcpy(out.data + n, "PK\5\6\0\0\0\0", 8);
    put16(out.data + n + 8, 2);
    put16(out.data + n + 10, 2);
    put32(out.data + n + 12, length);
    put32(out.data + n + 16, directory);
    out.length = n + 22;
    return out;
}

/* Judges b against a, and frees b. */
static struct rewrite_figures judged(struct bytes a, struct bytes b)
{
    struct rewrite_figures f;
    int old = file_of(a), new = file_of(b);
    rewrite_judge(old, new, false, SEED, &f);
    close(old);
    close(new);
    free(b.data);
    return f;
}

static void expect(struct rewrite_figures f, enum rewrite_ground ground)
{
    if (f.ground != ground)
        print_error("%s, and not %s: entropy %u to %u, %u of %u changed, %u risen, %s to %s\n",
                    rewrite_ground_name((enum rewrite_ground)f.ground), rewrite_ground_name(ground),
                    f.entropy_before, f.entropy_after, f.changed, f.read, f.risen,
                    filetype_name((enum filetype)f.before), filetype_name((enum filetype)f.after));
    assert_int_equal(f.ground, ground);
    assert_int_equal(f.verdict, rewrite_ground_verdict(ground));
}

/* Whatever the ground: it counts. */
static void counts(struct bytes a, struct bytes b)
{
    struct rewrite_figures f = judged(a, b);
    if (f.verdict != REWRITE_COUNTS)
        expect(f, REWRITE_TYPE_LOST);
}

static struct bytes encrypted(struct bytes b, size_t from, size_t to)
{
    struct bytes c = copy(b);
    encrypt(c, from, to);
    return c;
}

static struct bytes every_other(struct bytes b, size_t block, size_t from)
{
    struct bytes c = copy(b);
    for (size_t at = from; at < b.length; at += 2 * block)
        encrypt(c, at, at + block);
    return c;
}

static void text_that_is_encrypted_counts_with_its_figures(void **state)
{
    (void)state;
    struct bytes a = text_of_length(300 * KIB);
    struct rewrite_figures f = judged(a, encrypted(a, 0, a.length));
    expect(f, REWRITE_TYPE_LOST);
    assert_in_range(f.entropy_before, 3500, 5500);
    assert_in_range(f.entropy_after, 7900, 8000);
    assert_int_equal(f.read, 75);
    assert_int_equal(f.changed, 75);
    assert_int_equal(f.risen, 75);
    assert_string_equal(filetype_name((enum filetype)f.before), "text");
    free(a.data);
}

static void intermittent_encryption_counts(void **state)
{
    (void)state;
    struct bytes small = text_of_length(300 * KIB), large = text_of_length(9000 * KIB);
    counts(small, encrypted(small, 0, 4096));
    counts(large, encrypted(large, 0, 4096));
    expect(judged(small, every_other(small, 4096, 4096)), REWRITE_RISEN);
    expect(judged(large, every_other(large, 64 * KIB, 64 * KIB)), REWRITE_RISEN);
    counts(large, every_other(large, 64 * KIB, 0));
    expect(judged(large, encrypted(large, 5000 * KIB, 7000 * KIB)), REWRITE_RISEN);
    free(small.data);
    free(large.data);
}

static void noise_written_as_letters_counts(void **state)
{
    (void)state;
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct bytes a = text_of_length(100 * KIB);
    struct bytes letters = bytes_new(a.length), hex = bytes_new(a.length);
    for (size_t i = 0; i < a.length; i++) {
        letters.data[i] = i % 77 == 76 ? '\n' : (uint8_t)base64[noise_word(5, i) % 64];
        hex.data[i] = (uint8_t)base64[26 + noise_word(6, i) % 16];
    }
    counts(a, letters);
    expect(judged(a, hex), REWRITE_TYPE_LOST);
    free(a.data);
}

static void emptied_and_blanked_files_count(void **state)
{
    (void)state;
    struct bytes a = text_of_length(100 * KIB);
    expect(judged(a, bytes_new(0)), REWRITE_EMPTIED);
    expect(judged(a, bytes_new(a.length)), REWRITE_EMPTIED);
    struct bytes note = bytes_new(400);
    memset(note.data, 'x', note.length);
    expect(judged(a, note), REWRITE_EMPTIED);
    struct bytes half = copy(a);
    for (size_t at = 0; at < half.length; at += 8192)
        memset(half.data + at, 0, 4096 < half.length - at ? 4096 : half.length - at);
    expect(judged(a, half), REWRITE_EMPTIED);
    free(a.data);
}

static void edited_text_does_not_count(void **state)
{
    (void)state;
    struct bytes a = text_of_length(100 * KIB);
    struct bytes same = copy(a), longer = bytes_new(a.length + 5000),
                 moved = bytes_new(a.length + 3);
    expect(judged(a, same), REWRITE_UNCHANGED);
    memcpy(longer.data, a.data, a.length);
    memset(longer.data + a.length, 'n', 5000);
    expect(judged(a, longer), REWRITE_GROWN);
    memcpy(moved.data, "a\n\n", 3);
    memcpy(moved.data + 3, a.data, a.length);
    expect(judged(a, moved), REWRITE_KEPT);
    struct bytes shorter = copy(a);
    shorter.length /= 2;
    shorter.data[1] = 'q';
    expect(judged(a, shorter), REWRITE_KEPT);
    free(a.data);
}

static void a_saved_document_does_not_count_and_a_damaged_one_does(void **state)
{
    (void)state;
    struct bytes xml = text_of_length(60 * KIB), other = copy(xml);
    for (size_t i = 0; i < other.length; i += 37)
        other.data[i] = 'e';
    struct bytes a = document_of(xml), b = document_of(other);
    expect(judged(a, copy(b)), REWRITE_KEPT);
    counts(a, encrypted(a, 0, 4096));
    counts(a, encrypted(a, 64, a.length));        /* the head kept */
    counts(a, encrypted(a, 64, a.length - 1024)); /* head and list kept */
    struct bytes junk = bytes_new(60 * KIB);
    encrypt(junk, 0, junk.length);
    struct bytes disguised = document_of(junk); /* a whole zip, of noise */
    counts(a, disguised);
    free(xml.data);
    free(other.data);
    free(junk.data);
    free(a.data);
    free(b.data);
}

static void compressing_does_not_count_unless_something_else_is_inside(void **state)
{
    (void)state;
    struct bytes a = text_of_length(200 * KIB), other = encrypted(a, 0, a.length);
    expect(judged(a, gzip_of(a)), REWRITE_PACKED);
    expect(judged(a, document_of(a)), REWRITE_PACKED);
    expect(judged(a, gzip_of(other)), REWRITE_TYPE_LOST);
    struct bytes packed = gzip_of(a);
    expect(judged(packed, encrypted(packed, 20, packed.length)), REWRITE_DAMAGED);
    free(packed.data);
    free(other.data);
    free(a.data);
}

/* A head, a scan of bytes as an entropy coder writes them (0xff is followed by 0), and the end. */
static struct bytes jpeg_of(size_t length)
{
    static const uint8_t head[] = {0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xda, 0, 4, 3, 0};
    struct bytes b = bytes_new(length);
    for (size_t i = 0; i < length; i++) {
        b.data[i] = (uint8_t)noise_word(length, i);
        if (i && b.data[i - 1] == 0xff)
            b.data[i] = 0;
    }
    memcpy(b.data, head, sizeof head);
    memcpy(b.data + length - 2, "\xff\xd9", 2);
    return b;
}

static void pictures_are_judged_by_their_structure(void **state)
{
    (void)state;
    struct bytes a = jpeg_of(300 * KIB), b = jpeg_of(280 * KIB);
    expect(judged(a, copy(b)), REWRITE_KEPT);
    expect(judged(a, encrypted(a, 4096, a.length)), REWRITE_DAMAGED);
    expect(judged(a, encrypted(a, 0, 4096)), REWRITE_TYPE_LOST);
    struct bytes small = jpeg_of(40 * KIB);
    expect(judged(small, every_other(small, 4096, 4096)), REWRITE_DAMAGED);
    free(small.data);
    free(a.data);
    free(b.data);
}

/* Ciphertext is easily dressed up: but who converts gives the file another name. */
static void another_type_under_the_same_name_counts_and_under_another_does_not(void **state)
{
    (void)state;
    struct bytes text = text_of_length(60 * KIB), document = document_of(text),
                 unknown = encrypted(text, 0, text.length), part = bytes_new(60 * KIB);
    const struct bytes was[] = {text, document, unknown, part};
    for (size_t i = 0; i < sizeof was / sizeof *was; i++) {
        struct rewrite_figures f;
        struct bytes picture = jpeg_of(50 * KIB);
        int old = file_of(was[i]), new = file_of(picture);
        rewrite_judge(old, new, true, SEED, &f);
        expect(f, i < 3 ? REWRITE_TYPE_LOST : REWRITE_CONVERTED); /* nothing was there yet */
        rewrite_judge(old, new, false, SEED, &f);
        expect(f, REWRITE_CONVERTED);
        close(old);
        close(new);
        free(picture.data);
        free(was[i].data);
    }
}

static void what_always_was_noise_cannot_be_judged(void **state)
{
    (void)state;
    struct bytes a = bytes_new(100 * KIB);
    encrypt(a, 0, a.length);
    struct bytes b = copy(a);
    for (size_t i = 0; i < b.length; i++)
        b.data[i] = (uint8_t)noise_word(123, i);
    expect(judged(a, b), REWRITE_UNJUDGED);
    struct rewrite_figures f;
    int old = file_of(a);
    rewrite_judge(old, -1, false, SEED, &f);
    expect(f, REWRITE_VANISHED);
    assert_int_equal(f.size_before, 100 * KIB);
    rewrite_judge(-1, old, false, SEED, &f);
    expect(f, REWRITE_UNJUDGED);
    close(old);
    free(a.data);
}

static void programs_built_again_do_not_count(void **state)
{
    (void)state;
    struct bytes a = read_file("/proc/self/exe"), b = copy(a);
    for (size_t i = 4096; i + 64 < b.length; i += 256)
        memmove(b.data + i, b.data + i + 8, 40);
    expect(judged(a, b), REWRITE_KEPT);
    counts(a, encrypted(a, 4096, a.length));
    free(a.data);
}

static void tables_of_a_database_do_not_count(void **state)
{
    (void)state;
    struct bytes a = bytes_new(400 * KIB); /* pages of rows without any head, as PostgreSQL's */
    for (size_t i = 0; i < a.length; i++)
        a.data[i] = i % 64 < 24 ? (uint8_t)noise_word(3, i) % 90 : i % 64 < 40 ? 'r' : 0;
    struct bytes b = copy(a);
    for (size_t i = 0; i < b.length; i += 8192)
        for (size_t k = 0; k < 1000; k++)
            b.data[i + k] = (uint8_t)noise_word(4, i + k) % 90;
    expect(judged(a, b), REWRITE_KEPT);
    counts(a, encrypted(a, 0, a.length));
    free(a.data);
}

static void a_tally_reads_as_a_reason(void **state)
{
    (void)state;
    struct rewrite_tally tally = {0};
    char text[REWRITE_TEXT_SIZE];
    for (int i = 0; i < 50; i++) {
        struct rewrite_figures f;
        rewrite_figures_set(&f,
                            i < 46   ? REWRITE_TYPE_LOST
                            : i < 47 ? REWRITE_RISEN
                                     : REWRITE_KEPT,
                            100, 100);
        f.changed = f.read = 1;
        f.entropy_before = 3100;
        f.entropy_after = i < 47 ? 7998 : 7860;
        rewrite_tally_add(&tally, &f, NANOS_SECOND + i * 180 * NANOS_MILLISECOND);
    }
    assert_string_equal(rewrite_tally_text(&tally, text),
                        "47 of 50 files rewritten in 9 s, 46 lost their type, 1 gained the entropy "
                        "of noise, mean entropy 3.1 to 7.99");
    struct rewrite_tally gone = {0};
    struct rewrite_figures f;
    rewrite_figures_set(&f, REWRITE_VANISHED, 100, 0);
    rewrite_tally_add(&gone, &f, 5);
    assert_string_equal(rewrite_tally_text(&gone, text),
                        "1 of 1 files rewritten in 1 s, 1 vanished");
}

static void a_judge_in_another_process_says_the_same(void **state)
{
    (void)state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(pair[0]);
        _exit(rewrite_serve(pair[1]) == 0 ? 0 : 1);
    }
    close(pair[1]);
    struct bytes a = text_of_length(50 * KIB), b = encrypted(a, 0, a.length);
    int old = file_of(a), new = file_of(b);
    struct rewrite_figures here, there;
    rewrite_judge(old, new, false, SEED, &here);
    assert_int_equal(rewrite_ask(pair[0], old, new, false, SEED, NANOS_SECOND, &there), 0);
    assert_memory_equal(&here, &there, sizeof here);
    close(pair[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(rewrite_ask(pair[0], old, new, false, SEED, 20 * NANOS_MILLISECOND, &there),
                     -ETIMEDOUT);
    expect(there, REWRITE_UNJUDGED);
    /* What a judge that was taken over could say. */
    static const char nonsense[16] = {1, 2, 3};
    assert_true(send(pair[1], nonsense, sizeof nonsense, 0) > 0);
    assert_int_equal(rewrite_ask(pair[0], old, new, false, SEED, NANOS_SECOND, &there), -EPROTO);
    close(pair[0]);
    close(pair[1]);
    close(old);
    close(new);
    free(a.data);
    free(b.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_that_is_encrypted_counts_with_its_figures),
        cmocka_unit_test(intermittent_encryption_counts),
        cmocka_unit_test(noise_written_as_letters_counts),
        cmocka_unit_test(emptied_and_blanked_files_count),
        cmocka_unit_test(edited_text_does_not_count),
        cmocka_unit_test(a_saved_document_does_not_count_and_a_damaged_one_does),
        cmocka_unit_test(compressing_does_not_count_unless_something_else_is_inside),
        cmocka_unit_test(pictures_are_judged_by_their_structure),
        cmocka_unit_test(another_type_under_the_same_name_counts_and_under_another_does_not),
        cmocka_unit_test(what_always_was_noise_cannot_be_judged),
        cmocka_unit_test(programs_built_again_do_not_count),
        cmocka_unit_test(tables_of_a_database_do_not_count),
        cmocka_unit_test(a_tally_reads_as_a_reason),
        cmocka_unit_test(a_judge_in_another_process_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
