#include "desk/page.h"

#include "desk/assets.h"
#include "desk/timeline.h"

#include <stdio.h>

static void write_language_link(struct page *p)
{
    int other = p->x->language == SAY_FR ? SAY_EN : SAY_FR;
    struct writer *w = &p->w;
    WRITE_LITERAL(w, "<a href=\"");
    html_text(w, p->x->path);
    WRITE_LITERAL(w, "?lang=");
    write_string(w, language_tag(other));
    WRITE_LITERAL(w, "\" lang=\"");
    write_string(w, language_tag(other));
    WRITE_LITERAL(w, "\" hreflang=\"");
    write_string(w, language_tag(other));
    WRITE_LITERAL(w, "\">");
    write_string(w, other == SAY_FR ? "Français" : "English");
    WRITE_LITERAL(w, "</a>");
}

static void write_head(struct page *p, enum word title)
{
    struct writer *w = &p->w;
    int language = p->x->language;
    WRITE_LITERAL(w, "<!doctype html><html lang=\"");
    write_string(w, language_tag(language));
    WRITE_LITERAL(w, "\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                     "content=\"width=device-width\"><title>");
    html_word(w, language, title);
    WRITE_LITERAL(w, " · Ecluse</title><link rel=\"stylesheet\" href=\"/desk.css\" "
                     "integrity=\"" DESK_CSS_INTEGRITY
                     "\"><script src=\"/desk.js\" integrity=\"" DESK_JS_INTEGRITY
                     "\" defer></script><link rel=\"icon\" href=\"/icon.svg\" "
                     "type=\"image/svg+xml\"></head><body>"
                     "<a class=\"skip\" href=\"#main\">");
    html_word(w, language, WORD_SKIP);
    WRITE_LITERAL(w, "</a>");
}

static void write_sign_out(struct page *p)
{
    struct writer *w = &p->w;
    WRITE_LITERAL(w, "<span class=\"who\">");
    html_text(w, p->x->session->name);
    WRITE_LITERAL(w, "</span><form method=\"post\" action=\"/sign-out\">");
    page_csrf(p);
    WRITE_LITERAL(w, "<button class=\"link\">");
    html_word(w, p->x->language, WORD_SIGN_OUT);
    WRITE_LITERAL(w, "</button></form>");
}

struct page page_begin(struct exchange *x, enum word title)
{
    struct page p = {writer_on(x->desk->page, sizeof x->desk->page), x};
    struct writer *w = &p.w;
    write_head(&p, title);
    WRITE_LITERAL(w, "<header><p class=\"home\"><a href=\"/\">Ecluse</a> <span class=\"soft\">");
    html_text(w, snapshot_contract(x->desk->snapshot)->organisation);
    WRITE_LITERAL(w, "</span></p><div class=\"tools\">");
    write_language_link(&p);
    if (x->session)
        write_sign_out(&p);
    WRITE_LITERAL(w, "</div></header><main id=\"main\"><h1>");
    html_word(w, x->language, title);
    WRITE_LITERAL(w, "</h1>");
    return p;
}

enum MHD_Result page_end(struct page *p, unsigned status)
{
    WRITE_LITERAL(&p->w, "</main></body></html>\n");
    if (p->w.overflow)
        return reply(p->x, MHD_HTTP_INTERNAL_SERVER_ERROR, "text/plain; charset=utf-8",
                     TEXT("the page is too long\n"));
    return reply(p->x, status, "text/html; charset=utf-8", (struct text){p->w.data, p->w.length});
}

void page_csrf(struct page *p)
{
    WRITE_LITERAL(&p->w, "<input type=\"hidden\" name=\"csrf\" value=\"");
    html_text(&p->w, p->x->session ? p->x->session->csrf : "");
    WRITE_LITERAL(&p->w, "\">");
}

void page_notice(struct page *p, const char *kind, const char *text)
{
    WRITE_LITERAL(&p->w, "<p class=\"notice ");
    write_string(&p->w, kind);
    WRITE_LITERAL(&p->w, "\" role=\"status\">");
    html_text(&p->w, text);
    WRITE_LITERAL(&p->w, "</p>");
}

static void write_field(struct page *p, enum word label, const char *attributes)
{
    WRITE_LITERAL(&p->w, "<label>");
    html_word(&p->w, p->x->language, label);
    WRITE_LITERAL(&p->w, "<input ");
    write_string(&p->w, attributes);
    WRITE_LITERAL(&p->w, "></label>");
}

