/* Any bytes as a note, its checkpoint and a key: no crash, and what is taken is written back to
 * the same text. */
#include "audit/note.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(struct text body)
{
    struct checkpoint checkpoint;
    char again[NOTE_SIZE_MAX];
    struct writer w = writer_on(again, sizeof again);
    if (checkpoint_parse(body, &checkpoint) != 0)
        return;
    checkpoint_write(&checkpoint, &w);
    if (!w.overflow && (body.length < w.length || memcmp(body.data, again, w.length) != 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char trusted[] =
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    struct text input = {(const char *)data, size};
    struct verifier_key key;
    struct note note;
    char text[NOTE_VKEY_SIZE];
    if (verifier_key_parse(input, &key) == 0 &&
        !text_equal(text_of(verifier_key_text(&key, text)), input))
        abort();
    if (verifier_key_parse(text_of(trusted), &key) != 0)
        abort();
    if (note_parse(input, &note) == 0) {
        note_verify(&note, &key, NULL);
        check_round_trip(note.body);
    }
    return 0;
}
