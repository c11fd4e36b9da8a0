/* La Poste's Suivi v2 form, so that its clients work unchanged. Three fields of ours stand at the
 * top level, which those clients pass over: asOf (when the newest event was fed), stale and
 * originDown. */
#include "tracking/answer_page.h"

enum {
    HOLDER_PARCELS =
        4, /* what Suivi v2 says of parcels (Colissimo); letters and express have other numbers */
    BASE_MAX = 300, /* a scheme and a host name (at most 253 bytes) with its port; what is longer is
                       neither */
};

int answer_return_code(enum answer_kind kind)
{
    static const int codes[ANSWER_KIND_COUNT] = {
        [ANSWER_FOUND] = 200,      [ANSWER_HOME] = 200,        [ANSWER_NOT_KNOWN_YET] = 104,
        [ANSWER_WRONG_FORM] = 400, [ANSWER_WRONG_CHECK] = 400, [ANSWER_SEVERAL] = 400,
        [ANSWER_NOTICE] = 503,     [ANSWER_HELD] = 429,
    };
    return codes[kind];
}

/* {"lang":"fr_FR","scope":"open","returnCode":200,"returnMessage":"...","idShip":" */
static void write_open(struct writer *w, enum answer_kind kind, enum language language)
{
    WRITE_LITERAL(w, "{\"lang\":\"");
    write_text(w, answer_text(ANSWER_TEXT_LOCALE, language));
    WRITE_LITERAL(w, "\",\"scope\":\"open\",\"returnCode\":");
    write_unsigned(w, (uint64_t)answer_return_code(kind));
    WRITE_LITERAL(w, ",\"returnMessage\":\"");
    write_json_escaped(w, answer_text(answer_title(kind), language));
    WRITE_LITERAL(w, "\",\"idShip\":\"");
}

void answer_page_json(struct writer *w, enum answer_kind kind, enum language language,
                      struct text number)
{
    write_open(w, kind, language);
    write_json_escaped(w, number);
    WRITE_LITERAL(w, "\"}\n");
}

static struct text text_since(const struct writer *w, size_t start)
{
    return (struct text){w->data + start, w->length - start};
}

static void prepare_stage(struct writer *w, enum language language, unsigned stage,
                          enum course course)
{
    bool returned = stage == STAGE_DONE && course == COURSE_RETURNED;
    enum answer_text label = ANSWER_TEXT_STAGE_1, long_label = ANSWER_TEXT_STAGE_1_LONG;
    label = returned ? ANSWER_TEXT_STAGE_RETURNED : (enum answer_text)(label + stage - 1);
    long_label =
        returned ? ANSWER_TEXT_STAGE_RETURNED_LONG : (enum answer_text)(long_label + stage - 1);
    WRITE_LITERAL(w, "{\"id\":");
    write_unsigned(w, stage);
    WRITE_LITERAL(w, ",\"shortLabel\":\"");
    write_json_escaped(w, answer_text(label, language));
    WRITE_LITERAL(w, "\",\"longLabel\":\"");
    write_json_escaped(w, answer_text(long_label, language));
    WRITE_LITERAL(w, "\"");
}

void answer_json_prepare(struct writer *w, enum language language, struct answer_fragments *f)
{
    size_t start = w->length;
    write_open(w, ANSWER_FOUND, language);
    f->json_open = text_since(w, start);
    for (unsigned i = 0; i < STEP_COUNT; i++) {
        start = w->length;
        WRITE_LITERAL(w, "\",\"label\":\"");
        write_json_escaped(w, step_label((enum step)i, language));
        WRITE_LITERAL(w, "\",\"date\":\"");
        f->json_label[i] = text_since(w, start);
    }
    for (unsigned stage = 1; stage <= STAGE_COUNT; stage++)
        for (unsigned course = 0; course < COURSE_COUNT; course++) {
            start = w->length;
            prepare_stage(w, language, stage, (enum course)course);
            f->stage_labels[stage][course] = text_since(w, start);
        }
}

/* La Poste's own codes pass; of others the code that its clients know for the same step is shown.
 * By the shape alone: two letters and a digit are La Poste's; UPU's have three letters. */
static struct text shown_code(const struct history_event *event)
{
    const char *code = event->code.data;
    if (event->code.length == 3 && code[0] >= 'A' && code[0] <= 'Z' && code[1] >= 'A' &&
        code[1] <= 'Z' && code[2] >= '0' && code[2] <= '9')
        return event->code;
    return text_of(step_laposte_code(event_step(event)));
}

static void write_event(struct writer *w, const struct answer_fragments *f,
                        const struct history_event *event, unsigned order)
{
    WRITE_LITERAL(w, "{\"order\":");
    write_unsigned(w, order);
    WRITE_LITERAL(w, ",\"code\":\"");
    write_text(w, shown_code(event));
    write_text(w, f->json_label[event_step(event)]);
    write_date_time(w, event->at, event->offset);
    WRITE_LITERAL(w, "\"}");
}

static void write_quoted_date(struct writer *w, struct text name, const struct history_event *event)
{
    write_text(w, name);
    write_date_time(w, event->at, event->offset);
    WRITE_LITERAL(w, "\"");
}

static const struct history_event *first_of_stage(const struct history *h, unsigned stage)
{
    for (uint32_t i = 0; i < h->count; i++)
        if ((unsigned)step_stage(event_step(&h->event[i])) == stage)
            return &h->event[i];
    return NULL;
}

/* Nothing when the feed did not say. */
static void write_country(struct writer *w, struct text name, struct text country)
{
    if (!country.length)
        return;
    write_text(w, name);
    write_json_escaped(w, country);
    WRITE_LITERAL(w, "\"");
}

