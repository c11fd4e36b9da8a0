/* Any bytes as a record: the checksum keeps nearly all of them from record_parse(), so it is called
 * without. */
#include "tracking/record.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const some_words[] = {"ET1", "FRLyon", "Colissimo", "P1", "depots"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct dictionary *d;
    static struct record first, second;
    static struct history history;
    static uint8_t bytes[RECORD_SIZE_MAX];
    struct parcel_number parcel = {.length = 2, .text = "RA"};
    if (!d) {
        d = dictionary_new();
        for (int class = 0; class < WORD_CLASS_COUNT; class ++) {
            d->bound[class] = 1; /* so that what is inline stays inline */
            dictionary_word(d, (enum word_class) class, text_of(some_words[class]));
        }
    }
    (void)record_decode(d, &parcel, data, size, &first);
    if (record_parse(data, size, &first) != RECORD_OK)
        return 0;
    record_history(d, data, &first, &history);
    if (!record_own(d, data, &first))
        return 0;
    for (uint32_t i = 0; i < first.count;
         i++) { /* numbers of words that there are not are for record_decode() */
        struct record_event *e = &first.event[i];
        uint32_t *words[] = {&e->code, &e->place, &e->product, &e->pickup, &e->source};
        for (int class = 0; class < WORD_CLASS_COUNT; class ++)
            if (*words[class] && !dictionary_find(d, (enum word_class) class, *words[class]))
                *words[class] = 1;
        if (e->at - (int64_t)RECORD_EPOCH > (int64_t)UINT32_MAX)
            return 0;
    }
    size_t length = record_encode(d, &parcel, &first, bytes);
    if (record_decode(d, &parcel, bytes, length, &second) != RECORD_OK ||
        !record_own(d, bytes, &second) || second.count != first.count)
        abort();
    for (uint32_t i = 0; i < first.count; i++) {
        const struct record_event *a = &first.event[i], *b = &second.event[i];
        if (a->at != b->at || a->delivery_day != b->delivery_day || a->offset != b->offset ||
            a->step != b->step || a->code != b->code || a->place != b->place ||
            a->product != b->product || a->pickup != b->pickup || a->source != b->source)
            abort();
    }
    dictionary_forget_local(d);
    return 0;
}
