#include "front/front.h"

#define ACCEPT_JSON "application/json"
#define ACCEPT_HTML "text/html"

/* ---- What the reader asked for --------------------------------------------------------------- */

static bool header_has(const ngx_table_elt_t *header, const char *word, size_t length)
{
    return ngx_strlcasestrn(header->value.data, header->value.data + header->value.len,
                            (u_char *)(uintptr_t)word, length - 1) != NULL;
}

enum answer_form front_form(ngx_http_request_t *r, const struct front_location *location)
{
    if (location->typed && location->form == FRONT_FORM_JSON)
        return ANSWER_JSON;
    const ngx_table_elt_t *accept = r->headers_in.accept;
    if ((location->typed && location->form == FRONT_FORM_HTML) || !accept)
        return ANSWER_HTML;
    bool json = header_has(accept, ACCEPT_JSON, sizeof ACCEPT_JSON - 1) &&
                !header_has(accept, ACCEPT_HTML, sizeof ACCEPT_HTML - 1);
    return json ? ANSWER_JSON : ANSWER_HTML;
}

struct front_wish front_wish(ngx_http_request_t *r)
{
    ngx_str_t parameter = ngx_null_string;
    struct front_wish wish = {.header = {"", 0}};
    if (r->args.len)
        ngx_http_arg(r, (u_char *)"lang", 4, &parameter);
    wish.parameter = front_text(parameter);
    if (r->headers_in.accept_language)
        wish.header = front_text(r->headers_in.accept_language->value);
    return wish;
}

enum language front_choose(const struct front_wish *wish)
{
    enum { PLACES = 64, LONGEST = 54 };
    static struct {
        uint64_t generation;
        uint8_t length, language;
        char header[LONGEST];
    } remembered[PLACES];
    struct text header = wish->header;
    if (wish->parameter.length == 0 && header.length == 0)
        return front.contract->first_language;
    if (wish->parameter.length || header.length > LONGEST)
        return answer_language(front.contract, wish->parameter, header);
    unsigned place =
        ((unsigned char)header.data[0] * 7U + (unsigned char)header.data[header.length - 1] * 3U +
         (unsigned char)header.data[header.length / 2] + (unsigned)header.length) %
        PLACES;
    if (remembered[place].generation == front.running &&
        remembered[place].length == header.length &&
        memcmp(remembered[place].header, header.data, header.length) == 0)
        return (enum language)remembered[place].language;
    enum language language = answer_language(front.contract, wish->parameter, header);
    remembered[place].generation = front.running;
    remembered[place].length = (uint8_t)header.length;
    remembered[place].language = (uint8_t)language;
    memcpy(remembered[place].header, header.data, header.length);
    return language;
}

struct language_call {
    struct front_wish wish;
    enum language language;
};

static void language_now(void *argument)
{
    struct language_call *call = argument;
    call->language = front_choose(&call->wish);
}

enum language front_language(ngx_http_request_t *r)
{
    struct language_call call = {front_wish(r), front.contract->first_language};
    front_guarded(language_now, &call);
    return call.language;
}

/* ---- Headers and body ------------------------------------------------------------------------ */

const struct front_answer *front_prepared(enum answer_kind kind, enum answer_form form,
                                          enum language language)
{
    static struct {
        uint64_t generation;
        struct front_answer answer;
    } prepared[ANSWER_HELD + 1][ANSWER_JSON + 1][LANGUAGE_COUNT];
    must((unsigned)kind <= ANSWER_HELD && (unsigned)form <= ANSWER_JSON &&
         (unsigned)language < LANGUAGE_COUNT);
    if (prepared[kind][form][language].generation != front.running) {
        struct front_answer *answer = &prepared[kind][form][language].answer;
        answer->body = answer_static(kind, form, language, &answer->about);
        answer->lasting = true;
        if (kind == ANSWER_NOTICE)
            answer->about.retry_after = FRONT_NOTICE_RETRY_SECONDS;
        prepared[kind][form][language].generation = front.running;
    }
    return &prepared[kind][form][language].answer;
}

struct static_call {
    enum answer_kind kind;
    enum answer_form form;
    enum language language;
    struct front_answer *out;
};

static void static_now(void *argument)
{
    struct static_call *call = argument;
    *call->out = *front_prepared(call->kind, call->form, call->language);
}

