/* What pages have in common, and the pages that are not a parcel's. */
#include "tracking/answer_page.h"

#include "tracking/answer_style.h"

/* A parcel in the tab, so that no browser asks for /favicon.ico: half the requests of a small page.
 */
#define ICON                                                                                       \
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"          \
    "%3Cpath fill='%23005b70' d='M8 1l6 3v8l-6 3-6-3V4z'/%3E"                                      \
    "%3Cpath stroke='%23fff' fill='none' d='M2 4l6 3 6-3M8 7v8'/%3E%3C/svg%3E"

static void write_said(struct writer *w, enum answer_text text, enum language language)
{
    write_html_escaped(w, answer_text(text, language));
}

void answer_page_open(struct writer *w, enum language language)
{
    WRITE_LITERAL(w, "<!doctype html>\n<html lang=\"");
    write_text(w, answer_text(ANSWER_TEXT_TAG, language));
    WRITE_LITERAL(w, "\">\n<head>\n<meta charset=\"utf-8\">\n<title>");
}

void answer_page_head(struct writer *w, const struct contract *c)
{
    if (c->organisation[0]) {
        WRITE_LITERAL(w, " – ");
        write_html_escaped(w, text_of(c->organisation));
    }
    WRITE_LITERAL(w, "</title>\n");
}

void answer_page_style(struct writer *w, bool parcel)
{
    WRITE_LITERAL(w, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                     "<link rel=\"icon\" href=\"" ICON "\">\n"
                     "<style>" ANSWER_STYLE "</style>\n");
    if (parcel)
        WRITE_LITERAL(w, "<style>" ANSWER_PARCEL_STYLE "</style>\n");
}

static void write_language_link(struct writer *w, enum language language, bool current)
{
    struct text tag = answer_text(ANSWER_TEXT_TAG, language);
    WRITE_LITERAL(w, "<li><a href=\"?lang=");
    write_text(w, tag);
    WRITE_LITERAL(w, "\" hreflang=\"");
    write_text(w, tag);
    WRITE_LITERAL(w, "\" lang=\"");
    write_text(w, tag);
    WRITE_LITERAL(w, "\"");
    if (current)
        WRITE_LITERAL(w, " aria-current=\"true\"");
    WRITE_LITERAL(w, ">");
    write_said(w, ANSWER_TEXT_LANGUAGE_NAME, language);
    WRITE_LITERAL(w, "</a></li>");
}

void answer_page_top(struct writer *w, const struct contract *c, enum language language)
{
    WRITE_LITERAL(w, "</head>\n<body>\n<a class=\"skip\" href=\"#main\">");
    write_said(w, ANSWER_TEXT_SKIP, language);
    WRITE_LITERAL(w, "</a>\n<header>\n<a class=\"home\" href=\"/?lang=");
    write_text(w, answer_text(ANSWER_TEXT_TAG, language));
    WRITE_LITERAL(w, "\">");
    if (c->organisation[0])
        write_html_escaped(w, text_of(c->organisation));
    else
        write_said(w, ANSWER_TEXT_HOME_TITLE, language);
    WRITE_LITERAL(w, "</a>\n");
    if (c->languages & (c->languages - 1)) { /* more than one */
        WRITE_LITERAL(w, "<nav aria-label=\"");
        write_said(w, ANSWER_TEXT_LANGUAGES, language);
        WRITE_LITERAL(w, "\"><ul>");
        for (unsigned i = 0; i < LANGUAGE_COUNT; i++)
            if (c->languages & 1u << i)
                write_language_link(w, (enum language)i, i == language);
        WRITE_LITERAL(w, "</ul></nav>\n");
    }
    WRITE_LITERAL(w, "</header>\n<main id=\"main\" tabindex=\"-1\">\n");
}