static void write_timeline(struct writer *w, const struct answer_fragments *f,
                           const struct history *h)
{
    enum course course = history_course(h);
    unsigned current = history_stage(h);
    WRITE_LITERAL(w, ",\"timeline\":[");
    for (unsigned stage = 1; stage <= STAGE_COUNT; stage++) {
        const struct history_event *event = stage <= current ? first_of_stage(h, stage) : NULL;
        const struct history_event *told = stage == current ? history_newest(h) : event;
        if (stage > 1)
            WRITE_LITERAL(w, ",");
        write_text(w, f->stage_labels[stage][course]);
        if (event)
            write_quoted_date(w, TEXT(",\"date\":\""), event);
        if (event)
            write_country(w, TEXT(",\"country\":\""), event_country(event));
        if (stage <= current)
            WRITE_LITERAL(w, ",\"status\":true,\"type\":");
        else
            WRITE_LITERAL(w, ",\"status\":false,\"type\":");
        int sentiment = told ? step_sentiment(event_step(told)) : stage <= current;
        write_string(w, sentiment > 0 ? "1}" : sentiment < 0 ? "-1}" : "0}");
    }
    WRITE_LITERAL(w, "]");
}

static void write_context(struct writer *w, const struct history *h)
{
    struct text origin = {NULL, 0}, arrival = {NULL, 0};
    for (uint32_t i = 0; i < h->count && !origin.length; i++)
        origin = event_country(&h->event[i]);
    for (uint32_t i = h->count; i-- > 0 && !arrival.length;)
        arrival = event_country(&h->event[i]);
    WRITE_LITERAL(w, ",\"contextData\":{\"deliveryChoice\":{\"deliveryChoice\":0}");
    if (h->pickup.length) {
        WRITE_LITERAL(w, ",\"removalPoint\":{\"idPoint\":\"");
        write_json_escaped(w, text_clipped(h->pickup, EVENT_PICKUP_MAX));
        WRITE_LITERAL(w, "\",\"type\":\"\",\"name\":\"\"}");
    }
    write_country(w, TEXT(",\"originCountry\":\""), origin);
    write_country(w, TEXT(",\"arrivalCountry\":\""), arrival);
    WRITE_LITERAL(w, "}");
}

/* When we had it first, when it was delivered, when it should be. */
static void write_dates(struct writer *w, const struct history *h)
{
    for (uint32_t i = 0; i < h->count; i++)
        if (step_stage(event_step(&h->event[i])) >= STAGE_TAKEN) {
            write_quoted_date(w, TEXT(",\"entryDate\":\""), &h->event[i]);
            break;
        }
    const struct history_event *newest = history_newest(h);
    if (newest->step == STEP_DELIVERED)
        write_quoted_date(w, TEXT(",\"deliveryDate\":\""), newest);
    if (h->delivery_day) {
        WRITE_LITERAL(w, ",\"estimDate\":\"");
        write_date_time(w, (int64_t)h->delivery_day * 86400 - newest->offset * 60, newest->offset);
        WRITE_LITERAL(w, "\"");
    }
}

/* It comes from a Host header: any bytes. */
static bool is_base(struct text base)
{
    for (size_t i = 0; i < base.length; i++)
        if (base.data[i] <= ' ' || base.data[i] > '~')
            return false;
    return base.length <= BASE_MAX;
}

static void write_url(struct writer *w, const struct answer_request *request)
{
    if (is_base(request->base))
        write_json_escaped(w, request->base);
    WRITE_LITERAL(w, "/suivi/");
    write_json_escaped(
        w, (struct text){request->history->parcel.text, request->history->parcel.length});
    WRITE_LITERAL(w, "?lang=");
    write_text(w, answer_text(ANSWER_TEXT_TAG, request->language));
}

static void write_tail(struct writer *w, const struct answer_request *request, bool stale)
{
    const struct history *h = request->history;
    write_context(w, h);
    WRITE_LITERAL(w, ",\"url\":\"");
    write_url(w, request);
    WRITE_LITERAL(w, "\"},\"asOf\":\"");
    write_date_time(w, h->changed, history_newest(h)->offset);
    write_string(w, stale ? "\",\"stale\":true" : "\",\"stale\":false");
    write_string(w, request->origin_down ? ",\"originDown\":true}\n" : ",\"originDown\":false}\n");
}

void answer_json_parcel(struct writer *w, const struct answer_request *request, bool stale)
{
    const struct history *h = request->history;
    const struct answer_fragments *f = answer_fragments(request->contract, request->language);
    struct text number = {h->parcel.text, h->parcel.length};
    write_text(w, f->json_open);
    write_json_escaped(w, number);
    WRITE_LITERAL(w, "\",\"shipment\":{\"idShip\":\"");
    write_json_escaped(w, number);
    WRITE_LITERAL(w, "\",\"urlDetail\":\"");
    write_url(w, request);
    WRITE_LITERAL(w, "\",\"holder\":");
    write_unsigned(w, HOLDER_PARCELS);
    WRITE_LITERAL(w, ",\"product\":\"");
    write_json_escaped(w, text_clipped(h->product, EVENT_PRODUCT_MAX));
    write_string(w,
                 step_is_final(history_step(h)) ? "\",\"isFinal\":true" : "\",\"isFinal\":false");
    write_dates(w, h);
    write_timeline(w, f, h);
    WRITE_LITERAL(w, ",\"event\":[");
    for (uint32_t i = h->count; i-- > 0;) {
        write_event(w, f, &h->event[i], i + 1);
        if (i)
            WRITE_LITERAL(w, ",");
    }
    WRITE_LITERAL(w, "]");
    write_tail(w, request, stale);
}
