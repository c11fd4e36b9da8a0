/* Any bytes as an entry of the log: what comes of them is one line of JSON, and one message that
 * fits. */
#include "outputs/eve.h"
#include "outputs/syslog.h"

#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char line[EVE_LINE_SIZE], message[SYSLOG_SIZE];
    const struct eve_source source = {"poste.example/ecluse", "lock1", "Poste d'exemple"};
    struct entry entry;
    if (entry_parse((struct text){(const char *)data, size}, &entry) != 0)
        return 0;
    struct writer w = writer_on(line, sizeof line);
    eve_write(&source, 17, &entry, &w);
    json_t *object = json_loadb(line, w.length, 0, NULL);
    must(object != NULL);
    json_decref(object);
    must(memchr(line, '\n', w.length) == line + w.length - 1);
    struct writer m = writer_on(message, sizeof message);
    syslog_write(&source, 17, &entry, &m);
    for (size_t i = 0; i < m.length; i++)
        must((unsigned char)message[i] >= 0x20 && message[i] != 0x7f);
    return 0;
}