void front_static(enum answer_kind kind, enum answer_form form, enum language language,
                  struct front_answer *out)
{
    struct static_call call = {kind, form, language, out};
    *out =
        (struct front_answer){.lasting = true, .about = {.status = NGX_HTTP_SERVICE_UNAVAILABLE}};
    front_guarded(static_now, &call);
}

static ngx_table_elt_t *push(ngx_http_request_t *r, const char *name, size_t name_length,
                             struct text value)
{
    ngx_table_elt_t *header = ngx_list_push(&r->headers_out.headers);
    if (!header)
        return NULL;
    header->hash = 1;
    header->key.data = (u_char *)(uintptr_t)name;
    header->key.len = name_length;
    header->value.data = (u_char *)(uintptr_t)value.data;
    header->value.len = value.length;
    header->lowcase_key = NULL; /* HTTP/2 lower-cases as it writes */
    return header;
}

ngx_int_t front_push_header(ngx_http_request_t *r, const char *name, size_t name_length,
                            struct text value)
{
    if (value.length == 0)
        return NGX_OK;
    return push(r, name, name_length, value) ? NGX_OK : NGX_ERROR;
}

static ngx_int_t push_retry_after(ngx_http_request_t *r, uint32_t seconds)
{
    u_char *room = ngx_pnalloc(r->pool, NGX_INT32_LEN);
    if (!room)
        return NGX_ERROR;
    u_char *end = room + NGX_INT32_LEN, *at = end;
    do {
        *--at = (u_char)('0' + seconds % 10);
    } while (seconds /= 10);
    return front_push_header(r, "Retry-After", sizeof "Retry-After" - 1,
                             (struct text){(const char *)at, (size_t)(end - at)});
}

static ngx_int_t push_etag(ngx_http_request_t *r, const struct answer *about)
{
    size_t length = strlen(about->etag);
    u_char *copy = ngx_pnalloc(r->pool, length);
    if (!copy)
        return NGX_ERROR;
    memcpy(copy, about->etag, length);
    r->headers_out.etag = push(r, "ETag", 4, (struct text){(const char *)copy, length});
    return r->headers_out.etag ? NGX_OK : NGX_ERROR;
}

/* The headers that depend on nothing but what kind of page it is; all texts are static. */
static unsigned lay_out(const struct answer *about, ngx_table_elt_t *header)
{
    unsigned count = 0;
#define LAY(name, text)                                                                            \
    if ((text).length)                                                                             \
        header[count++] =                                                                          \
            (ngx_table_elt_t){.hash = 1,                                                           \
                              .key = ngx_string(name),                                             \
                              .value = {(text).length, (u_char *)(uintptr_t)(text).data}};
    LAY("Content-Language", about->content_language)
    LAY("Cache-Control", about->cache_control)
    LAY("Content-Security-Policy", about->policy)
    LAY("X-Robots-Tag", about->robots)
#define X(name, value) LAY(name, TEXT(value))
    ANSWER_HEADERS(X)
#undef X
#undef LAY
    return count;
}

enum { MOST_HEADERS = 12, JOINED_SIZE = 1024 };

/* Laid out once for each combination that occurs, and found again by the texts' addresses. `joined`
 * is all of them as one header whose value goes on over several lines: nginx writes it out in one
 * piece, where each header of its own costs a flood's refusal 70 instructions
 * (docs/decisions/front-refusal.md). HTTP/2 has no lines and gets them one by one. */
struct layout {
    struct text language, cache, policy, robots;
    const char *type;
    size_t type_length; /* without its parameters: what gzip_types compares */
    unsigned count;
    ngx_table_elt_t header[MOST_HEADERS];
    ngx_table_elt_t joined;
    char text[JOINED_SIZE];
};

static void join(struct layout *layout)
{
    struct writer w = writer_on(layout->text, sizeof layout->text);
    for (unsigned i = 0; i < layout->count; i++) {
        if (i > 0) {
            WRITE_LITERAL(&w, "\r\n");
            write_text(&w, front_text(layout->header[i].key));
            WRITE_LITERAL(&w, ": ");
        }
        write_text(&w, front_text(layout->header[i].value));
    }
    layout->joined = layout->header[0];
    layout->joined.value = (ngx_str_t){w.length, (u_char *)layout->text};
    if (w.overflow)
        layout->joined.hash = 0;
}

