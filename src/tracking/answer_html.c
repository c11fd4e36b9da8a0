/* A parcel's page. */
#include "tracking/answer_page.h"

static struct text text_since(const struct writer *w, size_t start)
{
    return (struct text){w->data + start, w->length - start};
}

static void write_said(struct writer *w, enum answer_text text, enum language language)
{
    write_html_escaped(w, answer_text(text, language));
}

/* ---- Prepared once a language ------------------------------------------------------------- */

static void write_stage(struct writer *w, unsigned stage, unsigned current, enum course course,
                        enum language language)
{
    bool returned = stage == STAGE_DONE && course == COURSE_RETURNED;
    enum answer_text first = ANSWER_TEXT_STAGE_1;
    enum answer_text state = stage < current ? ANSWER_TEXT_STAGE_REACHED : ANSWER_TEXT_STAGE_AHEAD;
    if (stage == current)
        state = course == COURSE_PROBLEM ? ANSWER_TEXT_STAGE_PROBLEM : ANSWER_TEXT_STAGE_CURRENT;
    WRITE_LITERAL(w, "<li");
    if (stage == current)
        WRITE_LITERAL(w, " aria-current=\"step\"");
    if (stage > current)
        WRITE_LITERAL(w, " class=\"ahead\"");
    WRITE_LITERAL(w, ">");
    write_said(w, returned ? ANSWER_TEXT_STAGE_RETURNED : (enum answer_text)(first + stage - 1),
               language);
    WRITE_LITERAL(w, "<span class=\"hidden\"> (");
    write_said(w, state, language);
    WRITE_LITERAL(w, ")</span></li>\n");
}

static void write_stages(struct writer *w, unsigned current, enum course course,
                         enum language language)
{
    WRITE_LITERAL(w, "<ol class=\"stages");
    if (course == COURSE_PROBLEM)
        WRITE_LITERAL(w, " problem");
    else if (current == STAGE_DONE && course == COURSE_FINE)
        WRITE_LITERAL(w, " done");
    WRITE_LITERAL(w, "\" aria-label=\"");
    write_said(w, ANSWER_TEXT_PROGRESS, language);
    WRITE_LITERAL(w, "\">\n");
    for (unsigned stage = 1; stage <= STAGE_COUNT; stage++)
        write_stage(w, stage, current, course, language);
    WRITE_LITERAL(w, "</ol>\n");
}

static void write_notices(struct writer *w, bool origin_down, bool stale, enum language language)
{
    if (!origin_down && !stale)
        return;
    WRITE_LITERAL(w, "<div class=\"notice\" role=\"note\">\n");
    if (origin_down) {
        WRITE_LITERAL(w, "<p>");
        write_said(w, ANSWER_TEXT_ORIGIN_DOWN, language);
        WRITE_LITERAL(w, "</p>\n");
    }
    if (stale) {
        WRITE_LITERAL(w, "<p>");
        write_said(w, ANSWER_TEXT_STALE, language);
        WRITE_LITERAL(w, "</p>\n");
    }
    WRITE_LITERAL(w, "</div>\n");
}

static void prepare_step(struct writer *w, const struct contract *c, enum step step,
                         enum language language, struct answer_fragments *f)
{
    size_t start = w->length;
    WRITE_LITERAL(w, " – ");
    write_html_escaped(w, step_label(step, language));
    answer_page_head(w, c);
    f->title[step] = text_since(w, start);

    start = w->length;
    write_html_escaped(w, step_label(step, language));
    f->label[step] = text_since(w, start);

    start = w->length;
    WRITE_LITERAL(w, "</strong></p>\n<h1>");
    write_html_escaped(w, step_label(step, language));
    WRITE_LITERAL(w, "</h1>\n");
    if (step_next(step, language).length) {
        WRITE_LITERAL(w, "<p>");
        write_html_escaped(w, step_next(step, language));
        WRITE_LITERAL(w, "</p>\n");
    }
    f->step[step] = text_since(w, start);
}

static struct text prepare_fact(struct writer *w, const char *open, enum answer_text name,
                                enum language language)
{
    size_t start = w->length;
    write_string(w, open);
    write_said(w, name, language);
    WRITE_LITERAL(w, "</dt><dd>");
    return text_since(w, start);
}

