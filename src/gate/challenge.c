#include "gate/challenge.h"

#include "gate/challenge_style.h"
#include "gate/challenge_text.h"
#include "tracking/answer_page.h"

_Static_assert(PUZZLE_ANSWER_MAX <= 55,
               "a solution is hashed in one block: challenge.js counts on it");

enum {
    ARENA_SIZE = 448 * 1024
}; /* of one generation; test_challenge fills it with the longest name */

struct generation {
    struct challenge_page page[CHALLENGE_KIND_COUNT][CHALLENGE_FORM_COUNT][LANGUAGE_COUNT];
    char arena[ARENA_SIZE];
};

/* Two, so that what was handed out stays readable while the other is prepared. */
static struct generation generations[2];
static struct generation *current;

/* ---- What each kind is made of --------------------------------------------------------------- */

#define POLICY_STYLE  "default-src 'none'; style-src " ANSWER_STYLE_HASH " " CHALLENGE_STYLE_HASH
#define POLICY_SCRIPT "; script-src " CHALLENGE_SCRIPT_HASH "; worker-src blob:; child-src blob:"
#define POLICY_REST   "; img-src data:; base-uri 'none'; frame-ancestors 'none'"

/* Where a form is offered again nothing is said of form-action: Chromium holds a form's redirects
 * to it too, and an application may answer a form by sending its reader to another host. */
static const struct text policy_still = {POLICY_STYLE POLICY_REST "; form-action 'none'",
                                         sizeof(POLICY_STYLE POLICY_REST "; form-action 'none'") -
                                             1};
static const struct text policy_script = {
    POLICY_STYLE POLICY_SCRIPT POLICY_REST "; form-action 'none'",
    sizeof(POLICY_STYLE POLICY_SCRIPT POLICY_REST "; form-action 'none'") - 1};
static const struct text policy_form = {POLICY_STYLE POLICY_SCRIPT POLICY_REST,
                                        sizeof(POLICY_STYLE POLICY_SCRIPT POLICY_REST) - 1};

/* How a page leads on by itself. */
enum way {
    WAY_NONE,
    WAY_RELOAD, /* the script reloads; without it <meta http-equiv=refresh> does */
    WAY_SEND,   /* the script sends the form; without it the reader does */
    WAY_BACK    /* the reader goes back and sends again */
};

enum { MOST_SENTENCES = 3 };
#define NO_TEXT CHALLENGE_TEXT_COUNT

static const struct kind {
    enum challenge_text title, sentence[MOST_SENTENCES];
    enum way way;
    bool script, puzzle;
} kinds[CHALLENGE_KIND_COUNT] = {
#define TEXTS(...)  .sentence = {__VA_ARGS__}
#define T(constant) CHALLENGE_TEXT_##constant
    [CHALLENGE_PUZZLE] = {T(TITLE), TEXTS(T(MANY), NO_TEXT, NO_TEXT), WAY_RELOAD, true, true},
    [CHALLENGE_PUZZLE_OFFER] = {T(TITLE), TEXTS(T(MANY), T(OFFER), NO_TEXT), WAY_SEND, true, true},
    [CHALLENGE_PUZZLE_RESEND] = {T(TITLE), TEXTS(T(MANY), T(RESEND), NO_TEXT), WAY_BACK, true,
                                 true},
    [CHALLENGE_BUSY] = {T(BUSY_TITLE), TEXTS(T(MANY), T(BUSY), NO_TEXT), WAY_RELOAD, true, false},
    [CHALLENGE_BUSY_OFFER] = {T(BUSY_TITLE), TEXTS(T(MANY), T(BUSY), T(OFFER)), WAY_SEND, true,
                              false},
    [CHALLENGE_BUSY_RESEND] = {T(BUSY_TITLE), TEXTS(T(MANY), T(BUSY), T(RESEND)), WAY_BACK, false,
                               false},
    [CHALLENGE_COOKIES] = {T(COOKIES_TITLE), TEXTS(T(MANY), T(COOKIES), NO_TEXT), WAY_NONE, false,
                           false},
    [CHALLENGE_LANE] = {T(LANE_TITLE), TEXTS(T(LANE), NO_TEXT, NO_TEXT), WAY_NONE, false, false},
#undef TEXTS
};

static const unsigned statuses[CHALLENGE_KIND_COUNT] = {
#define X(constant, status, what) [CHALLENGE_##constant] = (status),
    CHALLENGE_KINDS(X)
#undef X
};

/* ---- Parts of a page ------------------------------------------------------------------------- */