static void write_button(struct page *p, const char *kind, enum word which)
{
    WRITE_LITERAL(&p->w, "<button class=\"button ");
    write_string(&p->w, kind);
    WRITE_LITERAL(&p->w, "\">");
    html_word(&p->w, p->x->language, which);
    WRITE_LITERAL(&p->w, "</button>");
}

static void write_paragraph(struct page *p, const char *kind, enum word which)
{
    WRITE_LITERAL(&p->w, "<p class=\"");
    write_string(&p->w, kind);
    WRITE_LITERAL(&p->w, "\">");
    html_word(&p->w, p->x->language, which);
    WRITE_LITERAL(&p->w, "</p>");
}

static void write_link(struct page *p, const char *kind, const char *to, enum word which)
{
    WRITE_LITERAL(&p->w, "<p><a class=\"");
    write_string(&p->w, kind);
    WRITE_LITERAL(&p->w, "\" href=\"");
    write_string(&p->w, to);
    WRITE_LITERAL(&p->w, "\">");
    html_word(&p->w, p->x->language, which);
    WRITE_LITERAL(&p->w, "</a></p>");
}

/* ---- Signing in ------------------------------------------------------------------------------ */

enum MHD_Result page_sign_in(struct exchange *x, unsigned status, const char *failed)
{
    struct page p = page_begin(x, WORD_SIGN_IN);
    struct text said = exchange_query(x, "said");
    if (failed)
        page_notice(&p, "bad", failed);
    else if (text_is(said, "out"))
        page_notice(&p, "good", word(x->language, WORD_SIGNED_OUT));
    else if (text_is(said, "password"))
        page_notice(&p, "good", word(x->language, WORD_DONE_PASSWORD));
    WRITE_LITERAL(&p.w, "<form class=\"card narrow\" method=\"post\" action=\"/sign-in\">");
    write_field(&p, WORD_NAME,
                "name=\"name\" required maxlength=\"40\" autocomplete=\"username\" "
                "autocapitalize=\"none\" spellcheck=\"false\"");
    write_field(&p, WORD_PASSWORD,
                "type=\"password\" name=\"password\" required maxlength=\"1024\" "
                "autocomplete=\"current-password\"");
    write_field(&p, WORD_CODE,
                "name=\"code\" required maxlength=\"7\" inputmode=\"numeric\" "
                "autocomplete=\"one-time-code\" aria-describedby=\"code-hint\"");
    WRITE_LITERAL(&p.w, "<p class=\"soft\" id=\"code-hint\">");
    html_word(&p.w, x->language, WORD_CODE_HINT);
    WRITE_LITERAL(&p.w, "</p>");
    write_button(&p, "main", WORD_SIGN_IN);
    WRITE_LITERAL(&p.w, "</form>");
    write_paragraph(&p, "soft narrow", WORD_LOCKED_OUT);
    return page_end(&p, status);
}

enum MHD_Result page_password(struct exchange *x, unsigned status, const char *failed)
{
    struct page p = page_begin(x, WORD_PASSWORD_TITLE);
    if (failed)
        page_notice(&p, "bad", failed);
    if (x->session->must_change)
        write_paragraph(&p, "", WORD_PASSWORD_MUST);
    WRITE_LITERAL(&p.w, "<form class=\"card narrow\" method=\"post\" action=\"/password\">");
    page_csrf(&p);
    write_field(&p, WORD_PASSWORD_OLD,
                "type=\"password\" name=\"password\" required maxlength=\"1024\" "
                "autocomplete=\"current-password\"");
    write_field(&p, WORD_PASSWORD_NEW,
                "type=\"password\" name=\"new\" required minlength=\"12\" maxlength=\"1024\" "
                "autocomplete=\"new-password\"");
    write_button(&p, "main", WORD_PASSWORD_CHANGE);
    WRITE_LITERAL(&p.w, "</form>");
    return page_end(&p, status);
}

/* ---- Undoing --------------------------------------------------------------------------------- */

static void write_reason_form(struct page *p, const char *to, enum word button, const char *kind)
{
    WRITE_LITERAL(&p->w, "<form method=\"post\" action=\"");
    html_text(&p->w, to);
    WRITE_LITERAL(&p->w, "\">");
    page_csrf(p);
    write_field(p, WORD_REASON, "name=\"reason\" required maxlength=\"150\" autocomplete=\"off\"");
    WRITE_LITERAL(&p->w, "<p class=\"pair\">");
    write_button(p, kind, button);
    WRITE_LITERAL(&p->w, "<a class=\"button quiet\" href=\"/\">");
    html_word(&p->w, p->x->language, WORD_CANCEL);
    WRITE_LITERAL(&p->w, "</a></p></form>");
}

