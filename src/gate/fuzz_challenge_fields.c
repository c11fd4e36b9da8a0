/* Whatever body was sent: what a browser makes of its fields is what was sent, or it is not offered
 * at all. */
#include "gate/form_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MOST = 2 * CHALLENGE_FIELDS_SIZE };
    static char fields[CHALLENGE_FIELDS_SIZE + 100];
    static uint16_t sent[MOST], again[MOST];
    struct writer w = writer_on(fields, sizeof fields);
    WRITE_LITERAL(&w, "before");
    bool offered = challenge_fields((struct text){(const char *)data, size}, &w);
    must(!w.overflow && w.size == sizeof fields && w.length - 6 <= CHALLENGE_FIELDS_SIZE);
    must(memcmp(fields, "before", 6) == 0 && (offered || w.length == 6));
    if (!offered)
        return 0;
    must(size <= CHALLENGE_BODY_MAX);
    size_t length, count = form_decode((const char *)data, size, sent);
    must(form_send(fields + 6, w.length - 6, again, &length));
    must(count == length && memcmp(sent, again, count * sizeof *sent) == 0);
    return 0;
}