static void say(struct writer *w, enum challenge_text text, enum language language)
{
    write_html_escaped(w, challenge_text(text, language));
}

static void write_open(struct writer *w, const struct contract *c, const struct kind *kind,
                       enum language language)
{
    answer_page_open(w, language);
    say(w, kind->title, language);
    answer_page_head(w, c);
    answer_page_style(w, false);
    WRITE_LITERAL(w, "<style>" CHALLENGE_STYLE "</style>\n"
                     "<meta name=\"robots\" content=\"noindex\">\n");
}

/* From the head's end to where the seconds stand. No links to other languages: they would lose what
 * was asked for. */
static void write_middle(struct writer *w, const struct contract *c, const struct kind *kind,
                         enum language language)
{
    WRITE_LITERAL(w, "</head>\n<body>\n<header>\n<a class=\"home\" href=\"/?lang=");
    write_text(w, answer_text(ANSWER_TEXT_TAG, language));
    WRITE_LITERAL(w, "\">");
    if (c->organisation[0])
        write_html_escaped(w, text_of(c->organisation));
    else
        write_html_escaped(w, answer_text(ANSWER_TEXT_HOME_TITLE, language));
    WRITE_LITERAL(w, "</a>\n</header>\n<main id=\"main\">\n<section>\n<h1>");
    say(w, kind->title, language);
    WRITE_LITERAL(w, "</h1>\n");
    for (unsigned i = 0; i < MOST_SENTENCES && kind->sentence[i] != NO_TEXT; i++) {
        WRITE_LITERAL(w, "<p>");
        say(w, kind->sentence[i], language);
        WRITE_LITERAL(w, "</p>\n");
    }
}

/* Before the seconds, in the slot: a form's fields come first. */
static void write_wait(struct writer *w, const struct kind *kind, enum language language)
{
    if (kind->script)
        WRITE_LITERAL(w, "<noscript>");
    WRITE_LITERAL(w, "<p>");
    say(w, kind->way == WAY_RELOAD ? T(RELOADS) : T(WAIT), language);
    WRITE_LITERAL(w, " ");
}

static void write_wait_end(struct writer *w, const struct kind *kind, enum language language)
{
    static const enum challenge_text after[] = {
        [WAY_RELOAD] = T(RELOADS_AFTER), [WAY_SEND] = T(WAIT_PRESS), [WAY_BACK] = T(WAIT_BACK)};
    say(w, after[kind->way], language);
    if (kind->puzzle) {
        WRITE_LITERAL(w, " ");
        say(w, T(COMES_BACK), language);
    }
    WRITE_LITERAL(w, "</p>");
    if (kind->script)
        WRITE_LITERAL(w, "</noscript>");
    WRITE_LITERAL(w, "\n");
}

static void write_data(struct writer *w, const char *name, enum challenge_text text,
                       enum language language)
{
    WRITE_LITERAL(w, " data-");
    write_string(w, name);
    WRITE_LITERAL(w, "=\"");
    say(w, text, language);
    WRITE_LITERAL(w, "\"");
}

/* What the script shows, and what it may have to say. */
static void write_work(struct writer *w, const struct kind *kind, enum language language)
{
    static const char *const ways[] = {
        [WAY_RELOAD] = "reload", [WAY_SEND] = "send", [WAY_BACK] = "back"};
    WRITE_LITERAL(w, "<div id=\"work\" hidden>\n<p id=\"say\" role=\"status\" data-way=\"");
    write_string(w, ways[kind->way]);
    WRITE_LITERAL(w, "\"");
    write_data(w, "work", kind->puzzle ? T(WORK) : T(QUEUE), language);
    write_data(w, "done", kind->way == WAY_BACK ? T(RESEND_DONE) : T(DONE), language);
    write_data(w, "failed", T(FAILED), language);
    if (kind->way == WAY_SEND)
        write_data(w, "stopped", T(STOPPED), language);
    if (kind->puzzle)
        write_data(w, "cookies", T(COOKIES), language);
    WRITE_LITERAL(w, "></p>\n<progress id=\"bar\" value=\"0\" max=\"1\" aria-label=\"");
    say(w, T(PROGRESS), language);
    WRITE_LITERAL(w, "\"></progress>\n");
    if (kind->puzzle) {
        WRITE_LITERAL(w, "<p id=\"why\" class=\"soft\">");
        say(w, T(WHY), language);
        WRITE_LITERAL(w, "</p>\n");
    }
    WRITE_LITERAL(w, "</div>\n");
}

