#include "tracking/answer.h"

#include "tracking/answer_page.h"
#include "tracking/answer_style.h"

/* ---- What is prepared --------------------------------------------------------------------- */

enum {
    ARENA_SIZE = 512 * 1024
}; /* of one generation; answer_prepare() must find room, and test_answer checks the largest
      contract */

struct generation {
    struct answer_fragments fragments[LANGUAGE_COUNT];
    char home_etag[LANGUAGE_COUNT][ANSWER_ETAG_SIZE];
    uint64_t version;
    char arena[ARENA_SIZE];
};

/* Two, so that what was handed out stays readable while the other is prepared. */
static struct generation generations[2];
static struct generation *current;

/* Our own layout of an ETag: 64 bits of checksum in hexadecimal, quoted: strong (RFC 9110
 * section 8.8.3). */
static void write_etag(char etag[ANSWER_ETAG_SIZE], uint64_t value)
{
    static const char hex[] = "0123456789abcdef";
    char *at = etag;
    *at++ = '"';
    for (int shift = 60; shift >= 0; shift -= 4)
        *at++ = hex[value >> shift & 15];
    *at++ = '"';
    *at = '\0';
}

static void prepare_language(struct writer *w, const struct contract *c, enum language language,
                             struct generation *g)
{
    struct answer_fragments *f = &g->fragments[language];
    for (unsigned kind = 0; kind < ANSWER_KIND_COUNT; kind++) {
        if (kind == ANSWER_FOUND)
            continue;
        size_t start = w->length;
        answer_page_html(w, c, (enum answer_kind)kind, language, (struct answer_slots){0});
        f->page[kind][ANSWER_HTML] = (struct text){w->data + start, w->length - start};
        start = w->length;
        answer_page_json(w, (enum answer_kind)kind, language, (struct text){NULL, 0});
        f->page[kind][ANSWER_JSON] = (struct text){w->data + start, w->length - start};
    }
    struct text home = f->page[ANSWER_HOME][ANSWER_HTML];
    write_etag(g->home_etag[language], hash_checksum(0, home.data, home.length));
    answer_html_prepare(w, c, language, f);
    answer_json_prepare(w, language, f);
}

void answer_prepare(const struct contract *c)
{
    struct generation *next = current == &generations[0] ? &generations[1] : &generations[0];
    struct writer w = writer_on(next->arena, sizeof next->arena);
    for (unsigned language = 0; language < LANGUAGE_COUNT; language++)
        prepare_language(&w, c, (enum language)language, next);
    must(!w.overflow);
    next->version = hash_checksum(0, w.data, w.length);
    current = next;
}

const struct answer_fragments *answer_fragments(const struct contract *c, enum language language)
{
    if (!current)
        answer_prepare(c);
    return &current->fragments[language];
}

/* ---- What a history says ------------------------------------------------------------------ */

const struct history_event *history_newest(const struct history *h)
{
    return &h->event[h->count - 1];
}

enum step event_step(const struct history_event *event)
{
    return event->step < STEP_COUNT ? (enum step)event->step : STEP_UNKNOWN;
}

struct text event_country(const struct history_event *event)
{
    return (struct text){event->country, event->country[0] && event->country[1] ? 2 : 0};
}

enum step history_step(const struct history *h)
{
    return event_step(history_newest(h));
}

enum step_stage history_stage(const struct history *h)
{
    return step_stage(history_step(h));
}

enum course history_course(const struct history *h)
{
    enum step step = history_step(h);
    if (step == STEP_RETURNED)
        return COURSE_RETURNED;
    return step_sentiment(step) < 0 ? COURSE_PROBLEM : COURSE_FINE;
}

bool answer_is_stale(const struct answer_request *request)
{
    int64_t after = request->contract->tracking.stale_after / NANOS_SECOND;
    return after > 0 && request->now - request->history->changed > after &&
           !step_is_final(history_step(request->history));
}

/* ---- The response ------------------------------------------------------------------------- */

#define POLICY                                                                                     \
    "default-src 'none'; style-src " ANSWER_STYLE_HASH " " ANSWER_PARCEL_STYLE_HASH                \
    "; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/* Why these caches: docs/decisions/caching-answers.md. */
