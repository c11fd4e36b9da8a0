#include "audit/note.h"

#include <errno.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The example of c2sp.org/signed-note, "Example". */
static const char example_key[] =
    "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
static const char example_note[] = "This is an example message.\n\n"
                                   "\xe2\x80\x94 example.com/foo "
                                   "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsY"
                                   "jOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

static void the_published_example_verifies(void **state)
{
    (void)state;
    struct verifier_key key;
    struct note note;
    char text[NOTE_VKEY_SIZE];
    assert_int_equal(verifier_key_parse(text_of(example_key), &key), 0);
    assert_string_equal(verifier_key_text(&key, text), example_key);
    assert_int_equal(note_parse(text_of(example_note), &note), 0);
    assert_true(text_is(note.body, "This is an example message.\n"));
    assert_int_equal(note_verify(&note, &key, NULL), NOTE_SIGNED);
}

static void one_changed_byte_anywhere_is_noticed(void **state)
{
    (void)state;
    struct verifier_key key;
    char changed[sizeof example_note];
    struct note note;
    verifier_key_parse(text_of(example_key), &key);
    for (size_t i = 0; i < sizeof example_note - 1; i++)
        for (int bit = 0; bit < 8; bit++) {
            memcpy(changed, example_note, sizeof changed);
            changed[i] = (char)(changed[i] ^ 1 << bit);
            struct text text = {changed, sizeof changed - 1};
            assert_true(note_parse(text, &note) != 0 ||
                        note_verify(&note, &key, NULL) != NOTE_SIGNED);
        }
}

static void malformed_notes_and_keys_are_refused(void **state)
{
    (void)state;
    static const char *const notes[] = {
        "",
        "\n",
        "\n\n",
        "text\n",
        "text\n\n",
        "text\n\nnot a signature\n",
        "te\txt\n\n\xe2\x80\x94 a AAAAAAA=\n",
        "text\n\n\xe2\x80\x94 a\n",
        "text\n\n\xe2\x80\x94 a AAAA\n",
        "text\n\n\xe2\x80\x94 a+b AAAAAAA=\n",
        "text\n\n\xe2\x80\x94 a AAAAAAB=\n" /* unused bits are not zero */,
        "text\n\n\xe2\x80\x94 a AAAAAAA=",
    };
    struct note note;
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
        if (note_parse(text_of(notes[i]), &note) != -EBADMSG)
            fail_msg("note %zu was taken", i);
    static const char *const keys[] = {
        "",
        "a",
        "a+b",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/fooo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2",
        "+530d903a+AekyeRrm56hApGFkyQ==",
    };
    struct verifier_key key;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (verifier_key_parse(text_of(keys[i]), &key) != -EBADMSG)
            fail_msg("key %zu was taken", i);
}

static struct text signed_checkpoint(const struct signer_key *signer, struct writer *w)
{
    struct checkpoint checkpoint = {
        .origin = TEXT("ecluse.example/log"), .size = 20852163, .root = {{7, 8, 9}}};
    checkpoint_write(&checkpoint, w);
    struct text body = {w->data, w->length};
    WRITE_LITERAL(w, "\n");
    note_sign(signer, body, 0, w);
    assert_false(w->overflow);
    return (struct text){w->data, w->length};
}

static void a_checkpoint_survives_the_way_there_and_back(void **state)
{
    (void)state;
    struct signer_key signer;
    uint8_t seed[32] = {1};
    char buffer[4096];
    struct writer w = writer_on(buffer, sizeof buffer);
    struct note note;
    struct checkpoint back;
    assert_int_equal(signer_key_make("ecluse.example/log", NOTE_KEY_LOG, seed, &signer), 0);
    assert_int_equal(note_parse(signed_checkpoint(&signer, &w), &note), 0);
    assert_int_equal(note_verify(&note, &signer.verifier, NULL), NOTE_SIGNED);
    assert_int_equal(checkpoint_parse(note.body, &back), 0);
    assert_true(text_is(back.origin, "ecluse.example/log"));
    assert_int_equal(back.size, 20852163);
    assert_int_equal(back.root.byte[2], 9);
}

static void a_cosignature_states_its_time_and_covers_the_body(void **state)
{
    (void)state;
    struct signer_key log, witness;
    uint8_t seed[32] = {1}, other_seed[32] = {2};
    char buffer[4096];
    struct writer w = writer_on(buffer, sizeof buffer);
    struct note note;
    uint64_t time = 0;
    signer_key_make("ecluse.example/log", NOTE_KEY_LOG, seed, &log);
    signer_key_make("witness.example/w1", NOTE_KEY_COSIGNER, other_seed, &witness);
    struct text body = signed_checkpoint(&log, &w);
    note_parse(body, &note);
    note_sign(&witness, note.body, 1679315147, &w);
    assert_int_equal(note_parse((struct text){w.data, w.length}, &note), 0);
    assert_int_equal(note_verify(&note, &witness.verifier, &time), NOTE_SIGNED);
    assert_int_equal(time, 1679315147);
    assert_int_equal(note_verify(&note, &log.verifier, NULL), NOTE_SIGNED);
    buffer[0] = 'E';
    note_parse((struct text){w.data, w.length}, &note);
    assert_int_equal(note_verify(&note, &witness.verifier, NULL), NOTE_WRONG);
}

static void a_long_signature_of_an_unknown_kind_is_no_obstacle(void **state)
{
    (void)state;
    struct signer_key signer;
    uint8_t seed[32] = {1}, lengthy[2424] = {9};
    static char base64[4000];
    char buffer[8192];
    struct writer w = writer_on(buffer, sizeof buffer);
    struct note note;
    signer_key_make("ecluse.example/log", NOTE_KEY_LOG, seed, &signer);
    signed_checkpoint(&signer, &w);
    sodium_bin2base64(base64, sizeof base64, lengthy, sizeof lengthy,
                      sodium_base64_VARIANT_ORIGINAL);
    WRITE_LITERAL(&w, "\xe2\x80\x94 ecluse.example/log ");
    write_string(&w, base64);
    WRITE_LITERAL(&w, "\n");
    assert_int_equal(note_parse((struct text){w.data, w.length}, &note), 0);
    assert_int_equal(note.count, 2);
    assert_int_equal(note_verify(&note, &signer.verifier, NULL), NOTE_SIGNED);
}

static void malformed_checkpoints_are_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "o\n",
        "o\n1\n",
        "o\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "o\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n",
        "o\n18446744073709551616\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n",
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
    };
    struct checkpoint checkpoint;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        if (checkpoint_parse(text_of(bodies[i]), &checkpoint) != -EBADMSG)
            fail_msg("body %zu was taken", i);
    assert_int_equal(
        checkpoint_parse(text_of("o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\nextension\n"),
                         &checkpoint),
        0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_example_verifies),
        cmocka_unit_test(one_changed_byte_anywhere_is_noticed),
        cmocka_unit_test(malformed_notes_and_keys_are_refused),
        cmocka_unit_test(a_checkpoint_survives_the_way_there_and_back),
        cmocka_unit_test(a_cosignature_states_its_time_and_covers_the_body),
        cmocka_unit_test(a_long_signature_of_an_unknown_kind_is_no_obstacle),
        cmocka_unit_test(malformed_checkpoints_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