static void write_ways(struct writer *w, const struct kind *kind, enum language language)
{
    if (kind->way == WAY_SEND) {
        WRITE_LITERAL(w, "<div><button id=\"press\">");
        say(w, T(OFFER_BUTTON), language);
        WRITE_LITERAL(w, "</button></div>\n</form>\n");
    } else if (kind->way == WAY_BACK && kind->script) {
        WRITE_LITERAL(w, "<button id=\"press\" type=\"button\" hidden>");
        say(w, T(BACK_BUTTON), language);
        WRITE_LITERAL(w, "</button>\n");
    } else if (kind->way == WAY_RELOAD || kind == &kinds[CHALLENGE_COOKIES]) {
        WRITE_LITERAL(w, "<p id=\"retry\"");
        if (kind->script)
            WRITE_LITERAL(w, " hidden");
        WRITE_LITERAL(w, "><a href=\"\">");
        say(w, T(AGAIN), language);
        WRITE_LITERAL(w, "</a></p>\n");
    }
}

static void write_close(struct writer *w, const struct kind *kind, enum language language)
{
    if (kind->way != WAY_NONE)
        write_wait_end(w, kind, language);
    if (kind->script)
        write_work(w, kind, language);
    write_ways(w, kind, language);
    WRITE_LITERAL(w, "</section>\n</main>\n");
    if (kind->script)
        WRITE_LITERAL(w, "<script>" CHALLENGE_SCRIPT "</script>\n");
    WRITE_LITERAL(w, "</body>\n</html>\n");
}

/* ---- The slot -------------------------------------------------------------------------------- */

static void write_seconds(struct writer *w, uint32_t seconds, enum language language)
{
    write_unsigned(w, seconds);
    WRITE_LITERAL(w, "\u00a0");
    write_text(w, answer_text(seconds == 1 ? ANSWER_TEXT_SECOND : ANSWER_TEXT_SECONDS, language));
}

static void write_refresh(struct writer *w, uint32_t seconds)
{
    WRITE_LITERAL(w, "<meta http-equiv=\"refresh\" content=\"");
    write_unsigned(w, seconds);
    WRITE_LITERAL(w, "\">");
}

/* For the script: bits, seconds, puzzle. */
#define GIVEN     "<meta name=\"ecluse\" content=\""
#define GIVEN_END "\">\n"

static void write_given(struct writer *w, const struct challenge_slot *slot, uint32_t seconds)
{
    WRITE_LITERAL(w, GIVEN);
    write_unsigned(w, slot->bits);
    WRITE_LITERAL(w, " ");
    write_unsigned(w, seconds);
    WRITE_LITERAL(w, " ");
    write_text(w, slot->puzzle);
    WRITE_LITERAL(w, GIVEN_END);
}

/* What follows it: the refresh, the middle, the fields, the seconds. */
static void write_rest(struct writer *w, const struct kind *kind, enum language language,
                       struct text middle, struct text fields, uint32_t seconds)
{
    if (kind->way == WAY_RELOAD) {
        WRITE_LITERAL(w, "<noscript>");
        write_refresh(w, seconds);
        WRITE_LITERAL(w, "</noscript>\n");
    }
    write_text(w, middle);
    if (kind->way == WAY_SEND)
        write_text(w, fields);
    write_wait(w, kind, language);
    write_seconds(w, seconds, language);
}

/* ---- What is prepared ------------------------------------------------------------------------ */

static struct text since(const struct writer *w, size_t start)
{
    return (struct text){w->data + start, w->length - start};
}

static void describe(struct challenge_page *page, enum challenge_kind kind,
                     enum challenge_form form, enum language language)
{
    static const struct text types[CHALLENGE_FORM_COUNT] = {
        [CHALLENGE_HTML] = {"text/html; charset=utf-8", 24},
        [CHALLENGE_JSON] = {"application/json; charset=utf-8", 31},
        [CHALLENGE_TEXT] = {"text/plain; charset=utf-8", 25}};
    static const struct text no_store = {"no-store", 8}, noindex = {"noindex", 7};
    page->about = (struct answer){.status = statuses[kind],
                                  .content_type = types[form],
                                  .content_language = answer_text(ANSWER_TEXT_TAG, language),
                                  .cache_control = no_store,
                                  .robots = noindex};
    if (form != CHALLENGE_HTML)
        return;
    page->has_slot = kinds[kind].way != WAY_NONE;
    page->about.policy = kinds[kind].way == WAY_SEND ? policy_form
                         : kinds[kind].script        ? policy_script
                                                     : policy_still;
}

