/* Whatever a reader's headers hold, the language is one that the contract lists. */
#include "tracking/answer_samples.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Input: which languages, how long ?lang= is, ?lang=, Accept-Language. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct contract *contract;
    if (!contract)
        contract = sample_contract();
    if (size < 2 || !contract)
        return 0;
    contract->languages = data[0] % 15 + 1u;
    contract->first_language = LANGUAGE_FR;
    while (!(contract->languages & 1u << contract->first_language))
        contract->first_language++;
    size_t length = data[1] < size - 2 ? data[1] : size - 2;
    struct text parameter = {(const char *)data + 2, length};
    struct text header = {(const char *)data + 2 + length, size - 2 - length};
    enum language language = answer_language(contract, parameter, header);
    must(language < LANGUAGE_COUNT && (contract->languages & 1u << language));
    return 0;
}
