#include "audit/log.h"
#include "audit/reader.h"
#include "audit/witness.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char top[64], folder[80], fork_folder[80], kept[80];
static struct signer_key key, witness_key;
static struct witness *witness;
static struct error error;

static void grow(const char *where, unsigned count, char mark)
{
    struct audit_log *log;
    assert_int_equal(audit_log_open(where, &key, &log, &error), 0);
    for (unsigned i = 0; i < count; i++)
        audit_log_stage(log, (struct text){&mark, 1});
    assert_int_equal(audit_log_commit(log, &error), 0);
    audit_log_close(log);
}

static int begin(void **state)
{
    (void)state;
    uint8_t seed[32] = {42}, other[32] = {43};
    strcpy(top, "/tmp/ecluse-witness-XXXXXX");
    if (!mkdtemp(top))
        return -1;
    snprintf(folder, sizeof folder, "%s/log", top);
    snprintf(fork_folder, sizeof fork_folder, "%s/fork", top);
    snprintf(kept, sizeof kept, "%s/kept", top);
    signer_key_make("ecluse.example/log", NOTE_KEY_LOG, seed, &key);
    signer_key_make("witness.example/w1", NOTE_KEY_COSIGNER, other, &witness_key);
    return witness_open(kept, &witness_key, &key.verifier, 1, &witness, &error);
}

static int end(void **state)
{
    (void)state;
    char command[128];
    witness_close(witness);
    snprintf(command, sizeof command, "rm -rf %s", top);
    return system(command);
}

/* Asks as a log does, with a proof from `from`; returns the witness's answer. */
static struct witness_answer ask(const char *where, uint64_t from)
{
    struct audit_reader *reader;
    struct merkle_proof proof = {.count = 0};
    static char request[WITNESS_REQUEST_MAX];
    struct writer w = writer_on(request, sizeof request);
    struct witness_answer out = {.status = 0};
    assert_int_equal(audit_reader_open(where, &reader, &error), 0);
    if (from && from <= audit_reader_size(reader))
        assert_int_equal(audit_reader_consistency(reader, from, &proof), 0);
    witness_request_write(from, &proof, audit_reader_checkpoint(reader), &w);
    witness_add_checkpoint(witness, (struct text){request, w.length}, 1795183380, &out);
    audit_reader_close(reader);
    return out;
}

static void a_growing_log_is_cosigned_each_time(void **state)
{
    (void)state;
    grow(folder, 5, 'a');
    assert_int_equal(ask(folder, 0).status, 200);
    grow(folder, 300, 'b');
    struct witness_answer answer = ask(folder, 5);
    assert_int_equal(answer.status, 200);
    assert_int_equal(ask(folder, 305).status, 200); /* the same again */

    struct audit_log *log;
    struct note note;
    char lines[1000];
    struct writer w = writer_on(lines, sizeof lines);
    assert_int_equal(audit_log_open(folder, &key, &log, &error), 0);
    assert_int_equal(note_parse(audit_log_checkpoint(log), &note), 0);
    assert_true(witness_answer_lines((struct text){answer.body, answer.length}, note.body,
                                     &witness_key.verifier, &w));
    assert_int_equal(audit_log_cosigned(log, 305, (struct text){lines, w.length}, &error), 0);
    audit_log_close(log);
    assert_int_equal(audit_log_open(folder, &key, &log, &error),
                     0); /* it opens with the cosignature in it */
    assert_int_equal(note_parse(audit_log_checkpoint(log), &note), 0);
    assert_int_equal(note_verify(&note, &witness_key.verifier, NULL), NOTE_SIGNED);
    audit_log_close(log);
}