static void prepare_html(struct writer *w, const struct contract *c, enum challenge_kind kind,
                         enum language language, struct challenge_page *page)
{
    size_t start = w->length;
    write_open(w, c, &kinds[kind], language);
    if (page->has_slot) {
        page->open = since(w, start);
        if (kind == CHALLENGE_PUZZLE) {
            WRITE_LITERAL(w, GIVEN);
            page->quick_open = since(w, start);
        }
        start = w->length;
    }
    write_middle(w, c, &kinds[kind], language);
    if (page->has_slot) {
        page->middle = since(w, start);
        start = w->length;
    }
    write_close(w, &kinds[kind], language);
    if (!page->has_slot) {
        page->open = since(w, start);
        return;
    }
    page->close = since(w, start);
    if (kind == CHALLENGE_PUZZLE) {
        start = w->length;
        WRITE_LITERAL(w, GIVEN_END);
        write_rest(w, &kinds[kind], language, page->middle, (struct text){NULL, 0},
                   CHALLENGE_USUAL_SECONDS);
        write_close(w, &kinds[kind], language);
        page->quick_close = since(w, start);
    }
}

static void prepare_words(struct writer *w, enum challenge_kind kind, enum challenge_form form,
                          enum language language, struct challenge_page *page)
{
    struct text words = challenge_text(kind == CHALLENGE_LANE ? T(LANE) : T(PROGRAM), language);
    size_t start = w->length;
    if (form == CHALLENGE_JSON) {
        WRITE_LITERAL(w, "{\"status\":");
        write_unsigned(w, statuses[kind]);
        WRITE_LITERAL(w, ",\"message\":\"");
        write_json_escaped(w, words);
        WRITE_LITERAL(w, "\"}\n");
    } else {
        write_text(w, words);
        WRITE_LITERAL(w, "\n");
    }
    page->open = since(w, start);
}

void challenge_prepare(const struct contract *c)
{
    struct generation *next = current == &generations[0] ? &generations[1] : &generations[0];
    struct writer w = writer_on(next->arena, sizeof next->arena);
    memset(next->page, 0, sizeof next->page);
    for (unsigned i = 0; i < CHALLENGE_KIND_COUNT * CHALLENGE_FORM_COUNT * LANGUAGE_COUNT; i++) {
        enum language language = (enum language)(i % LANGUAGE_COUNT);
        enum challenge_form form = (enum challenge_form)(i / LANGUAGE_COUNT % CHALLENGE_FORM_COUNT);
        enum challenge_kind kind = (enum challenge_kind)(i / LANGUAGE_COUNT / CHALLENGE_FORM_COUNT);
        struct challenge_page *page = &next->page[kind][form][language];
        describe(page, kind, form, language);
        if (form == CHALLENGE_HTML)
            prepare_html(&w, c, kind, language, page);
        else
            prepare_words(&w, kind, form, language, page);
    }
    must(!w.overflow);
    current = next;
}

const struct challenge_page *challenge_page(enum challenge_kind kind, enum challenge_form form,
                                            enum language language)
{
    must(current && (unsigned)kind < CHALLENGE_KIND_COUNT &&
         (unsigned)form < CHALLENGE_FORM_COUNT && (unsigned)language < LANGUAGE_COUNT);
    return &current->page[kind][form][language];
}

void challenge_write(struct writer *w, enum challenge_kind kind, enum language language,
                     const struct challenge_slot *slot)
{
    enum { LONGEST = 3600 };
    const struct challenge_page *page = challenge_page(kind, CHALLENGE_HTML, language);
    const struct kind *made = &kinds[kind];
    uint32_t seconds = slot->seconds < 1 ? 1 : slot->seconds > LONGEST ? LONGEST : slot->seconds;
    if (!page->has_slot)
        return;
    if (made->script)
        write_given(w, slot, seconds);
    write_rest(w, made, language, page->middle, slot->fields, seconds);
}

size_t challenge_quick(unsigned bits, struct text puzzle, char out[CHALLENGE_QUICK_SIZE])
{
    _Static_assert(CHALLENGE_USUAL_SECONDS < 10, "they are one digit");
    must(bits < 100 && puzzle.length <= PUZZLE_TEXT_LENGTH);
    out[0] = (char)('0' + bits / 10);
    out[1] = (char)('0' + bits % 10);
    out[2] = out[4] = ' ';
    out[3] = '0' + CHALLENGE_USUAL_SECONDS;
    memcpy(out + 5, puzzle.data, puzzle.length);
    return 5 + puzzle.length;
}
