/* EPCIS 2.0 in JSON-LD (GS1, ISO/IEC 19987:2024). What is a parcel, where and at which step is
 * taken; the rest is left. */
#include "tracking/feed_internal.h"

#include <jansson.h>
#include <stdlib.h>

/* ---- Identifiers ----------------------------------------------------------------------------- */

static bool starts_with(struct text text, const char *start)
{
    size_t length = strlen(start);
    return text.length >= length && memcmp(text.data, start, length) == 0;
}

static bool contains(struct text text, const char *part)
{
    return memmem(text.data, text.length, part, strlen(part)) != NULL;
}

/* What follows the last '/', ':' or '#'. */
static struct text last_part(struct text uri)
{
    size_t i = uri.length;
    while (i > 0 && uri.data[i - 1] != '/' && uri.data[i - 1] != ':' && uri.data[i - 1] != '#')
        i--;
    return (struct text){uri.data + i, uri.length - i};
}

static bool all_digits(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return text.length > 0;
}

/* "0614141.1234567890" (company prefix, extension digit and serial) to the 17 digits of an SSCC and
 * their check digit. */
static bool sscc_of_urn(struct text urn, char out[18])
{
    const char *dot = memchr(urn.data, '.', urn.length);
    if (urn.length != 18 || !dot)
        return false;
    struct text prefix = {urn.data, (size_t)(dot - urn.data)};
    struct text serial = {dot + 1, urn.length - prefix.length - 1};
    if (prefix.length < 6 || prefix.length > 12 || !all_digits(prefix) || !all_digits(serial))
        return false;
    out[0] = serial.data[0];
    memcpy(out + 1, prefix.data, prefix.length);
    memcpy(out + 1 + prefix.length, serial.data + 1, serial.length - 1);
    out[17] = parcel_check_digit(FORMAT_SSCC, out);
    return true;
}