static bool same(const struct layout *layout, const struct answer *about)
{
    return layout->language.data == about->content_language.data &&
           layout->cache.data == about->cache_control.data &&
           layout->policy.data == about->policy.data && layout->robots.data == about->robots.data &&
           layout->type == about->content_type.data;
}

static const struct layout *layout_of(const struct answer *about)
{
    enum { PLACES = 64 };
    static struct layout known[PLACES];
    static unsigned next;
    for (unsigned i = 0; i < PLACES; i++)
        if (known[i].count && same(&known[i], about))
            return &known[i];
    struct layout *layout = &known[next++ % PLACES];
    layout->language = about->content_language;
    layout->cache = about->cache_control;
    layout->policy = about->policy;
    layout->robots = about->robots;
    layout->type = about->content_type.data;
    const char *parameters = memchr(about->content_type.data, ';', about->content_type.length);
    layout->type_length =
        parameters ? (size_t)(parameters - layout->type) : about->content_type.length;
    layout->count = lay_out(about, layout->header);
    join(layout);
    return layout;
}

static ngx_int_t push_layout(ngx_http_request_t *r, const struct answer *about)
{
    const struct layout *layout = layout_of(about);
    r->headers_out.content_type_len = layout->type_length;
#if (NGX_HTTP_V2)
    bool lines = r->stream == NULL;
#else
    bool lines = true;
#endif
    const ngx_table_elt_t *from = layout->header;
    unsigned count = layout->count;
    if (lines && layout->joined.hash) {
        from = &layout->joined;
        count = 1;
    }
    for (unsigned i = 0; i < count; i++) {
        ngx_table_elt_t *to = ngx_list_push(&r->headers_out.headers);
        if (!to)
            return NGX_ERROR;
        *to = from[i];
    }
    return NGX_OK;
}

ngx_int_t front_set_headers(ngx_http_request_t *r, const struct answer *about, size_t length)
{
    ngx_http_headers_out_t *out = &r->headers_out;
    out->status = about->status;
    out->status_line.len = 0;
    out->content_length_n = (off_t)length;
    out->content_type =
        (ngx_str_t){about->content_type.length, (u_char *)(uintptr_t)about->content_type.data};
    out->content_type_lowcase = NULL;
    if (about->last_modified)
        out->last_modified_time = about->last_modified;
    if (about->etag[0] && push_etag(r, about) != NGX_OK)
        return NGX_ERROR;
    if (about->retry_after && push_retry_after(r, about->retry_after) != NGX_OK)
        return NGX_ERROR;
    return push_layout(r, about);
}

ngx_int_t front_send(ngx_http_request_t *r, const struct front_answer *answer)
{
    if (front_set_headers(r, &answer->about, answer->body.length) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    ngx_int_t rc = ngx_http_send_header(r);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only)
        return rc;
    ngx_buf_t *buffer;
    if (answer->lasting) {
        buffer = ngx_calloc_buf(r->pool);
        if (!buffer)
            return NGX_ERROR;
        buffer->pos = buffer->start = (u_char *)(uintptr_t)answer->body.data;
        buffer->last = buffer->end = buffer->pos + answer->body.length;
        buffer->memory = answer->body.length > 0;
    } else {
        buffer = ngx_create_temp_buf(r->pool, answer->body.length);
        if (!buffer)
            return NGX_ERROR;
        buffer->last = ngx_cpymem(buffer->pos, answer->body.data, answer->body.length);
    }
    buffer->last_buf = 1;
    buffer->last_in_chain = 1;
    ngx_chain_t out = {buffer, NULL};
    return ngx_http_output_filter(r, &out);
}

/* ---- Pages ----------------------------------------------------------------------------------- */

ngx_int_t front_page(ngx_http_request_t *r)
{
    const struct front_location *location = front_location_of(r);
    struct front_answer answer;
    if (!front_ready())
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    if (location->page == ANSWER_HOME && !(r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)))
        return NGX_HTTP_NOT_ALLOWED;
    ngx_int_t rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK)
        return rc;
    front_static((enum answer_kind)location->page, front_form(r, location), front_language(r),
                 &answer);
    if (location->page == ANSWER_NOTICE)
        front_count(COUNTER_NOTICES);
    return front_send(r, &answer);
}
