/* A feed is what its first telling name says: the names of an NDJSON event, of an EPCIS document or
 * event, of a Suivi answer, at the top level of the first object. What does not begin like JSON is
 * CSV. */
#include "tracking/feed_internal.h"

static enum feed_format format_of_name(struct text name)
{
    static const struct {
        const char *name;
        enum feed_format format;
    } telling[] = {
        {"parcel", FEED_NDJSON},     {"at", FEED_NDJSON},
        {"code", FEED_NDJSON},       {"@context", FEED_EPCIS},
        {"epcisBody", FEED_EPCIS},   {"eventTime", FEED_EPCIS},
        {"eventID", FEED_EPCIS},     {"schemaVersion", FEED_EPCIS},
        {"bizStep", FEED_EPCIS},     {"epcList", FEED_EPCIS},
        {"eventList", FEED_EPCIS},   {"eventTimeZoneOffset", FEED_EPCIS},
        {"epcisHeader", FEED_EPCIS}, {"isA", FEED_EPCIS},
        {"returnCode", FEED_SUIVI},  {"shipment", FEED_SUIVI},
        {"idShip", FEED_SUIVI},      {"returnMessage", FEED_SUIVI},
    };
    for (size_t i = 0; i < sizeof telling / sizeof telling[0]; i++)
        if (text_is(name, telling[i].name))
            return telling[i].format;
    return FEED_AUTO;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Length of the string from its opening quote to its closing one, or 0 when it does not end here.
 */
static size_t string_length(const char *at, size_t left)
{
    for (size_t i = 1; i < left; i++) {
        if (at[i] == '\\')
            i++;
        else if (at[i] == '"')
            return i + 1;
    }
    return 0;
}

enum feed_format feed_recognise(const char *head, size_t length, bool complete)
{
    enum feed_format unsure = complete ? FEED_NDJSON : FEED_AUTO;
    size_t i = 0, depth = 0;
    while (i < length && is_space(head[i]))
        i++;
    if (i == length)
        return unsure;
    if (head[i] != '{' && head[i] != '[')
        return FEED_CSV;
    size_t top = head[i] == '[' ? 2 : 1; /* an array of documents: inside its first object */
    struct text name = {NULL, 0};
    for (; i < length; i++) {
        char c = head[i];
        if (c == '"') {
            size_t string = string_length(head + i, length - i);
            if (!string)
                return unsure;
            name = (struct text){head + i + 1, string - 2};
            i += string - 1;
        } else if (c == ':' && depth == top) {
            enum feed_format format = format_of_name(name);
            if (format != FEED_AUTO)
                return format;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && (depth == 0 || --depth == 0)) {
            return FEED_NDJSON; /* the first object ended without a telling name */
        }
    }
    return unsure;
}
