#include "outputs/incident.h"

#include <stdio.h>

static struct incident_pending *pending_of(struct incidents *all, const struct sign *sign)
{
    for (size_t i = 0; i < all->pending_count; i++)
        if (strcmp(all->pending[i].kind, sign->kind) == 0 &&
            strcmp(all->pending[i].area, sign->area) == 0)
            return &all->pending[i];
    return NULL;
}

/* Whether the sign has stood for long enough to be believed. */
static bool settled(struct incidents *all, const struct sign *sign, nanos_t boot)
{
    struct incident_pending *pending = pending_of(all, sign);
    if (pending == NULL) {
        if (all->pending_count == sizeof all->pending / sizeof all->pending[0])
            return true; /* so many at once are believed */
        pending = &all->pending[all->pending_count++];
        *pending = (struct incident_pending){.since = boot};
        memcpy(pending->area, sign->area, sizeof pending->area);
        memcpy(pending->kind, sign->kind, sizeof pending->kind);
    }
    pending->seen = boot;
    return boot - pending->since >= INCIDENT_SETTLE;
}

static void forget_pending(struct incidents *all, nanos_t boot)
{
    for (size_t i = 0; i < all->pending_count;)
        if (all->pending[i].seen != boot)
            all->pending[i] = all->pending[--all->pending_count];
        else
            i++;
}

static struct incident *open_of(struct incidents *all, const char *area)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->incident[i].ended == 0 && strcmp(all->incident[i].area, area) == 0)
            return &all->incident[i];
    return NULL;
}

static void remove_at(struct incidents *all, size_t at)
{
    memmove(&all->incident[at], &all->incident[at + 1],
            (all->count - at - 1) * sizeof all->incident[0]);
    all->count--;
}

/* The oldest that is over; else the oldest. */
static void make_room(struct incidents *all)
{
    size_t at = 0;
    while (at < all->count && all->incident[at].ended == 0)
        at++;
    remove_at(all, at < all->count ? at : 0);
    all->dropped++;
}

static struct incident *begin(struct incidents *all, const char *area, nanos_t boot, int64_t wall)
{
    if (all->count == INCIDENTS_MAX)
        make_room(all);
    struct incident *incident = &all->incident[all->count++];
    *incident = (struct incident){.began = wall, .version = 1, .last_said = boot};
    snprintf(incident->area, sizeof incident->area, "%s", area);
    /* As a name that fits in a Message-ID and a URL: 20261122T031500Z-guards. */
    char when[CLOCK_TEXT_SIZE];
    struct writer id = writer_on(incident->id, sizeof incident->id - 1);
    for (const char *at = clock_text(wall, when); *at; at++)
        if (*at != '-' && *at != ':')
            write_bytes(&id, at, 1);
    WRITE_LITERAL(&id, "-");
    write_string(&id, area);
    return incident;
}

/* True when the kind is new to the incident. */
static bool join(struct incident *incident, const struct sign *sign, int64_t wall)
{
    uint32_t at = 0;
    while (at < incident->kind_count && strcmp(incident->kind[at].kind, sign->kind) != 0)
        at++;
    bool is_new = at == incident->kind_count;
    if (is_new && at == INCIDENT_KINDS)
        return false;
    struct incident_kind *kind = &incident->kind[at];
    if (is_new) {
        incident->kind_count++;
        *kind = (struct incident_kind){.since = wall};
        memcpy(kind->kind, sign->kind, sizeof kind->kind);
    }
    if (!kind->standing) /* the first of several of a kind speaks for it */
        memcpy(kind->text, sign->text, sizeof kind->text);
    kind->standing = true;
    return is_new;
}

static bool take_sign(struct incidents *all, const struct sign *sign, nanos_t boot, int64_t wall)
{
    struct incident *incident = open_of(all, sign->area);
    if (!settled(all, sign, boot) && incident == NULL)
        return false;
    bool changed = incident == NULL;
    if (incident == NULL)
        incident = begin(all, sign->area, boot, wall);
    incident->last_sign = boot;
    changed = join(incident, sign, wall) || changed;
    if (incident->version == 1 && incident->last_said == boot)
        incident->kinds_said =
            incident->kind_count; /* what stands at the opening is told with it */
    return changed;
}

static bool say_again(struct incident *incident, nanos_t boot)
{
    if (incident->ended || incident->kind_count == incident->kinds_said ||
        boot - incident->last_said < INCIDENT_AGAIN)
        return false;
    incident->version++;
    incident->kinds_said = incident->kind_count;
    incident->last_said = boot;
    return true;
}

static bool end_quiet(struct incident *incident, nanos_t boot, int64_t wall)
{
    if (incident->ended || boot - incident->last_sign < INCIDENT_QUIET)
        return false;
    incident->ended = wall > 0 ? wall : 1;
    incident->version++;
    return true;
}

bool incidents_look(struct incidents *all, const struct sign *sign, size_t count, nanos_t boot,
                    int64_t wall)
{
    bool changed = false;
    for (size_t i = 0; i < all->count; i++)
        for (uint32_t j = 0; j < all->incident[i].kind_count; j++)
            all->incident[i].kind[j].standing = false;
    for (size_t i = 0; i < count; i++)
        changed = take_sign(all, &sign[i], boot, wall) || changed;
    forget_pending(all, boot);
    for (size_t i = 0; i < all->count; i++) {
        changed = say_again(&all->incident[i], boot) || changed;
        changed = end_quiet(&all->incident[i], boot, wall) || changed;
    }
    return changed;
}