static void prepare_close(struct writer *w, enum language language, struct answer_fragments *f)
{
    size_t start = w->length;
    WRITE_LITERAL(w, "<p class=\"soft\">");
    write_said(w, ANSWER_TEXT_OLDER_CUT, language);
    WRITE_LITERAL(w, "</p>\n");
    f->cut = text_since(w, start);

    start = w->length;
    WRITE_LITERAL(
        w, "</section>\n<section class=\"again\" aria-labelledby=\"again\">\n<h2 id=\"again\">");
    write_said(w, ANSWER_TEXT_FORM_AGAIN, language);
    WRITE_LITERAL(w, "</h2>\n");
    answer_page_form(w, language, (struct text){NULL, 0}, false);
    WRITE_LITERAL(w, "</section>\n</main>\n</body>\n</html>\n");
    f->close = text_since(w, start);
}

void answer_html_prepare(struct writer *w, const struct contract *c, enum language language,
                         struct answer_fragments *f)
{
    size_t start = w->length;
    answer_page_open(w, language);
    f->open = text_since(w, start);
    for (unsigned i = 0; i < STEP_COUNT; i++)
        prepare_step(w, c, (enum step)i, language, f);
    start = w->length;
    answer_page_style(w, true);
    WRITE_LITERAL(w, "<meta name=\"robots\" content=\"noindex\">\n");
    answer_page_top(w, c, language);
    f->body = text_since(w, start);
    for (unsigned i = 0; i < 4; i++) {
        start = w->length;
        write_notices(w, i / 2, i % 2, language);
        WRITE_LITERAL(w, "<section>\n<p class=\"number\">");
        write_said(w, ANSWER_TEXT_PARCEL, language);
        WRITE_LITERAL(w, " <strong>");
        f->notices[i / 2][i % 2] = text_since(w, start);
    }
    for (unsigned stage = 1; stage <= STAGE_COUNT; stage++)
        for (unsigned course = 0; course < COURSE_COUNT; course++) {
            start = w->length;
            write_stages(w, stage, (enum course)course, language);
            f->stages[stage][course] = text_since(w, start);
        }
    f->expected = prepare_fact(w, "<div class=\"day\"><dt>", ANSWER_TEXT_EXPECTED, language);
    f->pickup = prepare_fact(w, "<div><dt>", ANSWER_TEXT_PICKUP, language);
    f->product = prepare_fact(w, "<div><dt>", ANSWER_TEXT_PRODUCT, language);
    start = w->length;
    WRITE_LITERAL(w, "<p class=\"soft\">");
    write_said(w, ANSWER_TEXT_AS_OF, language);
    WRITE_LITERAL(w, "<time datetime=\"");
    f->as_of = text_since(w, start);
    start = w->length;
    write_said(w, ANSWER_TEXT_AS_OF_COMMA, language);
    f->as_of_comma = text_since(w, start);
    start = w->length;
    WRITE_LITERAL(
        w, "</time></p>\n</section>\n<section aria-labelledby=\"history\">\n<h2 id=\"history\">");
    write_said(w, ANSWER_TEXT_HISTORY, language);
    WRITE_LITERAL(w, "</h2>\n<ol class=\"history\" reversed>\n");
    f->history = text_since(w, start);
    prepare_close(w, language, f);
}

/* ---- Written for each request ------------------------------------------------------------- */

/* A day that has passed, or that waits for the reader and no longer for us, would only confuse. */
static bool expects_delivery(const struct history *h)
{
    const struct history_event *newest = history_newest(h);
    enum step step = event_step(newest);
    return h->delivery_day >= local_day(newest->at, newest->offset) && h->delivery_day > 0 &&
           !step_is_final(step) && step != STEP_PICKUP;
}

static void write_facts(struct writer *w, const struct answer_fragments *f, const struct history *h,
                        int year, enum language language)
{
    bool expected = expects_delivery(h);
    if (!expected && !h->pickup.length && !h->product.length)
        return;
    WRITE_LITERAL(w, "<dl>\n");
    if (expected) {
        write_text(w, f->expected);
        WRITE_LITERAL(w, "<time datetime=\"");
        write_date(w, h->delivery_day);
        WRITE_LITERAL(w, "\">");
        write_long_date(w, h->delivery_day, year_of(h->delivery_day) != year, language);
        WRITE_LITERAL(w, "</time></dd></div>\n");
    }
    if (h->pickup.length) {
        write_text(w, f->pickup);
        write_html_escaped(w, text_clipped(h->pickup, EVENT_PICKUP_MAX));
        WRITE_LITERAL(w, "</dd></div>\n");
    }
    if (h->product.length) {
        write_text(w, f->product);
        write_html_escaped(w, text_clipped(h->product, EVENT_PRODUCT_MAX));
        WRITE_LITERAL(w, "</dd></div>\n");
    }
    WRITE_LITERAL(w, "</dl>\n");
}