static void a_fork_or_a_rollback_is_never_cosigned(void **state)
{
    (void)state;
    grow(folder, 10, 'a');
    grow(fork_folder, 10, 'x');
    assert_int_equal(ask(folder, 0).status, 200);
    assert_int_equal(ask(fork_folder, 10).status, 422);
    grow(fork_folder, 10, 'x');
    assert_int_equal(ask(fork_folder, 10).status, 422);
    grow(folder, 10, 'a');
    assert_int_equal(ask(folder, 10).status, 200);
    struct witness_answer conflict = ask(fork_folder, 0);
    assert_int_equal(conflict.status, 409);
    assert_string_equal(conflict.content_type, "text/x.tlog.size");
    assert_true(text_is((struct text){conflict.body, conflict.length}, "20\n"));
}

static void what_was_cosigned_survives_a_restart_and_is_served(void **state)
{
    (void)state;
    struct witness_answer answer;
    grow(folder, 10, 'a');
    assert_int_equal(ask(folder, 0).status, 200);
    witness_close(witness);
    witness = NULL;
    assert_int_equal(witness_open(kept, &witness_key, &key.verifier, 1, &witness, &error), 0);
    assert_int_equal(ask(folder, 0).status, 409);
    /* SHA-256 of "ecluse.example/log", computed with sha256sum */
    witness_get_checkpoint(witness, text_of("00"), &answer);
    assert_int_equal(answer.status, 404);
    char command[300], hash[65] = "";
    snprintf(command, sizeof command, "printf ecluse.example/log | sha256sum | cut -c 1-64");
    FILE *pipe_end = popen(command, "r");
    assert_non_null(fgets(hash, sizeof hash, pipe_end));
    pclose(pipe_end);
    witness_get_checkpoint(witness, (struct text){hash, 64}, &answer);
    assert_int_equal(answer.status, 200);
    struct note note;
    assert_int_equal(note_parse((struct text){answer.body, answer.length}, &note), 0);
    assert_int_equal(note_verify(&note, &witness_key.verifier, NULL), NOTE_SIGNED);
    assert_int_equal(note_verify(&note, &key.verifier, NULL), NOTE_SIGNED);
}

static void requests_that_are_wrong_are_answered_as_the_specification_says(void **state)
{
    (void)state;
    struct witness_answer answer;
    static const char *const malformed[] = {
        "", "old\n\n", "old 01\n\n", "old 0\nnot base64\n\n", "old 0\n", "new 0\n\n"};
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        witness_add_checkpoint(witness, text_of(malformed[i]), 1, &answer);
        assert_int_equal(answer.status, 400);
    }
    struct signer_key right = key;
    uint8_t seed[32] = {99};
    signer_key_make("ecluse.example/log", NOTE_KEY_LOG, seed, &key);
    grow(folder, 1, 'a');
    assert_int_equal(ask(folder, 0).status, 403); /* another key under the log's name */
    signer_key_make("stranger.example/log", NOTE_KEY_LOG, seed, &key);
    grow(fork_folder, 1, 'a');
    assert_int_equal(ask(fork_folder, 0).status, 404);
    assert_int_equal(ask(fork_folder, 2).status, 404);
    key = right;
}

static void a_kept_checkpoint_that_was_changed_is_not_built_on(void **state)
{
    (void)state;
    char command[300];
    grow(folder, 10, 'a');
    assert_int_equal(ask(folder, 0).status, 200);
    snprintf(command, sizeof command, "sed -i 's/^10$/11/' %s/[0-9a-f]*", kept);
    assert_int_equal(system(command), 0);
    assert_int_equal(ask(folder, 10).status, 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_growing_log_is_cosigned_each_time, begin, end),
        cmocka_unit_test_setup_teardown(a_fork_or_a_rollback_is_never_cosigned, begin, end),
        cmocka_unit_test_setup_teardown(what_was_cosigned_survives_a_restart_and_is_served, begin,
                                        end),
        cmocka_unit_test_setup_teardown(
            requests_that_are_wrong_are_answered_as_the_specification_says, begin, end),
        cmocka_unit_test_setup_teardown(a_kept_checkpoint_that_was_changed_is_not_built_on, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
