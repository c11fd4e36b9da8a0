#include "audit/log.h"
#include "audit/reader.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];
static struct signer_key key;
static struct error error;

static void grow(uint64_t count)
{
    struct audit_log *log;
    assert_int_equal(audit_log_open(folder, &key, &log, &error), 0);
    for (uint64_t i = 0; i < count; i++) {
        char entry[64];
        int length = snprintf(entry, sizeof entry, "entry %llu",
                              (unsigned long long)(audit_log_size(log) + i));
        audit_log_stage(log, (struct text){entry, (size_t)length});
    }
    assert_int_equal(audit_log_commit(log, &error), 0);
    audit_log_close(log);
}

static int begin(void **state)
{
    (void)state;
    uint8_t seed[32] = {42};
    strcpy(folder, "/tmp/ecluse-reader-XXXXXX");
    if (!mkdtemp(folder) || signer_key_make("ecluse.example/log", NOTE_KEY_LOG, seed, &key) != 0)
        return -1;
    grow(70000);
    return 0;
}

static int end(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static struct audit_reader *opened(void)
{
    struct audit_reader *reader = NULL;
    if (audit_reader_open(folder, &reader, &error) != 0)
        fail_msg("%s", error.text);
    return reader;
}

static struct checkpoint checkpoint_of(struct audit_reader *reader)
{
    struct note note;
    struct checkpoint checkpoint;
    assert_int_equal(note_parse(audit_reader_checkpoint(reader), &note), 0);
    assert_int_equal(checkpoint_parse(note.body, &checkpoint), 0);
    return checkpoint;
}

static void every_entry_can_be_read_and_proven(void **state)
{
    (void)state;
    struct audit_reader *reader = opened();
    struct merkle_hasher *hasher = merkle_hasher_new();
    struct checkpoint checkpoint = checkpoint_of(reader);
    assert_int_equal(checkpoint.size, 70000);
    for (uint64_t index = 0; index < 70000; index += index < 600 ? 1 : 997) {
        char expected[64];
        struct text entry;
        struct merkle_proof proof;
        snprintf(expected, sizeof expected, "entry %llu", (unsigned long long)index);
        assert_int_equal(audit_reader_entry(reader, index, &entry), 0);
        assert_true(text_is(entry, expected));
        assert_int_equal(audit_reader_inclusion(reader, index, &proof), 0);
        struct merkle_hash leaf = merkle_leaf(hasher, entry.data, entry.length);
        assert_true(merkle_verify_inclusion(hasher, index, 70000, &leaf, &proof, &checkpoint.root));
    }
    struct text none;
    assert_int_equal(audit_reader_entry(reader, 70000, &none), -ERANGE);
    merkle_hasher_free(hasher);
    audit_reader_close(reader);
}

static void a_grown_log_is_consistent_with_what_it_was(void **state)
{
    (void)state;
    struct audit_reader *reader = opened();
    struct merkle_hasher *hasher = merkle_hasher_new();
    struct checkpoint before = checkpoint_of(reader), after;
    struct merkle_hash root_before = before.root;
    struct merkle_proof proof;
    grow(300);
    assert_int_equal(audit_reader_refresh(reader, &error), 0);
    after = checkpoint_of(reader);
    assert_int_equal(after.size, 70300);
    assert_int_equal(audit_reader_consistency(reader, 70000, &proof), 0);
    assert_true(merkle_verify_consistency(hasher, 70000, 70300, &root_before, &after.root, &proof));
    merkle_hasher_free(hasher);
    audit_reader_close(reader);
}

static void a_proof_has_the_form_of_the_specification(void **state)
{
    (void)state;
    struct audit_reader *reader = opened();
    static char text[PROOF_SIZE_MAX];
    struct writer w = writer_on(text, sizeof text - 1);
    assert_int_equal(audit_reader_proof(reader, 5, &w), 0);
    text[w.length] = 0;
    assert_ptr_equal(strstr(text, "c2sp.org/tlog-proof@v1\nextra ZW50cnkgNQ==\nindex 5\n"), text);
    assert_non_null(strstr(text, "\n\necluse.example/log\n"));
    audit_reader_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_entry_can_be_read_and_proven),
        cmocka_unit_test(a_grown_log_is_consistent_with_what_it_was),
        cmocka_unit_test(a_proof_has_the_form_of_the_specification),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
