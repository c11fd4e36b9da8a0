/* What is said to who does not go on: a page for people, a few words for programs. gate/challenge.h
 * is the manual of the pages. */
#include "gate/challenge.h"
#include "front/front.h"
#include "gate/cookie.h"
#include "gate/ticket.h"

enum {
    /* Seconds: a puzzle takes less, so that who can solve does. When the page comes back the ticket
     * is ripe, whatever was rounded. */
    TICKET_WAIT = CHALLENGE_USUAL_SECONDS - 1,
    BUSY_WAIT = 5,    /* seconds */
    SPREAD = 4,       /* who was told at one moment does not come back as one */
    PROGRAM_WAIT = 30 /* seconds */
};

/* A page's parts: the slot is in a buffer of this worker, to be copied before another is made. */
enum { OPEN, SLOT, CLOSE, PARTS };

/* What is being said, kept while a form's body is read. */
struct front_challenge {
    const struct caller *caller;
    enum challenge_kind kind;
    enum challenge_form form;
    enum language language;
    uint32_t seconds;
    const struct challenge_page *page;
    struct text body; /* of the form that is given back */
    struct text part[PARTS];
    size_t ticket_length;
    char ticket[COOKIE_LINE_MAX]; /* a Set-Cookie value */
};

/* ---- What the request is --------------------------------------------------------------------- */

/* What browsers say of themselves beyond what nginx keeps; length 0: nothing was said. */
struct said {
    struct text site, mode, origin; /* Sec-Fetch-Site, Sec-Fetch-Mode, Origin */
};

static void read_said(ngx_http_request_t *r, struct said *out)
{
    static const struct {
        ngx_str_t name;
        size_t offset;
    } names[] = {{ngx_string("sec-fetch-site"), offsetof(struct said, site)},
                 {ngx_string("sec-fetch-mode"), offsetof(struct said, mode)},
                 {ngx_string("origin"), offsetof(struct said, origin)}};
    memset(out, 0, sizeof *out);
    for (const ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next) {
        const ngx_table_elt_t *header = part->elts;
        for (ngx_uint_t i = 0; i < part->nelts; i++)
            for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
                if (header[i].key.len == names[n].name.len &&
                    memcmp(header[i].lowcase_key, names[n].name.data, names[n].name.len) == 0)
                    *(struct text *)(void *)((char *)out + names[n].offset) =
                        front_text(header[i].value);
    }
}

/* Of an absolute address: what stands after "scheme://". */
static bool after_scheme(struct text *address)
{
    static const char mark[] = "://";
    const char *found =
        address->length ? memmem(address->data, address->length, mark, sizeof mark - 1) : NULL;
    if (!found)
        return false;
    size_t start = (size_t)(found - address->data) + sizeof mark - 1;
    *address = (struct text){address->data + start, address->length - start};
    return true;
}

static bool begins_with_host(ngx_http_request_t *r, struct text *address)
{
    if (!r->headers_in.host || !after_scheme(address))
        return false;
    ngx_str_t host = r->headers_in.host->value;
    if (address->length < host.len ||
        ngx_strncasecmp((u_char *)(uintptr_t)address->data, host.data, host.len) != 0)
        return false;
    *address = (struct text){address->data + host.len, address->length - host.len};
    return true;
}

/* Whether the form was sent from a page of this very site. Otherwise giving it back would launder
 * it: what another site made a browser send would be sent again as ours, with the cookies that
 * SameSite keeps from the other site, and with our Origin. */
static bool from_here(ngx_http_request_t *r, const struct said *said)
{
    struct text origin = said->origin;
    if (said->site.length && !text_is(said->site, "same-origin"))
        return false;
    if (origin.length)
        return begins_with_host(r, &origin) && origin.length == 0;
    if (said->site.length)
        return true;
    if (!r->headers_in.referer) /* who says nothing of where it comes from */
        return false;
    struct text referer = front_text(r->headers_in.referer->value);
    return begins_with_host(r, &referer) && referer.length && referer.data[0] == '/';
}

static bool is_form(const ngx_table_elt_t *type)
{
    static const char form[] = "application/x-www-form-urlencoded";
    const size_t length = sizeof form - 1;
    return type && type->value.len >= length &&
           ngx_strncasecmp(type->value.data, (u_char *)(uintptr_t)form, length) == 0 &&
           (type->value.len == length || type->value.data[length] == ';' ||
            type->value.data[length] == ' ');
}

