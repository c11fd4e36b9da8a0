#include "tracking/feed_internal.h"

#define X(constant, name) name,
static const char *const field_names[FIELD_COUNT] = {FEED_FIELDS(X)};
#undef X

const char *feed_field_name(enum feed_field field)
{
    return (unsigned)field < FIELD_COUNT ? field_names[field] : "";
}

enum feed_field feed_field_named(struct text name)
{
#define X(constant, literal)                                                                       \
    if (name.length == sizeof(literal) - 1 &&                                                      \
        memcmp(name.data, literal, sizeof(literal) - 1) == 0)                                      \
        return FIELD_##constant;
    FEED_FIELDS(X)
#undef X
    return FIELD_NONE;
}

static void copy_text(char *out, struct text text)
{
    memcpy(out, text.data, text.length);
    out[text.length] = 0;
}

enum feed_reason feed_take_parcel(const struct tracking_rules *rules, struct text typed,
                                  struct event *event)
{
    switch (parcel_parse(rules->format, rules->format_count, typed, &event->parcel, NULL)) {
    case PARCEL_VALID:
        return FEED_OK;
    case PARCEL_WRONG_CHECK:
        return FEED_PARCEL_CHECK;
    case PARCEL_WRONG_FORM:
        break;
    }
    return FEED_PARCEL_FORM;
}

enum feed_reason feed_take_time(struct text time, struct event *event)
{
    char with_zone[64];
    int64_t at;
    int16_t offset;
    if (event_time_parse(time, &event->at, &event->offset))
        return FEED_OK;
    if (time.length + 1 > sizeof with_zone)
        return FEED_BAD_TIME;
    copy_text(with_zone, time);
    with_zone[time.length] = 'Z';
    bool only_zone_missing =
        event_time_parse((struct text){with_zone, time.length + 1}, &at, &offset);
    return only_zone_missing ? FEED_NO_TIME : FEED_BAD_TIME;
}

/* Machine-made names: visible ASCII only. */
static bool is_visible_ascii(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    return true;
}

bool feed_take_code(struct text code, struct event *event)
{
    if (!code.length || code.length > EVENT_CODE_MAX || !is_visible_ascii(code))
        return false;
    enum step step = step_of_any_code(code, NULL);
    if (step == STEP_UNKNOWN)
        step = step_of_code(CODES_EPCIS_STEP, code);
    if (step == STEP_UNKNOWN)
        step = step_of_name(code);
    copy_text(event->code, code);
    event->step = (uint8_t)step;
    return true;
}

bool feed_take_location(struct text place, struct event *event)
{
    if (text_has_controls(place))
        return false;
    copy_text(event->place, (struct text){place.data, utf8_cut(place, EVENT_PLACE_MAX)});
    return true;
}

bool feed_take_place(struct text place, struct event *event, uint64_t *dropped)
{
    if (!text_is_personal(place))
        return feed_take_location(place, event);
    ++*dropped;
    return !text_has_controls(place);
}

bool feed_take_product(struct text product, struct event *event, uint64_t *dropped)
{
    if (text_has_controls(product))
        return false;
    if (text_is_personal(product)) {
        ++*dropped;
        return true;
    }
    copy_text(event->product, (struct text){product.data, utf8_cut(product, EVENT_PRODUCT_MAX)});
    return true;
}

bool feed_take_country(struct text country, struct event *event)
{
    char code[2];
    if (country.length != 2)
        return false;
    for (int i = 0; i < 2; i++) {
        char c = country.data[i];
        code[i] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
    }
    if (!country_is_known(code))
        return false;
    memcpy(event->country, code, 2);
    event->country[2] = 0;
    return true;
}

/* A code only: a name or an address of a pickup point would not fit, and may be somebody's home. */
bool feed_take_pickup(struct text pickup, struct event *event)
{
    if (pickup.length > EVENT_PICKUP_MAX)
        return false;
    for (size_t i = 0; i < pickup.length; i++) {
        char c = pickup.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              c == '-' || c == '_' || c == '.'))
            return false;
    }
    copy_text(event->pickup, pickup);
    return true;
}

static bool take_source(struct text source, struct event *event)
{
    if (source.length >= CONTRACT_NAME_SIZE || text_has_controls(source))
        return false;
    copy_text(event->source, source);
    return true;
}

static bool take_optional(struct text value, enum feed_field field, struct event *event,
                          uint64_t *dropped)
{
    switch (field) {
    case FIELD_PLACE:
        return feed_take_place(value, event, dropped);
    case FIELD_COUNTRY:
        return feed_take_country(value, event);
    case FIELD_PRODUCT:
        return feed_take_product(value, event, dropped);
    case FIELD_DELIVERY_DATE:
        return event_day_parse(value, &event->delivery_day);
    case FIELD_PICKUP:
        return feed_take_pickup(value, event);
    case FIELD_SOURCE:
        return take_source(value, event);
    default:
        return true;
    }
}

enum feed_reason feed_draft_event(const struct tracking_rules *rules, const struct draft *draft,
                                  struct event *event, const char **field, uint64_t *dropped)
{
    if (draft->wrong) {
        *field = field_names[__builtin_ctz(draft->wrong)];
        return FEED_BAD_FIELD;
    }
    memset(event, 0, sizeof *event);
    *field = field_names[FIELD_PARCEL];
    if (!draft->value[FIELD_PARCEL].length)
        return FEED_NO_PARCEL;
    enum feed_reason reason = feed_take_parcel(rules, draft->value[FIELD_PARCEL], event);
    if (reason)
        return reason;
    *field = field_names[FIELD_AT];
    if (!draft->value[FIELD_AT].length)
        return FEED_NO_TIME;
    reason = feed_take_time(draft->value[FIELD_AT], event);
    if (reason)
        return reason;
    *field = field_names[FIELD_CODE];
    if (!draft->value[FIELD_CODE].length)
        return FEED_NO_CODE;
    if (!feed_take_code(draft->value[FIELD_CODE], event))
        return FEED_BAD_FIELD;
    for (int i = FIELD_PLACE; i < FIELD_COUNT; i++) {
        *field = field_names[i];
        if (draft->value[i].length &&
            !take_optional(draft->value[i], (enum feed_field)i, event, dropped))
            return FEED_BAD_FIELD;
    }
    return FEED_OK;
}
