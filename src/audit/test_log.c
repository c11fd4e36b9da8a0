#include "audit/log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];
static struct signer_key key;

static int begin(void **state)
{
    (void)state;
    uint8_t seed[32] = {42};
    strcpy(folder, "/tmp/ecluse-log-XXXXXX");
    return mkdtemp(folder) && signer_key_make("ecluse.example/log", NOTE_KEY_LOG, seed, &key) == 0
               ? 0
               : -1;
}

static int end(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static struct audit_log *opened(void)
{
    struct audit_log *log = NULL;
    struct error error = {""};
    if (audit_log_open(folder, &key, &log, &error) != 0)
        fail_msg("%s", error.text);
    return log;
}

static struct text entry_of(uint64_t index, char buffer[64])
{
    int length = snprintf(buffer, 64, "{\"entry\":%llu}", (unsigned long long)index);
    return (struct text){buffer, (size_t)length};
}

static void append(struct audit_log *log, uint64_t count)
{
    char buffer[64];
    struct error error = {""};
    for (uint64_t i = 0; i < count; i++) {
        uint64_t index = audit_log_size(log) + audit_log_staged(log);
        assert_int_equal(audit_log_stage(log, entry_of(index, buffer)), index);
    }
    if (audit_log_commit(log, &error) != 0)
        fail_msg("%s", error.text);
}

/* Reads every entry from the files and compares it, and the root, with what they should be. */
static void check_content(uint64_t size)
{
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY);
    uint8_t *bundle = malloc(BUNDLE_SIZE_MAX);
    struct merkle_hasher *hasher = merkle_hasher_new();
    struct merkle_frontier frontier = {.size = 0};
    for (uint64_t index = 0; index * TILE_WIDTH < size; index++) {
        unsigned width = tile_width(TILE_BUNDLES, index, size);
        long length = bundle_read(descriptor, index, width, bundle);
        assert_true(length > 0);
        size_t at = 0;
        for (unsigned i = 0; i < width; i++) {
            struct text entry;
            char expected[64];
            assert_true(bundle_next(bundle, (size_t)length, &at, &entry));
            assert_true(text_equal(entry, entry_of(index * TILE_WIDTH + i, expected)));
            struct merkle_hash leaf = merkle_leaf(hasher, entry.data, entry.length);
            merkle_append(hasher, &frontier, &leaf);
        }
    }
    struct audit_log *log = opened();
    struct note note;
    struct checkpoint checkpoint;
    assert_int_equal(audit_log_size(log), size);
    assert_int_equal(note_parse(audit_log_checkpoint(log), &note), 0);
    assert_int_equal(checkpoint_parse(note.body, &checkpoint), 0);
    struct merkle_hash root = merkle_root(hasher, &frontier);
    assert_memory_equal(&checkpoint.root, &root, sizeof root);
    audit_log_close(log);
    merkle_hasher_free(hasher);
    free(bundle);
    close(descriptor);
}

static void what_is_committed_is_there_again_after_opening(void **state)
{
    (void)state;
    static const uint64_t batches[] = {1, 1, 253, 1, 1, 255, 257, 600, 66000, 3};
    uint64_t size = 0;
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        struct audit_log *log = opened();
        append(log, batches[i]);
        audit_log_close(log);
        size += batches[i];
        check_content(size);
    }
}

static void partial_tiles_are_cleared_once_the_full_one_is_there(void **state)
{
    (void)state;
    struct audit_log *log = opened();
    append(log, 100);
    append(log, 100);
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY);
    assert_int_equal(faccessat(descriptor, "tile/entries/000.p/100", F_OK, 0), 0);
    append(log, 100);
    assert_int_equal(faccessat(descriptor, "tile/entries/000", F_OK, 0), 0);
    assert_int_not_equal(faccessat(descriptor, "tile/entries/000.p", F_OK, 0), 0);
    assert_int_not_equal(faccessat(descriptor, "tile/0/000.p", F_OK, 0), 0);
    close(descriptor);
    audit_log_close(log);
}

static void a_log_has_one_writer(void **state)
{
    (void)state;
    struct audit_log *log = opened(), *second = NULL;
    struct error error;
    assert_int_equal(audit_log_open(folder, &key, &second, &error), -EBUSY);
    audit_log_close(log);
}

static void a_changed_checkpoint_or_tile_is_refused_with_its_place(void **state)
{
    (void)state;
    static const char *const files[] = {"checkpoint", "tile/0/000.p/44", "tile/entries/000.p/44"};
    struct audit_log *log = opened();
    append(log, 44);
    audit_log_close(log);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[128], byte;
        struct error error = {""};
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        int file = open(path, O_RDWR);
        assert_int_equal(pread(file, &byte, 1, 20), 1);
        byte ^= 1;
        assert_int_equal(pwrite(file, &byte, 1, 20), 1);
        assert_int_equal(audit_log_open(folder, &key, &log, &error), -EBADMSG);
        byte ^= 1;
        assert_int_equal(pwrite(file, &byte, 1, 20), 1);
        close(file);
    }
    check_content(44);
}

static void a_full_disk_loses_nothing_that_was_staged(void **state)
{
    (void)state;
    struct audit_log *log = opened();
    struct error error = {""};
    char buffer[64];
    append(log, 10);
    struct rlimit before, tight = {.rlim_cur = 100, .rlim_max = RLIM_INFINITY};
    getrlimit(RLIMIT_FSIZE, &before);
    tight.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &tight);
    for (uint64_t i = 10; i < 30; i++)
        audit_log_stage(log, entry_of(i, buffer));
    assert_int_equal(audit_log_commit(log, &error), -EFBIG);
    assert_int_equal(audit_log_size(log), 10);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(audit_log_staged(log), 20);
    assert_int_equal(audit_log_commit(log, &error), 0);
    audit_log_close(log);
    check_content(30);
}

/* The child says over a pipe what it has been told is durable; it is killed at a moment of our
 * choosing. */
static void commit_until_killed(int told)
{
    struct audit_log *log = opened();
    for (uint64_t batch = 1;; batch = batch * 7 % 97 + 1) {
        append(log, batch);
        uint64_t size = audit_log_size(log);
        if (write(told, &size, sizeof size) != sizeof size)
            _exit(1);
    }
}

static void kill_at_any_moment_loses_nothing_that_was_durable(void **state)
{
    (void)state;
    int rounds = getenv("ECLUSE_LONG") ? 500 : 40;
    unsigned seed = 7;
    for (int round = 0; round < rounds; round++) {
        int pipes[2];
        uint64_t told, last = 0;
        assert_int_equal(pipe(pipes), 0);
        pid_t child = fork();
        if (child == 0)
            commit_until_killed(pipes[1]);
        close(pipes[1]);
        usleep((useconds_t)(1000 + rand_r(&seed) % 20000));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(pipes[0], &told, sizeof told) == sizeof told)
            last = told;
        close(pipes[0]);
        struct audit_log *log = opened();
        uint64_t size = audit_log_size(log);
        audit_log_close(log);
        assert_true(size >= last);
        if (size && round % 8 == 0)
            check_content(size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_committed_is_there_again_after_opening, begin, end),
        cmocka_unit_test_setup_teardown(partial_tiles_are_cleared_once_the_full_one_is_there, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_log_has_one_writer, begin, end),
        cmocka_unit_test_setup_teardown(a_changed_checkpoint_or_tile_is_refused_with_its_place,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_full_disk_loses_nothing_that_was_staged, begin, end),
        cmocka_unit_test_setup_teardown(kill_at_any_moment_loses_nothing_that_was_durable, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