enum MHD_Result page_hold(struct exchange *x, unsigned status, const struct hold *hold,
                          const char *failed)
{
    char name[HOLD_NAME_SIZE], to[HOLD_NAME_SIZE + 16];
    struct page p = page_begin(x, WORD_UNDO_NAME);
    snprintf(to, sizeof to, "/holds/%s", hold_name((enum guard)hold->guard, hold->id, name));
    if (failed)
        page_notice(&p, "bad", failed);
    WRITE_LITERAL(&p.w, "<section class=\"card narrow\">");
    hold_facts(&p.w, x->desk->snapshot, hold, x->language);
    if (!hold->observed && x->session->role >= ROLE_RELEASE) {
        write_paragraph(&p, "soft", WORD_UNDO_TEXT);
        write_reason_form(&p, to, WORD_UNDO_NAME, "main");
    } else {
        write_link(&p, "button quiet", "/", WORD_BACK);
    }
    WRITE_LITERAL(&p.w, "</section>");
    return page_end(&p, status);
}

enum MHD_Result page_panic(struct exchange *x, unsigned status, const char *failed)
{
    bool on = x->desk->snapshot->status.panic;
    struct page p = page_begin(x, on ? WORD_PANIC_OFF_TITLE : WORD_PANIC_TITLE);
    if (failed)
        page_notice(&p, "bad", failed);
    WRITE_LITERAL(&p.w, "<section class=\"card narrow\">");
    write_paragraph(&p, "", on ? WORD_PANIC_OFF_TEXT : WORD_PANIC_TEXT);
    if (x->session->role >= ROLE_RELEASE)
        write_reason_form(&p, on ? "/panic?off" : "/panic",
                          on ? WORD_PANIC_OFF_TITLE : WORD_PANIC_BEGIN, on ? "main" : "danger");
    else
        write_link(&p, "button quiet", "/", WORD_BACK);
    WRITE_LITERAL(&p.w, "</section>");
    return page_end(&p, status);
}

enum MHD_Result page_problem(struct exchange *x, unsigned status, const char *text)
{
    struct page p = page_begin(x, WORD_PROBLEM);
    page_notice(&p, "bad", text);
    write_link(&p, "", "/", WORD_BACK);
    return page_end(&p, status);
}

/* ---- The log --------------------------------------------------------------------------------- */

enum MHD_Result page_timeline(struct exchange *x, uint64_t before)
{
    char to[48];
    uint64_t next;
    struct page p = page_begin(x, WORD_TIMELINE);
    WRITE_LITERAL(&p.w, "<section class=\"card\">");
    timeline_html(x->desk, &p.w, x->language, before, TIMELINE_PAGE, &next);
    write_paragraph(&p, "soft", WORD_UTC);
    WRITE_LITERAL(&p.w, "<nav class=\"pair\">");
    if (next) {
        snprintf(to, sizeof to, "/timeline?before=%llu", (unsigned long long)next);
        write_link(&p, "button quiet", to, WORD_OLDER);
    }
    if (before)
        write_link(&p, "button quiet", "/timeline", WORD_NEWEST);
    write_link(&p, "button quiet", "/", WORD_BACK);
    WRITE_LITERAL(&p.w, "</nav></section>");
    return page_end(&p, MHD_HTTP_OK);
}

enum MHD_Result page_entry(struct exchange *x, uint64_t index)
{
    struct page p = page_begin(x, WORD_ENTRY);
    WRITE_LITERAL(&p.w, "<section class=\"card\">");
    if (!timeline_entry_html(x->desk, &p.w, x->language, index))
        return page_problem(x, MHD_HTTP_NOT_FOUND, word(x->language, WORD_NO_ENTRIES));
    write_link(&p, "button quiet", "/timeline", WORD_TIMELINE);
    WRITE_LITERAL(&p.w, "</section>");
    return page_end(&p, MHD_HTTP_OK);
}

/* ---- The page -------------------------------------------------------------------------------- */