/* Digital Link: goods, places, assets, documents, shipments: identified, but no parcels. */
static bool is_other_digital_link(struct text uri)
{
    static const char *const keys[] = {"/01/",   "/253/",  "/255/",  "/401/",  "/402/",
                                       "/414/",  "/417/",  "/8003/", "/8004/", "/8006/",
                                       "/8010/", "/8013/", "/8017/", "/8018/"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (contains(uri, keys[i]))
            return true;
    return false;
}

static struct text digital_link_sscc(struct text uri)
{
    const char *key = memmem(uri.data, uri.length, "/00/", 4);
    struct text sscc = {key + 4, (size_t)(uri.data + uri.length - (key + 4))};
    for (size_t i = 0; i < sscc.length; i++)
        if (sscc.data[i] == '/' || sscc.data[i] == '?' || sscc.data[i] == '#')
            sscc.length = i;
    return sscc;
}

/* FEED_OK: a parcel. FEED_NO_PARCEL: something else, which is no mistake. */
static enum feed_reason take_identifier(const struct feed *feed, struct text id,
                                        struct event *event)
{
    char sscc[18];
    bool is_uri = contains(id, ":") || contains(id, "/");
    if (starts_with(id, "urn:epc:id:sscc:")) {
        if (!sscc_of_urn((struct text){id.data + 16, id.length - 16}, sscc))
            return FEED_PARCEL_FORM;
        return feed_take_parcel(feed->rules, (struct text){sscc, sizeof sscc}, event);
    }
    if (starts_with(id, "http") && contains(id, "/00/"))
        return feed_take_parcel(feed->rules, digital_link_sscc(id), event);
    if (starts_with(id, "urn:epc:") || (is_uri && is_other_digital_link(id)))
        return FEED_NO_PARCEL;
    enum feed_reason reason = feed_take_parcel(feed->rules, last_part(id), event);
    bool no_parcel = reason == FEED_PARCEL_FORM || (reason && is_uri);
    return no_parcel ? FEED_NO_PARCEL : reason;
}

/* ---- Where ----------------------------------------------------------------------------------- */

/* What a URI says in words is judged as it would be read, and kept as it stands. */
static void take_words(struct text words, struct event *event, uint64_t *dropped)
{
    char plain[EVENT_PLACE_MAX * 6];
    size_t length = 0;
    for (size_t i = 0; i < words.length && length < sizeof plain; i++) {
        plain[length++] = words.data[i] == '_' ? ' ' : words.data[i];
        if (words.data[i] != '%' || words.length - i < 3)
            continue;
        char hex[3] = {words.data[i + 1], words.data[i + 2], 0}, *end;
        long value = strtol(hex, &end, 16);
        if (end == hex + 2 && hex[0] != '+' && hex[0] != '-' && hex[0] != ' ') {
            plain[length - 1] = (char)value;
            i += 2;
        }
    }
    if (text_is_personal((struct text){plain, length}))
        ++*dropped;
    else
        feed_take_place(words, event, dropped);
}

/* A GLN, with its extension where it has one; else the last part of another URI. Coordinates are
 * left out. */
static void place_of_uri(struct text uri, struct event *event, uint64_t *dropped)
{
    static const char urn[] = "urn:epc:id:sgln:";
    char gln[64];
    struct writer place = writer_on(gln, sizeof gln);
    struct text extension = {NULL, 0};
    if (starts_with(uri, "geo:"))
        return;
    if (starts_with(uri, urn)) {
        struct text body = {uri.data + sizeof urn - 1, uri.length - (sizeof urn - 1)};
        const char *dot = memchr(body.data, '.', body.length);
        if (!dot || body.length < 13 || (body.length > 13 && body.data[13] != '.'))
            return;
        size_t prefix = (size_t)(dot - body.data);
        if (prefix > 12)
            return;
        char digits[17] = "00000"; /* GLN and SSCC check alike once both are 17 digits long */
        memcpy(digits + 5, body.data, prefix);
        memcpy(digits + 5 + prefix, dot + 1, 12 - prefix);
        if (!all_digits((struct text){digits, 17}))
            return;
        write_bytes(&place, digits + 5, 12);
        write_bytes(&place, (char[]){parcel_check_digit(FORMAT_SSCC, digits)}, 1);
        if (body.length > 14)
            extension = (struct text){body.data + 14, body.length - 14};
    } else if (contains(uri, "/414/")) {
        const char *key = memmem(uri.data, uri.length, "/414/", 5);
        struct text rest = {key + 5, (size_t)(uri.data + uri.length - key - 5)};
        if (rest.length < 13 || !all_digits((struct text){rest.data, 13}))
            return;
        write_bytes(&place, rest.data, 13);
        if (rest.length > 18 && memcmp(rest.data + 13, "/254/", 5) == 0)
            extension = (struct text){rest.data + 18, rest.length - 18};
    } else {
        take_words(last_part(uri), event, dropped);
        return;
    }
    if (text_is_personal(extension)) {
        ++*dropped;
    } else if (extension.length && !text_is(extension, "0")) {
        WRITE_LITERAL(&place, ".");
        write_bytes(&place, extension.data, extension.length < 40 ? extension.length : 40);
    }
    feed_take_location((struct text){gln, place.length}, event);
}

/* Where it happened; else where it is from then on. False when a place is not of the standard's
 * form. */
static bool take_place(const json_t *object, struct event *event, uint64_t *dropped)
{
    static const char *const names[] = {"readPoint", "bizLocation"};
    for (size_t i = 0; i < 2 && !event->place[0]; i++) {
        const json_t *location = json_object_get(object, names[i]);
        struct text id;
        if (!location)
            continue;
        if (!json_is_object(location) || !json_text(location, "id", &id))
            return false;
        place_of_uri(id, event, dropped);
    }
    return true;
}

/* ---- What ------------------------------------------------------------------------------------ */

static bool says_more_than_a_step(enum step step)
{
    return step == STEP_INCIDENT || step == STEP_RETURNED || step == STEP_DELIVERED;
}

static enum step persistent_step(const json_t *object)
{
    const json_t *set = json_object_get(json_object_get(object, "persistentDisposition"), "set");
    const json_t *entry;
    size_t i;
    json_array_foreach(set, i, entry)
    {
        if (!json_is_string(entry))
            continue;
        struct text name = {json_string_value(entry), json_string_length(entry)};
        enum step step = step_of_code(CODES_EPCIS_DISPOSITION, name);
        if (says_more_than_a_step(step))
            return step;
    }
    return STEP_UNKNOWN;
}

/* What happened is the business step, unless the disposition says that it went wrong, back, or into
 * the addressee's hands; "available" after a step in a place is a parcel that waits there for its
 * addressee. */
static enum feed_reason take_step(const json_t *object, struct event *event, const char **field)
{
    struct text business_step, disposition;
    *field = "disposition";
    if (!json_text(object, "disposition", &disposition))
        return FEED_BAD_FIELD;
    *field = "bizStep";
    if (!json_text(object, "bizStep", &business_step))
        return FEED_BAD_FIELD;
    enum step step = step_of_code(CODES_EPCIS_STEP, business_step);
    enum step state = step_of_code(CODES_EPCIS_DISPOSITION, disposition);
    enum step lasting = persistent_step(object);
    struct text code = step_bare_code(CODES_EPCIS_STEP, business_step);
    if (!code.length)
        code = step_bare_code(CODES_EPCIS_DISPOSITION, disposition);
    if (!code.length)
        return FEED_NO_CODE;
    if (!feed_take_code(last_part(code), event))
        return FEED_BAD_FIELD;
    if (says_more_than_a_step(state))
        step = state;
    else if (says_more_than_a_step(lasting))
        step = lasting;
    else if (step == STEP_UNKNOWN || (state == STEP_PICKUP && step == STEP_SORTING))
        step = state;
    if (step != STEP_UNKNOWN) /* else what a carrier's own code means */
        event->step = (uint8_t)step;
    return FEED_OK;
}

static enum feed_reason take_when(const json_t *object, struct event *event, const char **field)
{
    struct text time, zone;
    int64_t unused;
    *field = "eventTime";
    if (!json_text(object, "eventTime", &time))
        return FEED_BAD_FIELD;
    if (!time.length)
        return FEED_NO_TIME;
    enum feed_reason reason = feed_take_time(time, event);
    if (reason)
        return reason;
    *field = "eventTimeZoneOffset";
    if (!json_text(object, "eventTimeZoneOffset", &zone) || zone.length > 6)
        return FEED_BAD_FIELD;
    if (!zone.length)
        return FEED_OK;
    char any_time[32] = "2000-01-01T00:00:00";
    memcpy(any_time + 19, zone.data, zone.length);
    struct text with_zone = {any_time, 19 + zone.length};
    return event_time_parse(with_zone, &unused, &event->offset) ? FEED_OK : FEED_BAD_FIELD;
}

/* ---- One event ------------------------------------------------------------------------------- */

struct taken {
    unsigned parcels, refused;
};

static void give_identifier(struct feed *feed, const json_t *id, const char *field,
                            struct event *event, struct taken *taken)
{
    enum feed_reason reason = FEED_BAD_FIELD;
    if (json_is_string(id))
        reason = take_identifier(feed, (struct text){json_string_value(id), json_string_length(id)},
                                 event);
    if (reason == FEED_NO_PARCEL)
        return;
    if (reason) {
        taken->refused++;
        feed_refuse(feed, feed->place, reason, field);
    } else {
        taken->parcels++;
        feed_give(feed, event, feed->place);
    }
}

static void give_parcels(struct feed *feed, const json_t *object, struct event *event,
                         struct taken *taken)
{
    static const char *const lists[] = {"epcList", "childEPCs", "inputEPCList", "outputEPCList"};
    const json_t *parent = json_object_get(object, "parentID"), *id;
    if (parent && !json_is_null(parent))
        give_identifier(feed, parent, "parentID", event, taken);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const json_t *list = json_object_get(object, lists[i]);
        size_t k;
        json_array_foreach(list, k, id) give_identifier(feed, id, lists[i], event, taken);
    }
}

