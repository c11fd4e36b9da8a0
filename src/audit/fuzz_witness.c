/* Any bytes as a request to a witness and as its answer: no crash, and nothing is cosigned
 * without the log's signature. */
#include "audit/witness.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct witness *witness;
    static struct signer_key key;
    static struct verifier_key log;
    static struct witness_answer answer;
    char lines[8192];
    struct writer w = writer_on(lines, sizeof lines);
    struct error error;
    struct text input = {(const char *)data, size};
    if (!witness) {
        char folder[] = "/tmp/ecluse-fuzz-witness-XXXXXX";
        uint8_t seed[32] = {1};
        static const char trusted[] =
            "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
        if (!mkdtemp(folder) ||
            signer_key_make("witness.example/w1", NOTE_KEY_COSIGNER, seed, &key) != 0 ||
            verifier_key_parse(text_of(trusted), &log) != 0 ||
            witness_open(folder, &key, &log, 1, &witness, &error) != 0)
            abort();
    }
    witness_add_checkpoint(witness, input, 1, &answer);
    if (answer.status == 200) /* the fuzzer has no secret key */
        abort();
    witness_get_checkpoint(witness, input, &answer);
    witness_answer_lines(input,
                         TEXT("example.com/foo\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"),
                         &log, &w);
    return 0;
}
