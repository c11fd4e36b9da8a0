#include "tracking/feed_internal.h"

#include <jansson.h>

/* A name that comes twice is refused, as in NDJSON. Whole numbers of any size are taken as real
 * ones: nothing that is kept is a number. */
json_t *feed_json(struct feed *feed, struct text unit)
{
    json_error_t error;
    json_t *root = json_loadb(unit.data, unit.length,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
    if (root)
        return root;
    bool not_utf8 = json_error_code(&error) == json_error_invalid_utf8;
    feed_refuse(feed, feed->place, not_utf8 ? FEED_NOT_UTF8 : FEED_SYNTAX, "");
    return NULL;
}

bool json_text(const json_t *object, const char *name, struct text *out)
{
    const json_t *value = json_object_get(object, name);
    *out = TEXT(""); /* memmem(3) and its like take no NULL */
    if (!value || json_is_null(value))
        return true;
    if (!json_is_string(value))
        return false;
    *out = (struct text){json_string_value(value), json_string_length(value)};
    return true;
}

static bool says_nothing(const json_t *value)
{
    return json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0);
}

/* Recursion is bounded: documents deeper than FEED_DEPTH_MAX are refused before they are parsed. */
uint64_t json_personal(const json_t *value)
{
    uint64_t found = 0;
    const char *name;
    json_t *member;
    size_t i;
    if (json_is_object(value)) {
        json_object_foreach((json_t *)(uintptr_t)value, name, member)
        {
            if (field_is_personal(text_of(name)))
                found += !says_nothing(member);
            else
                found += json_personal(member);
        }
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, member) found += json_personal(member);
    } else if (json_is_string(value)) {
        found = strncmp(json_string_value(value), "geo:", 4) == 0;
    }
    return found;
}