void answer_page_form(struct writer *w, enum language language, struct text value, bool hint)
{
    WRITE_LITERAL(w, "<form action=\"/suivi\" role=\"search\">\n<label for=\"id\">");
    write_said(w, ANSWER_TEXT_FORM_LABEL, language);
    WRITE_LITERAL(w, "</label>\n<div><input id=\"id\" name=\"id\" required maxlength=\"64\" "
                     "autocomplete=\"off\" autocapitalize=\"characters\" spellcheck=\"false\" "
                     "enterkeyhint=\"search\"");
    if (hint)
        WRITE_LITERAL(w, " aria-describedby=\"hint\"");
    if (value.length) {
        WRITE_LITERAL(w, " value=\"");
        write_html_escaped(w, value);
        WRITE_LITERAL(w, "\"");
    }
    WRITE_LITERAL(w, "><input type=\"hidden\" name=\"lang\" value=\"");
    write_text(w, answer_text(ANSWER_TEXT_TAG, language));
    WRITE_LITERAL(w, "\"><button>");
    write_said(w, ANSWER_TEXT_FORM_BUTTON, language);
    WRITE_LITERAL(w, "</button></div>\n</form>\n");
}

static void write_form_of_number(struct writer *w, const struct parcel_format *format,
                                 enum language language)
{
    switch (format->kind) {
    case FORMAT_S10:
        write_said(w, ANSWER_TEXT_FORM_S10, language);
        WRITE_LITERAL(w, " (RA123456785FR)");
        return;
    case FORMAT_COLISSIMO:
        write_said(w, ANSWER_TEXT_FORM_COLISSIMO, language);
        WRITE_LITERAL(w, " (6P01007508742)");
        return;
    case FORMAT_SSCC:
        write_said(w, ANSWER_TEXT_FORM_SSCC, language);
        return;
    case FORMAT_DIGITS:
    case FORMAT_ALNUM:
        break;
    }
    write_unsigned(w, format->shortest);
    if (format->longest > format->shortest) {
        write_said(w, ANSWER_TEXT_FORM_TO, language);
        write_unsigned(w, format->longest);
    }
    write_said(w, format->kind == FORMAT_DIGITS ? ANSWER_TEXT_FORM_DIGITS : ANSWER_TEXT_FORM_ALNUM,
               language);
}

/* What numbers look like here: the input's description. */
static void write_hint(struct writer *w, const struct contract *c, enum language language)
{
    WRITE_LITERAL(w, "<div id=\"hint\">\n");
    if (c->tracking.format_count) {
        WRITE_LITERAL(w, "<p>");
        write_said(w, ANSWER_TEXT_FORMS_INTRO, language);
        WRITE_LITERAL(w, "</p>\n<ul>\n");
        for (uint32_t i = 0; i < c->tracking.format_count; i++) {
            WRITE_LITERAL(w, "<li>");
            write_form_of_number(w, &c->tracking.format[i], language);
            WRITE_LITERAL(w, "</li>\n");
        }
        WRITE_LITERAL(w, "</ul>\n");
    }
    WRITE_LITERAL(w, "<p>");
    write_said(w, ANSWER_TEXT_FORMS_SPACES, language);
    WRITE_LITERAL(w, "</p>\n</div>\n");
}

static void write_paragraph(struct writer *w, enum answer_text text, enum language language)
{
    WRITE_LITERAL(w, "<p>");
    write_said(w, text, language);
    WRITE_LITERAL(w, "</p>\n");
}

static void write_retry(struct writer *w, uint32_t seconds, enum language language)
{
    static const struct {
        uint32_t seconds;
        enum answer_text one, more;
    } units[] = {{3600, ANSWER_TEXT_HOUR, ANSWER_TEXT_HOURS},
                 {60, ANSWER_TEXT_MINUTE, ANSWER_TEXT_MINUTES},
                 {1, ANSWER_TEXT_SECOND, ANSWER_TEXT_SECONDS}};
    WRITE_LITERAL(w, "<p>");
    write_said(w, ANSWER_TEXT_RETRY, language);
    WRITE_LITERAL(w, " ");
    if (seconds == 0) {
        write_said(w, ANSWER_TEXT_RETRY_SOON, language);
    } else {
        /* Rounded up, and in the larger unit only from two of it: "90 seconds", "2 minutes", "3
         * hours". */
        unsigned unit = seconds >= 2 * 3600 ? 0 : seconds >= 2 * 60 || seconds == 60 ? 1 : 2;
        uint32_t count =
            (uint32_t)(((uint64_t)seconds + units[unit].seconds - 1) / units[unit].seconds);
        write_unsigned(w, count);
        WRITE_LITERAL(w, "\u00a0");
        write_said(w, count == 1 ? units[unit].one : units[unit].more, language);
    }
    WRITE_LITERAL(w, ".</p>\n");
}