static void take_event(struct feed *feed, const json_t *object)
{
    struct event event = {0};
    struct taken taken = {0};
    const char *field = "";
    feed->dropped += json_personal(object);
    /* It says again, word for word, what was said before, and that it was wrong: no second event,
     * and a store that others already read takes nothing back. The corrective event comes by
     * itself. */
    if (json_object_get(object, "errorDeclaration")) {
        feed_refuse(feed, feed->place, FEED_NO_EVENTS, "errorDeclaration");
        return;
    }
    enum feed_reason reason = take_when(object, &event, &field);
    if (!reason)
        reason = take_step(object, &event, &field);
    if (!reason && !take_place(object, &event, &feed->dropped)) {
        field = "readPoint";
        reason = FEED_BAD_FIELD;
    }
    if (reason) {
        feed_refuse(feed, feed->place, reason, field);
        return;
    }
    give_parcels(feed, object, &event, &taken);
    if (!taken.parcels && !taken.refused)
        feed_refuse(feed, feed->place, FEED_NO_EVENTS, "epcList");
}

/* ---- Documents ------------------------------------------------------------------------------- */

static const json_t *event_list(const json_t *root)
{
    const json_t *body = json_object_get(root, "epcisBody");
    const json_t *results = json_object_get(json_object_get(body, "queryResults"), "resultsBody");
    const json_t *list = json_object_get(results, "eventList");
    if (!list)
        list = json_object_get(body, "eventList");
    return list ? list : json_object_get(root, "eventList");
}

/* A document within a list of documents: its events were not cut out. */
static void take_list(struct feed *feed, const json_t *list)
{
    const json_t *object;
    size_t i;
    json_array_foreach(list, i, object)
    {
        feed->place += i > 0;
        if (json_is_object(object))
            take_event(feed, object);
        else
            feed_refuse(feed, feed->place, FEED_BAD_FIELD, "eventList");
    }
}

void feed_epcis_unit(struct feed *feed, struct text unit, uint64_t cut)
{
    json_t *root = feed_json(feed, unit);
    if (!root)
        return;
    const json_t *list = json_is_array(root) ? root : event_list(root);
    if (cut) {
        if (json_array_size(list) != cut)
            feed_refuse(feed, feed->place, FEED_BAD_FIELD, "eventList");
    } else if (json_array_size(list)) {
        take_list(feed, list);
    } else if (list || json_object_get(root, "epcisBody")) {
        feed_refuse(feed, feed->place, FEED_NO_EVENTS, "eventList");
    } else {
        take_event(feed, root);
    }
    json_decref(root);
}