static void write_part(struct page *p, const char *element, const char *id, const char *attributes)
{
    const struct part *part = parts_find(p->x->desk->parts, (enum channel)p->x->language, id);
    struct writer *w = &p->w;
    WRITE_LITERAL(w, "<");
    write_string(w, element);
    WRITE_LITERAL(w, " id=\"");
    write_string(w, id);
    WRITE_LITERAL(w, "\"");
    write_string(w, attributes);
    WRITE_LITERAL(w, ">");
    if (part)
        write_bytes(w, part->text, part->length);
    WRITE_LITERAL(w, "</");
    write_string(w, element);
    WRITE_LITERAL(w, ">");
}

static void write_section(struct page *p, const char *kind, const char *id, enum word title)
{
    struct writer *w = &p->w;
    WRITE_LITERAL(w, "<section class=\"");
    write_string(w, kind);
    WRITE_LITERAL(w, "\" aria-labelledby=\"");
    write_string(w, id);
    WRITE_LITERAL(w, "-title\"><h2 id=\"");
    write_string(w, id);
    WRITE_LITERAL(w, "-title\">");
    html_word(w, p->x->language, title);
    WRITE_LITERAL(w, "</h2>");
}

static void write_said(struct page *p)
{
    static const struct {
        const char *key;
        enum word word;
    } said[] = {{"release", WORD_DONE_RELEASE},
                {"asked", WORD_DONE_ASKED},
                {"panic", WORD_DONE_PANIC},
                {"panic-off", WORD_DONE_PANIC_OFF}};
    struct text key = exchange_query(p->x, "said");
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (text_is(key, said[i].key))
            page_notice(p, "good", word(p->x->language, said[i].word));
}

static void write_cards(struct page *p, const char *form, uint32_t count)
{
    char id[24];
    WRITE_LITERAL(&p->w, "<div class=\"cards\">");
    for (uint32_t i = 0; i < count; i++) {
        snprintf(id, sizeof id, "%s-%u", form, i);
        write_part(p, "article", id, " class=\"card\"");
    }
    WRITE_LITERAL(&p->w, "</div>");
}

enum MHD_Result page_main(struct exchange *x)
{
    const struct contract *c = snapshot_contract(x->desk->snapshot);
    char live[160];
    struct page p = page_begin(x, WORD_DESK);
    struct writer *w = &p.w;
    write_said(&p);
    snprintf(live, sizeof live, " class=\"state\" data-live=\"/events?lang=%s&amp;seen=%llu\"",
             language_tag(x->language), (unsigned long long)x->desk->parts->version);
    write_part(&p, "div", "state", live);
    WRITE_LITERAL(w, "<p class=\"notice bad\" id=\"stale\" hidden>");
    html_word(w, x->language, WORD_NOT_LIVE);
    WRITE_LITERAL(w, " <a href=\"/\">");
    html_word(w, x->language, WORD_RELOAD);
    WRITE_LITERAL(w, "</a></p><noscript><p class=\"notice\">");
    html_word(w, x->language, WORD_NOT_LIVE);
    WRITE_LITERAL(w, " <a href=\"/\">");
    html_word(w, x->language, WORD_RELOAD);
    WRITE_LITERAL(w, "</a></p></noscript>");
    write_section(&p, "", "alarms", WORD_ALARMS_TITLE);
    write_part(&p, "div", "alarms", " aria-live=\"polite\"");
    WRITE_LITERAL(w, "</section>");
    write_section(&p, "", "holds", WORD_HOLDS);
    write_part(&p, "div", "holds", " class=\"card\"");
    WRITE_LITERAL(w, "</section>");
    write_section(&p, "", "promises", WORD_PROMISES);
    if (c->promise_count == 0)
        write_paragraph(&p, "soft", WORD_NO_PROMISE);
    write_cards(&p, "promise", c->promise_count);
    WRITE_LITERAL(w, "</section>");
    write_section(&p, "", "budgets", WORD_BUDGETS);
    write_cards(&p, "budget", c->budget_count);
    WRITE_LITERAL(w, "</section><div class=\"two\">");
    write_section(&p, "", "guards", WORD_GUARDS);
    write_part(&p, "div", "guards", " class=\"card\"");
    WRITE_LITERAL(w, "</section>");
    write_section(&p, "", "timeline", WORD_TIMELINE);
    write_part(&p, "div", "timeline", " class=\"card\"");
    write_link(&p, "", "/timeline", WORD_OLDER);
    WRITE_LITERAL(w, "</section></div>");
    write_paragraph(&p, "soft", WORD_UTC);
    return page_end(&p, MHD_HTTP_OK);
}