static bool has_cookie(ngx_http_request_t *r)
{
    struct cookies cookies = {0};
    ngx_table_elt_t *const *line = r->headers_in.cookies.elts;
    for (ngx_uint_t i = 0; i < r->headers_in.cookies.nelts; i++)
        cookies_read(front_text(line[i]->value), &cookies);
    return cookies.pass.length || cookies.proof.length || cookies.ticket.length;
}

/* A page that reloaded itself, and the cookie that it gave did not come with it. */
static bool came_back_bare(ngx_http_request_t *r)
{
    if (!r->headers_in.referer || has_cookie(r))
        return false;
    struct text referer = front_text(r->headers_in.referer->value);
    return begins_with_host(r, &referer) && text_equal(referer, front_text(r->unparsed_uri));
}

/* ---- What is said ---------------------------------------------------------------------------- */

static bool is_busy(enum gate_rule rule)
{
    return rule == GATE_RULE_WAITED_OUT || rule == GATE_RULE_PUSHED_OUT;
}

/* Kinds stand in threes: without a body, with one that is given back, with one that is lost. */
static enum challenge_kind kind_with(enum challenge_kind kind, unsigned body)
{
    return (enum challenge_kind)((unsigned)kind + body);
}
_Static_assert(CHALLENGE_PUZZLE_OFFER == CHALLENGE_PUZZLE + 1 &&
                   CHALLENGE_PUZZLE_RESEND == CHALLENGE_PUZZLE + 2 &&
                   CHALLENGE_BUSY_OFFER == CHALLENGE_BUSY + 1 &&
                   CHALLENGE_BUSY_RESEND == CHALLENGE_BUSY + 2,
               "kinds stand in threes");
enum { BODY_NONE, BODY_OFFERED, BODY_LOST };

static uint32_t spread(uint32_t seconds)
{
    return seconds + (uint32_t)(ngx_current_msec % SPREAD);
}

static enum challenge_form words_form(ngx_http_request_t *r, const struct front_location *location)
{
    return front_form(r, location) == ANSWER_JSON ? CHALLENGE_JSON : CHALLENGE_TEXT;
}

/* To a page: its form and kind, before the body is known. */
static void choose_page(ngx_http_request_t *r, enum gate_rule rule, const struct said *said,
                        struct front_challenge *to)
{
    bool busy = is_busy(rule);
    to->kind = busy ? CHALLENGE_BUSY : CHALLENGE_PUZZLE;
    to->seconds = busy ? spread(BUSY_WAIT) : CHALLENGE_USUAL_SECONDS;
    if (r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) {
        if (!busy && came_back_bare(r))
            to->kind = CHALLENGE_COOKIES;
        return;
    }
    bool small =
        r->headers_in.content_length_n > 0 && r->headers_in.content_length_n <= CHALLENGE_BODY_MAX;
    bool offered = r->method == NGX_HTTP_POST && small && is_form(r->headers_in.content_type) &&
                   from_here(r, said);
    to->kind = kind_with(to->kind, offered ? BODY_OFFERED : BODY_LOST);
}

static void choose(ngx_http_request_t *r, const struct front_location *location,
                   enum gate_rule rule, struct front_challenge *to)
{
    struct said said;
    bool page = to->caller->html;
    if (page) {
        read_said(r, &said);
        page = !said.mode.length || text_is(said.mode, "navigate");
    }
    if (page) {
        to->form = CHALLENGE_HTML;
        choose_page(r, rule, &said, to);
        return;
    }
    to->form = words_form(r, location);
    to->kind = is_busy(rule) ? CHALLENGE_BUSY : CHALLENGE_PUZZLE;
    to->seconds = spread(is_busy(rule) ? BUSY_WAIT : PROGRAM_WAIT);
}

/* ---- Making it ------------------------------------------------------------------------------- */

static char scratch[CHALLENGE_FIELDS_SIZE + CHALLENGE_SLOT_SIZE];

/* A Set-Cookie value with a place for a ticket's text: made once, since a flood gets thousands. */
static const char *ticket_line(bool secure, size_t *length, size_t *place)
{
    static struct {
        char line[COOKIE_LINE_MAX];
        size_t length;
    } made[2];
    static const char blank[TICKET_TEXT_LENGTH];
    if (!made[secure].length)
        made[secure].length =
            cookie_line(COOKIE_TICKET, (struct text){blank, sizeof blank},
                        CHALLENGE_USUAL_SECONDS + TICKET_LIFE_SECONDS, secure, made[secure].line);
    *length = made[secure].length;
    *place = sizeof COOKIE_TICKET; /* its name and the equals sign */
    return made[secure].line;
}