struct incident *incidents_next(struct incidents *all, unsigned channel)
{
    must(channel < INCIDENT_CHANNELS);
    for (size_t i = 0; i < all->count; i++)
        if (all->incident[i].told[channel] < all->incident[i].version)
            return &all->incident[i];
    return NULL;
}

void incidents_told(struct incidents *all, const char *id, uint32_t version, unsigned channel,
                    unsigned channels)
{
    must(channel < INCIDENT_CHANNELS);
    for (size_t i = 0; i < all->count; i++) {
        struct incident *incident = &all->incident[i];
        if (strcmp(incident->id, id) != 0)
            continue;
        if (incident->told[channel] < version)
            incident->told[channel] = version;
        bool everywhere = incident->ended != 0;
        for (unsigned c = 0; c < INCIDENT_CHANNELS; c++)
            if (channels & 1U << c && incident->told[c] < incident->version)
                everywhere = false;
        if (everywhere)
            remove_at(all, i);
        return;
    }
}

size_t incidents_open(const struct incidents *all)
{
    size_t open = 0;
    for (size_t i = 0; i < all->count; i++)
        open += all->incident[i].ended == 0;
    return open;
}

/* ---- To a file and back ---------------------------------------------------------------------- */

static json_t *kinds_json(const struct incident *incident)
{
    json_t *kinds = json_array();
    for (uint32_t i = 0; i < incident->kind_count; i++) {
        const struct incident_kind *kind = &incident->kind[i];
        json_array_append_new(kinds, json_pack("{s:s,s:s?,s:I,s:b}", "kind", kind->kind, "text",
                                               kind->text, "since", (json_int_t)kind->since,
                                               "standing", (int)kind->standing));
    }
    return kinds;
}

json_t *incidents_json(const struct incidents *all)
{
    json_t *list = json_array();
    for (size_t i = 0; i < all->count; i++) {
        const struct incident *incident = &all->incident[i];
        json_t *told = json_array();
        for (unsigned c = 0; c < INCIDENT_CHANNELS; c++)
            json_array_append_new(told, json_integer(incident->told[c]));
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:o,s:o}", "id", incident->id, "area",
                            incident->area, "began", (json_int_t)incident->began, "ended",
                            (json_int_t)incident->ended, "version", (json_int_t)incident->version,
                            "kinds_said", (json_int_t)incident->kinds_said, "told", told, "kinds",
                            kinds_json(incident)));
    }
    return json_pack("{s:o,s:I}", "incidents", list, "dropped", (json_int_t)all->dropped);
}

static bool take_text(const json_t *object, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (text == NULL || strlen(text) >= size)
        return false;
    memset(out, 0, size);
    strcpy(out, text);
    return true;
}

static bool take_count(const json_t *value, int64_t most, int64_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > most)
        return false;
    *out = json_integer_value(value);
    return true;
}

static bool take_kinds(const json_t *list, struct incident *incident)
{
    if (!json_is_array(list) || json_array_size(list) > INCIDENT_KINDS)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *object = json_array_get(list, i);
        struct incident_kind *kind = &incident->kind[i];
        if (!take_text(object, "kind", kind->kind, sizeof kind->kind) ||
            !take_text(object, "text", kind->text, sizeof kind->text) ||
            !take_count(json_object_get(object, "since"), INT64_MAX, &kind->since))
            return false;
        kind->standing = json_is_true(json_object_get(object, "standing"));
    }
    incident->kind_count = (uint32_t)json_array_size(list);
    return true;
}

static bool take_incident(const json_t *object, nanos_t boot, struct incident *out)
{
    int64_t version, said;
    *out = (struct incident){.last_sign = boot, .last_said = boot};
    if (!take_text(object, "id", out->id, sizeof out->id) ||
        !take_text(object, "area", out->area, sizeof out->area) ||
        !take_count(json_object_get(object, "began"), INT64_MAX, &out->began) ||
        !take_count(json_object_get(object, "ended"), INT64_MAX, &out->ended) ||
        !take_count(json_object_get(object, "version"), UINT32_MAX, &version) ||
        !take_kinds(json_object_get(object, "kinds"), out) ||
        !take_count(json_object_get(object, "kinds_said"), out->kind_count, &said))
        return false;
    out->version = (uint32_t)version;
    out->kinds_said = (uint32_t)said;
    const json_t *told = json_object_get(object, "told");
    for (unsigned c = 0; c < INCIDENT_CHANNELS; c++) {
        int64_t one;
        if (!take_count(json_array_get(told, c), version, &one))
            return false;
        out->told[c] = (uint32_t)one;
    }
    return true;
}

bool incidents_from_json(const json_t *object, nanos_t boot, struct incidents *out)
{
    const json_t *list = json_object_get(object, "incidents");
    struct incidents all = {.count = json_array_size(list)};
    int64_t dropped;
    if (!json_is_array(list) || all.count > INCIDENTS_MAX ||
        !take_count(json_object_get(object, "dropped"), INT64_MAX, &dropped))
        return false;
    all.dropped = (uint64_t)dropped;
    for (size_t i = 0; i < all.count; i++)
        if (!take_incident(json_array_get(list, i), boot, &all.incident[i]))
            return false;
    *out = all;
    return true;
}
