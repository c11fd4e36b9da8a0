/* La Poste "Suivi v2": one answer is the whole history of one parcel. Labels are left (Ecluse has
 * its own, in four languages), and so is whatever says who or where somebody is. */
#include "tracking/feed_internal.h"

#include <jansson.h>

/* The pickup point's code alone: its name and address may be a neighbour's. */
static void take_pickup(struct feed *feed, const json_t *shipment, struct event *event)
{
    static const char *const names[] = {"code", "id", "identifier"};
    const json_t *context = json_object_get(shipment, "contextData");
    const json_t *point = json_object_get(context, "removalPoint");
    struct text code = {NULL, 0};
    for (size_t i = 0; i < 3 && json_is_object(point) && !code.length; i++)
        json_text(point, names[i], &code);
    if (json_is_string(point))
        code = (struct text){json_string_value(point), json_string_length(point)};
    if (code.length && !feed_take_pickup(code, event))
        feed->dropped++;
}

/* The expected day; once delivered, `deliveryDate` is the day on which it was. */
static bool take_delivery_day(const json_t *shipment, struct event *event)
{
    struct text estimate, delivery;
    if (!json_text(shipment, "estimDate", &estimate) ||
        !json_text(shipment, "deliveryDate", &delivery))
        return false;
    struct text expected = estimate.length ? estimate : delivery;
    if (json_is_true(json_object_get(shipment, "isFinal")) || !expected.length)
        return true;
    return event_day_parse(expected, &event->delivery_day);
}

/* What all events of the answer share. */
static enum feed_reason take_shipment(struct feed *feed, const json_t *root, const json_t *shipment,
                                      struct event *event, const char **field)
{
    struct text number, product;
    *field = "idShip";
    if (!json_text(shipment, "idShip", &number))
        return FEED_BAD_FIELD;
    if (!number.length && !json_text(root, "idShip", &number))
        return FEED_BAD_FIELD;
    if (!number.length)
        return FEED_NO_PARCEL;
    enum feed_reason reason = feed_take_parcel(feed->rules, number, event);
    if (reason)
        return reason;
    *field = "product";
    if (!json_text(shipment, "product", &product) ||
        (product.length && !feed_take_product(product, event, &feed->dropped)))
        return FEED_BAD_FIELD;
    *field = "deliveryDate";
    if (!take_delivery_day(shipment, event))
        return FEED_BAD_FIELD;
    take_pickup(feed, shipment, event);
    return FEED_OK;
}

static enum feed_reason take_event(const json_t *object, struct event *event, const char **field)
{
    struct text date, code;
    *field = "date";
    if (!json_text(object, "date", &date))
        return FEED_BAD_FIELD;
    if (!date.length)
        return FEED_NO_TIME;
    enum feed_reason reason = feed_take_time(date, event);
    if (reason)
        return reason;
    *field = "code";
    if (!json_text(object, "code", &code))
        return FEED_BAD_FIELD;
    if (!code.length)
        return FEED_NO_CODE;
    return feed_take_code(code, event) ? FEED_OK : FEED_BAD_FIELD;
}

static void take_events(struct feed *feed, const json_t *list, const struct event *shared)
{
    const json_t *object;
    size_t i;
    json_array_foreach(list, i, object)
    {
        struct event event = *shared;
        const char *field = "event";
        enum feed_reason reason =
            json_is_object(object) ? take_event(object, &event, &field) : FEED_BAD_FIELD;
        feed->place += i > 0;
        if (reason)
            feed_refuse(feed, feed->place, reason, field);
        else
            feed_give(feed, &event, feed->place);
    }
}

static void take_answer(struct feed *feed, const json_t *root)
{
    const json_t *code = json_object_get(root, "returnCode");
    const json_t *shipment = json_object_get(root, "shipment");
    const json_t *list = json_object_get(shipment, "event");
    struct event shared = {0};
    const char *field = "";
    enum feed_reason reason = FEED_OK;
    feed->dropped += json_personal(shipment);
    if (code && !(json_is_number(code) && json_number_value(code) == 200.0)) {
        field = "returnCode";
        reason = FEED_NO_EVENTS;
    } else if (!json_is_object(shipment)) {
        field = "shipment";
        reason = FEED_NO_EVENTS;
    } else {
        reason = take_shipment(feed, root, shipment, &shared, &field);
        if (!reason && !json_array_size(list)) {
            field = "event";
            reason = FEED_NO_EVENTS;
        }
    }
    if (reason)
        feed_refuse(feed, feed->place, reason, field);
    else
        take_events(feed, list, &shared);
}

void feed_suivi_unit(struct feed *feed, struct text unit, uint64_t cut)
{
    json_t *root = feed_json(feed, unit);
    if (!root)
        return;
    if (json_is_object(root))
        take_answer(feed, root);
    else if (json_array_size(root) != cut)
        feed_refuse(feed, feed->place, FEED_BAD_FIELD, "");
    else if (!cut)
        feed_refuse(feed, feed->place, FEED_NO_EVENTS, "");
    json_decref(root);
}