/* A ticket that is shown and not ripe keeps its place. */
static void make_ticket(ngx_http_request_t *r, struct front_challenge *to)
{
    unsigned left = front_ticket_lacks(r);
    if (left) {
        to->seconds = left + 1;
        return;
    }
    size_t length, place;
    const char *line = ticket_line(front_is_secure(r), &length, &place);
    memcpy(to->ticket, line, length);
    if (ticket_write(front_keyring(), TICKET_WAIT, to->caller->wide, ngx_time(),
                     to->ticket + place) == TICKET_TEXT_LENGTH)
        to->ticket_length = length;
}

struct make_call {
    ngx_http_request_t *request;
    struct front_challenge *to;
    struct front_wish wish;
};

static bool is_puzzle(enum challenge_kind kind)
{
    return kind == CHALLENGE_PUZZLE || kind == CHALLENGE_PUZZLE_OFFER ||
           kind == CHALLENGE_PUZZLE_RESEND;
}

static struct text make_puzzle(const struct front_challenge *to, unsigned *bits,
                               char out[PUZZLE_TEXT_LENGTH])
{
    *bits = front_puzzle_bits(to->caller);
    size_t length = puzzle_write(front_keyring(), *bits, to->caller->wide, ngx_time(), out);
    return (struct text){out, length};
}

static void make_slot(struct front_challenge *to)
{
    char puzzle[PUZZLE_TEXT_LENGTH];
    struct challenge_slot slot = {.seconds = to->seconds};
    struct writer fields = writer_on(scratch, CHALLENGE_FIELDS_SIZE);
    if (to->body.length && !challenge_fields(to->body, &fields))
        to->kind = kind_with(to->kind, 1); /* offered no more, but lost */
    slot.fields = (struct text){fields.data, fields.length};
    to->page = challenge_page(to->kind, to->form, to->language);
    if (is_puzzle(to->kind))
        slot.puzzle = make_puzzle(to, &slot.bits, puzzle);
    struct writer w = writer_on(scratch + fields.length, sizeof scratch - fields.length);
    challenge_write(&w, to->kind, to->language, &slot);
    must(!w.overflow);
    to->part[OPEN] = to->page->open;
    to->part[SLOT] = (struct text){w.data, w.length};
    to->part[CLOSE] = to->page->close;
}

static void make_quick(struct front_challenge *to)
{
    char puzzle[PUZZLE_TEXT_LENGTH];
    unsigned bits;
    struct text text = make_puzzle(to, &bits, puzzle);
    to->part[OPEN] = to->page->quick_open;
    to->part[SLOT] = (struct text){scratch, challenge_quick(bits, text, scratch)};
    to->part[CLOSE] = to->page->quick_close;
}

static void make_now(void *argument)
{
    struct make_call *call = argument;
    struct front_challenge *to = call->to;
    to->language = front_choose(&call->wish);
    if (is_puzzle(to->kind) && keyring_signs(front_keyring(), ngx_time()) < 0)
        to->kind = (enum challenge_kind)((unsigned)to->kind + CHALLENGE_BUSY - CHALLENGE_PUZZLE);
    to->page = challenge_page(to->kind, to->form, to->language);
    to->part[OPEN] = to->page->open;
    if (to->form != CHALLENGE_HTML)
        return;
    if (is_puzzle(to->kind) || to->kind == CHALLENGE_COOKIES)
        make_ticket(call->request, to);
    if (to->kind == CHALLENGE_PUZZLE && to->seconds == CHALLENGE_USUAL_SECONDS)
        make_quick(to);
    else if (to->page->has_slot)
        make_slot(to);
}

/* ---- Sending --------------------------------------------------------------------------------- */

/* All that nginx needs of a page of three parts, in one piece of memory. */
struct parcels {
    ngx_chain_t link[PARTS];
    ngx_buf_t buffer[PARTS];
    u_char copy[]; /* the slot, then the cookie */
};