static const struct {
    unsigned status[ANSWER_FORM_COUNT]; /* HTML, JSON */
    struct text cache_control;
} kinds[ANSWER_KIND_COUNT] = {
#define CACHE(literal)                                                                             \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }
    [ANSWER_FOUND] = {{200, 200}, CACHE("private, no-cache")},
    [ANSWER_NOT_KNOWN_YET] = {{404, 404}, CACHE("no-store")},
    [ANSWER_WRONG_FORM] = {{404, 400}, CACHE("no-store")},
    [ANSWER_WRONG_CHECK] = {{404, 400}, CACHE("no-store")},
    [ANSWER_HOME] = {{200, 200}, CACHE("public, max-age=300")},
    [ANSWER_SEVERAL] = {{404, 400}, CACHE("no-store")},
    [ANSWER_NOTICE] = {{503, 503}, CACHE("no-store")},
    [ANSWER_HELD] = {{429, 429}, CACHE("no-store")},
};

static void describe_kind(enum answer_kind kind, enum answer_form form, enum language language,
                          struct answer *out)
{
    *out = (struct answer){
        .status = kinds[kind].status[form],
        .content_type = form == ANSWER_HTML ? TEXT("text/html; charset=utf-8")
                                            : TEXT("application/json; charset=utf-8"),
        .content_language = answer_text(ANSWER_TEXT_TAG, language),
        .cache_control = kinds[kind].cache_control,
        .policy = form == ANSWER_HTML ? TEXT(POLICY) : (struct text){NULL, 0},
        .robots = kind == ANSWER_HOME ? (struct text){NULL, 0} : TEXT("noindex"),
    };
    if (kind == ANSWER_HOME && form == ANSWER_HTML)
        memcpy(out->etag, current->home_etag[language], ANSWER_ETAG_SIZE);
}

/* Of everything that the body depends on, and of nothing else. */
static void describe_parcel(const struct answer_request *request, bool stale, struct answer *out)
{
    uint64_t parts[3] = {request->history->checksum, current->version,
                         (uint64_t)request->language << 8 | (uint64_t)request->form << 2 |
                             (uint64_t)request->origin_down << 1 | stale};
    uint64_t base = request->form == ANSWER_JSON && request->base.length
                        ? hash_checksum(0, request->base.data, request->base.length)
                        : 0;
    write_etag(out->etag, hash_checksum(base, parts, sizeof parts));
    /* A client that compares dates only must see a notice come and go as well. */
    int64_t after = request->contract->tracking.stale_after / NANOS_SECOND;
    out->last_modified = request->origin_down ? 0 : request->history->changed + (stale ? after : 0);
}

void answer_describe(const struct answer_request *request, struct answer *out)
{
    answer_fragments(request->contract, request->language);
    describe_kind(request->kind, request->form, request->language, out);
    if (request->kind == ANSWER_FOUND)
        describe_parcel(request, answer_is_stale(request), out);
    else if (request->kind == ANSWER_NOTICE || request->kind == ANSWER_HELD)
        out->retry_after = request->retry_after;
}

static void render_page(struct writer *w, const struct answer_request *request)
{
    char typed[ANSWER_TYPED_SIZE];
    struct answer_slots slots = {.retry_after = request->retry_after};
    if (request->kind == ANSWER_NOT_KNOWN_YET && request->parcel)
        slots.typed = (struct text){request->parcel->text, request->parcel->length};
    else if (request->kind == ANSWER_WRONG_FORM || request->kind == ANSWER_WRONG_CHECK)
        slots.typed = answer_typed(request->typed, typed);
    if (request->form == ANSWER_JSON)
        answer_page_json(w, request->kind, request->language, slots.typed);
    else
        answer_page_html(w, request->contract, request->kind, request->language, slots);
}

void answer_render(const struct answer_request *request, char *buffer, size_t size,
                   struct answer *out)
{
    must(size >= ANSWER_SIZE);
    struct writer w = writer_on(buffer, size);
    answer_describe(request, out);
    if (request->kind != ANSWER_FOUND)
        render_page(&w, request);
    else if (request->form == ANSWER_JSON)
        answer_json_parcel(&w, request, answer_is_stale(request));
    else
        answer_html_parcel(&w, request, answer_is_stale(request));
    must(!w.overflow);
    out->length = w.length;
}

struct text answer_static(enum answer_kind kind, enum answer_form form, enum language language,
                          struct answer *out)
{
    if (kind == ANSWER_FOUND || !current)
        return (struct text){NULL, 0};
    struct text body = current->fragments[language].page[kind][form];
    describe_kind(kind, form, language, out);
    out->length = body.length;
    return body;
}