static void write_typed(struct writer *w, enum answer_text label, struct text typed,
                        enum language language)
{
    if (!typed.length)
        return;
    WRITE_LITERAL(w, "<p class=\"soft\">");
    write_said(w, label, language);
    WRITE_LITERAL(w, " <strong>");
    write_html_escaped(w, typed);
    WRITE_LITERAL(w, "</strong></p>\n");
}

enum answer_text answer_title(enum answer_kind kind)
{
    static const enum answer_text titles[ANSWER_KIND_COUNT] = {
        [ANSWER_FOUND] = ANSWER_TEXT_API_FOUND,
        [ANSWER_NOT_KNOWN_YET] = ANSWER_TEXT_UNKNOWN_TITLE,
        [ANSWER_WRONG_FORM] = ANSWER_TEXT_WRONG_FORM_TITLE,
        [ANSWER_WRONG_CHECK] = ANSWER_TEXT_WRONG_CHECK_TITLE,
        [ANSWER_HOME] = ANSWER_TEXT_HOME_TITLE,
        [ANSWER_SEVERAL] = ANSWER_TEXT_SEVERAL_TITLE,
        [ANSWER_NOTICE] = ANSWER_TEXT_NOTICE_TITLE,
        [ANSWER_HELD] = ANSWER_TEXT_HELD_TITLE,
    };
    return titles[kind];
}

/* The sentences between the heading and the form. */
static void write_sentences(struct writer *w, enum answer_kind kind, struct answer_slots slots,
                            enum language language)
{
    switch (kind) {
    case ANSWER_NOT_KNOWN_YET:
        write_typed(w, ANSWER_TEXT_FORM_LABEL, slots.typed, language);
        write_paragraph(w, ANSWER_TEXT_UNKNOWN_TEXT, language);
        write_paragraph(w, ANSWER_TEXT_UNKNOWN_ADVICE, language);
        break;
    case ANSWER_WRONG_FORM:
        write_typed(w, ANSWER_TEXT_TYPED, slots.typed, language);
        write_paragraph(w, ANSWER_TEXT_WRONG_FORM_TEXT, language);
        break;
    case ANSWER_WRONG_CHECK:
        write_typed(w, ANSWER_TEXT_TYPED, slots.typed, language);
        write_paragraph(w, ANSWER_TEXT_WRONG_CHECK_TEXT, language);
        break;
    case ANSWER_SEVERAL: /* the heading says it all */
        break;
    case ANSWER_HOME:
        write_paragraph(w, ANSWER_TEXT_HOME_TEXT, language);
        break;
    case ANSWER_NOTICE:
        write_paragraph(w, ANSWER_TEXT_NOTICE_TEXT, language);
        write_retry(w, slots.retry_after, language);
        break;
    case ANSWER_HELD:
        write_paragraph(w, ANSWER_TEXT_HELD_TEXT, language);
        write_retry(w, slots.retry_after, language);
        break;
    case ANSWER_FOUND:
        break;
    }
}

void answer_page_html(struct writer *w, const struct contract *c, enum answer_kind kind,
                      enum language language, struct answer_slots slots)
{
    bool hint = kind == ANSWER_HOME || kind == ANSWER_WRONG_FORM;
    bool again = kind == ANSWER_WRONG_FORM || kind == ANSWER_WRONG_CHECK;
    answer_page_open(w, language);
    write_said(w, answer_title(kind), language);
    answer_page_head(w, c);
    answer_page_style(w, false);
    if (kind != ANSWER_HOME)
        WRITE_LITERAL(w, "<meta name=\"robots\" content=\"noindex\">\n");
    answer_page_top(w, c, language);
    WRITE_LITERAL(w, "<section>\n<h1>");
    write_said(w, answer_title(kind), language);
    WRITE_LITERAL(w, "</h1>\n");
    write_sentences(w, kind, slots, language);
    if (kind != ANSWER_HELD)
        answer_page_form(w, language, again ? slots.typed : (struct text){NULL, 0}, hint);
    if (hint)
        write_hint(w, c, language);
    WRITE_LITERAL(w, "</section>\n</main>\n</body>\n</html>\n");
}