static ngx_chain_t *pack(struct parcels *to, const struct front_challenge *from, size_t *length)
{
    unsigned count = 0;
    *length = 0;
    for (unsigned i = 0; i < PARTS; i++) {
        struct text part = from->part[i];
        if (!part.length)
            continue;
        ngx_buf_t *buffer = &to->buffer[count];
        memset(buffer, 0, sizeof *buffer);
        buffer->pos = (u_char *)(uintptr_t)part.data;
        if (i == SLOT)
            buffer->pos = memcpy(to->copy, part.data, part.length);
        buffer->start = buffer->pos;
        buffer->last = buffer->end = buffer->pos + part.length;
        buffer->memory = 1;
        to->link[count] = (ngx_chain_t){buffer, NULL};
        if (count)
            to->link[count - 1].next = &to->link[count];
        *length += part.length;
        count++;
    }
    to->buffer[count - 1].last_buf = 1;
    to->buffer[count - 1].last_in_chain = 1;
    return to->link;
}

static ngx_int_t send_parts(ngx_http_request_t *r, const struct front_challenge *to)
{
    struct answer about = to->page->about;
    size_t length, slot = to->part[SLOT].length;
    struct parcels *parcels = ngx_palloc(r->pool, sizeof *parcels + slot + to->ticket_length);
    if (!parcels)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    ngx_chain_t *chain = pack(parcels, to, &length);
    if (to->ticket_length) {
        struct text cookie = {memcpy(parcels->copy + slot, to->ticket, to->ticket_length),
                              to->ticket_length};
        if (front_push_header(r, "Set-Cookie", sizeof "Set-Cookie" - 1, cookie) != NGX_OK)
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    about.retry_after = to->kind == CHALLENGE_LANE ? 0 : to->seconds;
    if (front_set_headers(r, &about, length) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    ngx_int_t rc = ngx_http_send_header(r);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only)
        return rc;
    return ngx_http_output_filter(r, chain);
}

static ngx_int_t say_it(ngx_http_request_t *r, struct front_challenge *to)
{
    struct make_call call = {.request = r, .to = to, .wish = front_wish(r)};
    if (!front_guarded(make_now, &call))
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    return send_parts(r, to);
}

/* ---- A form's body --------------------------------------------------------------------------- */

/* Whole and in memory; empty when it is not. */
static struct text body_of(ngx_http_request_t *r)
{
    static char body[CHALLENGE_BODY_MAX];
    size_t length = 0;
    for (const ngx_chain_t *link = r->request_body ? r->request_body->bufs : NULL; link;
         link = link->next) {
        size_t part = (size_t)(link->buf->last - link->buf->pos);
        if (link->buf->in_file || part > sizeof body - length)
            return (struct text){NULL, 0};
        memcpy(body + length, link->buf->pos, part);
        length += part;
    }
    return (struct text){body, length};
}

static void body_read(ngx_http_request_t *r)
{
    struct front_context *context = front_context_find(r);
    struct front_challenge *to = context ? context->challenge : NULL;
    if (!to) { /* cannot be: it was set before the reading began */
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }
    to->body = body_of(r);
    if (!to->body.length)
        to->kind = kind_with(to->kind, 1);
    ngx_http_finalize_request(r, say_it(r, to));
}

static ngx_int_t read_body(ngx_http_request_t *r, const struct front_challenge *from)
{
    struct front_context *context = front_context_take(r);
    struct front_challenge *kept = context ? ngx_palloc(r->pool, sizeof *kept) : NULL;
    if (!kept)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    *kept = *from;
    kept->caller = front_caller(r); /* the one that stays: there is a context now */
    context->challenge = kept;
    ngx_int_t rc = ngx_http_read_client_request_body(r, body_read);
    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}

static void begin(ngx_http_request_t *r, struct front_challenge *to)
{
    memset(to, 0, offsetof(struct front_challenge, ticket));
    to->caller = front_caller(r);
}

static ngx_int_t say_without_body(ngx_http_request_t *r, struct front_challenge *to)
{
    ngx_int_t rc = ngx_http_discard_request_body(r);
    return rc == NGX_OK ? say_it(r, to) : rc;
}

ngx_int_t front_lane_closed(ngx_http_request_t *r, struct front_location *location)
{
    struct front_challenge to;
    begin(r, &to);
    to.form = to.caller->html ? CHALLENGE_HTML : words_form(r, location);
    to.kind = CHALLENGE_LANE;
    return say_without_body(r, &to);
}

ngx_int_t front_challenge(ngx_http_request_t *r, struct front_location *location,
                          enum gate_rule rule)
{
    struct front_challenge to;
    begin(r, &to);
    choose(r, location, rule, &to);
    if (to.form == CHALLENGE_HTML &&
        (to.kind == CHALLENGE_PUZZLE_OFFER || to.kind == CHALLENGE_BUSY_OFFER))
        return read_body(r, &to);
    return say_without_body(r, &to);
}