static void write_as_of(struct writer *w, const struct answer_fragments *f, const struct history *h,
                        enum language language)
{
    int16_t offset = history_newest(h)->offset;
    write_text(w, f->as_of);
    write_date_time(w, h->changed, offset);
    WRITE_LITERAL(w, "\">");
    write_clock(w, h->changed, offset);
    write_text(w, f->as_of_comma);
    write_short_date(w, local_day(h->changed, offset), language);
}

/* A bare GLN, with its extension or not (feed_epcis.c): a place to those who scan, to nobody
 * else. */
static bool is_gln(struct text place)
{
    enum { GLN_DIGITS = 13 };
    if (place.length < GLN_DIGITS || (place.length > GLN_DIGITS && place.data[GLN_DIGITS] != '.'))
        return false;
    for (size_t i = 0; i < GLN_DIGITS; i++)
        if (place.data[i] < '0' || place.data[i] > '9')
            return false;
    return true;
}

static void write_where(struct writer *w, const struct history_event *event, enum language language)
{
    struct text country = event_country(event);
    struct text place = is_gln(event->place) ? (struct text){"", 0} : event->place;
    if (!place.length && !country.length)
        return;
    WRITE_LITERAL(w, "<br>");
    write_html_escaped(w, text_clipped(place, EVENT_PLACE_MAX));
    if (!country.length)
        return;
    if (place.length)
        WRITE_LITERAL(w, ", ");
    struct text name = country_name(country, language);
    write_html_escaped(w, name.length ? name : country);
}

static void write_event(struct writer *w, const struct answer_fragments *f,
                        const struct history_event *event, int year, enum language language)
{
    int32_t day = local_day(event->at, event->offset);
    WRITE_LITERAL(w, "<li><strong>");
    write_text(w, f->label[event_step(event)]);
    WRITE_LITERAL(w, "</strong><time datetime=\"");
    write_date_time(w, event->at, event->offset);
    WRITE_LITERAL(w, "\">");
    write_long_date(w, day, year_of(day) != year, language);
    WRITE_LITERAL(w, ", ");
    write_clock(w, event->at, event->offset);
    WRITE_LITERAL(w, "</time>");
    write_where(w, event, language);
    WRITE_LITERAL(w, "</li>\n");
}

/* Newest first; those that would leave no room for the page's end are not begun. */
static void write_history(struct writer *w, const struct answer_fragments *f,
                          const struct history *h, int year, enum language language)
{
    static const struct text end = {"</ol>\n", 6};
    struct writer room = writer_on(w->data + w->length, w->size - w->length - end.length -
                                                            f->cut.length - f->close.length);
    bool cut = false;
    for (uint32_t i = h->count; i-- > 0 && !cut;) {
        size_t whole = room.length;
        write_event(&room, f, &h->event[i], year, language);
        if (room.overflow) {
            room.length = whole;
            cut = true;
        }
    }
    w->length += room.length;
    write_text(w, end);
    if (cut)
        write_text(w, f->cut);
}

void answer_html_parcel(struct writer *w, const struct answer_request *request, bool stale)
{
    const struct history *h = request->history;
    const struct answer_fragments *f = answer_fragments(request->contract, request->language);
    const struct history_event *newest = history_newest(h);
    enum step step = event_step(newest);
    int year = year_of(local_day(newest->at, newest->offset)); /* written where it is another */
    struct text number = {h->parcel.text, h->parcel.length};
    write_text(w, f->open);
    write_html_escaped(w, number);
    write_text(w, f->title[step]);
    write_text(w, f->body);
    write_text(w, f->notices[request->origin_down][stale]);
    write_html_escaped(w, number);
    write_text(w, f->step[step]);
    write_text(w, f->stages[history_stage(h)][history_course(h)]);
    write_facts(w, f, h, year, request->language);
    write_as_of(w, f, h, request->language);
    write_text(w, f->history);
    write_history(w, f, h, year, request->language);
    write_text(w, f->close);
}
