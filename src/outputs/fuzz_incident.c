/* Any JSON as the file of incidents: refused, or taken as something that goes on as one of ours. */
#include "outputs/incident.h"
#include "outputs/notice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct incidents all;
    static char text[NOTICE_SIZE];
    const struct notice_source source = {"", "lock1", "", NULL};
    const struct sign sign = {"guards", "guard_down", "the front is down"};
    json_t *object = json_loadb((const char *)data, size, 0, NULL);
    bool taken = object && incidents_from_json(object, 0, &all);
    json_decref(object);
    if (!taken)
        return 0;
    for (unsigned i = 1; i <= 12; i++)
        incidents_look(&all, &sign, i < 5, i * 5 * NANOS_SECOND, i);
    for (const struct incident *next; (next = incidents_next(&all, 1)) != NULL;) {
        struct incident copy = *next;
        struct writer json = writer_on(text, sizeof text), mail = writer_on(text, sizeof text);
        notice_json(&source, &copy, &json);
        notice_mail(&source, &copy, 0, &mail);
        must(!mail.overflow);
        incidents_told(&all, copy.id, copy.version, 1, 2);
    }
    json_decref(incidents_json(&all));
    return 0;
}
